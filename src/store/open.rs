//! Opening the store that the settings name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backup::Checked;
use super::embedded::{Embedded, Order, Step};
use super::engine::{Engine, EngineError, Fjall, Memory, Sled};
use super::postgres::Postgres;
use super::{RestoreFault, Store, StoreError};

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
        EngineChoice::Fjall => open_in("fjall", &settings.path, open_fjall),
        EngineChoice::Sled => open_in("sled", &settings.path, open_sled),
        EngineChoice::Memory => {
            let memory = Memory::default();
            Embedded::open("memory", None, Box::new(move || Ok(Box::new(memory.clone()))))
        }
    }?;
    Ok(Arc::new(store))
}

/// Makes a store of a backup, whichever engine that was of. The folder must be missing or empty, and is no store before this has
/// returned. `state` are pieces of state that it is to have.
///
/// # Errors
/// The backup is not what was written, or the store cannot be written.
pub fn restore(
    settings: &StoreSettings,
    backup: &Path,
    state: &[(&str, Vec<u8>)],
    progress: &mut dyn FnMut(Step),
) -> Result<Checked, RestoreFault> {
    let (engine, open): (_, OpenEngine) = match &settings.engine {
        EngineChoice::Fjall => ("fjall", open_fjall),
        EngineChoice::Sled => ("sled", open_sled),
        EngineChoice::Memory | EngineChoice::Postgres { .. } => {
            let text = "a backup is restored into a store of the engine fjall or sled";
            return Err(RestoreFault::Refused(text.to_string()));
        }
    };
    super::embedded::restore(&Order { engine, open, state, target: &settings.path }, backup, progress)
}

fn open_fjall(path: &Path) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(Fjall::open(path)?))
}

fn open_sled(path: &Path) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(Sled::open(path)?))
}

type OpenEngine = fn(&Path) -> Result<Box<dyn Engine>, EngineError>;

/// The engine's own files are kept in a folder named after it, beside the file `STORE`.
fn open_in(engine: &'static str, path: &Path, open: OpenEngine) -> Result<Embedded, StoreError> {
    let files = path.join(engine);
    Embedded::open(engine, Some(path), Box::new(move || Ok(open(&files)?)))
}
