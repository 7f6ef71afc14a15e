//! Questions and work in plain words.

use super::row::PlainRule;
use super::words::{a_visit, chain, codes, enrolled, evidence, list, roles, who};
use crate::fhir::ValueSets;
use crate::protocol::model::{Answer, Becomes, Prompt, TaskRule, Trigger, Yearly};
use crate::protocol::quiet_hours::QuietHours;
use crate::protocol::stage::Stage;

pub fn of_prompt(prompt: &Prompt, sets: &ValueSets) -> PlainRule {
    let mut rows = Vec::new();
    let mut say = |label: &str, words: String| rows.push((label.to_string(), words));
    if let Some(who) = who(&prompt.who, sets) {
        say("asked of", who);
    }
    if !prompt.detail.is_empty() {
        say("why", prompt.detail.clone());
    }
    say("comes up", format!("at every visit until it is answered; weight {}", prompt.weight));
    for answer in &prompt.answers {
        say(&format!("“{}”", answer.label), again(answer));
    }
    for by in &prompt.silenced_by {
        let of = codes(&by.codes, sets);
        say("answered by itself", format!("{} of {of}, for {} after it", by.resource_type, by.lasts));
    }
    PlainRule { kind: "question", id: prompt.id.clone(), title: prompt.ask.clone(), rows }
}

fn again(answer: &Answer) -> String {
    let again = answer.again.map_or("never asked again".to_string(), |again| format!("asked again after {again}"));
    if answer.is_override { format!("a reason not to do it; {again}") } else { again }
}

pub fn of_task(task: &TaskRule, quiet: Option<QuietHours>, sets: &ValueSets) -> PlainRule {
    let mut rows = Vec::new();
    let mut say = |label: &str, words: String| rows.push((label.to_string(), words));
    say("when", trigger(&task.when, sets));
    if let Some(who) = who(&task.who, sets) {
        say("for", who);
    }
    if task.at_practice {
        say("where", "at the practice itself alone".to_string());
    }
    if let Some(once) = task.once_in {
        say("once", format!("not again within {once} after somebody ended it"));
    }
    if let Some(wait) = task.wait.filter(|_| !matches!(task.when, Trigger::Silence { .. })) {
        say("but only if", format!("it still is so {wait} later"));
    }
    say("who", format!("{}, {}", roles(&task.owner), task.priority.code()));
    if let Some(due) = task.due {
        say("due", format!("{due} after it, in the practice's own calendar"));
    }
    say("says", task.text.open());
    if !task.climb.is_empty() {
        say("climbs", chain(&task.climb));
    }
    if let Some(quiet) = quiet {
        let (from, to) = (quiet.from.strftime("%H:%M"), quiet.to.strftime("%H:%M"));
        say("at night", format!("what is routine waits from {from} until {to}; what is urgent does not"));
    }
    if let Some(attempts) = task.attempts {
        say("attempts", format!("{attempts} documented ones are what is owed; it climbs no more and stays open"));
    }
    for one in &task.done_by {
        say("done by", evidence(one, sets));
    }
    for one in &task.unless {
        say("not owed if", evidence(one, sets));
    }
    if !task.covered_by.is_empty() {
        say("not beside", list(task.covered_by.iter().cloned(), "or"));
    }
    if task.together {
        say("several", "at once are one piece of work that names them all".to_string());
    }
    if let Some(lapses) = task.lapses {
        say("lapses", format!("{lapses} after it"));
    }
    say("too old", format!("more than {} ago when it becomes known", task.max_age));
    if let Some(gathering) = &task.gathers {
        say("holds", gathering.words());
    }
    if task.card {
        say("also", "a card in the visit".to_string());
    }
    PlainRule { kind: "work", id: task.id.clone(), title: task.title.clone(), rows }
}

fn trigger(when: &Trigger, sets: &ValueSets) -> String {
    match when {
        Trigger::Arrival(test) => format!("{} begins; it ends with the visit", a_visit(test, sets)),
        Trigger::Discharge(test) => format!("{} has ended", a_visit(test, sets)),
        Trigger::Count { test, at_least, within, each } => {
            let last = if *each { "and at each one after it" } else { "and one fewer before" };
            format!("there were {at_least} times {} within {within}, {last}", a_visit(test, sets))
        }
        Trigger::Answer { prompt, is } => {
            format!("the question `{prompt}` was answered {}", list(is.iter().cloned(), "or"))
        }
        Trigger::Silence { codes: of, lasts } => format!("no {} came for {lasts} after the last one", codes(of, sets)),
        Trigger::Enrolled { enrolment, every } => {
            let turn = every.map(|every| format!("every {every} while ")).unwrap_or_default();
            format!("{turn}the patient is enrolled in {}", enrolled(enrolment, sets))
        }
        Trigger::Transfer(test) => {
            format!("a patient is moved within {}; it ends with the next move or the visit", a_visit(test, sets))
        }
        Trigger::Cancelled(test) => format!("{} is cancelled", a_visit(test, sets)),
        Trigger::Condition(test) => {
            let of = codes(&test.codes, sets);
            match test.becomes {
                Becomes::Active if test.each => format!("{of} becomes known, each time, until it is over"),
                Becomes::Active => format!("{of} becomes known, once"),
                Becomes::Resolved => format!("{of} is over"),
            }
        }
        Trigger::Consent { codes: of, becomes } => {
            let of = of.as_ref().map(|of| format!(" to {}", codes(of, sets))).unwrap_or_default();
            format!("consent{of} is {}", becomes.word())
        }
        Trigger::Medication { codes: of, becomes } => format!("{} is {}", codes(of, sets), becomes.word()),
        Trigger::Date(Yearly::Birthday) => "the patient has their birthday".to_string(),
        Trigger::Date(Yearly::Day { month, day }) => format!("each year on {month:02}-{day:02} (month and day)"),
        Trigger::Referral { stage, codes: of } => {
            let of = of.as_ref().map(|of| format!(" for {}", codes(of, sets))).unwrap_or_default();
            format!("a referral{of} {}", of_stage(*stage))
        }
    }
}

fn of_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Requested => "waits for an answer",
        Stage::Rejected => "was rejected",
        Stage::Accepted => "was accepted and has no appointment",
        Stage::Scheduled => "has an appointment, counted from it",
        Stage::Missed => "has lost its appointment",
        Stage::Seen => "was seen and has no report",
        Stage::Reported => "has its report",
    }
}
