//! Whether a statement says of a thing only what is known of it, so that it changes nothing, whenever it was true.

use super::fragment::Fragment;
use super::{Stamp, Stored};
use crate::identity::Identified;

/// Whether a draft of a shared thing repeats what is stored. Then nothing of the thing depends on which of the two statements is
/// the later one: all parts say something and show, and the draft's are among them.
pub fn only_repeats(stored: &Stored, identified: &Identified) -> bool {
    let state = &stored.state;
    let is_plain = state.hidden.is_empty() && state.counts.is_empty() && state.transitions.is_empty();
    if !is_plain || state.superseded.is_some() || !identified.draft.deleted.is_empty() {
        return false;
    }
    let known = Fragment::stored(&stored.resource, state, stored.id.person);
    let stamp = Stamp::new(stored.updated, stored.updated, "");
    let stated = Fragment::stated(identified, &stamp, "");
    let is_all_said = known.parts.values().all(|part| part.content.is_some());
    let is_known = stated.parts.iter().all(|(name, part)| {
        let same = known.parts.get(name);
        same.is_some_and(|same| same.content == part.content && same.source == part.source)
    });
    let is_bare = known.faces.is_empty() && stated.faces.is_empty() && stated.transitions.is_empty();
    is_all_said && is_known && is_bare
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use serde_json::{Value, json};

    use super::*;
    use crate::fhir::{Draft, Resource, Scope};
    use crate::identity::{PersonId, ResourceId};
    use crate::record::{Record, Statement, merge};

    const KIND: &str = "Practitioner";

    fn identified(resource: Value, sources: &[(&str, &[&str])], deleted: &[&str]) -> Identified {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_string()).collect::<Vec<_>>();
        let draft = Draft {
            local: KIND.to_string(),
            scope: Scope::Shared,
            key: None,
            resource: Resource::try_from(resource).unwrap(),
            deleted: owned(deleted),
            sources: sources.iter().map(|(element, all)| ((*element).to_string(), owned(all))).collect(),
        };
        Identified { id: ResourceId::of(PersonId::SHARED, KIND, "1"), draft }
    }

    fn told(record: &mut Record, hours: i64, identified: Identified) -> usize {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        let statement = Statement {
            stamp: Stamp::new(at, at, "feed/1"),
            trigger: "A04".to_string(),
            drafts: vec![identified],
            events: std::collections::BTreeMap::new(),
            candidates: Vec::new(),
            received: at,
        };
        let changes = merge(record, statement).changes;
        changes.iter().for_each(|change| record.apply(change));
        changes.len()
    }

    /// Statements of one thing, told in every order of two after a first.
    fn statements() -> Vec<Identified> {
        let of = |value: Value| {
            let mut all = json!({ "resourceType": KIND });
            all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
            all
        };
        let number = json!([{ "system": "s", "value": "1" }]);
        vec![
            identified(of(json!({ "identifier": number, "name": [{ "family": "A" }] })), &[], &[]),
            identified(of(json!({ "identifier": number, "name": [{ "family": "B" }] })), &[], &[]),
            identified(of(json!({ "identifier": number })), &[], &["name"]),
            identified(of(json!({ "telecom": [{ "value": "1" }] })), &[("telecom", &["PRD-5"])], &[]),
            identified(of(json!({ "telecom": [{ "value": "1" }] })), &[], &[]),
            identified(
                of(json!({ "telecom": [{ "value": "1" }, { "value": "2" }] })),
                &[("telecom", &["PRD-5", "PRD-6"])],
                &[],
            ),
            identified(of(json!({ "deceasedBoolean": false })), &[], &[]),
            identified(of(json!({ "deceasedDateTime": "2026" })), &[], &[]),
            identified(of(json!({ "period": { "start": "2026" } })), &[("period", &[])], &[]),
            identified(of(json!({ "period": { "start": "2026" } })), &[], &[]),
        ]
    }

    #[test]
    fn what_only_repeats_changes_nothing_whenever_it_is_told() {
        let (all, mut repeated) = (statements(), 0);
        for first in &all {
            for second in &all {
                let mut record = Record::new(PersonId([1; 10]));
                told(&mut record, 10, first.clone());
                told(&mut record, 20, second.clone());
                for third in &all {
                    // Nothing lost: a thing of which nothing is known repeats nothing.
                    let Some(stored) = record.get(KIND, third.id) else { continue };
                    if only_repeats(stored, third) {
                        repeated += 1;
                        for hours in [5, 15, 25] {
                            assert_eq!(
                                told(&mut record.clone(), hours, third.clone()),
                                0,
                                "{first:?} {second:?} {third:?}"
                            );
                        }
                    }
                }
            }
        }
        assert!(repeated > 60, "{repeated} only");
    }

    #[test]
    fn what_says_more_or_otherwise_is_no_repetition() {
        let mut record = Record::new(PersonId([1; 10]));
        let name = |family: &str| json!({ "resourceType": KIND, "name": [{ "family": family }] });
        told(&mut record, 10, identified(name("A"), &[], &[]));
        let stored = record.get(KIND, ResourceId::of(PersonId::SHARED, KIND, "1")).unwrap();
        assert!(only_repeats(stored, &identified(name("A"), &[], &[])));
        assert!(!only_repeats(stored, &identified(name("B"), &[], &[])));
        assert!(!only_repeats(stored, &identified(name("A"), &[("name", &["PRD-2"])], &[])));
        assert!(!only_repeats(stored, &identified(name("A"), &[], &["telecom"])));
        let more = json!({ "resourceType": KIND, "name": [{ "family": "A" }], "active": true });
        assert!(!only_repeats(stored, &identified(more, &[], &[])));
    }
}
