//! Around every request: how often one address may ask, headers that keep browsers from harm, a count and a log line.
//! The line has the route's pattern and never the path, the query or a body: those may name a patient.

use std::net::IpAddr;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};

use super::answer::Fault;
use super::service::Service;
use crate::problem::Category;

/// The middleware for the whole app: `App::new().wrap(from_fn(web::guard))`, above `web::configure`.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let service = request.app_data::<web::Data<Service>>().cloned();
    let method = request.method().clone();
    let encrypted = request.app_config().secure();
    let turned_away = service.as_ref().is_some_and(|service| !admit(service, &request));
    let mut response = if turned_away {
        let status = actix_web::http::StatusCode::TOO_MANY_REQUESTS;
        let mut fault = Fault::new(status, Category::Throttled, "too many requests from this address; ask again later");
        fault.retry_after_secs = Some(1);
        request.into_response(fault.error_response())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    protect(response.headers_mut(), encrypted);
    if let Some(service) = service {
        // Only what matched a route is named: other paths are anybody's words.
        let route = response.request().match_pattern().unwrap_or_else(|| "none".to_string());
        let status = response.status().as_u16();
        let seconds = started.elapsed().as_secs_f64();
        let method = if method.as_str().len() <= 7 { method.as_str() } else { "other" };
        service.gateway.metrics.count_request(&route, known_method(method), status, seconds);
        tracing::info!(route, method = known_method(method), status, millis = seconds * 1000.0, "request");
    }
    Ok(response)
}

fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

fn admit(service: &Service, request: &ServiceRequest) -> bool {
    // Looked at by the machine itself and by its supervisor: never turned away.
    if request.path().starts_with("/health") {
        return true;
    }
    let behind_proxy = service.gateway.site.load().settings.http.behind_proxy;
    let address = caller(request, behind_proxy);
    address.is_none_or(|address| service.addresses.admit(address, service.gateway.clock.now()))
}

/// The connection's address, or behind a proxy what the proxy says of it: the last entry, the one it added itself.
fn caller(request: &ServiceRequest, behind_proxy: bool) -> Option<IpAddr> {
    let forwarded = request.headers().get("x-forwarded-for").filter(|_| behind_proxy);
    let told = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    told.or_else(|| request.peer_addr().map(|peer| peer.ip()))
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
