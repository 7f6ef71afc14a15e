//! `GET /health` for supervisors and load balancers, and `GET /metrics` for Prometheus.

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};
use serde_json::json;
use tokio::sync::Mutex;

use super::answer::write_json;
use super::service::Service;
use crate::pipeline::{GatewayHealth, Status};
use crate::telemetry::METRICS_TYPE;

/// The newest answer and when it was begun. Anybody may ask how things stand, as often as they like: the store is asked by one at a
/// time, and those who meanwhile wait share the answer that was begun after the last of them came.
#[derive(Default)]
pub struct Standing(Mutex<Option<(Instant, Arc<GatewayHealth>)>>);

async fn standing(service: web::Data<Service>) -> Arc<GatewayHealth> {
    let (came, asked) = (Instant::now(), service.clone());
    // The store reads on when whoever asked leaves, so the next must wait as long.
    let answer = actix_web::rt::spawn(async move {
        let mut newest = asked.standing.0.lock().await;
        match &*newest {
            Some((begun, health)) if *begun >= came => health.clone(),
            _ => {
                let (begun, health) = (Instant::now(), Arc::new(asked.gateway.health().await));
                *newest = Some((begun, health.clone()));
                health
            }
        }
    });
    match answer.await {
        Ok(health) => health,
        Err(_) => Arc::new(service.gateway.health().await),
    }
}

/// 200 while messages can be taken, with `warn` where something does not follow the site; 503 while they cannot. In all cases
/// with what is known of the store. What stands in the site's files is for `handover health`.
pub async fn health(service: web::Data<Service>) -> HttpResponse {
    let health = GatewayHealth::clone(&*standing(service).await).for_everybody();
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
    standing(service.clone()).await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, METRICS_TYPE)).body(service.gateway.metrics.encode())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::trial::Trial;

    #[actix_web::test]
    async fn who_asks_at_once_shares_an_answer_and_nobody_gets_an_older_one() {
        let service = web::Data::from(Trial::new().await.service);
        let asked = (0..20).map(|_| standing(service.clone()));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().all(|answer| Arc::ptr_eq(answer, &answers[0])));
        assert!(!Arc::ptr_eq(&standing(service).await, &answers[0]));
    }
}
