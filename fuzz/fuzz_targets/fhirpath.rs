//! Any expression on any resource: reading, checking and evaluating must end soon and never panic. The input is the
//! expression, a line end, and the resource as JSON; where there is no JSON, one of our own is taken.
//! `cargo +nightly fuzz run fhirpath fuzz/corpus/fhirpath fuzz/seeds/fhirpath -- -dict=fuzz/fhirpath.dict
//! -max_total_time=600 -timeout=10`

#![no_main]

use std::sync::LazyLock;

use handover::fhir::Resource;
use handover::fhir::path::{Context, Element, Expression, Item};
use jiff::Timestamp;
use jiff::tz::Offset;
use libfuzzer_sys::{Corpus, fuzz_target};

const PATIENT: &str = r##"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1950-06",
"_birthDate":{"extension":[{"url":"http://example.org/known","valueCode":"month"}]},
"name":[{"use":"official","family":"Marlow","given":["Iris","Jane"]},{"given":[null,"I"],"_given":[{"id":"g"},null]}],
"contained":[{"resourceType":"Organization","id":"o","name":"Practice"}],"managingOrganization":{"reference":"#o"},
"multipleBirthInteger":2,"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
"extension":[{"url":"http://example.org/weight","valueQuantity":{"value":72.50,"unit":"kg",
"system":"http://unitsofmeasure.org","code":"kg"}}]}"##;

static OWN: LazyLock<Resource> = LazyLock::new(|| serde_json::from_str(PATIENT).unwrap());

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    let (text, json) = text.split_once('\n').unwrap_or((text, ""));
    for parse in [Expression::parse, Expression::parse_r4] {
        let Ok(expression) = parse(text) else { continue };
        let given: Option<Resource> = serde_json::from_str(json).ok();
        let resource = given.as_ref().unwrap_or(&OWN);
        let _ = expression.check(resource.resource_type());
        let resolver = |reference: &str| (reference == "Patient/p").then(|| Element::resource(&OWN));
        let knows = |set: &str, _: &str, code: &str| (set == "set").then_some(code == "a");
        let conforms = |item: &Item<'_>, profile: &str| (profile == "profile").then_some(item.as_bool() == Some(true));
        let context = Context::new(resource)
            .at(Timestamp::UNIX_EPOCH, Offset::UTC)
            .with("limit", vec![Item::Integer(3)])
            .resolving(&resolver)
            .resolving_types()
            .knowing(&knows)
            .conforming(&conforms);
        let found = expression.evaluate(&context);
        let holds = expression.matches(&context);
        if let Ok(items) = &found {
            items.iter().for_each(|item| drop(item.to_json()));
            assert_eq!(holds.is_ok(), items.len() < 2, "one item or none has a truth");
        }
    }
    Corpus::Keep
});
