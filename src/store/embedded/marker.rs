//! The file `STORE` beside an engine's own: says whose directory it is, keeps other processes out, and remembers a
//! sequence number that the engine must at least have, because an engine that "opened" may have opened empty.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Raised when the layout of keys or values changes so that a program of before would misread it. This program reads all since
/// the first: 2 has deliveries apart from their attempts, and lineage in binary.
pub const FORMAT: u32 = 3;

pub struct Marker {
    file: File,
    engine: &'static str,
    directory: PathBuf,
    /// What the file said when it was opened.
    pub watermark: Option<u64>,
}

impl Marker {
    pub fn open(directory: &Path, engine: &'static str) -> Result<Self, StoreError> {
        let unavailable = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", directory.display()));
        fs::create_dir_all(directory).map_err(unavailable)?;
        // A directory made just now is there after a power cut only when its parent was synced.
        if let Some(parent) = directory.parent().filter(|parent| parent.is_dir()) {
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(unavailable)?;
        }
        let path = directory.join("STORE");
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(unavailable)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Unavailable(format!(
                "{} is in use by another process; stop that one first, or give this one a directory of its own",
                directory.display()
            )),
            TryLockError::Error(error) => unavailable(error),
        })?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unavailable)?;
        let watermark = if text.is_empty() { None } else { Some(check(&text, engine, directory)?) };
        Ok(Self { file, engine, directory: directory.to_path_buf(), watermark })
    }

    /// The line has always the same length, so that writing it again never leaves a mixture. Not synced each time: it
    /// is written after what it tells of is durable, so a power cut can only make it say less.
    pub fn write(&mut self, sequence: u64, sync: bool) -> std::io::Result<()> {
        let line = format!("handover store, format {FORMAT}, engine {}, at least {sequence:020}\n", self.engine);
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(line.as_bytes())?;
        if sync {
            self.file.sync_all()?;
            File::open(&self.directory)?.sync_all()?;
        }
        Ok(())
    }

    /// Whether this much can be written and synced here.
    pub fn probe(&self, bytes: usize) -> std::io::Result<()> {
        let path = self.directory.join("probe");
        let probe = || {
            let mut file = File::create(&path)?;
            file.write_all(&vec![1; bytes])?;
            file.sync_all()
        };
        let result = probe();
        let removed = fs::remove_file(&path);
        result.and(removed)
    }
}

fn check(text: &str, engine: &str, directory: &Path) -> Result<u64, StoreError> {
    let parts: Option<Vec<&str>> = text
        .trim_end()
        .split(", ")
        .zip(["handover store", "format ", "engine ", "at least "])
        .map(|(part, name)| part.strip_prefix(name))
        .collect();
    let directory = directory.display();
    let Some([_, format, found, sequence]) = parts.as_deref() else {
        return Err(StoreError::Damaged(format!("the file STORE in {directory} is not one of ours")));
    };
    if !format.parse().is_ok_and(|format: u32| (1..=FORMAT).contains(&format)) {
        return Err(StoreError::Refused(format!(
            "{directory} has store format {format}, this program reads formats up to {FORMAT}; use the program that wrote it"
        )));
    }
    if *found != engine {
        return Err(StoreError::Refused(format!(
            "{directory} was written with the engine {found}, the settings say {engine}; set engine to {found} or use another directory"
        )));
    }
    sequence.parse().map_err(|_| StoreError::Damaged(format!("the file STORE in {directory} has no sequence number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back_and_keeps_others_out() {
        let directory = tempfile::tempdir().unwrap();
        let mut marker = Marker::open(directory.path(), "fjall").unwrap();
        assert_eq!(marker.watermark, None);
        marker.write(42, true).unwrap();
        let second = Marker::open(directory.path(), "fjall").err().unwrap().to_string();
        assert!(second.contains("in use by another process"), "{second}");
        drop(marker);
        assert_eq!(Marker::open(directory.path(), "fjall").unwrap().watermark, Some(42));
    }

    #[test]
    fn another_engine_or_format_is_refused_with_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        Marker::open(directory.path(), "fjall").unwrap().write(1, false).unwrap();
        let other = Marker::open(directory.path(), "sled").err().unwrap().to_string();
        assert!(other.contains("set engine to fjall"), "{other}");
        fs::write(directory.path().join("STORE"), "handover store, format 9, engine fjall, at least 1\n").unwrap();
        assert!(matches!(Marker::open(directory.path(), "fjall"), Err(StoreError::Refused(_))));
        fs::write(directory.path().join("STORE"), "handover store, format 1, engine fjall, at least 7\n").unwrap();
        assert_eq!(Marker::open(directory.path(), "fjall").unwrap().watermark, Some(7), "of before");
        fs::write(directory.path().join("STORE"), "something else").unwrap();
        assert!(matches!(Marker::open(directory.path(), "fjall"), Err(StoreError::Damaged(_))));
    }
}
