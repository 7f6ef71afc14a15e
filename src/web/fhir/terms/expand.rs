//! ValueSet/$expand (http://hl7.org/fhir/R4/valueset-operation-expand.html).

use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::definition::{designations, value_set};
use super::found::{AskedSet, is_version, unexpandable};
use super::input::Input;
use crate::fhir::definition::split_version;
use crate::fhir::terminology::{Contained, Expansion, ExpansionAsked};
use crate::problem::Category;
use crate::web::answer::Fault;

pub const KNOWN: &[&str] = &[
    "url",
    "valueSet",
    "valueSetVersion",
    "filter",
    "offset",
    "count",
    "includeDesignations",
    "includeDefinition",
    "activeOnly",
    "excludeNested",
    "excludeNotForUI",
    "excludePostCoordinated",
    "displayLanguage",
    "exclude-system",
    "system-version",
    "check-system-version",
    "force-system-version",
];

/// Codes on one page; whoever wants more turns it.
const MOST_CODES: usize = 10_000;

/// Parameters that the answer repeats, as what was processed.
const TEXTS: [&str; 2] = ["filter", "displayLanguage"];
const BOOLEANS: [&str; 3] = ["activeOnly", "includeDesignations", "excludeNotForUI"];

pub fn expand(asked: &Asked) -> Result<Value, Fault> {
    let input = &asked.input;
    let set = asked.value_set()?;
    let wanted = read(input)?;
    check_versions(asked)?;
    let library = asked.library();
    let found = library.expand(&set.compose, &wanted, MOST_CODES).map_err(unexpandable)?;
    let on_page = found.total.saturating_sub(wanted.offset).min(wanted.count.unwrap_or(usize::MAX));
    // Nothing lost: a page that would be cut is refused, with how to ask.
    if on_page > MOST_CODES {
        let text = format!(
            "{} codes fit, and at most {MOST_CODES} come at once; ask page by page with `count` and `offset`, or for some with `filter`",
            found.total
        );
        let status = actix_web::http::StatusCode::UNPROCESSABLE_ENTITY;
        return Err(Fault::new(status, Category::TooCostly, text));
    }
    let mut body = match &set {
        AskedSet { url: Some(url), compose, .. } if library.value_sets().contains_key(url.as_str()) => {
            let with_rules = input.is_true("includeDefinition")?;
            value_set(asked, url, with_rules.then_some(compose))
        }
        AskedSet { url, version, .. } => given(url.as_deref(), version.as_deref()),
    };
    if let Some(members) = body.as_object_mut() {
        members.insert("expansion".to_string(), expansion(asked, &wanted, found)?);
    }
    Ok(body)
}

fn read(input: &Input) -> Result<ExpansionAsked, Fault> {
    Ok(ExpansionAsked {
        filter: input.text("filter")?.map(str::to_string),
        active_only: input.is_true("activeOnly")?,
        selectable_only: input.is_true("excludeNotForUI")?,
        excluded_systems: input.texts("exclude-system").into_iter().map(str::to_string).collect(),
        offset: input.number("offset")?.unwrap_or(0),
        count: input.number("count")?,
    })
}

/// There is one version of each code system: one that has to be another cannot be had.
fn check_versions(asked: &Asked) -> Result<(), Fault> {
    for name in ["system-version", "check-system-version", "force-system-version"] {
        for wanted in asked.input.texts(name) {
            let (url, version) = split_version(wanted);
            let Some(held) = asked.library().code_system(url).filter(|held| !is_version(held.as_ref(), version)) else {
                continue;
            };
            let own = held.head().version.as_deref().unwrap_or_default();
            let text = format!("`{name}` asks for another version than is here, which is {own}");
            return Err(Fault::new(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, Category::NotSupported, text));
        }
    }
    Ok(())
}

/// A value set that came with the request.
fn given(url: Option<&str>, version: Option<&str>) -> Value {
    let mut members = Map::new();
    members.insert("resourceType".to_string(), "ValueSet".into());
    members.extend(url.map(|url| ("url".to_string(), url.into())));
    members.extend(version.map(|version| ("version".to_string(), version.into())));
    members.insert("status".to_string(), "unknown".into());
    Value::Object(members)
}

fn expansion(asked: &Asked, wanted: &ExpansionAsked, found: Expansion) -> Result<Value, Fault> {
    let input = &asked.input;
    let language = input.text("displayLanguage")?;
    let with_designations = input.is_true("includeDesignations")?;
    let mut parameters: Vec<Value> = Vec::new();
    for name in TEXTS {
        parameters.extend(input.text(name)?.map(|value| json!({ "name": name, "valueString": value })));
    }
    for name in BOOLEANS {
        parameters.extend(input.boolean(name)?.map(|value| json!({ "name": name, "valueBoolean": value })));
    }
    parameters.extend(wanted.excluded_systems.iter().map(|url| json!({ "name": "exclude-system", "valueUri": url })));
    for (name, value) in [("offset", Some(wanted.offset).filter(|offset| *offset > 0)), ("count", wanted.count)] {
        parameters.extend(value.map(|value| json!({ "name": name, "valueInteger": value })));
    }
    // Which version the codes are of: the one that is here, whichever the rules were written for.
    parameters.extend(found.systems.iter().map(|url| {
        let version = asked.library().code_system(url).and_then(|held| held.head().version.clone());
        let canonical = version.map_or(url.clone(), |version| format!("{url}|{version}"));
        json!({ "name": "used-codesystem", "valueUri": canonical })
    }));
    let contains: Vec<Value> =
        found.contains.into_iter().map(|one| contained(one, language, with_designations)).collect();
    let mut expansion = json!({
        "timestamp": format!("{:.3}", asked.now),
        "total": found.total,
        "offset": wanted.offset,
    });
    if let Some(members) = expansion.as_object_mut() {
        // Nothing lost: in FHIR what is empty is left out.
        members.extend(
            [("parameter", parameters), ("contains", contains)]
                .into_iter()
                .filter(|(_, list)| !list.is_empty())
                .map(|(name, list)| (name.to_string(), list.into())),
        );
    }
    Ok(expansion)
}

fn contained(one: Contained, language: Option<&str>, with_designations: bool) -> Value {
    let mut contained = json!({ "system": one.system });
    let Some(members) = contained.as_object_mut() else { return contained };
    if one.is_abstract {
        members.insert("abstract".to_string(), true.into());
    }
    if one.is_inactive {
        members.insert("inactive".to_string(), true.into());
    }
    members.insert("code".to_string(), one.code.into());
    members.extend(one.texts.shown(language).map(|display| ("display".to_string(), display.into())));
    if with_designations && !one.texts.designations.is_empty() {
        members.insert("designation".to_string(), designations(&one.texts).into());
    }
    contained
}
