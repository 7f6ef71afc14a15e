//! `GET /health` for supervisors and load balancers, and `GET /metrics` for Prometheus.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::answer::write_json;
use super::service::Service;
use crate::store::Health;
use crate::telemetry::METRICS_TYPE;

/// 200 while messages can be taken, 503 while they cannot; in both cases with what is known of the store.
pub async fn health(service: web::Data<Service>) -> HttpResponse {
    let health = ask(&service).await;
    let (status, word) = match health.fault {
        None => (StatusCode::OK, "pass"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "fail"),
    };
    let body = json!({ "status": word, "version": env!("CARGO_PKG_VERSION"), "store": health });
    write_json(status, &body)
}

/// 200 as long as the process answers at all.
pub async fn live() -> HttpResponse {
    write_json(StatusCode::OK, &json!({ "status": "pass" }))
}

pub async fn metrics(service: web::Data<Service>) -> HttpResponse {
    ask(&service).await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, METRICS_TYPE)).body(service.gateway.metrics.encode())
}

async fn ask(service: &Service) -> Health {
    let health = service.gateway.store.health().await;
    service.gateway.metrics.set_store(
        health.deliveries_waiting,
        health.deliveries_held,
        health.deliveries_dead,
        health.records,
        health.disk_bytes,
    );
    health
}
