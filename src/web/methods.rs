//! Which methods an address takes (RFC 9110, 9): HEAD wherever GET, and a 405 that says what is taken instead.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, Route, guard, web};

use super::answer::Fault;
use crate::problem::Category;

/// What is read, with or without its body.
pub fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// What is answered to every other method.
pub fn only(allowed: impl Into<String>) -> Route {
    let allowed = allowed.into();
    web::to(move |request: HttpRequest| {
        let text = format!("{} is not offered at this address; {allowed} is", known(&request));
        let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, Category::NotSupported, text);
        std::future::ready(Err::<actix_web::HttpResponse, _>(Fault {
            header: Some(("allow", allowed.clone())),
            ..fault
        }))
    })
}

fn known(request: &HttpRequest) -> &str {
    let method = request.method().as_str();
    if ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&method) { method } else { "this method" }
}
