//! Around every request: how often one address may ask, which origins may read the answer, headers that keep browsers from harm,
//! a body that comes in time and is not cut off, a count and a log line.
//! The line has the route's pattern and never the path, the query or a body: those may name a patient.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};

use super::answer::Fault;
use super::idle::UnderWay;
use super::origins;
use super::service::Service;
use super::unread::{Answer, Unread};
use crate::problem::Category;

/// How long a body may take; messages for feeds have a limit of their own.
const LONGEST_BODY: Duration = Duration::from_secs(30);

/// Messages without a feed's credential from one address.
const STRANGERS_PER_SEC: u32 = 10;

/// The middleware for the whole app: `App::new().wrap(from_fn(web::guard))`, above `web::configure`.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<Answer>, Error> {
    let (started, under_way) = (Instant::now(), UnderWay::of(&request));
    let service = request.app_data::<web::Data<Service>>().cloned();
    let method = request.method().clone();
    let encrypted = request.app_config().secure();
    let address = service.as_ref().and_then(|service| counted(service, &request));
    let message = is_message(&request);
    let turned_away = service.as_ref().zip(address).is_some_and(|(service, address)| {
        let now = service.gateway.clock.now();
        if message {
            return !service.strangers.has_room(&address, STRANGERS_PER_SEC, now);
        }
        let per_sec = service.gateway.site.load().settings.http.rate_per_sec;
        !service.addresses.admit(address, per_sec, now)
    });
    let unread = Unread::of(&mut request, (!message).then_some(LONGEST_BODY));
    let site = service.as_ref().map(|service| service.gateway.site.load_full());
    let origin = site.and_then(|site| origins::let_in(&request, &site));
    let mut response = if turned_away {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut fault = Fault::new(status, Category::Throttled, "too many requests from this address; ask again later");
        fault.retry_after_secs = Some(1);
        request.into_response(fault.error_response())
    } else if origin.is_some() && origins::is_preflight(&request) {
        request.into_response(origins::preflight())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    if response.status().is_client_error() && unread.as_ref().is_some_and(Unread::is_late) {
        response = late(response);
    }
    protect(response.headers_mut(), encrypted);
    origin.into_iter().for_each(|origin| origins::mark(response.headers_mut(), origin));
    if let Some(service) = service {
        // Only what matched a route is named: other paths are anybody's words.
        let route = response.request().match_pattern().unwrap_or_else(|| "none".to_string());
        let status = response.status().as_u16();
        if let (true, 401 | 403 | 404, Some(address)) = (message, status, address) {
            service.strangers.admit(address, STRANGERS_PER_SEC, service.gateway.clock.now());
        }
        let seconds = started.elapsed().as_secs_f64();
        let method = if method.as_str().len() <= 7 { method.as_str() } else { "other" };
        service.gateway.metrics.count_request(&route, known_method(method), status, seconds);
        tracing::info!(route, method = known_method(method), status, millis = seconds * 1000.0, "request");
    }
    Ok(response.map_body(|_, body| Answer::new(body, unread, under_way)))
}

/// Handlers see a body that is late as one that broke off; who sent it is told which it was, whatever was asked.
fn late(response: ServiceResponse) -> ServiceResponse {
    let fault = Fault::new(StatusCode::REQUEST_TIMEOUT, Category::Timeout, "the body did not come in time");
    let origin = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned();
    let mut late = response.into_response(fault.error_response());
    origin.into_iter().for_each(|origin| late.headers_mut().append(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin));
    late
}

fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

/// The address whose requests are counted; none for what the machine itself and its supervisor ask.
fn counted(service: &Service, request: &ServiceRequest) -> Option<IpAddr> {
    if ["/health", "/health/live"].contains(&request.path()) {
        return None;
    }
    let peer = request.peer_addr().map(|peer| peer.ip());
    let forwarded = request.headers().get_all("x-forwarded-for").map(HeaderValue::as_bytes);
    service.gateway.site.load().settings.http.caller(peer, forwarded)
}

/// A message for a feed. A hospital's engine sends more of them than this pace lets through, and feeds have limits of their own.
/// Only what a feed refuses for want of a credential is counted, by itself, so that nobody can guess one quickly.
fn is_message(request: &ServiceRequest) -> bool {
    let feed = request.path().strip_prefix("/hl7/");
    request.method() == Method::POST && feed.is_some_and(|feed| !feed.is_empty() && !feed.contains('/'))
}

fn protect(headers: &mut HeaderMap, encrypted: bool) {
    let defaults = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("permissions-policy"), "geolocation=(), camera=(), microphone=()"),
    ];
    for (name, value) in defaults {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::dev::Service as _;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service};
    use actix_web::{App, HttpResponse};

    use super::*;
    use crate::web::trial::Trial;

    #[actix_web::test]
    async fn a_feeds_messages_are_not_paced_but_guessing_its_credential_is() {
        let trial = Trial::new().await;
        let feed = |feed: web::Path<String>| async move {
            if *feed == "ours" { HttpResponse::Ok().finish() } else { HttpResponse::Unauthorized().finish() }
        };
        let app = App::new().wrap(from_fn(guard)).app_data(web::Data::from(trial.service.clone()));
        let app = init_service(app.route("/hl7/{feed}", web::post().to(feed))).await;
        let ask = async |request: TestRequest, last: u8| {
            let request = request.peer_addr(([192, 0, 2, last], 4000).into());
            app.call(request.to_request()).await.unwrap().status().as_u16()
        };
        for _ in 0..1000 {
            assert_eq!(ask(TestRequest::post().uri("/hl7/ours"), 1).await, 200);
        }
        let mut guesses = Vec::new();
        for _ in 0..500 {
            guesses.push(ask(TestRequest::post().uri("/hl7/theirs"), 1).await);
        }
        assert_eq!(guesses.iter().filter(|status| **status == 401).count(), 100);
        assert_eq!(guesses.last(), Some(&429));
        assert_eq!(ask(TestRequest::post().uri("/hl7/ours"), 2).await, 200, "other addresses go on");
        let mut others = Vec::new();
        for _ in 0..401 {
            others.push(ask(TestRequest::get().uri("/hl7/ours"), 2).await);
        }
        assert_eq!(others.last(), Some(&429), "other methods are counted as ever");
        assert_eq!(ask(TestRequest::post().uri("/hl7/ours"), 2).await, 200, "and do not hold messages up");
        for (uri, last) in [("/health", 404), ("/health/live", 404), ("/healthy", 429), ("/health/", 429)] {
            let mut answers = Vec::new();
            for _ in 0..401 {
                answers.push(ask(TestRequest::get().uri(uri), 3).await);
            }
            assert_eq!(answers.last(), Some(&last), "{uri}");
        }
    }
}
