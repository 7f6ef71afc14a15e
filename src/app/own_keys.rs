//! The gateway's own keys while it runs: what another gateway on the same store changed is taken over, and `handover keys`
//! lists and changes them.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;

use crate::delivery::OwnKeys;
use crate::pipeline::Gateway;
use crate::store::AuditEntry;

/// Much shorter than a new key is published before it signs.
const EVERY: Duration = Duration::from_secs(20);

/// Until the gateway stops.
pub(super) async fn follow(gateway: Arc<Gateway>, keys: OwnKeys, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = keys.read(&*gateway.store).await {
            tracing::warn!(%error, "the gateway's own keys cannot be read; those known go on");
        }
    }
}

/// What `handover keys` asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    rotate: bool,
    #[serde(default)]
    at_once: bool,
}

pub(super) async fn keys(
    gateway: web::Data<Gateway>,
    keys: web::Data<OwnKeys>,
    asked: web::Json<Asked>,
) -> HttpResponse {
    let now = gateway.clock.now();
    if asked.rotate {
        // First, so that no change is without a word of it.
        let action = if asked.at_once { "keys-rotate-at-once" } else { "keys-rotate" };
        let entry = AuditEntry {
            at: now,
            agent: "operator".to_string(),
            action: action.to_string(),
            person: None,
            subject: "keys".to_string(),
            allowed: true,
            because: "asked for over the control socket".to_string(),
        };
        if let Err(error) = gateway.write_audit(vec![entry]).await {
            return HttpResponse::UnprocessableEntity().json(json!({ "problem": error.to_string() }));
        }
        if let Err(error) = keys.rotate(&*gateway.store, now, asked.at_once).await {
            return HttpResponse::UnprocessableEntity().json(json!({ "problem": error.to_string() }));
        }
        tracing::warn!(at_once = asked.at_once, "the gateway has a new key of its own");
    }
    HttpResponse::Ok().json(json!({ "items": keys.told(now) }))
}
