//! A code system on the disk, as everybody else asks it.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::record::Record;
use super::sorted::SortedFile;
use super::stated::{STATED, Stated};
use crate::fhir::terminology::{Concept, Head, HeldSystem, Unreadable};

/// More codes than this are found by going through all.
const FEW: usize = 5000;
/// `code-system.txt` is a page at most.
const STATED_BYTES: u64 = 64 << 10;

/// An added code system, its files open.
#[derive(Debug)]
pub struct Added {
    pub stated: Stated,
    concepts: SortedFile,
    children: SortedFile,
}

impl Added {
    /// Opens the files of a folder. The error says which of them cannot be used, and why.
    pub fn open(folder: &Path) -> Result<Self, (String, String)> {
        let fault = |file: &str, error: &io::Error| (file.to_string(), format!("cannot be used: {error}"));
        let stated = folder.join(STATED);
        let is_short = std::fs::metadata(&stated).is_ok_and(|found| found.len() <= STATED_BYTES);
        let text = if is_short { std::fs::read_to_string(&stated) } else { Err(io::ErrorKind::NotFound.into()) };
        let text = text.map_err(|error| fault(STATED, &error))?;
        let lacking =
            || (STATED.to_string(), "does not say what `handover terminology add` writes into it".to_string());
        let stated = Stated::read(&text).ok_or_else(lacking)?;
        let open = |name: &str, bytes: u64| {
            let file = SortedFile::open(&folder.join(name)).map_err(|error| fault(name, &error))?;
            match file.bytes() == bytes {
                true => Ok(file),
                false => Err((name.to_string(), format!("has {} bytes instead of {bytes}", file.bytes()))),
            }
        };
        let concepts = open(CONCEPTS, stated.concepts.bytes)?;
        let children = open(CHILDREN, stated.children.bytes)?;
        Ok(Self { stated, concepts, children })
    }

    /// The files that are not what was written; reads all of them.
    pub fn damaged(&self) -> Vec<&'static str> {
        let files = [
            (CONCEPTS, &self.concepts, &self.stated.concepts.sha256),
            (CHILDREN, &self.children, &self.stated.children.sha256),
        ];
        let damaged = files.into_iter().filter(|(_, file, sum)| file.sum().ok().as_ref() != Some(*sum));
        damaged.map(|(name, _, _)| name).collect()
    }

    fn fault(&self, error: &io::Error) -> Unreadable {
        tracing::error!(system = self.stated.head.url, %error, "an added code system cannot be read");
        Unreadable
    }
}

/// The codes, and the codes below each.
pub const CONCEPTS: &str = "concepts.dat";
pub const CHILDREN: &str = "children.dat";

impl HeldSystem for Added {
    fn head(&self) -> &Head {
        &self.stated.head
    }

    fn find(&self, code: &str) -> Result<Option<Concept>, Unreadable> {
        if code.contains(['\t', '\n']) {
            return Ok(None);
        }
        let found = self.concepts.find(code).map_err(|error| self.fault(&error))?;
        Ok(found.map(|rest| Record::read(code, &rest)))
    }

    fn children(&self, code: &str) -> Result<Vec<String>, Unreadable> {
        let found = self.children.find(code).map_err(|error| self.fault(&error))?;
        Ok(found.into_iter().flat_map(|line| line.split('\t').map(str::to_string).collect::<Vec<_>>()).collect())
    }

    fn each(&self, take: &mut dyn FnMut(&Concept) -> bool) -> Result<(), Unreadable> {
        let read = self.concepts.each(&mut |line| {
            let (code, rest) = line.split_once('\t').unwrap_or((line, ""));
            take(&Record::read(code, rest))
        });
        read.map_err(|error| self.fault(&error))
    }

    fn among(&self, codes: &HashSet<String>, take: &mut dyn FnMut(&Concept) -> bool) -> Result<(), Unreadable> {
        if codes.len() > FEW {
            let read = self.concepts.each(&mut |line| {
                let (code, rest) = line.split_once('\t').unwrap_or((line, ""));
                !codes.contains(code) || take(&Record::read(code, rest))
            });
            return read.map_err(|error| self.fault(&error));
        }
        let mut sorted: Vec<&String> = codes.iter().collect();
        sorted.sort();
        for code in sorted {
            let found = self.find(code)?;
            if found.is_some_and(|concept| !take(&concept)) {
                break;
            }
        }
        Ok(())
    }
}
