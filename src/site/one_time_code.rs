//! Codes from a phone that hold for half a minute (TOTP, RFC 6238, over HMAC-SHA-1 as every authenticator app does it), and the
//! address that shows an app the secret. Which codes were used already is for the caller to remember.

use aws_lc_rs::hmac;
use jiff::Timestamp;

/// Seconds that one code holds.
pub const STEP_SECS: i64 = 30;
/// Clocks of phones differ: the code before and the one after are taken, too.
const DRIFT: i64 = 1;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// RFC 4226, 4: at least 128 bits; 160 are advised.
const LEAST_BYTES: usize = 16;
const MOST_BYTES: usize = 64;

/// The secret that a phone and the site share.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeSecret(Vec<u8>);

impl std::fmt::Debug for CodeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeSecret")
    }
}

impl CodeSecret {
    pub fn new() -> Self {
        Self(rand::random::<[u8; 20]>().to_vec())
    }

    /// Reads base 32 (RFC 4648, 6) as people copy it: small letters, blanks and missing padding are fine. The fault never shows it.
    pub fn read(text: &str) -> Result<Self, String> {
        let make = "; `handover people totp NAME` makes one";
        let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
        let signs = text.trim().trim_end_matches('=').bytes().filter(|sign| !matches!(sign, b' ' | b'-'));
        for sign in signs {
            let value = ALPHABET.iter().position(|known| *known == sign.to_ascii_uppercase());
            let value = value.and_then(|value| u32::try_from(value).ok());
            let value = value.ok_or_else(|| format!("this is no secret in base 32 (A to Z, 2 to 7){make}"))?;
            (held, bits) = ((held << 5) | value, bits + 5);
            if bits >= 8 {
                bits -= 8;
                bytes.push((held >> bits).to_be_bytes()[3]);
                held &= (1 << bits) - 1;
            }
        }
        if !(LEAST_BYTES..=MOST_BYTES).contains(&bytes.len()) {
            return Err(format!("this secret has {} bytes; one has {LEAST_BYTES} to {MOST_BYTES}{make}", bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// In base 32, as it stands in a site and is typed into a phone.
    pub fn text(&self) -> String {
        let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
        let mut put = |value: u32| {
            text.extend(usize::try_from(value & 31).ok().and_then(|at| ALPHABET.get(at)).map(|sign| char::from(*sign)));
        };
        for byte in &self.0 {
            (held, bits) = ((held << 8) | u32::from(*byte), bits + 8);
            while bits >= 5 {
                bits -= 5;
                put(held >> bits);
            }
            held &= (1 << bits) - 1;
        }
        if bits > 0 {
            put(held << (5 - bits));
        }
        text
    }

    /// What an authenticator app reads, as a QR code or by a tap (the otpauth key format).
    pub fn address(&self, issuer: &str, login: &str) -> String {
        let escaped = |text: &str| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
            text.bytes()
                .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
                .collect::<String>()
        };
        let (issuer, login) = (escaped(issuer), escaped(login));
        format!(
            "otpauth://totp/{issuer}:{login}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            self.text()
        )
    }

    /// The step whose code this is, now or one step away; none where it is none.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code: String = code.chars().filter(|sign| !sign.is_whitespace()).collect();
        let at = now.as_second().div_euclid(STEP_SECS);
        let is_code = code.len() == 6 && code.bytes().all(|sign| sign.is_ascii_digit());
        (at - DRIFT..=at + DRIFT).find(|step| {
            let is_same =
                aws_lc_rs::constant_time::verify_slices_are_equal(self.code(*step).as_bytes(), code.as_bytes()).is_ok();
            is_code && is_same
        })
    }

    /// The six digits of a step (RFC 4226, 5.3).
    pub fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let sum = hmac::sign(&key, &step.to_be_bytes());
        let offset = usize::from(sum.as_ref().last().copied().unwrap_or_default() & 0x0F);
        let four = sum.as_ref().iter().skip(offset).take(4).fold(0_u32, |held, byte| (held << 8) | u32::from(*byte));
        format!("{:06}", (four & 0x7FFF_FFFF) % 1_000_000)
    }
}

impl Default for CodeSecret {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of RFC 6238's appendix B, in its last six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = CodeSecret(b"12345678901234567890".to_vec());
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.code(second / STEP_SECS), code, "{second}");
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(secret.step_of(code, now), Some(second / STEP_SECS));
            assert_eq!(secret.step_of(&format!(" {} {}", &code[..3], &code[3..]), now), Some(second / STEP_SECS));
            let later = Timestamp::from_second(second + 2 * STEP_SECS).unwrap();
            assert_eq!(secret.step_of(code, later), None, "a minute later it is none");
        }
        for none in ["", "28708", "2870822", "28708a", "２８７０８２"] {
            assert_eq!(secret.step_of(none, Timestamp::from_second(59).unwrap()), None, "{none}");
        }
    }

    #[test]
    fn a_secret_is_read_as_people_copy_it() {
        let secret = CodeSecret(b"12345678901234567890".to_vec());
        assert_eq!(secret.text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for written in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ==",
        ] {
            assert_eq!(CodeSecret::read(written).unwrap(), secret, "{written}");
        }
        for length in LEAST_BYTES..=MOST_BYTES {
            let secret = CodeSecret((0..length).map(|byte| u8::try_from(byte * 37 % 256).unwrap()).collect());
            assert_eq!(CodeSecret::read(&secret.text()).unwrap(), secret, "{length}");
        }
        assert!(CodeSecret::read("GEZDGNBV").unwrap_err().contains("5 bytes"));
        assert!(CodeSecret::read("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQ018").unwrap_err().contains("base 32"));
        let address = secret.address("Riverside Care", "nbrooks");
        assert!(address.starts_with("otpauth://totp/Riverside%20Care:nbrooks?secret=GEZDGNBV"), "{address}");
    }
}
