//! A piece of work as people read it: when, who, what to do, why, what was tried, and in whose hands it is. What is restricted is told
//! to those who may know it, and to others that there is something.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::patient_line::PatientLine;
use super::session::Person;
use super::standing::Standing;
use super::tasks::{Note, notes};
use super::{own, page, when};
use crate::fhir::{Resource, UNNAMED, concept_title};
use crate::identity::ResourceId;
use crate::pipeline::Who;
use crate::protocol::{Attempt, ProtocolSet, attempts_in, person_of};
use crate::record::Stored;

/// One piece of work.
pub(super) struct Job {
    pub id: String,
    pub patient: PatientLine,
    /// `now`, `late`, `today`, `later`: where it stands.
    pub class: &'static str,
    pub chip: String,
    pub detail: String,
    /// Verb first.
    pub title: String,
    pub why: String,
    pub notes: Vec<Note>,
    pub noted: String,
    /// What was tried: dots, full and empty, and words.
    pub dots: Vec<bool>,
    pub tries: String,
    /// What the attempt that comes next is by the rule.
    pub rule: String,
    pub hands: String,
    pub is_taken: bool,
    pub is_mine: bool,
    /// Until when it is put aside.
    pub snoozed: String,
}

/// What a row is told with.
pub(super) struct Teller<'a> {
    pub person: &'a Person,
    /// How work names the person.
    pub holder: &'a str,
    pub patients: &'a BTreeMap<ResourceId, Who>,
    pub protocols: &'a ProtocolSet,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

impl Teller<'_> {
    pub(super) fn job(&self, stored: &Stored) -> Job {
        let resource = Value::from(stored.resource.clone());
        let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
        let shown = own::may_see(self.person, stored);
        let of = text("/for/reference").trim_start_matches("Patient/").parse::<ResourceId>().ok();
        let who = of.and_then(|id| self.patients.get(&id).cloned()).unwrap_or_else(|| Who {
            name: if text("/for/display").is_empty() { UNNAMED.to_string() } else { text("/for/display") },
            ..Who::unknown(of.unwrap_or_else(|| ResourceId::patient(stored.id.person)))
        });
        let patient = PatientLine::of(&who, when::date_in(self.now, self.zone));
        let Standing { class, chip, detail } = Standing::of(&stored.resource, self.now, self.zone);
        let holder = person_of(&stored.resource);
        let is_mine = holder.as_ref().is_some_and(|(id, _)| id == self.holder);
        let attempts = self.protocols.attempts_of(stored);
        let notes = if shown { notes(&resource, self.zone) } else { Vec::new() };
        let (tried, tries) = self.tries(&stored.resource, shown);
        Job {
            id: stored.id.to_string(),
            patient,
            class,
            chip,
            detail,
            title: if shown { title(&resource) } else { "Contact the patient".to_string() },
            why: if shown {
                text("/description")
            } else {
                "What it is about is restricted and not shown to you.".to_string()
            },
            noted: page::counted(notes.len() as u64, "note", "notes"),
            notes,
            dots: (0..attempts.map_or(tried, |(_, asked)| asked.max(tried))).map(|dot| dot < tried).collect(),
            tries: if attempts.is_none() && tried == 0 { String::new() } else { tries },
            rule: attempts.map(rule).unwrap_or_default(),
            hands: hands(&resource, holder.as_ref(), is_mine),
            is_taken: holder.is_some(),
            is_mine,
            snoozed: self.snoozed(stored),
        }
    }

    /// "2 attempts, last Today 4:10 PM, no answer".
    fn tries(&self, task: &Resource, shown: bool) -> (usize, String) {
        let made: Vec<Attempt<'_>> = attempts_in(task).collect();
        let Some(last) = made.last() else { return (0, "no attempt yet".to_string()) };
        let at = last.at.parse().map(|at| format!(", last {}", when::moment(at, self.now, self.zone)));
        let how = if shown && !last.words.is_empty() { format!(", {}", last.words) } else { String::new() };
        let count = page::counted(made.len() as u64, "attempt", "attempts");
        (made.len(), format!("{count}{}{how}", at.unwrap_or_default()))
    }

    fn snoozed(&self, stored: &Stored) -> String {
        let until = stored.state.work.as_ref().and_then(|work| work.pointer("/snoozed/until")?.as_str()?.parse().ok());
        let Some(until) = until else { return String::new() };
        let reason = stored.resource.get("statusReason").and_then(|reason| reason.get("text")?.as_str());
        let reason = reason.filter(|_| own::may_see(self.person, stored)).map(|why| format!(": {why}"));
        format!("Snoozed until {}{}", when::moment(until, self.now, self.zone), reason.unwrap_or_default())
    }
}

/// What is to be done, in the rule's own words.
fn title(resource: &Value) -> String {
    let title = concept_title(resource.get("code")).or_else(|| resource.get("description").and_then(Value::as_str));
    title.unwrap_or("Work without a title").to_string()
}

/// What the next attempt is by the rule that counts them.
fn rule((made, asked): (usize, usize)) -> String {
    let next = made + 1;
    match next.cmp(&asked) {
        std::cmp::Ordering::Less => format!("This is attempt {next} of {asked}."),
        std::cmp::Ordering::Equal => format!(
            "This is attempt {next} of {asked}. {asked} documented attempts count as the contact that is owed; go on until somebody is reached."
        ),
        std::cmp::Ordering::Greater => {
            format!(
                "{made} attempts are documented: what is owed by the date is done. Go on until somebody is reached."
            )
        }
    }
}

fn hands(resource: &Value, holder: Option<&(String, String)>, is_mine: bool) -> String {
    match holder {
        Some(_) if is_mine => "Taken by you".to_string(),
        Some((_, name)) if resource.get("status").and_then(Value::as_str) == Some("requested") => {
            format!("Given to {name}")
        }
        Some((_, name)) => format!("With {name}"),
        None => {
            let owner = resource.pointer("/owner/display").and_then(Value::as_str).unwrap_or_default();
            match owner.split_once(": ") {
                Some((_, role)) => format!("Nobody’s yet, for {role}"),
                None => "Nobody’s yet".to_string(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_says_what_the_next_attempt_is() {
        assert_eq!(rule((0, 2)), "This is attempt 1 of 2.");
        assert!(rule((1, 2)).starts_with("This is attempt 2 of 2. 2 documented attempts count"));
        assert!(rule((2, 2)).starts_with("2 attempts are documented"));
        assert!(rule((0, 1)).starts_with("This is attempt 1 of 1."));
    }
}
