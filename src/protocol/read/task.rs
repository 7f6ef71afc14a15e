//! `tasks:` of a protocol: what triggers the work, who owes it, by when, and what ends it.

use super::evidence::read_evidence;
use super::trigger::read_trigger;
use super::words::Reading;
use crate::protocol::chain::{Priority, Role};
use crate::protocol::deadline::Deadline;
use crate::protocol::model::{Evidence, Gathering, Part, TaskRule, Trigger};
use crate::protocol::template::{TASK_PLACES, Template};
use crate::yaml::{Fields, Node};

/// A late feed makes up for a weekend, a migration does not make work.
const DEFAULT_MAX_AGE: Deadline = Deadline::Days(14);
/// Who stopped measuring longer ago has stopped.
const DAYS_AFTER_SILENCE: u32 = 30;

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
    let done_by: Vec<Evidence> =
        fields.list("done-by").into_iter().filter_map(|node| read_evidence(node, reading)).collect();
    let unless = fields.list("unless").into_iter().filter_map(|node| read_evidence(node, reading)).collect();
    if done_by.iter().any(|one| one.window().before.is_some()) {
        let text = "what was before the trigger makes work pointless and does not do it: say `before` under `unless`";
        fields.report(node.problem(text));
    }
    let covered_by = fields.texts("covered-by");
    let attempts = fields.integer("attempts", 1..=10).and_then(|count| usize::try_from(count).ok());
    let climb = reading.steps(fields.list("climb"));
    let silence = match &when {
        Some(Trigger::Silence { lasts, .. }) => Some(*lasts),
        _ => None,
    };
    // Silence is the wait.
    let wait = reading.optional_deadline(&mut fields, "wait").or(silence);
    let together = fields.boolean("together").unwrap_or(false);
    let lapses = reading.optional_deadline(&mut fields, "lapses");
    let usual = silence.map_or(DEFAULT_MAX_AGE, |lasts| lasts.and_days(DAYS_AFTER_SILENCE));
    let max_age = reading.optional_deadline(&mut fields, "max-age").unwrap_or(usual);
    let card = fields.boolean("card").unwrap_or(false);
    let at_practice = fields.boolean("at-practice").unwrap_or(false);
    let is_visit = matches!(
        &when,
        Some(
            Trigger::Arrival(_)
                | Trigger::Discharge(_)
                | Trigger::Transfer(_)
                | Trigger::Cancelled(_)
                | Trigger::Count { .. }
        )
    );
    if at_practice && when.is_some() && !is_visit {
        fields.report(node.problem("`at-practice` is about visits, and no visit triggers this; take it out"));
    }
    let once_in = reading.optional_deadline(&mut fields, "once-in");
    let gathers = fields.optional("gathers").and_then(|node| read_gathering(node, reading));
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
        attempts,
        wait,
        together,
        lapses,
        max_age,
        card,
        at_practice,
        once_in,
        gathers,
    })
}

/// `{ of: [goals, questions], over: 365 d }`.
fn read_gathering(node: &Node, reading: &mut Reading<'_>) -> Option<Gathering> {
    let mut fields = Fields::of(node, "what is gathered");
    fields.required("of");
    let parts: Vec<Part> = fields.list("of").into_iter().filter_map(|node| reading.word(node, &Part::WORDS)).collect();
    let over = fields.required("over").and_then(|node| reading.deadline(node));
    fields.finish(&mut reading.problems);
    Some(Gathering { parts, over: over? })
}
