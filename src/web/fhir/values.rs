//! The values of one search parameter, as they stand in a URL (http://hl7.org/fhir/R4/search.html#token, #reference,
//! #string, #escaping).

use crate::fhir::{Definitions, Library};
use crate::identity::ResourceId;
use crate::store::TokenValue;

/// `system|code`, `|code`, `system|` or `code`.
pub fn token(text: &str) -> TokenValue {
    let some = |text: &str| (!text.is_empty()).then(|| unescape(text));
    match split(text, '|').as_slice() {
        [system, code] => TokenValue { system: Some(unescape(system)), code: some(code) },
        _ => TokenValue { system: None, code: some(text) },
    }
}

/// The same for an element, which may be of type code: its value states no system, its definition does. None where the
/// system asked is not the one: such a value matches nothing.
pub fn token_of(resource_type: &str, element: &str, text: &str) -> Option<TokenValue> {
    let token = token(text);
    let Some(system) = token.system.as_deref().filter(|system| !system.is_empty()) else { return Some(token) };
    let definition = Definitions::r4().element(resource_type, element)?;
    let is_a = |code: &str| definition.types.iter().all(|own| own.code == code);
    if is_a("boolean") {
        return (system == BOOLEANS).then_some(TokenValue { system: None, ..token });
    }
    if !is_a("code") {
        return Some(token);
    }
    let groups = Library::built_in().codes_of(&definition.binding.as_ref()?.value_set)?;
    let mut of_system = groups.iter().filter(|group| group.system == system);
    let known = of_system.any(|group| token.code.as_ref().is_none_or(|code| group.codes.contains(code)));
    known.then_some(TokenValue { system: None, ..token })
}

/// http://terminology.hl7.org/CodeSystem/special-values has `true` and `false`.
const BOOLEANS: &str = "http://terminology.hl7.org/CodeSystem/special-values";

/// `abc`, `Patient/abc` or the whole address here.
pub fn patient(text: &str, base: &str) -> Option<ResourceId> {
    let relative = text.strip_prefix(base).map(|rest| rest.trim_start_matches('/')).unwrap_or(text);
    let id: ResourceId = relative.strip_prefix("Patient/").unwrap_or(relative).parse().ok()?;
    (id == ResourceId::patient(id.person)).then_some(id)
}

/// Splits where the separator is not escaped; escapes stay.
pub fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for letter in text.chars() {
        if letter == separator && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
        escaped = letter == '\\' && !escaped;
    }
    parts
}

pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::parameters::{Kind, TYPES};
    use super::*;

    #[test]
    fn a_code_is_found_by_the_system_of_its_definition_and_no_other() {
        for (kind, element, right, wrong) in [
            (
                "Task",
                "status",
                "http://hl7.org/fhir/task-status|requested",
                "http://hl7.org/fhir/event-status|requested",
            ),
            ("Patient", "gender", "http://hl7.org/fhir/administrative-gender|female", "http://hl7.org/fhir/sex|female"),
            ("Task", "intent", "http://hl7.org/fhir/request-intent|order", "http://hl7.org/fhir/task-status|order"),
            ("Patient", "active", "http://terminology.hl7.org/CodeSystem/special-values|true", "urn:x|true"),
        ] {
            let bare = TokenValue { system: None, code: right.split_once('|').map(|(_, code)| code.to_string()) };
            assert_eq!(token_of(kind, element, right), Some(bare), "{right}");
            assert_eq!(token_of(kind, element, wrong), None, "{wrong}");
        }
        let loinc = token_of("Observation", "code", "http://loinc.org|8867-4").unwrap();
        assert_eq!(loinc.system.as_deref(), Some("http://loinc.org"));
    }

    #[test]
    fn the_codes_of_every_searched_code_element_are_at_hand() {
        for (name, parameters) in TYPES {
            for (parameter, kind) in *parameters {
                let Kind::Token(element) = kind else { continue };
                let definition = Definitions::r4().element(name, element).unwrap();
                if definition.types.iter().all(|own| own.code == "code") {
                    let groups = Library::built_in().codes_of(&definition.binding.as_ref().unwrap().value_set);
                    let groups = groups.unwrap_or_else(|| panic!("{parameter} of {name}"));
                    let first = &groups[0];
                    let whole = format!("{}|{}", first.system, first.codes[0]);
                    assert!(token_of(name, element, &whole).is_some(), "{whole}");
                }
            }
        }
    }
}
