//! Value sets and code systems as resources (http://hl7.org/fhir/R4/valueset.html, http://hl7.org/fhir/R4/codesystem.html): what is
//! held of them, which is no prose.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::found::with_ids;
use crate::fhir::terminology::{Compose, Concept, Designation, HeldSystem, Include, Summary, Texts};
use crate::web::answer::Fault;

/// Codes that are written out in a resource; of larger systems $lookup and $expand tell.
const MOST_CODES: usize = 20_000;

/// Says that the language is not said.
const UNSAID: &str = "und";

/// What both types begin with.
fn head(kind: &str, id: String, url: &str, summary: &Summary<'_>) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("resourceType".to_string(), kind.into());
    members.insert("id".to_string(), id.into());
    members.insert("url".to_string(), url.into());
    members.extend(summary.version.map(|version| ("version".to_string(), version.into())));
    members.extend(summary.name.map(|name| ("name".to_string(), name.into())));
    members.insert("status".to_string(), summary.status.into());
    members
}

/// A value set that is held, with its rules where these are given.
pub fn value_set(asked: &Asked, url: &str, compose: Option<&Arc<Compose>>) -> Value {
    let all = asked.library().value_sets();
    let id = with_ids(all.keys().copied()).into_iter().find(|(own, _)| *own == url).map(|(_, id)| id);
    let mut members = head("ValueSet", id.unwrap_or_default(), url, &all.get(url).copied().unwrap_or_default());
    if let Some(compose) = compose.filter(|compose| !compose.include.is_empty()) {
        let rules = |rules: &[Include]| rules.iter().map(rule).collect::<Vec<_>>();
        let mut written = json!({ "include": rules(&compose.include) });
        if let Some(members) = written.as_object_mut().filter(|_| !compose.exclude.is_empty()) {
            members.insert("exclude".to_string(), rules(&compose.exclude).into());
        }
        members.insert("compose".to_string(), written);
    }
    Value::Object(members)
}

fn rule(rule: &Include) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Option<Value>| members.extend(value.map(|value| (name.to_string(), value)));
    add("system", rule.system.as_deref().map(Value::from));
    add("version", rule.version.as_deref().map(Value::from));
    let concepts: Vec<Value> = rule
        .codes
        .iter()
        .map(|code| Value::Object(named(code, rule.texts.get(code).unwrap_or(&Texts::default()))))
        .collect();
    let filters: Vec<Value> = rule
        .filters
        .iter()
        .map(|filter| json!({ "property": filter.property, "op": filter.operator, "value": filter.value }))
        .collect();
    add("concept", Some(concepts).filter(|list| !list.is_empty()).map(Value::from));
    add("filter", Some(filters).filter(|list| !list.is_empty()).map(Value::from));
    add("valueSet", Some(&rule.value_sets).filter(|list| !list.is_empty()).map(|list| json!(list)));
    Value::Object(members)
}

/// A code with what it is called.
fn named(code: &str, texts: &Texts) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("code".to_string(), code.into());
    members.extend(texts.display.as_deref().map(|display| ("display".to_string(), display.into())));
    if !texts.designations.is_empty() {
        members.insert("designation".to_string(), designations(texts).into());
    }
    members
}

pub fn designations(texts: &Texts) -> Vec<Value> {
    texts.designations.iter().map(designation).collect()
}

pub fn designation(designation: &Designation) -> Value {
    match designation.language.as_str() {
        UNSAID => json!({ "value": designation.value }),
        language => json!({ "language": language, "value": designation.value }),
    }
}

/// A code system that is held, with its codes where these are not too many.
pub fn code_system(asked: &Asked, url: &str, held: &dyn HeldSystem, with_codes: bool) -> Result<Value, Fault> {
    let all = asked.library().code_systems();
    let id = with_ids(all.keys().copied()).into_iter().find(|(own, _)| *own == url).map(|(_, id)| id);
    let mut members = head("CodeSystem", id.unwrap_or_default(), url, &all.get(url).copied().unwrap_or_default());
    let own = held.head();
    members.extend(own.copyright.as_deref().map(|terms| ("copyright".to_string(), terms.into())));
    members.insert("caseSensitive".to_string(), (!own.ignores_case).into());
    let mut concepts = Vec::new();
    held.each(&mut |concept| {
        if with_codes && concepts.len() <= MOST_CODES {
            concepts.push(concept.clone());
        }
        with_codes && concepts.len() <= MOST_CODES
    })
    .map_err(super::found::unreadable)?;
    // Nothing lost: `content` says that the codes are not in the resource.
    let is_whole = concepts.len() <= MOST_CODES && with_codes;
    members.insert("content".to_string(), if is_whole { own.content.as_str() } else { "not-present" }.into());
    if is_whole && !concepts.is_empty() {
        members.insert("count".to_string(), concepts.len().into());
        members.insert("property".to_string(), properties());
        members.insert("concept".to_string(), concepts.iter().map(written).collect());
    }
    Ok(Value::Object(members))
}

/// The properties by which codes of a resource say where they stand (http://hl7.org/fhir/R4/codesystem-concept-properties.html).
fn properties() -> Value {
    let defined = |code: &str, kind: &str| json!({ "code": code, "uri": format!("http://hl7.org/fhir/concept-properties#{code}"), "type": kind });
    json!([
        defined("parent", "code"),
        defined("notSelectable", "boolean"),
        defined("inactive", "boolean"),
        defined("status", "code"),
    ])
}

fn written(concept: &Concept) -> Value {
    let mut members = named(&concept.code, &concept.texts);
    let parents = concept.parents.iter().map(|parent| json!({ "code": "parent", "valueCode": parent }));
    let flags = [("notSelectable", concept.is_abstract), ("inactive", concept.is_inactive)];
    let flags =
        flags.into_iter().filter(|(_, is_so)| *is_so).map(|(code, _)| json!({ "code": code, "valueBoolean": true }));
    let others = concept.properties.iter().map(|(code, value)| json!({ "code": code, "valueCode": value }));
    let all: Vec<Value> = parents.chain(flags).chain(others).collect();
    if !all.is_empty() {
        members.insert("property".to_string(), all.into());
    }
    Value::Object(members)
}
