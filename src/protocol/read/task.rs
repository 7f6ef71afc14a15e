//! `tasks:` of a protocol: what triggers the work, who owes it, by when, and what ends it.

use super::words::Reading;
use crate::protocol::chain::{Priority, Role};
use crate::protocol::deadline::Deadline;
use crate::protocol::filter::Filter;
use crate::protocol::model::{EncounterTest, Evidence, TaskRule, Trigger, Window};
use crate::protocol::template::{TASK_PLACES, Template};
use crate::yaml::{Fields, Node};

/// A late feed makes up for a weekend, a migration does not make work.
const DEFAULT_MAX_AGE: Deadline = Deadline::Days(14);

pub fn read_task(node: &Node, protocol: &str, reading: &mut Reading<'_>) -> Option<TaskRule> {
    let mut fields = Fields::of(node, "a task");
    let id = fields.required_text("id");
    let title = fields.required_text("title");
    let text = fields.required("text").map(|node| Template::read(node, TASK_PLACES, &mut reading.problems));
    let when = fields.required("when").and_then(|node| read_trigger(node, reading));
    let who = fields.optional("for");
    let who = reading.who(who);
    let owner = reading.roles(fields.list("owner"));
    let priority = fields.choice("priority", &Priority::WORDS).unwrap_or(Priority::Routine);
    let due = reading.optional_deadline(&mut fields, "due");
    let done_by = fields.list("done-by").into_iter().filter_map(|node| read_evidence(node, reading)).collect();
    let unless = fields.list("unless").into_iter().filter_map(|node| read_evidence(node, reading)).collect();
    let covered_by = fields.texts("covered-by");
    let climb = reading.steps(fields.list("climb"));
    let wait = reading.optional_deadline(&mut fields, "wait");
    let together = fields.boolean("together").unwrap_or(false);
    let lapses = reading.optional_deadline(&mut fields, "lapses");
    let max_age = reading.optional_deadline(&mut fields, "max-age").unwrap_or(DEFAULT_MAX_AGE);
    let card = fields.boolean("card").unwrap_or(false);
    let code = fields.text("code");
    let start = jiff::Timestamp::UNIX_EPOCH;
    if wait.is_some_and(|wait| wait.after(start) >= max_age.after(start)) {
        fields.report(
            node.problem("`wait` is not shorter than `max-age`: when the wait is over, the trigger is too old"),
        );
    }
    fields.finish(&mut reading.problems);
    let id = id?;
    Some(TaskRule {
        code: code.unwrap_or_else(|| format!("{protocol}-{id}")),
        id,
        mark: node.mark.clone(),
        title: title?,
        text: text?,
        when: when?,
        who,
        owner: if owner.is_empty() { vec![Role::Practice] } else { owner },
        priority,
        due,
        done_by,
        unless,
        covered_by,
        climb,
        wait,
        together,
        lapses,
        max_age,
        card,
    })
}

fn read_trigger(node: &Node, reading: &mut Reading<'_>) -> Option<Trigger> {
    let mut fields = Fields::of(node, "a trigger");
    let arrival = fields.optional("arrival");
    let discharge = fields.optional("discharge");
    let count = fields.optional("count");
    let answer = fields.optional("answer");
    let given = [arrival, discharge, count, answer].into_iter().flatten().count();
    if given != 1 {
        fields.report(node.problem("say one thing that triggers it: arrival, discharge, count or answer"));
    }
    fields.finish(&mut reading.problems);
    if let Some(node) = arrival {
        return Some(Trigger::Arrival(read_encounter_test(node, reading)));
    }
    if let Some(node) = discharge {
        return Some(Trigger::Discharge(read_encounter_test(node, reading)));
    }
    if let Some(node) = count {
        let mut fields = Fields::of(node, "a count of encounters");
        let test = encounter_keys(&mut fields, reading);
        fields.required("at-least");
        let at_least = fields.integer("at-least", 2..=100);
        let within = fields.required("within").and_then(|node| reading.deadline(node));
        fields.finish(&mut reading.problems);
        return Some(Trigger::Count { test, at_least: usize::try_from(at_least?).ok()?, within: within? });
    }
    let mut fields = Fields::of(answer?, "an answer");
    let prompt = fields.required_text("prompt");
    fields.required("is");
    let is = fields.texts("is");
    fields.finish(&mut reading.problems);
    Some(Trigger::Answer { prompt: prompt?, is })
}

fn read_encounter_test(node: &Node, reading: &mut Reading<'_>) -> EncounterTest {
    let mut fields = Fields::of(node, "an encounter");
    let test = encounter_keys(&mut fields, reading);
    fields.finish(&mut reading.problems);
    test
}

/// The classes a feed can name (http://terminology.hl7.org/ValueSet/v3-ActEncounterCode), and words for groups of them.
const CLASSES: [(&str, &[&str]); 13] = [
    ("emergency", &["EMER"]),
    ("stay", &["IMP", "ACUTE", "NONAC", "OBSENC", "SS"]),
    ("outpatient", &["AMB", "HH", "VR"]),
    ("AMB", &["AMB"]),
    ("EMER", &["EMER"]),
    ("FLD", &["FLD"]),
    ("HH", &["HH"]),
    ("IMP", &["IMP"]),
    ("ACUTE", &["ACUTE"]),
    ("NONAC", &["NONAC"]),
    ("OBSENC", &["OBSENC"]),
    ("SS", &["SS"]),
    ("VR", &["VR"]),
];

fn encounter_keys(fields: &mut Fields<'_>, reading: &mut Reading<'_>) -> EncounterTest {
    let named = fields.list("class").into_iter().filter_map(|node| reading.word(node, &CLASSES));
    let classes = named.flatten().map(ToString::to_string).collect();
    let reasons = fields.list("reason").into_iter().map(|node| reading.reason(node)).collect();
    let disposition = fields.optional("disposition").map(|node| reading.codes(node));
    let disposition_not = fields.optional("disposition-not").map(|node| reading.codes(node));
    let seen = fields.boolean("seen").unwrap_or(false);
    let filter = fields.optional("where").and_then(|node| Filter::read(node, "Encounter", &mut reading.problems));
    EncounterTest { classes, reasons, disposition, disposition_not, seen, filter }
}

fn read_evidence(node: &Node, reading: &mut Reading<'_>) -> Option<Evidence> {
    let mut fields = Fields::of(node, "evidence");
    let encounter = fields.optional("encounter");
    let resource = fields.choice(
        "resource",
        &[("ServiceRequest", "ServiceRequest"), ("Procedure", "Procedure"), ("Appointment", "Appointment")],
    );
    let codes = fields.optional("code");
    let from = reading.optional_deadline(&mut fields, "from");
    let within = reading.optional_deadline(&mut fields, "within");
    let window = Window { from, within };
    let evidence = match (encounter, resource, codes) {
        (Some(node), None, None) => Some(Evidence::Encounter { test: read_encounter_test(node, reading), window }),
        (None, Some(resource_type), Some(node)) => {
            Some(Evidence::Resource { resource_type: resource_type.to_string(), codes: reading.codes(node), window })
        }
        _ => {
            fields.report(node.problem("evidence is an `encounter: { class: … }`, or a `resource` with its `code`"));
            None
        }
    };
    fields.finish(&mut reading.problems);
    evidence
}
