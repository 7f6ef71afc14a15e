//! Which methods an address takes (RFC 9110, 9): HEAD wherever GET, and a 405 that says what is taken instead.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, Resource, Route, guard, web};

use super::answer::Fault;
use crate::problem::Category;

const READ: &str = "GET, HEAD";
const WRITE: &str = "POST";

/// An address that is read.
pub fn reads(path: &str, handler: impl FnOnce(Route) -> Route) -> Resource {
    web::resource(path).route(handler(get())).default_service(only(READ))
}

/// An address that is posted to.
pub fn takes(path: &str, handler: impl FnOnce(Route) -> Route) -> Resource {
    web::resource(path).route(handler(web::post())).default_service(only(WRITE))
}

/// The part of an address that is read and written.
pub fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// What is answered to every other method.
pub fn only(allowed: &'static str) -> Route {
    web::to(move |request: HttpRequest| {
        let text = format!("{} is not offered at this address; {allowed} is", known(&request));
        let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, Category::NotSupported, text);
        std::future::ready(Err::<actix_web::HttpResponse, _>(Fault {
            header: Some(("allow", allowed.to_string())),
            ..fault
        }))
    })
}

fn known(request: &HttpRequest) -> &str {
    let method = request.method().as_str();
    if ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&method) { method } else { "this method" }
}
