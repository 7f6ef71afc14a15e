//! Whether a code is in a value set (http://hl7.org/fhir/R4/valueset-operation-validate-code.html), by what is at hand.

use super::compose::{Compose, Filter, Include, MAX_DEPTH};
use super::concepts::{Concepts, Content};
use super::syntax;
use crate::fhir::Library;

/// The answer, which may be that it cannot be told here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    In,
    Out,
    /// The canonical URL of the value set or code system that would have to be at hand.
    Unknown(String),
}

impl Membership {
    fn of(holds: bool) -> Self {
        if holds { Self::In } else { Self::Out }
    }

    /// Both must hold.
    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Out => Self::Out,
            Self::In => other(),
            Self::Unknown(url) => match other() {
                Self::Out => Self::Out,
                _ => Self::Unknown(url),
            },
        }
    }

    /// Any of these must hold.
    pub fn any(all: impl Iterator<Item = Self>) -> Self {
        let mut found = Self::Out;
        for one in all {
            match one {
                Self::In => return Self::In,
                Self::Unknown(_) if found == Self::Out => found = one,
                _ => {}
            }
        }
        found
    }
}

impl Library {
    /// Whether a value set, by its canonical URL, holds a code. A code without a system is taken to be of whichever
    /// system the value set names: so it is for elements of type code.
    pub fn membership(&self, value_set: &str, system: Option<&str>, code: &str) -> Membership {
        self.member(value_set, system, code, 0)
    }

    fn member(&self, value_set: &str, system: Option<&str>, code: &str, depth: u32) -> Membership {
        let Some(compose) = self.value_set(value_set).filter(|_| depth < MAX_DEPTH) else {
            return Membership::Unknown(value_set.to_string());
        };
        self.composed(&compose, system, code, depth).unwrap_or_else(|| Membership::Unknown(value_set.to_string()))
    }

    /// None for a value set that says nothing of what is in it.
    fn composed(&self, compose: &Compose, system: Option<&str>, code: &str, depth: u32) -> Option<Membership> {
        if compose.include.is_empty() {
            return None;
        }
        let any =
            |rules: &[Include]| Membership::any(rules.iter().map(|rule| self.included(rule, system, code, depth)));
        Some(any(&compose.include).and(|| match any(&compose.exclude) {
            Membership::In => Membership::Out,
            Membership::Out => Membership::In,
            unknown => unknown,
        }))
    }

    fn included(&self, rule: &Include, system: Option<&str>, code: &str, depth: u32) -> Membership {
        let own = match &rule.system {
            Some(own) if system.is_some_and(|system| system != own) => return Membership::Out,
            Some(own) => self.of_system(own, rule, code),
            None => Membership::In,
        };
        own.and(|| {
            let mut all = Membership::In;
            for value_set in &rule.value_sets {
                all = all.and(|| self.member(value_set, system, code, depth + 1));
            }
            all
        })
    }

    fn of_system(&self, system: &str, rule: &Include, code: &str) -> Membership {
        if !rule.codes.is_empty() {
            return Membership::of(rule.codes.iter().any(|own| own == code));
        }
        let concepts = self.code_system(system);
        let whole = match (&concepts, syntax::is_code_of(system, code)) {
            (_, Some(holds)) => Membership::of(holds),
            (Some(concepts), None) if concepts.contains(code) => Membership::In,
            (Some(concepts), None) if concepts.content == Content::Complete => Membership::Out,
            _ => Membership::Unknown(system.to_string()),
        };
        let mut all = whole;
        for filter in &rule.filters {
            // Of a system that is here in part, what is said of its other codes is not known.
            let concepts = concepts.as_deref().filter(|own| own.content == Content::Complete || own.contains(code));
            all = all.and(|| match concepts.and_then(|concepts| passes(concepts, filter, code)) {
                Some(holds) => Membership::of(holds),
                None => Membership::Unknown(system.to_string()),
            });
        }
        all
    }

    /// Whether a code system has a code, by what is at hand.
    pub fn has_code(&self, system: &str, code: &str) -> Membership {
        let rule = Include { system: Some(system.to_string()), ..Include::default() };
        self.of_system(system, &rule, code)
    }
}

/// None for a filter on what the reduced form does not hold.
pub(super) fn passes(concepts: &Concepts, filter: &Filter, code: &str) -> Option<bool> {
    let value = filter.value.as_str();
    match (filter.property.as_str(), filter.operator.as_str()) {
        ("concept" | "code", "=") => Some(code == value),
        ("concept" | "code", "in") => Some(value.split(',').any(|one| one.trim() == code)),
        ("concept" | "code", "is-a") => Some(code == value || concepts.is_below(code, value)),
        ("concept" | "code", "descendent-of") => Some(concepts.is_below(code, value)),
        ("concept" | "code", "is-not-a") => Some(code != value && !concepts.is_below(code, value)),
        ("concept" | "code", "generalizes") => Some(code == value || concepts.is_below(value, code)),
        ("code", "regex") => regex_lite::Regex::new(&format!("^(?:{value})$")).ok().map(|regex| regex.is_match(code)),
        ("parent", "=") => Some(concepts.is_child(code, value)),
        _ => None,
    }
}
