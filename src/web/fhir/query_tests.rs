//! What search requests are read as.

use actix_web::http::StatusCode;

use super::filter::Leaf;
use super::negotiate::Handling;
use super::query::{DEFAULT_COUNT, LARGEST_COUNT, Search, Total};
use super::reading::Reading;
use crate::fhir::Identifier;
use crate::fhir::search::{Asked, Criterion, Filter, SearchTable, Test, TokenValue};
use crate::identity::{PersonId, ResourceId};
use crate::problem::Category;
use crate::profile::Profiles;
use crate::store::{Sort, SortBy, Term};
use crate::web::answer::Fault;

const BASE: &str = "https://gateway.example/fhir";

fn asked(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn of_type(resource_type: &'static str, parameters: &[(&str, &str)], handling: Handling) -> Result<Search, Fault> {
    let now = "2026-03-11T00:00:00Z".parse().unwrap();
    let reading = Reading { resource_type, profiles: Profiles::built_in(), base: BASE, handling, now, called: None };
    Search::read(&reading, asked(parameters))
}

fn read(parameters: &[(&str, &str)], handling: Handling) -> Result<Search, Fault> {
    of_type("Task", parameters, handling)
}

fn tasks(parameters: &[(&str, &str)]) -> Result<Search, Fault> {
    read(parameters, Handling::Strict)
}

fn value(system: Option<&str>, code: Option<&str>) -> TokenValue {
    TokenValue { system: system.map(String::from), code: code.map(String::from), is_implied: false }
}

fn of(name: &str, test: Test) -> Term {
    let parameter = SearchTable::built_in().find("Task", name).unwrap().clone();
    Term::Of(Criterion { parameter, test })
}

fn tokens(values: &[TokenValue]) -> Test {
    Test::Any(values.iter().cloned().map(Asked::Token).collect())
}

#[test]
fn tokens_are_read_with_their_escapes() {
    let search =
        tasks(&[("status", "requested,in-progress"), ("identifier", "urn:x|a\\|b\\,c"), ("code", "s|")]).unwrap();
    let expected = [
        of("status", tokens(&[value(None, Some("requested")), value(None, Some("in-progress"))])),
        Term::Identifier(vec![value(Some("urn:x"), Some("a|b,c"))]),
        of("code", tokens(&[value(Some("s"), None)])),
    ];
    assert_eq!(search.query.terms, expected);
    assert_eq!(search.used.len(), 3);
}

#[test]
fn a_patient_is_found_by_id_in_each_form_and_a_foreign_one_matches_nothing() {
    let person = PersonId::of(&Identifier::new("urn:mrn", "1"));
    let id = ResourceId::patient(person);
    for text in [id.to_string(), format!("Patient/{id}"), format!("{BASE}/Patient/{id}")] {
        let search = tasks(&[("patient", &text)]).unwrap();
        assert_eq!(search.query.terms, [Term::Patient(vec![person])]);
        assert!(!search.nothing);
    }
    for text in ["4711", "Patient/4711", &ResourceId::of(person, "Task", "x").to_string()] {
        assert!(tasks(&[("subject", text)]).unwrap().nothing, "{text}");
        assert!(tasks(&[("subject:Patient", text)]).unwrap().nothing, "{text}");
    }
    // What is no patient is looked for as it stands.
    let group = tasks(&[("subject", "Group/1")]).unwrap();
    assert_eq!(group.query.terms, [of("subject", Test::Any(vec![Asked::Reference("Group/1".to_string())]))]);
}

#[test]
fn what_is_not_supported_is_refused_with_what_is() {
    for (name, value) in [
        ("status:exact", "x"),
        ("patient.colour", "x"),
        ("patient:Group.name", "x"),
        ("status.name", "x"),
        ("_has:Task:owner:status", "x"),
        ("_has:Colour:owner:status", "x"),
        ("_query", "x"),
        ("_text:exact", "x"),
        ("code:of-type", "x"),
        ("colour", "red"),
        ("Status", "requested"),
        ("_at", "2026"),
        ("_contained", "true"),
        ("_summary", "some"),
        ("_include", "Task:colour"),
        ("_include", "Task"),
        ("_revinclude", "Colour:x"),
        ("_sort", "colour"),
        ("_sort", "status,-colour"),
        ("status", ""),
        ("_sort", ""),
    ] {
        let fault = tasks(&[("priority", "stat"), (name, value)]).unwrap_err();
        assert_eq!((fault.status, fault.problem.category), (StatusCode::BAD_REQUEST, Category::NotSupported), "{name}");
        let text = &fault.problem.text;
        assert!(text.contains(&format!("without a value: {name}. Task")) && text.contains("authored-on"), "{text}");
        let lenient = read(&[("priority", "stat"), (name, value)], Handling::Lenient).unwrap();
        assert_eq!(
            (lenient.ignored.as_slice(), lenient.used),
            ([name.to_string()].as_slice(), asked(&[("priority", "stat")]))
        );
    }
}

#[test]
fn a_value_that_cannot_be_read_is_refused_however_lenient() {
    for (name, value) in [
        ("authored-on", "yesterday"),
        ("authored-on", "2026,soon"),
        ("_lastUpdated", "2026-13"),
        ("_count", "-1"),
        ("_count", "many"),
        ("_total", "all"),
    ] {
        let fault = read(&[(name, value)], Handling::Lenient).unwrap_err();
        assert_eq!(
            (fault.status, fault.problem.category),
            (StatusCode::BAD_REQUEST, Category::Value),
            "{name}={value}"
        );
    }
    assert!(
        tasks(&[("_count", "1"), ("_count", "2")]).is_err()
            && tasks(&[("_sort", "code"), ("_sort", "status")]).is_err()
    );
    assert!(tasks(&[("_id", "a"), ("_id", "b")]).is_ok());
}

#[test]
fn counts_are_bounded_and_none_asks_for_the_number_alone() {
    assert_eq!(tasks(&[]).unwrap().count, DEFAULT_COUNT);
    assert_eq!(tasks(&[("_count", "7")]).unwrap().count, 7);
    let most = tasks(&[("_count", "100000")]).unwrap();
    assert_eq!(
        (most.count, most.used),
        (LARGEST_COUNT, asked(&[("_count", "250")])),
        "the self link says what was used"
    );
    for number in [vec![("_count", "0")], vec![("_summary", "count")], vec![("_summary", "count"), ("_count", "5")]] {
        assert_eq!(tasks(&number).unwrap().count, 0, "{number:?}");
    }
    assert_eq!(tasks(&[("_summary", "false")]).unwrap().count, DEFAULT_COUNT);
    assert_eq!(tasks(&[("_totalMethod", "count")]).unwrap().total, Total::Accurate);
}

#[test]
fn orders_are_read_with_their_direction() {
    let search = tasks(&[("_sort", "-authored-on,_id,-_lastUpdated")]).unwrap();
    let by = |by, descending| Sort { by, descending };
    let authored = SortBy::Of(SearchTable::built_in().find("Task", "authored-on").unwrap().clone());
    let expected = [by(authored, true), by(SortBy::Id, false), by(SortBy::LastUpdated, true)];
    assert_eq!(search.sort, expected);
    assert_eq!(search.ordering, ["authoredOn", "meta"]);
}

#[test]
fn dates_narrow_when_repeated_and_widen_by_commas() {
    let search = tasks(&[("authored-on", "ge2026-03-01"), ("authored-on", "2026-03-02,ne2026,ap2025-12-01")]).unwrap();
    let values: Vec<usize> = search
        .query
        .terms
        .iter()
        .map(|term| match term {
            Term::Of(Criterion { test: Test::Any(values), .. }) => values.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(values, [1, 3]);
}

#[test]
fn a_code_of_a_wrong_system_matches_nothing() {
    assert!(tasks(&[("status", "http://hl7.org/fhir/flag-status|requested")]).unwrap().nothing);
    let some = tasks(&[("status", "http://hl7.org/fhir/task-status|requested,urn:x|draft")]).unwrap();
    assert!(!some.nothing);
    let own = TokenValue { is_implied: true, ..value(Some("http://hl7.org/fhir/task-status"), Some("requested")) };
    let expected = of("status", tokens(&[own]));
    assert_eq!(some.query.terms, [expected]);
}

#[test]
fn modifiers_say_what_is_compared_and_how() {
    let term = |name: &str, value: &str| tasks(&[(name, value)]).unwrap().query.terms.remove(0);
    let some = tokens(&[value(None, Some("x"))]);
    assert_eq!(term("status", "x"), of("status", some.clone()));
    let Test::Any(values) = some else { panic!() };
    assert_eq!(term("status:not", "x"), of("status", Test::None(values)));
    assert_eq!(term("owner:missing", "true"), of("owner", Test::Missing(true)));
    assert_eq!(term("code:text", "wound care"), of("code", Test::Any(vec![Asked::Words("wound care".to_string())])));
    let practice = Asked::Reference("Organization/1".to_string());
    assert_eq!(term("owner:Organization", "1"), of("owner", Test::Any(vec![practice.clone()])));
    assert_eq!(term("owner", &format!("{BASE}/Organization/1")), of("owner", Test::Any(vec![practice])));
    let known = Asked::Identifier(value(Some("urn:npi"), Some("1")));
    assert_eq!(term("owner:identifier", "urn:npi|1"), of("owner", Test::Any(vec![known])));
    assert_eq!(tasks(&[("owner:missing", "maybe")]).unwrap_err().problem.category, Category::Value);
}

#[test]
fn composites_and_quantities_are_read_part_by_part_or_refused() {
    let observations = |name: &str, value: &str| of_type("Observation", &[(name, value)], Handling::Strict);
    let search = observations("component-code-value-quantity", "http://loinc.org|8480-6$gt140||mmHg").unwrap();
    assert_eq!(search.found_by.elements, ["component"]);
    assert_eq!(observations("code-value-quantity", "8480-6$140").unwrap().found_by.elements, ["code", "value"]);
    for (name, value) in [
        ("component-code-value-quantity", "8480-6"),
        ("component-code-value-quantity", "8480-6$high"),
        ("component-code-value-quantity", "8480-6$140$1"),
        ("value-quantity", "140|mg"),
        ("value-quantity", "xx140"),
    ] {
        assert_eq!(observations(name, value).unwrap_err().problem.category, Category::Value, "{name}={value}");
    }
}

#[test]
fn chains_go_to_each_type_that_knows_their_condition() {
    let search =
        tasks(&[("owner.name", "x"), ("owner:Organization.name:exact", "x"), ("_has:Provenance:target:agent", "y")]);
    let joins = search.unwrap().joins;
    let kinds: Vec<Vec<&str>> = joins.iter().map(|join| join.kinds.clone()).collect();
    assert_eq!(kinds[0], ["Practitioner", "Organization", "Patient", "RelatedPerson"]);
    assert_eq!((kinds[1].as_slice(), kinds[2].as_slice()), (["Organization"].as_slice(), ["Provenance"].as_slice()));
    assert!(!joins[1].is_reverse && joins[2].is_reverse);
}

#[test]
fn what_is_beyond_a_bound_is_refused_before_it_is_looked_for() {
    let many = |value: &str, count: usize, by: &str| vec![value; count].join(by);
    let costly = |name: &str, value: &str| {
        let read = of_type("Procedure", &[(name, value)], Handling::Lenient);
        read.err().map(|fault| (fault.status.as_u16(), fault.problem.category))
    };
    for name in ["_list", "_profile", "_profile:below", "_id", "status", "code:in"] {
        let refused = costly(name, &many("urn:x", 101, ","));
        assert_eq!(refused, Some((400, Category::TooCostly)), "{name}");
    }
    // Each step leads to several types, each of which knows the next.
    let ways = |count| format!("{}status", "part-of.".repeat(count));
    assert_eq!((costly(&ways(3), "x"), costly(&ways(60), "x")), (None, Some((400, Category::TooCostly))));
    let filter = format!("status eq x or {} eq x", ways(60));
    assert_eq!(costly("_filter", &filter), Some((400, Category::TooCostly)));
}

#[test]
fn conditions_on_others_count_together_wherever_they_stand() {
    let joins = |count: usize| vec!["performer:Practitioner.family co \"lund\""; count].join(" or ");
    let read = |plain: usize, filtered: &[usize]| {
        let chains = vec![("location.name", "ward".to_string()); plain];
        let filters = filtered.iter().map(|count| ("_filter", joins(*count)));
        let all: Vec<(&str, String)> = chains.into_iter().chain(filters).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        of_type("Procedure", &all, Handling::Strict).err().map(|fault| fault.problem.category)
    };
    for (plain, filtered) in [(20, &[][..]), (5, &[10, 5]), (0, &[20])] {
        assert_eq!(read(plain, filtered), None, "{plain} {filtered:?}");
    }
    for (plain, filtered) in [(21, &[][..]), (6, &[10, 5]), (0, &[21]), (0, &[7, 7, 7])] {
        assert_eq!(read(plain, filtered), Some(Category::TooCostly), "{plain} {filtered:?}");
    }
}

#[test]
fn what_is_not_of_a_patient_is_tested_and_not_looked_up() {
    let person = PersonId::of(&Identifier::new("urn:mrn", "58"));
    let filter = format!("patient ne Patient/{} and status eq requested", ResourceId::patient(person));
    let search = tasks(&[("_filter", &filter)]).unwrap();
    assert_eq!(search.query.terms.len(), 2);
    assert_eq!(search.query.terms[0], of("patient", Test::Missing(false)));
    let [Filter::Not(one)] = search.filters.as_slice() else { panic!("{:?}", search.filters) };
    assert!(matches!(&**one, Filter::Is(Leaf::Term(Term::Patient(persons))) if *persons == [person]));
}

#[test]
fn filters_know_namespaces_and_what_a_definition_rules_out() {
    let filtered = |kind, filter: &str| {
        let search = of_type(kind, &[("_filter", filter)], Handling::Strict).unwrap();
        assert!(search.filters.is_empty() && !search.nothing, "{filter}");
        search.query.terms.into_iter().next().unwrap()
    };
    for (kind, short, long) in [
        ("Observation", "code eq loinc|2951-2", "code eq http://loinc.org|2951-2"),
        ("Observation", "value-quantity ge 6.1|ucum|mmol/L", "value-quantity ge 6.1|http://unitsofmeasure.org|mmol/L"),
        (
            "Observation",
            "code-value-quantity eq loinc|2951-2$gt150|ucum|mmol/L",
            "code-value-quantity eq http://loinc.org|2951-2$gt150|http://unitsofmeasure.org|mmol/L",
        ),
        ("MedicationRequest", "code ne RxNorm|197361", "code ne http://www.nlm.nih.gov/research/umls/rxnorm|197361"),
        ("Condition", "code eq snomed|", "code eq http://snomed.info/sct|"),
    ] {
        assert_eq!(filtered(kind, short), filtered(kind, long), "{short}");
    }
    // A name alone is a code.
    assert_ne!(filtered("Observation", "code eq loinc"), filtered("Observation", "code eq loinc|"));
    let ruled_out = value(Some("http://hl7.org/fhir/request-intent"), Some("order"));
    let term = filtered("Task", "status ne http://hl7.org/fhir/request-intent|order");
    assert_eq!(term, of("status", Test::Other(vec![Asked::Token(ruled_out)])));
}
