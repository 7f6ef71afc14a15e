//! `tasks:` of a protocol: what triggers the work, who owes it, by when, and what ends it.

use super::words::Reading;
use crate::protocol::deadline::Deadline;
use crate::protocol::filter::Filter;
use crate::protocol::model::{EncounterTest, Evidence, Priority, Role, TaskRule, Trigger};
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
    let lapses = reading.optional_deadline(&mut fields, "lapses");
    let max_age = reading.optional_deadline(&mut fields, "max-age").unwrap_or(DEFAULT_MAX_AGE);
    let card = fields.boolean("card").unwrap_or(false);
    let code = fields.text("code");
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

/// The classes a feed can name (http://terminology.hl7.org/ValueSet/v3-ActEncounterCode).
const CLASSES: [&str; 10] = ["AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "SS", "VR"];

fn encounter_keys(fields: &mut Fields<'_>, reading: &mut Reading<'_>) -> EncounterTest {
    let words = CLASSES.map(|class| (class, class));
    let classes = fields.list("class").into_iter().filter_map(|node| reading.word(node, &words)).map(str::to_string);
    let classes = classes.collect();
    let reason = fields.optional("reason").map(|node| reading.codes(node));
    let filter = fields.optional("where").and_then(|node| Filter::read(node, "Encounter", &mut reading.problems));
    EncounterTest { classes, reason, filter }
}

fn read_evidence(node: &Node, reading: &mut Reading<'_>) -> Option<Evidence> {
    let mark = node.mark.clone();
    let mut fields = Fields::of(node, "evidence");
    let encounter = fields.optional("encounter");
    let resource = fields.choice(
        "resource",
        &[("ServiceRequest", "ServiceRequest"), ("Procedure", "Procedure"), ("Appointment", "Appointment")],
    );
    let codes = fields.optional("code");
    let within = reading.optional_deadline(&mut fields, "within");
    let evidence = match (encounter, resource, codes) {
        (Some(node), None, None) => {
            Some(Evidence::Encounter { test: read_encounter_test(node, reading), within, mark })
        }
        (None, Some(resource_type), Some(node)) => Some(Evidence::Resource {
            resource_type: resource_type.to_string(),
            codes: reading.codes(node),
            within,
            mark,
        }),
        _ => {
            fields.report(node.problem("evidence is an `encounter: { class: … }`, or a `resource` with its `code`"));
            None
        }
    };
    fields.finish(&mut reading.problems);
    evidence
}
