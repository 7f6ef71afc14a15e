//! `/.well-known/jwks.json` (RFC 7517): the public halves of the gateway's own keys, by which partners know what it signs.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::web::service::Service;

pub async fn jwks(service: web::Data<Service>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "max-age=300"))
        .json(json!({ "keys": service.token_key.keys.public(service.gateway.clock.now()) }))
}
