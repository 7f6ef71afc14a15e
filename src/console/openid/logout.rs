//! Logging out over the provider: it ends sessions here (Back-Channel Logout 1.0), and who logs out here is shown the way to log out
//! there as well (RP-Initiated Logout 1.0).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::id_token::check_logout;
use super::person::member_of;
use super::provider::verified;
use super::stranger;
use super::trouble::Trouble;
use crate::console::fault::Fault;
use crate::console::{Console, look};
use crate::site::OpenIdLogin;

/// A logout token counts for minutes; it is remembered for longer.
const REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

#[derive(Deserialize)]
pub(in crate::console) struct Said {
    #[serde(default)]
    logout_token: String,
}

/// The provider says that somebody's session is over.
pub(in crate::console) async fn end(
    console: web::Data<Console>,
    request: HttpRequest,
    said: web::Form<Said>,
) -> Result<HttpResponse, Fault> {
    let answer = |status: &mut actix_web::HttpResponseBuilder, body: serde_json::Value| {
        Ok(status.insert_header((header::CACHE_CONTROL, "no-store")).json(body))
    };
    match ended(&console, &said.logout_token).await? {
        Ok(()) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish()),
        Err(trouble) => {
            let told = json!({ "error": "invalid_request", "error_description": trouble.because });
            let because = format!("a logout token of the organisation's login: {}", trouble.because);
            stranger::note(&console, &request, &because).await?;
            answer(&mut HttpResponse::BadRequest(), told)
        }
    }
}

async fn ended(console: &Console, token: &str) -> Result<Result<(), Trouble>, Fault> {
    let (now, site) = (console.gateway.clock.now(), console.gateway.site.load_full());
    let Some(login) = &site.openid else { return Ok(Err(Trouble::untrusted("this site has no such login"))) };
    let claims = verified(&console.openid, &site, login, token, now).await;
    let ended = match claims.and_then(|claims| check_logout(&claims, login, now.as_second())) {
        Ok(ended) => ended,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let until = now.saturating_add(REMEMBERED).unwrap_or(now);
    if !console.gateway.remember_once("openid-logout", &ended.id, until).await? {
        return Ok(Err(Trouble::untrusted("this logout token was used before")));
    }
    let over = console.sessions.end_vouched(&login.issuer, ended.subject.as_deref(), ended.session.as_deref());
    for vouched in over {
        let agent = member_of(&site, &vouched).map_or_else(|_| vouched.agent(), |it| format!("person:{}", it.login));
        look::note_ended(console, &agent).await?;
    }
    Ok(Ok(()))
}

/// Where somebody logs out there too; none where the provider has no such page.
pub(in crate::console) async fn elsewhere(console: &Console, login: &OpenIdLogin) -> Option<String> {
    let (now, site) = (console.gateway.clock.now(), console.gateway.site.load_full());
    let (_, said) = console.openid.said(&site, login, now).await.ok()?;
    let mut address = said.end_session.clone()?;
    let back = format!("{}/console/login", site.settings.base_url);
    address.query_pairs_mut().append_pair("client_id", &login.client_id).append_pair("post_logout_redirect_uri", &back);
    Some(address.to_string())
}
