//! Opening the store that the settings name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::embedded::Embedded;
use super::engine::{Engine, EngineError, Fjall, Memory, Sled};
use super::postgres::Postgres;
use super::{Store, StoreError};

/// What keeps the data.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum EngineChoice {
    #[default]
    Fjall,
    Sled,
    /// Forgets everything at the end: for tests and trials.
    Memory,
    /// A database that many gateways share.
    Postgres {
        /// `postgresql://user:password@host/database`
        url: String,
    },
}

/// Without the url, which may hold a password.
impl fmt::Debug for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fjall => "Fjall",
            Self::Sled => "Sled",
            Self::Memory => "Memory",
            Self::Postgres { .. } => "Postgres",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    pub engine: EngineChoice,
    /// The directory of an embedded store; made when missing. PostgreSQL has no use for it.
    pub path: PathBuf,
}

/// Opens the store. `Unavailable` when another process has it, `Refused` when it was written by another engine or
/// program, `Damaged` when it holds less than it must.
pub fn open(settings: &StoreSettings) -> Result<Arc<dyn Store>, StoreError> {
    let store = match &settings.engine {
        EngineChoice::Postgres { url } => return Ok(Arc::new(Postgres::open(url)?)),
        EngineChoice::Fjall => open_in("fjall", &settings.path, |path| Ok(Box::new(Fjall::open(path)?))),
        EngineChoice::Sled => open_in("sled", &settings.path, |path| Ok(Box::new(Sled::open(path)?))),
        EngineChoice::Memory => {
            let memory = Memory::default();
            Embedded::open("memory", None, Box::new(move || Ok(Box::new(memory.clone()))))
        }
    }?;
    Ok(Arc::new(store))
}

type OpenEngine = fn(&Path) -> Result<Box<dyn Engine>, EngineError>;

/// The engine's own files are kept in a folder named after it, beside the file `STORE`.
fn open_in(engine: &'static str, path: &Path, open: OpenEngine) -> Result<Embedded, StoreError> {
    let files = path.join(engine);
    Embedded::open(engine, Some(path), Box::new(move || Ok(open(&files)?)))
}
