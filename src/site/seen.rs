//! How files that a site names looked just before they were read: what changes while the site is read looks otherwise afterwards, and
//! is read again. Reads no file.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file's look: enough to tell that it is another now. None where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen(Option<(u64, u64, i64, i64)>);

impl Seen {
    /// As it is now.
    pub fn now(file: &Path) -> Self {
        let found = std::fs::metadata(file).ok();
        Self(found.map(|found| (found.ino(), found.len(), found.mtime(), found.mtime_nsec())))
    }
}

/// Files beside a site's own that it names, in its folder or elsewhere: certificates, keys, secrets, rosters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedFiles(BTreeMap<PathBuf, Seen>);

impl NamedFiles {
    /// Before it is read. Of a file that is named twice the first look counts.
    pub fn add(&mut self, file: PathBuf) {
        self.0.entry(file).or_insert_with_key(|file| Seen::now(file));
    }

    /// Those that this site names stay as they were seen here; those that were read since are as they were seen then.
    pub fn follow(&mut self, site: &Self, read: Self) {
        self.0.retain(|file, _| site.0.contains_key(file));
        self.0.extend(read.0);
    }

    /// Whether any looks otherwise now; the look of now is kept.
    pub fn have_changed(&mut self) -> bool {
        let mut changed = false;
        for (file, seen) in &mut self.0 {
            let now = Seen::now(file);
            changed |= std::mem::replace(seen, now) != now;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_after_it_was_named_looks_otherwise_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let named = |names: &[&str]| {
            let mut files = NamedFiles::default();
            names.iter().for_each(|name| files.add(file(name)));
            files
        };
        std::fs::write(file("a"), "1").unwrap();
        let site = named(&["a"]);
        let mut watched = site.clone();
        assert!(!watched.have_changed());
        // Another site was refused: it names a file that is not there yet, and `a` no more.
        watched.follow(&site, named(&["b"]));
        assert!(!watched.have_changed());
        std::fs::write(file("b"), "1").unwrap();
        assert_eq!([watched.have_changed(), watched.have_changed()], [true, false]);
        std::fs::write(file("a"), "22").unwrap();
        assert!(watched.have_changed(), "the site in force still names it");
        // While a site is read: after the look, before the watch knows of it.
        let read = named(&["a"]);
        std::fs::write(file("a"), "333").unwrap();
        watched.follow(&read.clone(), read);
        assert!(watched.have_changed());
        std::fs::remove_file(file("b")).unwrap();
        assert!(!watched.have_changed(), "nobody names it any more");
    }
}
