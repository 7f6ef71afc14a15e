//! `GET /health` for supervisors and load balancers, and `GET /metrics` for Prometheus.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::answer::write_json;
use super::service::Service;
use crate::pipeline::{GatewayHealth, Status};
use crate::telemetry::METRICS_TYPE;

/// 200 while messages can be taken, with `warn` where something does not follow the site; 503 while they cannot. In all cases
/// with what is known of the store. What stands in the site's files is for `handover health`.
pub async fn health(service: web::Data<Service>) -> HttpResponse {
    let health = GatewayHealth::clone(&*service.standing.of(&service.gateway).await).for_everybody();
    let status = match health.status {
        Status::Pass | Status::Warn => StatusCode::OK,
        Status::Fail => StatusCode::SERVICE_UNAVAILABLE,
    };
    write_json(status, &json!(health))
}

/// 200 as long as the process answers at all.
pub async fn live() -> HttpResponse {
    write_json(StatusCode::OK, &json!({ "status": "pass" }))
}

pub async fn metrics(service: web::Data<Service>) -> HttpResponse {
    service.standing.of(&service.gateway).await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, METRICS_TYPE)).body(service.gateway.metrics.encode())
}
