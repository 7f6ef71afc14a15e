//! Gateways wake each other: that something was added to the outbox is told by NOTIFY, and each gateway listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use std::future::poll_fn;
use tokio::sync::{Notify, watch};
use tokio_postgres::{AsyncMessage, Client, Config};

use super::tls::Tls;

const CHANNEL: &str = "handover_deliveries";
/// A NOTIFY takes a lock at commit that all who notify share, so commits do not notify each by itself.
const AT_MOST_EVERY: Duration = Duration::from_millis(50);
const RECONNECT: Duration = Duration::from_secs(1);

/// Runs until it is dropped with its runtime: one connection, listening and telling.
pub async fn listen_and_tell(address: (Config, Tls), added: Arc<Notify>, others: watch::Sender<u64>) {
    loop {
        if let Err(error) = once(&address, &added, &others).await {
            tracing::warn!(%error, "the connection for wake-ups was lost");
        }
        // Something may have been missed meanwhile.
        others.send_modify(|count| *count += 1);
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn once(
    (config, tls): &(Config, Tls),
    added: &Notify,
    others: &watch::Sender<u64>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(tls.clone()).await?;
    let (told, own) = (others.clone(), Arc::new(AtomicI32::new(0)));
    let own_process = Arc::clone(&own);
    let mut driver = tokio::spawn(async move {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(told_by)))
                    if told_by.process_id() != own.load(Ordering::Relaxed) =>
                {
                    told.send_modify(|count| *count += 1);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    });
    let process: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
    own_process.store(process, Ordering::Relaxed);
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    loop {
        tokio::select! {
            _ = &mut driver => return Ok(()),
            () = added.notified() => tell(&client).await?,
        }
        tokio::time::sleep(AT_MOST_EVERY).await;
    }
}

async fn tell(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(&format!("NOTIFY {CHANNEL}")).await
}
