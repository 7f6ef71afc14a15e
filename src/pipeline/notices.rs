//! What the rules could not use, said once: what stands in the record is seen at every look and told at the first. And what
//! of a refused message is counted. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::hot::OBSERVATIONS;
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::record::Record;
use crate::store::{Disposition, Gathered, NO_FEED, Notice};
use crate::unused::{Duty, Kind};

/// What one look at a record can leave unused and tell apart.
const MOST: usize = 500;

/// What is new since the rules last looked, each with the feed that brought it; from now on the record knows it.
pub(super) fn new_since(record: &mut Record, found: Vec<Problem>) -> Vec<Problem> {
    let (mut standing, mut told) = (BTreeSet::new(), Vec::new());
    let mut too_many = false;
    for mut problem in found {
        let Some(fingerprint) = problem.fingerprint() else {
            told.push(problem);
            // Nothing lost: it was told just now.
            continue;
        };
        // Nothing lost: that there are too many is told below.
        too_many |= standing.len() >= MOST;
        // Nothing lost: what stands in the record was told at an earlier look.
        if standing.len() < MOST && standing.insert(fingerprint) && !record.head.noticed.contains(&fingerprint) {
            name_feed(record, &mut problem);
            told.push(problem);
        }
    }
    let limits = [(too_many, too_many_notices as fn() -> Problem), (record.truncated, older_observations)];
    for limit in limits.into_iter().filter(|(is_met, _)| *is_met).map(|(_, limit)| limit()) {
        let fingerprint = limit.fingerprint().unwrap_or_default();
        if standing.insert(fingerprint) && !record.head.noticed.contains(&fingerprint) {
            told.push(limit);
        }
    }
    record.head.noticed = standing;
    told
}

fn too_many_notices() -> Problem {
    let text = format!("the rules cannot use more than {MOST} things in this record; only so many are told apart");
    let about = format!("{MOST} notices of one record");
    Problem::warning(Category::TooCostly, Place::Whole, text).unused(Kind::Limit, &about).seen_in("record")
}

fn older_observations() -> Problem {
    let text = format!("the record has more observations than rules look at; they see the newest {OBSERVATIONS}");
    let about = format!("{OBSERVATIONS} observations of one record");
    Problem::information(Category::TooCostly, Place::Whole, text).unused(Kind::Limit, &about).seen_in("record")
}

/// The feed that had the last word on the resource that it is seen in.
fn name_feed(record: &Record, problem: &mut Problem) {
    // Nothing lost: what is not unused needs no feed.
    let Some(unused) = &mut problem.unused else { return };
    let seen = unused.seen_in.as_deref().and_then(|version| {
        let mut parts = version.split('/');
        let (kind, id) = (parts.next()?, parts.next()?.parse::<ResourceId>().ok()?);
        record.get(kind, id)?.feed()
    });
    unused.feed = seen.map(str::to_string);
}

/// What is counted when no message brought it.
pub(super) fn without_message(problems: &[Problem], now: Timestamp) -> Vec<Notice> {
    let mut gathered = Gathered::default();
    for problem in problems {
        if let Some(unused) = &problem.unused {
            gathered.add(Notice::new(NO_FEED, now, &problem.place.to_string(), &problem.text, unused));
        }
    }
    gathered.notices
}

/// A message that was refused is unused as a whole, whatever else is said of it: its sender must change something.
pub(super) fn mark_refused(problems: &mut [Problem], disposition: Disposition, event: &str) {
    let is_refused = matches!(disposition, Disposition::Error | Disposition::Rejected);
    if !is_refused || problems.iter().any(|problem| problem.is_error() && problem.unused.is_some()) {
        return;
    }
    let is_event = event.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'^');
    let event = if is_event && event.len() <= 16 { event } else { "" };
    if let Some(problem) = problems.iter_mut().find(|problem| problem.is_error()) {
        *problem = problem.clone().unused(Kind::Event, event).owed_by(Duty::Feed);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::{Identifier, Resource};
    use crate::identity::PersonId;
    use crate::record::{Stamp, State, Stored};

    fn reading(version: u64) -> (Record, String) {
        let person = PersonId::of(&Identifier::new("urn:x", "1"));
        let id = ResourceId::of(person, "Observation", "1");
        let stamp = Stamp::new(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, "home-devices/17");
        let state = State { stamps: [("status".to_string(), stamp)].into(), ..State::default() };
        let resource = Resource::new("Observation").with("status", json!("final"));
        let stored = Stored { id, version, updated: Timestamp::UNIX_EPOCH, resource, state };
        let mut record = Record::new(person);
        record.resources.insert(("Observation".to_string(), id), stored);
        (record, format!("Observation/{id}/_history/{version}"))
    }

    fn unusable(seen: &str) -> Problem {
        let problem = Problem::warning(Category::NotSupported, Place::Whole, "no rule reads this code");
        problem.unused(Kind::Reading, "L WEIGHT2").seen_in(seen)
    }

    #[test]
    fn what_stands_in_the_record_is_told_at_the_first_look_with_its_feed_and_anew_when_it_is_corrected() {
        let (mut record, first) = reading(1);
        let told = new_since(&mut record, vec![unusable(&first), unusable(&first)]);
        assert_eq!(told.len(), 1);
        assert_eq!(without_message(&told, Timestamp::UNIX_EPOCH)[0].cause.feed, "home-devices");
        assert!(new_since(&mut record, vec![unusable(&first)]).is_empty());
        let corrected = first.replace("_history/1", "_history/2");
        assert_eq!(new_since(&mut record, vec![unusable(&corrected)]).len(), 1);
        assert!(new_since(&mut record, Vec::new()).is_empty());
        assert_eq!(record.head.noticed.len(), 0, "only what stands is remembered");
    }

    #[test]
    fn more_than_can_be_told_apart_is_said_once() {
        let (mut record, _) = reading(1);
        let many = || (0..700).map(|number| unusable(&format!("Observation/{number}/_history/1"))).collect();
        let told = new_since(&mut record, many());
        assert_eq!(told.len(), MOST + 1);
        assert!(new_since(&mut record, many()).is_empty());
    }

    #[test]
    fn observations_beyond_those_that_rules_look_at_are_told_of_once_per_record() {
        let (mut record, _) = reading(1);
        record.truncated = true;
        let told = new_since(&mut record, Vec::new());
        assert_eq!(told[0].unused.as_ref().unwrap().about, "384 observations of one record");
        assert!(new_since(&mut record, Vec::new()).is_empty());
    }

    #[test]
    fn what_a_rule_says_of_the_input_at_hand_is_told_each_time() {
        let (mut record, _) = reading(1);
        let said = || vec![Problem::warning(Category::Value, Place::Whole, "no unit").unused(Kind::Unit, "LN 2339-0")];
        assert_eq!(new_since(&mut record, said()).len(), 1);
        assert_eq!(new_since(&mut record, said()).len(), 1);
    }

    #[test]
    fn a_refused_message_is_counted_by_its_event_and_never_by_what_stands_in_its_place() {
        for (event, about) in [("ADT^A99", "ADT^A99"), ("DOE^JANE^MARIE^19610217", "")] {
            let mut problems = [Problem::error(Category::NotSupported, Place::Whole, "no mapping reads it")];
            mark_refused(&mut problems, Disposition::Rejected, event);
            assert_eq!(problems[0].unused.as_ref().unwrap().about, about);
            let mut taken = [Problem::warning(Category::Value, Place::Whole, "a remark")];
            mark_refused(&mut taken, Disposition::Applied, event);
            assert_eq!(taken[0].unused, None);
        }
    }
}
