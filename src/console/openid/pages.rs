//! The two ends of the way over the provider: the browser sets out, and comes back with a code or a refusal. Whatever goes wrong is
//! told on the login page, where a password may still be taken, and is in the audit.

use std::sync::Arc;

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::exchange::Exchange;
use super::flow::{Begun, COOKIE, LIFE_SECS, no_cookie, way_back};
use super::id_token;
use super::person::{self, Vouched, lacks, member_of};
use super::provider::verified;
use super::stranger;
use super::trouble::Trouble;
use crate::console::fault::{Answer, Fault};
use crate::console::guesses::caller;
use crate::console::{Console, login, look, page};
use crate::site::{OpenIdLogin, Site};

/// Codes that are turned into tokens at once.
static REDEEMING: Semaphore = Semaphore::const_new(16);
/// Of what comes back in the address, in bytes.
const LONGEST: usize = 4096;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    to: String,
}

/// What the provider's answer may have (RFC 6749, 4.1.2; RFC 9207).
#[derive(Deserialize)]
pub(in crate::console) struct Came {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "console/came.html")]
struct CamePage {
    frame: page::Frame,
    to: String,
}

/// Sends the browser to the provider.
pub(in crate::console) async fn begin(console: web::Data<Console>, asked: web::Query<Asked>) -> Answer {
    let (now, site) = (console.gateway.clock.now(), console.gateway.site.load_full());
    let Some(openid) = &site.openid else { return Ok(nowhere(&console)) };
    let to = login::own_page(&asked.to).unwrap_or_default();
    let begun = Begun::new(openid, to);
    let said = match console.openid.said(&site, openid, now).await {
        Ok((_, said)) => said,
        Err(trouble) => return Ok(tell(&console, openid, &trouble, to)),
    };
    let address = begun.address(openid, &said, &site.settings);
    let Some(cookie) = begun.cookie(&console, now) else { return Err(Fault::Busy) };
    let mut answer = HttpResponse::SeeOther();
    answer.cookie(cookie).insert_header((header::LOCATION, address.to_string()));
    Ok(answer.insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// Takes the browser back.
pub(in crate::console) async fn back(
    console: web::Data<Console>,
    request: HttpRequest,
    came: web::Query<Came>,
) -> Answer {
    let (now, site) = (console.gateway.clock.now(), console.gateway.site.load_full());
    let Some(openid) = &site.openid else { return Ok(nowhere(&console)) };
    let cookie = request.cookie(COOKIE);
    let begun = cookie.and_then(|cookie| Begun::read(&console, cookie.value(), now));
    let to = begun.as_ref().map(|begun| begun.to.clone()).unwrap_or_default();
    let way = Way { console: &console, site: &site, openid, now };
    let (known, trouble) = match way.vouched(begun, &came).await? {
        Ok(vouched) => match member_of(&site, &vouched) {
            Ok(member) => {
                let because = person::because(&site, &vouched, &member);
                let session = console.sessions.log_in_vouched(vouched, &member, now, &site);
                return Ok(match login::admit(&console, session, &because, &to).await? {
                    Some((cookie, to)) => enter(&console, cookie, to),
                    None => login::form(&console, StatusCode::UNAUTHORIZED, "", "This session ended at once.", "", &to),
                });
            }
            Err(why) => {
                let told = format!("it knows you as {}, and here {why}", vouched.value);
                (Some(vouched.agent()), Trouble::denied(told, format!("{why} (sub {})", vouched.subject)))
            }
        },
        Err(trouble) => (None, trouble),
    };
    let because = format!("the organisation's login: {}", trouble.because);
    match known {
        Some(agent) => {
            let because = format!("{because}, from {}", caller(&site, &request));
            look::note_login(&console, &agent, false, &because).await?;
        }
        None => stranger::note(&console, &request, &because).await?,
    }
    let mut answer = tell(&console, openid, &trouble, &to);
    let taken = answer.add_cookie(&no_cookie(&console));
    if let Err(error) = taken {
        tracing::error!(%error, "a cookie cannot be taken away");
    }
    Ok(answer)
}

/// A browser that came back.
struct Way<'a> {
    console: &'a Console,
    site: &'a Arc<Site>,
    openid: &'a OpenIdLogin,
    now: Timestamp,
}

impl Way<'_> {
    /// Whom the provider vouches for; everything about it is right.
    async fn vouched(&self, begun: Option<Begun>, came: &Came) -> Result<Result<Vouched, Trouble>, Fault> {
        let Ok(_turn) = REDEEMING.try_acquire() else { return Err(Fault::Busy) };
        let begun = match self.answers(begun, came) {
            Ok(begun) => begun,
            Err(trouble) => return Ok(Err(trouble)),
        };
        // Each state once, whatever comes of it: a code that is sent again is nobody's second try.
        let until = self.now.saturating_add(SignedDuration::from_secs(LIFE_SECS * 2)).unwrap_or(Timestamp::MAX);
        if !self.console.gateway.remember_once("openid", &begun.state, until).await? {
            return Ok(Err(Trouble::untrusted("this answer was used before")));
        }
        Ok(self.redeem(&begun, came).await)
    }

    /// The login that this browser set out with and that the answer is to.
    fn answers(&self, begun: Option<Begun>, came: &Came) -> Result<Begun, Trouble> {
        let told = "this login took too long, or was begun in another window or browser. Log in once more";
        let lost = |because: &str| Trouble { told: told.to_string(), ..Trouble::untrusted(because) };
        let begun = begun.ok_or_else(|| lost("this browser began no login lately"))?;
        let state = came.state.as_deref().unwrap_or_default();
        if begun.issuer != self.openid.issuer {
            return Err(lost("the site has another login now"));
        }
        let is_same = aws_lc_rs::constant_time::verify_slices_are_equal(state.as_bytes(), begun.state.as_bytes());
        if is_same.is_err() {
            return Err(lost("state is not that of this browser's login"));
        }
        // RFC 9207, 2.4: an answer of another provider is none, a refusal of one neither.
        if came.iss.as_ref().is_some_and(|iss| *iss != self.openid.issuer) {
            return Err(Trouble::untrusted("the answer is of another issuer (iss)"));
        }
        Ok(begun)
    }

    async fn redeem(&self, begun: &Begun, came: &Came) -> Result<Vouched, Trouble> {
        let (http, said) = self.console.openid.said(self.site, self.openid, self.now).await?;
        if said.names_itself && came.iss.is_none() {
            return Err(Trouble::untrusted("the answer does not say whose it is (iss), as this provider always does"));
        }
        if let Some(error) = &came.error {
            return Err(refused(error));
        }
        let code = came.code.as_deref().filter(|code| !code.is_empty() && code.len() <= LONGEST);
        let code = code.ok_or_else(|| Trouble::untrusted("the answer has no code"))?;
        let (login, provider, now) = (self.openid, &self.console.openid, self.now);
        let exchange = Exchange { http: &http, said: &said, login, provider, now };
        let tokens = exchange.redeem(code, &begun.verifier, &way_back(&self.site.settings)).await?;
        let mut claims = verified(provider, self.site, login, &tokens.id_token, now).await?;
        id_token::check(&claims, login, &begun.nonce, now.as_second())?;
        if lacks(&claims, login) {
            exchange.ask_more(&tokens, &mut claims).await?;
        }
        Vouched::read(&claims, login)
    }
}

/// What the provider says in place of a code (RFC 6749, 4.1.2.1; Core 3.1.2.6): its code alone, and that only where it is known.
fn refused(error: &str) -> Trouble {
    const GONE: [&str; 3] = ["access_denied", "login_required", "interaction_required"];
    const BUSY: [&str; 2] = ["server_error", "temporarily_unavailable"];
    const OURS: [&str; 6] = [
        "invalid_request",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "invalid_request_object",
        "unmet_authentication_requirements",
    ];
    let known = GONE.into_iter().chain(BUSY).chain(OURS).find(|code| *code == error).unwrap_or("another error");
    let because = format!("the provider refused: {known}");
    match known {
        code if BUSY.contains(&code) => Trouble::absent(because),
        code if GONE.contains(&code) => Trouble::denied("it did not let you in", because),
        _ => Trouble::misfit(because),
    }
}

/// The page from which the browser goes on by itself: a cookie for our own pages alone is not sent along while the way began elsewhere.
fn enter(console: &Console, cookie: Cookie<'static>, to: String) -> HttpResponse {
    let mut answer = page::show(&CamePage { frame: page::Frame::nobody(), to });
    for cookie in [&cookie, &no_cookie(console)] {
        if let Err(error) = answer.add_cookie(cookie) {
            tracing::error!(%error, "a cookie cannot be set");
        }
    }
    answer
}

fn tell(console: &Console, openid: &OpenIdLogin, trouble: &Trouble, to: &str) -> HttpResponse {
    let Trouble { told, .. } = trouble;
    login::form(console, trouble.status, "", &format!("{}: {told}.", openid.title), "", to)
}

fn nowhere(console: &Console) -> HttpResponse {
    login::form(console, StatusCode::NOT_FOUND, "", "This site has no login of an organisation.", "", "")
}
