//! Where the patient was during a visit, in order of time (Encounter.location): a transfer ends the stay before it, a
//! cancelled transfer goes on with it, and a discharge that is taken back leaves the patient in the last bed.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::{Stamp, Transition};
use super::instant::instant;
use super::trigger::{Meaning, PLACE};

/// One place and how long it was the patient's.
#[derive(Debug, PartialEq)]
struct Stay {
    place: Value,
    /// Said by a plan: nobody was there yet.
    is_planned: bool,
    /// Known where the patient came from another place.
    since: Option<Timestamp>,
    /// Over; when, where that is known.
    is_over: bool,
    until: Option<Timestamp>,
}

/// All places of one visit, the last one the current.
#[derive(Debug, Default, PartialEq)]
pub(in crate::record) struct Places {
    stays: Vec<Stay>,
    /// Who told of a place last.
    stamp: Option<Stamp>,
}

/// Follows the transitions, which are sorted by stamp. Results tell of a place only when nobody else does.
pub(super) fn follow(transitions: &[Transition]) -> Places {
    let is_result = |transition: &Transition| Meaning::of(transition) == Meaning::Result;
    let is_told = transitions.iter().any(|transition| transition.place.is_some() && !is_result(transition));
    let mut places = Places::default();
    let mut is_over = false;
    for transition in transitions.iter().filter(|transition| !is_told || !is_result(transition)) {
        let meaning = Meaning::of(transition);
        places.step(transition, meaning, is_over);
        is_over = match meaning {
            Meaning::Discharge => true,
            meaning if meaning.is_mention() => is_over,
            _ => false,
        };
    }
    places
}

impl Places {
    fn step(&mut self, next: &Transition, meaning: Meaning, is_over: bool) {
        if next.place.is_some() || next.prior_place.is_some() || next.deletes(PLACE) || meaning == Meaning::UndoTransfer
        {
            self.stamp = Some(next.stamp.clone());
        }
        if meaning == Meaning::UndoTransfer && self.stays.len() > 1 {
            self.stays.pop();
            if let Some(last) = self.stays.last_mut() {
                (last.is_over, last.until) = (false, None);
            }
        }
        if next.deletes(PLACE)
            && let Some(last) = self.stays.last_mut().filter(|last| !last.is_over)
        {
            (last.is_over, last.until) = (true, Some(next.stamp.occurred));
        }
        let came_from = next.prior_place.as_ref().filter(|prior| next.place.as_ref() != Some(*prior));
        if let Some(prior) = came_from
            && !self.stays.iter().any(|stay| is_same(&stay.place, &prior.0))
        {
            self.leave(next.stamp.occurred);
            let until = (next.trigger == "A02").then_some(next.stamp.occurred);
            self.stays.push(Stay { place: prior.0.clone(), is_planned: false, since: None, is_over: true, until });
        }
        if let Some(place) = &next.place {
            self.be_at(&place.0, next.stamp.occurred, meaning, is_over);
        }
    }

    fn be_at(&mut self, place: &Value, at: Timestamp, meaning: Meaning, is_over: bool) {
        let is_planned = meaning == Meaning::Plan;
        if !is_planned {
            // Nothing lost: a plan that came true elsewhere is no stay.
            self.stays.retain(|stay| !stay.is_planned || is_same(&stay.place, place));
        }
        match self.stays.last_mut() {
            Some(last) if is_same(&last.place, place) && !last.is_over => {
                last.place = place.clone();
                last.is_planned &= is_planned;
            }
            // Of a visit that is over, a place is no move but a correction.
            Some(last) if is_over || (is_planned && last.is_planned) => last.place = place.clone(),
            _ => {
                self.leave(at);
                let since = (!self.stays.is_empty()).then_some(at);
                self.stays.push(Stay { place: place.clone(), is_planned, since, is_over: false, until: None });
            }
        }
    }

    fn leave(&mut self, at: Timestamp) {
        if let Some(last) = self.stays.last_mut().filter(|last| !last.is_over) {
            (last.is_over, last.until) = (true, Some(at));
        }
    }

    /// The items of `location` under the visit's status, and who told of them last; none where nobody told of a place.
    pub fn locations(&self, status: &str, end: Option<&str>) -> Option<(Stamp, Vec<Value>)> {
        let items = self.stays.iter().map(|stay| {
            let (now, until) = match (stay.is_over, status) {
                (true, _) => ("completed", stay.until.map(|at| at.to_string())),
                (false, "finished") => ("completed", end.map(String::from)),
                (false, "cancelled") => ("completed", None),
                (false, "planned") => ("planned", None),
                (false, _) => ("active", None),
            };
            let is_before = |until: &String| match (stay.since, instant(until)) {
                (Some(since), Some(until)) => until < since,
                _ => false,
            };
            let mut period = Map::new();
            period.extend(stay.since.map(|at| ("start".to_string(), json!(at.to_string()))));
            period.extend(until.filter(|until| !is_before(until)).map(|until| ("end".to_string(), json!(until))));
            let mut item =
                Map::from_iter([("location".to_string(), stay.place.clone()), ("status".to_string(), json!(now))]);
            if !period.is_empty() {
                item.insert("period".to_string(), Value::Object(period));
            }
            Value::Object(item)
        });
        Some((self.stamp.clone()?, items.collect()))
    }
}

/// Whether two References name one place.
fn is_same(one: &Value, other: &Value) -> bool {
    let name = |place: &Value| place.get("reference").or_else(|| place.get("display")).cloned();
    name(one) == name(other)
}
