//! What the versions of a Task tell of its life: when it was made, when it was open, when it became louder; and what somebody does
//! about it next.

use std::collections::BTreeMap;

use handover::identity::ResourceId;
use handover::protocol::attempts_in;
use handover::record::Stored;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::calendar::day;

/// A Task of its life.
#[derive(Debug, Clone)]
pub struct Work {
    /// `transitional-care/contact`
    pub rule: String,
    pub made: Timestamp,
    /// From when until when it was open: what is known late may open it again.
    pub open: Vec<(Timestamp, Option<Timestamp>)>,
    pub due: Option<Date>,
    /// Of an alert: when it came to be an escalation.
    pub escalated: Option<Timestamp>,
    /// When it first became `asap` or `stat`.
    pub climbed: Option<Timestamp>,
    /// So many attempts were documented.
    pub attempts: usize,
}

/// What somebody does about a Task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    Finish,
    Try,
}

impl Work {
    /// It was open at some time between the two.
    pub fn was_open(&self, from: Timestamp, until: Timestamp) -> bool {
        self.open.iter().any(|(begun, ended)| *begun <= until && ended.is_none_or(|ended| ended >= from))
    }

    /// An escalation is closed after a day; of who is tried after a stay, two attempts are documented. What its time passed for while
    /// it was closed is not done any more.
    fn deed(&self, is_tried: bool) -> Option<(Timestamp, Deed)> {
        let (opened, None) = self.open.last()? else { return None };
        let finish = self.escalated.map(|at| (at + SignedDuration::from_hours(20), Deed::Finish));
        let is_to_try = is_tried && self.rule == "transitional-care/contact" && self.attempts < 2;
        let tried = is_to_try.then(|| (self.made + SignedDuration::from_hours(1 + self.attempts as i64), Deed::Try));
        [finish, tried].into_iter().flatten().filter(|(at, _)| at >= opened).min()
    }
}

/// One person's Tasks.
#[derive(Default)]
pub struct Diary {
    works: BTreeMap<ResourceId, Work>,
}

impl Diary {
    /// One version of a Task, as of when it was written; each once and in their order.
    pub fn note(&mut self, task: &Stored, now: Timestamp) {
        let of = |key: &str| {
            let work = task.state.work.as_ref();
            work.and_then(|work| work.get(key)).and_then(Value::as_str).unwrap_or_default().to_string()
        };
        let status = task.resource.text("status").unwrap();
        let due = task.resource.get("restriction").and_then(|restriction| restriction.pointer("/period/end"));
        let due = due.and_then(Value::as_str).map(|end| day(end.parse().unwrap()));
        let work = self.works.entry(task.id).or_insert_with(|| Work {
            rule: format!("{}/{}", of("protocol"), of("rule")),
            made: now,
            open: Vec::new(),
            due,
            escalated: None,
            climbed: None,
            attempts: 0,
        });
        work.due = due.or(work.due);
        work.attempts = attempts_in(&task.resource).count();
        if of("level") == "escalation" {
            work.escalated = work.escalated.or(Some(now));
        }
        if matches!(task.resource.text("priority"), Some("asap" | "stat")) {
            work.climbed = work.climbed.or(Some(now));
        }
        let is_over = matches!(status, "completed" | "cancelled");
        match work.open.last_mut() {
            Some((_, end @ None)) => *end = is_over.then_some(now),
            Some(_) if is_over => {}
            _ => work.open.push((now, is_over.then_some(now))),
        }
    }

    /// What is done next about any of them.
    pub fn next_deed(&self, is_tried: bool) -> Option<(Timestamp, ResourceId, Deed)> {
        let deeds = self.works.iter().filter_map(|(id, work)| work.deed(is_tried).map(|(at, deed)| (at, *id, deed)));
        deeds.min()
    }

    pub fn into_works(self) -> Vec<Work> {
        self.works.into_values().collect()
    }
}
