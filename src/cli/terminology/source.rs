//! Where a publisher's files come from: a zip archive, its unpacked folder, or one file. Read as they come, never unpacked to disk.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use zip::ZipArchive;

/// The longest line of a tabular file.
const LINE_BYTES: u64 = 1 << 20;
const FILES: usize = 100_000;
const DEPTH: usize = 8;

/// The files, by their names within it.
pub struct Source {
    path: PathBuf,
    kind: Kind,
    pub names: Vec<String>,
}

enum Kind {
    Zip(Box<ZipArchive<BufReader<File>>>),
    Folder,
    File,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        if path.is_dir() {
            let mut names = Vec::new();
            list(path, "", 0, &mut names)?;
            names.sort();
            return Ok(Self { path: path.to_path_buf(), kind: Kind::Folder, names });
        }
        let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
        let mut start = [0; 4];
        let is_zip = file.read_exact(&mut start).is_ok() && start == *b"PK\x03\x04";
        if !is_zip {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Ok(Self { path: path.to_path_buf(), kind: Kind::File, names: vec![name] });
        }
        let reader = BufReader::with_capacity(1 << 18, File::open(path)?);
        let damaged = || format!("{shown} is damaged or was cut off on its way: fetch it again");
        let archive = ZipArchive::new(reader).with_context(damaged)?;
        let names = archive.file_names().collect::<zip::result::ZipResult<Vec<_>>>().with_context(damaged)?;
        let names = names.into_iter().filter(|name| !name.ends_with('/')).map(String::from).collect();
        Ok(Self { path: path.to_path_buf(), kind: Kind::Zip(Box::new(archive)), names })
    }

    /// What the whole is called: `Loinc_2.78.zip`.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The files whose names, without folders, pass.
    pub fn files(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        self.names.iter().filter(|name| is_wanted(base(name))).cloned().collect()
    }

    /// Reads one file.
    pub fn read<T>(&mut self, name: &str, read: &mut dyn FnMut(&mut dyn BufRead) -> Result<T>) -> Result<T> {
        let shown = || format!("cannot read {name} of {}", self.path.display());
        match &mut self.kind {
            Kind::Zip(archive) => {
                let file = archive.by_name(name).with_context(shown)?;
                read(&mut BufReader::with_capacity(1 << 18, file))
            }
            Kind::Folder => {
                let file = File::open(self.path.join(name)).with_context(shown)?;
                read(&mut BufReader::with_capacity(1 << 18, file))
            }
            Kind::File => {
                let file = File::open(&self.path).with_context(shown)?;
                read(&mut BufReader::with_capacity(1 << 18, file))
            }
        }
    }

    /// Hands over each line of a file with its number; what goes wrong says where.
    pub fn lines(&mut self, name: &str, take: &mut dyn FnMut(usize, &str) -> Result<()>) -> Result<()> {
        let own = base(name).to_string();
        self.read(name, &mut |reader| {
            let mut line = Vec::new();
            for number in 1.. {
                line.clear();
                let place = || format!("{own}:{number}");
                let count = (&mut *reader).take(LINE_BYTES).read_until(b'\n', &mut line);
                let count = count.with_context(|| format!("{}: the file is damaged", place()))?;
                if count == 0 {
                    break;
                }
                if u64::try_from(count).unwrap_or(u64::MAX) >= LINE_BYTES {
                    bail!("{}: the line is longer than {LINE_BYTES} bytes; this is no such file", place());
                }
                let text = std::str::from_utf8(&line).with_context(|| format!("{}: this is not UTF-8", place()))?;
                let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\r', '\n']);
                take(number, text).with_context(place)?;
            }
            Ok(())
        })
    }
}

/// A name without its folders.
pub fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn list(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) -> Result<()> {
    for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() && depth < DEPTH {
            list(&path, &format!("{name}/"), depth + 1, names)?;
        } else if path.is_file() {
            names.push(name);
        }
        if names.len() > FILES {
            bail!("{} holds more than {FILES} files", folder.display());
        }
    }
    Ok(())
}
