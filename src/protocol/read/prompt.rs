//! `prompts:` of a protocol: the question, its answers, and when each is asked again.

use super::evidence::read_silencer;
use super::words::Reading;
use crate::protocol::model::{Answer, Prompt};
use crate::yaml::{Fields, Node};

const USUAL_WEIGHT: u8 = 50;

pub fn read_prompt(node: &Node, reading: &mut Reading<'_>) -> Option<Prompt> {
    let mut fields = Fields::of(node, "a prompt");
    let id = fields.required_text("id");
    let ask = fields.required_text("ask");
    let detail = fields.text("detail").unwrap_or_default();
    fields.choice("show", &[("every-visit", ())]);
    let who = fields.optional("for");
    let who = reading.who(who);
    let answers = match fields.required("answers").map(|node| (node, node.as_map())) {
        Some((_, Some(entries))) => {
            entries.iter().filter_map(|(key, value)| read_answer(key, value, reading)).collect()
        }
        Some((node, None)) => {
            reading.problems.push(node.problem("answers are written as `offered: 365 d` lines, or `attended: never`"));
            Vec::new()
        }
        None => Vec::new(),
    };
    let silencers = fields.list("silenced-by");
    let silenced_by = silencers.into_iter().filter_map(|node| read_silencer(node, reading)).collect();
    let weight = fields.integer("weight", 1..=100).and_then(|weight| u8::try_from(weight).ok()).unwrap_or(USUAL_WEIGHT);
    fields.finish(&mut reading.problems);
    Some(Prompt { id: id?, mark: node.mark.clone(), ask: ask?, detail, who, answers, silenced_by, weight })
}

/// `offered: 365 d`, `attended: never`, or `declined: { again: 180 d, override: true, label: Declined }`.
fn read_answer(key: &Node, value: &Node, reading: &mut Reading<'_>) -> Option<Answer> {
    let id = key.as_text()?;
    let plain_label = capitalised(&id.replace('-', " "));
    if value.as_map().is_none() {
        let again = read_again(value, reading);
        return Some(Answer { id, label: plain_label, again, is_override: false });
    }
    let mut fields = Fields::of(value, "an answer");
    let again = fields.required("again").and_then(|node| read_again(node, reading));
    let is_override = fields.boolean("override").unwrap_or(false);
    let label = fields.text("label").unwrap_or(plain_label);
    fields.finish(&mut reading.problems);
    Some(Answer { id, label, again, is_override })
}

fn read_again(node: &Node, reading: &mut Reading<'_>) -> Option<crate::protocol::deadline::Deadline> {
    if node.as_text().as_deref() == Some("never") {
        return None;
    }
    reading.deadline(node)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
