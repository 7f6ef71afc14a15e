//! The files of a site's folder: found once, read with bounds, and remembered when read, so that a file nobody reads
//! can be reported. Never follows hidden names and never writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::misplaced::{misplaced, stem};
use super::{Certificate, NamedFiles, scalar};
use crate::problem::{Category, Place, Problem};
use crate::yaml::{Mark, Node, Source, nearest, parse};

/// Folders a site may have, for the hint when one is misspelt.
pub const FOLDERS: [&str; 9] =
    ["feeds", "partners", "agreements", "panels", "mappings", "protocols", "profiles", "calendars", "terminology"];

const DEPTH: usize = 8;
const FILES: usize = 10_000;
const FILE_BYTES: u64 = 4 << 20;
/// Rosters are data rather than settings, and may be longer.
const DATA_BYTES: u64 = 64 << 20;

/// A site's folder being read.
pub struct Folder {
    root: PathBuf,
    /// Path relative to the root, with `/`, and whether somebody read it.
    files: BTreeMap<String, bool>,
    /// What stands in place of a file's own text, or of a file that is not there.
    texts: BTreeMap<String, String>,
    /// Folders that hold no settings (the store), relative to the root.
    ignored: Vec<String>,
    pub sources: Vec<Source>,
    pub problems: Vec<Problem>,
    /// Files that lie in another folder than theirs: where they belong, and their name.
    pub misplaced: Vec<(&'static str, String)>,
    /// The certificates that the site's files name.
    pub certificates: Vec<Certificate>,
    /// The private keys that they name, and where.
    pub keys: Vec<(Mark, PathBuf)>,
    /// Files that they name; each is added before it is read.
    pub named: NamedFiles,
}

/// One YAML file that was read.
pub struct Document {
    /// The file's name without folder and ending.
    pub name: String,
    pub node: Node,
}

impl Folder {
    /// Lists the folder. Faults of listing are kept as problems.
    pub fn open(root: &Path) -> Self {
        let mut folder = Self {
            root: root.to_path_buf(),
            files: BTreeMap::new(),
            texts: BTreeMap::new(),
            ignored: Vec::new(),
            sources: Vec::new(),
            problems: Vec::new(),
            misplaced: Vec::new(),
            certificates: Vec::new(),
            keys: Vec::new(),
            named: NamedFiles::default(),
        };
        folder.list(root, "", 0);
        folder
    }

    /// As if these files had these texts.
    pub fn with(mut self, texts: BTreeMap<String, String>) -> Self {
        self.files.extend(texts.keys().map(|file| (file.clone(), false)));
        self.texts = texts;
        self
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn list(&mut self, path: &Path, prefix: &str, depth: usize) {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let shown = if prefix.is_empty() { path.display().to_string() } else { prefix.to_string() };
                self.fault(Category::NotFound, &shown, format!("cannot read this folder: {error}"));
                return;
            }
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Hidden names are version control, editors' leavings, and the real folder behind a mounted ConfigMap.
            if name.starts_with('.') {
                continue;
            }
            let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if entry.path().is_dir() {
                if depth < DEPTH {
                    self.list(&entry.path(), &relative, depth + 1);
                }
            } else if self.files.len() < FILES {
                self.files.insert(relative, false);
            }
        }
    }

    /// The YAML files directly in one folder of the site, in order of name.
    pub fn yaml_in(&self, folder: &str) -> Vec<String> {
        let names = self.files.keys().filter(|file| {
            file.strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|name| !name.contains('/') && name.ends_with(".yaml"))
        });
        names.cloned().collect()
    }

    /// The YAML files anywhere below one folder of the site, in order of path.
    pub fn yaml_below(&self, folder: &str) -> Vec<String> {
        let below = |file: &&String| {
            file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')) && file.ends_with(".yaml")
        };
        self.files.keys().filter(below).cloned().collect()
    }

    /// The text files of each folder directly in this one that holds a `package.txt`, in order of path.
    pub fn packages_in(&self, folder: &str) -> Vec<Vec<String>> {
        let inside = |file: &String| Some(file.strip_prefix(folder)?.strip_prefix('/')?.split_once('/')?.0.to_string());
        let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in self.files.keys().filter(|file| file.ends_with(".txt")) {
            if let Some(name) = inside(file).filter(|name| self.has(&format!("{folder}/{name}/package.txt"))) {
                packages.entry(name).or_default().push(file.clone());
            }
        }
        packages.into_values().collect()
    }

    pub fn has(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }

    /// Reads a text file as a source; faults become problems.
    pub fn source(&mut self, file: &str) -> Option<Source> {
        let read = self.read(file, FILE_BYTES).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| "this file is not UTF-8 text; save it as UTF-8".to_string())
        });
        let text = match read {
            Ok(text) => text,
            Err(text) => {
                self.fault(Category::Structure, file, text);
                return None;
            }
        };
        let source = Source::new(file, text);
        self.sources.push(source.clone());
        Some(source)
    }

    /// Reads a YAML file; faults become problems.
    pub fn document(&mut self, file: &str) -> Option<Document> {
        let source = self.source(file)?;
        match parse(&source) {
            Ok(node) if self.is_misplaced(file, &node) => None,
            Ok(node) => Some(Document { name: stem(file).to_string(), node }),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// Whether a file belongs to another folder; that is told.
    pub fn is_misplaced(&mut self, file: &str, node: &Node) -> bool {
        let Some(found) = misplaced(file, node) else { return false };
        self.problems.push(found.problem);
        self.misplaced.push((found.folder, found.name));
        true
    }

    /// Reads a roster or another data file; the fault is a sentence that goes on after "cannot …".
    pub fn data(&mut self, file: &str) -> Result<Vec<u8>, String> {
        self.read(file, DATA_BYTES)
    }

    fn read(&mut self, file: &str, most_bytes: u64) -> Result<Vec<u8>, String> {
        if let Some(used) = self.files.get_mut(file) {
            *used = true;
        }
        if let Some(text) = self.texts.get(file) {
            return Ok(text.clone().into_bytes());
        }
        let path = self.root.join(file);
        let length = std::fs::metadata(&path).map_err(|error| format!("cannot read this file: {error}"))?.len();
        if length > most_bytes {
            return Err(format!("this file has {length} bytes; at most {most_bytes} are read"));
        }
        std::fs::read(&path).map_err(|error| format!("cannot read this file: {error}"))
    }

    /// The path that a setting names, marked as used when it lies in the site.
    pub fn path(&mut self, written: &str) -> PathBuf {
        if let Some(used) = self.files.get_mut(written.trim_start_matches("./")) {
            *used = true;
        }
        self.root.join(written)
    }

    /// A file that a setting names: relative paths start at the site's folder.
    pub fn file(&mut self, node: &Node) -> Result<PathBuf, Problem> {
        let written = scalar::text(node)?;
        let path = self.path(&written);
        self.named.add(path.clone());
        if path.is_file() {
            return Ok(path);
        }
        let hint = if Path::new(&written).is_absolute() { "" } else { " (paths start at the site's folder)" };
        Err(node.mark.problem(Category::NotFound, format!("there is no file `{written}`{hint}")))
    }

    /// Leaves a folder out of the search for unread files.
    pub fn ignore(&mut self, path: &Path) {
        if let Ok(inside) = path.strip_prefix(&self.root) {
            self.ignored.push(inside.to_string_lossy().replace('\\', "/"));
        }
    }

    pub fn fault(&mut self, category: Category, file: &str, text: impl Into<String>) {
        self.problems.push(Mark::start(&file.into()).problem(category, text));
    }

    /// A warning for each file that nobody read, with what it was probably meant to be.
    pub fn unread(&self) -> Vec<Problem> {
        let unread = self.files.iter().filter(|(file, used)| !**used && !self.is_expected(file));
        unread
            .map(|(file, _)| {
                let place = Place::File(Mark::start(&file.as_str().into()));
                Problem::warning(Category::Informational, place, why_unread(file))
            })
            .collect()
    }

    fn is_expected(&self, file: &str) -> bool {
        let in_ignored =
            self.ignored.iter().any(|folder| file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
        let name = file.rsplit('/').next().unwrap_or(file);
        let is_text = [".md", ".txt"].iter().any(|ending| name.ends_with(ending));
        // Examples and keys for the partner's side often lie beside the settings.
        let is_prose = is_text || name.starts_with("LICENSE") || name.starts_with("README");
        in_ignored || is_prose || [".hl7", ".pem", ".crt", ".key"].iter().any(|ending| name.ends_with(ending))
    }
}

fn why_unread(file: &str) -> String {
    let (folder, _) = file.split_once('/').unwrap_or(("", file));
    if let Some(start) = file.strip_suffix(".yml") {
        return format!("nobody reads this file: site files end in .yaml; rename it to `{}.yaml`", stem(start));
    }
    if folder.is_empty() {
        let hint = nearest(file, ["handover.yaml", "people.yaml", "openid.yaml"]).map_or_else(
            || "the files read at the top of a site are handover.yaml, people.yaml and openid.yaml".to_string(),
            |name| format!("did you mean `{name}`?"),
        );
        return format!("nobody reads this file; {hint}");
    }
    if FOLDERS.contains(&folder) {
        return "nobody reads this file; no setting names it, and it is not one of the .yaml files read from here"
            .to_string();
    }
    let hint = nearest(folder, FOLDERS).map_or_else(
        || format!("the folders of a site are {}", FOLDERS.join(", ")),
        |name| format!("did you mean the folder `{name}`?"),
    );
    format!("nobody reads this file, because `{folder}` is not a folder of a site; {hint}")
}
