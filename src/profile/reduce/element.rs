//! One element of a differential as words (http://hl7.org/fhir/R4/elementdefinition.html), in the order that
//! profiles/README.md gives. Never writes what has no bearing on validity: definitions, comments, mappings, examples.

use serde_json::Value;

use super::words::{collapsed, is_true, list, text, texts, type_url, value_set_url, word};

const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";
const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";
const STRENGTHS: [&str; 4] = ["required", "extensible", "preferred", "example"];

/// The words of an element, without its id. The root's cardinality `0..*` is no limit, and not said.
pub fn words(element: &Value, is_root: bool) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(cardinality(element).filter(|cardinality| !is_root || cardinality != "0..*"));
    words.extend(types(element));
    for (word, key) in [("summary", "isSummary"), ("modifier", "isModifier"), ("must", "mustSupport")] {
        if is_true(element, key) {
            words.push(word.to_string());
        }
    }
    words.extend(binding(element));
    for (word, prefix) in [("min", "minValue"), ("max", "maxValue")] {
        words.extend(choice(element, prefix).map(|value| format!("{word}={}", without_blanks(value))));
    }
    words.extend(element.get("maxLength").and_then(Value::as_u64).map(|length| format!("length={length}")));
    words.extend(element.get("slicing").map(slicing));
    for (word, prefix) in [("fixed", "fixed"), ("pattern", "pattern")] {
        words.extend(choice(element, prefix).map(|value| format!("{word} {value}")));
    }
    words
}

/// The invariants that stand at this element and come from this definition: `  error us-core-2 name.exists()`.
pub fn constraint_lines(element: &Value, url: &str) -> Vec<String> {
    let own = constraints(element, url).filter_map(|rule| {
        let severity = text(rule, "severity").filter(|severity| *severity == "warning").unwrap_or("error");
        Some(format!("  {severity} {} {}", word(text(rule, "key")?), collapsed(text(rule, "expression")?)))
    });
    own.collect()
}

/// The keys of those invariants that have no FHIRPath to check them by.
pub fn unchecked_constraints(element: &Value, url: &str) -> Vec<String> {
    let unchecked = constraints(element, url).filter(|rule| text(rule, "expression").is_none());
    unchecked.map(|rule| text(rule, "key").unwrap_or("?").to_string()).collect()
}

/// `ele-1` holds for every element of FHIR and is part of the language itself.
fn constraints<'v>(element: &'v Value, url: &str) -> impl Iterator<Item = &'v Value> {
    list(element, "constraint").iter().filter(move |rule| {
        let source = text(rule, "source").map(|source| source.split('|').next().unwrap_or(source));
        source.is_none_or(|source| source == url) && text(rule, "key") != Some("ele-1")
    })
}

/// `=Questionnaire.item` for an element whose content is defined elsewhere.
pub fn content_reference(element: &Value) -> Option<String> {
    let reference = text(element, "contentReference")?;
    Some(format!("={}", word(reference.rsplit_once('#').map_or(reference, |(_, path)| path))))
}

/// A type's name. What FHIR's own primitives are made of is named by an extension.
fn type_code(kind: &Value) -> String {
    let code = text(kind, "code").unwrap_or_default();
    if !code.starts_with("http://hl7.org/fhirpath/") {
        return type_url(code);
    }
    let named = list(kind, "extension").iter().find(|extension| text(extension, "url") == Some(FHIR_TYPE));
    let named = named.and_then(|extension| text(extension, "valueUrl").or_else(|| text(extension, "valueUri")));
    named.unwrap_or("string").to_string()
}

fn cardinality(element: &Value) -> Option<String> {
    let min = element.get("min").and_then(Value::as_u64).map(|min| min.to_string()).unwrap_or_default();
    let max = text(element, "max").map(word).unwrap_or_default();
    (!min.is_empty() || !max.is_empty()).then(|| format!("{min}..{max}"))
}

fn types(element: &Value) -> Option<String> {
    let types: Vec<String> = list(element, "type").iter().map(type_text).collect();
    content_reference(element).or_else(|| (!types.is_empty()).then(|| types.join("|")))
}

/// A type with its profiles and targets: `Reference(Patient,Group)`, `Quantity<SimpleQuantity>`.
pub fn type_text(kind: &Value) -> String {
    let urls = |key| texts(kind, key).map(type_url).collect::<Vec<_>>();
    let (profiles, targets) = (urls("profile"), urls("targetProfile"));
    let mut text = type_code(kind);
    if !profiles.is_empty() {
        text.push_str(&format!("<{}>", profiles.join(",")));
    }
    if !targets.is_empty() && targets != ["Resource"] {
        text.push_str(&format!("({})", targets.join(",")));
    }
    text
}

fn binding(element: &Value) -> Vec<String> {
    let Some(binding) = element.get("binding") else { return Vec::new() };
    let mut words = Vec::new();
    let strength = text(binding, "strength").filter(|strength| STRENGTHS.contains(strength));
    if let Some(strength) = strength {
        let url = text(binding, "valueSet").map(value_set_url).unwrap_or_default();
        words.push(format!("{strength}:{url}"));
    }
    words.extend(limit(binding));
    words
}

/// The value set beyond which a binding does not extend.
pub fn limit(binding: &Value) -> Option<String> {
    let limit = list(binding, "extension").iter().find(|extension| text(extension, "url") == Some(MAX_VALUE_SET))?;
    let url = text(limit, "valueCanonical").or_else(|| text(limit, "valueUri"))?;
    Some(format!("max:{}", value_set_url(url)))
}

fn slicing(slicing: &Value) -> String {
    let discriminators = list(slicing, "discriminator").iter().filter_map(|discriminator| {
        let path = text(discriminator, "path").unwrap_or("$this");
        Some(format!("{}:{}", word(text(discriminator, "type")?), word(path)))
    });
    let discriminators = discriminators.collect::<Vec<_>>().join(",");
    let order = if is_true(slicing, "ordered") { "ordered;" } else { "" };
    let rules = text(slicing, "rules").filter(|rules| matches!(*rules, "closed" | "openAtEnd")).unwrap_or("open");
    format!("sliced={discriminators};{order}{rules}")
}

/// The value of a choice such as `fixed[x]`: the one key that has the prefix and goes on with a type.
fn choice<'v>(element: &'v Value, prefix: &str) -> Option<&'v Value> {
    let is_choice = |key: &str| {
        let rest = key.strip_prefix(prefix).and_then(|rest| rest.chars().next());
        rest.is_some_and(|first| first.is_ascii_uppercase())
    };
    element.as_object()?.iter().find(|(key, _)| is_choice(key)).map(|(_, value)| value)
}

/// JSON without a blank, so that it stays one word: compact JSON has blanks within strings only, and there they can be
/// escaped.
fn without_blanks(value: &Value) -> String {
    value.to_string().replace(' ', "\\u0020")
}
