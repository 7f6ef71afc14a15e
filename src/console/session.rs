//! Who is logged in: by an account of the site, by the organisation's login, or by a one-time link that is printed at the start or by `handover console`.
//! Links and sessions live in memory: a restart ends them all. What somebody may is read from the site at each request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::openid::{Vouched, member_of};
use crate::pipeline::Unread;
use crate::protocol::Holder;
use crate::site::{Panels, PasswordHash, Site, StaffMember, StaffRole};

/// How long a link waits to be opened, and how long its session lasts without use and in any case.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(12);
const LINK_IDLE: SignedDuration = SignedDuration::from_hours(12);
const LINK_LONGEST: SignedDuration = SignedDuration::from_hours(24 * 7);
/// More people than work with one gateway at a time; the session that was not used for longest ends when one more comes.
const MOST_SESSIONS: usize = 1024;

/// The cookie's name.
pub(super) const COOKIE: &str = "handover-session";

/// Whether a request shows that somebody is there: what a page asks for by itself keeps no session alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Person,
    Page,
}

/// A person who is logged in, as the site has them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// In full; of a link, as the person gave it: nobody vouches for it.
    pub name: String,
    /// None where they came by a link.
    pub login: Option<String>,
    /// Every form must send this back, so that no other site can press our buttons.
    pub form_key: String,
    pub roles: Vec<StaffRole>,
    pub panels: Panels,
    /// Whether they are shown what is labelled as restricted.
    pub sensitive: bool,
    /// What colleagues said to them and they have not opened; none where nobody counted it.
    pub unread: Option<Unread>,
}

impl Person {
    /// How audit entries name the person.
    pub(super) fn agent(&self) -> String {
        match &self.login {
            Some(login) => format!("person:{login}"),
            None => format!("console:{}", self.name),
        }
    }

    /// How work names somebody who is logged in; who came by a link is not one of the site's people.
    pub(super) fn holder(&self) -> Holder {
        let id = self.login.clone().unwrap_or_else(|| format!("link:{}", self.name));
        Holder { id, name: self.name.clone() }
    }

    pub(super) fn has_any(&self, roles: &[StaffRole]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }

    /// Somebody who works for all practices.
    #[cfg(test)]
    pub(super) fn for_tests(login: &str, roles: &[StaffRole]) -> Self {
        let roles = roles.to_vec();
        let (name, login, form_key) = (format!("{login} by name"), Some(login.to_string()), String::new());
        Self { name, login, form_key, roles, panels: Panels::All, sensitive: false, unread: None }
    }

    fn of_link(name: String, form_key: String) -> Self {
        let roles = StaffRole::ALL.to_vec();
        Self { name, login: None, form_key, roles, panels: Panels::All, sensitive: true, unread: None }
    }

    fn of_member(member: &StaffMember, form_key: String) -> Self {
        Self {
            name: member.name.clone(),
            login: Some(member.login.clone()),
            form_key,
            roles: member.roles.clone(),
            panels: member.panels.clone(),
            sensitive: member.sensitive,
            unread: None,
        }
    }
}

/// By which door somebody came in.
#[derive(Clone)]
enum Door {
    Link {
        name: String,
    },
    /// An account, with its password's hash as it was: another one ends what the old one opened.
    Account {
        login: String,
        hash: String,
    },
    /// The organisation's login, with what it said of them.
    OpenId(Box<Vouched>),
}

struct Session {
    door: Door,
    form_key: String,
    began: Timestamp,
    used: Timestamp,
    /// Dropped with the session, which ends the streams that look at it.
    open: watch::Sender<()>,
}

impl Session {
    /// When it ends, if nobody uses it before.
    fn ends(&self, site: &Site) -> Timestamp {
        let console = &site.settings.console;
        let (idle, longest) = match self.door {
            Door::Link { .. } => (LINK_IDLE, LINK_LONGEST),
            Door::Account { .. } | Door::OpenId(_) => (
                SignedDuration::from_mins(console.idle_minutes.into()),
                SignedDuration::from_hours(console.longest_hours.into()),
            ),
        };
        later(self.used, idle).min(later(self.began, longest))
    }

    /// Who it is, where the site still says so.
    fn person(&self, site: &Site) -> Option<Person> {
        match &self.door {
            Door::Link { name } => Some(Person::of_link(name.clone(), self.form_key.clone())),
            Door::Account { login, hash } => {
                let member = site.people.get(login).filter(|member| !member.disabled)?;
                let is_same = member.password.as_ref().is_some_and(|password| password.text() == *hash);
                // Where the site takes no passwords any more, none has opened anything.
                (is_same && site.takes_passwords()).then(|| Person::of_member(member, self.form_key.clone()))
            }
            Door::OpenId(vouched) => {
                member_of(site, vouched).ok().map(|member| Person::of_member(&member, self.form_key.clone()))
            }
        }
    }
}

/// Whom a cookie leads to.
pub(super) enum Found {
    Person(Person),
    /// The session ended by itself, then.
    Over(Timestamp),
    Nobody,
}

/// Open links and running sessions.
pub struct Sessions {
    links: Mutex<HashMap<String, Timestamp>>,
    running: Mutex<HashMap<String, Session>>,
    key: hmac::Key,
}

impl Default for Sessions {
    fn default() -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>());
        Self { links: Mutex::default(), running: Mutex::default(), key }
    }
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
    pub(super) fn open(&self, link: &str, name: String, now: Timestamp, site: &Site) -> Option<String> {
        let until = self.links.lock().unwrap_or_else(PoisonError::into_inner).remove(link)?;
        (until > now).then(|| self.begin(Door::Link { name }, secret(), now, site))
    }

    /// Begins a session of somebody whose password was right, and gives the cookie's value.
    pub(super) fn log_in(&self, member: &StaffMember, now: Timestamp, site: &Site) -> String {
        let hash = member.password.as_ref().map(PasswordHash::text).unwrap_or_default();
        self.begin(Door::Account { login: member.login.clone(), hash }, self.form_key(member), now, site)
    }

    /// The same for somebody whom the organisation's login vouches for.
    pub(super) fn log_in_vouched(&self, vouched: Vouched, member: &StaffMember, now: Timestamp, site: &Site) -> String {
        self.begin(Door::OpenId(Box::new(vouched)), self.form_key(member), now, site)
    }

    /// The same for all sessions of one person, so that a form survives a login in between.
    fn form_key(&self, member: &StaffMember) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, format!("form {}", member.login).as_bytes()))
    }

    fn begin(&self, door: Door, form_key: String, now: Timestamp, site: &Site) -> String {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, session| session.ends(site) > now);
        if running.len() >= MOST_SESSIONS
            && let Some(oldest) = running.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| key.clone())
        {
            running.remove(&oldest);
        }
        let key = secret();
        let (open, _) = watch::channel(());
        running.insert(key.clone(), Session { door, form_key, began: now, used: now, open });
        key
    }

    /// Whom a cookie leads to, under this site; that a person asks keeps the session alive.
    pub(super) fn find(&self, cookie: &str, now: Timestamp, site: &Site, asks: Asks) -> Found {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(session) = running.get_mut(cookie) else { return Found::Nobody };
        let ends = session.ends(site);
        let found = match session.person(site) {
            _ if ends <= now => Found::Over(ends),
            None => Found::Over(now),
            Some(person) => {
                if asks == Asks::Person {
                    session.used = now;
                }
                return Found::Person(person);
            }
        };
        running.remove(cookie);
        found
    }

    /// What ends when the session does; none where it has ended.
    pub(super) fn watch(&self, cookie: &str) -> Option<watch::Receiver<()>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(cookie).map(|session| session.open.subscribe())
    }

    /// Ends what the organisation's login opened for this person there, or in this session there; whom it was opened for.
    pub(super) fn end_vouched(&self, issuer: &str, subject: Option<&str>, session: Option<&str>) -> Vec<Vouched> {
        let mut ended = Vec::new();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, one| {
            let Door::OpenId(vouched) = &one.door else { return true };
            let is_of = vouched.issuer == issuer
                && subject.is_none_or(|subject| vouched.subject == subject)
                && session.is_none_or(|session| vouched.session.as_deref() == Some(session));
            if is_of {
                ended.push(Vouched::clone(vouched));
            }
            !is_of
        });
        ended
    }

    /// Whether the organisation's login opened it.
    pub(super) fn is_vouched(&self, cookie: &str) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(cookie).is_some_and(|session| matches!(session.door, Door::OpenId(_)))
    }

    pub(super) fn end(&self, cookie: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(cookie);
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// 192 random bits as text that fits a URL.
pub(super) fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn person(sessions: &Sessions, cookie: &str, now: Timestamp, site: &Site) -> Option<Person> {
        match sessions.find(cookie, now, site, Asks::Person) {
            Found::Person(person) => Some(person),
            Found::Over(_) | Found::Nobody => None,
        }
    }

    fn after(minutes: i64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, SignedDuration::from_mins(minutes))
    }

    fn site_of(member: StaffMember) -> Site {
        let mut site = Site::bare(Path::new("/"));
        site.people.insert(member.login.clone(), member);
        site
    }

    fn nia() -> StaffMember {
        StaffMember {
            login: "nbrooks".to_string(),
            name: "Nia Brooks RN".to_string(),
            roles: vec![StaffRole::CareManager],
            panels: Panels::Of(["lakeside".to_string()].into()),
            sensitive: false,
            openid: None,
            password: Some(PasswordHash::of("plum tree yard").unwrap()),
            code: None,
            disabled: false,
        }
    }

    #[test]
    fn a_link_logs_in_once() {
        let (sessions, site) = (Sessions::default(), Site::bare(Path::new("/")));
        let now = Timestamp::UNIX_EPOCH;
        let link = sessions.new_link(now);
        let cookie = sessions.open(&link, "Ida Roe".into(), now, &site).unwrap();
        let ida = person(&sessions, &cookie, now, &site).unwrap();
        assert_eq!((ida.agent().as_str(), ida.roles.len(), &ida.panels), ("console:Ida Roe", 7, &Panels::All));
        assert_eq!(sessions.open(&link, "Ida Roe".into(), now, &site), None);
        sessions.end(&cookie);
        assert_eq!(person(&sessions, &cookie, now, &site), None);
    }

    #[test]
    fn links_and_their_sessions_end_by_themselves() {
        let (sessions, site) = (Sessions::default(), Site::bare(Path::new("/")));
        let late = after(13 * 60);
        let old = sessions.new_link(after(0));
        assert_eq!(sessions.open(&old, "Ida Roe".into(), late, &site), None);
        let link = sessions.new_link(after(0));
        let cookie = sessions.open(&link, "Ida Roe".into(), after(0), &site).unwrap();
        assert_eq!(person(&sessions, &cookie, late, &site), None);
    }

    #[test]
    fn an_account_ends_after_a_quiet_while_and_after_a_day_of_work_in_any_case() {
        let (sessions, site) = (Sessions::default(), site_of(nia()));
        let cookie = sessions.log_in(&nia(), after(0), &site_of(nia()));
        assert_eq!(person(&sessions, &cookie, after(19), &site).map(|_| ()), None, "another hash of the same password");
        let member = site.people["nbrooks"].clone();
        let cookie = sessions.log_in(&member, after(0), &site);
        for minute in (15..12 * 60).step_by(15) {
            assert!(person(&sessions, &cookie, after(minute), &site).is_some(), "{minute}");
        }
        assert!(matches!(sessions.find(&cookie, after(720), &site, Asks::Person), Found::Over(at) if at == after(720)));
        assert!(matches!(sessions.find(&cookie, after(720), &site, Asks::Person), Found::Nobody), "said once");
        let cookie = sessions.log_in(&member, after(0), &site);
        // A page that asks by itself is nobody's hand.
        assert!(matches!(sessions.find(&cookie, after(19), &site, Asks::Page), Found::Person(_)));
        assert!(matches!(sessions.find(&cookie, after(21), &site, Asks::Person), Found::Over(at) if at == after(20)));
    }

    #[test]
    fn what_the_site_says_of_a_person_holds_at_once() {
        let sessions = Sessions::default();
        let mut site = site_of(nia());
        let member = site.people["nbrooks"].clone();
        let cookie = sessions.log_in(&member, after(0), &site);
        let watch = sessions.watch(&cookie).unwrap();
        let nia = person(&sessions, &cookie, after(0), &site).unwrap();
        assert_eq!((nia.agent().as_str(), nia.sensitive), ("person:nbrooks", false));
        assert!(nia.panels.holds("lakeside") && !nia.panels.holds("hillside"));
        let other = person(&sessions, &sessions.log_in(&member, after(0), &site), after(0), &site).unwrap();
        assert_eq!(other.form_key, nia.form_key, "a form that was begun survives a login");
        if let Some(member) = site.people.get_mut("nbrooks") {
            member.roles = vec![StaffRole::Engineer];
        }
        assert_eq!(person(&sessions, &cookie, after(1), &site).unwrap().roles, [StaffRole::Engineer]);
        if let Some(member) = site.people.get_mut("nbrooks") {
            member.disabled = true;
        }
        assert!(watch.has_changed().is_ok());
        assert_eq!(person(&sessions, &cookie, after(2), &site), None);
        assert!(watch.has_changed().is_err(), "and its streams end with it");
    }
}
