//! The course of one encounter: its statuses, classes and period, folded over everything that happened in order of time.
//! Odd sequences end in a defensible status and a note, never in a fault.

use jiff::Timestamp;

use serde_json::Value;

use super::super::part::{Part, Parts};
use super::super::{Stamp, Transition};
use super::instant::instant;
use super::places::{self, Places};
use super::trigger::{DISPOSITION, Meaning, PLACE};

/// A status or class that is over: what, from when, until when.
pub(super) type Past = (String, Timestamp, Timestamp);

#[derive(Debug, Default, PartialEq)]
pub(in crate::record) struct Course {
    pub status: String,
    pub status_history: Vec<Past>,
    pub class: Option<String>,
    pub class_history: Vec<Past>,
    pub start: Option<String>,
    pub end: Option<String>,
    /// Whether nobody stated the start, or the end, so that the time of an event stands in for it.
    pub stands_in: (bool, bool),
    pub places: Places,
    /// How it ended, or that nobody says so any more.
    disposition: Option<(Stamp, Option<Value>)>,
    /// Why the status is what it is: `finished at 2026-03-02T14:00:00Z: A03 from riverside`.
    pub because: String,
    /// What was odd, for people.
    pub notes: Vec<String>,
}

/// Follows the transitions, which are sorted by stamp.
pub(in crate::record) fn project(transitions: &[Transition]) -> Course {
    let mut fold = Fold::default();
    for transition in transitions {
        fold.step(transition);
    }
    if fold.status.is_none() {
        fold.weigh_mentions(transitions);
    }
    let (class, class_history) = classes(transitions);
    let start = start(transitions, class_history.first().map(|(_, _, until)| *until));
    let is_stated = |bound: &Option<String>, of: fn(&Transition) -> &Option<String>| {
        bound.is_none() || transitions.iter().any(|transition| of(transition) == bound)
    };
    let stands_in =
        (!is_stated(&start, |transition| &transition.start), !is_stated(&fold.end, |transition| &transition.end));
    Course {
        places: places::follow(transitions),
        disposition: fold.disposition,
        status: fold.status.map_or_else(|| "unknown".to_string(), |(status, _)| status),
        status_history: fold.history,
        class,
        class_history,
        start,
        end: fold.end,
        stands_in,
        because: fold.because,
        notes: fold.notes,
    }
}

impl Course {
    /// Somebody says how it ended.
    pub(in crate::record) fn is_said_to_end(&self) -> bool {
        self.disposition.as_ref().is_some_and(|(_, said)| said.is_some())
    }

    /// The parts of an Encounter that follow from its course and stand among what was stated of the same element.
    pub(in crate::record) fn parts(&self) -> Parts {
        let mut parts = Parts::new();
        if let Some((stamp, items)) = self.places.locations(&self.status, self.end.as_deref()) {
            let content = [("location".to_string(), Value::Array(items))].into_iter().collect();
            parts.insert(PLACE.to_string(), Part { stamp: Some(stamp), content: Some(content), source: None });
        }
        if let Some((stamp, disposition)) = &self.disposition {
            let content =
                disposition.clone().map(|told| [("dischargeDisposition".to_string(), told)].into_iter().collect());
            parts.insert(DISPOSITION.to_string(), Part { stamp: Some(stamp.clone()), content, source: None });
        }
        parts
    }
}

#[derive(Default)]
struct Fold {
    status: Option<(String, Timestamp)>,
    class: Option<String>,
    end: Option<String>,
    /// When the discharge was, by its event.
    discharged: Option<Timestamp>,
    disposition: Option<(Stamp, Option<Value>)>,
    history: Vec<Past>,
    because: String,
    notes: Vec<String>,
}

impl Fold {
    fn step(&mut self, next: &Transition) {
        let status = self.status.as_ref().map(|(status, _)| status.clone());
        let meaning = Meaning::of(next);
        match (meaning, status.as_deref()) {
            (Meaning::Plan, None) => self.become_status("planned", next),
            (Meaning::Arrive, None | Some("planned")) => self.become_status("arrived", next),
            (Meaning::Return, None | Some("onleave")) => self.become_status("in-progress", next),
            (Meaning::Leave, Some("in-progress")) => self.become_status("onleave", next),
            (Meaning::Admit, Some("finished"))
            | (Meaning::BecomeInpatient | Meaning::BecomeOutpatient, Some("finished")) => {
                self.admit_after_discharge(next);
            }
            (Meaning::Admit, Some("cancelled")) => {
                self.note(next, "registers again what was cancelled");
                self.become_status("in-progress", next);
            }
            (Meaning::BecomeInpatient | Meaning::BecomeOutpatient | Meaning::Discharge, Some("cancelled")) => {
                self.note(next, "comes after the cancellation, which stands");
            }
            (Meaning::Admit | Meaning::BecomeInpatient | Meaning::BecomeOutpatient, _) => {
                self.become_status("in-progress", next);
            }
            (Meaning::Discharge, _) => self.discharge(next, status.is_none()),
            (Meaning::UndoDischarge, Some("finished") | None) => {
                self.end = None;
                self.become_status("in-progress", next);
            }
            (Meaning::UndoDischarge, _) => self.note(next, "cancels a discharge that nobody reported"),
            (Meaning::Cancel, _) | (Meaning::CancelPlan, None | Some("planned")) => {
                self.end = None;
                self.become_status("cancelled", next);
            }
            (Meaning::CancelPlan, _) => self.note(next, "cancels a plan that was already carried out"),
            (Meaning::Say, _) => self.say(next),
            (Meaning::Mention, Some("finished")) if next.end.is_some() => self.end.clone_from(&next.end),
            // The end that was stated is none; the visit is over all the same, since its discharge.
            (Meaning::Mention, Some("finished")) if next.deletes("period.end") => {
                self.end = self.discharged.map(|at| at.to_string());
            }
            (Meaning::Plan | Meaning::Arrive | Meaning::Leave | Meaning::Return, _) => {}
            (Meaning::Mention | Meaning::UndoTransfer | Meaning::Result, _) => {}
        }
        let was_over = status.as_deref() == Some("finished");
        let goes_on = was_over && self.status.as_ref().is_some_and(|(status, _)| status != "finished");
        self.dispose(next, meaning, goes_on);
        if let Some(class) = next.class.clone().or_else(|| meaning.class().map(String::from)) {
            self.class = Some(class);
        }
    }

    /// What was said of how the visit ended goes with its end. Results say so only where nobody else does.
    fn dispose(&mut self, next: &Transition, meaning: Meaning, goes_on: bool) {
        let undone = matches!(meaning, Meaning::UndoDischarge | Meaning::Cancel);
        if undone || next.deletes(DISPOSITION) {
            self.disposition = Some((next.stamp.clone(), None));
        } else if let Some(told) = &next.disposition {
            if meaning != Meaning::Result || self.disposition.is_none() {
                self.disposition = Some((next.stamp.clone(), Some(told.0.clone())));
            }
        } else if goes_on && self.disposition.is_some() {
            self.disposition = Some((next.stamp.clone(), None));
        }
    }

    /// A registration that is later than the discharge: either the visit goes on, or the message was only late.
    fn admit_after_discharge(&mut self, next: &Transition) {
        let begins = next.start.as_deref().and_then(instant);
        let ended = self.end.as_deref().and_then(instant);
        let other_class = next.class.is_some() && next.class != self.class;
        let goes_on = match (begins, ended) {
            (Some(begins), Some(ended)) => begins > ended,
            _ => true,
        };
        if goes_on || other_class {
            self.note(next, "goes on with a visit that had been discharged");
            self.end = None;
            self.become_status("in-progress", next);
        } else {
            self.note(next, "tells late of a beginning before the discharge, which stands");
        }
    }

    fn discharge(&mut self, next: &Transition, first: bool) {
        if first {
            self.note(next, "ends a visit whose beginning nobody reported");
        }
        self.discharged = Some(next.stamp.occurred);
        if next.end.is_some() || self.end.is_none() || next.deletes("period.end") {
            self.end = Some(next.end.clone().unwrap_or_else(|| next.stamp.occurred.to_string()));
        }
        self.become_status("finished", next);
    }

    fn say(&mut self, next: &Transition) {
        let status = next.status.clone().unwrap_or_default();
        self.end.clone_from(&next.end);
        self.become_status(&status, next);
    }

    fn become_status(&mut self, status: &str, by: &Transition) {
        let at = match (status, self.end.as_deref().and_then(instant)) {
            ("finished", Some(end)) => end,
            _ => by.stamp.occurred,
        };
        if self.status.as_ref().is_some_and(|(known, _)| known == status) {
            return;
        }
        self.because = format!("{status} at {at}: {} from {}", by.trigger, by.stamp.feed());
        if let Some((old, since)) = self.status.take() {
            self.history.push((old, since, at.max(since)));
        }
        self.status = Some((status.to_string(), at));
    }

    fn note(&mut self, by: &Transition, what: &str) {
        self.notes.push(format!("{} of {} {what}", by.trigger, by.stamp.occurred));
    }

    /// Nothing but updates is known: it is going on, or over when one of them told its end. Results and orders tell of no
    /// visit: who sends them knows a bed, not that somebody still lies in it.
    fn weigh_mentions(&mut self, transitions: &[Transition]) {
        let told = |transition: &&Transition| Meaning::of(transition) != Meaning::Result;
        let Some(first) = transitions.iter().find(told) else {
            self.because = "unknown: only results and orders mention the visit".to_string();
            return;
        };
        let of_end = |transition: &&Transition| transition.end.is_some() || transition.deletes("period.end");
        match transitions.iter().rev().filter(told).find(of_end).filter(|last| last.end.is_some()) {
            Some(ended) => {
                self.end.clone_from(&ended.end);
                self.become_status("finished", ended);
            }
            None => self.become_status("in-progress", first),
        }
        self.because.push_str(", which only mentions the visit");
    }
}

/// The class now and those before it. Results tell a class only when no ADT message does.
fn classes(transitions: &[Transition]) -> (Option<String>, Vec<Past>) {
    let told = |transition: &Transition| {
        transition.class.clone().or_else(|| Meaning::of(transition).class().map(String::from))
    };
    let from_result = |transition: &&Transition| Meaning::of(transition) == Meaning::Result;
    let mut now: Option<(String, Timestamp)> = None;
    let mut past = Vec::new();
    for transition in transitions.iter().filter(|transition| !from_result(transition)) {
        // Nothing lost: an event that tells no class changes none.
        let Some(class) = told(transition) else { continue };
        match &mut now {
            Some((known, _)) if *known == class => {}
            Some((known, since)) => {
                let at = transition.stamp.occurred;
                past.push((std::mem::replace(known, class), std::mem::replace(since, at), at));
            }
            None => now = Some((class, transition.stamp.occurred)),
        }
    }
    let fallback = || transitions.iter().rev().find_map(told);
    (now.map(|(class, _)| class).or_else(fallback), past)
}

/// `period.start`: the latest statement made while the visit was in its first class. Statements made after it changed class
/// often mean the beginning of that part (PV1-44 of an admission from the ED), so they count only when they are earlier.
fn start(transitions: &[Transition], first_change: Option<Timestamp>) -> Option<String> {
    let stated = transitions.iter().filter(|transition| transition.start.is_some());
    let (plans, real): (Vec<_>, Vec<_>) = stated.partition(|transition| Meaning::of(transition) == Meaning::Plan);
    let mut start: Option<String> = None;
    for transition in real {
        let earlier = || match (transition.start.as_deref().and_then(instant), start.as_deref().and_then(instant)) {
            (Some(new), Some(known)) => new < known,
            _ => start.is_none(),
        };
        if first_change.is_none_or(|change| transition.stamp.occurred < change) || earlier() {
            start.clone_from(&transition.start);
        }
    }
    let begun = |transition: &&Transition| {
        matches!(
            Meaning::of(transition),
            Meaning::Admit | Meaning::Arrive | Meaning::BecomeInpatient | Meaning::BecomeOutpatient
        )
    };
    start
        .or_else(|| transitions.iter().find(begun).map(|transition| transition.stamp.occurred.to_string()))
        .or_else(|| plans.last().and_then(|plan| plan.start.clone()))
}
