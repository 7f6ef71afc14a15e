//! A backup on its way out: from the gateway that runs, over the control socket, or from a store that nobody has open. Knows nothing
//! of where it is kept; a backup that is cut off has no end and counts for nothing.

use std::path::Path;
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use anyhow::Context;
use futures_util::stream;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::reach;
use crate::clock::{Clock, SystemClock};
use crate::pipeline::Gateway;
use crate::store::Store;

/// Parts that may wait to be taken.
const WAITING: usize = 4;

/// Parts of a backup as they come.
pub enum Source {
    /// From the gateway that runs.
    Gateway(reqwest::Response),
    /// From a store that was opened for it.
    Store { store: Arc<dyn Store>, parts: mpsc::Receiver<Vec<u8>> },
}

impl Source {
    /// The next bytes; none when no more come, for whatever reason.
    ///
    /// # Errors
    /// The gateway went away.
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Gateway(response) => {
                let bytes = response.chunk().await.context("the gateway went away before the backup was done")?;
                Ok(bytes.map(|bytes| bytes.to_vec()))
            }
            Self::Store { parts, .. } => Ok(parts.recv().await),
        }
    }

    pub async fn close(self) {
        if let Self::Store { store, .. } = self {
            store.close().await;
        }
    }
}

/// Asks the gateway that runs on a data folder for a backup. None when none runs there.
///
/// # Errors
/// The gateway says why it gives none, or cannot be reached.
pub async fn ask_for_backup(data: &Path) -> anyhow::Result<Option<Source>> {
    let Some(response) = reach::send(data, "/backup", &json!({})).await? else { return Ok(None) };
    Ok(Some(Source::Gateway(response)))
}

/// A backup of a store that was opened for it.
pub fn back_up_alone(store: Arc<dyn Store>) -> Source {
    let (to, parts) = mpsc::channel(WAITING);
    let giving = Arc::clone(&store);
    // Why it was given up stands in its last part.
    tokio::spawn(async move { giving.back_up(SystemClock.now(), to).await });
    Source::Store { store, parts }
}

/// `POST /backup` on the control socket.
pub(super) async fn give(gateway: web::Data<Gateway>, closing: web::Data<watch::Receiver<bool>>) -> HttpResponse {
    let (to, mut parts) = mpsc::channel(WAITING);
    let (store, now) = (Arc::clone(&gateway.store), gateway.clock.now());
    let giving = tokio::spawn(async move {
        let given = store.back_up(now, to).await;
        if let Err(fault) = &given {
            tracing::warn!(%fault, "no backup was made");
        }
        given
    });
    let Some(first) = parts.recv().await else {
        let why = match giving.await {
            Ok(Err(fault)) => fault.to_string(),
            _ => "the gateway gives no backup now".to_string(),
        };
        return HttpResponse::UnprocessableEntity().json(json!({ "problem": why }));
    };
    tracing::info!("a backup is being made");
    let closing = watch::Receiver::clone(&closing);
    let parts = stream::unfold((Some(first), parts, closing), |(first, mut parts, mut closing)| async move {
        if let Some(first) = first {
            return Some((Ok(web::Bytes::from(first)), (None, parts, closing)));
        }
        tokio::select! {
            part = parts.recv() => Some((Ok(web::Bytes::from(part?)), (None, parts, closing))),
            // A gateway that is told to stop waits for nobody who copies it.
            _ = closing.changed() => {
                parts.close();
                let stopping = std::io::Error::other("the gateway is stopping");
                Some((Err(actix_web::Error::from(stopping)), (None, parts, closing)))
            }
        }
    });
    HttpResponse::Ok().content_type("application/octet-stream").streaming(parts)
}
