//! Small definitions of our own, and what they are reduced to.

use serde_json::{Value, json};

use super::{Counts, Manifest, ReduceError, Reduced, reduce};

fn package_json() -> Value {
    json!({"name": "example.care", "version": "1.2.0", "fhirVersions": ["4.0.1"],
           "dependencies": {"hl7.fhir.us.core": "7.0.0", "hl7.fhir.r4.core": "4.0.1"}})
}

fn reduced(definitions: Vec<Value>) -> Reduced {
    let files = definitions.into_iter().enumerate().map(|(index, json)| (format!("Definition-{index}.json"), json));
    let manifest = ("package.json".to_string(), package_json());
    reduce(files.chain([manifest])).unwrap()
}

/// The text of the one file that a definition ends in.
fn text(definition: Value) -> String {
    let reduced = reduced(vec![definition]);
    assert_eq!(reduced.problems, []);
    reduced.files.into_iter().find(|(name, _)| name != "package.txt").unwrap().1
}

/// The problem of a definition that cannot be used, beside one that can.
fn refusal(definition: Value) -> String {
    let usable = json!({"resourceType": "CodeSystem", "url": "http://x.example/usable", "content": "not-present"});
    let reduced = reduced(vec![definition, usable]);
    assert_eq!(reduced.counts.total(), 1);
    reduced.problems.first().unwrap().text.clone()
}

fn profile(elements: Value) -> Value {
    json!({"resourceType": "StructureDefinition", "id": "p", "url": "http://x.example/p", "version": "3",
           "kind": "resource", "derivation": "constraint", "type": "Observation",
           "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
           "differential": {"element": elements}})
}

#[test]
fn a_package_says_its_name_version_and_dependencies() {
    let reduced = reduced(vec![profile(json!([{"id": "Observation", "path": "Observation"}]))]);
    let expected = "example.care 1.2.0\n  hl7.fhir.r4.core 4.0.1\n  hl7.fhir.us.core 7.0.0\n";
    assert_eq!(reduced.files["package.txt"], expected);
    assert_eq!(reduced.counts, Counts { profiles: 1, ..Counts::default() });
    let manifest = Manifest::of_reduced(expected).unwrap();
    assert_eq!((manifest.reduced().as_str(), manifest.dependencies.len()), (expected, 2));
}

#[test]
fn every_word_of_an_element_is_written_in_its_place() {
    let elements = json!([
        {"id": "Observation", "path": "Observation", "min": 0, "max": "*", "constraint": [
            {"key": "own-1", "severity": "error", "expression": "a\n  or b", "source": "http://x.example/p"},
            {"key": "dom-2", "severity": "error", "expression": "c", "source": "http://other.example"},
            {"key": "ele-1", "severity": "error", "expression": "d"}]},
        {"id": "Observation.status", "path": "Observation.status", "short": "says nothing that is checked"},
        {"id": "Observation.code", "path": "Observation.code", "min": 1, "isSummary": true, "mustSupport": true,
         "type": [{"code": "CodeableConcept"}], "maxLength": 7,
         "binding": {"strength": "preferred", "valueSet": "http://hl7.org/fhir/ValueSet/codes|4.0.1", "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet",
             "valueCanonical": "http://x.example/most"}]},
         "patternCodeableConcept": {"text": "two words", "coding": [{"code": "1"}]}},
        {"id": "Observation.component", "path": "Observation.component", "slicing": {
            "discriminator": [{"type": "value", "path": "code"}, {"type": "type", "path": "$this"}],
            "ordered": true, "rules": "closed"}},
        {"id": "Observation.component:a", "path": "Observation.component", "sliceName": "a"},
        {"id": "Observation.component:a.value[x]", "path": "Observation.component.value[x]", "max": "1",
         "type": [{"code": "Quantity", "profile": ["http://x.example/q"]},
                  {"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Patient"]}],
         "minValueQuantity": {"value": 0.50, "unit": "mm Hg"}, "constraint": [
            {"key": "own-2", "severity": "warning", "expression": "true"}]},
    ]);
    let expected = "profile Observation http://x.example/p|3 : Observation
  error own-1 a or b
code 1.. CodeableConcept summary must preferred:codes|4.0.1 max:http://x.example/most length=7 \
pattern {\"text\":\"two words\",\"coding\":[{\"code\":\"1\"}]}
component sliced=value:code,type:$this;ordered;closed
component:a
component:a.value[x] ..1 Quantity<http://x.example/q>|Reference(Patient) min={\"value\":0.5,\"unit\":\"mm\\u0020Hg\"}
  warning own-2 true
";
    assert_eq!(text(profile(elements)), expected);
}

#[test]
fn ids_are_made_from_path_and_slice_name_where_there_are_none() {
    let elements = json!([
        {"path": "Observation"},
        {"path": "Observation.component", "sliceName": "a"},
        {"path": "Observation.component.code", "min": 1},
        {"path": "Observation.component.code.coding", "sliceName": "loinc"},
        {"path": "Observation.component", "sliceName": "b two"},
        {"path": "Observation.component.code.coding.system", "min": 1},
        {"path": "Observation.valueQuantity", "sliceName": "valueQuantity"},
    ]);
    let expected = "profile Observation http://x.example/p|3 : Observation
component:a
component:a.code 1..
component:a.code.coding:loinc
component:b_two
component:b_two.code.coding.system 1..
valueQuantity
";
    assert_eq!(text(profile(elements)), expected);
}

#[test]
fn a_profile_that_has_only_a_snapshot_is_taken_from_it() {
    let mut only_snapshot = profile(json!([]));
    only_snapshot["snapshot"] = json!({"element": [{"id": "Observation", "path": "Observation"},
        {"id": "Observation.code", "path": "Observation.code", "min": 1, "max": "1"}]});
    assert!(text(only_snapshot.clone()).ends_with("\ncode 1..1\n"));
    only_snapshot.as_object_mut().unwrap().remove("snapshot");
    let expected = "http://x.example/p is left out: it has neither a differential nor a snapshot";
    assert_eq!(refusal(only_snapshot), expected);
}

#[test]
fn an_invariant_without_fhirpath_is_said_to_be_unchecked() {
    let rule =
        json!([{"path": "Observation", "constraint": [{"key": "own-3", "severity": "error", "human": "Be good"}]}]);
    let reduced = reduced(vec![profile(rule)]);
    let problem = reduced.problems.first().unwrap();
    assert!(!problem.is_error() && problem.text.contains("own-3"), "{problem}");
    assert_eq!(reduced.counts.profiles, 1);
}

#[test]
fn an_extension_tells_where_it_may_stand_and_whether_it_modifies() {
    let extension = json!({"resourceType": "StructureDefinition", "id": "e", "url": "http://x.example/e",
        "kind": "complex-type", "derivation": "constraint", "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "context": [{"type": "element", "expression": "Patient"},
                    {"type": "extension", "expression": "http://hl7.org/fhir/StructureDefinition/outer"}],
        "contextInvariant": ["active = true"],
        "differential": {"element": [
            {"id": "Extension", "path": "Extension", "max": "1", "isModifier": true},
            {"id": "Extension.url", "path": "Extension.url", "fixedUri": "http://x.example/e"}]}});
    let expected = "extension http://x.example/e : Extension
  modifier
  context element Patient
  context extension outer
  context-invariant active = true
. ..1
url fixed \"http://x.example/e\"
";
    assert_eq!(text(extension), expected);
}

#[test]
fn a_value_set_keeps_its_rules() {
    let value_set = json!({"resourceType": "ValueSet", "url": "http://hl7.org/fhir/ValueSet/v", "version": "1", "compose": {
        "include": [
            {"system": "http://a.example", "version": "2", "concept": [{"code": "x"}, {"code": "two words"}, {"code": "\"q"}]},
            {"system": "http://b.example", "valueSet": ["http://hl7.org/fhir/ValueSet/w"], "filter": [
                {"property": "concept", "op": "is-a", "value": "1"}, {"property": "code", "op": "regex", "value": "a b"}]},
            {"valueSet": ["http://x.example/v1", "http://x.example/v2"]}],
        "exclude": [{"system": "http://a.example"}]}});
    let expected = r#"valueset v|1
+ http://a.example|2 : x "two words" "\"q"
+ http://b.example @w where concept is-a 1 where code regex "a b"
+ @http://x.example/v1 @http://x.example/v2
- http://a.example
"#;
    assert_eq!(text(value_set), expected);
}

#[test]
fn an_expansion_stands_in_for_rules_only_when_it_is_whole() {
    let mut value_set = json!({"resourceType": "ValueSet", "url": "http://x.example/v", "expansion": {"total": 3, "contains": [
        {"system": "http://a.example", "code": "group", "abstract": true, "contains": [
            {"system": "http://a.example", "code": "x"}]},
        {"system": "http://b.example", "code": "y"}]}});
    let expected = "valueset http://x.example/v\n+ http://a.example : x\n+ http://b.example : y\n";
    assert_eq!(text(value_set.clone()), expected);
    value_set["expansion"]["total"] = json!(4000);
    assert!(refusal(value_set).ends_with("its expansion is not complete"));
}

#[test]
fn a_code_system_keeps_its_hierarchy_with_every_further_parent() {
    let code_system = json!({"resourceType": "CodeSystem", "url": "http://x.example/c", "version": "1", "content": "complete",
        "caseSensitive": false, "concept": [
            {"code": "_A", "property": [{"code": "notSelectable", "valueBoolean": true}, {"code": "child", "valueCode": "<"}],
             "concept": [{"code": "a one", "property": [{"code": "parent", "valueCode": "_A"},
                                                        {"code": "subsumedBy", "valueCode": "b"},
{"code": "subsumedBy", "valueCode": "c d"}]}]},
            {"code": "b", "concept": [{"code": "<"}]}, {"code": "c d"}]});
    let expected = "codesystem http://x.example/c|1 complete ignore-case
_A abstract
 \"a one\" <b \"<c d\"
b
 < <_A
\"c d\"
";
    assert_eq!(text(code_system), expected);
}

#[test]
fn a_search_parameter_keeps_its_path_targets_and_components() {
    let search = json!({"resourceType": "SearchParameter", "id": "of-both", "url": "http://x.example/sp/of-both",
        "code": "both", "type": "composite", "base": ["Observation", "Patient"], "target": ["Patient", "Group"],
        "expression": "Observation\n | Patient", "component": [
            {"definition": "http://x.example/sp/one", "expression": "code"},
            {"definition": "http://other.example/two", "expression": "value.as(Quantity)"}]});
    let expected = "search of-both both composite Observation,Patient : Observation | Patient
  target Patient,Group
  component one code
  component http://other.example/two value.as(Quantity)
";
    assert_eq!(text(search), expected);
}

#[test]
fn blocks_stand_in_the_order_of_their_urls_and_a_url_is_taken_once() {
    let system = |url: &str| json!({"resourceType": "CodeSystem", "url": url, "content": "not-present"});
    let reduced = reduced(vec![system("http://b.example"), system("http://a.example"), system("http://b.example")]);
    let expected = "codesystem http://a.example not-present\n\ncodesystem http://b.example not-present\n";
    assert_eq!(reduced.files["codesystems.txt"], expected);
    assert!(reduced.problems.first().unwrap().text.contains("has the same url"), "{:?}", reduced.problems);
}

#[test]
fn what_the_form_has_no_place_for_is_counted() {
    let mut logical = profile(json!([]));
    logical["kind"] = json!("logical");
    let supplement = json!({"resourceType": "CodeSystem", "url": "http://x.example/s", "content": "supplement"});
    let code_system = json!({"resourceType": "CodeSystem", "url": "http://x.example/c", "content": "complete"});
    let reduced =
        reduced(vec![logical, supplement, code_system, json!({"resourceType": "Patient"}), json!({"index": 1})]);
    let left_out: Vec<_> = reduced.left_out.iter().map(|(what, count)| (what.as_str(), *count)).collect();
    assert_eq!(left_out, [("Patient", 1), ("code system supplement", 1), ("logical model", 1)]);
}

#[test]
fn what_is_no_package_for_r4_is_refused_with_the_reason() {
    let of = |manifest: Value| reduce([("package.json".to_string(), manifest)]).unwrap_err();
    assert_eq!(reduce([]).unwrap_err(), ReduceError::NoManifest);
    assert_eq!(of(json!({"version": "1"})), ReduceError::Unsaid("name"));
    assert!(matches!(of(json!({"name": "a", "version": "1"})), ReduceError::Unsaid(_)));
    let release = of(json!({"name": "a", "version": "1", "fhirVersions": ["5.0.0"]})).to_string();
    assert!(release.starts_with("a 1 is for FHIR 5.0.0, and Handover speaks FHIR R4"), "{release}");
    assert!(matches!(of(package_json()), ReduceError::Empty { .. }));
}

#[test]
fn an_id_never_leads_out_of_the_packages_folder() {
    let mut odd = profile(json!([{"path": "Observation", "min": 1, "max": "1"}]));
    odd["id"] = json!("../../etc/passwd");
    let reduced = reduced(vec![odd]);
    assert!(reduced.files.contains_key("profiles/etcpasswd.txt"), "{:?}", reduced.files.keys());
}
