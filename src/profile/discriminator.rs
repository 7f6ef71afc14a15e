//! What the items of a slice are known by (http://hl7.org/fhir/R4/profiling.html#discriminator): the value, pattern, type
//! or profile that a slice demands at the path of each discriminator.

use std::cell::Cell;
use std::sync::Arc;

use serde_json::Value;

use super::binding;
use super::compiled::{Profile, Profiles, short_name};
use super::mark::{Demand, Mark};
use super::matching::{element_contains, shown};
use super::rules::{Rules, Slice};
use super::validation::Validation;
use crate::fhir::definition::{Definitions, Discriminator, DiscriminatorKind, Max, Slicing, Strength};
use crate::fhir::path::{Element, Expression};
use crate::fhir::terminology::Membership;

/// The marks of a slice of the element of that name, one for each discriminator.
pub(super) fn marks(slice: &Slice, slicing: &Slicing, element: &str, profiles: &Profiles) -> Vec<Mark> {
    let mark = |discriminator: &Discriminator| {
        let path = match discriminator.path.as_str() {
            "$this" => None,
            path => match Expression::parse_r4(path) {
                Ok(path) => Some(path),
                Err(_) => return Mark { path: None, demand: Demand::Nothing },
            },
        };
        Mark { path, demand: demand(slice, discriminator, element, profiles) }
    };
    slicing.discriminators.iter().map(mark).collect()
}

fn demand(slice: &Slice, discriminator: &Discriminator, element: &str, profiles: &Profiles) -> Demand {
    let steps = steps(&discriminator.path);
    let extensions = extensions_on(&steps, profiles);
    let found = below(vec![Below::Rules(&slice.rules)], &steps, &extensions);
    let rules = || {
        found.iter().filter_map(|found| match found {
            Below::Rules(rules) => Some(*rules),
            Below::Value(_) => None,
        })
    };
    match discriminator.kind {
        DiscriminatorKind::Value | DiscriminatorKind::Pattern => {
            if discriminator.path == "url"
                && let Some(url) = extension_url(&slice.rules)
            {
                return Demand::Values(vec![Value::String(url)]);
            }
            let mut values: Vec<Value> = found.iter().flat_map(|found| found.values()).cloned().collect();
            if values.is_empty() {
                values.extend(in_type_profiles(&slice.rules, &steps, profiles));
            }
            let required =
                |rules: &Rules| rules.binding.clone().filter(|binding| binding.strength == Strength::Required);
            match (values.is_empty(), rules().find_map(required)) {
                (false, _) => Demand::Values(values),
                (true, Some(binding)) => Demand::ValueSet(binding.value_set),
                (true, None) => Demand::Nothing,
            }
        }
        DiscriminatorKind::Type => {
            let mut types: Vec<String> = rules().flat_map(|rules| &rules.types).map(|kind| kind.code.clone()).collect();
            // `valueQuantity`, a slice of `value[x]`, is of type Quantity.
            if types.is_empty()
                && let Some(name) = slice.name.strip_prefix(element)
            {
                types.push(name.to_string());
            }
            if types.is_empty() { Demand::Nothing } else { Demand::Types(types) }
        }
        DiscriminatorKind::Profile => {
            let of = |rules: &Rules| {
                let all = rules.types.iter().flat_map(|kind| kind.profiles.iter().chain(&kind.targets)).cloned();
                all.collect::<Vec<String>>()
            };
            let urls: Vec<String> = rules().flat_map(of).collect();
            if urls.is_empty() { Demand::Nothing } else { Demand::Profiles(urls) }
        }
        DiscriminatorKind::Exists => match rules().next() {
            Some(rules) if rules.max == Some(Max::Count(0)) => Demand::Exists(false),
            Some(rules) if rules.min > 0 => Demand::Exists(true),
            _ => Demand::Nothing,
        },
    }
}

/// What is demanded at a place: by rules, or as part of a value that is demanded above it.
#[derive(Clone, Copy)]
enum Below<'r> {
    Rules(&'r Rules),
    Value(&'r Value),
}

impl<'r> Below<'r> {
    fn values(&self) -> Vec<&'r Value> {
        match self {
            Self::Value(value) => vec![value],
            Self::Rules(rules) => rules.fixed.iter().chain(&rules.pattern).collect(),
        }
    }
}

/// One step of a discriminator's path.
#[derive(Clone, Copy)]
enum Step<'p> {
    Child(&'p str),
    /// `extension('http://…')`
    Extension(&'p str),
}

/// The steps of a path; a dot inside quotes or brackets parts nothing, and `$this`, `resolve()` and the like lead nowhere.
fn steps(path: &str) -> Vec<Step<'_>> {
    let (mut quoted, mut depth) = (false, 0_i32);
    let parts = path.split(|letter| {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        letter == '.' && !quoted && depth == 0
    });
    let steps = parts.filter(|part| *part != "$this" && !part.contains("()")).map(|part| {
        let url = part.strip_prefix("extension('").and_then(|rest| rest.strip_suffix("')"));
        url.map_or(Step::Child(part.split('(').next().unwrap_or(part)), Step::Extension)
    });
    steps.collect()
}

/// The definitions of the extensions that a path goes through.
fn extensions_on(steps: &[Step<'_>], profiles: &Profiles) -> Vec<Arc<Profile>> {
    let urls = steps.iter().filter_map(|step| match step {
        Step::Extension(url) => Some(*url),
        Step::Child(_) => None,
    });
    urls.filter_map(|url| profiles.get(url)).collect()
}

/// What is demanded at a path below these. Slices on the way count: what one of them demands, some item has.
fn below<'r>(from: Vec<Below<'r>>, steps: &[Step<'_>], extensions: &'r [Arc<Profile>]) -> Vec<Below<'r>> {
    let mut found = from;
    for step in steps {
        let mut next = Vec::new();
        let name = match step {
            Step::Child(name) => *name,
            Step::Extension(url) => {
                found = extension(&found, url, extensions);
                continue;
            }
        };
        for place in found {
            match place {
                Below::Value(value) => next.extend(parts(value, name).into_iter().map(Below::Value)),
                Below::Rules(rules) => {
                    for rules in std::iter::once(rules).chain(rules.slices.iter().map(|slice| &slice.rules)) {
                        next.extend(rules.child(name).map(Below::Rules));
                        let values = rules.fixed.iter().chain(&rules.pattern);
                        next.extend(values.flat_map(|value| parts(value, name)).map(Below::Value));
                    }
                }
            }
        }
        found = next;
    }
    let mut all = Vec::new();
    for place in found {
        all.push(place);
        if let Below::Rules(rules) = place {
            all.extend(rules.slices.iter().map(|slice| Below::Rules(&slice.rules)));
        }
    }
    all
}

/// What is demanded of the extension with that URL: by the slice for it, and by its own definition.
fn extension<'r>(holders: &[Below<'r>], url: &str, known: &'r [Arc<Profile>]) -> Vec<Below<'r>> {
    let mut found = Vec::new();
    for holder in holders {
        let Below::Rules(rules) = holder else { continue };
        let slices = rules.child("extension").map(|rules| rules.slices.as_slice()).unwrap_or_default();
        let own = slices.iter().filter(|slice| extension_url(&slice.rules).as_deref() == Some(url));
        found.extend(own.map(|slice| Below::Rules(&slice.rules)));
    }
    if !found.is_empty() {
        found.extend(known.iter().filter(|profile| profile.url == url).map(|profile| Below::Rules(&profile.rules)));
    }
    found
}

fn parts<'r>(value: &'r Value, name: &str) -> Vec<&'r Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| parts(item, name)).collect(),
        _ => match value.get(name) {
            Some(Value::Array(items)) => items.iter().collect(),
            other => other.into_iter().collect(),
        },
    }
}

/// The URL of the one extension that a slice is.
fn extension_url(rules: &Rules) -> Option<String> {
    match rules.types.as_slice() {
        [kind] if kind.code == "Extension" => {
            kind.profiles.first().map(|url| url.split('|').next().unwrap_or(url).to_string())
        }
        _ => None,
    }
}

/// What the profiles of a slice's type demand at the path.
fn in_type_profiles(rules: &Rules, steps: &[Step<'_>], profiles: &Profiles) -> Vec<Value> {
    let urls = rules.types.iter().flat_map(|kind| &kind.profiles);
    let mut values = Vec::new();
    for profile in urls.filter_map(|url| profiles.get(url)) {
        for found in below(vec![Below::Rules(&profile.rules)], steps, &[]) {
            values.extend(found.values().into_iter().cloned());
        }
    }
    values
}

impl Demand {
    /// None where that cannot be told here.
    fn is_met(&self, element: Element<'_>, validation: Validation<'_>) -> Option<bool> {
        Some(match self {
            Self::Values(values) => values.iter().any(|value| element_contains(element, value)),
            Self::ValueSet(url) => match binding::holds(element, url, validation) {
                Membership::In => true,
                Membership::Out => false,
                Membership::Unknown(_) => return None,
            },
            Self::Types(types) => {
                let name = element.type_name().unwrap_or_default();
                types.iter().any(|kind| Definitions::r4().is_subtype(name, kind) || name.eq_ignore_ascii_case(kind))
            }
            Self::Profiles(urls) => urls.iter().any(|url| validation.meets(element, url)),
            Self::Exists(_) => true,
            Self::Nothing => return None,
        })
    }
}

impl Mark {
    /// Whether nothing can be known by this mark.
    pub fn is_blind(&self) -> bool {
        matches!(self.demand, Demand::Nothing)
    }

    /// Whether an item has what the slice demands; none where that cannot be told here, for want of a value set.
    pub fn is_on<'a>(&self, item: Element<'a>, validation: Validation<'a>) -> Option<bool> {
        let is_unsure = Cell::new(false);
        let (is_there, is_met) = match &self.path {
            None => (true, self.meets(item, validation, &is_unsure)),
            Some(path) => validation.any(item, path, &|found, inner| self.meets(found, inner, &is_unsure)),
        };
        match self.demand {
            Demand::Exists(wanted) => Some(is_there == wanted),
            _ if !is_met && is_unsure.get() => None,
            _ => Some(is_met),
        }
    }

    fn meets(&self, found: Element<'_>, validation: Validation<'_>, is_unsure: &Cell<bool>) -> bool {
        let is_met = self.demand.is_met(found, validation);
        is_unsure.set(is_unsure.get() || is_met.is_none());
        is_met == Some(true)
    }

    /// `whose code is {…}`, for the fault of a slice that is not there.
    pub fn in_words(&self, path: &str) -> Option<String> {
        let whose = if path == "$this" { "which".to_string() } else { format!("whose {path}") };
        match &self.demand {
            Demand::Values(values) => Some(format!("{whose} is {}", values.first().map(shown)?)),
            Demand::ValueSet(url) => Some(format!("{whose} is from {}", short_name(url))),
            Demand::Types(types) => Some(format!("{whose} is a {}", types.join(" or "))),
            Demand::Profiles(urls) => Some(format!("{whose} is a {}", short_name(urls.first()?))),
            Demand::Exists(true) => Some(format!("with {path}")),
            Demand::Exists(false) => Some(format!("without {path}")),
            Demand::Nothing => None,
        }
    }
}
