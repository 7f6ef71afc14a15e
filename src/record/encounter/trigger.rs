//! What each trigger event does to an encounter (HL7 v2.5.1 chapter 3.3), and how much of it is kept.

use serde_json::Value;

use super::super::{Stamp, Told, Transition};
use crate::fhir::Draft;
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

/// The system of a class that is written without one.
pub(super) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// How many transitions of each kind (those that change a status, those that do not) an encounter keeps: the newest.
pub(in crate::record) const MAX_TRANSITIONS: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Plan,
    Arrive,
    Admit,
    /// The visit goes on in another class.
    BecomeInpatient,
    BecomeOutpatient,
    Leave,
    Return,
    Discharge,
    UndoDischarge,
    Cancel,
    /// Cancels a plan, and nothing that has begun.
    CancelPlan,
    /// A FHIR client said so itself.
    Say,
    /// Takes a transfer back: the patient stays where the patient was before.
    UndoTransfer,
    /// Says nothing about the status: an update, a transfer.
    Mention,
    /// A result, an order: who sends it does not keep the visit.
    Result,
}

impl Meaning {
    pub fn of(transition: &Transition) -> Self {
        match transition.trigger.as_str() {
            "A05" | "A14" => Self::Plan,
            "A10" => Self::Arrive,
            "A01" | "A04" => Self::Admit,
            "A06" => Self::BecomeInpatient,
            "A07" => Self::BecomeOutpatient,
            "A21" => Self::Leave,
            "A22" => Self::Return,
            "A03" => Self::Discharge,
            "A13" => Self::UndoDischarge,
            "A11" => Self::Cancel,
            "A27" | "A38" => Self::CancelPlan,
            "A12" => Self::UndoTransfer,
            other if only_mentions(other) => Self::Result,
            other if is_event(other) || transition.status.is_none() => Self::Mention,
            _ => Self::Say,
        }
    }

    /// Whether it leaves the status as it is.
    pub fn is_mention(self) -> bool {
        matches!(self, Self::UndoTransfer | Self::Mention | Self::Result)
    }

    /// The v3 ActCode class that follows when the message names none.
    pub fn class(self) -> Option<&'static str> {
        match self {
            Self::BecomeInpatient => Some("IMP"),
            Self::BecomeOutpatient => Some("AMB"),
            _ => None,
        }
    }
}

/// Whether this is a v2 trigger event: a letter and two digits.
pub(in crate::record) fn is_event(trigger: &str) -> bool {
    let mut bytes = trigger.bytes();
    trigger.len() == 3
        && bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        && bytes.all(|byte| byte.is_ascii_digit())
}

/// Whether a v2 event is of those that do not keep demographics and visits: all but ADT's.
pub(in crate::record) fn only_mentions(trigger: &str) -> bool {
    is_event(trigger) && !trigger.starts_with('A')
}

/// What comes later when the times are the same: a visit is planned, begun, changed, ended, and then taken back.
pub(in crate::record) fn trigger_rank(trigger: &str) -> u8 {
    match trigger {
        "A05" | "A14" => 1,
        "A10" => 2,
        "A04" => 3,
        "A01" => 4,
        "A06" | "A07" => 5,
        "A12" => 7,
        "A03" => 7,
        "A13" => 8,
        "A11" | "A27" | "A38" => 9,
        _ => 6,
    }
}

/// Elements of an Encounter that follow from its transitions, never from one message.
pub(in crate::record) const COMPUTED: [&str; 5] = ["status", "statusHistory", "class", "classHistory", "period"];

/// The parts of which the same is true: where the patient is, and how the visit ended.
pub(in crate::record) const COMPUTED_PARTS: [&str; 2] = [PLACE, DISPOSITION];
pub(in crate::record) const PLACE: &str = "location@PV1-3";
pub(super) const DISPOSITION: &str = "hospitalization.dischargeDisposition";
const PRIOR_PLACE: &str = "location@PV1-6";

/// Takes what one message says about an encounter's course out of its draft.
pub(in crate::record) fn transition(draft: &mut Draft, stamp: &Stamp, trigger: &str) -> Transition {
    let places = places(draft);
    let encounter = &draft.resource;
    let text = |parent: &str, name: &str| {
        encounter.get(parent).and_then(|parent| parent.get(name)).and_then(Value::as_str).map(String::from)
    };
    let member = |parent: &str, name: &str| encounter.get(parent).and_then(|parent| parent.get(name)).cloned();
    let is_ours = |name: &String| {
        let is_part = COMPUTED_PARTS.contains(&name.as_str()) || name == PRIOR_PLACE;
        is_part || name.split('.').next().is_some_and(|element| COMPUTED.contains(&element))
    };
    let (mut deleted, others): (Vec<String>, Vec<String>) =
        std::mem::take(&mut draft.deleted).into_iter().partition(is_ours);
    deleted.sort();
    let transition = Transition {
        // The course is in order of time, whoever tells of it.
        stamp: Stamp { weight: 0, ..stamp.clone() },
        trigger: trigger.to_string(),
        class: text("class", "code").filter(|class| class != "UNK").map(|code| match text("class", "system") {
            Some(system) if system != ACT_CODE => format!("{system}|{code}"),
            _ => code,
        }),
        status: if is_event(trigger) { None } else { encounter.text("status").map(String::from) },
        start: text("period", "start"),
        end: text("period", "end"),
        place: places.now,
        prior_place: places.prior,
        disposition: member("hospitalization", "dischargeDisposition").map(Told),
        deleted,
    };
    draft.deleted = others;
    for element in COMPUTED {
        draft.resource.remove(element);
        draft.resource.remove(&format!("_{element}"));
    }
    if let Some(Value::Object(mut members)) = draft.resource.remove("hospitalization") {
        members.shift_remove("dischargeDisposition");
        draft.resource.set("hospitalization", if members.is_empty() { Value::Null } else { Value::Object(members) });
    }
    transition
}

#[derive(Default)]
struct Places {
    now: Option<Told>,
    prior: Option<Told>,
}

/// Takes the places that the course tells of out of `location`. What names no field was stated by who says it all.
fn places(draft: &mut Draft) -> Places {
    let mut places = Places::default();
    let Some(sources) = draft.sources.remove("location") else { return places };
    let Some(Value::Array(items)) = draft.resource.remove("location") else { return places };
    let (mut kept, mut kept_sources) = (Vec::new(), Vec::new());
    for (item, source) in items.into_iter().zip(sources) {
        let place = item.get("location").cloned().map(Told);
        match source.as_str() {
            "PV1-3" => places.now = place,
            "PV1-6" => places.prior = place,
            _ => {
                kept.push(item);
                kept_sources.push(source);
            }
        }
    }
    if !kept.is_empty() {
        draft.resource.set("location", Value::Array(kept));
        draft.sources.insert("location".to_string(), kept_sources);
    }
    places
}

/// Says that a visit has as many events as are kept.
pub(in crate::record) fn too_many(transitions: &[Transition]) -> Option<Problem> {
    let mentions = transitions.iter().filter(|transition| Meaning::of(transition) == Meaning::Mention).count();
    let most = mentions.max(transitions.len() - mentions);
    let text = format!("a visit has as many events as are kept, {MAX_TRANSITIONS}; its oldest count no more");
    let problem = || Problem::information(Category::TooCostly, Place::Element("Encounter".to_string()), text);
    (most >= MAX_TRANSITIONS).then(|| problem().unused(Kind::Limit, &format!("{MAX_TRANSITIONS} events of a visit")))
}

/// Bounds what is kept. Keeping the newest of a growing set gives the same set in every order of growing.
pub(in crate::record) fn keep_newest(transitions: &mut Vec<Transition>, max: usize) {
    let is_mention = |transition: &Transition| Meaning::of(transition).is_mention();
    for mentions in [false, true] {
        let count = transitions.iter().filter(|transition| is_mention(transition) == mentions).count();
        let mut surplus = count.saturating_sub(max);
        // Nothing lost: what a merge joins says when a visit has so many.
        transitions.retain(|transition| {
            let drop = surplus > 0 && is_mention(transition) == mentions;
            surplus -= usize::from(drop);
            !drop
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Resource;

    fn nothing() -> Draft {
        Draft {
            local: "Encounter".to_string(),
            scope: crate::fhir::Scope::Patient,
            key: None,
            resource: Resource::new("Encounter"),
            deleted: Vec::new(),
            sources: std::collections::BTreeMap::new(),
        }
    }

    fn mention(minute: u32, trigger: &str) -> Transition {
        let at = format!("2026-03-02T10:{minute:02}:00Z").parse().unwrap();
        let stamp = Stamp::new(at, at, "riverside/1");
        transition(&mut nothing(), &stamp, trigger)
    }

    #[test]
    fn a_flood_of_updates_never_pushes_out_the_discharge() {
        let mut kept: Vec<Transition> = (1..50).map(|minute| mention(minute, "A08")).collect();
        kept.insert(0, mention(0, "A03"));
        keep_newest(&mut kept, 10);
        assert_eq!(kept.len(), 11);
        assert_eq!(kept.first().map(|first| first.trigger.as_str()), Some("A03"));
        assert_eq!(kept.get(1), Some(&mention(40, "A08")));
    }

    #[test]
    fn a_fhir_client_is_believed_about_the_status_and_a_result_is_not() {
        let says =
            |trigger: &str| Meaning::of(&Transition { status: Some("finished".to_string()), ..mention(0, trigger) });
        assert_eq!((says("update"), says("R01")), (Meaning::Say, Meaning::Result));
    }
}
