//! A blood pressure whose two numbers came as two results is one panel, too: what clients of US Core look for (Blood Pressure profile
//! 7.0.0: LOINC 85354-9 with the components 8480-6 and 8462-4). The panel is made from the results as they stand and follows
//! them; they stay, and rules go by them (docs/decisions/0007).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::working::{content, version};
use super::{Change, Record, State, Stored};
use crate::fhir::{Resource, add_labels, labels_of};
use crate::identity::ResourceId;

const LOINC: &str = "http://loinc.org";
const PANEL: &str = "85354-9";
const SYSTOLIC: &str = "8480-6";
const DIASTOLIC: &str = "8462-4";

/// Codes of results that are the two numbers of one measurement (LOINC 2.78; SNOMED CT; ISO/IEEE 11073-10101). Means of several
/// measurements are none (96608-5), nor is what was felt for alone (8479-8).
const PAIRS: [(&str, &str, &str); 7] = [
    (LOINC, SYSTOLIC, DIASTOLIC),
    (LOINC, "8459-0", "8453-3"),
    (LOINC, "8460-8", "8454-1"),
    (LOINC, "8461-6", "8455-8"),
    (LOINC, "76534-7", "76535-4"),
    ("http://snomed.info/sct", "271649006", "271650006"),
    ("urn:iso:std:iso:11073:10101", "150021", "150022"),
];

/// What both results must agree on to be of one measurement.
const AGREED: [&str; 4] = ["encounter", "bodySite", "method", "device"];
/// What a panel says by its components.
const OF_COMPONENT: [&str; 3] = ["dataAbsentReason", "interpretation", "referenceRange"];

/// Why the results of one moment are no pair.
pub struct Unpaired {
    pub results: Vec<ResourceId>,
}

/// What follows of changed results.
#[derive(Default)]
pub struct Pressures {
    pub changes: Vec<Change>,
    pub unpaired: Vec<Unpaired>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Systolic,
    Diastolic,
}

/// Results that may be of one measurement, and which side each is.
type Group<'r> = Vec<(Side, &'r Stored)>;

/// What the record knows of pressures.
#[derive(Default)]
struct Known<'r> {
    /// Results by what is the same for the two of one measurement.
    groups: BTreeMap<String, Group<'r>>,
    /// The moments and visits of panels that a sender stated.
    own: BTreeSet<String>,
    /// The panels that were put together here.
    made: Vec<&'r Stored>,
}

/// The panels that follow of the results as the record has them after `changes`: made, brought up to date, or taken back where a
/// result lost its other half. They depend on what stands, not on what came first.
pub fn pressures(record: &Record, changes: &[Change], received: Timestamp) -> Pressures {
    let mut follows = Pressures::default();
    let told = changes.iter().map(|change| &change.stored).filter(|stored| is_of_pressure(stored));
    let changed: BTreeSet<ResourceId> = told.map(|stored| stored.id).collect();
    if changed.is_empty() {
        return follows;
    }
    let known = known(record);
    let mut standing: BTreeSet<ResourceId> = BTreeSet::new();
    for group in known.groups.values() {
        if group.first().is_some_and(|(_, stored)| known.own.contains(&visit_and_moment(stored))) {
            // Nothing lost: the sender said the panel itself.
            continue;
        }
        let is_touched = group.iter().any(|(_, stored)| changed.contains(&stored.id));
        let (pairs, left) = pair_up(group);
        for (systolic, diastolic) in pairs {
            let id = panel_id(systolic);
            standing.insert(id);
            if is_touched || record.get("Observation", id).is_none_or(is_taken_back) {
                let made_of = vec![systolic.id, diastolic.id];
                follows.changes.extend(written(record, id, panel(systolic, diastolic), made_of, received));
            }
        }
        if is_touched && left.len() > 1 {
            follows.unpaired.push(Unpaired { results: left.iter().map(|stored| stored.id).collect() });
        }
    }
    // One of which a result was not loaded is older than what changed.
    let is_loaded = |id: &ResourceId| record.get("Observation", *id).is_some();
    let lost = known.made.into_iter().filter(|panel| {
        !standing.contains(&panel.id) && !is_taken_back(panel) && panel.state.made_of.iter().all(is_loaded)
    });
    for panel in lost {
        let mut resource = content(&panel.resource);
        resource.set("status", json!("entered-in-error"));
        follows.changes.extend(written(record, panel.id, resource, panel.state.made_of.clone(), received));
    }
    follows
}

fn known(record: &Record) -> Known<'_> {
    let mut known = Known::default();
    for stored in record.of_type("Observation") {
        match side(stored) {
            Some((side, pair)) => known.groups.entry(measured(stored, pair)).or_default().push((side, stored)),
            None if !is_panel(&stored.resource) => {}
            None if !stored.state.made_of.is_empty() => known.made.push(stored),
            None if stored.resource.get("component").is_some() && !is_taken_back(stored) => {
                known.own.insert(visit_and_moment(stored));
            }
            // Nothing lost: a panel without its two numbers says no more than they do.
            None => {}
        }
    }
    known
}

/// A result that is half a pressure, or a sender's own panel.
fn is_of_pressure(stored: &Stored) -> bool {
    is_half_pressure(&stored.resource) || (is_panel(&stored.resource) && stored.state.made_of.is_empty())
}

fn is_taken_back(stored: &Stored) -> bool {
    matches!(stored.resource.text("status"), Some("entered-in-error" | "cancelled"))
}

/// Whether a resource is a result that is one of a pressure's two numbers.
pub fn is_half_pressure(resource: &Resource) -> bool {
    resource.resource_type() == "Observation" && coded_side(resource).is_some()
}

/// Which number of a pressure a result is; none for one that was taken back or has more than one value.
fn side(stored: &Stored) -> Option<(Side, usize)> {
    let resource = &stored.resource;
    let is_observation = resource.resource_type() == "Observation";
    coded_side(resource).filter(|_| is_observation && !is_taken_back(stored) && resource.get("component").is_none())
}

fn coded_side(resource: &Resource) -> Option<(Side, usize)> {
    let codings = resource.codings("code");
    PAIRS.iter().enumerate().find_map(|(place, (system, systolic, diastolic))| {
        let has = |code: &str| codings.contains(&(*system, code));
        match (has(systolic), has(diastolic)) {
            (true, false) => Some((Side::Systolic, place)),
            (false, true) => Some((Side::Diastolic, place)),
            _ => None,
        }
    })
}

fn is_panel(resource: &Resource) -> bool {
    resource.resource_type() == "Observation" && resource.codings("code").contains(&(LOINC, PANEL))
}

fn visit_and_moment(stored: &Stored) -> String {
    format!("{} {}", moment(stored), stored.resource.reference("encounter").unwrap_or_default())
}

/// What is the same for the two numbers of one measurement.
fn measured(stored: &Stored, pair: usize) -> String {
    let shared = AGREED.map(|element| stored.resource.get(element).map(Value::to_string).unwrap_or_default());
    format!("{pair} {} {}", moment(stored), shared.join(" "))
}

/// When it was measured; devices say an instant or a period.
const EFFECTIVE: [&str; 4] = ["effectiveDateTime", "_effectiveDateTime", "effectiveInstant", "effectivePeriod"];

fn moment(stored: &Stored) -> String {
    let resource = &stored.resource;
    let Some(text) = resource.text("effectiveDateTime").or_else(|| resource.text("effectiveInstant")) else {
        return resource.get("effectivePeriod").map(Value::to_string).unwrap_or_default();
    };
    // Nothing lost: a date alone is compared as it stands.
    text.parse::<Timestamp>().map_or_else(|_| text.to_string(), |moment| moment.to_string())
}

/// Systolic and diastolic results two by two: those that one message told together, then what is left if it is one of each.
fn pair_up<'r>(group: &Group<'r>) -> (Vec<(&'r Stored, &'r Stored)>, Vec<&'r Stored>) {
    let mut by_message: BTreeMap<Option<&str>, Group<'r>> = BTreeMap::new();
    for (side, stored) in group {
        by_message.entry(told_by(stored)).or_default().push((*side, stored));
    }
    let mut pairs = Vec::new();
    let mut left: Group<'r> = Vec::new();
    for together in by_message.into_values() {
        match one_of_each(&together) {
            Some(pair) => pairs.push(pair),
            None => left.extend(together),
        }
    }
    match one_of_each(&left) {
        Some(pair) => pairs.push(pair),
        None => {
            return (
                pairs,
                if is_both(&left) { left.into_iter().map(|(_, stored)| stored).collect() } else { Vec::new() },
            );
        }
    }
    (pairs, Vec::new())
}

fn one_of_each<'r>(group: &Group<'r>) -> Option<(&'r Stored, &'r Stored)> {
    match group.as_slice() {
        [(Side::Systolic, systolic), (Side::Diastolic, diastolic)] => Some((systolic, diastolic)),
        [(Side::Diastolic, diastolic), (Side::Systolic, systolic)] => Some((systolic, diastolic)),
        _ => None,
    }
}

/// There are numbers of both kinds; only one kind is half a pressure, as its sender meant it.
fn is_both(group: &Group<'_>) -> bool {
    [Side::Systolic, Side::Diastolic].iter().all(|side| group.iter().any(|(known, _)| known == side))
}

/// The message that had the last word on a result.
fn told_by(stored: &Stored) -> Option<&str> {
    stored.state.stamps.values().max().map(|stamp| &*stamp.source)
}

fn panel_id(systolic: &Stored) -> ResourceId {
    // By the place within the record alone: a merge that moves the result moves its panel alike.
    let local: String = systolic.id.to_string().chars().skip(16).collect();
    ResourceId::of(systolic.id.person, "Observation", &format!("blood pressure of {local}"))
}

fn panel(systolic: &Stored, diastolic: &Stored) -> Resource {
    let parts = [&systolic.resource, &diastolic.resource];
    let mut panel = Resource::new("Observation");
    panel
        .set("status", json!(parts.map(|part| part.text("status").unwrap_or("unknown")).into_iter().max_by_key(doubt)));
    panel.set("category", json!([{ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs", "display": "Vital Signs"
    }] }]));
    let coding =
        json!([{ "system": LOINC, "code": PANEL, "display": "Blood pressure panel with all children optional" }]);
    panel.set("code", json!({ "coding": coding, "text": "Blood pressure" }));
    for element in ["subject"].iter().chain(&EFFECTIVE).chain(&AGREED) {
        if let Some(value) = systolic.resource.get(element) {
            panel.set(element, value.clone());
        }
    }
    // Nothing lost: a text that is no time stands behind one that is.
    let moment = |issued: &&str| issued.parse::<Timestamp>().ok();
    if let Some(issued) = parts.iter().filter_map(|part| part.text("issued")).max_by_key(moment) {
        panel.set("issued", json!(issued));
    }
    for element in ["performer", "note", "extension"] {
        let mut all: Vec<&Value> = Vec::new();
        for value in parts.iter().filter_map(|part| part.get(element)?.as_array()).flatten() {
            if !all.contains(&value) {
                all.push(value);
            }
        }
        if !all.is_empty() {
            panel.set(element, json!(all));
        }
    }
    let sides = [(SYSTOLIC, "Systolic blood pressure"), (DIASTOLIC, "Diastolic blood pressure")];
    let components: Vec<Value> = sides.iter().zip(parts).map(|(side, part)| component(*side, part)).collect();
    panel.set("component", json!(components));
    panel.set(
        "derivedFrom",
        json!([systolic, diastolic].map(|part| json!({ "reference": format!("Observation/{}", part.id) }))),
    );
    let labels: Vec<Value> = parts.into_iter().flat_map(labels_of).cloned().collect();
    add_labels(&mut panel, &labels);
    panel
}

/// A result as a part of the panel: under the panel's code for it, beside those that its sender gave it.
fn component((code, display): (&str, &str), part: &Resource) -> Value {
    let mut component = Map::new();
    let mut concept = part.get("code").cloned().unwrap_or_else(|| json!({}));
    if !part.codings("code").contains(&(LOINC, code))
        && let Some(codings) = concept.get_mut("coding").and_then(Value::as_array_mut)
    {
        codings.insert(0, json!({ "system": LOINC, "code": code, "display": display }));
    }
    component.insert("code".to_string(), concept);
    let told = |element: &str| element.starts_with("value") || OF_COMPONENT.contains(&element);
    component.extend(
        part.as_map().iter().filter(|(element, _)| told(element)).map(|(name, value)| (name.clone(), value.clone())),
    );
    Value::Object(component)
}

/// How far a status is from a result that stands; a panel is as doubtful as the more doubtful of its two.
fn doubt(status: &&str) -> u8 {
    match *status {
        "final" => 0,
        "amended" => 1,
        "corrected" => 2,
        "preliminary" => 3,
        "registered" => 4,
        _ => 5,
    }
}

/// The change that a panel needs, if any.
fn written(
    record: &Record,
    id: ResourceId,
    resource: Resource,
    made_of: Vec<ResourceId>,
    received: Timestamp,
) -> Option<Change> {
    let old = record.get("Observation", id);
    let state = State { made_of, ..State::default() };
    if old.is_some_and(|old| content(&old.resource) == resource && old.state == state) {
        return None;
    }
    let replaces = old.map_or(0, |old| old.version);
    Some(Change { stored: version(id, resource, state, replaces + 1, received), replaces })
}
