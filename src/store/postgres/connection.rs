//! Connections: a pool on a runtime of its own, because the web's workers are single-threaded runtimes and a connection
//! lives and dies with the runtime it was made on.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime as PoolRuntime};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::address::Address;
use super::migrations::migrate;
use super::tls::Tls;
use crate::store::StoreError;

const CONNECTIONS: usize = 16;
const WAIT: Duration = Duration::from_secs(10);

/// How often work that lost against another gateway's locks is done again.
const TRIES: usize = 5;

pub struct Connections {
    pool: Pool,
    runtime: Option<Runtime>,
    config: Config,
    tls: Tls,
}

impl Connections {
    /// Connects, and brings the tables up to date. Blocks the calling thread until that is done.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut address = Address::read(url)?;
        address.config.application_name("handover").connect_timeout(WAIT);
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("postgres").enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Unavailable(format!("no threads: {error}")))?;
        let handle = runtime.handle().clone();
        // On a thread of its own, because the caller may be inside a runtime, where blocking is not allowed.
        let migrated = std::thread::spawn(move || handle.block_on(settle(address))).join();
        let cut_short = |_| StoreError::Unavailable("connecting to PostgreSQL was cut short".to_string());
        let (config, tls) = match migrated.map_err(cut_short).flatten() {
            Ok(settled) => settled,
            Err(error) => {
                // Waiting for it, as dropping it would, is not allowed inside another runtime.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config.clone(), tls.clone(), recycling);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(PoolRuntime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { pool, runtime: Some(runtime), config, tls })
    }

    /// For a connection beside the pool.
    pub fn address(&self) -> (Config, Tls) {
        (self.config.clone(), self.tls.clone())
    }

    /// Work whose only conflicts are deadlocks with other gateways: done again a few times.
    pub async fn insist<T, F>(&self, work: impl Fn(Object) -> F + Clone + Send + 'static) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let mut result = Err(StoreError::Conflict);
        for _ in 0..TRIES {
            result = self.run(work.clone()).await;
            if !matches!(result, Err(StoreError::Conflict)) {
                break;
            }
        }
        let unavailable = || StoreError::Unavailable("other gateways hold the same rows".to_string());
        result.map_err(|error| if matches!(error, StoreError::Conflict) { unavailable() } else { error })
    }

    /// Runs on the store's own runtime; dropped by the caller, it still runs to its end.
    pub async fn run<T, F>(&self, work: impl FnOnce(Object) -> F + Send + 'static) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let pool = self.pool.clone();
        let task = self.spawn(async move { work(pool.get().await?).await })?;
        task.await.map_err(|_| closed())?
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<tokio::task::JoinHandle<T>, StoreError> {
        Ok(self.runtime.as_ref().ok_or_else(closed)?.spawn(work))
    }

    pub fn close(&self) {
        self.pool.close();
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.pool.close();
        if let Some(runtime) = self.runtime.take() {
            // Waiting for it is not allowed inside another runtime.
            runtime.shutdown_background();
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_string())
}

/// Connects for the first time, and so finds out whether TLS will be used. Where it is only preferred and does not come
/// about, the rest is done without, and the log says so.
async fn settle(address: Address) -> Result<(Config, Tls), StoreError> {
    let Address { mut config, roots } = address;
    let over_network = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
    let failed = match config.get_ssl_mode() {
        SslMode::Prefer if over_network => match try_with(&config, roots.as_deref()).await {
            Ok(tls) => return Ok((config, tls)),
            Err(error) => Some(error),
        },
        SslMode::Disable | SslMode::Prefer => None,
        _ if over_network => return try_with(&config, roots.as_deref()).await.map(|tls| (config, tls)),
        _ => return Err(StoreError::Refused("TLS is required, and there is none over a local socket".to_string())),
    };
    config.ssl_mode(SslMode::Disable);
    connect_and_migrate(&config, Tls::none()).await?;
    if let Some(error) = failed {
        tracing::warn!(%error, "connected to PostgreSQL without TLS; sslmode=verify-full would insist on it");
    }
    Ok((config, Tls::none()))
}

async fn try_with(config: &Config, roots: Option<&Path>) -> Result<Tls, StoreError> {
    let tls = Tls::trusting(roots)?;
    connect_and_migrate(config, tls.clone()).await?;
    Ok(tls)
}

async fn connect_and_migrate(config: &Config, tls: Tls) -> Result<(), StoreError> {
    let (mut client, connection) = config.connect(tls).await?;
    let driver = tokio::spawn(connection);
    let result = migrate(&mut client).await;
    drop(client);
    // Its error, if any, came back through the client.
    let _ = driver.await;
    result
}
