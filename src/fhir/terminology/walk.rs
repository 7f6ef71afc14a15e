//! Goes through the codes of a value set in the order of its definition (http://hl7.org/fhir/R4/valueset.html#compositions), each
//! once. Holds no more of a large code system than the part of its tree that a rule asks for.

use std::collections::HashSet;

use super::compose::{Compose, Filter, Include, MAX_DEPTH, SNOMED};
use super::held::{Concept, HeldSystem, Unreadable};
use super::implicit::{ANSWER_LIST, members_key};
use super::membership::{Membership, passes};
use super::texts::Texts;
use crate::fhir::Library;

/// Codes below one that a rule may ask for, and codes that are kept in mind so that none comes twice.
const MOST_IN_MIND: usize = 600_000;

/// Why the codes of a value set cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexpandable {
    /// The canonical URL of a value set that is not here, or includes others without end.
    ValueSet(String),
    /// The URL of a code system that is not here, or only in part.
    CodeSystem(String),
    /// What a rule asks of a code system and is not held of it: `CLASSTYPE = 2 of http://loinc.org`.
    Filter(String),
    TooCostly,
    Unreadable,
    /// Whoever asked has enough.
    Stopped,
}

impl From<Unreadable> for Unexpandable {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

/// A code of a value set.
pub struct Found<'a> {
    pub system: &'a str,
    pub concept: &'a Concept,
}

type Take<'t> = &'t mut dyn FnMut(Found<'_>) -> Result<(), Unexpandable>;

impl Library {
    /// Hands over each code.
    pub(super) fn walk(&self, compose: &Compose, take: Take<'_>) -> Result<(), Unexpandable> {
        let is_single = compose.include.len() == 1 && compose.include.iter().all(|rule| rule.system.is_some());
        let mut seen = HashSet::new();
        self.walk_rules(compose, 0, &mut |found| {
            // One rule over one code system names each code once, unless it lists one twice.
            let is_listed = is_single && compose.include.iter().all(|rule| rule.codes.is_empty());
            if !is_listed {
                if seen.len() >= MOST_IN_MIND {
                    return Err(Unexpandable::TooCostly);
                }
                if !seen.insert((found.system.to_string(), found.concept.code.clone())) {
                    return Ok(());
                }
            }
            take(found)
        })
    }

    fn walk_rules(&self, compose: &Compose, depth: u32, take: Take<'_>) -> Result<(), Unexpandable> {
        for rule in &compose.include {
            self.walk_rule(rule, depth, &mut |found| {
                if self.is_excluded(compose, &found, depth)? { Ok(()) } else { take(found) }
            })?;
        }
        Ok(())
    }

    fn is_excluded(&self, compose: &Compose, found: &Found<'_>, depth: u32) -> Result<bool, Unexpandable> {
        let any =
            compose.exclude.iter().map(|rule| self.included(rule, Some(found.system), &found.concept.code, depth));
        known(Membership::any(any))
    }

    fn walk_set(&self, url: &str, depth: u32, take: Take<'_>) -> Result<(), Unexpandable> {
        let compose = self.value_set(url).filter(|compose| depth < MAX_DEPTH && !compose.include.is_empty());
        self.walk_rules(&*compose.ok_or_else(|| Unexpandable::ValueSet(url.to_string()))?, depth, take)
    }

    fn walk_rule(&self, rule: &Include, depth: u32, take: Take<'_>) -> Result<(), Unexpandable> {
        let Some(system) = &rule.system else {
            let mut sets = rule.value_sets.iter();
            let first = sets.next().ok_or_else(|| Unexpandable::ValueSet(String::new()))?;
            let others: Vec<&String> = sets.collect();
            return self.walk_set(first, depth + 1, &mut |found| {
                if self.is_in_all(&others, &found, depth)? { take(found) } else { Ok(()) }
            });
        };
        let sets: Vec<&String> = rule.value_sets.iter().collect();
        let take = &mut |concept: &Concept| {
            let found = Found { system, concept };
            if self.is_in_all(&sets, &found, depth)? { take(found) } else { Ok(()) }
        };
        let held = self.code_system(system);
        if !rule.codes.is_empty() {
            return listed(rule, held.as_deref(), take);
        }
        let held = held.filter(|held| held.head().is_complete());
        let held = held.ok_or_else(|| Unexpandable::CodeSystem(system.clone()))?;
        filtered(&rule.filters, held.as_ref(), take)
    }

    fn is_in_all(&self, sets: &[&String], found: &Found<'_>, depth: u32) -> Result<bool, Unexpandable> {
        for set in sets {
            if !known(self.member(set, Some(found.system), &found.concept.code, depth + 1))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn known(membership: Membership) -> Result<bool, Unexpandable> {
    match membership {
        Membership::In => Ok(true),
        Membership::Out => Ok(false),
        Membership::Unknown(url) => Err(Unexpandable::CodeSystem(url)),
    }
}

type TakeConcept<'t> = &'t mut dyn FnMut(&Concept) -> Result<(), Unexpandable>;

/// The codes that a rule lists. What the value set calls one comes before what its system calls it.
fn listed(rule: &Include, held: Option<&dyn HeldSystem>, take: TakeConcept<'_>) -> Result<(), Unexpandable> {
    for code in &rule.codes {
        let found = held.map(|held| held.find(code)).transpose()?.flatten();
        let mut concept = found.unwrap_or_else(|| Concept { code: code.clone(), ..Concept::default() });
        let own = rule.texts.get(code).cloned().unwrap_or_default();
        let theirs = std::mem::take(&mut concept.texts);
        concept.texts = Texts {
            display: own.display.or(theirs.display),
            designations: own.designations.into_iter().chain(theirs.designations).collect(),
        };
        take(&concept)?;
    }
    Ok(())
}

/// The codes of a system that pass all of these.
fn filtered(filters: &[Filter], held: &dyn HeldSystem, take: TakeConcept<'_>) -> Result<(), Unexpandable> {
    let mut branch = None;
    let mut others = Vec::new();
    for filter in filters {
        let found = if branch.is_none() { branch_of(filter, held)? } else { None };
        match found {
            Some(found) => branch = Some(found),
            None => others.push(filter),
        }
    }
    let mut outcome = Ok(());
    let mut each = |concept: &Concept| {
        outcome = (|| {
            for filter in &others {
                if !passes(held, filter, concept).ok_or_else(|| unknown(filter, held))? {
                    return Ok(());
                }
            }
            take(concept)
        })();
        outcome.is_ok()
    };
    match branch {
        None => held.each(&mut each)?,
        Some(Branch::Codes(codes)) => held.among(&codes, &mut each)?,
        Some(Branch::Listed(codes)) => {
            for code in codes {
                if held.find(&code)?.is_some_and(|concept| !each(&concept)) {
                    break;
                }
            }
        }
    }
    outcome
}

fn unknown(filter: &Filter, held: &dyn HeldSystem) -> Unexpandable {
    let Filter { property, operator, value } = filter;
    Unexpandable::Filter(format!("`{property} {operator} {value}` of {}", held.head().url))
}

/// The part of a code system that a filter alone leads to.
enum Branch {
    /// In the system's order.
    Codes(HashSet<String>),
    /// In an order of their own.
    Listed(Vec<String>),
}

/// None for a filter that only each code itself answers.
fn branch_of(filter: &Filter, held: &dyn HeldSystem) -> Result<Option<Branch>, Unexpandable> {
    let value = filter.value.as_str();
    let with_itself = |mut codes: HashSet<String>| {
        codes.extend(held.find(value)?.map(|concept| concept.code));
        Ok::<_, Unreadable>(Branch::Codes(codes))
    };
    let below = |code: &str| held.below(code, MOST_IN_MIND)?.ok_or(Unexpandable::TooCostly);
    let members = |key: &str| match held.children(key)? {
        members if members.is_empty() => Err(unknown(filter, held)),
        members => Ok(Branch::Listed(members)),
    };
    Ok(Some(match (filter.property.as_str(), filter.operator.as_str()) {
        ("concept", "in") if held.head().url == SNOMED => members(&members_key(value))?,
        (ANSWER_LIST, "=") => members(value)?,
        ("concept" | "code", "=") => with_itself(HashSet::new())?,
        ("concept" | "code", "generalizes") => with_itself(held.above(value)?)?,
        ("parent", "=") => Branch::Codes(held.children(value)?.into_iter().collect()),
        ("child", "=") => {
            let child = held.find(value)?;
            Branch::Codes(child.into_iter().flat_map(|child| child.parents).collect())
        }
        ("concept" | "code", "is-a") => with_itself(below(value)?)?,
        ("concept" | "code", "descendent-of") | ("ancestor", "=") => Branch::Codes(below(value)?),
        _ => return Ok(None),
    }))
}
