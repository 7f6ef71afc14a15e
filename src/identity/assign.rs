//! Drafts become resources with ids: from their business key, or from their content when they have none; references
//! inside one input become literal references (http://hl7.org/fhir/R4/references.html#literal).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{PersonId, ResourceId, reference};
use crate::fhir::{Draft, Scope};
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

/// A draft that knows its id; references in it are literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Identified {
    pub id: ResourceId,
    pub draft: Draft,
}

/// Gives every draft of one input its id under `person` (`Head::origin_of` says which) and resolves the references
/// between them. Drafts that turn out to be one thing become one, references to nothing are removed; both are reported.
pub fn assign(drafts: Vec<Draft>, person: PersonId) -> (Vec<Identified>, Vec<Problem>) {
    assign_known(drafts, person, &BTreeMap::new())
}

/// The same where the ids of some drafts, by their local names, are known already.
pub fn assign_known(
    drafts: Vec<Draft>,
    person: PersonId,
    known: &BTreeMap<String, ResourceId>,
) -> (Vec<Identified>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut literal: BTreeMap<String, String> = BTreeMap::new();
    let mut identified: Vec<Identified> = Vec::new();
    for draft in drafts {
        let id = known.get(&draft.local).copied().unwrap_or_else(|| id_of(&draft, person));
        literal.insert(draft.local.clone(), format!("{}/{id}", draft.resource.resource_type()));
        let same = |known: &&mut Identified| {
            known.id == id && known.draft.resource.resource_type() == draft.resource.resource_type()
        };
        match identified.iter_mut().find(same) {
            Some(known) => unite(&mut known.draft, draft, &mut problems),
            None => identified.push(Identified { id, draft }),
        }
    }
    let shared = identified.iter().filter(|one| one.id.person == PersonId::SHARED);
    let names: BTreeMap<String, String> = shared
        .filter_map(|one| {
            let resource = &one.draft.resource;
            Some((format!("{}/{}", resource.resource_type(), one.id), reference::name_of(resource)?))
        })
        .collect();
    for one in &mut identified {
        reference::resolve(&mut one.draft.resource, &literal, &names, &mut problems);
    }
    (identified, problems)
}

/// The id that a draft gets under a person.
pub fn id_of(draft: &Draft, person: PersonId) -> ResourceId {
    let kind = draft.resource.resource_type();
    let person = match draft.scope {
        Scope::Patient => person,
        Scope::Shared => PersonId::SHARED,
    };
    match &draft.key {
        Some(key) => ResourceId::of(person, kind, key),
        None if kind == "Patient" && draft.scope == Scope::Patient => ResourceId::patient(person),
        // References inside still name locals, so the same content has the same id under every patient.
        None => ResourceId::of(person, kind, &format!("content {}", canonical(&draft.resource.clone().into()))),
    }
}

/// JSON text that does not depend on the order in which a mapping wrote the keys.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, String> = map.iter().map(|(key, item)| (key, canonical(item))).collect();
            let pairs: Vec<String> = sorted.iter().map(|(key, item)| format!("{key:?}:{item}")).collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// One thing stated twice in one input: the later statement stands, element by element.
fn unite(first: &mut Draft, second: Draft, problems: &mut Vec<Problem>) {
    let kind = first.resource.resource_type().to_string();
    for element in first.tell_again(second) {
        let about = format!("{kind}.{element}");
        let text = "two parts of the message state the same thing differently; the last one told stands";
        let problem = Problem::information(Category::Duplicate, Place::Element(about.clone()), text);
        problems.push(problem.unused(Kind::Field, &about));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::Resource;

    fn draft(local: &str, scope: Scope, key: Option<&str>, resource: Value) -> Draft {
        Draft {
            local: local.to_string(),
            scope,
            key: key.map(String::from),
            resource: Resource::try_from(resource).unwrap(),
            deleted: Vec::new(),
            sources: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn references_between_drafts_become_literal_and_dangling_ones_go_with_a_problem() {
        let person = PersonId([7; 10]);
        let encounter = json!({ "resourceType": "Encounter", "subject": { "reference": "#Patient" },
            "participant": [{ "individual": { "reference": "#Practitioner.1" } },
                            { "individual": { "reference": "#Nobody" } },
                            { "individual": { "reference": "#Nobody", "display": "Dr Example" } }] });
        let (found, problems) = assign(
            vec![
                draft("Patient", Scope::Patient, None, json!({ "resourceType": "Patient" })),
                draft("Encounter", Scope::Patient, Some("V1"), encounter),
                draft("Practitioner.1", Scope::Shared, Some("npi|1"), json!({ "resourceType": "Practitioner" })),
            ],
            person,
        );
        assert_eq!(found[0].id, ResourceId::patient(person));
        let encounter = &found[1].draft.resource;
        assert_eq!(encounter.reference("subject"), Some(format!("Patient/{}", found[0].id).as_str()));
        assert_eq!(found[2].id.person, PersonId::SHARED);
        let participants = encounter.get("participant").unwrap().as_array().unwrap();
        assert_eq!(participants.len(), 2);
        assert_eq!(participants[1], json!({ "individual": { "display": "Dr Example" } }));
        assert_eq!(problems.len(), 2);
    }

    #[test]
    fn a_reference_says_what_people_call_the_practitioner_or_the_place() {
        let encounter = json!({ "resourceType": "Encounter", "serviceProvider": { "reference": "#O" },
            "participant": [{ "individual": { "reference": "#P" } }, { "individual": { "reference": "#P", "display": "Maja" } }] });
        let name = json!([{ "prefix": ["Dr."], "given": ["Maja"], "family": "Lindqvist" }]);
        let (found, _) = assign(
            vec![
                draft("E", Scope::Patient, Some("V1"), encounter),
                draft("P", Scope::Shared, Some("p"), json!({ "resourceType": "Practitioner", "name": name })),
                draft("O", Scope::Shared, Some("o"), json!({ "resourceType": "Organization", "name": "Riverside" })),
            ],
            PersonId([7; 10]),
        );
        let encounter = &found[0].draft.resource;
        assert_eq!(encounter.get("serviceProvider").unwrap()["display"], "Riverside");
        let participants = encounter.get("participant").unwrap();
        assert_eq!(participants[0]["individual"]["display"], "Dr. Maja Lindqvist");
        assert_eq!(participants[1]["individual"]["display"], "Maja");
    }

    #[test]
    fn one_thing_stated_twice_in_one_message_is_one_resource() {
        let (found, problems) = assign(
            vec![
                draft("P.1", Scope::Shared, Some("k"), json!({ "resourceType": "Practitioner", "gender": "male" })),
                draft("P.2", Scope::Shared, Some("k"), json!({ "resourceType": "Practitioner", "active": true })),
            ],
            PersonId([7; 10]),
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].draft.resource.get("active"), Some(&json!(true)));
        assert!(problems.is_empty());
    }

    #[test]
    fn without_a_key_the_content_is_the_key_whatever_the_order_of_its_elements() {
        let one = json!({ "resourceType": "AllergyIntolerance", "code": { "text": "nuts" }, "note": [] });
        let two = json!({ "resourceType": "AllergyIntolerance", "note": [], "code": { "text": "nuts" } });
        let id = |value| assign(vec![draft("A", Scope::Patient, None, value)], PersonId([7; 10])).0[0].id;
        assert_eq!(id(one), id(two.clone()));
        let mut other = two;
        other["code"]["text"] = json!("milk");
        assert_ne!(id(other.clone()), id(json!({ "resourceType": "AllergyIntolerance" })));
    }
}
