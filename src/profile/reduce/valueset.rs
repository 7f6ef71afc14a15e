//! Value sets (http://hl7.org/fhir/R4/valueset.html) as rules: what is included, then what is excluded. One without rules
//! is taken from its expansion.

use serde_json::Value;

use super::words::{is_true, list, quoted, text, texts, value_set_url, with_version, word};

const TOO_COSTLY: &str = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly";

/// Reduces a value set. The error says why that cannot be done.
pub fn reduce_value_set(definition: &Value) -> Result<String, String> {
    let url = text(definition, "url").ok_or("it has no url")?;
    let head = with_version(value_set_url(url), text(definition, "version"));
    let mut lines = vec![format!("valueset {head}")];
    match (definition.get("compose"), definition.get("expansion")) {
        (Some(compose), _) => {
            for (mark, key) in [('+', "include"), ('-', "exclude")] {
                let rules = list(compose, key).iter().map(rule).collect::<Result<Vec<_>, _>>()?;
                lines.extend(rules.iter().map(|rule| format!("{mark} {rule}")));
            }
        }
        (None, Some(expansion)) => lines.extend(expanded(expansion)?),
        (None, None) => return Err("it has neither rules (compose) nor an expansion".to_string()),
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// One include or exclude: system, sets, then codes or filters.
fn rule(rule: &Value) -> Result<String, String> {
    let mut parts = Vec::new();
    parts.extend(text(rule, "system").map(|system| with_version(word(system), text(rule, "version"))));
    parts.extend(texts(rule, "valueSet").map(|url| format!("@{}", value_set_url(url))));
    if parts.is_empty() {
        return Err("a rule of it names neither a code system nor a value set".to_string());
    }
    let codes: Vec<_> = list(rule, "concept").iter().filter_map(|concept| text(concept, "code")).map(quoted).collect();
    if !codes.is_empty() {
        parts.push(format!(": {}", codes.join(" ")));
    }
    for filter in list(rule, "filter") {
        let said = |key| text(filter, key).ok_or_else(|| format!("a filter of it has no {key}"));
        let (property, operator, value) = (said("property")?, said("op")?, said("value")?);
        parts.push(format!("where {} {} {}", quoted(property), word(operator), quoted(value)));
    }
    Ok(parts.join(" "))
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
    let mut by_system: Vec<(String, Vec<String>)> = Vec::new();
    // Entries that only group others may not be chosen.
    for entry in entries.into_iter().filter(|entry| !is_true(entry, "abstract")) {
        let (Some(system), Some(code)) = (text(entry, "system"), text(entry, "code")) else { continue };
        let (system, code) = (with_version(word(system), text(entry, "version")), quoted(code).into_owned());
        match by_system.iter_mut().find(|(known, _)| *known == system) {
            Some((_, codes)) => codes.push(code),
            None => by_system.push((system, vec![code])),
        }
    }
    Ok(by_system.into_iter().map(|(system, codes)| format!("+ {system} : {}", codes.join(" "))).collect())
}

fn flattened(contains: &[Value]) -> Vec<&Value> {
    contains.iter().flat_map(|entry| std::iter::once(entry).chain(flattened(list(entry, "contains")))).collect()
}
