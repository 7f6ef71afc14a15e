//! ValueSet/$validate-code and CodeSystem/$validate-code (http://hl7.org/fhir/R4/valueset-operation-validate-code.html,
//! http://hl7.org/fhir/R4/codesystem-operation-validate-code.html).

use serde_json::Value;

use super::asked::Asked;
use super::found::Coding;
use super::verdict::{Strictness, Verdict};
use crate::fhir::definition::split_version;
use crate::problem::Category;
use crate::web::answer::Fault;

pub const KNOWN: &[&str] = &[
    "url",
    "valueSet",
    "valueSetVersion",
    "code",
    "system",
    "systemVersion",
    "display",
    "coding",
    "codeableConcept",
    "abstract",
    "displayLanguage",
];
pub const KNOWN_OF_SYSTEM: &[&str] =
    &["url", "code", "version", "display", "coding", "codeableConcept", "abstract", "displayLanguage"];

/// Codings of one concept.
const MOST_CODINGS: usize = 50;

fn strictness(asked: &Asked) -> Result<Strictness<'_>, Fault> {
    let takes_abstract = asked.input.boolean("abstract")?.unwrap_or(true);
    Ok(Strictness { takes_abstract, language: asked.input.text("displayLanguage")? })
}

pub fn in_value_set(asked: &Asked) -> Result<Value, Fault> {
    let set = asked.value_set()?;
    let codings = checked(asked.codings("system", "systemVersion")?)?;
    let strict = strictness(asked)?;
    if asked.input.text("code")?.is_some() && codings.iter().all(|coding| coding.system.is_none()) {
        return Err(Fault::bad_request(Category::Required, "say which code system the code is of: `system`"));
    }
    let all = codings.into_iter().map(|coding| Verdict::in_value_set(asked, &set, coding, &strict));
    Ok(Verdict::written(all.collect()))
}

pub fn in_code_system(asked: &Asked) -> Result<Value, Fault> {
    let codings = checked(asked.codings("url", "version")?)?;
    let strict = strictness(asked)?;
    let mut all = Vec::new();
    for coding in codings {
        let named = asked.input.text("url")?.or(coding.system.as_deref()).filter(|_| asked.id.is_none());
        let url = named.map(|named| split_version(named).0);
        let is_absent = url.is_some_and(|url| asked.library().code_system(url).is_none());
        let system = coding.system.as_deref().map(|system| split_version(system).0.to_string());
        let coding = Coding { system, ..coding.clone() };
        all.push(match url.filter(|_| is_absent) {
            Some(url) => Verdict::without_system(coding, url),
            None => Verdict::in_code_system(asked, asked.code_system(named, None)?.as_ref(), coding, &strict),
        });
    }
    Ok(Verdict::written(all))
}

fn checked(codings: Vec<Coding>) -> Result<Vec<Coding>, Fault> {
    match codings.len() {
        0 => Err(Fault::bad_request(Category::Required, "the concept has no coding")),
        count if count > MOST_CODINGS => {
            Err(Fault::bad_request(Category::TooCostly, format!("at most {MOST_CODINGS} codings are checked at once")))
        }
        _ => Ok(codings),
    }
}
