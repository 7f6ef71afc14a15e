//! All definitions that are at hand, by canonical URL: those built in, and above them those of a site.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

use super::block::{Block, Defines, split};
use super::built_in;
use super::differential::Differential;
use super::search::{self, SearchIndex, SearchParameter};
use super::source::PackageSource;
use crate::fhir::definition::split_version;
use crate::fhir::terminology::{CodeGroup, Compose, Concepts, HeldSystem, Summary, implicit};
use crate::problem::Problem;

/// Profiles, value sets and code systems. What a site adds stands before what is built in.
#[derive(Debug, Default)]
pub struct Library {
    below: Option<&'static Library>,
    profiles: HashMap<String, Block<Differential>>,
    value_sets: HashMap<String, Block<Compose>>,
    code_systems: HashMap<String, Block<Concepts>>,
    /// Those that a site keeps on its disk.
    large: BTreeMap<String, Arc<dyn HeldSystem>>,
    /// The blocks of search parameters, in the order of the packages.
    searches: Vec<Block<()>>,
    search_index: OnceLock<SearchIndex>,
    packages: Vec<Package>,
    /// The codes of value sets that were listed before.
    expanded: RwLock<HashMap<String, Expansion>>,
}

/// All codes of a value set; none where they cannot be listed.
type Expansion = Option<Arc<[CodeGroup]>>;

/// A package's name and version, and what it says it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub dependencies: Vec<(String, String)>,
}

static BUILT_IN: LazyLock<Library> = LazyLock::new(|| Library::read(None, &built_in::sources()).0);

impl Library {
    /// What is compiled in.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// What is compiled in and, above it, a site's own packages; with every fault of these.
    pub fn with(packages: &[PackageSource]) -> (Self, Vec<Problem>) {
        let (library, mut problems) = Self::read(Some(&BUILT_IN), packages);
        for block in library.profiles.values() {
            let (_, faults) = Differential::read(block.text());
            problems.extend(faults.into_iter().map(|(line, fault)| block.problem(line, fault)));
        }
        (library, problems)
    }

    fn read(below: Option<&'static Library>, packages: &[PackageSource]) -> (Self, Vec<Problem>) {
        let mut library = Self { below, ..Self::default() };
        let mut problems = Vec::new();
        for file in packages.iter().flat_map(|package| &package.files) {
            let file = Arc::new(file.clone());
            if file.name.ends_with("package.txt") {
                library.packages.extend(Package::read(&file.text));
            } else {
                problems.extend(split(&file, &mut |kind, canonical, position| match kind {
                    Defines::Profile => library.profiles.extend([position.block(&file, &canonical)]),
                    Defines::ValueSet => library.value_sets.extend([position.block(&file, &canonical)]),
                    Defines::CodeSystem => library.code_systems.extend([position.block(&file, &canonical)]),
                    Defines::Search => library.searches.push(position.block(&file, &canonical).1),
                }));
            }
        }
        (library, problems)
    }

    /// A profile or extension by its canonical URL. None for one of another version than is asked for.
    pub fn profile(&self, canonical: &str) -> Option<Arc<Differential>> {
        let (url, version) = split_version(canonical);
        match self.profiles.get(url) {
            Some(block) if fits(version, block) => block.get(|text| Differential::read(text).0),
            Some(_) => None,
            None => self.below?.profile(canonical),
        }
    }

    /// How a value set is composed. None for one of another version than is asked for.
    pub fn value_set(&self, canonical: &str) -> Option<Arc<Compose>> {
        let (url, version) = split_version(canonical);
        match self.value_sets.get(url) {
            Some(block) if fits(version, block) => block.get(Compose::read),
            Some(_) => None,
            None => match self.below {
                Some(below) => below.value_set(canonical),
                // Nothing lost: whoever asks for one by name is told why it is none.
                None => implicit(canonical)?.ok().map(Arc::new),
            },
        }
    }

    /// A code system, in whichever version is at hand.
    pub fn code_system(&self, url: &str) -> Option<Arc<dyn HeldSystem>> {
        if let Some(large) = self.large.get(url) {
            return Some(Arc::clone(large));
        }
        match self.code_systems.get(url) {
            Some(block) => block.get(Concepts::read).map(|concepts| concepts as Arc<dyn HeldSystem>),
            None => self.below?.code_system(url),
        }
    }

    /// The same with these code systems, which stand before those of packages.
    pub fn with_code_systems(mut self, systems: Vec<Arc<dyn HeldSystem>>) -> Self {
        self.large.extend(systems.into_iter().map(|system| (system.head().url.clone(), system)));
        self
    }

    /// Those code systems, in the order of their URLs.
    pub fn added_code_systems(&self) -> impl Iterator<Item = &Arc<dyn HeldSystem>> {
        self.large.values()
    }

    /// The value sets that are at hand, by URL.
    pub fn value_sets(&self) -> BTreeMap<&str, Summary<'_>> {
        let mut all = self.below.map(Self::value_sets).unwrap_or_default();
        all.extend(self.value_sets.iter().map(|(url, block)| (url.as_str(), Summary::of(block.text()))));
        all
    }

    /// The code systems that are at hand, by URL.
    pub fn code_systems(&self) -> BTreeMap<&str, Summary<'_>> {
        let mut all = self.below.map(Self::code_systems).unwrap_or_default();
        all.extend(self.code_systems.iter().map(|(url, block)| (url.as_str(), Summary::of(block.text()))));
        all.extend(self.large.iter().map(|(url, system)| (url.as_str(), Summary::of_head(system.head()))));
        all
    }

    /// What a value set was expanded to before; none when it was not yet.
    pub(in crate::fhir) fn expanded(&self, value_set: &str) -> Option<Expansion> {
        self.expanded.read().unwrap_or_else(PoisonError::into_inner).get(value_set).cloned()
    }

    /// Keeps an expansion, of value sets that are at hand only: a name that a sender made up takes no room.
    pub(in crate::fhir) fn keep_expanded(&self, value_set: &str, found: Expansion) {
        if implicit(value_set).is_none() && self.value_set(value_set).is_some() {
            let mut expanded = self.expanded.write().unwrap_or_else(PoisonError::into_inner);
            expanded.insert(value_set.to_string(), found);
        }
    }

    /// The search parameters of a type by their names in URLs, with those of every resource. A package adds names to those of
    /// the packages below it and changes none: what a name finds does not depend on which guides a site has.
    pub fn search_parameters(&self, resource_type: &str) -> BTreeMap<&str, &SearchParameter> {
        let mut found = self.below.map(|below| below.search_parameters(resource_type)).unwrap_or_default();
        let index = self.search_index.get_or_init(|| {
            let mut index = SearchIndex::new();
            self.searches.iter().for_each(|block| _ = search::add(block.text(), &mut index));
            index
        });
        for base in ["Resource", "DomainResource", resource_type] {
            let of_base = index.range((base.to_string(), String::new())..).take_while(|((other, _), _)| other == base);
            for ((_, name), parameter) in of_base {
                found.entry(name).or_insert(parameter);
            }
        }
        found
    }

    /// The URLs of all profiles and extensions, in no order.
    pub fn profile_urls(&self) -> impl Iterator<Item = &str> {
        let below = self.below.into_iter().flat_map(|below| below.profiles.keys());
        self.profiles.keys().chain(below).map(String::as_str)
    }

    /// All packages, those built in first.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.below.into_iter().flat_map(|below| &below.packages).chain(&self.packages)
    }
}

fn fits<T>(asked: Option<&str>, block: &Block<T>) -> bool {
    asked.is_none_or(|asked| block.version.as_deref().is_none_or(|own| own == asked))
}

impl Package {
    /// Reads `package.txt`.
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pair = |line: &str| line.split_once(' ').map(|(name, version)| (name.to_string(), version.to_string()));
        let (name, version) = pair(lines.next()?)?;
        Some(Self { name, version, dependencies: lines.filter_map(|line| pair(line.trim_start())).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::PackageFile;

    fn library(text: &str) -> (Library, Vec<Problem>) {
        let file = PackageFile { name: "site/profiles/x/all.txt".into(), text: text.to_string().into() };
        Library::with(&[PackageSource { files: vec![file] }])
    }

    #[test]
    fn definitions_are_found_by_url_and_version() {
        let (library, problems) = library(
            "profile Patient http://x.example/p|1 : Patient\nname 1..\n\n\nprofile Patient http://x.example/q : http://x.example/p\n",
        );
        assert_eq!(problems, []);
        assert_eq!(library.profile("http://x.example/p|1").unwrap().rules.len(), 1);
        assert!(library.profile("http://x.example/p|2").is_none() && library.profile("http://x.example/r").is_none());
        assert_eq!(library.profile("http://x.example/q").unwrap().base, "http://x.example/p");
    }

    #[test]
    fn a_fault_of_a_site_tells_file_and_line() {
        let (_, problems) = library(
            "profile Patient http://x.example/p : Patient\nname 1..\n\nprofile Patient http://x.example/q : Patient\nname {",
        );
        assert_eq!(problems[0].to_string(), "site/profiles/x/all.txt:5:1: `{` means nothing here");
        let (_, problems) = library("profile Patient http://x.example/p : Patient\n\nprofil x\n");
        assert!(
            problems[0].to_string().starts_with("site/profiles/x/all.txt:3:1: `profil x` begins no"),
            "{problems:?}"
        );
    }
}
