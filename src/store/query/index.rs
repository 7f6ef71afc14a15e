//! The terms that a store indexes a resource by, and those that a condition narrows a search to. A term is a hash of a value, whichever
//! parameter finds it: what is found by one is a candidate and is tested, so that few terms serve many parameters.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use sha2::{Digest, Sha256};

use crate::fhir::search::{
    Asked, Criterion, Held, How, Parameter, Relation, SERVED, SearchKind, SearchTable, Test, UriRelation, fold,
    word_starts,
};
use crate::fhir::{Home, Resource, home_of, patient_element};
use crate::identity::{PersonId, ResourceId};

/// The first letters of a word that are indexed: a longer text narrows more, a shorter one nothing.
const LETTERS: usize = 3;
const MORE_LETTERS: usize = 6;

/// The days that a date narrows a search to, at most; of people, places and organisations else the months, else the years.
const DAYS: i64 = 40;
const MONTHS: usize = 40;
const YEARS: usize = 120;

/// Terms of a resource, in their order and each once; proportional to what it holds. What is in a patient's record is found through
/// that, so texts, and dates by more than their day, are indexed of people, places and organisations only, and references only where
/// they lead to another record.
pub fn index_terms(resource: &Resource, id: ResourceId) -> Vec<u64> {
    let kind = resource.resource_type();
    let mut terms = BTreeSet::new();
    INDEXING.get(kind).into_iter().flatten().for_each(|parameter| add_all(parameter, resource, id, &mut terms));
    terms.into_iter().collect()
}

/// Those that one parameter finds.
pub fn terms_by(parameter: &Parameter, resource: &Resource, id: ResourceId) -> Vec<u64> {
    let mut terms = BTreeSet::new();
    add_all(parameter, resource, id, &mut terms);
    terms.into_iter().collect()
}

/// Whether resources of the type can stand under what it finds.
pub fn can_be_indexed(resource_type: &str, parameter: &Parameter) -> bool {
    is_indexed(parameter, is_closely_indexed(resource_type)) && !parameter.is_home_of(resource_type)
}

/// The parameters that are asked for the terms of a type: as few as find all that the others find.
static INDEXING: LazyLock<HashMap<&'static str, Vec<Arc<Parameter>>>> =
    LazyLock::new(|| SERVED.iter().map(|kind| (*kind, indexing(kind))).collect());

fn indexing(kind: &str) -> Vec<Arc<Parameter>> {
    let is_text_indexed = is_closely_indexed(kind);
    let of_type = SearchTable::built_in().of_type(kind).iter();
    // The record that a resource lies in says whose it is.
    let mut wanted: Vec<_> =
        of_type.filter(|one| is_indexed(one, is_text_indexed) && !one.is_home_of(kind)).cloned().collect();
    wanted.sort_by_key(|one| one.walks.len());
    let mut walked: HashSet<(SearchKind, Vec<String>)> = HashSet::new();
    wanted.retain(|one| {
        let is_new = |walk: &Vec<String>| walk.is_empty() || !walked.contains(&(one.kind, walk.clone()));
        let finds_more = one.walks.iter().any(is_new);
        walked.extend(one.walks.iter().map(|walk| (one.kind, walk.clone())));
        // Nothing lost: each walk of those that are left out is one of others.
        finds_more
    });
    wanted
}

/// People, places and organisations: they are looked for by what is known of them, and change rarely.
fn is_closely_indexed(kind: &str) -> bool {
    matches!(home_of(kind), Some(Home::Patient | Home::Shared))
}

fn is_indexed(parameter: &Parameter, is_text_indexed: bool) -> bool {
    match parameter.kind {
        // These have indexes of their own.
        SearchKind::Token => parameter.elements != ["identifier"] && parameter.name != "_id",
        SearchKind::String => is_text_indexed,
        SearchKind::Date => parameter.name != "_lastUpdated",
        // Profiles are claimed when a resource leaves.
        SearchKind::Reference | SearchKind::Uri => parameter.name != "_profile",
        SearchKind::Number | SearchKind::Quantity | SearchKind::Composite => false,
    }
}

fn add_all(parameter: &Parameter, resource: &Resource, id: ResourceId, terms: &mut BTreeSet<u64>) {
    let is_closely_indexed = is_closely_indexed(resource.resource_type());
    for held in parameter.held(resource) {
        match &held {
            Held::Span(span) if is_closely_indexed => {
                terms.extend([of_month, of_year].iter().filter_map(|of| of(span.from)));
            }
            _ => {}
        }
        add(&held, id, terms);
    }
}

fn add(held: &Held<'_>, id: ResourceId, terms: &mut BTreeSet<u64>) {
    match held {
        Held::Token { code, .. } => _ = terms.insert(of_code(code)),
        Held::Text(text) => {
            let text = fold(text);
            let beginnings =
                |rest| [LETTERS, MORE_LETTERS].into_iter().filter_map(move |letters| of_word(rest, letters));
            terms.extend(word_starts(&text).flat_map(beginnings));
        }
        Held::Span(span) => terms.extend(of_day(span.from)),
        Held::Reference(literal) if !is_within(literal, id) => _ = terms.insert(of_reference(literal)),
        Held::Uri(uri) => _ = terms.insert(term("u", uri)),
        // Nothing lost: these are searched by reading candidates.
        _ => {}
    }
}

/// What a condition says of where to look.
#[derive(Debug, Clone, PartialEq)]
pub enum Narrowed {
    /// Only what has one of these terms can match.
    Terms(Vec<u64>),
    /// The same in the index of a parameter that a site's guide defines, by its key, where the store has it.
    Guided(u64, Vec<u64>),
    /// Only what lies in the records that these resources lie in can match.
    Records(Vec<ResourceId>),
    /// Anything of the type may.
    Nothing,
}

/// Where what meets a condition can be found.
pub fn narrow(resource_type: &str, criterion: &Criterion) -> Narrowed {
    let Test::Any(asked) = &criterion.test else { return Narrowed::Nothing };
    let lies_in_a_record =
        patient_element(resource_type).is_some() || ["Binary", "Provenance"].contains(&resource_type);
    if lies_in_a_record && criterion.parameter.kind == SearchKind::Reference {
        let records: Option<Vec<ResourceId>> = asked.iter().map(record_of).collect();
        if let Some(records) = records.filter(|records| !records.is_empty()) {
            return Narrowed::Records(records);
        }
    }
    let is_text_indexed = is_closely_indexed(resource_type);
    let parameter = &criterion.parameter;
    if parameter.is_home_of(resource_type) {
        return Narrowed::Nothing;
    }
    // What a site's guide defines has an index of its own.
    let built_in = SearchTable::built_in().find(resource_type, &parameter.name);
    let is_built_in = built_in.is_some_and(|own| Arc::ptr_eq(own, parameter));
    let is_composite_of_ours = is_built_in && parameter.kind == SearchKind::Composite;
    if !is_composite_of_ours && !is_indexed(parameter, is_text_indexed) {
        return Narrowed::Nothing;
    }
    let mut terms = Vec::new();
    for asked in asked {
        let Some(own) = of_asked(asked, is_text_indexed) else { return Narrowed::Nothing };
        terms.extend(own);
    }
    if is_built_in { Narrowed::Terms(terms) } else { Narrowed::Guided(parameter.key, terms) }
}

/// The record that a resource lies in which refers to this one; none where any may.
fn record_of(asked: &Asked) -> Option<ResourceId> {
    let Asked::Reference(literal) = asked else { return None };
    let id: ResourceId = literal.rsplit('/').next()?.parse().ok()?;
    let is_of_a_record = id.person != PersonId::SHARED;
    // Whoever writes of one patient may name another one.
    (is_of_a_record && id != ResourceId::patient(id.person)).then_some(id)
}

fn of_asked(asked: &Asked, is_closely_indexed: bool) -> Option<Vec<u64>> {
    match asked {
        Asked::Token(token) => token.code.as_ref().map(|code| vec![of_code(code)]),
        Asked::Text { text, how: How::Begins | How::Exact | How::Starts | How::Whole } if is_closely_indexed => {
            let text = fold(text);
            let first = text.chars().next().is_some_and(char::is_alphanumeric);
            let longest = || of_word(&text, MORE_LETTERS).or_else(|| of_word(&text, LETTERS));
            first.then(longest).flatten().map(|term| vec![term])
        }
        Asked::Date(date) if date.relation == Relation::Within => {
            let (from, until) = (date.from?, date.until?);
            let days = until.duration_since(from).as_hours() / 24 + 1;
            let day = |number: i64| of_day(from.checked_add(SignedDuration::from_hours(number * 24)).ok()?);
            if days <= DAYS {
                return Some((0..=days).filter_map(day).collect());
            }
            let months = || terms_of_each((from, until), 1.month(), MONTHS, of_month);
            is_closely_indexed
                .then(|| months().or_else(|| terms_of_each((from, until), 1.year(), YEARS, of_year)))
                .flatten()
        }
        Asked::Reference(literal) if !literal.contains('|') => Some(vec![of_reference(literal)]),
        Asked::Uri { text, relation: UriRelation::Same } => Some(vec![term("u", text)]),
        // A place of a composite holds what each part asks for.
        Asked::Composite(parts) => parts.iter().find_map(|part| match part {
            Asked::Token(_) => of_asked(part, false),
            _ => None,
        }),
        _ => None,
    }
}

/// Whether a reference leads to something in the same record, through which it is found; a patient is no such thing.
fn is_within(literal: &str, id: ResourceId) -> bool {
    let referred: Option<ResourceId> = literal.rsplit('/').next().and_then(|text| text.parse().ok());
    referred.is_some_and(|other| {
        id.person != PersonId::SHARED && other.person == id.person && other != ResourceId::patient(other.person)
    })
}

fn of_code(code: &str) -> u64 {
    term("t", &code.to_ascii_lowercase())
}

/// By its first letters; none where it has fewer.
fn of_word(rest: &str, count: usize) -> Option<u64> {
    let letters: String = rest.chars().take(count).collect();
    (letters.chars().count() == count).then(|| term("s", &letters))
}

/// The terms of each step of a span; none where there are more than `most`.
fn terms_of_each(
    (from, until): (Timestamp, Timestamp),
    step: Span,
    most: usize,
    of: fn(Timestamp) -> Option<u64>,
) -> Option<Vec<u64>> {
    let from = from.to_zoned(TimeZone::UTC).date();
    // From the first of a month on, no step passes one by.
    let mut terms = Vec::new();
    for at in from.first_of_month().series(step) {
        let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
        if at > until {
            break;
        }
        if terms.len() == most {
            return None;
        }
        terms.extend(of(at));
    }
    // The last step may end in the year that the span ends in.
    terms.extend(of(until));
    Some(terms)
}

/// None for an open beginning.
fn of_day(moment: Timestamp) -> Option<u64> {
    (moment != Timestamp::MIN).then(|| term("d", &moment.to_zoned(TimeZone::UTC).date().to_string()))
}

fn of_month(moment: Timestamp) -> Option<u64> {
    (moment != Timestamp::MIN).then(|| term("d", &moment.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string()))
}

fn of_year(moment: Timestamp) -> Option<u64> {
    (moment != Timestamp::MIN).then(|| term("d", &moment.to_zoned(TimeZone::UTC).strftime("%Y").to_string()))
}

fn of_reference(literal: &str) -> u64 {
    let without_version = literal.split('|').next().unwrap_or_default();
    term("r", without_version.rsplit('/').next().unwrap_or_default())
}

fn term(kind: &str, value: &str) -> u64 {
    let hash = Sha256::new().chain_update(kind).chain_update("\0").chain_update(value).finalize();
    u64::from_be_bytes(hash.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::search::{DateValue, TokenValue};

    #[test]
    fn a_result_stands_under_few_terms_and_each_once() {
        let person = PersonId::of(&crate::fhir::Identifier::new("urn:mrn", "1"));
        let patient = format!("Patient/{}", ResourceId::patient(person));
        let visit = format!("Encounter/{}", ResourceId::of(person, "Encounter", "v"));
        let result: Resource = json!({
            "resourceType": "Observation", "status": "final",
            "identifier": [{ "system": "urn:x", "value": "1" }],
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6" }], "text": "Systolic" },
            "subject": { "reference": patient }, "encounter": { "reference": visit },
            "effectiveDateTime": "2026-03-01T08:00:00Z", "issued": "2026-03-01T08:05:00Z",
            "valueQuantity": { "value": 131, "code": "mm[Hg]" },
        })
        .try_into()
        .unwrap();
        let terms = index_terms(&result, ResourceId::of(person, "Observation", "r"));
        let day = of_day("2026-03-01T00:00:00Z".parse().unwrap()).unwrap();
        let mut expected = vec![of_code("final"), of_code("vital-signs"), of_code("8480-6"), day];
        expected.sort_unstable();
        assert_eq!(terms, expected);
    }

    #[test]
    fn a_person_is_narrowed_by_as_much_of_a_name_and_of_a_birth_date_as_is_asked() {
        let person: Resource = json!({ "resourceType": "Patient", "birthDate": "1948-11-30",
            "name": [{ "family": "Okonkwo-Bright", "given": ["Ada"] }] })
        .try_into()
        .unwrap();
        let held =
            index_terms(&person, ResourceId::patient(PersonId::of(&crate::fhir::Identifier::new("urn:mrn", "2"))));
        let narrowed = |name: &str, asked: Asked| {
            let parameter = SearchTable::built_in().find("Patient", name).unwrap();
            match narrow("Patient", &Criterion::any(parameter, vec![asked])) {
                Narrowed::Terms(terms) => terms,
                other => panic!("{name}: {other:?}"),
            }
        };
        let begins = |text: &str| narrowed("name", Asked::Text { text: text.to_string(), how: How::Begins });
        for (text, is_found) in
            [("oko", true), ("okonkwa", true), ("okonka", false), ("bright", true), ("ada", true), ("adam", true)]
        {
            let terms = begins(text);
            assert_eq!((terms.len(), held.contains(&terms[0])), (1, is_found), "{text}");
        }
        let born = |from: &str, until: &str| {
            let moment = |day: &str| Some(format!("{day}T00:00:00Z").parse().unwrap());
            narrowed(
                "birthdate",
                Asked::Date(DateValue { relation: Relation::Within, from: moment(from), until: moment(until) }),
            )
        };
        for (from, until, is_found, terms) in [
            ("1948-11-01", "1948-12-01", true, 32),
            ("1948-09-15", "1948-12-31", true, 5),
            ("1948-01-31", "1948-10-31", false, 11),
            ("1945-06-30", "1949-05-01", true, 5),
            ("1949-01-01", "1999-12-31", false, 52),
        ] {
            let asked = born(from, until);
            assert_eq!(
                (asked.len(), asked.iter().any(|term| held.contains(term))),
                (terms, is_found),
                "{from} to {until}"
            );
        }
    }

    #[test]
    fn a_parameter_of_a_guide_is_looked_for_in_an_index_of_its_own_and_its_composites_everywhere() {
        let token =
            |code: &str| Asked::Token(TokenValue { system: None, code: Some(code.to_string()), is_implied: false });
        let pair = Asked::Composite(vec![token("8480-6"), token("high")]);
        for (name, asked) in [("code", token("8480-6")), ("code-value-concept", pair)] {
            let own = SearchTable::built_in().find("Observation", name).unwrap();
            let narrowed =
                |parameter: &Arc<Parameter>| narrow("Observation", &Criterion::any(parameter, vec![asked.clone()]));
            assert_eq!(narrowed(own), Narrowed::Terms(vec![of_code("8480-6")]), "{name}");
            // The same definition, from a guide.
            let others = SearchTable::default();
            let expected = match name {
                "code" => Narrowed::Guided(own.key, vec![of_code("8480-6")]),
                _ => Narrowed::Nothing,
            };
            assert_eq!(narrowed(others.find("Observation", name).unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_asked_for_terms_finds_nothing_more() {
        let names = |kind: &str| indexing(kind).iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        let of_observation = names("Observation");
        assert!(
            !of_observation.contains(&"combo-code".to_string())
                && of_observation.contains(&"component-code".to_string())
        );
        assert!(!of_observation.contains(&"patient".to_string()));
        assert!(names("Patient").contains(&"birthdate".to_string()));
    }
}
