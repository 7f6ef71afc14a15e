//! No two files need each other, neither directly nor over others: whoever reads a file finds what it stands on below it. A path is
//! followed through every `use` to the file that defines the name, so a table of contents stands in no circle. Code of tests is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::code::{self, Path};
use super::sources;

/// One file, or a folder's table of contents, by its path from the crate's root.
#[derive(Default)]
struct Module {
    file: PathBuf,
    modules: Vec<String>,
    defined: BTreeSet<String>,
    /// What `use` brings in, by the name it has here.
    used: BTreeMap<String, Path>,
    /// Everything that its code names elsewhere, `pub use` left out: it only says where something is.
    named: Vec<Path>,
}

/// Which files each file needs, with a name that it takes from there.
type Needs<'m> = BTreeMap<&'m PathBuf, BTreeMap<&'m PathBuf, String>>;

struct Modules(BTreeMap<Path, Module>);

impl Modules {
    /// All that is compiled without tests, from the root down.
    fn read() -> Self {
        let texts: BTreeMap<PathBuf, String> = sources().into_iter().collect();
        let mut modules = BTreeMap::new();
        let mut open = vec![Path::new()];
        while let Some(path) = open.pop() {
            let below = path.iter().fold(PathBuf::from("src"), |folder, name| folder.join(name));
            let files = [below.with_extension("rs"), below.join("mod.rs"), below.join("lib.rs")];
            let file = files.into_iter().find(|file| texts.contains_key(file)).unwrap();
            let module = Module::read(file.clone(), &path, &texts[&file]);
            open.extend(module.modules.iter().map(|name| [path.as_slice(), std::slice::from_ref(name)].concat()));
            modules.insert(path, module);
        }
        Self(modules)
    }

    /// Which module defines what a path names.
    fn defining(&self, path: &[String], steps: usize) -> Option<&Module> {
        let mut at = Path::new();
        for (index, name) in path.iter().enumerate() {
            let module = self.0.get(&at)?;
            let (is_module, is_last) = (module.modules.contains(name), index + 1 == path.len());
            match module.used.get(name) {
                Some(target) if (!is_module || is_last) && !module.defined.contains(name) && steps > 0 => {
                    return self.defining(&[target, &path[index + 1..]].concat(), steps - 1);
                }
                _ if is_module => at.push(name.clone()),
                _ => return Some(module),
            }
        }
        self.0.get(&at)
    }

    fn needs(&self) -> Needs<'_> {
        let mut needs = Needs::new();
        for module in self.0.values().filter(|module| !module.defined.is_empty()) {
            let needed = needs.entry(&module.file).or_default();
            for path in &module.named {
                let Some(other) = self.defining(path, 9).filter(|other| !other.defined.is_empty()) else { continue };
                if other.file != module.file {
                    needed.entry(&other.file).or_insert_with(|| path.join("::"));
                }
            }
        }
        needs
    }
}

/// Everything that a file stands on.
fn reached<'m>(from: &'m PathBuf, needs: &Needs<'m>) -> BTreeSet<&'m PathBuf> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        open.extend(needs[file].keys().copied().filter(|next| found.insert(*next)));
    }
    found
}

impl Module {
    fn read(file: PathBuf, path: &Path, text: &str) -> Self {
        let words = code::without_tests(&code::words(text));
        let (defined, modules) = (code::defined(&words), code::modules(&words));
        let mut module = Self { file, modules, defined, ..Self::default() };
        let mut used = code::used(&words);
        // What a `use` names may stand on another one.
        used.sort_by_key(|(_, target, _)| !matches!(target[0].as_str(), "crate" | "super" | "self"));
        for (name, target, is_public) in used {
            let Some(target) = module.resolved(path, &target) else { continue };
            module.named.extend(Some(target.clone()).filter(|_| !is_public));
            module.used.insert(name, target);
        }
        let inline = code::inline(&words);
        module.named.extend(inline.iter().filter_map(|target| module.resolved(path, target)).collect::<Vec<_>>());
        module
    }

    /// A path as the file writes it, from the crate's root; none where it leads out of the crate.
    fn resolved(&self, path: &Path, written: &[String]) -> Option<Path> {
        let (mut at, mut rest) = (path.clone(), written);
        match written.first()?.as_str() {
            "crate" => (at, rest) = (Path::new(), &written[1..]),
            "self" => rest = &written[1..],
            "super" => {}
            first if self.modules.iter().any(|name| name == first) => {}
            first => (at, rest) = (self.used.get(first)?.clone(), &written[1..]),
        }
        while rest.first().is_some_and(|name| name == "super") {
            at.pop()?;
            rest = &rest[1..];
        }
        at.extend_from_slice(rest);
        Some(at)
    }
}

#[test]
fn no_two_files_need_each_other() {
    let modules = Modules::read();
    let needs = modules.needs();
    let count: usize = needs.values().map(BTreeMap::len).sum();
    assert!(count > 2000, "only {count} needs were found, so the code was not read as it is written");
    let reaches: BTreeMap<_, _> = needs.keys().map(|file| (*file, reached(file, &needs))).collect();
    let mut circles: BTreeMap<&PathBuf, Vec<String>> = BTreeMap::new();
    for (file, below) in &reaches {
        let Some(first) = below.iter().find(|other| reaches[*other].contains(file)) else { continue };
        for (other, name) in needs[file].iter().filter(|(other, _)| reaches[*other].contains(file)) {
            let line = format!("    {} needs {} for {name}", file.display(), other.display());
            circles.entry(first).or_default().push(line);
        }
    }
    let told: Vec<String> = circles.values().map(|lines| lines.join("\n")).collect();
    assert!(told.is_empty(), "files that need each other:\n{}", told.join("\n\n"));
}
