//! Value sets (http://hl7.org/fhir/R4/valueset.html) as rules: what is included, then what is excluded. One without rules
//! is taken from its expansion.

use serde_json::Value;

use super::words::{is_true, list, quoted, said_of, text, texts, texts_of, value_set_url, with_version, word};
use crate::fhir::terminology::{Compose, Texts};

const SHIPPED: [&str; 2] = ["http://hl7.org/fhir/ValueSet/", "http://hl7.org/fhir/us/core/"];
const LICENSED: [&str; 6] = [
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.ama-assn.org/go/cpt",
    "http://www.ada.org/",
    "http://hl7.org/fhir/sid/icd-10",
    "urn:iso:std:iso:11073:10101",
];
const TOO_COSTLY: &str = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly";

/// How a value set that somebody sent is composed; it needs no URL. The error says why it cannot be used.
pub fn value_set_of(definition: &Value) -> Result<Compose, String> {
    let mut definition = definition.clone();
    if text(&definition, "resourceType") != Some("ValueSet") {
        return Err("it is no ValueSet".to_string());
    }
    if let Some(members) = definition.as_object_mut() {
        members.entry("url").or_insert_with(|| Value::from("urn:x"));
    }
    let compose = Compose::read(&reduce_value_set(&definition)?);
    compose.ok_or_else(|| "one of its rules cannot be understood".to_string())
}

/// Reduces a value set. The error says why that cannot be done.
pub fn reduce_value_set(definition: &Value) -> Result<String, String> {
    let url = text(definition, "url").ok_or("it has no url")?;
    let head = with_version(value_set_url(url), text(definition, "version"));
    let mut lines = vec![format!("valueset {head}{}", said_of(definition))];
    match (definition.get("compose"), definition.get("expansion")) {
        (Some(compose), _) => {
            for (mark, key) in [('+', "include"), ('-', "exclude")] {
                for one in list(compose, key) {
                    let (rule, codes) = rule(one, url)?;
                    lines.push(format!("{mark} {rule}"));
                    lines.extend(codes);
                }
            }
        }
        (None, Some(expansion)) => lines.extend(expanded(expansion)?),
        (None, None) => return Err("it has neither rules (compose) nor an expansion".to_string()),
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// One include or exclude: system, sets, then codes or filters; and the lines of its codes, where it says what they are called.
fn rule(rule: &Value, value_set: &str) -> Result<(String, Vec<String>), String> {
    let mut parts = Vec::new();
    parts.extend(text(rule, "system").map(|system| with_version(word(system), text(rule, "version"))));
    parts.extend(texts(rule, "valueSet").map(|url| format!("@{}", value_set_url(url))));
    if parts.is_empty() {
        return Err("a rule of it names neither a code system nor a value set".to_string());
    }
    let listed: Vec<&Value> = list(rule, "concept").iter().collect();
    let (codes, lines) = codes(&listed, keeps_words(value_set, text(rule, "system")));
    parts.extend(codes);
    for filter in list(rule, "filter") {
        let said = |key| text(filter, key).ok_or_else(|| format!("a filter of it has no {key}"));
        let (property, operator, value) = (said("property")?, said("op")?, said("value")?);
        parts.push(format!("where {} {} {}", quoted(property), word(operator), quoted(value)));
    }
    Ok((parts.join(" "), lines))
}

/// What codes are called is their publishers' to give, of these systems: it is left out of what comes with Handover, and a
/// site adds it itself (docs/site.md). A site's own packages keep it.
fn keeps_words(value_set: &str, system: Option<&str>) -> bool {
    let is_shipped = SHIPPED.iter().any(|prefix| value_set.starts_with(prefix));
    !is_shipped || !LICENSED.iter().any(|licensed| system.is_some_and(|system| system.starts_with(licensed)))
}

/// Codes as the end of a rule, and as lines below it when any of them is called something.
fn codes(listed: &[&Value], keeps_words: bool) -> (Option<String>, Vec<String>) {
    let texts = |concept| if keeps_words { texts_of(concept) } else { Texts::default() };
    let named: Vec<(&str, Texts)> =
        listed.iter().filter_map(|concept| Some((text(concept, "code")?, texts(concept)))).collect();
    if named.is_empty() {
        return (None, Vec::new());
    }
    if named.iter().all(|(_, texts)| texts.is_empty()) {
        let codes: Vec<_> = named.iter().map(|(code, _)| quoted(code)).collect();
        return (Some(format!(": {}", codes.join(" "))), Vec::new());
    }
    let lines = named.iter().map(|(code, texts)| format!("  {}{}", quoted(code), texts.written()));
    (Some(":".to_string()), lines.collect())
}

/// The codes of an expansion, by system, in the order in which systems first come up.
fn expanded(expansion: &Value) -> Result<Vec<String>, String> {
    let entries = flattened(list(expansion, "contains"));
    let total = expansion.get("total").and_then(Value::as_u64);
    let is_cut_off = list(expansion, "extension").iter().any(|extension| text(extension, "url") == Some(TOO_COSTLY));
    let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    if is_cut_off || total.is_some_and(|total| total > count) {
        return Err("it has no rules, and its expansion is not complete".to_string());
    }
    let mut by_system: Vec<(String, Vec<&Value>)> = Vec::new();
    // Entries that only group others may not be chosen.
    for entry in entries.into_iter().filter(|entry| !is_true(entry, "abstract")) {
        let Some(system) = text(entry, "system").filter(|_| text(entry, "code").is_some()) else { continue };
        let system = with_version(word(system), text(entry, "version"));
        match by_system.iter_mut().find(|(known, _)| *known == system) {
            Some((_, listed)) => listed.push(entry),
            None => by_system.push((system, vec![entry])),
        }
    }
    let rules = by_system.into_iter().flat_map(|(system, listed)| {
        let (codes, lines) = codes(&listed, true);
        std::iter::once(format!("+ {system} {}", codes.unwrap_or_default())).chain(lines)
    });
    Ok(rules.collect())
}

fn flattened(contains: &[Value]) -> Vec<&Value> {
    contains.iter().flat_map(|entry| std::iter::once(entry).chain(flattened(list(entry, "contains")))).collect()
}
