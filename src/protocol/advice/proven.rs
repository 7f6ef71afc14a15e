//! Rules that no example brings about: nobody would notice if they stopped working.

use std::collections::BTreeSet;

use crate::problem::{Category, Problem};
use crate::protocol::example::rules_of;
use crate::protocol::model::Protocol;
use crate::protocol::set::ProtocolSet;

pub fn look(alone: &ProtocolSet, protocol: &Protocol) -> Vec<Problem> {
    let brought: BTreeSet<String> = protocol.examples.iter().flat_map(|example| rules_of(alone, example)).collect();
    let prompts = protocol.prompts.iter().map(|rule| (&rule.id, &rule.mark));
    let tasks = protocol.tasks.iter().map(|rule| (&rule.id, &rule.mark));
    let alerts = protocol.alerts.iter().map(|rule| (&rule.id, &rule.mark));
    let all = prompts.chain(tasks).chain(alerts);
    let unproven = all.filter(|(id, _)| !brought.contains(*id));
    let fault = |(id, mark): (&String, &crate::yaml::Mark)| {
        let text = format!("no example brings `{id}` about; add a story to `examples` after which it is expected");
        mark.problem(Category::Required, text)
    };
    unproven.map(fault).collect()
}
