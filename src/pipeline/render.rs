//! How a resource looks to a partner: it carries an identifier of ours for update-by-identifier
//! (http://hl7.org/fhir/R4/http.html#cond-update), and names what it refers to by business identifiers
//! (http://hl7.org/fhir/R4/references.html#logical), because our ids mean nothing at the partner's server.

use serde_json::{Value, json};

use crate::fhir::{Identifier, Resource, home_of};
use crate::identity::ResourceId;
use crate::record::{Membership, Record};

/// What the references of one payload are rendered with.
pub(super) struct Rendering<'a> {
    pub base_url: &'a str,
    pub record: &'a Record,
    /// The patient's memberships on panels of the receiving partner.
    pub memberships: &'a [&'a Membership],
    /// It ends a copy: whose it was the partner is told by its own number only, if it has one still.
    pub is_ending: bool,
}

/// Types that have a list of identifiers and so can be updated by identifier. Others cannot be pushed.
pub fn is_pushable(resource_type: &str) -> bool {
    !matches!(
        resource_type,
        "Provenance" | "AuditEvent" | "Binary" | "Bundle" | "Composition" | "QuestionnaireResponse"
    )
}

/// The identifier that a resource of ours has everywhere: the gateway's address and our id.
pub fn own_identifier(base_url: &str, resource_type: &str, id: &str) -> Identifier {
    Identifier::new(format!("{base_url}/id/{}", resource_type.to_lowercase()), id)
}

/// Which of our resources a rendered one is, by its first identifier; none where it was made for the partner alone.
pub fn own_key(base_url: &str, rendered: &Value) -> Option<(String, ResourceId)> {
    let kind = rendered.get("resourceType")?.as_str()?;
    let first = rendered.pointer("/identifier/0").and_then(Identifier::from_json)?;
    let is_own = first == own_identifier(base_url, kind, &first.value);
    // Nothing lost: it is told where it is asked for; what is not ours has no key.
    Some((kind.to_string(), first.value.parse().ok().filter(|_| is_own)?))
}

impl Rendering<'_> {
    /// The payload for the partner: without our logical id and version, our identifier first.
    pub(super) fn render(&self, resource: &Resource) -> Value {
        let mut resource = resource.clone();
        let resource_type = resource.resource_type().to_string();
        let id = resource.remove("id").and_then(|id| id.as_str().map(str::to_string)).unwrap_or_default();
        if let Some(Value::Object(meta)) = resource.as_map_mut().get_mut("meta") {
            meta.shift_remove("versionId");
            meta.shift_remove("lastUpdated");
        }
        if resource.get("meta").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
            resource.remove("meta");
        }
        let mut identifiers = vec![own_identifier(self.base_url, &resource_type, &id).to_json()];
        if let Some(Value::Array(stated)) = resource.remove("identifier") {
            identifiers.extend(stated);
        }
        resource.set("identifier", Value::Array(identifiers));
        // What is here is read here.
        resource.rewrite_links(&mut |link| {
            let (kind, id) = link.split_once('/')?;
            let is_ours = home_of(kind).is_some() && id.parse::<ResourceId>().is_ok();
            is_ours.then(|| format!("{}/fhir/{link}", self.base_url))
        });
        let mut value = Value::from(resource);
        self.name_references(&mut value);
        value
    }

    fn name_references(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.name_references(item)),
            Value::Object(map) => {
                if let Some(literal) = map.get("reference").and_then(Value::as_str)
                    && let Some((resource_type, id)) = literal.split_once('/')
                    && !literal.contains(':')
                    && !literal.starts_with('#')
                {
                    let (resource_type, identifier) =
                        (resource_type.to_string(), self.identifier_of(resource_type, id));
                    map.shift_remove("reference");
                    map.insert("type".to_string(), json!(resource_type));
                    map.entry("identifier").or_insert_with(|| identifier.to_json());
                }
                map.values_mut().for_each(|item| self.name_references(item));
            }
            // Nothing lost: a text, a number and a null hold no reference.
            _ => {}
        }
    }

    /// A patient by the partner's own member number when it has one, else by the first identifier we know, unless the partner
    /// may know no more of the patient; everything else by our identifier.
    fn identifier_of(&self, resource_type: &str, id: &str) -> Identifier {
        let own = own_identifier(self.base_url, resource_type, id);
        if resource_type != "Patient" {
            return own;
        }
        let member = self.memberships.iter().find_map(|membership| membership.identifiers.first());
        let known = self.record.head.identifiers.first().filter(|_| !self.is_ending);
        member.or(known).cloned().unwrap_or(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::PersonId;

    fn rendered(memberships: &[&Membership], is_ending: bool) -> Value {
        let person = PersonId::of(&Identifier::new("urn:oid:1.2", "4711"));
        let mut record = Record::new(person);
        record.head.identifiers.push(Identifier::new("urn:oid:1.2", "4711"));
        let task = json!({
            "resourceType": "Task", "id": "t1", "meta": { "versionId": "3" },
            "for": { "reference": "Patient/p1", "display": "Doe, Jane" },
            "encounter": { "reference": "Encounter/e1" },
            "owner": { "identifier": { "system": "x", "value": "y" } },
            "reasonReference": { "reference": "https://elsewhere.example/Condition/1" },
        });
        let rendering = Rendering { base_url: "https://gateway.example", record: &record, memberships, is_ending };
        rendering.render(&Resource::try_from(task).unwrap())
    }

    #[test]
    fn our_identifier_comes_first_and_our_id_stays_home() {
        let payload = rendered(&[], false);
        assert_eq!(payload["identifier"][0], json!({ "system": "https://gateway.example/id/task", "value": "t1" }));
        assert_eq!(payload.get("id"), None);
        assert_eq!(payload.get("meta"), None);
    }

    #[test]
    fn a_patient_is_named_by_the_partners_own_number_first() {
        let member = Membership {
            panel: "lakeside".into(),
            identifiers: vec![Identifier::new("https://lakeside.example/member", "L-1")],
            practitioner: None,
            care_manager: None,
            language: None,
            phone: None,
        };
        assert_eq!(rendered(&[&member], false)["for"]["identifier"]["value"], "L-1");
        assert_eq!(rendered(&[], false)["for"]["identifier"]["value"], "4711");
        assert_eq!(rendered(&[&member], true)["for"]["identifier"]["value"], "L-1");
        let own = json!({ "system": "https://gateway.example/id/patient", "value": "p1" });
        assert_eq!(
            rendered(&[], true)["for"]["identifier"],
            own,
            "a hospital's number is nobody's who may not have it"
        );
    }

    #[test]
    fn other_references_become_our_identifiers_and_absolute_ones_stay() {
        let payload = rendered(&[], false);
        assert_eq!(payload["encounter"]["identifier"]["system"], "https://gateway.example/id/encounter");
        assert_eq!(payload["encounter"].get("reference"), None);
        assert_eq!(payload["reasonReference"]["reference"], "https://elsewhere.example/Condition/1");
        assert_eq!(payload["owner"], json!({ "identifier": { "system": "x", "value": "y" } }));
    }
}
