//! What a feed does with messages that are not for the record: of training and debugging (`processing`, MSH-11), of events that
//! nobody needs (`ignore`), and how it answers (`acknowledge`, HL7 v2.5.1, 2.9).

use std::collections::BTreeMap;

use super::scalar;
use crate::hl7::AcknowledgementMode;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node};

/// What is done with a message of some processing id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processing {
    /// Taken and kept without effect.
    Keep,
    /// Taken like one of production.
    Apply,
    /// Not taken.
    Refuse,
}

/// How a feed handles messages before anything is read of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handling {
    /// By MSH-11.1, or by both its components as `P^I`.
    pub processing: BTreeMap<String, Processing>,
    /// Events that are kept without effect: `ADT^A60`, `MFN^*`.
    pub ignore: Vec<String>,
    pub acknowledge: AcknowledgementMode,
}

impl Handling {
    /// What the feed says about MSH-11. Without a word, training and debugging are kept, and all else is production.
    pub fn processing(&self, id: &str, mode: &str) -> Processing {
        let stated = self.processing.get(&format!("{id}^{mode}")).or_else(|| self.processing.get(id));
        stated.copied().unwrap_or(match id {
            "T" | "D" => Processing::Keep,
            _ => Processing::Apply,
        })
    }
}

/// Whether a pattern such as `ADT^A01` or `ORU^*` names an event.
pub fn names_event(pattern: &str, code: &str, trigger: &str) -> bool {
    let (wanted, event) = pattern.split_once('^').unwrap_or((pattern, "*"));
    wanted == code && (event == "*" || event == trigger)
}

/// Reads the keys.
pub fn read(fields: &mut Fields<'_>) -> Handling {
    let mut processing = BTreeMap::new();
    if let Some(node) = fields.optional("processing") {
        if node.as_map().is_none() {
            fields.report(node.problem("`processing` is written as `{ T: keep, D: refuse }`, by MSH-11"));
        }
        for (key, value) in node.as_map().unwrap_or_default() {
            if let (Some(id), Some(what)) =
                (scalar::keep(fields, processing_id(key)), scalar::keep(fields, what_to_do(value)))
            {
                processing.insert(id, what);
            }
        }
    }
    let ignore = events(fields, "ignore");
    let modes = [
        ("as-asked", AcknowledgementMode::AsAsked),
        ("original", AcknowledgementMode::Original),
        ("enhanced", AcknowledgementMode::Enhanced),
    ];
    let acknowledge = fields.choice("acknowledge", &modes).unwrap_or_default();
    Handling { processing, ignore, acknowledge }
}

/// A list of events, each `ADT^A01` or `ORU^*`.
pub fn events(fields: &mut Fields<'_>, key: &'static str) -> Vec<String> {
    let mut taken = Vec::new();
    for node in fields.list(key) {
        let Some(written) = scalar::keep(fields, scalar::text(node)) else { continue };
        let is_event = written.split_once('^').is_some_and(|(code, event)| {
            let upper =
                |text: &str| text.len() == 3 && text.chars().all(|s| s.is_ascii_uppercase() || s.is_ascii_digit());
            upper(code) && (event == "*" || upper(event))
        });
        if is_event {
            taken.push(written);
        } else {
            fields.report(node.problem(format!("`{written}` is not an event; write one such as ADT^A01 or ORU^*")));
        }
    }
    taken
}

/// MSH-11: an id of table 0103, perhaps with a mode of table 0207.
fn processing_id(node: &Node) -> Result<String, Problem> {
    let written = scalar::text(node)?;
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|sign| sign.is_ascii_alphanumeric());
    match written.split_once('^').unwrap_or((&written, "A")) {
        (id, mode) if is_word(id) && is_word(mode) => Ok(written),
        _ => Err(node.problem(format!("`{written}` is not written as in MSH-11: T, D, P, or with its mode P^I"))),
    }
}

fn what_to_do(node: &Node) -> Result<Processing, Problem> {
    let written = scalar::text(node)?;
    match written.as_str() {
        "keep" => Ok(Processing::Keep),
        "apply" => Ok(Processing::Apply),
        "refuse" => Ok(Processing::Refuse),
        _ => {
            let text = format!("`{written}` is neither keep (without effect), apply nor refuse");
            Err(node.mark.problem(Category::CodeInvalid, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn handling(text: &str) -> (Handling, Vec<Problem>) {
        let node = parse(&Source::new("feeds/x.yaml", text)).unwrap();
        let (mut fields, mut problems) = (Fields::of(&node, "a feed"), Vec::new());
        let found = read(&mut fields);
        fields.finish(&mut problems);
        (found, problems)
    }

    #[test]
    fn training_and_debugging_are_kept_unless_the_feed_says_otherwise() {
        let usual = Handling::default();
        let found = ["P", "T", "D", ""].map(|id| usual.processing(id, ""));
        assert_eq!(found, [Processing::Apply, Processing::Keep, Processing::Keep, Processing::Apply]);
        assert_eq!(usual.processing("P", "T"), Processing::Apply, "the mode T is current processing");
        let (own, problems) = handling("processing: { T: apply, D: refuse, 'P^I': keep }");
        assert_eq!(problems, []);
        assert_eq!(own.processing("T", "A"), Processing::Apply);
        assert_eq!(own.processing("D", ""), Processing::Refuse);
        assert_eq!((own.processing("P", "I"), own.processing("P", "")), (Processing::Keep, Processing::Apply));
    }

    #[test]
    fn faults_say_what_would_be_right() {
        for (text, said) in [
            ("processing: { T: drop }", "keep"),
            ("processing: { 'P^': keep }", "MSH-11"),
            ("ignore: [A60]", "ADT^A01"),
            ("acknowledge: twice", "original"),
        ] {
            let (_, problems) = handling(text);
            assert!(problems.len() == 1 && problems[0].text.contains(said), "{text}: {problems:?}");
        }
    }
}
