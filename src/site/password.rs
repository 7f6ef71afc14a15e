//! Passwords as a site keeps them: their argon2id hash (RFC 9106) in the form of the PHC string format. What a hash may cost is
//! bounded, since checking one costs what it says. Never shows a password.

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization;

/// What a new hash costs: 19 MiB and two passes, the least that is advised for logins; about as many milliseconds.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// The least and the most that a hash in a site may cost.
const LEAST_MEMORY_KIB: u32 = 7 * 1024;
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 8;

/// Of a password, in characters.
pub const SHORTEST: usize = 12;
/// In bytes: what is longer is no password.
pub const LONGEST: usize = 1024;

/// A hash that can be checked against.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Phc);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl PasswordHash {
    /// Reads a hash; the fault says what to do and never what stands there.
    pub fn read(text: &str) -> Result<Self, String> {
        let make = "; `handover people hash` makes one";
        let phc = Phc::new(text).map_err(|_| format!("this is no hash of a password{make}"))?;
        if phc.algorithm.as_str() != "argon2id" || phc.hash.is_none() || phc.salt.is_none() {
            return Err(format!("this is no argon2id hash with its salt{make}"));
        }
        let params = Params::try_from(&phc).map_err(|_| format!("this hash says impossible costs{make}"))?;
        if params.m_cost() < LEAST_MEMORY_KIB {
            return Err(format!(
                "this hash is cheap to guess (m={}, at least {LEAST_MEMORY_KIB}){make}",
                params.m_cost()
            ));
        }
        if params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > MOST_PASSES || params.p_cost() > MOST_LANES {
            return Err(format!(
                "each login with this hash would cost too much (at most m={MOST_MEMORY_KIB}, t={MOST_PASSES}, p={MOST_LANES}){make}"
            ));
        }
        Ok(Self(phc))
    }

    /// A new hash with a salt of its own. The fault says why the password is none.
    pub fn of(password: &str) -> Result<Self, String> {
        if password.chars().count() < SHORTEST {
            return Err(format!("a password has at least {SHORTEST} characters; a few words are easy to keep"));
        }
        if password.len() > LONGEST {
            return Err(format!("a password has at most {LONGEST} bytes"));
        }
        Self::salted(password, &rand::random::<[u8; 16]>())
    }

    fn salted(password: &str, salt: &[u8]) -> Result<Self, String> {
        let fault = |fault: &dyn std::fmt::Display| format!("the hash cannot be made: {fault}");
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|error| fault(&error))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_with_salt(&prepared(password), salt).map(Self).map_err(|error| fault(&error))
    }

    /// What nobody's password matches: checking it takes as long as checking one that is somebody's.
    pub fn of_nobody() -> Result<Self, String> {
        Self::salted("", &rand::random::<[u8; 16]>())
    }

    /// Whether it is the hash of this password. Takes tens of milliseconds and megabytes: not for a thread that others wait for.
    pub fn matches(&self, password: &str) -> bool {
        password.len() <= LONGEST && Argon2::default().verify_password(&prepared(password), &self.0).is_ok()
    }

    /// As it stands in a site.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

/// The same characters typed on another keyboard are the same password (RFC 8265, 4.2: normalization form C).
fn prepared(password: &str) -> Vec<u8> {
    password.nfc().collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_back_and_matches_its_password_alone() {
        let made = PasswordHash::of("plüm tree yard").unwrap();
        let read = PasswordHash::read(&made.text()).unwrap();
        assert_eq!(read, made);
        assert!(made.text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", made.text());
        assert!(read.matches("plüm tree yard") && read.matches("plu\u{308}m tree yard"), "composed or not");
        for other in ["plum tree yard", "", "plüm tree yard ", &"x".repeat(2_000_000)] {
            assert!(!read.matches(other));
        }
        assert_ne!(PasswordHash::of("plüm tree yard").unwrap(), made, "each has a salt of its own");
        assert!(!PasswordHash::of_nobody().unwrap().matches("plüm tree yard"));
        assert!(PasswordHash::of("short").unwrap_err().contains("at least 12"));
    }

    #[test]
    fn what_is_no_hash_is_refused_without_showing_it() {
        let salt = "c29tZXNhbHRzb21lc2FsdA";
        let sum = "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6MTIzNDU";
        let of = |kind: &str, costs: &str| format!("${kind}$v=19${costs}${salt}${sum}");
        for (text, why) in [
            ("hunter2 hunter2".to_string(), "no hash"),
            (of("argon2i", "m=19456,t=2,p=1"), "no argon2id"),
            ("$argon2id$v=19$m=19456,t=2,p=1".to_string(), "no argon2id hash with its salt"),
            (of("argon2id", "m=64,t=2,p=1"), "cheap"),
            (of("argon2id", "m=4000000,t=2,p=1"), "cost too much"),
            (of("argon2id", "m=19456,t=99,p=1"), "cost too much"),
        ] {
            let told = PasswordHash::read(&text).unwrap_err();
            assert!(told.contains(why) && !told.contains("hunter2") && !told.contains(sum), "{text}: {told}");
        }
    }

    /// Made by the reference implementation of argon2 with the same salt and costs.
    #[test]
    fn hashes_are_those_that_others_make() {
        let other = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$DgJrXhe5lBoB7rVg/4aMMAOdms6GB7WAitZ8hXFfS2w";
        assert!(PasswordHash::read(other).unwrap().matches("plum tree yard"));
        assert_eq!(PasswordHash::salted("plum tree yard", b"somesaltsomesalt").unwrap().text(), other);
    }
}
