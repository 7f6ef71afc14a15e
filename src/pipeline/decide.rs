//! From an understood message and the record as it stands to everything that will be written. A pure function: accepting,
//! replaying, trying and testing all call it.

use std::collections::{BTreeMap, BTreeSet};

use super::find::{FHIR, Found};
use super::labels;
use super::ownership;
use super::portions::Portion;
use super::said::Said;
use super::settle::{Settled, settle};
use super::working::{Working, version_path};
use crate::mapping::Event;
use crate::problem::{Category, Place, Problem, Severity};
use crate::profile::{self, own_profile, validate_own};
use crate::protocol::Memory;
use crate::record::{Change, Record, Stamp, Statement, merge, merge_patients, squash};
use crate::site::{Feed, Intake};
use crate::store::{Disposition, HeadWrite, Trace, TraceLine, WriteUnit};

/// What one message comes to.
pub struct Decided {
    pub unit: WriteUnit,
    pub trace: Trace,
    pub problems: Vec<Problem>,
    pub disposition: Disposition,
    /// The id of the Patient; of several the first, and the others.
    pub patient: Option<String>,
    pub other_patients: Vec<String>,
    /// The record as the unit leaves it, with what the rules remember of it, of one patient whose record is no other's.
    pub(super) record: Option<(Record, Memory)>,
}

/// Merges, evaluates, gates. With an error among the problems nothing of it is to be written but the message itself.
pub(super) fn decide(said: &Said<'_>, portion: &Portion<'_>, found: Found) -> Decided {
    let Said { site, feed, control, received, journey } = *said;
    journey.enter("check");
    let mut problems = found.problems;
    check_profiles(said, portion, &mut problems);
    if problems.iter().any(Problem::is_error) {
        return refused(problems);
    }
    let mut drafts = found.identified;
    labels::label_drafts(said, &found.known.record, &mut drafts, &mut problems);
    journey.enter("merge");
    let record = found.known.record;
    let stamp = |event: &Event| {
        let stamp = Stamp::new(event.occurred, event.recorded, format!("{}/{control}", feed.name));
        ownership::weigh(feed, &portion.candidates, stamp)
    };
    let own = portion.events.iter().map(|(local, event)| (local.clone(), (stamp(event), event.trigger.clone())));
    let statement = Statement {
        stamp: stamp(portion.event),
        trigger: portion.event.trigger.clone(),
        events: own.collect(),
        drafts,
        candidates: ownership::learnable(feed, &record.head, found.identifiers, &mut problems),
        received,
    };
    let (merged, prior) = match found.prior {
        None => (merge(&record, statement), None),
        Some((prior, named)) => (merge_patients(&record, &prior, &named, statement), Some(prior)),
    };
    // What contradicts a merge is named where its sender wrote it.
    problems.extend(merged.problems.into_iter().map(|mut problem| {
        if prior.is_some() && problem.is_error() && portion.event.code != FHIR {
            problem.place = Place::Field(crate::problem::FieldPlace::field("MRG", 1, 1));
        }
        problem
    }));
    if problems.iter().any(Problem::is_error) {
        return refused(problems);
    }
    let records: Vec<&Record> = std::iter::once(&record).chain(prior.as_ref()).collect();
    let changes = labels::spread(&records, merged.changes, received);
    check_encounters(said, &changes, &mut problems);
    journey.enter("protocols");
    let mut working = Working::new(record, found.known.memberships);
    working.memory = found.memory;
    working.record.head = merged.head;
    let prior_write = prior.and_then(|prior| {
        working.record.resources.extend(prior.resources);
        working.record.head.noticed.extend(&prior.head.noticed);
        merged.prior.map(|head| HeadWrite { head, replaces: prior.head.revision })
    });
    working.take(changes);
    for (task, action) in &found.said {
        match site.protocols.act_all(
            &working.record,
            *task,
            std::slice::from_ref(action),
            (&found.author, None),
            received,
        ) {
            Ok(changes) => working.take(changes),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.iter().any(Problem::is_error) {
        return refused(problems);
    }
    let notes = merged.notes.into_iter().map(|(subject, text)| TraceLine::new(&subject, "", &text));
    working.trace.decisions.extend(notes);
    let patient = crate::identity::ResourceId::patient(working.record.head.person).to_string();
    let is_alone = prior_write.is_none();
    let Settled { mut unit, trace, unused, record, memory } = settle(site, working, received);
    problems.extend(unused);
    check_work(feed, &unit, &mut problems);
    unit.heads.extend(prior_write);
    unit.identifiers = merged.identifiers;
    let disposition = Disposition::Applied;
    let record = is_alone.then_some((record, memory));
    Decided { unit, trace, problems, disposition, patient: Some(patient), other_patients: Vec::new(), record }
}

pub(super) fn refused(problems: Vec<Problem>) -> Decided {
    Decided {
        unit: WriteUnit::default(),
        trace: Trace::default(),
        problems,
        disposition: Disposition::Error,
        patient: None,
        other_patients: Vec::new(),
        record: None,
    }
}

/// What is said of what belongs to no patient alone: no record's head changes, nobody is owed anything, and nothing is pushed.
pub(super) fn decide_shared(said: &Said<'_>, portion: &Portion<'_>, found: Found) -> Decided {
    let Said { feed, control, received, .. } = *said;
    let (mut problems, mut drafts) = (found.problems, found.identified);
    let record = found.known.record;
    labels::label_drafts(said, &record, &mut drafts, &mut problems);
    let stamp = Stamp::new(portion.event.occurred, portion.event.recorded, format!("{}/{control}", feed.name));
    let trigger = portion.event.trigger.clone();
    let merged =
        merge(&record, Statement { stamp, trigger, events: BTreeMap::new(), drafts, candidates: Vec::new(), received });
    problems.extend(merged.problems);
    let visible = merged.changes.iter().filter(|change| change.is_visible());
    let resources = visible.map(|change| version_path(&change.stored)).collect();
    let unit = WriteUnit { changes: merged.changes, ..WriteUnit::default() };
    let trace = Trace { resources, ..Trace::default() };
    Decided { unit, trace, disposition: Disposition::Applied, ..refused(problems) }
}

/// What the maps made is checked as the feed asks: reported, or answered AE.
fn check_profiles(said: &Said<'_>, portion: &Portion<'_>, problems: &mut Vec<Problem>) {
    let Said { site, feed, .. } = *said;
    if feed.intake == Intake::Off {
        return;
    }
    for draft in portion.drafts.iter() {
        // Status and the like of an encounter come from the record's state machine, not from the message.
        let made_later =
            |problem: &Problem| draft.resource.resource_type() == "Encounter" && problem.category == Category::Required;
        let asked = feed.profiles.get(draft.resource.resource_type()).map(Vec::as_slice).unwrap_or_default();
        let found = profile::validate_draft(&draft.resource, asked, &site.profiles);
        for mut problem in found.into_iter().filter(|problem| !made_later(problem)) {
            if feed.intake == Intake::Report && problem.is_error() {
                problem.severity = Severity::Warning;
            }
            problems.push(problem);
        }
    }
}

/// An encounter's status, class and period are of the record's making, so that it is checked once more when they stand.
/// What its draft was reported for is not said again, and nothing is refused: more than this message went into it.
fn check_encounters(said: &Said<'_>, changes: &[Change], problems: &mut Vec<Problem>) {
    let Said { site, feed, .. } = *said;
    if feed.intake == Intake::Off {
        return;
    }
    let asked = feed.profiles.get("Encounter").map(Vec::as_slice).unwrap_or_default();
    let encounters = changes.iter().map(|change| &change.stored.resource);
    for encounter in encounters.filter(|resource| resource.resource_type() == "Encounter") {
        for mut problem in profile::validate_draft(encounter, asked, &site.profiles) {
            let is_said = |known: &Problem| (&known.place, &known.text) == (&problem.place, &problem.text);
            if !problems.iter().any(is_said) {
                if problem.is_error() {
                    problem.severity = Severity::Warning;
                }
                problems.push(problem);
            }
        }
    }
}

/// What the protocols made is checked where the feed asks for checks, and only reported: it is the site's or our own
/// fault, not the sender's, and no reason to refuse a message.
fn check_work(feed: &Feed, unit: &WriteUnit, problems: &mut Vec<Problem>) {
    if feed.intake == Intake::Off {
        return;
    }
    let made = unit.changes.iter().map(|change| &change.stored.resource).filter(|made| own_profile(made).is_some());
    for mut problem in made.flat_map(validate_own) {
        problem.severity = Severity::Warning;
        problems.push(problem);
    }
}

/// What the portions of one message come to together: committed whole, or nothing of it when one has an error.
pub(super) fn joined(portions: Vec<Decided>) -> Decided {
    let mut portions = portions.into_iter();
    let Some(mut whole) = portions.next() else { return refused(Vec::new()) };
    if portions.len() == 0 {
        return whole;
    }
    whole.record = None;
    let mut others = BTreeSet::new();
    for mut portion in portions {
        others.extend(portion.patient.take());
        whole.problems.append(&mut portion.problems);
        if portion.disposition != Disposition::Applied {
            whole.disposition = portion.disposition;
        }
        whole.unit.changes.append(&mut portion.unit.changes);
        whole.unit.identifiers.append(&mut portion.unit.identifiers);
        whole.unit.deliveries.append(&mut portion.unit.deliveries);
        whole.unit.audit.append(&mut portion.unit.audit);
        portion.unit.heads.into_iter().for_each(|write| add_head(&mut whole.unit.heads, write));
        whole.trace.decisions.append(&mut portion.trace.decisions);
        whole.trace.agreements.append(&mut portion.trace.agreements);
        whole.trace.deliveries.append(&mut portion.trace.deliveries);
    }
    if whole.disposition != Disposition::Applied {
        return refused(whole.problems);
    }
    whole.unit.changes = squash(whole.unit.changes);
    let visible = whole.unit.changes.iter().filter(|change| change.is_visible());
    whole.trace.resources = visible.map(|change| version_path(&change.stored)).collect();
    whole.other_patients = others.into_iter().filter(|other| Some(other) != whole.patient.as_ref()).collect();
    whole
}

/// A head that two portions change is written once, over the revision that is stored.
fn add_head(heads: &mut Vec<HeadWrite>, write: HeadWrite) {
    match heads.iter_mut().find(|known| known.head.person == write.head.person) {
        Some(known) => {
            known.head = write.head;
            known.head.revision = known.replaces + 1;
        }
        None => heads.push(write),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_several_patients_names_the_first_and_the_others() {
        let of = |patient: &str| Decided {
            disposition: Disposition::Applied,
            patient: Some(patient.to_string()),
            ..refused(Vec::new())
        };
        let about = |patients: &[&str]| {
            let whole = joined(patients.iter().map(|patient| of(patient)).collect());
            (whole.patient.unwrap(), whole.other_patients.concat())
        };
        assert_eq!(about(&["b"]), ("b".to_string(), String::new()));
        assert_eq!(about(&["b", "b"]), ("b".to_string(), String::new()));
        assert_eq!(about(&["b", "a", "b", "c"]), ("b".to_string(), "ac".to_string()));
    }
}
