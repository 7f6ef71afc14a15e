//! Where a store under test lives, and the macro that runs a test on every kind of store.

use std::path::PathBuf;
use std::sync::Arc;

use handover::store::{EngineChoice, Store, StoreError, StoreSettings, open};

pub struct Place {
    pub settings: StoreSettings,
    _directory: tempfile::TempDir,
}

impl Place {
    pub fn new(engine: EngineChoice) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { settings: StoreSettings { engine, path: directory.path().join("store") }, _directory: directory }
    }

    /// An empty database; none where PostgreSQL is not installed.
    pub fn postgres() -> Option<Self> {
        Some(Self::new(EngineChoice::Postgres { url: crate::postgres::new_database()? }))
    }

    /// Another of the same kind, empty.
    pub fn fresh(other: &Self) -> Self {
        match &other.settings.engine {
            EngineChoice::Postgres { .. } => Self::postgres().unwrap(),
            engine => Self::new(engine.clone()),
        }
    }

    pub fn open(&self) -> Arc<dyn Store> {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Arc<dyn Store>, StoreError> {
        open(&self.settings)
    }

    pub fn path(&self) -> &PathBuf {
        &self.settings.path
    }
}

/// `on_every_store! { async fn name(place) { … } }` makes the test `name::fjall` and its siblings.
macro_rules! on_every_store {
    ($(async fn $name:ident($place:ident) $body:block)*) => { $(
        mod $name {
            #[allow(unused_imports, reason = "not every test needs everything")]
            use super::*;

            async fn run($place: &crate::place::Place) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn memory() {
                run(&crate::place::Place::new(handover::store::EngineChoice::Memory)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn fjall() {
                run(&crate::place::Place::new(handover::store::EngineChoice::Fjall)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sled() {
                run(&crate::place::Place::new(handover::store::EngineChoice::Sled)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(place) = crate::place::Place::postgres() {
                    run(&place).await;
                }
            }
        }
    )* };
}
