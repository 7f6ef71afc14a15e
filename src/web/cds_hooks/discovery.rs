//! `GET /cds-services` (https://cds-hooks.hl7.org/2.0/#discovery): one service for each hook that protocols have cards for.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use crate::protocol::HOOKS;
use crate::web::answer::write_json;
use crate::web::service::Service;

pub async fn discovery(service: web::Data<Service>) -> HttpResponse {
    // Open to all, and the same for all.
    let _ = service;
    let services: Vec<Value> = HOOKS.iter().map(|hook| describe(hook)).collect();
    write_json(StatusCode::OK, &json!({ "services": services }))
}

fn describe(hook: &str) -> Value {
    json!({
        "hook": hook,
        "id": service_id(hook),
        "title": "Handover: care coordination",
        "description": "Questions that wait for an answer, open alerts, and work that belongs in this visit.",
        "prefetch": { "patient": "Patient/{{context.patientId}}" },
    })
}

fn service_id(hook: &str) -> String {
    format!("handover-{hook}")
}

/// The hook of a service.
pub fn hook_of(id: &str) -> Option<&'static str> {
    HOOKS.into_iter().find(|hook| service_id(hook) == id)
}
