//! Logging in and out. By an account: name, password, and the code of a phone where there is one; the answer never says which of them
//! was wrong. By a one-time link: whoever may use the data folder. Each try is in the audit.

use std::sync::LazyLock;
use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::given_name::name_of;
use super::guesses::{Standing, caller};
use super::session::{self, COOKIE, Found, Person};
use super::{Console, access, look, openid, page};
use crate::site::{ConsoleSettings, PasswordHash, STEP_SECS, Site, StaffMember};

/// Passwords that are checked at once: each takes a core for a while, and megabytes.
static CHECKING: Semaphore = Semaphore::const_new(2);
/// Whoever waits longer for that is told to come again.
const TURN: Duration = Duration::from_secs(10);
/// Checked where there is no such name, so that the answer takes as long.
static NOBODY: LazyLock<Option<PasswordHash>> = LazyLock::new(|| PasswordHash::of_nobody().ok());

/// Longer than any login, in bytes.
const LONGEST_LOGIN: usize = 64;
/// A used code is remembered until no clock takes it any more.
const CODE_LIFE: SignedDuration = SignedDuration::from_secs(STEP_SECS * 4);

const WRONG: &str = "Name, password or code is wrong.";

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Empty when it was left out, which opens nothing.
    #[serde(default)]
    link: String,
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
pub(super) struct Given {
    /// A one-time link, and the name of who opens it.
    #[serde(default)]
    link: String,
    #[serde(default)]
    name: String,
    /// An account.
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
    /// Where to go on.
    #[serde(default)]
    to: String,
}

#[derive(Template)]
#[template(path = "console/link.html")]
struct LinkPage {
    frame: page::Frame,
    link: String,
    fault: &'static str,
}

#[derive(Template)]
#[template(path = "console/login.html")]
struct LoginPage {
    frame: page::Frame,
    settings: ConsoleSettings,
    /// The organisation's login, by its name, and the address that leads there.
    openid: Option<(String, String)>,
    passwords: bool,
    /// Where somebody who logged out here logs out there.
    elsewhere: Option<String>,
    /// What is to be known first, and what went wrong.
    note: String,
    fault: String,
    login: String,
    to: String,
}

/// The page that asks who somebody is. For a link it shows a button rather than logging in at once: mail scanners and link previews open
/// links too, and would use it up.
pub(super) async fn show(console: web::Data<Console>, query: web::Query<Asked>) -> Answer {
    let Asked { link, to } = query.into_inner();
    if !link.is_empty() {
        return Ok(page::show(&LinkPage { frame: page::Frame::nobody(), link, fault: "" }));
    }
    Ok(form(&console, StatusCode::OK, "", "", "", &to))
}

/// The login in the place of what was asked for.
pub(super) fn ask(console: &Console, request: &HttpRequest, found: &Found) -> HttpResponse {
    let site = console.gateway.site.load();
    let note = match found {
        Found::Over(at) => {
            let zone = page::zone_of(&site);
            format!("You were logged out at {}. Log in to go on where you were.", page::minute(*at, &zone))
        }
        Found::Person(_) | Found::Nobody => "This page is for people who are logged in.".to_string(),
    };
    let to = if request.method() == Method::GET { request.uri().to_string() } else { String::new() };
    form(console, StatusCode::UNAUTHORIZED, &note, "", "", &to)
}

/// The form of accounts; where the site has none, how to get a link.
pub(super) fn form(
    console: &Console,
    status: StatusCode,
    note: &str,
    fault: &str,
    login: &str,
    to: &str,
) -> HttpResponse {
    form_with(console, status, (note, fault), login, to, None)
}

fn form_with(
    console: &Console,
    status: StatusCode,
    (note, fault): (&str, &str),
    login: &str,
    to: &str,
    elsewhere: Option<String>,
) -> HttpResponse {
    let site = console.gateway.site.load();
    if site.people.is_empty() && site.openid.is_none() {
        let status = if status == StatusCode::OK { StatusCode::UNAUTHORIZED } else { status };
        let text = format!(
            "{note} {fault} The gateway prints a new one-time link when it starts; `handover console` prints another while it runs."
        );
        return page::fault(page::Frame::nobody(), status, "Please log in", text.trim());
    }
    let to = own_page(to).unwrap_or_default().to_string();
    let shown = LoginPage {
        openid: site.openid.as_ref().map(|login| (login.title.clone(), way_there(&to))),
        passwords: site.takes_passwords() && !site.people.is_empty(),
        elsewhere,
        frame: page::Frame::nobody(),
        settings: site.settings.console.clone(),
        note: note.to_string(),
        fault: fault.to_string(),
        login: login.to_string(),
        to,
    };
    page::answer(status, shown.render())
}

/// The address that leads to the organisation's login, and on from there.
fn way_there(to: &str) -> String {
    const WAY: &str = "/console/login/openid";
    let query =
        reqwest::Url::parse_with_params("a:", [("to", to)]).ok().and_then(|url| url.query().map(str::to_string));
    query.filter(|_| !to.is_empty()).map_or_else(|| WAY.to_string(), |query| format!("{WAY}?{query}"))
}

/// An address of the console, and of nobody else's pages.
pub(super) fn own_page(to: &str) -> Option<&str> {
    let is_ours = to == "/console" || to.starts_with("/console/") || to.starts_with("/console?");
    let is_plain = to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_ours && is_plain && !to.starts_with("/console/log")).then_some(to)
}

pub(super) async fn take(console: web::Data<Console>, request: HttpRequest, form: web::Form<Given>) -> Answer {
    let given = form.into_inner();
    if given.link.is_empty() { by_account(&console, &request, given).await } else { by_link(&console, given).await }
}

async fn by_link(console: &Console, given: Given) -> Answer {
    let Some(name) = name_of(&given.name) else {
        let fault = "Please say who you are: what you do here is written down under your name.";
        return Ok(page::ask_again(&LinkPage { frame: page::Frame::nobody(), link: given.link, fault }));
    };
    let (now, site) = (console.gateway.clock.now(), console.gateway.site.load_full());
    let Some(cookie) = console.sessions.open(&given.link, name, now, &site) else {
        return Ok(form(console, StatusCode::UNAUTHORIZED, "This link was used already or is too old.", "", "", ""));
    };
    let because = "a one-time link was opened; the name is as the person gave it";
    enter(console, cookie, because, &given.to).await
}

/// Sets the cookie of a session that has begun, once that is in the audit.
async fn enter(console: &Console, cookie: String, because: &str, to: &str) -> Answer {
    let entered = admit(console, cookie, because, to).await?;
    let Some((cookie, to)) = entered else {
        return Ok(form(console, StatusCode::UNAUTHORIZED, "This session ended at once.", "", "", to));
    };
    Ok(HttpResponse::SeeOther().cookie(cookie).insert_header((header::LOCATION, to)).finish())
}

/// The cookie of a session that has begun, once that is in the audit, and where it goes on; none where it ended at once.
pub(super) async fn admit(
    console: &Console,
    cookie: String,
    because: &str,
    to: &str,
) -> Result<Option<(Cookie<'static>, String)>, Fault> {
    let (now, site) = (console.gateway.clock.now(), console.gateway.site.load_full());
    let Found::Person(person) = console.sessions.find(&cookie, now, &site, session::Asks::Person) else {
        return Ok(None);
    };
    if let Err(error) = look::note_login(console, &person.agent(), true, because).await {
        console.sessions.end(&cookie);
        return Err(error.into());
    }
    let to = own_page(to).map_or_else(|| access::home(&person).to_string(), str::to_string);
    let cookie = Cookie::build(COOKIE, cookie)
        .path("/console")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(console.is_secure())
        .finish();
    Ok(Some((cookie, to)))
}

async fn by_account(console: &Console, request: &HttpRequest, given: Given) -> Answer {
    let (now, site) = (console.gateway.clock.now(), console.gateway.site.load_full());
    let login: String = given.login.trim().to_lowercase();
    if login.is_empty() || login.len() > LONGEST_LOGIN {
        return Ok(form(console, StatusCode::UNAUTHORIZED, "", WRONG, "", &given.to));
    }
    let address = caller(&site, request);
    let left = match console.guesses.begin(&login, address, now) {
        Standing::Waits { until } => return Ok(wait(console, &site, until, now, &login, &given.to)),
        Standing::Open { left } => left,
    };
    let member = site.people.get(&login);
    if !site.takes_passwords() {
        let agent = member.map_or_else(|| "person:?".to_string(), |member| format!("person:{}", member.login));
        let because = format!("this site takes no passwords, from {address}");
        look::note_login(console, &agent, false, &because).await?;
        let told = "This site takes no passwords: log in with your organisation's login.";
        return Ok(form(console, StatusCode::FORBIDDEN, "", told, "", &given.to));
    }
    let refusal = match judge(console, member, &given, now).await? {
        Ok(member) => {
            console.guesses.passed(&login, address);
            let cookie = console.sessions.log_in(member, now, &site);
            let because = if member.code.is_some() { "password and code were right" } else { "the password was right" };
            return enter(console, cookie, because, &given.to).await;
        }
        Err(why) => why,
    };
    // A name that nobody has may be a password in the wrong field: it is not written down.
    let agent = member.map_or_else(|| "person:?".to_string(), |member| format!("person:{}", member.login));
    let because = format!("{refusal}, from {address}{}", if left == 0 { "; further tries wait" } else { "" });
    look::note_login(console, &agent, false, &because).await?;
    let rest = match left {
        0 => "That was the last try for now: wait 5 minutes or more.".to_string(),
        1 => "After 1 more try you wait 5 minutes or more.".to_string(),
        left => format!("After {left} more tries you wait 5 minutes or more."),
    };
    Ok(form(console, StatusCode::UNAUTHORIZED, "", &format!("{WRONG} {rest}"), &login, &given.to))
}

/// Whose password and code these are, or why they are nobody's; for the audit alone.
async fn judge<'m>(
    console: &Console,
    member: Option<&'m StaffMember>,
    given: &Given,
    now: Timestamp,
) -> Result<Result<&'m StaffMember, &'static str>, Fault> {
    let is_right = check(member.and_then(|member| member.password.clone()), given.password.clone()).await?;
    let Some(member) = member else { return Ok(Err("there is no such name")) };
    if member.password.is_none() {
        return Ok(Err("they have no password here, and come by the organisation's login"));
    }
    if !is_right {
        return Ok(Err("the password was wrong"));
    }
    if member.disabled {
        return Ok(Err("the account is disabled"));
    }
    let Some(secret) = &member.code else { return Ok(Ok(member)) };
    let Some(step) = secret.step_of(&given.code, now) else { return Ok(Err("the code was wrong")) };
    let (value, until) = (format!("{}/{step}", member.login), now.saturating_add(CODE_LIFE).unwrap_or(Timestamp::MAX));
    let is_first = console.gateway.remember_once("totp", &value, until).await?;
    Ok(if is_first { Ok(member) } else { Err("the code had been used already") })
}

/// Whether the password is that of the hash; of nobody's hash it is not, and that takes as long.
async fn check(hash: Option<PasswordHash>, password: String) -> Result<bool, Fault> {
    let Ok(Ok(turn)) = tokio::time::timeout(TURN, CHECKING.acquire()).await else { return Err(Fault::Busy) };
    let is_known = hash.is_some();
    let checked = web::block(move || {
        let is_right = hash.as_ref().or(NOBODY.as_ref()).is_some_and(|hash| hash.matches(&password));
        drop(turn);
        is_right
    });
    Ok(checked.await.map_err(|_| Fault::Busy)? && is_known)
}

fn wait(console: &Console, site: &Site, until: Timestamp, now: Timestamp, login: &str, to: &str) -> HttpResponse {
    let seconds = until.duration_since(now).as_secs().max(1);
    let at = page::minute(until, &page::zone_of(site));
    let minutes = page::counted(u64::try_from((seconds + 59) / 60).unwrap_or(1), "minute", "minutes");
    let text = format!("There were too many wrong tries. Wait {minutes}, until {at}.");
    let mut response = form(console, StatusCode::TOO_MANY_REQUESTS, "", &text, login, to);
    if let Ok(after) = HeaderValue::from_str(&seconds.to_string()) {
        response.headers_mut().insert(header::RETRY_AFTER, after);
    }
    response
}

pub(super) async fn leave(
    console: web::Data<Console>,
    request: HttpRequest,
    person: Person,
    key: web::Form<FormKey>,
) -> Answer {
    key.check(&person)?;
    let cookie = request.cookie(COOKIE).map(|cookie| cookie.value().to_string()).unwrap_or_default();
    let is_vouched = console.sessions.is_vouched(&cookie);
    console.sessions.end(&cookie);
    look::note_logout(&console, &person).await?;
    let site = console.gateway.site.load_full();
    let elsewhere = match &site.openid {
        Some(login) if is_vouched => openid::elsewhere(&console, login).await,
        _ => None,
    };
    Ok(form_with(&console, StatusCode::UNAUTHORIZED, ("You are logged out.", ""), "", "", elsewhere))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_login_one_goes_on_in_the_console_and_nowhere_else() {
        for to in ["/console", "/console/tasks?panel=lakeside&show=late", "/console?x=1"] {
            assert_eq!(own_page(to), Some(to));
        }
        for to in [
            "",
            "//evil.example/console",
            "https://evil.example/console/",
            "/consoles",
            "/console/\r\nset-cookie: a=b",
            "/console/\\evil.example",
            "/fhir/Patient",
            "/console/login",
            "/console/logout",
        ] {
            assert_eq!(own_page(to), None, "{to}");
        }
    }
}
