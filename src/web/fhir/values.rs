//! The values of one search parameter, as they stand in a URL (http://hl7.org/fhir/R4/search.html#token, #reference,
//! #string, #quantity, #composite, #escaping).

use jiff::Timestamp;

use super::date;
use crate::fhir::Library;
use crate::fhir::search::{Asked, Codes, How, NumberValue, SearchKind, TokenValue, UriRelation};
use crate::identity::ResourceId;

/// What values are read with.
#[derive(Clone, Copy)]
pub struct ValueReading<'a> {
    /// The FHIR base, which references may begin with.
    pub base: &'a str,
    pub now: Timestamp,
}

/// Reads one value of a kind, without a modifier. None for one that can match nothing; an error says what is wrong with it.
pub fn plain(reading: ValueReading<'_>, kind: SearchKind, codes: &Codes, text: &str) -> Result<Option<Asked>, String> {
    Ok(Some(match kind {
        SearchKind::Token => match token_of(codes, text) {
            Some(token) => Asked::Token(token),
            None => return Ok(None),
        },
        SearchKind::Date => Asked::Date(date::parse(text, reading.now)?),
        SearchKind::String => match searched_text(text) {
            Some(text) => Asked::Text { text, how: How::Begins },
            None => return Ok(None),
        },
        SearchKind::Reference => Asked::Reference(reference(reading.base, text)),
        SearchKind::Number => Asked::Number(NumberValue::parse(text)?),
        SearchKind::Quantity => quantity(text)?,
        SearchKind::Uri => Asked::Uri { text: unescape(text), relation: UriRelation::Same },
        SearchKind::Composite => return Err("is a composite".to_string()),
    }))
}

/// A text to look for; none for nothing but spaces.
pub fn searched_text(text: &str) -> Option<String> {
    let text = unescape(text).trim().to_string();
    (!text.is_empty()).then_some(text)
}

/// `Patient/1` of this base or another, or as it stands.
pub fn reference(base: &str, text: &str) -> String {
    unescape(text.strip_prefix(base).map_or(text, |rest| rest.trim_start_matches('/')))
}

/// `5.4`, `gt5.4|http://unitsofmeasure.org|mg`, `5.4||mg`.
fn quantity(text: &str) -> Result<Asked, String> {
    let parts = split(text, '|');
    let some = |text: &String| (!text.is_empty()).then(|| unescape(text));
    let (number, system, unit) = match parts.as_slice() {
        [number] => (number, None, None),
        [number, system, unit] => (number, some(system), some(unit)),
        _ => return Err("is not a quantity such as 5.4, 5.4||mg or 5.4|http://unitsofmeasure.org|mg".to_string()),
    };
    Ok(Asked::Quantity { number: NumberValue::parse(number)?, system, unit })
}

/// `system|code`, `|code`, `system|` or `code`.
pub fn token(text: &str) -> TokenValue {
    let some = |text: &str| (!text.is_empty()).then(|| unescape(text));
    match split(text, '|').as_slice() {
        [system, code] => TokenValue { system: Some(unescape(system)), code: some(code), is_implied: false },
        _ => TokenValue { system: None, code: some(text), is_implied: false },
    }
}

/// The same for a parameter that may look at elements of type code: their values state no system, their definitions do. None where
/// the system asked is not the one: such a value matches nothing.
fn token_of(codes: &Codes, text: &str) -> Option<TokenValue> {
    let token = token(text);
    let Some(system) = token.system.as_deref().filter(|system| !system.is_empty()) else { return Some(token) };
    let is_of = |value_set: &String| {
        let groups = Library::built_in().codes_of(value_set);
        let mut of_system = groups.iter().flat_map(|groups| groups.iter()).filter(|group| group.system == system);
        of_system.any(|group| token.code.as_ref().is_none_or(|code| group.codes.contains(code)))
    };
    let is_implied = (codes.has_booleans && system == BOOLEANS) || codes.value_sets.iter().any(is_of);
    (is_implied || !codes.is_all).then_some(TokenValue { is_implied, ..token })
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
    use super::*;
    use crate::fhir::Library;
    use crate::fhir::search::{SERVED, SearchTable};

    fn read(kind: &str, name: &str, text: &str) -> Option<TokenValue> {
        token_of(&SearchTable::built_in().find(kind, name).unwrap().codes, text)
    }

    #[test]
    fn a_code_is_found_by_the_system_of_its_definition_and_no_other() {
        for (kind, name, right, wrong) in [
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
            assert!(read(kind, name, right).unwrap().is_implied, "{right}");
            assert_eq!(read(kind, name, wrong), None, "{wrong}");
        }
        let loinc = read("Observation", "code", "http://loinc.org|8867-4").unwrap();
        assert_eq!((loinc.system.as_deref(), loinc.is_implied), (Some("http://loinc.org"), false));
    }

    #[test]
    fn the_codes_of_every_searched_code_element_are_at_hand() {
        let mut unknown = Vec::new();
        for kind in SERVED {
            for parameter in SearchTable::built_in().of_type(kind) {
                for value_set in &parameter.codes.value_sets {
                    match Library::built_in().codes_of(value_set) {
                        Some(groups) => {
                            let whole = format!("{}|{}", groups[0].system, groups[0].codes[0]);
                            assert!(
                                token_of(&parameter.codes, &whole).is_some_and(|token| token.is_implied),
                                "{whole}"
                            );
                        }
                        None => unknown.push(format!("{kind} {} {value_set}", parameter.name)),
                    }
                }
            }
        }
        // Languages and media types are as many as there are; a code of those is found without a system.
        let is_open = |text: &String| ["languages", "mimetypes"].iter().any(|open| text.ends_with(open));
        unknown.retain(|text| !is_open(text));
        assert!(unknown.is_empty(), "{unknown:#?}");
    }

    #[test]
    fn quantities_have_their_unit_by_code_in_a_system_or_by_either() {
        let read = |text: &str| quantity(text);
        let Asked::Quantity { system, unit, .. } = read("ge5.4|http://unitsofmeasure.org|mm[Hg]").unwrap() else {
            panic!()
        };
        assert_eq!((system.as_deref(), unit.as_deref()), (Some("http://unitsofmeasure.org"), Some("mm[Hg]")));
        assert!(matches!(read("5.4||mmHg"), Ok(Asked::Quantity { system: None, unit: Some(_), .. })));
        for text in ["", "|a|b", "5.4|mg", "5.4|a|b|c", "much"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
