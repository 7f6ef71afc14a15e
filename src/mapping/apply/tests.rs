//! The built-in maps on messages as emergency departments really send them, and on every odd one at hand.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::fhir::Draft;
use crate::hl7::{Message, ReadOptions};
use crate::mapping::{Authorities, Context, Habits, Layers, MapSet, Mapped, compile};
use crate::problem::{Place, Severity};
use crate::yaml::Source;

pub(super) static SET: LazyLock<MapSet> = LazyLock::new(|| compile(&Layers::built_in()).0);

const REGISTRATION: &str = "MSH|^~\\&|ADT|RIVERSIDE|HANDOVER||20260301101600||ADT^A04^ADT_A01|A1|P|2.5.1
EVN|A04|20260301101530|||OPER7|20260301101500
PID|1||4711^^^RIVERSIDE^MR~999-12-3456^^^^SS||Doe^Jane^Q^^Mrs^^L||19580314|F||2106-3^White^CDCREC|12 Elm St^Apt 3^Riverside^CA^92501^US^H||(951)555-0134^PRN^PH||eng^English|M
PD1||||1234567893^Osei^Ama^^^Dr^^^NPI^L^^^NPI
NK1|1|Doe^Sam|SPO||(951)555-0101^PRN^PH
PV1|1|E|ED^12^A^RIVERSIDE||||1987654321^Lopez^Maria^^^^MD^^NPI^L^^^NPI|1234567893^Osei^Ama^^^Dr^^^NPI^L^^^NPI|||||||||||V100^^^RIVERSIDE^VN|||||||||||||||||||||||||20260301101500
PV2|||^Short of breath
DG1|1||J44.1^COPD with acute exacerbation^I10C|||A
AL1|1|DA|7980^Penicillin G^RXNORM|SV|Hives
IN1|1|HMO1^Blue Advantage|77|Blue Shield||||G12||||20260101||||Doe^Jane|SEL|||||||||||||||||||M900
OBX|1|NM|59408-5^Oxygen saturation^LN||86|%|92-100|LL|||F|||20260301101700
ZPI|1|coach-7
";

pub(super) fn authorities() -> Authorities {
    let pairs = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
        all.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    };
    Authorities {
        namespaces: pairs(&[("RIVERSIDE", "urn:example:riverside")]),
        defaults: pairs(&[("visit", "urn:example:visit")]),
    }
}

fn map_with(set: &MapSet, text: &str) -> Mapped {
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    let authorities = authorities();
    let habits = Habits::default();
    let context = Context { zone: &zone, authorities: &authorities, habits: &habits, received: Timestamp::UNIX_EPOCH };
    let raw = text.replace('\n', "\r").into_bytes();
    set.apply(&Message::parse(raw, &ReadOptions::default()).message.unwrap(), &context)
}

pub(super) fn map(text: &str) -> Mapped {
    map_with(&SET, text)
}

fn draft<'m>(mapped: &'m Mapped, local: &str) -> &'m Draft {
    mapped.drafts.iter().find(|draft| draft.local == local).unwrap_or_else(|| panic!("no {local}"))
}

pub(super) fn at<'m>(mapped: &'m Mapped, local: &str, pointer: &str) -> Option<&'m Value> {
    let draft = draft(mapped, local);
    let (first, rest) =
        pointer.split_once('/').map_or((pointer, String::new()), |(first, rest)| (first, format!("/{rest}")));
    draft.resource.get(first)?.pointer(&rest)
}

#[test]
fn a_registration_becomes_all_that_it_says() {
    let mapped = map(REGISTRATION);
    let names: Vec<&str> = mapped.drafts.iter().map(|draft| draft.local.as_str()).collect();
    let expected = [
        "Patient",
        "Practitioner",
        "RelatedPerson",
        "Encounter",
        "Practitioner.2",
        "Location",
        "Location.2",
        "Organization",
        "Condition",
        "AllergyIntolerance",
        "Observation",
        "Coverage",
        "Organization.2",
    ];
    assert_eq!(names, expected, "{:#?}", mapped.problems);
    assert_eq!(at(&mapped, "Patient", "identifier/0/system"), Some(&json!("urn:example:riverside")));
    assert_eq!(at(&mapped, "Patient", "generalPractitioner/0/reference"), Some(&json!("#Practitioner")));
    assert_eq!(at(&mapped, "Patient", "communication/0/language/coding/0/code"), Some(&json!("en")));
    assert_eq!(at(&mapped, "Encounter", "class/code"), Some(&json!("EMER")));
    assert_eq!(at(&mapped, "Encounter", "status"), None);
    assert_eq!(at(&mapped, "Encounter", "period/start"), Some(&json!("2026-03-01T10:15:00-08:00")));
    // The referring doctor is the one of PD1: one practitioner, told twice.
    assert_eq!(at(&mapped, "Encounter", "participant/1/individual/reference"), Some(&json!("#Practitioner")));
    assert_eq!(at(&mapped, "Encounter", "reasonCode/0/text"), Some(&json!("Short of breath")));
    assert_eq!(at(&mapped, "Encounter", "diagnosis/0/condition/reference"), Some(&json!("#Condition")));
    assert_eq!(at(&mapped, "Location", "partOf/reference"), Some(&json!("#Location.2")));
    assert_eq!(at(&mapped, "Observation", "valueQuantity/code"), Some(&json!("%")));
    assert_eq!(at(&mapped, "Observation", "encounter/reference"), Some(&json!("#Encounter")));
    assert_eq!(at(&mapped, "Coverage", "payor/0/reference"), Some(&json!("#Organization.2")));
    assert_eq!(mapped.event.trigger, "A04");
    assert_eq!(mapped.event.occurred, "2026-03-01T18:15:00Z".parse::<Timestamp>().unwrap());
    assert_eq!(mapped.event.recorded, "2026-03-01T18:16:00Z".parse::<Timestamp>().unwrap());
}

#[test]
fn keys_make_the_same_thing_the_same_next_time() {
    let mapped = map(REGISTRATION);
    let key = |local: &str| draft(&mapped, local).key.clone().unwrap_or_default();
    assert_eq!(draft(&mapped, "Patient").key, None);
    assert_eq!(key("Encounter"), "urn:example:riverside|V100");
    assert_eq!(key("Condition"), "urn:example:riverside|V100|http://hl7.org/fhir/sid/icd-10-cm|J44.1");
    assert_eq!(key("Practitioner"), "http://hl7.org/fhir/sid/us-npi|1234567893");
    assert_eq!(key("Coverage"), "HMO1|M900");
    assert!(key("Observation").contains("59408-5") && key("Observation").ends_with("2026-03-01T10:17:00-08:00"));
    let again = map(REGISTRATION);
    let keys = |mapped: &Mapped| -> Vec<_> { mapped.drafts.iter().map(|draft| draft.key.clone()).collect() };
    assert_eq!(keys(&mapped), keys(&again));
}

#[test]
fn every_element_names_its_bytes_and_its_line() {
    let mapped = map(REGISTRATION);
    let raw = REGISTRATION.replace('\n', "\r");
    let note = |draft: &str, element: &str| {
        mapped.lineage.iter().find(|note| *note.draft == *draft && note.element == element).unwrap_or_else(|| {
            panic!(
                "no lineage of {draft}.{element}: {:#?}",
                mapped.lineage.iter().map(|note| &note.element).collect::<Vec<_>>()
            )
        })
    };
    for (draft, element, text, place) in [
        ("Patient", "name[0].family", "Doe", "PID-5.1.1"),
        ("Patient", "birthDate", "19580314", "PID-7.1.1"),
        ("Encounter", "class", "E", "PV1-2.1.1"),
        ("Observation", "valueQuantity.value", "86", "OBX-5.1.1"),
        ("Practitioner", "identifier[0].value", "1234567893", "PD1-4.1.1"),
    ] {
        let note = note(draft, element);
        assert_eq!(raw.get(note.span.range()), Some(text), "{element}");
        assert_eq!(note.place.to_string(), place);
        assert!(note.map.file.starts_with("built-in:mappings/") && note.map.line > 1);
    }
}

#[test]
fn what_no_mapping_read_is_listed_and_nothing_else() {
    let mapped = map(REGISTRATION);
    let places: Vec<String> = mapped.unread.iter().map(|unread| unread.place.to_string()).collect();
    assert_eq!(places, ["IN1-3", "IN1-16", "ZPI-1", "ZPI-2"]);
}

#[test]
fn nothing_comes_of_nothing() {
    let mapped = map(
        "MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A08|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE\nPV1|1\nNK1|1\nAL1|1\nIN1|1\nDG1|1\n",
    );
    let names: Vec<&str> = mapped.drafts.iter().map(|draft| draft.local.as_str()).collect();
    assert!(names.iter().all(|name| ["Patient", "Encounter", "Organization"].contains(name)), "{names:?}");
    let patient = draft(&mapped, "Patient").resource.as_map();
    assert_eq!(patient.keys().collect::<Vec<_>>(), ["resourceType", "identifier"]);
}

#[test]
fn quotes_delete_and_emptiness_says_nothing() {
    let update =
        "MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A08|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE||Doe^\"\"||\"\"|F||||||\"\"\n";
    let mapped = map(update);
    let patient = draft(&mapped, "Patient");
    assert_eq!(patient.deleted, ["telecom@PID-14", "birthDate"]);
    assert_eq!(patient.resource.get("birthDate"), None);
    assert_eq!(at(&mapped, "Patient", "name/0"), Some(&json!({ "family": "Doe" })));
    let mapped = map(&update.replace("||||||\"\"", "|||||\"\""));
    assert_eq!(draft(&mapped, "Patient").deleted, ["telecom@PID-13", "birthDate"]);
}

#[test]
fn each_field_deletes_just_what_it_states() {
    let header = "MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A08|1|P|2.5.1\n";
    let deleted = |segments: &str, local: &str| draft(&map(&format!("{header}{segments}")), local).deleted.clone();
    let patient = |fields: &str| deleted(&format!("PID|1||4711^^^RIVERSIDE{fields}\n"), "Patient");
    assert_eq!(patient("|||||||\"\""), ["extension:http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"]);
    assert_eq!(patient("||Roe^Max||||\"\""), ["name@PID-9"]);
    assert_eq!(patient(&format!("{}\"\"", "|".repeat(16))), ["identifier@PID-19"]);
    assert_eq!(patient(&format!("{}\"\"", "|".repeat(27))), ["deceasedBoolean"]);
    assert_eq!(patient(&format!("{}\"\"~\"\"", "|".repeat(10))), ["telecom@PID-13"], "every repetition says it");
    assert_eq!(
        patient(&format!("{}5550100~\"\"", "|".repeat(10))),
        Vec::<String>::new(),
        "one that says something stands"
    );
    let visit = |fields: &str| {
        deleted(
            &format!("PID|1||4711^^^RIVERSIDE\nPV1|1|I{fields}|{}V1\n", "|".repeat(16 - fields.matches('|').count())),
            "Encounter",
        )
    };
    assert_eq!(visit("||||||||\"\""), ["serviceType"]);
    assert_eq!(visit("||||||||||||\"\""), ["hospitalization.admitSource"]);
    assert_eq!(visit("|||||\"\""), ["participant@PV1-7"]);
    let end = format!("PID|1||4711^^^RIVERSIDE\nPV1|1|I{}V1{}\"\"\n", "|".repeat(17), "|".repeat(26));
    assert_eq!(deleted(&end, "Encounter"), ["period.end"]);
}

#[test]
fn items_of_a_list_know_the_field_they_came_from() {
    let mapped = map(
        "MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A08|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE||Roe^Max||||Mori^Max||||5550100~5550101|5550102\n",
    );
    let sources = &draft(&mapped, "Patient").sources;
    assert_eq!(sources["telecom"], ["PID-13", "PID-13", "PID-14"]);
    assert_eq!(sources["name"], ["PID-5", "PID-9"]);
    assert_eq!(sources["identifier"], ["PID-3"]);
}

#[test]
fn what_one_message_tells_twice_counts_as_told_last() {
    let mapped = map(
        "MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A08|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE\nPV1|1|I|||||||||||||||||V1\n\
         DG1|1||I50.9^Heart failure^I10C||20260210|W\nDG1|2||I50.9^Heart failure^I10C||20260211|F\n",
    );
    let condition = &draft(&mapped, "Condition").resource;
    assert_eq!(condition.get("verificationStatus").unwrap()["coding"][0]["code"], "confirmed");
    assert_eq!(condition.text("onsetDateTime"), Some("2026-02-11"));
    assert!(mapped.drafts.iter().filter(|draft| draft.resource.resource_type() == "Condition").count() == 1);
    let said = mapped.problems.iter().find(|problem| problem.text.contains("again")).unwrap();
    assert_eq!((said.place.to_string().as_str(), said.severity), ("DG1[2]", Severity::Information));
}

#[test]
fn an_impossible_date_is_a_problem_of_its_field_and_costs_nothing_else() {
    let mapped = map(&REGISTRATION.replace("19580314", "19580230"));
    let place = |place: &Place| place.to_string().starts_with("PID-7");
    let problem = mapped.problems.iter().find(|problem| place(&problem.place)).unwrap();
    assert_eq!(problem.severity, Severity::Warning);
    assert!(!problem.text.contains("1958"), "{}", problem.text);
    assert_eq!(at(&mapped, "Patient", "birthDate"), None);
    assert_eq!(at(&mapped, "Patient", "gender"), Some(&json!("female")));
    assert!(!mapped.has_errors());
}

#[test]
fn codes_without_a_row_are_kept_and_listed_once() {
    let mapped = map(&REGISTRATION.replace("|M\nPD1", "|QQ\nPD1").replace("|86|%|", "|86|furlongs|"));
    assert_eq!(at(&mapped, "Patient", "maritalStatus/coding/0/code"), Some(&json!("QQ")));
    assert_eq!(at(&mapped, "Observation", "valueQuantity"), Some(&json!({ "value": 86, "unit": "furlongs" })));
    let listed: Vec<(&str, &str)> =
        mapped.unmapped.iter().map(|unmapped| (unmapped.table.as_str(), unmapped.code.as_str())).collect();
    assert_eq!(listed, [("marital-status", "QQ"), ("units", "furlongs")]);
}

#[test]
fn a_merge_names_both_sets_of_identifiers() {
    let mapped = map(
        "MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A40^ADT_A39|1|P|2.5.1\nEVN|A40|20260301\nPID|1||4711^^^RIVERSIDE||Doe^Jane\nMRG|4700^^^RIVERSIDE~4701^^^RIVERSIDE\nPID|2||5000^^^RIVERSIDE||Roe^Ann\nMRG|5001^^^RIVERSIDE\n",
    );
    let values = |identifiers: &[crate::fhir::Identifier]| -> Vec<String> {
        identifiers.iter().map(|identifier| identifier.value.clone()).collect()
    };
    assert_eq!(mapped.merges.len(), 2, "{:?}", mapped.problems);
    assert_eq!(values(&mapped.merges[0].prior), ["4700", "4701"]);
    assert_eq!(values(&mapped.merges[1].surviving), ["5000"]);
    let without = map("MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A40|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE||Doe^Jane\n");
    assert!(without.has_errors());
}

#[test]
fn an_event_that_nothing_covers_is_one_error_at_msh_9() {
    let mapped = map("MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A99|1|P|2.5.1\nPID|1||4711\n");
    assert_eq!(mapped.problems.len(), 1);
    assert_eq!(mapped.problems[0].place.to_string(), "MSH-9");
    assert!(mapped.has_errors() && mapped.drafts.is_empty());
}

#[test]
fn a_site_adds_its_own_segment_and_row_and_changes_nothing_else() {
    let files = [
        (
            "segments/PID-Patient.yaml",
            "elements:\n  extension: { also: [ { url: { fixed: 'urn:example:coach' }, valueString: ZPI-2 } ] }\n  birthDate: ~\n",
        ),
        ("tables/marital-status.yaml", "codes: { QQ: { code: M, display: Married } }\n"),
    ];
    let site = files.iter().map(|(name, text)| Source::new(format!("mappings/{name}"), text)).collect();
    let (set, problems) = compile(&Layers::built_in().with_site(site));
    assert!(problems.is_empty(), "{problems:?}");
    let mapped = map_with(&set, &REGISTRATION.replace("|M\nPD1", "|QQ\nPD1"));
    let extensions = at(&mapped, "Patient", "extension").unwrap().as_array().unwrap();
    assert_eq!(extensions.last(), Some(&json!({ "url": "urn:example:coach", "valueString": "coach-7" })));
    assert_eq!(at(&mapped, "Patient", "birthDate"), None);
    assert_eq!(at(&mapped, "Patient", "maritalStatus/coding/0/code"), Some(&json!("M")));
    let note = mapped.lineage.iter().find(|note| note.place.segment == "ZPI").unwrap();
    assert_eq!((&*note.map.file, note.map.line), ("mappings/segments/PID-Patient.yaml", 2));
}

#[test]
fn the_examples_in_the_files_hold() {
    let results = SET.run_examples(&TimeZone::UTC, &Authorities::default());
    let failed: Vec<_> = results.iter().filter(|result| !result.differences.is_empty()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(results.len() >= 40, "only {} examples", results.len());
}

#[test]
fn a_hostile_message_costs_time_in_proportion_and_its_faults_are_bounded() {
    let mut text =
        "MSH|^~\\&|LAB|RIVERSIDE|||20260301||ORU^R01^ORU_R01|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE\nOBR|1||F1|X\n"
            .to_string();
    for _ in 0..2_000 {
        text.push_str("OBX|1|NM|8867-4^Pulse^LN||x|furlongs|||||F|||99999999||7^Roe^Ann\n");
    }
    text.push_str(&format!("OBX|1|NM|8867-4^Pulse^LN||1{}||||||F\n", "~2".repeat(5_000)));
    let start = std::time::Instant::now();
    let mapped = map(&text);
    assert!(start.elapsed().as_secs() < 30, "took {:?}", start.elapsed());
    assert!(mapped.problems.len() <= 501);
    let keys: std::collections::BTreeSet<_> = mapped.drafts.iter().map(|draft| &draft.key).collect();
    assert_eq!(keys.len(), mapped.drafts.len());
    assert_eq!(at(&mapped, "Observation.2001", "component").unwrap().as_array().unwrap().len(), 1_000);
}

#[test]
fn a_note_belongs_to_the_result_before_it_only() {
    let mapped = map(
        "MSH|^~\\&|LAB|RIVERSIDE|||20260301||ORU^R01^ORU_R01|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE\nOBR|1||F1|X|||20260301101500\nOBX|1|ST|A^A^L||1\nNTE|1||of A\nOBX|2|ST|B^B^L||2\nSPM|1\nOBX|3|ST|C^C^L||3\n",
    );
    assert_eq!(at(&mapped, "Observation", "note/0/text"), Some(&json!("of A")));
    assert_eq!(at(&mapped, "Observation.2", "note"), None);
    assert_eq!(at(&mapped, "Observation.3", "note"), None);
}
