//! Connections: a pool on a runtime of its own, because the web's workers are single-threaded runtimes and a connection
//! lives and dies with the runtime it was made on.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime as PoolRuntime};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Config, NoTls};

use super::migrations::migrate;
use crate::store::StoreError;

const CONNECTIONS: usize = 16;
const WAIT: Duration = Duration::from_secs(10);

pub struct Connections {
    pool: Pool,
    runtime: Option<Runtime>,
    config: Config,
}

impl Connections {
    /// Connects, and brings the tables up to date. Blocks the calling thread until that is done.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut config: Config =
            url.parse().map_err(|_| StoreError::Refused("the store's url is not a PostgreSQL url".to_string()))?;
        config.application_name("handover").connect_timeout(WAIT);
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("postgres").enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Unavailable(format!("no threads: {error}")))?;
        let first = config.clone();
        let handle = runtime.handle().clone();
        // On a thread of its own, because the caller may be inside a runtime, where blocking is not allowed.
        let migrated = std::thread::spawn(move || handle.block_on(connect_and_migrate(&first))).join();
        migrated.map_err(|_| StoreError::Unavailable("connecting to PostgreSQL was cut short".to_string()))??;
        let manager =
            Manager::from_config(config.clone(), NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(PoolRuntime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { pool, runtime: Some(runtime), config })
    }

    pub fn config(&self) -> &Config {
        &self.config
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

async fn connect_and_migrate(config: &Config) -> Result<(), StoreError> {
    let (mut client, connection) = config.connect(NoTls).await?;
    let driver = tokio::spawn(connection);
    let result = migrate(&mut client).await;
    drop(client);
    // Its error, if any, came back through the client.
    let _ = driver.await;
    result
}
