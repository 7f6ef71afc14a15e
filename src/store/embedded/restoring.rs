//! Makes a store of a backup: beside the place where it is to be, checked as a whole before and after, and moved there at the end.
//! What was cut off in the middle is never taken for a store.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

use super::marker::{FORMAT, Marker};
use super::once::state_key;
use super::witness;
use crate::store::backup::{BackupFault, Checked, Content, End, Part, Reader, check, pairs};
use crate::store::engine::{Changes, Engine, EngineError};
use crate::store::{RestoreFault, StoreError};

/// Where the store is while it is made, in the folder where it is to be: that may be a disk of its own.
const STAGE: &str = "restoring";
/// Written at once.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// What a restore does now, for people who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many bytes of the backup were checked, …
    Checking(u64),
    /// … written, …
    Writing(u64),
    /// … and what was written is read again.
    Comparing,
}

pub struct Order<'o> {
    pub engine: &'static str,
    pub open: fn(&Path) -> Result<Box<dyn Engine>, EngineError>,
    /// Pieces of state that the store is to have in place of those of the backup.
    pub state: &'o [(&'o str, Vec<u8>)],
    pub target: &'o Path,
}

/// The target must be missing or empty.
pub fn restore(order: &Order<'_>, backup: &Path, progress: &mut dyn FnMut(Step)) -> Result<Checked, RestoreFault> {
    let mut file = File::open(backup).map_err(BackupFault::from)?;
    let checked = check(io::BufReader::new(&file), &mut |bytes| progress(Step::Checking(bytes)))?;
    if !(1..=FORMAT).contains(&checked.about.layout) {
        return Err(RestoreFault::Layout(checked.about.layout, FORMAT));
    }
    let stage = order.target.join(STAGE);
    let mut marker = prepare(order, &stage)?;
    let files = stage.join(order.engine);
    {
        let engine = (order.open)(&files).map_err(StoreError::from)?;
        file.seek(SeekFrom::Start(0))?;
        let end = fill(&*engine, &mut Reader::open(io::BufReader::new(&file))?, progress)?;
        progress(Step::Comparing);
        let mut content = Content::default();
        let copied = engine.copy(&mut |key, value| {
            content.add(key, value);
            true
        });
        copied.map_err(StoreError::from)?;
        if (content.pairs, content.in_hex()) != (end.pairs, end.content.clone()) || end != checked.end {
            return Err(RestoreFault::Differs);
        }
        let state = order.state.iter().map(|(name, value)| (state_key(name), Some(value.clone())));
        engine.write(state.collect()).map_err(StoreError::from)?;
    }
    marker.write(checked.end.sequence, true)?;
    sync_all(&stage)?;
    put_in_place(order.target, order.engine)?;
    witness::leave(order.target);
    Ok(checked)
}

/// Takes away what a restore left that was cut off, and begins anew.
fn prepare(order: &Order<'_>, stage: &Path) -> Result<Marker, RestoreFault> {
    fs::create_dir_all(order.target)?;
    for entry in fs::read_dir(order.target)? {
        let name = entry?.file_name();
        if name != STAGE && name != "lost+found" {
            return Err(RestoreFault::NotEmpty(order.target.to_path_buf(), name.to_string_lossy().into_owned()));
        }
    }
    if stage.exists() {
        if is_under_way(stage)? {
            return Err(RestoreFault::Refused(format!("a restore into {} is under way", order.target.display())));
        }
        fs::remove_dir_all(stage)?;
    }
    Ok(Marker::open(stage, order.engine)?)
}

fn fill(
    engine: &dyn Engine,
    from: &mut Reader<impl io::Read>,
    progress: &mut dyn FnMut(Step),
) -> Result<End, RestoreFault> {
    let (mut changes, mut bytes) = (Changes::new(), 0);
    loop {
        let part = match from.next()? {
            Part::End(end) => {
                engine.write(changes).map_err(StoreError::from)?;
                return Ok(end);
            }
            Part::Pairs(part) => part,
        };
        for pair in pairs(&part) {
            let (key, value) = pair.ok_or(BackupFault::Damaged { what: "a pair does not read", at: from.at() })?;
            bytes += key.len() + value.len();
            changes.insert(key.to_vec(), Some(value.to_vec()));
        }
        if bytes >= BATCH_BYTES {
            engine.write(std::mem::take(&mut changes)).map_err(StoreError::from)?;
            bytes = 0;
            progress(Step::Writing(from.at()));
        }
    }
}

/// Files and folders, so that a power cut after the move finds all of them.
fn sync_all(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync_all(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}

/// From the first step on the store is there whole.
fn put_in_place(target: &Path, engine: &str) -> io::Result<()> {
    let stage = target.join(STAGE);
    if stage.join(engine).exists() {
        fs::rename(stage.join(engine), target.join(engine))?;
    }
    if stage.join("STORE").exists() {
        fs::rename(stage.join("STORE"), target.join("STORE"))?;
    }
    fs::remove_dir_all(&stage)?;
    File::open(target)?.sync_all()
}

/// Whoever restores holds the lock of the store that it makes.
fn is_under_way(stage: &Path) -> io::Result<bool> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(stage.join("STORE"))?;
    Ok(file.try_lock().is_err())
}

/// Refuses a folder into which a restore was cut off or is under way; one that was cut off when the store was in its place already
/// is brought to its end.
pub fn settle(directory: &Path, engine: &str) -> Result<(), StoreError> {
    let stage = directory.join(STAGE);
    if !stage.exists() {
        return Ok(());
    }
    let unavailable = |error: io::Error| StoreError::Unavailable(format!("{}: {error}", stage.display()));
    let is_in_place = directory.join(engine).exists() && !stage.join(engine).exists();
    if !is_in_place || is_under_way(&stage).map_err(unavailable)? {
        return Err(StoreError::Refused(format!(
            "a restore into {} is not done; wait for it, or where it was cut off give the command again",
            directory.display()
        )));
    }
    fs::remove_dir_all(&stage).and_then(|()| File::open(directory)?.sync_all()).map_err(unavailable)
}
