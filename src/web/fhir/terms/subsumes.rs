//! CodeSystem/$subsumes (http://hl7.org/fhir/R4/codesystem-operation-subsumes.html).

use serde_json::Value;

use super::asked::Asked;
use super::found::{Coding, is_version, unreadable};
use super::output::Output;
use crate::problem::Category;
use crate::web::answer::Fault;

pub const KNOWN: &[&str] = &["codeA", "codeB", "system", "version", "codingA", "codingB"];

pub fn subsumes(asked: &Asked) -> Result<Value, Fault> {
    let (left, right) = (code(asked, "A")?, code(asked, "B")?);
    if left.system != right.system {
        let text = "both codes have to be of the same code system";
        return Err(Fault::bad_request(Category::Value, text));
    }
    let held = asked.code_system(left.system.as_deref(), left.version.as_deref())?;
    let is_other = left.system.as_deref().is_some_and(|url| url.split('|').next() != Some(held.head().url.as_str()));
    if is_other || !is_version(held.as_ref(), right.version.as_deref()) {
        return Err(Fault::bad_request(
            Category::Value,
            "the codes are of another code system than the one that was asked, or of another version",
        ));
    }
    let find = |coding: &Coding, name: &str| {
        let found = held.find(&coding.code).map_err(unreadable)?;
        found.ok_or_else(|| {
            Fault::not_found(format!("there is no code here as `{name}` says it, in {}", held.head().url))
        })
    };
    let (left, right) = (find(&left, "codeA")?.code, find(&right, "codeB")?.code);
    let is_below = |code: &str, above: &str| held.is_below(code, above).map_err(unreadable);
    let outcome = match () {
        () if left == right => "equivalent",
        () if is_below(&right, &left)? => "subsumes",
        () if is_below(&left, &right)? => "subsumed-by",
        () => "not-subsumed",
    };
    let mut output = Output::default();
    output.add("outcome", "valueCode", outcome);
    Ok(output.finish())
}

fn code(asked: &Asked, side: &str) -> Result<Coding, Fault> {
    if let Some(coding) = asked.input.object(&format!("coding{side}"))? {
        return Coding::read(coding);
    }
    let text = |name: &str| asked.input.text(name).map(|text| text.map(str::to_string));
    let code = asked.input.required(&format!("code{side}"))?.to_string();
    Ok(Coding { system: text("system")?, version: text("version")?, code, display: None })
}
