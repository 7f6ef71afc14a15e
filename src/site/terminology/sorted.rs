//! A file of lines in the order of their keys, with an index beside it that names the key at the beginning of each block: what is
//! kept in memory is the index, one key for some four thousand bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A block has at least so many bytes.
const BLOCK: u64 = 4096;
/// What a sequential read takes at once.
const STREAM: usize = 1 << 18;

/// Writes a sorted file and its index, and counts and sums it up.
pub struct SortedWriter {
    lines: BufWriter<File>,
    index: BufWriter<File>,
    sum: Sha256,
    written: u64,
    /// Where the block that is being written begins.
    block: Option<u64>,
    count: usize,
}

impl SortedWriter {
    /// Makes `NAME` and `NAME.index`.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = |path: &Path| Ok::<_, io::Error>(BufWriter::with_capacity(STREAM, File::create(path)?));
        let (lines, index) = (file(path)?, file(&index_of(path))?);
        Ok(Self { lines, index, sum: Sha256::new(), written: 0, block: None, count: 0 })
    }

    /// Adds a line, which begins with its key and a tab. Keys come in their order.
    pub fn add(&mut self, line: &str) -> io::Result<()> {
        if self.block.is_none_or(|begun| self.written - begun >= BLOCK) {
            writeln!(self.index, "{}\t{}", key_of(line), self.written)?;
            self.block = Some(self.written);
        }
        for part in [line.as_bytes(), b"\n"] {
            self.lines.write_all(part)?;
            self.sum.update(part);
            self.written += u64::try_from(part.len()).unwrap_or(u64::MAX);
        }
        self.count += 1;
        Ok(())
    }

    /// Ends both files on the disk: how many lines and bytes there are, and their SHA-256.
    pub fn finish(mut self) -> io::Result<(usize, u64, String)> {
        for file in [&mut self.lines, &mut self.index] {
            file.flush()?;
            file.get_ref().sync_all()?;
        }
        Ok((self.count, self.written, hex(&self.sum.finalize())))
    }
}

/// A sorted file, open.
#[derive(Debug)]
pub struct SortedFile {
    file: File,
    path: PathBuf,
    length: u64,
    /// The first key of each block, and where it begins.
    index: Vec<(Box<str>, u64)>,
}

impl SortedFile {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut index: Vec<(Box<str>, u64)> = Vec::new();
        for line in BufReader::new(File::open(index_of(path))?).lines() {
            let line = line?;
            let (key, place) = line.rsplit_once('\t').ok_or_else(damaged)?;
            let place: u64 = place.parse().map_err(|_| damaged())?;
            let is_next = index.last().is_none_or(|(last, before)| **last <= *key && *before < place);
            if !is_next || place >= length {
                return Err(damaged());
            }
            index.push((key.into(), place));
        }
        Ok(Self { file, path: path.to_path_buf(), length, index })
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.length
    }

    /// The line of a key, without it; none where there is none.
    pub fn find(&self, key: &str) -> io::Result<Option<String>> {
        let after = self.index.partition_point(|(first, _)| &**first <= key);
        let Some((_, begin)) = after.checked_sub(1).and_then(|at| self.index.get(at)) else { return Ok(None) };
        let end = self.index.get(after).map_or(self.length, |(_, place)| *place);
        let size = usize::try_from(end.saturating_sub(*begin)).map_err(|_| damaged())?;
        let mut block = vec![0; size];
        self.file.read_exact_at(&mut block, *begin)?;
        let block = std::str::from_utf8(&block).map_err(|_| damaged())?;
        let found = block.lines().find(|line| key_of(line) == key);
        // A key that nothing is said of stands alone.
        Ok(found.map(|line| line.get(key.len() + 1..).unwrap_or_default().to_string()))
    }

    /// Hands over each line from the first to the last, until `take` says that it is enough.
    pub fn each(&self, take: &mut dyn FnMut(&str) -> bool) -> io::Result<()> {
        // Of what was opened: by its name there may be a newer release by now, which the index does not fit.
        let opened = FromStart { file: &self.file, at: 0 };
        let mut reader = BufReader::with_capacity(STREAM, opened);
        let mut line = String::new();
        while reader.read_line(&mut line)? > 0 {
            if !take(line.trim_end_matches('\n')) {
                break;
            }
            line.clear();
        }
        Ok(())
    }

    /// The SHA-256 of what is on the disk now.
    pub fn sum(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        let mut sum = Sha256::new();
        let mut part = vec![0; STREAM];
        loop {
            let count = file.read(&mut part)?;
            if count == 0 {
                return Ok(hex(&sum.finalize()));
            }
            sum.update(part.get(..count).unwrap_or_default());
        }
    }
}

/// A file from its beginning, whoever else reads it.
struct FromStart<'f> {
    file: &'f File,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(into, self.at)?;
        self.at += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}

fn index_of(path: &Path) -> PathBuf {
    path.with_extension("index")
}

fn key_of(line: &str) -> &str {
    line.split('\t').next().unwrap_or_default()
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file is damaged")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_by_its_key_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.dat");
        let mut writer = SortedWriter::create(&path).unwrap();
        writer.add("/").unwrap();
        let keys: Vec<String> = (0..5000).map(|number| format!("{:05}", number * 2)).collect();
        for key in &keys {
            writer.add(&format!("{key}\tvalue of {key}\tß")).unwrap();
        }
        let (count, bytes, sum) = writer.finish().unwrap();
        let file = SortedFile::open(&path).unwrap();
        assert_eq!((count, file.bytes(), file.sum().unwrap()), (5001, bytes, sum));
        assert_eq!(file.find("/").unwrap(), Some(String::new()), "nothing is said of it");
        assert!((20..60).contains(&file.index.len()), "{}", file.index.len());
        for key in &keys {
            assert_eq!(file.find(key).unwrap(), Some(format!("value of {key}\tß")));
        }
        for absent in ["", "00001", "0", "09999", "1", "z"] {
            assert_eq!(file.find(absent).unwrap(), None, "{absent}");
        }
        let mut seen = 0;
        file.each(&mut |_| {
            seen += 1;
            seen < 10
        })
        .unwrap();
        assert_eq!(seen, 10);
        // Another release under the same name is another file.
        std::fs::remove_file(&path).unwrap();
        SortedWriter::create(&path).unwrap().finish().unwrap();
        let mut all = 0;
        file.each(&mut |_| {
            all += 1;
            true
        })
        .unwrap();
        assert_eq!((all, file.find("00004").unwrap().as_deref()), (5001, Some("value of 00004\tß")));
    }

    #[test]
    fn an_empty_file_has_nothing_and_a_cut_one_is_said_to_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.dat");
        SortedWriter::create(&path).unwrap().finish().unwrap();
        assert_eq!(SortedFile::open(&path).unwrap().find("x").unwrap(), None);
        let mut writer = SortedWriter::create(&path).unwrap();
        (0..999).for_each(|number| writer.add(&format!("{number:04}\t{}", "x".repeat(50))).unwrap());
        writer.finish().unwrap();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(100).unwrap();
        assert!(SortedFile::open(&path).is_err());
    }
}
