//! A Group (http://hl7.org/fhir/R4/group.html) lies in nobody's record and tells of each of its members that they are in it: who they are is
//! told of those only whom its reader may read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::redact::{forget_looks, subset};
use crate::fhir::Resource;
use crate::identity::ResourceId;

/// Members of a Group at most: each is asked about whenever it is read.
pub const MOST_MEMBERS: usize = 1000;

/// Whom a Group may name beside patients; they are in nobody's record.
const STAFF: [&str; 2] = ["Practitioner", "PractitionerRole"];

/// Who a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    Patient(ResourceId),
    Staff,
    /// Nobody of whom this gateway could say who may know of them.
    Unknown,
}

impl Member {
    pub fn of(member: &Value) -> Self {
        let reference = member.pointer("/entity/reference").and_then(Value::as_str).unwrap_or_default();
        match reference.split_once('/') {
            Some(("Patient", id)) => id.parse().map_or(Self::Unknown, Self::Patient),
            Some((kind, _)) if STAFF.contains(&kind) => Self::Staff,
            _ => Self::Unknown,
        }
    }
}

pub fn members(group: &Resource) -> &[Value] {
    group.get("member").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The patients who are members, each once.
pub fn patients_in(group: &Resource) -> BTreeSet<ResourceId> {
    let patient = |member| match Member::of(member) {
        Member::Patient(id) => Some(id),
        Member::Staff | Member::Unknown => None,
    };
    members(group).iter().filter_map(patient).collect()
}

/// The Group without members who are not theirs to know, and without what would tell that there are such; none where it is whole.
pub fn without_others(group: &Resource, is_theirs: &dyn Fn(ResourceId) -> bool) -> Option<Resource> {
    let is_shown = |member: &&Value| match Member::of(member) {
        Member::Patient(id) => is_theirs(id),
        Member::Staff => true,
        Member::Unknown => false,
    };
    let shown: Vec<Value> = members(group).iter().filter(is_shown).cloned().collect();
    if shown.len() == members(group).len() {
        return None;
    }
    let mut reduced = group.clone();
    // How many there are, and a narrative, may tell of those who are left out.
    ["member", "quantity", "text"].iter().for_each(|element| _ = reduced.remove(element));
    if !shown.is_empty() {
        reduced.set("member", Value::Array(shown));
    }
    forget_looks(&mut reduced);
    subset(&mut reduced);
    Some(reduced)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::PersonId;

    fn patient(number: &str) -> ResourceId {
        ResourceId::patient(PersonId::of(&crate::fhir::Identifier::new("urn:mrn", number)))
    }

    fn group() -> Resource {
        let entity = |reference: String| json!({ "entity": { "reference": reference } });
        let members = [
            entity(format!("Patient/{}", patient("1"))),
            entity(format!("Patient/{}", patient("2"))),
            entity("Practitioner/p".to_string()),
        ];
        let group = json!({ "resourceType": "Group", "type": "person", "actual": true, "quantity": 3, "member": members,
            "text": { "status": "generated", "div": "three" } });
        group.try_into().unwrap()
    }

    #[test]
    fn whom_a_reader_may_not_know_is_left_out_with_what_would_tell_of_them() {
        let all = group();
        assert_eq!(without_others(&all, &|_| true), None);
        let some = without_others(&all, &|id| id == patient("1")).unwrap();
        assert_eq!((members(&some).len(), some.get("quantity"), some.get("text")), (2, None, None));
        assert_eq!(some.get("meta").unwrap()["security"][0]["code"], "SUBSETTED");
        let nobody = without_others(&all, &|_| false).unwrap();
        assert_eq!(patients_in(&nobody).len(), 0);
        // Of whom nobody can say who they are nobody is told.
        let mut others = group();
        others.set(
            "member",
            json!([{ "entity": { "identifier": { "value": "4711" } } }, { "entity": { "reference": "#p" } }]),
        );
        assert_eq!(without_others(&others, &|_| true).unwrap().get("member"), None);
    }
}
