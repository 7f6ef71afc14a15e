//! Each search parameter that the CapabilityStatement names finds a resource by the value that it holds, and not by another: resources are
//! made from the definitions of the elements that a parameter's FHIRPath names, as text, without the engine that is tested.

use std::collections::BTreeMap;

use actix_web::test::TestRequest;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::fhir::search::{Parameter, SERVED, SearchKind, SearchTable, served};
use crate::fhir::{Definitions, Library, TypeDefinition};
use crate::identity::{PersonId, ResourceId};
use crate::web::trial::{Trial, member};

/// A value of a datatype, what finds it, and what does not.
struct Sample {
    json: Value,
    asked: String,
    other: &'static str,
}

fn sample(datatype: &str, kind: SearchKind, target: &str, codes: Option<String>) -> Option<Sample> {
    let of = |json: Value, asked: &str, other: &'static str| Some(Sample { json, asked: asked.to_string(), other });
    let coding = json!({ "system": "urn:codes", "code": "abc", "display": "Some thing" });
    let reference = format!("{target}/{}", ResourceId::of(PersonId::SHARED, target, "referred"));
    match datatype {
        "CodeableConcept" => of(json!({ "coding": [coding] }), "urn:codes%7Cabc", "urn:other%7Cabc"),
        "Coding" => of(coding, "urn:codes%7Cabc", "urn:codes%7Cabd"),
        "Identifier" => of(json!({ "system": "urn:ids", "value": "A1" }), "urn:ids%7CA1", "urn:ids%7Ca1"),
        "ContactPoint" => of(json!({ "system": "phone", "value": "555-0100" }), "555-0100", "555-0101"),
        "code" => {
            let code = codes.unwrap_or_else(|| "abc".to_string());
            let asked = code.rsplit('|').next().unwrap_or_default().to_string();
            of(json!(asked), &asked, "no-such-code")
        }
        "id" => of(json!("abc"), "abc", "abd"),
        "boolean" => of(json!(true), "true", "false"),
        "string" | "markdown" if kind == SearchKind::Token => of(json!("abc"), "abc", "abd"),
        "string" | "markdown" => of(json!("Älvsborg river"), "alvs", "borg"),
        "HumanName" => of(json!({ "family": "Öberg", "given": ["Ann"] }), "oberg", "berg"),
        "Address" => of(json!({ "city": "Nyköping", "line": ["Main street 1"] }), "nykop", "koping"),
        "date" => of(json!("2026-03-05"), "2026-03-05", "2026-03-06"),
        "dateTime" | "instant" => of(json!("2026-03-05T10:00:00Z"), "2026-03-05", "lt2026-03-05"),
        "Period" => of(json!({ "start": "2026-03-05", "end": "2026-03-06" }), "ge2026-03-06", "gt2026-03-07"),
        "Timing" => of(json!({ "event": ["2026-03-05"] }), "2026-03-05", "2026-03-06"),
        "Reference" => Some(Sample { json: json!({ "reference": reference }), asked: reference, other: "Basic/1" }),
        "canonical" => of(json!("http://defs.example/x|1"), "http://defs.example/x", "http://defs.example/y"),
        "uri" | "url" if kind == SearchKind::Reference => {
            of(json!("http://defs.example/x"), "http://defs.example/x", "http://defs.example/y")
        }
        "uri" | "url" | "oid" => of(json!("http://here.example/a"), "http://here.example/a", "http://here.example/b"),
        "decimal" => of(json!(0.5), "0.5", "gt0.5"),
        "integer" | "positiveInt" | "unsignedInt" => of(json!(3), "3", "4"),
        "Quantity" | "Age" | "Duration" | "SimpleQuantity" => {
            let json = json!({ "value": 5.4, "unit": "g", "system": "http://unitsofmeasure.org", "code": "g" });
            of(json, "5400%7Chttp://unitsofmeasure.org%7Cmg", "gt5.4%7C%7Cg")
        }
        "Range" => of(json!({ "low": { "value": 5, "unit": "a" }, "high": { "value": 7, "unit": "a" } }), "ge6", "gt7"),
        "Money" => of(json!({ "value": 10, "currency": "EUR" }), "10", "11"),
        _ => None,
    }
}

/// The branch of an expression that is of this type: the names of a walk, and the type that is cast to.
fn walk(expression: &str, resource_type: &str) -> Option<(Vec<String>, Option<String>)> {
    let branches = expression.split('|').map(|branch| branch.trim().trim_start_matches('(').trim_end_matches(')'));
    for branch in branches {
        let branch = branch.replace("Resource.", &format!("{resource_type}.")).replace("DomainResource.", "");
        let (path, cast) = match branch.split_once(" as ").or_else(|| branch.split_once(".as(")) {
            Some((path, cast)) => (path.to_string(), Some(cast.trim_end_matches(')').to_string())),
            None => (branch.split(".where(resolve()").next().unwrap_or_default().to_string(), None),
        };
        let Some(rest) = path.strip_prefix(&format!("{resource_type}.")) else { continue };
        if rest.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.') {
            return Some((rest.split('.').map(str::to_string).collect(), cast));
        }
    }
    None
}

/// A resource that holds a sample at the end of a walk.
fn resource(resource_type: &str, parameter: &Parameter, expression: &str) -> Option<(Value, Sample)> {
    let (names, cast) = walk(expression, resource_type)?;
    let target = parameter.targets.iter().find(|target| *target != "Patient" && served(target).is_some());
    let target = target.map_or(if parameter.targets.is_empty() { "Organization" } else { "Patient" }, String::as_str);
    let mut root = Map::new();
    let found = build(
        &mut root,
        Definitions::r4().type_definition(resource_type)?,
        &names,
        cast.as_deref(),
        (parameter, target),
    )?;
    root.insert("resourceType".to_string(), json!(resource_type));
    Some((Value::Object(root), found))
}

fn build(
    at: &mut Map<String, Value>,
    definition: &'static TypeDefinition,
    names: &[String],
    cast: Option<&str>,
    (parameter, target): (&Parameter, &str),
) -> Option<Sample> {
    let (name, rest) = names.split_first()?;
    let element = definition.element(name)?;
    let is_list = |element: &crate::fhir::ElementDefinition| element.max.is_list();
    let put = |at: &mut Map<String, Value>, key: String, value: Value, list: bool| {
        at.insert(key, if list { json!([value]) } else { value });
    };
    if !rest.is_empty() {
        let mut inner = Map::new();
        let found = build(&mut inner, element.definition()?, rest, cast, (parameter, target))?;
        put(at, name.clone(), Value::Object(inner), is_list(element));
        return Some(found);
    }
    for one in &element.types {
        if cast.is_some_and(|cast| !cast.eq_ignore_ascii_case(&one.code)) {
            continue;
        }
        let codes = element.binding.as_ref().and_then(|binding| Library::built_in().codes_of(&binding.value_set));
        let codes = codes.map(|groups| format!("{}|{}", groups[0].system, groups[0].codes[0]));
        if let Some(found) = sample(&one.code, parameter.kind, target, codes) {
            let key = if element.is_choice { element.choice_name(&one.code) } else { name.clone() };
            put(at, key, found.json.clone(), is_list(element));
            return Some(found);
        }
    }
    None
}

/// Those that no walk leads to, or that stand for more than one element.
fn by_hand(resource_type: &str, name: &str) -> Option<(Value, Sample)> {
    let of = |mut json: Value, asked: &str, other: &'static str| {
        json["resourceType"] = json!(resource_type);
        Some((json, Sample { json: Value::Null, asked: asked.to_string(), other }))
    };
    let us_core = |name: &str, inner: Value| json!({ "extension": [{ "url": format!("http://hl7.org/fhir/us/core/StructureDefinition/{name}"), "extension": inner }] });
    let telecom =
        |system: &str| json!({ "telecom": [{ "system": "other", "value": "b" }, { "system": system, "value": "a" }] });
    let pressure = json!([{ "code": { "coding": [{ "code": "8480-6" }] }, "valueQuantity": { "value": 150, "code": "mm[Hg]", "system": "http://unitsofmeasure.org" } },
        { "code": { "coding": [{ "code": "8462-4" }] }, "valueQuantity": { "value": 90, "code": "mm[Hg]", "system": "http://unitsofmeasure.org" },
          "valueCodeableConcept": { "coding": [{ "code": "high" }] } }]);
    let code = json!({ "coding": [{ "code": "8480-6" }] });
    match (resource_type, name) {
        (_, "email") => of(telecom("email"), "a", "b"),
        (_, "phone") => of(telecom("phone"), "a", "b"),
        ("Patient", "deceased") => of(json!({ "deceasedDateTime": "2026-03-05" }), "true", "false"),
        ("Patient", "race" | "ethnicity") => {
            let inner = json!([{ "url": "ombCategory", "valueCoding": { "code": "2106-3" } }]);
            of(us_core(&format!("us-core-{name}"), inner), "2106-3", "2106-4")
        }
        ("Patient", "gender-identity") => {
            let url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-genderIdentity";
            of(
                json!({ "extension": [{ "url": url, "valueCodeableConcept": { "coding": [{ "code": "x" }] } }] }),
                "x",
                "y",
            )
        }
        ("Group", "characteristic-value") => {
            let value = json!({ "coding": [{ "code": "high" }] });
            let one = json!({ "code": code, "valueCodeableConcept": value, "exclude": false });
            of(json!({ "characteristic": [one] }), "8480-6$high", "8480-6$low")
        }
        // Of others nobody is told that they are in it.
        ("Group", "member") => {
            let patient = format!("Patient/{}", ResourceId::patient(member()));
            of(json!({ "member": [{ "entity": { "reference": patient } }] }), &patient, "Practitioner/1")
        }
        ("Condition", "asserted-date") => {
            let url = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate";
            of(json!({ "extension": [{ "url": url, "valueDateTime": "2026-03-05" }] }), "2026-03-05", "2026-03-06")
        }
        ("Observation", "code-value-quantity") => {
            of(json!({ "code": code, "valueQuantity": { "value": 150, "unit": "mmHg" } }), "8480-6$150", "8462-4$150")
        }
        ("Observation", "code-value-string") => {
            of(json!({ "code": code, "valueString": "high" }), "8480-6$hi", "8480-6$lo")
        }
        ("Observation", "code-value-date") => {
            of(json!({ "code": code, "valueDateTime": "2026-03-05" }), "8480-6$2026-03-05", "8480-6$2026-03-06")
        }
        ("Observation", "code-value-concept") => of(
            json!({ "code": code, "valueCodeableConcept": { "coding": [{ "code": "high" }] } }),
            "8480-6$high",
            "8480-6$low",
        ),
        ("Observation", "component-code-value-quantity" | "combo-code-value-quantity") => {
            of(json!({ "component": pressure }), "8480-6$ge140", "8462-4$ge140")
        }
        ("Observation", "component-code-value-concept" | "combo-code-value-concept") => {
            of(json!({ "component": pressure }), "8462-4$high", "8480-6$high")
        }
        ("Questionnaire", "context-type-quantity") => of(
            json!({ "useContext": [{ "code": { "code": "age" }, "valueQuantity": { "value": 65, "unit": "a" } }] }),
            "age$65",
            "task$65",
        ),
        ("Questionnaire", "context-type-value") => of(
            json!({ "useContext": [{ "code": { "code": "focus" }, "valueCodeableConcept": { "coding": [{ "code": "13645005" }] } }] }),
            "focus$13645005",
            "focus$13645006",
        ),
        ("DocumentReference", "relationship") => {
            let target = ResourceId::of(member(), "DocumentReference", "x");
            let reference = format!("DocumentReference/{target}");
            let json = json!({ "relatesTo": [{ "code": "replaces", "target": { "reference": reference } }] });
            of(json, &format!("{reference}$replaces"), "DocumentReference/1$replaces")
        }
        _ => None,
    }
}

/// One resource of each parameter, then all are searched.
#[actix_web::test]
async fn each_parameter_that_is_named_finds_what_holds_its_value_and_nothing_else() {
    let trial = Trial::new().await;
    trial.allow_all(&SERVED);
    let statement = trial.get("/fhir/metadata").await;
    let mut made: BTreeMap<(String, String), (String, Sample)> = BTreeMap::new();
    let mut unmade = Vec::new();
    for resource_type in SERVED {
        let definitions = Library::built_in().search_parameters(resource_type);
        for parameter in SearchTable::built_in().of_type(resource_type) {
            let name = parameter.name.as_str();
            if ["_id", "_lastUpdated", "_profile"].contains(&name) || parameter.is_home_of(resource_type) {
                continue;
            }
            let expression = &definitions[name].expression;
            let built = by_hand(resource_type, name).or_else(|| resource(resource_type, parameter, expression));
            let Some((body, sample)) = built else {
                unmade.push(format!("{resource_type} {name}: {expression}"));
                continue;
            };
            let id = ResourceId::of(member(), resource_type, name).to_string();
            trial.add(member(), resource_type, name, body).await;
            made.insert((resource_type.to_string(), name.to_string()), (id, sample));
        }
    }
    assert!(unmade.is_empty(), "no resource was made for {unmade:#?}");
    let (mut called, mut wrong) = (0, Vec::new());
    for of_type in statement.body["rest"][0]["resource"].as_array().unwrap() {
        let resource_type = of_type["type"].as_str().unwrap();
        for named in of_type["searchParam"].as_array().unwrap() {
            let name = named["name"].as_str().unwrap();
            let Some((id, sample)) = made.get(&(resource_type.to_string(), name.to_string())) else { continue };
            called += 1;
            trial.clock.advance(SignedDuration::from_millis(100));
            let found = trial.get(&format!("/fhir/{resource_type}?{name}={}&_count=250", sample.asked)).await;
            let other = trial.get(&format!("/fhir/{resource_type}?{name}={}&_count=250", sample.other)).await;
            let missing = trial.get(&format!("/fhir/{resource_type}?{name}:missing=true&_count=250")).await;
            let is_right = found.ids().contains(id) && !other.ids().contains(id) && !missing.ids().contains(id);
            if !is_right || [&found, &other, &missing].iter().any(|answer| answer.status != 200) {
                let text: String = found.text.chars().take(300).collect();
                wrong.push(format!("{resource_type}?{name}={} or {}: {text}", sample.asked, sample.other));
            }
        }
    }
    println!("{called} search parameters of {} types", SERVED.len());
    assert!(wrong.is_empty(), "{} of {called}: {wrong:#?}", wrong.len());
    assert_eq!(called, made.len(), "the statement names all of them");
}

#[actix_web::test]
async fn the_capability_statement_lists_what_works() {
    let trial = Trial::new().await;
    let answer = trial.call(TestRequest::get().uri("/fhir/metadata")).await;
    assert_eq!((answer.status.as_u16(), &answer.body["fhirVersion"]), (200, &"4.0.1".into()));
    let resources = answer.body["rest"][0]["resource"].as_array().unwrap();
    for resource in resources {
        let kind = resource["type"].as_str().unwrap();
        for parameter in resource["searchParam"].as_array().unwrap() {
            let (name, value) = (
                parameter["name"].as_str().unwrap(),
                match parameter["type"].as_str().unwrap() {
                    _ if parameter["name"] == "_filter" => "_id%20eq%20x",
                    "date" => "2026-03-02",
                    "number" | "quantity" => "1",
                    "composite" => continue, // each is searched in definition_tests
                    _ => "x",
                },
            );
            trial.clock.advance(SignedDuration::from_millis(20));
            // Without an agreement about a type nothing of it is searched; that it could be is read all the same.
            let found = trial.get(&format!("/fhir/{kind}?{name}={value}")).await;
            assert!([200, 403].contains(&found.status.as_u16()), "{kind}?{name}: {}", found.text);
            assert!(!found.text.contains("and left out"), "{kind}?{name}");
        }
    }
}
