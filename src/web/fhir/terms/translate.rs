//! ConceptMap/$translate (http://hl7.org/fhir/R4/conceptmap-operation-translate.html).

use serde_json::Value;

use super::asked::Asked;
use super::concept_map::{MAPPED, UNMATCHED};
use super::found::Coding;
use super::maps::{HeldMap, held_maps};
use super::output::Output;
use crate::fhir::terminology::Membership;
use crate::problem::Category;
use crate::web::answer::Fault;

pub const KNOWN: &[&str] =
    &["url", "code", "system", "coding", "codeableConcept", "source", "target", "targetsystem", "reverse"];

/// A translation that a map has.
struct Match {
    equivalence: &'static str,
    coding: Option<Value>,
    map: String,
}

pub fn translate(asked: &Asked) -> Result<Value, Fault> {
    let base = asked.base();
    let all = held_maps(&asked.site);
    let url = asked.input.text("url")?;
    let is_asked = |map: &HeldMap<'_>| match (&asked.id, url) {
        (Some(id), _) => map.id == *id,
        (None, Some(url)) => map.url(&base) == url,
        (None, None) => true,
    };
    let codings = asked.codings("system", "version")?;
    if codings.iter().any(|coding| coding.system.is_none()) {
        let text = "say which code system the code is of: `system`";
        return Err(Fault::bad_request(Category::Required, text));
    }
    let maps: Vec<&HeldMap<'_>> = all.iter().filter(|map| is_asked(map)).collect();
    if maps.is_empty() {
        let text = "this concept map is not here; GET ConceptMap lists those that are";
        return Err(Fault::not_found(text));
    }
    let is_reverse = asked.input.is_true("reverse")?;
    let mut found = Vec::new();
    for coding in &codings {
        for map in &maps {
            let matches = if is_reverse { reversed(asked, map, coding) } else { mapped(asked, map, coding)? };
            found.extend(matches);
        }
    }
    let is_translated = found.iter().any(|one| one.equivalence == MAPPED);
    let mut output = Output::default();
    output.add("result", "valueBoolean", is_translated);
    if found.is_empty() {
        output.add("message", "valueString", "no concept map here says what this becomes");
    } else if !is_translated {
        output.add("message", "valueString", "what this says, nothing in FHIR says");
    }
    for one in found {
        let mut parts = Output::default();
        parts.add("equivalence", "valueCode", one.equivalence);
        parts.add_some("concept", "valueCoding", one.coding);
        parts.add("source", "valueUri", one.map);
        output.add_parts("match", parts);
    }
    Ok(output.finish())
}

/// What a code of the map's source becomes, as far as the target that is wanted has it.
fn mapped(asked: &Asked, map: &HeldMap<'_>, coding: &Coding) -> Result<Vec<Match>, Fault> {
    let library = asked.library();
    let is_of_source = |url: &str| library.membership(url, coding.system.as_deref(), &coding.code) != Membership::Out;
    if coding.system.as_deref() != Some(map.source) || !asked.input.text("source")?.is_none_or(is_of_source) {
        return Ok(Vec::new());
    }
    let (target, target_system) = (asked.input.text("target")?, asked.input.text("targetsystem")?);
    let lines = map.lines(library).into_iter().filter(|line| line.code == coding.code);
    let wanted = lines.filter(|line| {
        line.target.is_none_or(|(system, row)| {
            let in_target = |url: &str| library.membership(url, Some(system), &row.code) != Membership::Out;
            target_system.is_none_or(|wanted| wanted == system) && target.is_none_or(in_target)
        })
    });
    let matches = wanted.map(|line| Match {
        equivalence: if line.target.is_some() { MAPPED } else { UNMATCHED },
        coding: line.target.map(|(system, row)| {
            let known = library.code_system(system).and_then(|held| held.find(&row.code).ok()?);
            let display = row.display.clone().or_else(|| known.and_then(|concept| concept.texts.display));
            Coding::written(system, &row.code, display.as_deref())
        }),
        map: map.url(&asked.base()),
    });
    Ok(matches.collect())
}

/// Which codes of the map's source become this one.
fn reversed(asked: &Asked, map: &HeldMap<'_>, coding: &Coding) -> Vec<Match> {
    let library = asked.library();
    let is_it = |(system, code): (&str, &str)| coding.system.as_deref() == Some(system) && coding.code == code;
    let lines = map.lines(library);
    let lines = lines.into_iter().filter(|line| line.target.is_some_and(|(system, row)| is_it((system, &row.code))));
    let matches = lines.map(|line| {
        let known = library.code_system(map.source).and_then(|held| held.find(line.code).ok()?);
        let display = known.and_then(|concept| concept.texts.display);
        let coding = Some(Coding::written(map.source, line.code, display.as_deref()));
        Match { equivalence: MAPPED, coding, map: map.url(&asked.base()) }
    });
    matches.collect()
}
