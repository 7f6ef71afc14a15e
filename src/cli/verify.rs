//! `handover verify FILE`: whether a backup is what was written, from its first byte to its last.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::outcome::Outcome;
use super::screen::Screen;
use crate::store::{Checked, check_backup};

/// Check that a backup is whole: every part of it, and what it says of itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 0 when it is whole, 1 when it is not, 2 when it cannot be read.\n\n\
    Examples:\n  handover verify today.backup\n  age -d today.backup.age | handover verify -")]
pub struct Arguments {
    /// The backup, or `-` for standard input.
    file: PathBuf,
    /// Print `{ "made", "program", "engine", "layout", "pairs", "bytes", "content", "sequence", "messages", "records",
    /// "deliveries_waiting", "file_bytes", "fingerprint" }`.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let file = &arguments.file;
    let from: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file).with_context(|| format!("{} cannot be read", file.display()))?)
    };
    let checked = check_backup(BufReader::with_capacity(1 << 20, from), &mut |bytes| {
        screen.progress(&format!("{} read", size(bytes)));
    });
    screen.end_progress();
    match checked {
        Ok(checked) if arguments.json => screen.say_json(&serde_json::to_value(&checked)?)?,
        Ok(checked) => show(file, &checked, screen)?,
        Err(fault) => {
            screen.complain(&format!("{} is of no use: {fault}", file.display()));
            return Ok(Outcome::Faults);
        }
    }
    Ok(Outcome::Well)
}

/// What a backup that is whole holds.
pub fn show(file: &Path, checked: &Checked, screen: &mut Screen) -> Result<()> {
    let Checked { about, end, file_bytes, fingerprint } = checked;
    screen.say(format!("{}: whole, {}, of {}", file.display(), size(*file_bytes), about.made))?;
    screen.say(format!(
        "  {} messages, {} records, {} deliveries that wait, up to number {}; {} entries",
        end.messages, end.records, end.deliveries_waiting, end.sequence, end.pairs
    ))?;
    screen.say(format!("  {} {}, engine {}, SHA-256 {fingerprint}", "handover", about.program, about.engine))
}

/// `12.3 MB`.
#[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        _ if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.1} kB", bytes / 1e3),
    }
}
