//! `GET /health` for supervisors and load balancers, and `GET /metrics` for Prometheus.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};
use futures_util::FutureExt;
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

/// 200 while tokens are given and reads answered, also where messages cannot be taken because the disk is full.
pub async fn read(service: web::Data<Service>) -> HttpResponse {
    let gateway = &service.gateway;
    let (_, is_full) = gateway.reserve.standing();
    // Nothing lost: whether it could be read is the answer.
    let is_readable = gateway.store.get_state("health").await.is_ok();
    let why = match (is_full, is_readable && !is_over(&service)) {
        (true, _) => {
            "the store cannot be written to and no more can be kept in memory: reads are refused until there is room"
        }
        (_, false) => "the store does not work; `handover health` says why",
        (false, true) => return write_json(StatusCode::OK, &json!({ "status": "pass" })),
    };
    write_json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "fail", "output": why }))
}

/// 200 as long as the process answers at all and does not need to be started anew.
pub async fn live(service: web::Data<Service>) -> HttpResponse {
    if is_over(&service) {
        let output = "only a restart can tell what the disk holds";
        return write_json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "fail", "output": output }));
    }
    write_json(StatusCode::OK, &json!({ "status": "pass" }))
}

fn is_over(service: &Service) -> bool {
    service.gateway.store.broken().now_or_never().is_some()
}

pub async fn metrics(service: web::Data<Service>) -> HttpResponse {
    service.standing.of(&service.gateway).await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, METRICS_TYPE)).body(service.gateway.metrics.encode())
}
