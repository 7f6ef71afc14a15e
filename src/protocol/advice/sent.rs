//! Rules about things that no feed and no partner of the site sends.

use std::collections::BTreeSet;

use super::never::Odd;
use crate::protocol::model::{Protocol, Trigger};
use crate::protocol::who::Who;

pub fn look(protocol: &Protocol, sent: &BTreeSet<String>, odd: Odd<'_>) {
    let mut asked = Vec::new();
    people(&protocol.who).for_each(|kind| asked.push((kind, &protocol.mark)));
    protocol.prompts.iter().for_each(|rule| people(&rule.who).for_each(|kind| asked.push((kind, &rule.mark))));
    for rule in &protocol.tasks {
        people(&rule.who).for_each(|kind| asked.push((kind, &rule.mark)));
        let kind = match &rule.when {
            Trigger::Arrival(_)
            | Trigger::Discharge(_)
            | Trigger::Transfer(_)
            | Trigger::Cancelled(_)
            | Trigger::Count { .. } => Some("Encounter"),
            Trigger::Condition(_) => Some("Condition"),
            Trigger::Consent { .. } => Some("Consent"),
            Trigger::Medication { .. } => Some("MedicationRequest"),
            Trigger::Date(_) => None,
            Trigger::Silence { .. } => Some("Observation"),
            Trigger::Enrolled { .. } => Some("EpisodeOfCare"),
            Trigger::Referral { .. } => Some("ServiceRequest"),
            Trigger::Answer { .. } => None,
        };
        kind.into_iter().for_each(|kind| asked.push((kind, &rule.mark)));
    }
    for rule in &protocol.alerts {
        people(&rule.who).for_each(|kind| asked.push((kind, &rule.mark)));
        asked.push(("Observation", &rule.mark));
    }
    let people = [(&protocol.who, &protocol.mark)].into_iter();
    let people = people.chain(protocol.prompts.iter().map(|rule| (&rule.who, &rule.mark)));
    let people = people.chain(protocol.tasks.iter().map(|rule| (&rule.who, &rule.mark)));
    let people = people.chain(protocol.alerts.iter().map(|rule| (&rule.who, &rule.mark)));
    // A diagnosis or an observation tells it: one of the two is enough.
    let told = people.filter(|(who, _)| who.asks_pregnancy() && !sent.contains("Observation"));
    asked.extend(told.map(|(_, mark)| ("Condition", mark)));
    for (kind, mark) in asked {
        if !sent.contains(kind) {
            let text = format!(
                "no feed of this site brings a {kind} and no partner may send one: this never comes; take messages that bring it, or let an \
                 agreement say `sends: [{kind}]`"
            );
            odd(mark, text);
        }
    }
}

fn people(who: &Who) -> impl Iterator<Item = &'static str> {
    let conditions = who.conditions.as_ref().map(|_| "Condition");
    let medicines = who.medication.as_ref().map(|_| "MedicationRequest");
    conditions.into_iter().chain(who.enrolled.as_ref().map(|_| "EpisodeOfCare")).chain(medicines)
}
