//! Reads one line of `receives`: `{ resource: Encounter, pull: true, without: [participant.individual] }`.

use super::condition::Condition;
use super::model::{Line, Push};
use super::names::Names;
use crate::fhir::Definitions;
use crate::fhir::definition::{Kind, TypeDefinition};
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node, nearest};

const PUSHES: [(&str, Push); 4] =
    [("immediate", Push::Immediate), ("on-change", Push::OnChange), ("message", Push::Message), ("none", Push::Never)];

pub(super) fn read(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<Line> {
    let before = problems.len();
    let mut fields = Fields::of(node, "a line of `receives`");
    let resource = fields.required("resource").and_then(|node| resource_type(node, problems));
    let condition = fields.optional("where").and_then(|node| condition(node, resource.as_deref(), names, problems));
    let push = fields.choice("push", &PUSHES);
    if push == Some(Push::Message) && resource.as_ref().is_some_and(|resource| resource != "Encounter") {
        let text = "messages tell of visits: `push: message` is for Encounter, and what goes along is what other lines let out";
        problems.push(node.problem(text));
    }
    if push.is_some_and(|push| push != Push::Never) && resource.as_deref() == Some("Group") {
        let text = "a Group is in nobody's record and is read, never sent; write `pull: true` for it";
        problems.push(node.problem(text));
    }
    let pull = fields.boolean("pull");
    let says_no_pull = pull == Some(false) || node.get("pull").is_none();
    if push.is_none_or(|push| push == Push::Never) && says_no_pull && node.get("push").is_none() {
        let text = "this line lets nothing flow; give `push` or `pull: true`";
        fields.lacking(&["push", "pull"], node.mark.problem(Category::Required, text));
    }
    let codes = fields.list("codes");
    let codes = codes.into_iter().filter_map(|node| value_set(node, names, problems)).collect();
    let without = fields.list("without");
    let without = without.into_iter().filter_map(|node| element(node, resource.as_deref(), problems)).collect();
    let without_reason = fields.optional("without-reason");
    let without_reason = without_reason.and_then(|node| words(node, resource.as_deref(), problems));
    fields.finish(problems);
    // A line that cannot be read whole lets nothing out, rather than more than was meant.
    if problems.len() > before {
        return None;
    }
    Some(Line {
        resource: resource?,
        condition,
        codes,
        push: push.unwrap_or(Push::Never),
        pull: pull.unwrap_or(false),
        without,
        without_reason,
        at: node.get("resource").map_or_else(|| node.mark.clone(), |resource| resource.mark.clone()),
    })
}

/// Longer words would not fit a list of work.
const LONGEST_WORDS: usize = 140;

/// The words of `without-reason`: what the partner reads, so they are the site's to choose.
fn words(node: &Node, resource: Option<&str>, problems: &mut Vec<Problem>) -> Option<String> {
    let words = node.as_text().map(|text| text.trim().to_string()).unwrap_or_default();
    let fault = if resource.is_some_and(|resource| resource != "Task") {
        "only a Task can be sent without its reason; leave elements out by `without`, or the whole resource".to_string()
    } else if words.is_empty() {
        "`without-reason` is what the Task says instead, such as: Call after an emergency visit".to_string()
    } else if words.chars().count() > LONGEST_WORDS || words.contains(['\n', '\r']) {
        format!("these words stand in a list of work; write one line of at most {LONGEST_WORDS} characters")
    } else {
        return Some(words);
    };
    problems.push(node.problem(fault));
    None
}

fn hint<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    nearest(wrong, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn resource_type(node: &Node, problems: &mut Vec<Problem>) -> Option<String> {
    let name = node.as_text().unwrap_or_default();
    if Definitions::r4().is_resource(&name) {
        return Some(name);
    }
    let known = Definitions::r4().type_names(Kind::Resource);
    problems.push(node.problem(format!("`{name}` is not a resource type of FHIR R4{}", hint(&name, known))));
    None
}

fn condition(node: &Node, resource: Option<&str>, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<Condition> {
    let Some(text) = node.as_text() else {
        problems.push(node.problem("`where` is a FHIRPath expression, written as text"));
        return None;
    };
    match Condition::compile(&text, resource?, &names.value_sets) {
        Ok(condition) => Some(condition),
        Err(fault) => {
            problems.push(node.problem(fault));
            None
        }
    }
}

fn value_set(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let name = node.as_text().unwrap_or_default();
    if names.value_sets.get(&name).is_some() {
        return Some(name);
    }
    let text = format!("there is no value set `{name}`{}", hint(&name, names.value_sets.names()));
    problems.push(node.mark.problem(Category::NotFound, text));
    None
}

/// Checks a dotted path against the definition of the resource.
fn element(node: &Node, resource: Option<&str>, problems: &mut Vec<Problem>) -> Option<String> {
    let path = node.as_text().unwrap_or_default();
    if matches!(path.as_str(), "id" | "meta" | "resourceType" | "implicitRules") || path.starts_with("meta.") {
        problems.push(node.problem(format!("`{path}` cannot be left out; leave the whole resource out instead")));
        return None;
    }
    let mut kind = Definitions::r4().type_definition(resource?)?;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let name = part.strip_suffix("[x]").unwrap_or(part);
        let Some(element) = kind.element(name) else {
            let text = format!("`{}` has no element `{part}`{}", kind.name, hint(part, kind.element_names()));
            problems.push(node.problem(text));
            return None;
        };
        if parts.peek().is_some() {
            let Some(inner) = element.definition() else {
                problems.push(node.problem(format!("`{part}` has several types; leave it out as a whole")));
                return None;
            };
            kind = inner as &TypeDefinition;
        }
    }
    Some(path.replace("[x]", ""))
}
