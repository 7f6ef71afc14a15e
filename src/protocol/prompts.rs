//! Prompts: a Flag (http://hl7.org/fhir/R4/flag.html) on the record, active while the question waits for an answer and
//! silent until the last answer has aged. The answers are kept in its `State.work`.

use jiff::Timestamp;
use serde_json::json;

use super::build::patient_reference;
use super::context::{Context, Findings};
use super::model::{Answer, Prompt};
use super::work::{Desired, Given, Outcome, Work};
use super::{evidence, names, sources, told};
use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::record::Stored;

/// How a prompt stands.
pub enum Standing<'p> {
    /// Nobody answered, or the answer has aged.
    Due,
    /// Silent: the answer, and when it is asked again (never where none).
    Silent { given: &'p Given, answer: &'p Answer, until: Option<Timestamp> },
}

/// The last answer decides. An answer the file no longer knows is none.
pub fn standing<'p>(prompt: &'p Prompt, answers: &'p [Given], now: Timestamp) -> Standing<'p> {
    let last = answers.iter().max_by_key(|given| given.at);
    let known = last.and_then(|given| Some((given, prompt.answers.iter().find(|answer| answer.id == given.answer)?)));
    match known {
        None => Standing::Due,
        Some((given, answer)) => {
            let until = answer.again.map(|again| again.after(given.at));
            if until.is_some_and(|until| until <= now) {
                Standing::Due
            } else {
                Standing::Silent { given, answer, until }
            }
        }
    }
}

pub fn owe(context: &Context<'_>, findings: &mut Findings) {
    for prompt in &context.protocol.prompts {
        if context.includes(&prompt.who, findings) {
            let desired = desire(context, prompt, findings);
            findings.desired.push(desired);
        }
    }
}

fn desire(context: &Context<'_>, prompt: &Prompt, findings: &mut Findings) -> Desired {
    let facts = context.facts;
    let mut work = Work::of(context.protocol, &prompt.id, "", &prompt.mark);
    work.answers = answers_of(context, &prompt.id);
    let outcome = match standing(prompt, &work.answers, context.now()) {
        Standing::Due => Outcome::Open,
        Standing::Silent { given, answer, until } => {
            if let Some(until) = until {
                findings.wake(until);
            }
            let next = until.map_or("not asked again".to_string(), |until| format!("asked again {}", facts.say(until)));
            Outcome::Over(format!("{} on {}, {next}", answer.label, facts.say(given.at)))
        }
    };
    let (outcome, evidence) = silenced(context, prompt, findings).unwrap_or((outcome, None));
    let (_, who_words) = facts.belongs(&context.protocol.who, context.now());
    let words = match work.answers.last() {
        None => format!("Nobody has answered yet; asked of people with {who_words}"),
        Some(given) => {
            format!("The last answer was {} on {}; asked of people with {who_words}", given.answer, facts.say(given.at))
        }
    };
    let mut flag = Resource::new("Flag");
    flag.set("status", json!("active"));
    flag.set(
        "category",
        json!([{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/flag-category", "code": "clinical", "display": "Clinical" }] }]),
    );
    let code = format!("{}-{}", context.protocol.name, prompt.id);
    flag.set("code", json!({ "coding": [{ "system": names::PROMPT_CODE, "code": code }], "text": prompt.ask }));
    flag.set("subject", patient_reference(context));
    flag.set("period", json!({ "start": facts.date_time(asked_since(prompt, &work.answers, context.now())) }));
    flag.set("author", json!({ "display": format!("Handover: {}", context.protocol.title) }));
    let trigger = facts.conditions_of(&context.protocol.who).first().map(|stored| format!("Condition/{}", stored.id));
    let id = ResourceId::of(facts.record.head.person, "Flag", &work.key());
    let mut sources = told::of_people(context, [&context.protocol.who, &prompt.who]);
    sources.extend(sources::of(evidence));
    Desired { work, outcome, id, resource: flag, trigger, words, insists: false, sources, inputs: None, rests: None }
}

/// What was done lately answers the question until it has aged.
fn silenced<'a>(
    context: &Context<'a>,
    prompt: &Prompt,
    findings: &mut Findings,
) -> Option<(Outcome, Option<&'a Stored>)> {
    let facts = context.facts;
    let found = prompt.silenced_by.iter().filter_map(|by| {
        let (at, stored) = evidence::newest(facts, by)?;
        Some((by.lasts.after(at), at, stored))
    });
    let (until, at, stored) = found.max_by_key(|(until, ..)| *until)?;
    if until <= context.now() {
        return None;
    }
    findings.wake(until);
    let what = stored.resource.resource_type();
    let words = format!("{what} of {}, asked again {}", facts.say(at), facts.say(until));
    Some((Outcome::Over(words), Some(stored)))
}

/// Since when the question waits: since the last answer aged, or now (kept from then on).
fn asked_since(prompt: &Prompt, answers: &[Given], now: Timestamp) -> Timestamp {
    let last = answers.iter().max_by_key(|given| given.at);
    let again = last.and_then(|given| {
        let answer = prompt.answers.iter().find(|answer| answer.id == given.answer)?;
        Some(answer.again?.after(given.at))
    });
    again.filter(|again| *again <= now).unwrap_or(now)
}

/// Every answer to a prompt, oldest first; after a merge those of both records.
pub fn answers_of(context: &Context<'_>, prompt: &str) -> Vec<Given> {
    let key = super::work::key(&context.protocol.name, prompt, "");
    let flags = context.existing.get(&key).into_iter().flatten();
    let mut answers: Vec<Given> = flags.flat_map(|existing| existing.work.answers.clone()).collect();
    answers.sort_by(|left, right| (left.at, &left.answer).cmp(&(right.at, &right.answer)));
    answers.dedup();
    answers
}
