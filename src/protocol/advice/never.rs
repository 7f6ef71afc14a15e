//! Rules about people, visits and time that contradict themselves: work that never comes, or a part of it that never does.

use jiff::Timestamp;

use crate::fhir::code_system;
use crate::protocol::codes::Codes;
use crate::protocol::deadline::Deadline;
use crate::protocol::model::{EncounterTest, Evidence, Protocol, TaskRule, Trigger};
use crate::protocol::who::{Enrolment, Who};
use crate::yaml::Mark;

/// Where something odd stands, and what it is.
pub type Odd<'o> = &'o mut dyn FnMut(&Mark, String);

/// Code systems that never say what some kind of thing is.
const NEVER_THERE: [(&str, &[&str]); 5] = [
    ("a diagnosis", &["loinc", "cvx", "rxnorm", "ucum"]),
    ("Observation", &["icd10cm", "icd10", "cvx", "rxnorm"]),
    ("Immunization", &["loinc", "icd10cm", "icd10"]),
    ("Procedure", &["cvx", "rxnorm", "icd10cm", "icd10"]),
    ("DiagnosticReport", &["cvx", "rxnorm", "icd10cm", "icd10"]),
];

pub fn look(protocol: &Protocol, odd: Odd<'_>) {
    ages(&[(&protocol.who, "")], &protocol.mark, odd);
    let nobody = |who: &Who, mark: &Mark, odd: Odd<'_>| {
        ages(&[(&protocol.who, "the file's `for`"), (who, "the rule's")], mark, odd);
        levels(&protocol.who, who, mark, odd);
    };
    protocol.prompts.iter().for_each(|rule| nobody(&rule.who, &rule.mark, odd));
    protocol.alerts.iter().for_each(|rule| nobody(&rule.who, &rule.mark, odd));
    for prompt in &protocol.prompts {
        prompt.silenced_by.iter().for_each(|by| foreign(by.resource_type, &by.codes, &prompt.mark, odd));
    }
    for rule in &protocol.tasks {
        nobody(&rule.who, &rule.mark, odd);
        of_trigger(rule, odd);
        of_time(rule, odd);
        covered(protocol, rule, odd);
        let evidence = rule.done_by.iter().chain(&rule.unless);
        evidence.for_each(|one| of_evidence(one, &rule.mark, odd));
    }
}

/// Nobody is that old and that young.
fn ages(asked: &[(&Who, &str)], mark: &Mark, odd: Odd<'_>) {
    let from = asked.iter().filter_map(|(who, of)| Some((who.age?.0?, *of))).max();
    let to = asked.iter().filter_map(|(who, of)| Some((who.age?.1?, *of))).min();
    // Nothing lost: without both ends nothing contradicts.
    let (Some((from, of_from)), Some((to, of_to))) = (from, to) else { return };
    // What one `age` says by itself is said where it stands.
    let is_own = asked.len() > 1 && of_from == of_to && of_from != "the rule's";
    if from > to && !is_own {
        let of = |of: &str| if of.is_empty() { String::new() } else { format!(" ({of})") };
        let (of_from, of_to) = (of(of_from), of(of_to));
        odd(
            mark,
            format!(
                "nobody is {from} or older{of_from} and {to} or younger{of_to}: this never comes; change one of the two"
            ),
        );
    }
}

fn levels(whole: &Who, own: &Who, mark: &Mark, odd: Odd<'_>) {
    let all = [whole, own];
    weeks(&all, mark, odd);
    let mut enrolled = all.iter().filter_map(|who| who.enrolled.as_ref());
    let is_both = |one: &Enrolment| {
        // Who is not enrolled at one level may be at another.
        let mut not = all.iter().filter_map(|who| who.not_enrolled.as_ref()).filter(|not| not.level.is_none());
        not.any(|not| one.programme == not.programme)
    };
    if enrolled.any(is_both) {
        odd(
            mark,
            "nobody is enrolled in a programme and not enrolled in it: this never comes; take one of the two out"
                .to_string(),
        );
    }
    let level = |who: &Who| who.enrolled.as_ref().and_then(|enrolled| enrolled.level.clone());
    if let (Some(one), Some(other)) = (level(whole), level(own))
        && !share(&one, &other)
    {
        odd(mark, "the file's `for` and the rule's ask for two levels of enrolment: one person rarely has both; ask in one place".to_string());
    }
}

/// Nobody is that far on and not yet, or not pregnant at all.
fn weeks(all: &[&Who], mark: &Mark, odd: Odd<'_>) {
    let each = || all.iter().filter_map(|who| who.weeks);
    let (from, to) = (each().filter_map(|weeks| weeks.from).max(), each().filter_map(|weeks| weeks.to).min());
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        odd(
            mark,
            format!(
                "nobody is in week {from} or later and in week {to} or earlier: this never comes; change one of the two"
            ),
        );
    }
    let is = |asked: bool| all.iter().any(|who| who.pregnant == Some(asked));
    if is(false) && (is(true) || each().next().is_some()) {
        let text = "nobody is not pregnant and in some week of it: this never comes; take `pregnant: false` out";
        odd(mark, text.to_string());
    }
    let oldest = all.iter().filter_map(|who| who.age?.0).max().filter(|from| *from > 65);
    if let Some(from) = oldest.filter(|_| is(true) || each().next().is_some()) {
        odd(mark, format!("nobody of {from} years is asked about a pregnancy: this never comes; change the age"));
    }
}

pub fn share(one: &Codes, other: &Codes) -> bool {
    one.value_sets.iter().any(|set| other.value_sets.contains(set))
        || one.listed.iter().any(|code| other.listed.contains(code))
        // What two sets have in common is not asked.
        || (!one.value_sets.is_empty() && !other.value_sets.is_empty())
}

fn of_trigger(rule: &TaskRule, odd: Odd<'_>) {
    let (test, is_arrival) = match &rule.when {
        Trigger::Arrival(test) => (test, true),
        Trigger::Discharge(test) | Trigger::Transfer(test) | Trigger::Cancelled(test) => (test, false),
        Trigger::Condition(test) => return foreign("a diagnosis", &test.codes, &rule.mark, odd),
        Trigger::Count { test, .. } => (test, false),
        _ => return,
    };
    of_visit(test, &rule.mark, odd);
    if is_arrival && test.disposition.is_some() {
        let text = "how a visit ended is known when it has ended, and work of an `arrival` ends then: this never comes; use `discharge`";
        odd(&rule.mark, text.to_string());
    }
    if test.seen {
        odd(&rule.mark, "`seen` counts in evidence only: every visit triggers; leave it out here".to_string());
    }
}

fn of_visit(test: &EncounterTest, mark: &Mark, odd: Odd<'_>) {
    test.reasons.iter().for_each(|reason| foreign("a diagnosis", &reason.codes, mark, odd));
    for codes in [&test.disposition, &test.disposition_not].into_iter().flatten() {
        for (system, code) in &codes.listed {
            let text = format!(
                "how a visit ended is read as FHIR's discharge-disposition or a billing code: `{system}|{code}` is never met; name a value set"
            );
            odd(mark, text);
        }
    }
    if let Some(before) = &test.after {
        of_visit(&before.test, mark, odd);
    }
}

fn of_evidence(evidence: &Evidence, mark: &Mark, odd: Odd<'_>) {
    let window = match evidence {
        Evidence::Encounter { test, window } => {
            of_visit(test, mark, odd);
            window
        }
        Evidence::Resource { resource_type, codes, window } => {
            foreign(resource_type, codes, mark, odd);
            window
        }
    };
    if let (Some(from), Some(within)) = (window.from, window.within)
        && length(from) >= length(within)
    {
        odd(mark, format!("evidence from {from} on and within {within} never counts; `from` lies before `within`"));
    }
}

/// Codes of a system that is never used there.
fn foreign(kind: &str, codes: &Codes, mark: &Mark, odd: Odd<'_>) {
    // Nothing lost: of other kinds any system may tell.
    let Some((_, never)) = NEVER_THERE.iter().find(|(known, _)| *known == kind) else { return };
    for (system, code) in &codes.listed {
        let name = code_system(system).map(|known| known.name).unwrap_or_default();
        if never.contains(&name) {
            odd(
                mark,
                format!(
                    "{kind} never comes with a code of {name}: `{name} {code}` is never met; use a system that says {kind}"
                ),
            );
        }
    }
}

fn of_time(rule: &TaskRule, odd: Odd<'_>) {
    // Nothing lost: what never lapses has all the time.
    let Some(lapses) = rule.lapses else { return };
    if let Some(wait) = rule.wait.filter(|wait| length(*wait) >= length(lapses)) {
        let text = format!(
            "it lapses after {lapses}, before the wait of {wait} is over: this never comes; let it lapse later"
        );
        return odd(&rule.mark, text);
    }
    if let Some(due) = rule.due.filter(|due| length(*due) > length(lapses)) {
        odd(
            &rule.mark,
            format!("it is due after {due} and lapses after {lapses}: nobody is ever late; let it lapse later"),
        );
    }
    for step in rule.climb.iter().filter(|step| length(step.after) >= length(lapses)) {
        odd(
            &rule.mark,
            format!("the step after {} never comes: the work lapses after {lapses}; let it lapse later", step.after),
        );
    }
}

/// Another rule asks for the same of every trigger of this one.
fn covered(protocol: &Protocol, rule: &TaskRule, odd: Odd<'_>) {
    let same = |other: &&TaskRule| {
        let is_for_all = format!("{:?}", other.who) == format!("{:?}", Who::default());
        rule.covered_by.contains(&other.id) && is_for_all && format!("{:?}", other.when) == format!("{:?}", rule.when)
    };
    if let Some(other) = protocol.tasks.iter().find(same) {
        let line = other.mark.line;
        odd(
            &rule.mark,
            format!(
                "`{}` (line {line}) has the same trigger for everybody and covers this: this never comes; take it out",
                other.id
            ),
        );
    }
}

pub fn length(span: Deadline) -> Timestamp {
    span.after(Timestamp::UNIX_EPOCH)
}
