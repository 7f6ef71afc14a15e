//! Profiles put together from their differentials, each once, when first asked for.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::rules::{Invariant, Rules};
use crate::fhir::definition::{Definitions, split_version, type_of_url};
use crate::fhir::search::{Parameter, SERVED, SearchTable};
use crate::fhir::{Differential, ExtensionContext, Familiar, Library};

/// How many profiles may build on each other.
const MAX_BASES: usize = 16;

/// A profile, ready to check resources.
#[derive(Debug)]
pub(super) struct Profile {
    pub url: String,
    pub type_name: String,
    pub rules: Rules,
    /// The base that is not at hand: what it says is not checked.
    pub missing_base: Option<String>,
    pub is_modifier: bool,
    pub contexts: Vec<ExtensionContext>,
    /// What must hold of the element that holds the extension.
    pub context_invariants: Vec<Invariant>,
}

impl Profile {
    /// What people call it: the last part of its URL.
    pub fn name(&self) -> &str {
        short_name(&self.url)
    }
}

/// The last part of a canonical URL.
pub(super) fn short_name(url: &str) -> &str {
    let url = split_version(url).0;
    url.rsplit('/').next().unwrap_or(url)
}

/// The profiles of a library.
#[derive(Debug)]
pub struct Profiles {
    library: Source,
    /// By URL without version: a version that a sender made up takes no room.
    compiled: RwLock<HashMap<String, Arc<Profile>>>,
    /// Drafts without faults.
    pub(super) faultless: Familiar,
    /// Which profiles resources meet that were shown lately.
    pub(super) met: Familiar<Arc<[String]>>,
    searches: SearchTable,
}

#[derive(Debug)]
enum Source {
    BuiltIn,
    Site(Box<Library>),
}

static BUILT_IN: LazyLock<Profiles> = LazyLock::new(|| Profiles::of(Source::BuiltIn));

impl Profiles {
    /// Those that are compiled into the program.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Those of a site, and those that are compiled in.
    pub fn new(library: Library) -> Self {
        Self::of(Source::Site(Box::new(library)))
    }

    fn of(library: Source) -> Self {
        Self {
            library,
            compiled: RwLock::default(),
            faultless: Familiar::default(),
            met: Familiar::default(),
            searches: SearchTable::default(),
        }
    }

    /// The search parameters of a type: R4's, US Core's, and those that the site's guides add.
    pub fn searches(&self, resource_type: &str) -> &[Arc<Parameter>] {
        match &self.library {
            Source::BuiltIn => SearchTable::built_in().of_type(resource_type),
            Source::Site(library) => self.searches.of_type_with(library, resource_type),
        }
    }

    /// What the site's guides add to R4's and US Core's, type by type.
    pub fn guided_searches(&self) -> Vec<(&'static str, Arc<Parameter>)> {
        let Source::Site(library) = &self.library else { return Vec::new() };
        let mut added = Vec::new();
        for resource_type in SERVED {
            let own = Library::built_in().search_parameters(resource_type);
            if library.search_parameters(resource_type).len() > own.len() {
                let of_type = self.searches(resource_type).iter();
                added.extend(
                    of_type
                        .filter(|one| !own.contains_key(one.name.as_str()))
                        .map(|one| (resource_type, Arc::clone(one))),
                );
            }
        }
        added
    }

    pub fn library(&self) -> &Library {
        match &self.library {
            Source::BuiltIn => Library::built_in(),
            Source::Site(library) => library,
        }
    }

    /// The type that a profile, or a URL of R4's own, is for; none when it is not at hand.
    pub fn type_of(&self, canonical: &str) -> Option<String> {
        match type_of_url(split_version(canonical).0) {
            Some(name) => Some(name.to_string()),
            None => self.library().profile(canonical).map(|profile| profile.type_name.clone()),
        }
    }

    /// A profile by its canonical URL; none when it is not at hand.
    pub(super) fn get(&self, canonical: &str) -> Option<Arc<Profile>> {
        let own = self.library().profile(canonical)?;
        if let Some(known) = self.compiled.read().unwrap_or_else(PoisonError::into_inner).get(&own.url) {
            return Some(Arc::clone(known));
        }
        let profile = Arc::new(self.compile(&own));
        let mut compiled = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        compiled.insert(own.url.clone(), Arc::clone(&profile));
        Some(profile)
    }

    /// What a profile and its bases say, the first of them first.
    fn compile(&self, own: &Arc<Differential>) -> Profile {
        let mut chain = vec![Arc::clone(own)];
        let mut missing_base = None;
        while let Some(base) = chain.last().map(|last| last.base.clone()) {
            if type_of_url(split_version(&base).0).is_some() {
                break;
            }
            match self.library().profile(&base).filter(|_| chain.len() < MAX_BASES) {
                Some(base) => chain.push(base),
                None => {
                    missing_base = Some(base);
                    break;
                }
            }
        }
        let definition = Definitions::r4().type_definition(&own.type_name);
        let mut rules = Rules::default();
        for profile in chain.iter().rev() {
            rules.add_invariants(&profile.constraints);
            for rule in &profile.rules {
                rules.add(rule, definition);
            }
        }
        // How often the whole may stand is said where it is used.
        rules.min = 0;
        rules.max = None;
        Profile {
            url: own.url.clone(),
            type_name: own.type_name.clone(),
            rules,
            missing_base,
            is_modifier: chain.iter().any(|profile| profile.is_modifier),
            contexts: own.contexts.clone(),
            context_invariants: own.context_invariants.iter().map(|text| Invariant::of_context(text)).collect(),
        }
    }
}
