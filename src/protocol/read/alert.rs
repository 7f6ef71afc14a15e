//! `alerts:` of a protocol: series of values, thresholds, how many readings make an alert, and who has it when.

use super::series::{read_instead, read_series, refer};
use super::words::{Reading, read_count};
use crate::protocol::alert::{AlertRule, Confirm, Grade, Level, PLACES, Repeat, Series, USUAL_PLACES};
use crate::protocol::chain::{Priority, Role, Step};
use crate::protocol::deadline::Deadline;
use crate::protocol::filter::Filter;
use crate::protocol::template::{ALERT_PLACES, Template};
use crate::yaml::{Fields, Node};

const DEFAULT_MAX_AGE: Deadline = Deadline::Days(2);
const DEFAULT_APART: Deadline = Deadline::Minutes(5);
const DEFAULT_REPEAT: Deadline = Deadline::Minutes(240);
const ALL_TIME: Deadline = Deadline::Days(30);

pub fn read_alert(node: &Node, reading: &mut Reading<'_>) -> Option<AlertRule> {
    let mut fields = Fields::of(node, "an alert");
    let id = fields.required_text("id");
    let title = fields.required_text("title");
    let text = fields.optional("text").map(|node| Template::read(node, ALERT_PLACES, &mut reading.problems));
    let teach = fields.text("teach");
    let who = fields.optional("for");
    let who = reading.who(who);
    let filter = fields.optional("where").and_then(|node| Filter::read(node, "Observation", &mut reading.problems));
    fields.required("series");
    let nodes = fields.list("series");
    let mut series: Vec<Series> = Vec::new();
    nodes.iter().for_each(|node| read_series(node, &mut series, reading));
    refer(&mut series, &nodes, reading);
    let instead = fields.list("instead").into_iter().map(|node| read_instead(node, &series, reading)).collect();
    let warn = fields.required("warn").and_then(|node| read_level(node, reading));
    if let (Some(Confirm { .. }), Some(node)) = (warn.as_ref().and_then(|warn| warn.confirm), fields.node().get("warn"))
    {
        fields.report(node.problem("only an escalation waits for a second reading; leave `confirm` out here"));
    }
    let escalate = fields.required("escalate").and_then(|node| read_level(node, reading));
    let of_levels = [&warn, &escalate].map(|level| level.as_ref().and_then(|level| level.text.clone()));
    // Nothing lost: where both levels have their own, the rule's is never told.
    let text = match of_levels {
        [Some(warn), Some(_)] => Some(text.unwrap_or(warn)),
        _ => {
            if text.is_none() {
                fields.required("text");
            }
            text
        }
    };
    let clear_readings = fields.integer("clear-readings", 1..=10).unwrap_or(1);
    let apart = reading.optional_deadline(&mut fields, "apart").unwrap_or(DEFAULT_APART);
    let words = PLACES.map(|(place, _)| (place, place));
    let taken = fields.list("taken").into_iter().filter_map(|node| reading.word(node, &words)).map(str::to_string);
    let taken: Vec<String> = taken.collect();
    let max_age = reading.optional_deadline(&mut fields, "max-age").unwrap_or(DEFAULT_MAX_AGE);
    let quiet = reading.optional_deadline(&mut fields, "quiet");
    fields.finish(&mut reading.problems);
    Some(AlertRule {
        id: id?,
        mark: node.mark.clone(),
        title: title?,
        text: text?,
        teach,
        who,
        filter,
        series,
        instead,
        warn: warn?,
        escalate: escalate?,
        clear_readings: usize::try_from(clear_readings).unwrap_or(1),
        apart,
        taken: if taken.is_empty() { USUAL_PLACES.map(str::to_string).to_vec() } else { taken },
        max_age,
        quiet,
    })
}

/// `{ readings: 2 of 3, within: 7 d, respond: 24 h, chain: [ { owner: coach }, { after: 24 h, owner: clinician } ] }`.
fn read_level(node: &Node, reading: &mut Reading<'_>) -> Option<Level> {
    let mut fields = Fields::of(node, "a level");
    let (count, of) = match fields.optional("readings") {
        None => (1, 1),
        Some(node) => read_count(node, reading),
    };
    let text = fields.optional("text").map(|node| Template::read(node, ALERT_PLACES, &mut reading.problems));
    let within = reading.optional_deadline(&mut fields, "within").unwrap_or(ALL_TIME);
    let respond = fields.required("respond").and_then(|node| reading.deadline(node));
    let chain = read_chain(&mut fields, reading);
    let confirm = fields.optional("confirm").and_then(|node| read_confirm(node, reading));
    fields.finish(&mut reading.problems);
    Some(Level { text, count, of, within, respond: respond?, chain, confirm })
}

fn read_chain(fields: &mut Fields<'_>, reading: &mut Reading<'_>) -> Vec<Step> {
    fields.required("chain");
    let chain: Vec<Step> = reading.steps(fields.list("chain"));
    if chain.first().is_some_and(|step| step.after != Deadline::Minutes(0) || step.owner.is_empty()) {
        let node = fields.node();
        fields.report(node.problem("the first step of the chain has it at once: an `owner` and no `after`"));
    }
    chain
}

/// `{ within: 15 min, else: escalate }`.
fn read_confirm(node: &Node, reading: &mut Reading<'_>) -> Option<Confirm> {
    let mut fields = Fields::of(node, "a confirming reading");
    let within = fields.required("within").and_then(|node| reading.deadline(node));
    fields.required("else");
    let otherwise = fields.choice("else", &[("escalate", Grade::Escalate), ("warn", Grade::Warn)]);
    fields.finish(&mut reading.problems);
    Some(Confirm { within: within?, otherwise: otherwise? })
}

/// `{ respond: 4 h, chain: [ { owner: coach } ] }`, and that where the file says nothing.
pub fn read_repeat(node: Option<&Node>, reading: &mut Reading<'_>) -> Repeat {
    let coach = Step { after: Deadline::Minutes(0), owner: vec![Role::Coach], priority: Some(Priority::Urgent) };
    let usual = Repeat { respond: DEFAULT_REPEAT, chain: vec![coach] };
    let Some(node) = node else { return usual };
    let mut fields = Fields::of(node, "what is asked of readings that cannot be right");
    let respond = fields.required("respond").and_then(|node| reading.deadline(node));
    let chain = read_chain(&mut fields, reading);
    fields.finish(&mut reading.problems);
    Repeat { respond: respond.unwrap_or(usual.respond), chain }
}
