//! Whether a code is in a value set (http://hl7.org/fhir/R4/valueset-operation-validate-code.html), by what is at hand.

use super::compose::{Compose, Filter, Include, MAX_DEPTH, SNOMED};
use super::held::{Concept, HeldSystem};
use super::implicit::{ANSWER_LIST, MEMBER_OF, MEMBERS};
use super::syntax;
use super::texts::Texts;
use crate::fhir::Library;

const LOINC: &str = "http://loinc.org";

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

    /// The same of a value set by how it is composed.
    pub fn has_in(&self, compose: &Compose, system: &str, code: &str) -> Membership {
        let told = self.composed(compose, Some(system), code, 0);
        told.unwrap_or_else(|| Membership::Unknown("what it includes".to_string()))
    }

    /// What a value set itself, or one that it includes, calls a code that it lists.
    pub fn texts_in(&self, compose: &Compose, system: &str, code: &str) -> Option<Texts> {
        self.texts_below(compose, system, code, 0)
    }

    fn texts_below(&self, compose: &Compose, system: &str, code: &str, depth: u32) -> Option<Texts> {
        compose.include.iter().find_map(|rule| match &rule.system {
            Some(own) => rule.texts.get(code).filter(|_| own == system).cloned(),
            None => rule
                .value_sets
                .iter()
                .filter(|_| depth < MAX_DEPTH)
                .find_map(|url| self.texts_below(&*self.value_set(url)?, system, code, depth + 1)),
        })
    }

    pub(super) fn member(&self, value_set: &str, system: Option<&str>, code: &str, depth: u32) -> Membership {
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

    pub(super) fn included(&self, rule: &Include, system: Option<&str>, code: &str, depth: u32) -> Membership {
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
        let unknown = || Membership::Unknown(system.to_string());
        let held = self.code_system(system);
        let Ok(has) = held.as_ref().map(|held| held.contains(code)).transpose() else { return unknown() };
        let whole = match (&held, syntax::is_code_of(system, code)) {
            (_, Some(holds)) => Membership::of(holds),
            (Some(_), None) if has == Some(true) => Membership::In,
            (Some(held), None) if held.head().is_complete() => Membership::Out,
            _ => unknown(),
        };
        if rule.filters.is_empty() {
            return whole;
        }
        // Of a system that is here in part, what is said of its other codes is not known.
        let concept = held.as_ref().and_then(|held| held.find(code).ok()?);
        let mut all = whole;
        for filter in &rule.filters {
            all = all.and(|| match (&held, &concept) {
                (Some(held), Some(concept)) => {
                    passes(held.as_ref(), filter, concept).map_or_else(unknown, Membership::of)
                }
                (Some(held), None) if held.head().is_complete() => Membership::Out,
                _ => unknown(),
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

/// None for a filter on what is not held of the system.
pub(super) fn passes(held: &dyn HeldSystem, filter: &Filter, concept: &Concept) -> Option<bool> {
    let value = filter.value.as_str();
    let code = concept.code.as_str();
    let is_below = |code: &str, ancestor: &str| held.is_below(code, ancestor).ok();
    let one_of = || value.split(',').map(str::trim);
    match (filter.property.as_str(), filter.operator.as_str()) {
        ("concept" | "code", "=") => Some(code == value),
        // There, this names a reference set (http://hl7.org/fhir/R4/snomedct.html#4.3.1.0.6).
        ("concept", "in") if held.head().url == SNOMED => {
            is_held_set(held, value)?.then(|| has(concept, MEMBER_OF, value))
        }
        ("concept", "not-in") if held.head().url == SNOMED => None,
        (ANSWER_LIST, "=") if held.head().url == LOINC => match has(concept, ANSWER_LIST, value) {
            true => Some(true),
            // Of a list that is not here nobody knows.
            false => held.children(value).ok().filter(|answers| !answers.is_empty()).map(|_| false),
        },
        ("concept" | "code", "in") => Some(one_of().any(|one| one == code)),
        ("concept" | "code", "not-in") => Some(one_of().all(|one| one != code)),
        ("concept" | "code", "is-a") => Some(code == value || is_below(code, value)?),
        ("concept" | "code", "descendent-of") | ("ancestor", "=") => is_below(code, value),
        ("concept" | "code", "is-not-a") => Some(code != value && !is_below(code, value)?),
        ("concept" | "code", "generalizes") => Some(code == value || is_below(value, code)?),
        ("code", "regex") => matches(value, code),
        ("parent", "=") => Some(concept.parents.iter().any(|parent| parent == value)),
        ("child", "=") => {
            let child = held.find(value).ok()?;
            Some(child.is_some_and(|child| child.parents.iter().any(|parent| parent == code)))
        }
        (property, operator) if held.head().properties.iter().any(|known| known == property) => {
            let mut values = concept.properties.iter().filter(|(name, _)| name == property).map(|(_, value)| value);
            match operator {
                "=" => Some(values.any(|own| own == value)),
                "in" => Some(values.any(|own| one_of().any(|one| one == own))),
                "not-in" => Some(values.all(|own| one_of().all(|one| one != own))),
                "exists" => Some((value == "true") == values.next().is_some()),
                "regex" => {
                    values.map(|own| matches(value, own)).collect::<Option<Vec<_>>>().map(|all| all.contains(&true))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn has(concept: &Concept, property: &str, value: &str) -> bool {
    concept.properties.iter().any(|(name, own)| name == property && own == value)
}

/// Whether the members of a reference set are here.
fn is_held_set(held: &dyn HeldSystem, set: &str) -> Option<bool> {
    let set = held.find(set).ok()??;
    Some(set.properties.iter().any(|(name, _)| name == MEMBERS))
}

/// None for an expression that is none.
fn matches(expression: &str, text: &str) -> Option<bool> {
    regex_lite::Regex::new(&format!("^(?:{expression})$")).ok().map(|regex| regex.is_match(text))
}
