//! Opens what is in a directory, and refuses what would only look like a store: one of another engine or program, one that holds
//! less than it must, one whose files are gone, a restore that was cut off.

use std::path::Path;

use super::counters::Counters;
use super::marker::Marker;
use super::shared::Opener;
use super::{indexes, restoring, witness};
use crate::store::StoreError;
use crate::store::engine::Engine;

pub struct Opened {
    pub engine: Box<dyn Engine>,
    pub marker: Option<Marker>,
    pub counters: Counters,
}

/// `directory` is none for an engine without files.
pub fn open(engine: &'static str, directory: Option<&Path>, open: &Opener) -> Result<Opened, StoreError> {
    let mut marker = directory.map(|directory| open_marker(engine, directory)).transpose()?;
    let opened = open()?;
    let mut counters = Counters::read(&*opened.view()?)?;
    if let (Some(marker), Some(directory)) = (&mut marker, directory) {
        let expected = marker.watermark.unwrap_or_default();
        if counters.sequence < expected {
            return Err(StoreError::Damaged(format!(
                "it should reach at least number {expected} and ends at {}; do not write to it: {}",
                counters.sequence,
                witness::what_to_do(directory)
            )));
        }
        let written = marker.write(counters.sequence, true);
        written.map_err(|error| StoreError::Unavailable(format!("the file STORE cannot be written: {error}")))?;
        witness::leave(directory);
    }
    indexes::complete(&*opened, &mut counters)?;
    Ok(Opened { engine: opened, marker, counters })
}

fn open_marker(engine: &'static str, directory: &Path) -> Result<Marker, StoreError> {
    restoring::settle(directory, engine)?;
    witness::look(directory, engine)?;
    let marker = Marker::open(directory, engine)?;
    if let Some(expected) = marker.watermark.filter(|expected| *expected > 0)
        && !directory.join(engine).exists()
    {
        return Err(StoreError::Damaged(format!(
            "its files are gone: it reached number {expected}, and there is no {}; {}",
            directory.join(engine).display(),
            witness::what_to_do(directory)
        )));
    }
    Ok(marker)
}
