//! A profile as a whole (http://hl7.org/fhir/R4/profiling.html#snapshot): every element of its type with what R4, the
//! profile's bases and the profile itself say of it, narrowed one by the other.

use super::compiled::Profiles;
use super::rules::Rules;
use super::rules::Slice;
use crate::fhir::definition::{
    Binding, Definitions, ElementDefinition, Max, Slicing, TypeDefinition, TypeRef, split_version, type_of_url,
};
use serde_json::Value;

/// A profile with its elements, in the order of the type.
#[derive(Debug)]
pub struct Snapshot {
    pub url: String,
    /// The type it constrains.
    pub type_name: String,
    /// The base that is not at hand: what it says is not in here.
    pub missing_base: Option<String>,
    pub invariants: Vec<SnapshotInvariant>,
    pub elements: Vec<SnapshotElement>,
}

/// An element, or a slice of one, as the profile wants it.
#[derive(Debug)]
pub struct SnapshotElement {
    /// The element's id without its type: `component:systolic.value[x]`.
    pub id: String,
    pub min: u32,
    pub max: Max,
    pub types: Vec<TypeRef>,
    pub binding: Option<Binding>,
    pub fixed: Option<Value>,
    pub pattern: Option<Value>,
    pub slicing: Option<Slicing>,
    pub is_must_support: bool,
    /// Whether the profile or one of its bases says anything of it that R4 does not.
    pub is_profiled: bool,
    /// Those of the profile and its bases; R4's own are not listed.
    pub invariants: Vec<SnapshotInvariant>,
}

/// What must hold, in FHIRPath.
#[derive(Debug)]
pub struct SnapshotInvariant {
    pub key: String,
    pub is_error: bool,
    pub expression: String,
}

impl Profiles {
    /// The whole of a profile, or of a type of R4's own, by canonical URL; none when it is not at hand.
    pub fn snapshot(&self, canonical: &str) -> Option<Snapshot> {
        let nothing = Rules::default();
        let profile = self.get(canonical);
        let (rules, type_name) = match &profile {
            Some(profile) => (&profile.rules, profile.type_name.as_str()),
            None => (&nothing, type_of_url(split_version(canonical).0)?),
        };
        let mut elements = Vec::new();
        list(Definitions::r4().type_definition(type_name)?, &[rules], "", &mut elements);
        Some(Snapshot {
            url: profile.as_ref().map_or_else(|| canonical.to_string(), |profile| profile.url.clone()),
            type_name: type_name.to_string(),
            missing_base: profile.as_ref().and_then(|profile| profile.missing_base.clone()),
            invariants: invariants(rules),
            elements,
        })
    }
}

/// Lists the elements of a type. Of the rules, those further down narrow those before them.
fn list(definition: &'static TypeDefinition, rules: &[&Rules], above: &str, elements: &mut Vec<SnapshotElement>) {
    for element in &definition.elements {
        let own: Vec<&Rules> = rules.iter().filter_map(|rules| rules.child(&element.name)).collect();
        let end = if element.is_choice { "[x]" } else { "" };
        push(element, &own, None, format!("{above}{}{end}", element.name), elements);
    }
}

/// Adds an element, or a slice of it, which the last of the rules are for; then what is below it.
fn push(
    element: &'static ElementDefinition,
    rules: &[&Rules],
    slice: Option<&Slice>,
    id: String,
    elements: &mut Vec<SnapshotElement>,
) {
    let mut snapshot = narrowed(element, rules, id.clone());
    if let Some(slice) = slice {
        // How often the list may stand says nothing of how often one slice of it must.
        snapshot.min = slice.rules.min;
        snapshot.slicing.clone_from(&slice.rules.slicing);
        snapshot.is_must_support = slice.rules.is_must_support;
        if let Some(named) = type_in_name(element, slice).filter(|_| slice.rules.types.is_empty()) {
            snapshot.types = vec![named.clone()];
        }
    }
    let definition = match snapshot.types.as_slice() {
        [one] if element.content.is_none() => Definitions::r4().type_definition(&one.code),
        _ => element.definition(),
    };
    elements.push(snapshot);
    if let Some(definition) = definition.filter(|_| rules.iter().any(|rules| !rules.children.is_empty())) {
        list(definition, rules, &format!("{id}."), elements);
    }
    // The slices of a slice have their names after a slash.
    let (mark, slices): (char, Vec<&Slice>) = match slice {
        Some(slice) => ('/', slice.rules.slices.iter().collect()),
        None => (':', rules.iter().flat_map(|rules| &rules.slices).collect()),
    };
    for slice in slices {
        let own: Vec<&Rules> = rules.iter().copied().chain([&slice.rules]).collect();
        push(element, &own, Some(slice), format!("{id}{mark}{}", slice.name), elements);
    }
}

/// `valueQuantity`, a slice of `value[x]`, is a Quantity.
fn type_in_name<'e>(element: &'e ElementDefinition, slice: &Slice) -> Option<&'e TypeRef> {
    let name = slice.name.strip_prefix(element.name.as_str()).filter(|_| element.is_choice)?;
    element.types.iter().find(|kind| kind.code.eq_ignore_ascii_case(name))
}

fn narrowed(element: &ElementDefinition, rules: &[&Rules], id: String) -> SnapshotElement {
    let last = |find: &dyn Fn(&Rules) -> Option<Value>| rules.iter().rev().find_map(|rules| find(rules));
    let types = rules.iter().rev().find(|rules| !rules.types.is_empty()).map(|rules| rules.types.clone());
    let narrower = |most: Max, rules: &&Rules| match (most, rules.max) {
        (Max::Count(own), Some(Max::Count(new))) => Max::Count(own.min(new)),
        (Max::Many, Some(new)) => new,
        (own, _) => own,
    };
    SnapshotElement {
        id,
        min: rules.iter().map(|rules| rules.min).fold(element.min, u32::max),
        max: rules.iter().fold(element.max, narrower),
        types: types.unwrap_or_else(|| element.types.clone()),
        binding: rules.iter().rev().find_map(|rules| rules.binding.clone()).or_else(|| element.binding.clone()),
        fixed: last(&|rules| rules.fixed.clone()),
        pattern: last(&|rules| rules.pattern.clone()),
        slicing: rules.iter().rev().find_map(|rules| rules.slicing.clone()),
        is_must_support: rules.iter().any(|rules| rules.is_must_support),
        is_profiled: !rules.is_empty(),
        invariants: rules.iter().flat_map(|rules| invariants(rules)).collect(),
    }
}

fn invariants(rules: &Rules) -> Vec<SnapshotInvariant> {
    let all = rules.invariants.iter().map(|invariant| SnapshotInvariant {
        key: invariant.key.clone(),
        is_error: invariant.is_error,
        expression: invariant.text.clone(),
    });
    all.collect()
}
