//! The ten expressions and the resources they are evaluated on: what search indexes, invariants and protocols ask.

use serde_json::{Value, json};

/// Name, expression, resource, and whether `as` filters (as R4's own expressions want it).
pub struct Case {
    pub name: &'static str,
    pub expression: &'static str,
    pub resource: fn() -> Value,
    pub is_of_r4: bool,
}

const DOM_3: &str = "contained.where((('#'+id in (%resource.descendants().reference | \
    %resource.descendants().as(canonical) | %resource.descendants().as(uri) | %resource.descendants().as(url))) or \
    descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists() or \
    descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()";

const fn case(name: &'static str, expression: &'static str, resource: fn() -> Value, is_of_r4: bool) -> Case {
    Case { name, expression, resource, is_of_r4 }
}

pub const CASES: [Case; 10] = [
    case(
        "threshold",
        "Observation.component.where(code.coding.code='8480-6').value.ofType(Quantity).value > 140",
        blood_pressure,
        false,
    ),
    case("search-family", "Patient.name.family", patient, true),
    case("search-patient", "Observation.subject.where(resolve() is Patient)", blood_pressure, true),
    case("search-email", "Patient.telecom.where(system='email').value", patient, true),
    case("search-date", "Observation.effective.as(dateTime) | Observation.effective.as(Period)", blood_pressure, true),
    case("per-1", "period.all(start.hasValue().not() or end.hasValue().not() or (start <= end))", encounter, true),
    case(
        "obs-7",
        "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()",
        blood_pressure,
        true,
    ),
    case("dom-3", DOM_3, patient, true),
    case(
        "protocol-discharge",
        "status = 'finished' and class.code = 'EMER' and \
         hospitalization.dischargeDisposition.coding.where(code in ('09' | '20')).empty()",
        encounter,
        false,
    ),
    case("protocol-age", "birthDate <= @2026-03-02 - 65 years and deceased.exists().not()", patient, false),
];

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": display }], "text": display })
}

pub fn blood_pressure() -> Value {
    let component = |code: &str, display: &str, value: u32| {
        json!({
            "code": concept("http://loinc.org", code, display),
            "valueQuantity": {
                "value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"
            }
        })
    };
    json!({
        "resourceType": "Observation",
        "id": "bp-1",
        "meta": { "lastUpdated": "2026-03-02T10:00:01Z" },
        "identifier": [{ "system": "urn:oid:2.16.840.1.113883.3.1", "value": "4711" }],
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital Signs")],
        "code": concept("http://loinc.org", "85354-9", "Blood pressure panel"),
        "subject": { "reference": "Patient/p-1" },
        "encounter": { "reference": "Encounter/e-1" },
        "effectiveDateTime": "2026-03-02T10:00:00+01:00",
        "component": [
            component("8480-6", "Systolic blood pressure", 162),
            component("8462-4", "Diastolic blood pressure", 88)
        ]
    })
}

pub fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "p-1",
        "contained": [{ "resourceType": "Organization", "id": "practice", "name": "Lakeside Practice" }],
        "identifier": [
            { "use": "usual", "type": concept("http://terminology.hl7.org/CodeSystem/v2-0203", "MR", "Record number"),
              "system": "urn:oid:2.16.840.1.113883.3.2", "value": "10001" },
            { "system": "urn:oid:2.16.840.1.113883.3.9", "value": "A-77" }
        ],
        "active": true,
        "name": [
            { "use": "official", "family": "Marlow", "given": ["Iris", "Jane"], "prefix": ["Ms"] },
            { "use": "maiden", "family": "Quill", "given": ["Iris"] }
        ],
        "telecom": [
            { "system": "phone", "value": "+1 555 0100", "use": "home" },
            { "system": "email", "value": "iris@example.org" }
        ],
        "gender": "female",
        "birthDate": "1950-06-12",
        "address": [{ "line": ["1 Shore Road"], "city": "Lakeside", "state": "OH", "postalCode": "44001" }],
        "managingOrganization": { "reference": "#practice" }
    })
}

pub fn encounter() -> Value {
    json!({
        "resourceType": "Encounter",
        "id": "e-1",
        "status": "finished",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER" },
        "subject": { "reference": "Patient/p-1" },
        "period": { "start": "2026-03-02T08:10:00+01:00", "end": "2026-03-02T12:40:00+01:00" },
        "reasonCode": [concept("http://hl7.org/fhir/sid/icd-10-cm", "J44.1", "COPD with exacerbation")],
        "hospitalization": {
            "dischargeDisposition": concept("http://terminology.hl7.org/CodeSystem/discharge-disposition", "home", "Home")
        }
    })
}
