//! Sorted rows to the files of an added code system (`site/terminology`): built in a folder that nobody reads, and put in its place
//! whole.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::super::profiles::swap;
use super::super::screen::Screen;
use super::rows::{Gathered, Rows};
use super::sorter::Sorter;
use crate::site::terminology::{Added, CHILDREN, CONCEPTS, Part, Record, STATED, SortedWriter, Stated, TERMINOLOGY};

/// Progress is shown after so many codes.
const STEP: usize = 50_000;

/// A code system being built.
pub struct Build {
    /// Hidden, in the site's `terminology/`.
    fresh: PathBuf,
    folder: PathBuf,
    name: String,
    pub rows: Rows,
}

impl Build {
    pub fn new(site: &Path, name: &str) -> Result<Self> {
        let all = site.join(TERMINOLOGY);
        let fresh = all.join(format!(".{name}.new"));
        if fresh.exists() {
            std::fs::remove_dir_all(&fresh).with_context(|| format!("cannot remove {}", fresh.display()))?;
        }
        let parts = fresh.join("parts");
        std::fs::create_dir_all(&parts).with_context(|| format!("cannot make {}", parts.display()))?;
        let rows = Rows { codes: Sorter::new(&parts, "codes"), children: Sorter::new(&parts, "children") };
        Ok(Self { folder: all.join(name), fresh, name: name.to_string(), rows })
    }

    /// The folder for what is sorted on the way; it goes with the rest.
    pub fn parts(&self) -> PathBuf {
        self.fresh.join("parts")
    }

    /// Writes the files and puts them in their place. What was there before stays until then.
    pub fn finish(mut self, stated: Stated, screen: &mut Screen) -> Result<(PathBuf, Stated)> {
        let parts = self.parts();
        let codes = std::mem::replace(&mut self.rows.codes, Sorter::new(&parts, "none"));
        let children = std::mem::replace(&mut self.rows.children, Sorter::new(&parts, "none"));
        let concepts = write_concepts(codes, &self.fresh.join(CONCEPTS), screen)?;
        let children = write_children(children, &self.fresh.join(CHILDREN))?;
        let stated = Stated { concepts, children, ..stated };
        let write = |name: &str, text: &str| {
            let path = self.fresh.join(name);
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write(STATED, &stated.written())?;
        std::fs::remove_dir_all(&parts).with_context(|| format!("cannot remove {}", parts.display()))?;
        // Opened once as the gateway will.
        Added::open(&self.fresh).map_err(|(file, reason)| anyhow::anyhow!("{file} {reason}"))?;
        let stale = self.fresh.with_file_name(format!(".{}.old", self.name));
        if stale.exists() {
            std::fs::remove_dir_all(&stale).with_context(|| format!("cannot remove {}", stale.display()))?;
        }
        swap(&self.fresh, &self.folder, &stale)?;
        Ok((self.folder.clone(), stated))
    }
}

/// What was not finished leaves nothing.
impl Drop for Build {
    fn drop(&mut self) {
        if self.fresh.exists() {
            let _ = std::fs::remove_dir_all(&self.fresh);
        }
    }
}

fn part((lines, bytes, sha256): (usize, u64, String)) -> Part {
    Part { lines, bytes, sha256 }
}

fn write_concepts(rows: Sorter, path: &Path, screen: &mut Screen) -> Result<Part> {
    let shown = || format!("cannot write {}", path.display());
    let mut writer = SortedWriter::create(path).with_context(shown)?;
    let mut count = 0;
    let mut open = Gathered::default();
    let mut end = |gathered: Gathered, screen: &mut Screen| {
        if gathered.concept.code.is_empty() {
            return Ok(());
        }
        if !gathered.is_stated {
            bail!(
                "something is said of the code {}, and no file says that there is such a code: take the whole release, with \
                 what it builds on",
                gathered.concept.code
            );
        }
        count += 1;
        if count % STEP == 0 {
            screen.progress(&format!("{count} codes written"));
        }
        writer.add(&Record::write(&gathered.concept)).with_context(shown)
    };
    rows.finish(&mut |line| {
        let (code, row) = line.split_once('\t').unwrap_or((line, ""));
        if open.concept.code != code {
            end(std::mem::take(&mut open), screen)?;
            open.concept.code = code.to_string();
        }
        open.take(row);
        Ok(())
    })?;
    end(open, screen)?;
    screen.end_progress();
    if count == 0 {
        bail!("there is no code in it");
    }
    Ok(part(writer.finish().with_context(shown)?))
}

fn write_children(rows: Sorter, path: &Path) -> Result<Part> {
    let shown = || format!("cannot write {}", path.display());
    let mut writer = SortedWriter::create(path).with_context(shown)?;
    let mut open: Option<(String, String)> = None;
    rows.finish(&mut |line| {
        let (parent, placed) = line.split_once('\t').unwrap_or((line, ""));
        // No code has a blank: what stands before one is its place.
        let child = placed.rsplit(' ').next().unwrap_or_default();
        match &mut open {
            Some((known, whole)) if known == parent => {
                whole.push('\t');
                whole.push_str(child);
            }
            _ => {
                if let Some((_, whole)) = open.replace((parent.to_string(), format!("{parent}\t{child}"))) {
                    writer.add(&whole).with_context(shown)?;
                }
            }
        }
        Ok(())
    })?;
    if let Some((_, whole)) = open {
        writer.add(&whole).with_context(shown)?;
    }
    Ok(part(writer.finish().with_context(shown)?))
}
