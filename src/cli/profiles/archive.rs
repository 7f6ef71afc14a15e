//! Reads the JSON files of a FHIR package: a .tgz or .tar with a folder `package`, or that folder itself. Every file,
//! their number and their sum are bounded; nothing is ever unpacked to disk.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// The longest single file. The longest that HL7 publishes have about 30 MB.
const FILE_BYTES: u64 = 64 << 20;
/// Everything in the archive, unpacked.
const TOTAL_BYTES: u64 = 8 << 30;
const FILES: usize = 200_000;
/// Where a tar archive says that it is one.
const TAR_MARK: u64 = 257;

/// What is being read, as far as its first bytes tell.
enum Kind {
    Gzip,
    Tar,
    Xz,
    Zip,
    Other,
}

/// Hands every JSON file of the package to `take`, with its name within the folder `package`.
pub fn read(path: &Path, take: &mut dyn FnMut(&str, &Value)) -> Result<()> {
    let shown = path.display();
    if path.is_dir() {
        return read_folder(path, take);
    }
    let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    match kind_of(&mut file).with_context(|| format!("cannot read {shown}"))? {
        Kind::Gzip => read_tar(path, MultiGzDecoder::new(BufReader::new(file)), take),
        Kind::Tar => read_tar(path, BufReader::new(file), take),
        Kind::Xz => {
            bail!("{shown} is packed with xz; unpack it first, `xz -dk {shown}`, and add the .tar that comes out")
        }
        Kind::Zip => bail!(
            "{shown} is a zip archive, and FHIR packages are .tgz archives: an implementation guide offers its own as \
             package.tgz on its downloads page"
        ),
        Kind::Other => bail!(
            "{shown} is not a FHIR package: those are .tgz archives (package.tgz on the downloads page of an \
             implementation guide)"
        ),
    }
}

fn kind_of(file: &mut File) -> std::io::Result<Kind> {
    let mut start = [0; 6];
    let read = file.read(&mut start)?;
    let kind = match start.get(..read).unwrap_or_default() {
        [0x1f, 0x8b, ..] => Kind::Gzip,
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Kind::Xz,
        [b'P', b'K', 3, 4, ..] => Kind::Zip,
        _ => {
            let mut mark = [0; 5];
            file.seek(SeekFrom::Start(TAR_MARK))?;
            let is_tar = file.read_exact(&mut mark).is_ok() && &mark == b"ustar";
            if is_tar { Kind::Tar } else { Kind::Other }
        }
    };
    file.seek(SeekFrom::Start(0))?;
    Ok(kind)
}

fn read_tar(path: &Path, reader: impl Read, take: &mut dyn FnMut(&str, &Value)) -> Result<()> {
    let damaged = || format!("{} is damaged or was cut off on its way: fetch it again", path.display());
    let mut archive = tar::Archive::new(reader.take(TOTAL_BYTES));
    let mut total = 0_u64;
    for (index, entry) in archive.entries().with_context(damaged)?.enumerate() {
        let mut entry = entry.with_context(damaged)?;
        let size = entry.size();
        total = total.saturating_add(size);
        if index >= FILES || total >= TOTAL_BYTES {
            bail!("{} is too large: at most {FILES} files and {} GiB are read", path.display(), TOTAL_BYTES >> 30);
        }
        let name = entry.path().with_context(damaged)?.into_owned();
        let Some(name) = definition_name(&name).filter(|_| entry.header().entry_type().is_file()) else { continue };
        check_size(&name, size)?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).with_context(damaged)?;
        if u64::try_from(bytes.len()).ok() != Some(size) {
            bail!(damaged());
        }
        take(&name, &parse(&name, &bytes)?);
    }
    Ok(())
}

/// A package that was unpacked: the folder `package`, or the one around it.
fn read_folder(path: &Path, take: &mut dyn FnMut(&str, &Value)) -> Result<()> {
    let inner = path.join("package");
    let folder = if inner.join("package.json").is_file() { inner } else { path.to_path_buf() };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
        files.push(entry?.path());
        if files.len() > FILES {
            bail!("{} is too large: at most {FILES} files are read", folder.display());
        }
    }
    files.sort();
    for file in files.iter().filter(|file| file.is_file()) {
        let named = file.file_name().map(|name| Path::new("package").join(name));
        let Some(name) = named.and_then(|name| definition_name(&name)) else { continue };
        let shown = || format!("cannot read {}", file.display());
        check_size(&name, file.metadata().with_context(shown)?.len())?;
        take(&name, &parse(&name, &std::fs::read(file).with_context(shown)?)?);
    }
    Ok(())
}

/// The file's name when it lies directly in `package` and is JSON that is meant for people's programs.
fn definition_name(path: &Path) -> Option<String> {
    let path = path.strip_prefix(".").unwrap_or(path);
    let name = path.strip_prefix("package").ok()?.to_str()?;
    let is_definition = name.ends_with(".json") && !name.starts_with('.') && !name.contains('/');
    is_definition.then(|| name.to_string())
}

fn check_size(name: &str, size: u64) -> Result<()> {
    if size > FILE_BYTES {
        bail!("package/{name} has {size} bytes; at most {FILE_BYTES} are read");
    }
    Ok(())
}

fn parse(name: &str, bytes: &[u8]) -> Result<Value> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).with_context(|| format!("package/{name} is not JSON"))
}
