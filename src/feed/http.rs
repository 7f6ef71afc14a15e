//! HL7 v2 over HTTP: `POST /hl7/{feed}` takes one message or a batch as `application/hl7-v2` and answers with its acknowledgement.
//! 200 says AA, 422 AE and 400 AR, each with the acknowledgement as its body; what is refused before it is read gets the status
//! that HTTP has for it (see `http_refusal.rs`). The same path as MLLP behind it.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};

use crate::hl7::Charset;
use crate::pipeline::Code;
use crate::site::{Credential, Feed, Limits, Site, certificate_names};

use super::acceptor::Acceptor;
use super::exchange::{Answer, Extent, Received, exchange};
use super::http_refusal::Refusal;

/// What the message may be called. The second is what HAPI's HL7 over HTTP sends.
const MEDIA_TYPES: [&str; 3] = ["application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7"];
/// Seconds after which a store that could not take a message may be asked again.
const RETRY_AFTER_SECS: u32 = 5;

/// The intake for the web server: `App::new().configure(|config| intake.configure(config))`.
#[derive(Clone)]
pub struct HttpIntake {
    acceptor: Arc<dyn Acceptor>,
    /// Requests under way by feed.
    under_way: Arc<Mutex<BTreeMap<String, usize>>>,
}

/// The names of a connection's verified client certificate, as `remember_certificate` leaves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate(pub Vec<String>);

/// For `HttpServer::on_connect`: keeps the names of a client certificate with its connection.
pub fn remember_certificate(connection: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_tls::accept::rustls_0_23::TlsStream<TcpStream>>() else {
        return;
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    if let Some(certificate) = certificate {
        extensions.insert(PeerCertificate(certificate_names(certificate)));
    }
}

impl HttpIntake {
    pub fn new(acceptor: Arc<dyn Acceptor>) -> Self {
        Self { acceptor, under_way: Arc::default() }
    }

    /// Puts the route into an application.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        config.app_data(web::Data::new(self.clone()));
        let feed = web::resource("/hl7/{feed}").route(web::post().to(post));
        config.service(feed.default_service(web::to(|| std::future::ready(Refusal::Method.respond()))));
    }

    /// Counts a request while it lives; none where the feed has as many as it may.
    fn enter(&self, feed: &str, limits: &Limits) -> Option<Place> {
        let mut counts = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(feed.to_string()).or_default();
        (*count < limits.connections).then(|| {
            *count += 1;
            Place { under_way: self.under_way.clone(), feed: feed.to_string() }
        })
    }
}

struct Place {
    under_way: Arc<Mutex<BTreeMap<String, usize>>>,
    feed: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.feed) {
            *count = count.saturating_sub(1);
        }
    }
}

async fn post(
    intake: web::Data<HttpIntake>,
    feed: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let site = intake.acceptor.site();
    match receive(&intake, &site, &feed, &request, payload).await {
        Ok((answer, media_type)) => respond(answer, &media_type),
        Err(refusal) => {
            tracing::info!(feed = site.feeds.get(feed.as_str()).map(|feed| feed.name.as_str()), %refusal, "refused over HTTP");
            refusal.respond()
        }
    }
}

async fn receive(
    intake: &HttpIntake,
    site: &Site,
    name: &str,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<(Answer, String), Refusal> {
    let feed = site.feeds.get(name).ok_or(Refusal::UnknownFeed)?;
    let credentials = feed.http.as_deref().ok_or(Refusal::UnknownFeed)?;
    let peer = identify(request, credentials, site)?;
    let media_type = check_content(request)?;
    let _place = intake.enter(name, &feed.limits).ok_or(Refusal::TooMany)?;
    let content = read_body(payload, feed).await?;
    let received = Received { feed: feed.name.clone(), peer, content, extent: Extent::Whole, has_one_answer: true };
    // On a task of its own, so that a sender who hangs up does not leave an exchange half done.
    let running = tokio::spawn(exchange(intake.acceptor.clone(), received));
    Ok((running.await.map_err(|_| Refusal::Failed)?, media_type))
}

async fn read_body(payload: web::Payload, feed: &Feed) -> Result<Vec<u8>, Refusal> {
    let reading = payload.to_bytes_limited(feed.limits.frame_bytes);
    match tokio::time::timeout(Duration::from_secs(feed.limits.frame_secs), reading).await {
        // Nothing lost: the sender is told, and sends again.
        Err(_) => Err(Refusal::TooSlow),
        Ok(Err(_)) => Err(Refusal::TooLarge { allowed: feed.limits.frame_bytes }),
        Ok(Ok(Err(_))) => Err(Refusal::Broken),
        Ok(Ok(Ok(body))) if body.is_empty() => Err(Refusal::Empty),
        Ok(Ok(Ok(body))) => Ok(body.to_vec()),
    }
}

/// Whoever posts shows a bearer token or a certificate that the feed names; gives how traces call the sender.
fn identify(request: &HttpRequest, credentials: &[Credential], site: &Site) -> Result<String, Refusal> {
    let certificate = request.conn_data::<PeerCertificate>();
    let names = certificate.map(|certificate| certificate.0.as_slice()).unwrap_or_default();
    let known = names.iter().find(|shown| {
        let is_known = |credential: &Credential| matches!(credential, Credential::Certificate(name) if shown.eq_ignore_ascii_case(name));
        credentials.iter().any(is_known)
    });
    if let Some(name) = known {
        return Ok(name.clone());
    }
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        return Err(if names.is_empty() { Refusal::NoCredential } else { Refusal::Stranger });
    };
    // Nothing lost: a credential that is no text is refused as none.
    let token = header.to_str().ok().and_then(|text| text.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let hash: [u8; 32] = Sha256::digest(token.ok_or(Refusal::NoCredential)?).into();
    let is_known = credentials.contains(&Credential::TokenSha256(hash));
    is_known.then(|| address_of(request, site)).ok_or(Refusal::WrongToken)
}

/// The sender's address.
fn address_of(request: &HttpRequest, site: &Site) -> String {
    let peer = request.peer_addr().map(|address| address.ip());
    let forwarded = request.headers().get_all("x-forwarded-for").map(HeaderValue::as_bytes);
    let caller = site.settings.http.caller(peer, forwarded);
    caller.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_string()
}

/// The media type to answer in. The character set that counts is the one of MSH-18; one named here must at least exist.
fn check_content(request: &HttpRequest) -> Result<String, Refusal> {
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Refusal::UnsupportedContent);
    }
    // Nothing lost: a media type that is no text is refused as unsupported.
    let written = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = written.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|part| part.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset")));
    let is_known = charset.is_none_or(|(_, name)| Charset::named(name.trim_matches('"')).is_some());
    let is_hl7 = MEDIA_TYPES.contains(&media_type.as_str()) && is_known;
    is_hl7.then(|| written.to_string()).ok_or(Refusal::UnsupportedContent)
}

fn respond(answer: Answer, media_type: &str) -> HttpResponse {
    let mut response = match answer.code {
        _ if answer.is_unavailable => HttpResponse::ServiceUnavailable(),
        Code::AA if answer.contents.is_empty() => return HttpResponse::NoContent().finish(),
        Code::AA => HttpResponse::Ok(),
        Code::AE => HttpResponse::UnprocessableEntity(),
        Code::AR => HttpResponse::BadRequest(),
    };
    if answer.is_unavailable {
        response.insert_header((RETRY_AFTER, RETRY_AFTER_SECS));
    }
    response.insert_header((CONTENT_TYPE, media_type)).body(answer.contents.concat())
}
