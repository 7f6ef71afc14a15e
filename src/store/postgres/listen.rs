//! Gateways wake each other: a commit is told by NOTIFY, at most every few milliseconds, and each gateway listens.

use std::sync::Arc;
use std::time::Duration;

use std::future::poll_fn;
use tokio::sync::{Notify, watch};
use tokio_postgres::{AsyncMessage, Client, Config};

use super::tls::Tls;

const CHANNEL: &str = "handover_changes";
/// A NOTIFY takes a lock at commit that all who notify share, so commits do not notify each by itself.
const AT_MOST_EVERY: Duration = Duration::from_millis(50);
const RECONNECT: Duration = Duration::from_secs(1);

/// Runs until it is dropped with its runtime: one connection, listening and telling.
pub async fn listen_and_tell(address: (Config, Tls), committed: Arc<Notify>, changes: watch::Sender<u64>) {
    loop {
        if let Err(error) = once(&address, &committed, &changes).await {
            tracing::warn!(%error, "the connection for wake-ups was lost");
        }
        // Something may have been missed meanwhile.
        changes.send_modify(|count| *count += 1);
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn once(
    (config, tls): &(Config, Tls),
    committed: &Notify,
    changes: &watch::Sender<u64>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(tls.clone()).await?;
    let told = changes.clone();
    let mut driver = tokio::spawn(async move {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(_))) => told.send_modify(|count| *count += 1),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    });
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    loop {
        tokio::select! {
            _ = &mut driver => return Ok(()),
            () = committed.notified() => tell(&client).await?,
        }
        tokio::time::sleep(AT_MOST_EVERY).await;
    }
}

async fn tell(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(&format!("NOTIFY {CHANNEL}")).await
}
