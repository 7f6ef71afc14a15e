//! Reads a backup part by part and believes nothing that its sums do not bear out. Holds one part in memory.

use std::io::{ErrorKind, Read};

use super::fault::BackupFault;
use super::format::{
    ABOUT, About, Content, END, End, FORMAT, GIVEN_UP, HEAD_BYTES, LONGEST_PART, NAME, PAIRS, Sum, chained, first_line,
    in_hex, sum,
};

/// The longest first line there may be.
const LONGEST_LINE: usize = 64;

pub struct Reader<R> {
    from: R,
    at: u64,
    before: Sum,
    pub about: About,
}

/// What a backup consists of, after what it is of.
pub enum Part {
    /// Packed; see `pairs`.
    Pairs(Vec<u8>),
    End(End),
}

impl<R: Read> Reader<R> {
    /// Reads what it is of.
    pub fn open(mut from: R) -> Result<Self, BackupFault> {
        let line = read_line(&mut from)?;
        let format = line.strip_prefix(NAME).and_then(|number| number.trim_end().parse().ok());
        let format: u32 = format.ok_or(BackupFault::NotOurs)?;
        if format != FORMAT {
            return Err(BackupFault::Format(format));
        }
        let about =
            About { made: jiff::Timestamp::UNIX_EPOCH, program: String::new(), engine: String::new(), layout: 0 };
        let before = sum(&[first_line(format).as_bytes()]);
        let mut reader = Self { from, at: line.len() as u64, before, about };
        let at = reader.at;
        let (what, bytes) = reader.part()?;
        if what != ABOUT {
            return Err(BackupFault::Damaged { what: "there is another part than the first", at });
        }
        reader.about = of_json(&bytes, at)?;
        Ok(reader)
    }

    /// The next part. After the end nothing may follow.
    pub fn next(&mut self) -> Result<Part, BackupFault> {
        let at = self.at;
        let (what, bytes) = self.part()?;
        match what {
            PAIRS => Ok(Part::Pairs(bytes)),
            GIVEN_UP => Err(BackupFault::GivenUp(String::from_utf8_lossy(&bytes).into_owned())),
            END => {
                if self.from.read(&mut [0])? > 0 {
                    return Err(BackupFault::Damaged { what: "there is something after the end", at: self.at });
                }
                of_json(&bytes, at).map(Part::End)
            }
            _ => Err(BackupFault::Damaged { what: "there is a part of an unknown kind", at }),
        }
    }

    /// So many bytes were read.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Stands for all that was read so far.
    pub fn fingerprint(&self) -> String {
        in_hex(&self.before)
    }

    fn part(&mut self) -> Result<(u8, Vec<u8>), BackupFault> {
        let at = self.at;
        let head = self.bytes(HEAD_BYTES)?;
        let (said, sum) = head.split_at(HEAD_BYTES - 32);
        let damaged = |what| BackupFault::Damaged { what, at };
        let [what, a, b, c, d, e, f, g, h] = *said else {
            return Err(damaged("the head of a part does not read"));
        };
        let (length, whole) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        if length > LONGEST_PART || whole > LONGEST_PART {
            return Err(damaged("the head of a part does not read"));
        }
        let bytes = self.bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
        let chained = chained(&self.before, said, &bytes);
        if chained != sum {
            return Err(damaged("a part does not agree with its sum"));
        }
        self.before = chained;
        let whole = usize::try_from(whole).unwrap_or(usize::MAX);
        let bytes = lz4_flex::block::decompress(&bytes, whole).map_err(|_| damaged("a part cannot be decompressed"))?;
        Ok((what, bytes))
    }

    /// Takes memory as bytes come, so that a length that is wrong costs nothing.
    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, BackupFault> {
        let mut bytes = Vec::new();
        let read = self.from.by_ref().take(count as u64).read_to_end(&mut bytes)?;
        self.at += read as u64;
        if read < count { Err(BackupFault::Cut(self.at)) } else { Ok(bytes) }
    }
}

fn read_line(from: &mut impl Read) -> Result<String, BackupFault> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        match from.read_exact(&mut byte) {
            Ok(()) if line.len() < LONGEST_LINE => line.extend(byte),
            Ok(()) => return Err(BackupFault::NotOurs),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                let is_begun = first_line(FORMAT).as_bytes().starts_with(&line);
                return Err(if is_begun { BackupFault::Cut(line.len() as u64) } else { BackupFault::NotOurs });
            }
            Err(error) => return Err(error.into()),
        }
    }
    String::from_utf8(line).map_err(|_| BackupFault::NotOurs)
}

fn of_json<T: serde::de::DeserializeOwned>(bytes: &[u8], at: u64) -> Result<T, BackupFault> {
    serde_json::from_slice(bytes).map_err(|_| BackupFault::Damaged { what: "a part does not read", at })
}

/// The pairs of a part in order; none where it does not read.
pub fn pairs(part: &[u8]) -> impl Iterator<Item = Option<(&[u8], &[u8])>> {
    let mut rest = part;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let pair = take(&mut rest).and_then(|key| Some((key, take(&mut rest)?)));
        if pair.is_none() {
            rest = &[];
        }
        Some(pair)
    })
}

fn take<'p>(rest: &mut &'p [u8]) -> Option<&'p [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (bytes, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(bytes)
}

/// What a backup says that it is of. Nothing else of it is looked at.
pub fn about(from: impl Read) -> Result<About, BackupFault> {
    Reader::open(from).map(|reader| reader.about)
}

/// A backup that was read from its first byte to its last, and is what was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Checked {
    #[serde(flatten)]
    pub about: About,
    #[serde(flatten)]
    pub end: End,
    pub file_bytes: u64,
    /// Stands for every byte of it.
    pub fingerprint: String,
}

/// Reads it through. `progress` is told after each part how many bytes were read.
pub fn check(from: impl Read, progress: &mut dyn FnMut(u64)) -> Result<Checked, BackupFault> {
    let mut reader = Reader::open(from)?;
    let (mut content, mut last) = (Content::default(), Vec::new());
    loop {
        let at = reader.at();
        let damaged = |what| BackupFault::Damaged { what, at };
        match reader.next()? {
            Part::Pairs(part) => {
                for pair in pairs(&part) {
                    let (key, value) = pair.ok_or_else(|| damaged("a pair does not read"))?;
                    if content.pairs > 0 && key <= last.as_slice() {
                        return Err(damaged("the keys are not in order"));
                    }
                    last.clear();
                    last.extend_from_slice(key);
                    content.add(key, value);
                }
            }
            Part::End(end) => {
                if (end.pairs, end.bytes, &end.content) != (content.pairs, content.bytes, &content.in_hex()) {
                    return Err(damaged("it does not hold as much as its end says"));
                }
                let (file_bytes, fingerprint) = (reader.at(), reader.fingerprint());
                return Ok(Checked { about: reader.about, end, file_bytes, fingerprint });
            }
        }
        progress(reader.at());
    }
}
