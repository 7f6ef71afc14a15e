//! Who may see the pages: a one-time link, printed at start or by `handover console`, becomes a session cookie.
//! Links and sessions live in memory: a restart ends them all.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

/// How long a link waits to be opened, and how long a session lasts without use.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(12);
const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(12);
/// More people than look at one gateway; the oldest session ends when one more comes.
const MOST_SESSIONS: usize = 256;

/// Of the name that a person gives, in characters.
const LONGEST_NAME: usize = 60;

/// The cookie's name.
pub(super) const COOKIE: &str = "handover-session";

/// A person who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The name given at the login: nobody vouches for it until there are accounts.
    pub name: String,
    /// Every form must send this back, so that no other site can press our buttons.
    pub form_key: String,
    expires: Timestamp,
}

impl Person {
    /// How audit entries name the person.
    pub(super) fn agent(&self) -> String {
        format!("console:{}", self.name)
    }
}

/// The name as it is kept: white space and control characters count as one space. None for what is no name.
pub(super) fn name_of(given: &str) -> Option<String> {
    let words = given.split(|sign: char| sign.is_whitespace() || sign.is_control()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join(" ");
    let fits = name.chars().any(char::is_alphabetic) && (2..=LONGEST_NAME).contains(&name.chars().count());
    fits.then_some(name)
}

/// Open links and running sessions.
#[derive(Default)]
pub struct Sessions {
    links: Mutex<HashMap<String, Timestamp>>,
    running: Mutex<HashMap<String, Person>>,
}

impl Sessions {
    /// A new secret for `/console/login?link=…`; good for one login.
    pub fn new_link(&self, now: Timestamp) -> String {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, until| *until > now);
        let secret = secret();
        links.insert(secret.clone(), later(now, LINK_LIFE));
        secret
    }

    /// Turns an open link into a session and gives the cookie's value. None when it was used, is too old, or never was.
    pub(super) fn open(&self, link: &str, name: String, now: Timestamp) -> Option<String> {
        let until = self.links.lock().unwrap_or_else(PoisonError::into_inner).remove(link)?;
        if until <= now {
            return None;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, person| person.expires > now);
        if running.len() >= MOST_SESSIONS
            && let Some(oldest) = running.iter().min_by_key(|(_, person)| person.expires).map(|(key, _)| key.clone())
        {
            running.remove(&oldest);
        }
        let key = secret();
        running.insert(key.clone(), Person { name, form_key: secret(), expires: later(now, SESSION_LIFE) });
        Some(key)
    }

    /// Who a cookie belongs to; looking keeps the session alive.
    pub(super) fn find(&self, cookie: &str, now: Timestamp) -> Option<Person> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let person = running.get_mut(cookie).filter(|person| person.expires > now)?;
        person.expires = later(now, SESSION_LIFE);
        Some(person.clone())
    }

    pub(super) fn end(&self, cookie: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(cookie);
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// 192 random bits as text that fits a URL.
fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_logs_in_once() {
        let sessions = Sessions::default();
        let now = Timestamp::UNIX_EPOCH;
        let link = sessions.new_link(now);
        let cookie = sessions.open(&link, "Ida Roe".into(), now).unwrap();
        assert!(sessions.find(&cookie, now).is_some());
        assert_eq!(sessions.open(&link, "Ida Roe".into(), now), None);
        sessions.end(&cookie);
        assert_eq!(sessions.find(&cookie, now), None);
    }

    #[test]
    fn links_and_sessions_end_by_themselves() {
        let sessions = Sessions::default();
        let start = Timestamp::UNIX_EPOCH;
        let late = later(start, SignedDuration::from_hours(13));
        let old = sessions.new_link(start);
        assert_eq!(sessions.open(&old, "Ida Roe".into(), late), None);
        let link = sessions.new_link(start);
        let cookie = sessions.open(&link, "Ida Roe".into(), start).unwrap();
        assert_eq!(sessions.find(&cookie, late), None);
    }

    #[test]
    fn a_name_is_words_of_a_person() {
        assert_eq!(name_of("  Ida \u{7} Roe\n").as_deref(), Some("Ida Roe"));
        assert_eq!(name_of("Ana-Lucía Weiß").as_deref(), Some("Ana-Lucía Weiß"));
        let long = "x".repeat(61);
        for none in ["", " ", "7", "--", "I", &long] {
            assert_eq!(name_of(none), None, "{none}");
        }
    }
}
