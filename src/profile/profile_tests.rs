//! What profiles say, one fault at a time: each test breaks one thing of a resource that is right.

use serde_json::{Value, json};

use super::{Profiles, validate_against, validate_own};
use crate::fhir::{Library, PackageFile, PackageSource, Resource};
use crate::problem::Severity;

const PACKAGE: &str = r#"profile Observation http://x.example/pressure|1 : Observation
  error pressure-1 component.value.ofType(Quantity).all(value > 0)
category sliced=value:coding.code;ordered;closed
category:vital 1..1
category:vital.coding 1..
category:vital.coding.code 1.. fixed "vital-signs"
category:exam ..1
category:exam.coding.code 1.. fixed "exam"
code pattern {"coding":[{"system":"http://loinc.org","code":"55284-4"}]}
subject 1.. Reference(http://x.example/named)
value[x] ..0
component 2.. sliced=pattern:code;open
component:systolic 1..1 sliced=exists:interpretation;open
component:systolic.code pattern {"coding":[{"system":"http://loinc.org","code":"8480-6"}]}
component:systolic.valueQuantity 1.. max={"value":400}
component:systolic.valueQuantity.code fixed "mm[Hg]"
component:systolic/marked ..0
component:systolic/marked.interpretation 1..
component:diastolic 1..1
component:diastolic.code pattern {"coding":[{"system":"http://loinc.org","code":"8462-4"}]}
method extensible:http://x.example/methods
note.text length=10

profile Patient http://x.example/named|1 : Patient
name 1..
gender 1.. required:http://x.example/two
extension:nickname 1..1 Extension<http://x.example/nickname>
contact sliced=exists:organization;open
contact:work ..1
contact:work.organization 1..
generalPractitioner sliced=type:resolve();open
generalPractitioner:office ..1 Reference(Organization)

profile Patient http://x.example/householder : Patient
  error householder-1 contained.all(conformsTo('http://x.example/named'))

profile Patient http://x.example/orphan : http://y.example/nobody-has-this
name 1..

extension http://x.example/nickname|1 : Extension
  context element Patient
  context-invariant gender != 'male' and %extension.value != 'x'
url fixed "http://x.example/nickname"
value[x] 1.. string

extension http://x.example/mark|1 : Extension
value[x] 1.. code

profile Patient http://x.example/marked|1 : Patient
identifier sliced=value:extension('http://x.example/mark').value;open
identifier:main 1..1
identifier:main.extension:mark 1.. Extension<http://x.example/mark>
identifier:main.extension:mark.value[x] fixed "main"
identifier:main.system 1..

extension http://x.example/not|1 : Extension
  modifier
  context element Observation
value[x] 1.. boolean

profile Condition http://x.example/told : Condition
category sliced=value:$this;open
category:known 1..1 required:http://x.example/absent
category:known.text 1..
code.coding sliced=value:code,value:userSelected;closed
code.coding:one 1..1
code.coding:one.code fixed "1"

valueset http://x.example/two
+ http://hl7.org/fhir/administrative-gender
- http://hl7.org/fhir/administrative-gender : other unknown

profile Observation http://x.example/birth-weight|1 : Observation
valueQuantity min={"value":500,"system":"http://unitsofmeasure.org","code":"g"} max={"value":7.5}

valueset http://x.example/methods
+ http://x.example/methods : cuff
"#;

fn profiles() -> Profiles {
    let file = PackageFile { name: "site/profiles/x.txt".into(), text: PACKAGE.into() };
    let (library, problems) = Library::with(&[PackageSource { files: vec![file] }]);
    assert_eq!(problems, []);
    Profiles::new(library)
}

fn faults(value: &Value, profile: &str) -> Vec<String> {
    let resource: Resource = serde_json::from_value(value.clone()).unwrap();
    let found = validate_against(&resource, &[profile.to_string()], &profiles());
    found
        .iter()
        .filter(|problem| !problem.text.contains("dom-6"))
        .map(|problem| format!("{:?} {problem}", problem.severity))
        .collect()
}

fn component(code: &str, value: i64) -> Value {
    json!({ "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "valueQuantity": { "value": value, "unit": "mm[Hg]", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" } })
}

fn pressure() -> Value {
    json!({
        "resourceType": "Observation", "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "55284-4" }] },
        "subject": { "reference": "Patient/1" },
        "component": [component("8480-6", 120), component("8462-4", 80)]
    })
}

fn patient() -> Value {
    json!({
        "resourceType": "Patient", "id": "1", "gender": "female", "name": [{ "family": "Doe" }],
        "extension": [{ "url": "http://x.example/nickname", "valueString": "Dodo" }]
    })
}

/// The resource with what stands at the pointer replaced.
fn changed(mut value: Value, pointer: &str, new: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Object(map) if new.is_null() => drop(map.remove(key)),
        Value::Object(map) => drop(map.insert(key.to_string(), new)),
        Value::Array(items) if key == "-" => items.push(new),
        Value::Array(items) if new.is_null() => drop(items.remove(key.parse().unwrap())),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = new,
        _ => unreachable!(),
    }
    value
}

#[track_caller]
fn one_fault(value: &Value, profile: &str, part: &str) {
    let found = faults(value, &format!("http://x.example/{profile}"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains(part), "{found:#?}");
}

#[test]
fn what_meets_a_profile_has_no_fault() {
    assert_eq!(faults(&pressure(), "http://x.example/pressure|1"), Vec::<String>::new());
    assert_eq!(faults(&patient(), "http://x.example/named"), Vec::<String>::new());
}

#[test]
fn cardinality_type_and_values_are_narrowed() {
    one_fault(&changed(patient(), "/name", Value::Null), "named", "Patient.name: this element is required (named)");
    one_fault(
        &changed(pressure(), "/valueString", json!("x")),
        "pressure",
        "Observation.value: this element may not stand here",
    );
    one_fault(
        &changed(pressure(), "/code/coding/0/code", json!("1-8")),
        "pressure",
        "Observation.code: this must have at least",
    );
    one_fault(
        &changed(pressure(), "/component/0/valueQuantity/code", json!("kPa")),
        "pressure",
        "value.code: this must be exactly",
    );
    one_fault(
        &changed(pressure(), "/note", json!([{ "text": "longer than ten" }])),
        "pressure",
        "note[0].text: this is longer than 10",
    );
    one_fault(
        &changed(pressure(), "/component/1/valueQuantity/value", json!(-1)),
        "pressure",
        "the invariant pressure-1",
    );
}

#[test]
fn slices_are_known_by_value_and_pattern_in_order_and_closed() {
    one_fault(
        &changed(pressure(), "/component/0/code/coding/0/code", json!("8867-4")),
        "pressure",
        "`systolic`, whose code is",
    );
    one_fault(
        &changed(pressure(), "/component/-", component("8480-6", 110)),
        "pressure",
        "`systolic` may stand here at most once",
    );
    let coded = |code: &str| json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": code }] });
    let both = changed(pressure(), "/category/-", coded("exam"));
    assert_eq!(faults(&both, "http://x.example/pressure"), Vec::<String>::new());
    let turned = changed(both.clone(), "/category/0", coded("exam"));
    one_fault(&changed(turned, "/category/1", coded("vital-signs")), "pressure", "in this order: vital, exam");
    one_fault(&changed(both, "/category/-", coded("laboratory")), "pressure", "nothing but these may stand here");
    let marked = changed(pressure(), "/component/0/interpretation", json!([{ "text": "high" }]));
    one_fault(&marked, "pressure", "`marked` may not stand here");
    // An open slicing takes what is in no slice.
    assert_eq!(
        faults(&changed(pressure(), "/component/-", component("8867-4", 70)), "http://x.example/pressure"),
        Vec::<String>::new()
    );
}

#[test]
fn slices_are_known_by_what_exists_and_by_type() {
    let work = json!({ "name": { "family": "Roe" }, "organization": { "display": "Works" } });
    let one = changed(patient(), "/contact", json!([work, { "name": { "family": "Poe" } }]));
    assert_eq!(faults(&one, "http://x.example/named"), Vec::<String>::new());
    one_fault(&changed(one, "/contact/-", work.clone()), "named", "`work` may stand here at most once");
}

#[test]
fn slices_are_known_by_what_an_extension_says() {
    let marked = |code: &str| json!({ "extension": [{ "url": "http://x.example/mark", "valueCode": code }], "value": "4711", "system": "urn:x" });
    let right = changed(patient(), "/identifier", json!([marked("other"), marked("main")]));
    assert_eq!(faults(&right, "http://x.example/marked"), Vec::<String>::new());
    one_fault(
        &changed(right.clone(), "/identifier/1", marked("none")),
        "marked",
        "`main`, whose extension('http://x.example/mark').value is \"main\"",
    );
    one_fault(&changed(right, "/identifier/1/system", Value::Null), "marked", "Patient.identifier[1].system");
}

#[test]
fn bindings_hold_by_their_strength() {
    one_fault(
        &changed(patient(), "/gender", json!("other")),
        "named",
        "Error Patient.gender: this code must be one of male, female",
    );
    let method = |code: &str| json!({ "coding": [{ "system": "http://x.example/methods", "code": code }] });
    one_fault(&changed(pressure(), "/method", method("ear")), "pressure", "Warning Observation.method: where one fits");
    assert_eq!(
        faults(&changed(pressure(), "/method", method("cuff")), "http://x.example/pressure"),
        Vec::<String>::new()
    );
    assert_eq!(
        faults(&changed(pressure(), "/method", json!({ "text": "by ear" })), "http://x.example/pressure"),
        Vec::<String>::new()
    );
}

#[test]
fn extensions_are_checked_placed_and_refused() {
    one_fault(
        &changed(patient(), "/extension/0", json!({ "url": "http://x.example/nickname", "valueBoolean": true })),
        "named",
        "must be a string",
    );
    one_fault(&changed(patient(), "/extension", Value::Null), "named", "`nickname`");
    one_fault(&changed(patient(), "/extension/0/valueString", json!("x")), "named", "only where gender != 'male'");
    one_fault(
        &changed(pressure(), "/extension", json!([{ "url": "http://x.example/nickname", "valueString": "x" }])),
        "pressure",
        "only on Patient",
    );
    one_fault(
        &changed(pressure(), "/extension", json!([{ "url": "http://x.example/not", "valueBoolean": true }])),
        "pressure",
        "stands in `modifierExtension`",
    );
    one_fault(
        &changed(pressure(), "/modifierExtension", json!([{ "url": "http://z.example/what", "valueBoolean": true }])),
        "pressure",
        "Error Observation.modifierExtension[0]: http://z.example/what is not known",
    );
    one_fault(
        &changed(pressure(), "/extension", json!([{ "url": "http://z.example/what", "valueBoolean": true }])),
        "pressure",
        "Information",
    );
}

#[test]
fn references_lead_to_what_meets_the_target_profile() {
    one_fault(&changed(pressure(), "/subject/reference", json!("Device/1")), "pressure", "not at Device (pressure)");
    let contained = changed(changed(pressure(), "/contained", json!([patient()])), "/subject/reference", json!("#1"));
    assert_eq!(faults(&contained, "http://x.example/pressure"), Vec::<String>::new());
    one_fault(
        &changed(contained, "/contained/0/name", Value::Null),
        "pressure",
        "Observation.subject: what this points at does not meet http://x.example/named",
    );
}

#[test]
fn invariants_ask_whether_others_conform() {
    let child = changed(patient(), "/link", json!([{ "other": { "reference": "#1" }, "type": "seealso" }]));
    let child = changed(changed(child, "/id", json!("2")), "/contained", json!([patient()]));
    assert_eq!(faults(&child, "http://x.example/householder"), Vec::<String>::new());
    one_fault(&changed(child, "/contained/0/name", Value::Null), "householder", "the invariant householder-1");
}

#[test]
fn references_in_a_bundle_are_followed_and_must_be_there() {
    let entry = |url: &str, resource: Value| json!({ "fullUrl": url, "resource": resource });
    let (one, two) = ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:c757873d-ec9a-4326-a141-556f43239521");
    let claiming = changed(pressure(), "/meta", json!({ "profile": ["http://x.example/pressure"] }));
    let reading = changed(claiming, "/subject/reference", json!(one));
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [entry(one, patient()), entry(two, reading)] });
    assert_eq!(faults(&bundle, "http://hl7.org/fhir/StructureDefinition/Bundle"), Vec::<String>::new());
    let unnamed = changed(bundle.clone(), "/entry/0/resource/name", Value::Null);
    let found = faults(&unnamed, "http://hl7.org/fhir/StructureDefinition/Bundle");
    assert!(
        found.len() == 1 && found[0].contains("Bundle.entry[1].resource.subject: what this points at"),
        "{found:#?}"
    );
    let lost = changed(bundle.clone(), "/entry/0/fullUrl", json!("urn:uuid:c757873d-ec9a-4326-a141-556f43239522"));
    let found = faults(&lost, "http://hl7.org/fhir/StructureDefinition/Bundle");
    assert!(found.len() == 1 && found[0].contains("no entry of this bundle"), "{found:#?}");
    let named = changed(bundle, "/entry/0/fullUrl", json!("http://a.example/fhir/Patient/2"));
    assert!(faults(&named, "Bundle").iter().any(|fault| fault.contains("Bundle.entry[0].fullUrl")));
}

#[test]
fn what_is_not_here_is_said_once() {
    let found = faults(&patient(), "http://y.example/p");
    assert!(
        found.len() == 1 && found[0].starts_with("Information") && found[0].contains("http://y.example/p is not here"),
        "{found:#?}"
    );
    one_fault(&patient(), "orphan", "builds on http://y.example/nobody-has-this, which is not here");
}

#[test]
fn what_protocols_make_keeps_to_our_own_profiles() {
    let flag = json!({
        "resourceType": "Flag", "status": "active",
        "identifier": [{ "system": "https://handover.health/id/flag", "value": "x" }],
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/flag-category", "code": "clinical" }] }],
        "code": { "coding": [{ "system": "https://handover.health/CodeSystem/prompt", "code": "copd-programme" }], "text": "Offered?" },
        "subject": { "reference": "Patient/1" }, "period": { "start": "2026-03-02" }, "author": { "display": "Handover" }
    });
    let faults = |value: Value| validate_own(&serde_json::from_value(value).unwrap());
    assert_eq!(faults(flag.clone()), []);
    for pointer in ["/identifier", "/period", "/author/display", "/code/text"] {
        let found = faults(changed(flag.clone(), pointer, Value::Null));
        assert!(found.iter().any(|problem| problem.severity == Severity::Error), "{pointer}");
    }
}

#[test]
fn what_cannot_be_told_of_a_slice_is_said_and_is_no_error() {
    let condition = json!({ "resourceType": "Condition", "subject": { "reference": "Patient/1" },
        "category": [{ "coding": [{ "system": "http://x.example/s", "code": "a" }] }],
        "code": { "coding": [{ "code": "1" }] } });
    let found = faults(&condition, "http://x.example/told");
    let told = "cannot be told here what belongs to the slice `known`";
    assert!(found.iter().any(|fault| fault.contains(told)), "{found:#?}");
    assert!(!found.iter().any(|fault| fault.starts_with("Error")), "{found:#?}");
    // A discriminator that the slice says nothing of leaves it to the others.
    let other = changed(condition, "/code/coding/-", json!({ "code": "2" }));
    let found = faults(&other, "http://x.example/told");
    assert!(found.iter().any(|fault| fault.contains("nothing but these may stand here: one")), "{found:#?}");
}

#[test]
fn a_quantity_is_held_to_its_bounds_in_whatever_unit_it_comes() {
    let weight = |value: f64, code: &str| {
        let resource = json!({ "resourceType": "Observation", "status": "final", "code": { "text": "weight" },
            "valueQuantity": { "value": value, "system": "http://unitsofmeasure.org", "code": code } });
        faults(&resource, "http://x.example/birth-weight").join("; ")
    };
    assert_eq!(weight(0.5, "kg"), "");
    assert!(weight(0.499, "kg").contains("at least"), "{}", weight(0.499, "kg"));
    assert!(weight(8.0, "[lb_av]").contains("at most"), "a bound without a unit is one of the number");
    assert!(weight(3.0, "cm").contains("cannot be compared"), "{}", weight(3.0, "cm"));
}
