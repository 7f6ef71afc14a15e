//! What there is to check: files, the `.json`, `.xml` and `.ndjson` of folders, and standard input, one resource after the other.
//! Bounded in what it holds at a time; follows no links to folders and no hidden names.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A resource is read whole; more than this is not read at once.
const MOST_BYTES: u64 = 64 << 20;
const DEPTH: usize = 16;
const FILES: usize = 1_000_000;

/// A file to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub path: PathBuf,
    /// Found in a folder: what is no resource is passed over there.
    pub is_found: bool,
}

/// One resource's text, or why there is none.
pub struct Piece {
    /// The line of the file on which the text starts, from 1.
    pub first_line: u32,
    pub text: std::result::Result<String, String>,
}

/// The files that the arguments name. Fails for what does not exist and for folders without resources.
pub fn inputs(named: &[PathBuf]) -> Result<Vec<Input>> {
    let mut found = Vec::new();
    for path in named {
        if is_standard_input(path) {
            found.push(Input { path: path.clone(), is_found: false });
            continue;
        }
        let kind = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if !kind.is_dir() {
            found.push(Input { path: path.clone(), is_found: false });
            continue;
        }
        let before = found.len();
        walk(path, 0, &mut found)?;
        if found.len() == before {
            bail!("there are no .json, .xml or .ndjson files in {}", path.display());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<Input>) -> Result<()> {
    let entries = folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        let kind = std::fs::symlink_metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if kind.is_dir() && depth < DEPTH {
            walk(&path, depth + 1, found)?;
        } else if !kind.is_dir() && ["json", "xml", "ndjson"].iter().any(|ending| has_ending(&path, ending)) {
            found.push(Input { path, is_found: true });
        }
        if found.len() > FILES {
            bail!("{} holds more than {FILES} files; name folders inside it", folder.display());
        }
    }
    Ok(())
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending))
}

pub fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Calls `each` with every resource of a file. Fails when the file cannot be read.
pub fn read(input: &Input, each: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
    let path = &input.path;
    if is_standard_input(path) {
        return read_stream(std::io::stdin().lock(), each).context("cannot read standard input");
    }
    let context = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(context)?;
    if has_ending(path, "ndjson") {
        return lines(BufReader::new(file), 1, each).with_context(context);
    }
    let length = file.metadata().with_context(context)?.len();
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).with_context(context)?;
    let text = match bytes.len() as u64 > MOST_BYTES {
        true => Err(format!(
            "this file has {length} bytes, and at most {MOST_BYTES} are read; write one resource a line, as .ndjson"
        )),
        false => decoded(bytes),
    };
    each(Piece { first_line: 1, text })
}

fn decoded(bytes: Vec<u8>) -> std::result::Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "this file is not UTF-8 text; FHIR is UTF-8".to_string())?;
    // A byte order mark is no JSON (RFC 8259, section 8.1) nor of use in UTF-8, but it may be passed over.
    Ok(text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text))
}

/// One resource, or one a line: told by whether the first line is a whole one.
fn read_stream(mut stream: impl BufRead, each: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
    let mut first = Vec::new();
    (&mut stream).take(MOST_BYTES + 1).read_until(b'\n', &mut first)?;
    let is_whole = serde_json::from_slice::<serde::de::IgnoredAny>(&first).is_ok();
    if is_whole {
        each(Piece { first_line: 1, text: decoded(first) })?;
        return lines(stream, 2, each);
    }
    (&mut stream).take((MOST_BYTES + 1).saturating_sub(first.len() as u64)).read_to_end(&mut first)?;
    let text = match first.len() as u64 > MOST_BYTES {
        true => Err(format!("this is more than the {MOST_BYTES} bytes that are read; write one resource a line")),
        false => decoded(first),
    };
    each(Piece { first_line: 1, text })
}

fn lines(mut stream: impl BufRead, mut line: u32, each: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
    loop {
        let mut bytes = Vec::new();
        if (&mut stream).take(MOST_BYTES + 1).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(());
        }
        if bytes.len() as u64 > MOST_BYTES {
            let text =
                format!("this line is longer than the {MOST_BYTES} bytes that are read; what follows was not checked");
            return each(Piece { first_line: line, text: Err(text) });
        }
        if !bytes.trim_ascii().is_empty() {
            each(Piece { first_line: line, text: decoded(bytes) })?;
        }
        line = line.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(u32, bool)> {
        let mut found = Vec::new();
        read_stream(text.as_bytes(), &mut |piece| {
            found.push((piece.first_line, piece.text.is_ok()));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn a_stream_is_one_resource_or_one_a_line() {
        assert_eq!(pieces("{\n \"resourceType\": \"Basic\"\n}"), [(1, true)]);
        assert_eq!(pieces("{\"a\":1}\n\n{\"b\":2}\n{"), [(1, true), (3, true), (4, true)]);
        assert_eq!(pieces(""), [(1, true)]);
    }

    #[test]
    fn a_folder_without_resources_and_a_missing_file_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let told = |path: PathBuf| inputs(&[path]).unwrap_err().to_string();
        assert!(told(folder.path().to_path_buf()).contains("no .json"));
        assert!(told(folder.path().join("absent.json")).contains("cannot read"));
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        std::fs::write(folder.path().join(".git/x.json"), "{}").unwrap();
        std::fs::write(folder.path().join("b.JSON"), "{}").unwrap();
        std::fs::write(folder.path().join("a.ndjson"), "{}").unwrap();
        let found = inputs(&[folder.path().to_path_buf()]).unwrap();
        let names: Vec<_> = found.iter().map(|input| input.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!((names, found[0].is_found), (vec!["a.ndjson", "b.JSON"], true));
    }
}
