//! A code system that is here (http://hl7.org/fhir/R4/codesystem.html), wherever its codes lie: in memory, as those of packages
//! do, or on the disk of a site, as the large ones do.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Debug;

use super::texts::Texts;

/// What a code system says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub url: String,
    pub version: Option<String>,
    pub name: Option<String>,
    /// How much of it is here, by http://hl7.org/fhir/R4/valueset-codesystem-content-mode.html.
    pub content: String,
    pub ignores_case: bool,
    /// Properties that each code may have and value sets may ask for, beside `concept`, `code` and `parent`.
    pub properties: Vec<String>,
    /// Whose it is and under which terms, where its publisher wants that said.
    pub copyright: Option<String>,
}

impl Head {
    /// Whether a code that is not here is none of the system.
    pub fn is_complete(&self) -> bool {
        self.content == "complete"
    }
}

/// One code with all that is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concept {
    pub code: String,
    pub texts: Texts,
    /// It only groups others.
    pub is_abstract: bool,
    pub is_inactive: bool,
    /// What stands directly above it.
    pub parents: Vec<String>,
    pub properties: Vec<(String, String)>,
}

/// The system's files cannot be read: nothing can be told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable;

/// What can be asked of a code system.
pub trait HeldSystem: Debug + Send + Sync {
    fn head(&self) -> &Head;

    fn find(&self, code: &str) -> Result<Option<Concept>, Unreadable>;

    /// The codes directly below one.
    fn children(&self, code: &str) -> Result<Vec<String>, Unreadable>;

    /// Hands over each code in the system's order, until `take` says that it is enough.
    fn each(&self, take: &mut dyn FnMut(&Concept) -> bool) -> Result<(), Unreadable>;

    /// The same for these codes only.
    fn among(&self, codes: &HashSet<String>, take: &mut dyn FnMut(&Concept) -> bool) -> Result<(), Unreadable> {
        self.each(&mut |concept| !codes.contains(&concept.code) || take(concept))
    }

    fn contains(&self, code: &str) -> Result<bool, Unreadable> {
        Ok(self.find(code)?.is_some())
    }

    /// Whether `code` stands below `ancestor`, at any depth; none is below itself.
    fn is_below(&self, code: &str, ancestor: &str) -> Result<bool, Unreadable> {
        let mut waiting = vec![code.to_string()];
        let mut seen = BTreeSet::new();
        while let Some(next) = waiting.pop() {
            let parents = self.find(&next)?.map(|concept| concept.parents).unwrap_or_default();
            if parents.iter().any(|parent| parent == ancestor) {
                return Ok(true);
            }
            waiting.extend(parents.into_iter().filter(|parent| seen.insert(parent.clone())));
        }
        Ok(false)
    }

    /// All codes above one, at any depth.
    fn above(&self, code: &str) -> Result<HashSet<String>, Unreadable> {
        let mut found = HashSet::new();
        let mut waiting = vec![code.to_string()];
        while let Some(next) = waiting.pop() {
            let parents = self.find(&next)?.map(|concept| concept.parents).unwrap_or_default();
            waiting.extend(parents.into_iter().filter(|parent| parent != code && found.insert(parent.clone())));
        }
        Ok(found)
    }

    /// All codes below one, at any depth; none when there are more than `most`.
    fn below(&self, code: &str, most: usize) -> Result<Option<HashSet<String>>, Unreadable> {
        let mut found = HashSet::new();
        let mut waiting = self.children(code)?;
        while let Some(next) = waiting.pop() {
            if next != code && !found.contains(&next) {
                waiting.extend(self.children(&next)?);
                found.insert(next);
            }
            if found.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }
}
