//! What the gateway counts on, in expressions as protocols, agreements and search parameters write them.

mod bounds;
mod functions;
mod narrowing;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Value, json};

use super::{Context, Element, Expression, Item};
use crate::fhir::{Resource, ValueSets};

fn resource(value: Value) -> Resource {
    serde_json::from_value(value).unwrap()
}

fn blood_pressure() -> Resource {
    let component = |code: &str, value: u32| {
        json!({
            "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
            "valueQuantity": { "value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" }
        })
    };
    resource(json!({
        "resourceType": "Observation", "status": "final",
        "subject": { "reference": "Patient/1" },
        "code": { "coding": [{ "system": "http://loinc.org", "code": "85354-9" }] },
        "effectiveDateTime": "2026-03-02T10:00:00+01:00",
        "component": [component("8480-6", 162), component("8462-4", 88)]
    }))
}

fn patient() -> Resource {
    resource(json!({
        "resourceType": "Patient", "id": "1", "active": true, "birthDate": "1950-06",
        "_birthDate": { "extension": [{ "url": "http://example.org/known-to", "valueCode": "month" }] },
        "name": [{ "use": "official", "family": "Doe", "given": ["Jane", "Q"] }, { "use": "usual", "given": ["Jo"] }],
        "contained": [{ "resourceType": "Organization", "id": "o", "name": "Practice" }],
        "managingOrganization": { "reference": "#o" },
        "multipleBirthInteger": 2
    }))
}

fn json_of(text: &str, on: &Resource) -> Vec<Value> {
    let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let context = Context::new(on).at(Timestamp::from_second(1_772_445_600).unwrap(), Offset::UTC);
    let found = expression.evaluate(&context).unwrap_or_else(|error| panic!("{text}: {error}"));
    found.iter().map(Item::to_json).collect()
}

#[track_caller]
fn holds(text: &str, on: &Resource) {
    assert_eq!(json_of(text, on), [json!(true)], "{text}");
}

#[track_caller]
fn is_empty(text: &str, on: &Resource) {
    assert_eq!(json_of(text, on), Vec::<Value>::new(), "{text}");
}

#[test]
fn a_reading_is_compared_with_a_threshold() {
    let reading = blood_pressure();
    holds("Observation.component.where(code.coding.code='8480-6').value.ofType(Quantity).value > 140", &reading);
    holds("component.where(code.coding.code = '8480-6').value > 140 'mm[Hg]'", &reading);
    holds("component.where(code.coding.code = '8462-4').value < 12 'kPa'", &reading);
    is_empty("component.where(code.coding.code = '8480-6').value > 140 'kg'", &reading);
    is_empty("component.where(code.coding.code = '0000-0').value > 140", &reading);
}

#[test]
fn a_quantity_with_a_comparator_is_no_number() {
    let reading = resource(json!({
        "resourceType": "Observation",
        "valueQuantity": { "value": 40, "comparator": "<", "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" }
    }));
    is_empty("value < 92 '%'", &reading);
}

#[test]
fn primitives_keep_their_extensions_and_their_type() {
    let patient = patient();
    holds("birthDate.extension('http://example.org/known-to').value = 'month'", &patient);
    holds("birthDate is date and (birthDate is dateTime).not()", &patient);
    holds("multipleBirth is integer and multipleBirth = 2", &patient);
    assert_eq!(json_of("name.given", &patient), [json!("Jane"), json!("Q"), json!("Jo")]);
}

#[test]
fn partial_dates_are_compared_as_far_as_they_are_known() {
    let patient = patient();
    holds("birthDate < @1951", &patient);
    is_empty("birthDate = @1950-06-03", &patient);
    is_empty("birthDate < @1950-06-03", &patient);
    holds("today() - 65 years > birthDate", &patient);
    assert_eq!(json_of("now()", &patient), [json!("2026-03-02T10:00:00.000Z")]);
}

#[test]
fn calendar_arithmetic_keeps_to_the_calendar() {
    let patient = patient();
    holds("@2024-01-31 + 1 month = @2024-02-29", &patient);
    holds("@2024-02-29 + 1 year = @2025-02-28", &patient);
    holds("@2026-03-02T23:30:00Z + 1 hour = @2026-03-03T00:30:00Z", &patient);
    holds("@T23:30 + 1 hour = @T00:30", &patient);
}

#[test]
fn references_are_resolved_inside_and_by_the_caller() {
    let patient = patient();
    holds("managingOrganization.resolve().name = 'Practice'", &patient);
    let reading = blood_pressure();
    let resolver = |reference: &str| (reference == "Patient/1").then_some(Element::resource(&patient));
    let expression = Expression::parse("subject.resolve().name.first().family").unwrap();
    let found = expression.evaluate(&Context::new(&reading).resolving(&resolver)).unwrap();
    assert_eq!(found[0].to_json(), json!("Doe"));
    let expression = Expression::parse("Observation.subject.where(resolve() is Patient).reference").unwrap();
    assert!(expression.evaluate(&Context::new(&reading)).unwrap().is_empty());
    assert_eq!(expression.evaluate(&Context::new(&reading).resolving_types()).unwrap().len(), 1);
}

#[test]
fn codes_are_looked_up_in_value_sets_by_name() {
    let reading = blood_pressure();
    let sets = ValueSets::built_in();
    let knows = |name: &str, system: &str, code: &str| sets.membership(name, system, code);
    for text in [
        "code.memberOf('blood-pressure')",
        "code in %blood-pressure",
        "code.coding.code in %blood-pressure",
        "(code in %copd).not()",
        "status.memberOf('http://hl7.org/fhir/ValueSet/observation-status')",
    ] {
        let expression = Expression::parse(text).unwrap();
        assert_eq!(expression.matches(&Context::new(&reading).knowing(&knows)), Ok(true), "{text}");
    }
    let unknown = Expression::parse("code.memberOf('no-such-set')").unwrap();
    assert!(unknown.evaluate(&Context::new(&reading).knowing(&knows)).is_err());
}

#[test]
fn variables_are_the_callers() {
    let (reading, patient) = (blood_pressure(), patient());
    let expression = Expression::parse("%patient.active and %limit < 200 and %resource.status = 'final'").unwrap();
    let element = super::Element::resource(&patient);
    let context =
        Context::new(&reading).with("patient", vec![Item::Element(element)]).with("limit", vec![Item::Integer(140)]);
    assert_eq!(expression.matches(&context), Ok(true));
    assert!(expression.matches(&Context::new(&reading)).is_err());
}

#[test]
fn the_names_an_expression_needs_are_known_at_load() {
    let expression = Expression::parse("code in %ed-follow-up-codes and (%limit - 1 > 3 or %ucum = 'x')").unwrap();
    assert_eq!(expression.variables(), [("ed-follow-up-codes", 8), ("limit", 33)]);
}

#[test]
fn faults_are_told_with_their_place() {
    for (text, position, part) in [
        ("name.wher(use = 'x')", 5, "did you mean `where`"),
        ("name.where(", 11, "ends too early"),
        ("a = 'b", 4, "never ends"),
        ("name is Nothing", 8, "no type"),
        ("a ? b", 2, "no meaning"),
        ("substring()", 0, "1 to 2 arguments"),
        ("'x'.matches('(')", 4, "regular expression"),
        ("@2026-02-30", 0, "no such date"),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.text.contains(part), "{text}: {error}");
    }
}

#[test]
fn elements_that_do_not_exist_are_told_at_load() {
    for (text, part) in [
        ("Observation.componnt.value", "did you mean `component`"),
        ("component.valueQuantity.value > 3", "`value.ofType(Quantity)`"),
        ("Patient.name", "evaluated on Observation"),
        ("component.where(cod.exists())", "did you mean `code`"),
        ("value.ofType(Quantity).unti", "did you mean `unit`"),
        ("component.defineVariable('c', code).select(%c.codng)", "did you mean `coding`"),
        ("component.defineVariable('c').select(%c.cod)", "did you mean `code`"),
    ] {
        let error = Expression::parse(text).unwrap().check("Observation").unwrap_err();
        assert!(error.text.contains(part), "{text}: {error}");
    }
    for text in [
        "component.value.value > 3",
        "subject.resolve().name.family",
        "contained.where(id = 'x').name",
        "DomainResource.id",
    ] {
        Expression::parse(text).unwrap().check("Observation").unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn decimals_keep_their_digits() {
    let reading: Resource =
        serde_json::from_str(r#"{"resourceType":"Observation","valueQuantity":{"value":152.50,"unit":"x"}}"#).unwrap();
    assert_eq!(json_of("value.value", &reading)[0].to_string(), "152.50");
    holds("value.value = 152.5 and value.value.toString() = '152.50'", &reading);
    holds("0.1 + 0.2 = 0.3", &reading);
}

#[test]
fn shipped_expressions_may_filter_with_as_and_name_types_of_other_releases() {
    let reading = blood_pressure();
    let shipped =
        |text: &str| Expression::parse_r4(text).and_then(|own| Ok(own.evaluate(&Context::new(&reading))?.len()));
    assert_eq!(shipped("component.value.as(Quantity)"), Ok(2));
    assert_eq!(shipped("(component.value as Quantity).where($this is Citation)"), Ok(0));
    assert!(Expression::parse("component.value is Citation").is_err());
    let several = Expression::parse("component.value.as(Quantity)").unwrap();
    assert!(several.evaluate(&Context::new(&reading)).is_err());
}

#[test]
fn every_invariant_of_r4_parses() {
    use crate::fhir::definition::{Definitions, Kind};
    let mut count = 0;
    for kind in [Kind::Datatype, Kind::Resource] {
        for name in Definitions::r4().type_names(kind) {
            let definition = Definitions::r4().type_definition(name).unwrap();
            for constraint in
                definition.constraints.iter().chain(definition.elements.iter().flat_map(|element| &element.constraints))
            {
                Expression::parse_r4(&constraint.expression)
                    .unwrap_or_else(|error| panic!("{name} {}: {error}", constraint.key));
                count += 1;
            }
        }
    }
    assert!(count > 200, "{count}");
}
