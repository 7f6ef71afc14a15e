//! Sorts more lines than fit into memory: parts of them in memory, each written to a file of its own, then all merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What is held in memory at once, in bytes of text and of what each line costs beside it.
const IN_MEMORY: usize = 48 << 20;
const LINE_COST: usize = 24;

/// Lines being gathered.
pub struct Sorter {
    folder: PathBuf,
    name: &'static str,
    lines: Vec<Box<str>>,
    bytes: usize,
    runs: Vec<PathBuf>,
}

impl Sorter {
    /// `folder` takes the parts; it is whoever makes it who removes it.
    pub fn new(folder: &Path, name: &'static str) -> Self {
        Self { folder: folder.to_path_buf(), name, lines: Vec::new(), bytes: 0, runs: Vec::new() }
    }

    /// Adds a line, which has no line break in it.
    pub fn add(&mut self, line: String) -> Result<()> {
        self.bytes += line.len() + LINE_COST;
        self.lines.push(line.into_boxed_str());
        if self.bytes >= IN_MEMORY { self.write_run() } else { Ok(()) }
    }

    fn write_run(&mut self) -> Result<()> {
        self.lines.sort_unstable();
        let path = self.folder.join(format!("{}.{}", self.name, self.runs.len()));
        let write = || -> std::io::Result<()> {
            let mut file = BufWriter::with_capacity(1 << 18, File::create(&path)?);
            for line in &self.lines {
                file.write_all(line.as_bytes())?;
                file.write_all(b"\n")?;
            }
            file.flush()
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        self.runs.push(path);
        self.lines.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Hands over all lines in their order, each once.
    pub fn finish(mut self, take: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        self.lines.sort_unstable();
        let mut last: Option<Box<str>> = None;
        let mut once = |line: Box<str>| {
            if last.as_ref() != Some(&line) {
                take(&line)?;
                last = Some(line);
            }
            Ok::<_, anyhow::Error>(())
        };
        if self.runs.is_empty() {
            return self.lines.into_iter().try_for_each(once);
        }
        self.write_run()?;
        let mut readers = Vec::new();
        for path in &self.runs {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            readers.push(BufReader::with_capacity(1 << 18, file).lines());
        }
        let mut heads: BinaryHeap<Reverse<(Box<str>, usize)>> = BinaryHeap::new();
        for (index, reader) in readers.iter_mut().enumerate() {
            let next = reader.next().transpose()?;
            heads.extend(next.map(|line| Reverse((line.into_boxed_str(), index))));
        }
        while let Some(Reverse((line, index))) = heads.pop() {
            once(line)?;
            let next = readers.get_mut(index).and_then(Iterator::next).transpose()?;
            heads.extend(next.map(|line| Reverse((line.into_boxed_str(), index))));
        }
        for path in self.runs {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_many_parts_come_in_order_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path(), "x");
        for number in 0..3000_u32 {
            sorter.add(format!("{:04}\t{}", number * 7919 % 1000, "ß")).unwrap();
            if number % 500 == 0 {
                sorter.write_run().unwrap();
            }
        }
        let mut seen = Vec::new();
        sorter
            .finish(&mut |line| {
                seen.push(line.to_string());
                Ok(())
            })
            .unwrap();
        let expected: Vec<String> = (0..1000).map(|number| format!("{number:04}\tß")).collect();
        assert_eq!(seen, expected);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
