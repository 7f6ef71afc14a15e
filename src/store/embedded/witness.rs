//! A word beside a data folder that there was a store in it: a folder that was emptied, or a disk that is not mounted, looks like
//! a new one, and a gateway that begins anew takes every message as never seen and tells every partner everything once more.
//! Never holds more than when that was first seen.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// `.NAME.handover` beside the folder NAME; none where the folder has no name or nothing it lies in.
pub fn path(directory: &Path) -> Option<PathBuf> {
    let name = directory.file_name()?.to_str()?;
    Some(directory.parent()?.join(format!(".{name}.handover")))
}

/// Refuses a folder without a store in the place of one that had one.
pub fn look(directory: &Path, engine: &str) -> Result<(), StoreError> {
    let Some(witness) = path(directory).filter(|witness| witness.exists()) else { return Ok(()) };
    let holds_files = fs::read_dir(directory.join(engine)).is_ok_and(|mut files| files.next().is_some());
    if holds_files || directory.join("STORE").exists() {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "there was a store in {} and it is gone (so says {}); is its disk mounted? {}",
        directory.display(),
        witness.display(),
        what_to_do(directory)
    )))
}

/// What people can do about a store that is gone or holds less than it must.
pub fn what_to_do(directory: &Path) -> String {
    let directory_shown = directory.display();
    let witness = path(directory).filter(|witness| witness.exists());
    let and_witness = witness.map(|witness| format!(" and {}", witness.display())).unwrap_or_default();
    format!(
        "put the files back, or restore a backup (`handover restore FILE`, into an empty folder); only where a new, empty store is \
         wanted, take {directory_shown}{and_witness} away"
    )
}

/// Leaves the word, where the folder that the data folder lies in can be written to.
pub fn leave(directory: &Path) {
    let Some(witness) = path(directory).filter(|witness| !witness.exists()) else { return };
    let write = || {
        let mut file = fs::File::create_new(&witness)?;
        let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        writeln!(
            file,
            "There is a store of handover in `{name}`. If that folder is empty one day, the gateway does not start with a new\n\
             store in its place. Take this file away only with the folder."
        )?;
        file.sync_all()
    };
    if let Err(error) = write() {
        tracing::info!(
            directory = %directory.display(),
            %error,
            "no word can be left beside the data folder that a store is in it: should the folder be emptied, it will be taken \
             for a new one unless the gateway is started with --existing"
        );
    }
}
