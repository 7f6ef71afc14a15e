//! The labels that a rule implies by what it is about.

use std::collections::BTreeMap;

use serde_json::Value;

use super::codes::Codes;
use super::model::{Protocol, TaskRule, Trigger};
use super::who::{ConditionCount, Who};
use super::work::key;

/// The labels that a site gives to what asks for some value sets and listed codes.
pub type LabelsOf<'l> = &'l dyn Fn(&[String], &[(String, String)]) -> Vec<Value>;

/// What each rule of a protocol implies, by protocol and rule.
pub fn implied_by(protocol: &Protocol, labels_of: LabelsOf<'_>) -> BTreeMap<String, Vec<Value>> {
    let mut implied = BTreeMap::new();
    let mut add = |rule: &str, own: &Who, reasons: Vec<&Codes>| {
        let groups = [own, &protocol.who].into_iter().filter_map(|who| who.conditions.as_ref()).flat_map(groups);
        let medicines = [own, &protocol.who].into_iter().filter_map(|who| who.medication.as_ref());
        let reasons: Vec<&Codes> = reasons.into_iter().chain(medicines).collect();
        let pregnancy = [own, &protocol.who].into_iter().any(Who::asks_pregnancy).then(|| "pregnancy".to_string());
        let sets = reasons.iter().flat_map(|codes| codes.value_sets.clone()).chain(groups).chain(pregnancy);
        let listed = reasons.iter().flat_map(|codes| codes.listed.clone());
        let labels = labels_of(&sets.collect::<Vec<_>>(), &listed.collect::<Vec<_>>());
        if !labels.is_empty() {
            implied.insert(key(&protocol.name, rule, ""), labels);
        }
    };
    protocol.tasks.iter().for_each(|rule| add(&rule.id, &rule.who, reasons_of(rule)));
    for rule in &protocol.alerts {
        add(&rule.id, &rule.who, rule.series.iter().map(|series| &series.codes).collect());
    }
    protocol.prompts.iter().for_each(|prompt| add(&prompt.id, &prompt.who, Vec::new()));
    protocol.plan.iter().for_each(|_| add("plan", &Who::default(), Vec::new()));
    implied
}

fn reasons_of(rule: &TaskRule) -> Vec<&Codes> {
    match &rule.when {
        Trigger::Arrival(test)
        | Trigger::Discharge(test)
        | Trigger::Transfer(test)
        | Trigger::Cancelled(test)
        | Trigger::Count { test, .. } => test.reasons.iter().map(|reason| &reason.codes).collect(),
        Trigger::Silence { codes, .. } | Trigger::Medication { codes, .. } => vec![codes],
        Trigger::Condition(test) => vec![&test.codes],
        Trigger::Referral { codes, .. } | Trigger::Consent { codes, .. } => codes.iter().collect(),
        Trigger::Enrolled { .. } | Trigger::Answer { .. } | Trigger::Date(_) => Vec::new(),
    }
}

/// Where several diagnoses are asked for, none of them is implied.
fn groups(count: &ConditionCount) -> Vec<String> {
    if count.at_least > 1 { Vec::new() } else { count.groups.clone() }
}
