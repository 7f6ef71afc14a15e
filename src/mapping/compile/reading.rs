//! `readings/*.yaml`: measurements, their codes, and the units in which they are plausible.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{name_agrees, system_of};
use crate::fhir::code_system;
use crate::mapping::language::{PlausibleUnit, Reading};
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Kind, Node};

/// Compiles one measurement.
pub fn compile(name: &str, node: &Node, problems: &mut Vec<Problem>) -> Reading {
    let mut fields = Fields::of(node, "a reading");
    name_agrees(&mut fields, "reading", name);
    fields.text("title");
    let mut codes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (system, list) in fields.required("codes").and_then(Node::as_map).unwrap_or_default() {
        let written = system.as_text().unwrap_or_default();
        if code_system(&written).is_none() && !written.contains(':') {
            let text = format!("no code system is named `{written}`; write a short name such as `loinc`, or its URL");
            fields.report(system.mark.problem(Category::NotFound, text));
        }
        let items = list.as_list().map_or_else(|| vec![list], |items| items.iter().collect());
        codes.entry(system_of(&written)).or_default().extend(items.into_iter().filter_map(Node::as_text));
    }
    let mut units = Vec::new();
    for (unit, bounds) in fields.optional("units").and_then(Node::as_map).unwrap_or_default() {
        let unit_text = unit.as_text().unwrap_or_default();
        if octofhir_ucum::validate(&unit_text).is_err() {
            fields.report(unit.problem(format!("`{unit_text}` is not a unit of UCUM")));
        }
        units.extend(plausible(&unit_text, bounds, problems));
    }
    fields.finish(problems);
    Reading { name: name.to_string(), codes, units }
}

fn plausible(unit: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<PlausibleUnit> {
    let mut fields = Fields::of(node, "what is plausible in a unit");
    let (from, to) = (fields.required("from").and_then(number), fields.required("to").and_then(number));
    if !matches!((from, to), (Some(from), Some(to)) if from < to) {
        fields.report(node.problem("write the bounds as numbers, the lower first: `{ from: 40, to: 100 }`"));
    }
    fields.finish(problems);
    Some(PlausibleUnit { unit: unit.to_string(), from: from?, to: to? })
}

fn number(node: &Node) -> Option<f64> {
    match node.kind {
        Kind::Map(_) | Kind::List(_) => None,
        _ => node.to_json().as_f64(),
    }
}
