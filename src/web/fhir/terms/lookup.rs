//! CodeSystem/$lookup (http://hl7.org/fhir/R4/codesystem-operation-lookup.html).

use actix_web::http::StatusCode;
use serde_json::Value;

use super::asked::Asked;
use super::definition::designation;
use super::found::{is_version, unreadable};
use super::output::Output;
use crate::fhir::terminology::{Concept, HeldSystem, definition_id};
use crate::problem::Category;
use crate::web::answer::Fault;

pub const KNOWN: &[&str] = &["code", "system", "version", "coding", "displayLanguage", "property"];

/// Codes directly below one that are named; $expand lists all.
const MOST_CHILDREN: usize = 1000;

pub fn lookup(asked: &Asked) -> Result<Value, Fault> {
    let coding = asked.codings("system", "version")?.into_iter().next();
    let coding = coding.ok_or_else(|| Fault::bad_request(Category::Required, "say which code is meant"))?;
    let held = asked.code_system(coding.system.as_deref(), None)?;
    if !is_version(held.as_ref(), coding.version.as_deref()) {
        return Err(Fault::not_found("this code system is here in another version than the one that is asked for"));
    }
    let concept = held.find(&coding.code).map_err(unreadable)?.ok_or_else(|| no_such_code(held.as_ref()))?;
    let head = held.head();
    let mut output = Output::default();
    // A name is demanded; without one it is what the URL ends in.
    output.add("name", "valueString", head.name.clone().unwrap_or_else(|| definition_id(&head.url)));
    output.add_some("version", "valueString", head.version.clone());
    let language = asked.input.text("displayLanguage")?;
    output.add("display", "valueString", concept.texts.shown(language).unwrap_or(&concept.code));
    let wanted = asked.input.texts("property");
    let is_wanted = |name: &str| wanted.is_empty() || wanted.contains(&name);
    if is_wanted("designation") {
        concept.texts.designations.iter().for_each(|one| {
            let mut parts = Output::default();
            let written = designation(one);
            parts.add_some("language", "valueCode", written.get("language").cloned());
            parts.add_some("value", "valueString", written.get("value").cloned());
            output.add_parts("designation", parts);
        });
    }
    for (name, key, value) in properties(held.as_ref(), &concept, is_wanted("child"))? {
        if is_wanted(&name) {
            let mut parts = Output::default();
            parts.add("code", "valueCode", name);
            parts.add("value", key, value);
            output.add_parts("property", parts);
        }
    }
    Ok(output.finish())
}

/// 404: of a system that is here in part, the code may be right all the same.
fn no_such_code(held: &dyn HeldSystem) -> Fault {
    let text = match held.head().is_complete() {
        true => "the code system has no such code".to_string(),
        false => format!("not all of {} is here, and this code is not", held.head().url),
    };
    Fault::new(StatusCode::NOT_FOUND, Category::NotFound, text)
}

type Property = (String, &'static str, Value);

fn properties(held: &dyn HeldSystem, concept: &Concept, with_children: bool) -> Result<Vec<Property>, Fault> {
    let mut all: Vec<Property> = vec![("inactive".to_string(), "valueBoolean", concept.is_inactive.into())];
    if concept.is_abstract {
        all.push(("notSelectable".to_string(), "valueBoolean", true.into()));
    }
    all.extend(concept.parents.iter().map(|parent| ("parent".to_string(), "valueCode", parent.as_str().into())));
    if with_children {
        let children = held.children(&concept.code).map_err(unreadable)?;
        if children.len() > MOST_CHILDREN {
            let text = format!(
                "{} codes stand directly below this one; name the properties that are wanted without `child`, or ask $expand for them",
                children.len()
            );
            return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, Category::TooCostly, text));
        }
        all.extend(children.into_iter().map(|child| ("child".to_string(), "valueCode", child.into())));
    }
    let others = concept.properties.iter().map(|(name, value)| (name.clone(), "valueString", value.as_str().into()));
    all.extend(others);
    Ok(all)
}
