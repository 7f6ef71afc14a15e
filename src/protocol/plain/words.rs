//! The parts of rules in words: people, codes, visits, evidence, steps.

use crate::fhir::ValueSets;
use crate::protocol::chain::{Role, Step};
use crate::protocol::codes::Codes;
use crate::protocol::model::{EncounterTest, Evidence, Window};
use crate::protocol::reason::{Certainty, Position, Reason};
use crate::protocol::who::{Enrolment, Who};

/// Whom a rule is about; nothing where it is everybody.
pub fn who(who: &Who, sets: &ValueSets) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(count) = &who.conditions {
        let titles = list(count.groups.iter().map(|name| title(name, sets)), "or");
        parts.push(match count.at_least {
            1 => format!("people with {titles}"),
            many => format!("people with at least {many} of {titles}"),
        });
    }
    if let Some(enrolment) = &who.enrolled {
        parts.push(format!("people enrolled in {}", enrolled(enrolment, sets)));
    }
    parts.extend(who.not_enrolled.as_ref().map(|of| format!("people not enrolled in {}", enrolled(of, sets))));
    parts.extend(who.medication.as_ref().map(|of| format!("people who take {}", codes(of, sets))));
    match who.pregnant {
        Some(true) => parts.push("people who are pregnant".to_string()),
        Some(false) => parts.push("people who are not pregnant".to_string()),
        None => {}
    }
    parts.extend(who.weeks.map(|weeks| format!("in {} of pregnancy", weeks.words())));
    match who.age {
        Some((Some(from), Some(to))) => parts.push(format!("aged {from} to {to}")),
        Some((Some(from), None)) => parts.push(format!("aged {from} or more")),
        Some((None, Some(to))) => parts.push(format!("aged {to} or less")),
        // Nothing lost: everybody of any age is not said.
        _ => {}
    }
    parts.extend(who.filter.as_ref().map(|filter| format!("where {}", filter.text())));
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `Enhanced care at level high`.
pub fn enrolled(enrolment: &Enrolment, sets: &ValueSets) -> String {
    let level = enrolment.level.as_ref().map(|level| format!(", {}", codes(level, sets))).unwrap_or_default();
    format!("{}{level}", codes(&enrolment.programme, sets))
}

pub fn codes(codes: &Codes, sets: &ValueSets) -> String {
    let named = codes.value_sets.iter().map(|name| title(name, sets));
    let listed = codes.listed.iter().map(|(system, code)| {
        let name = crate::fhir::code_system(system).map_or(system.as_str(), |system| system.name);
        format!("{name} {code}")
    });
    list(named.chain(listed), "or")
}

fn title(name: &str, sets: &ValueSets) -> String {
    let title = sets.get(name).map(|set| set.title.clone()).filter(|title| !title.is_empty());
    title.unwrap_or_else(|| name.replace('-', " "))
}

/// `emergency visit for a mental illness as the principal diagnosis`.
pub fn visit(test: &EncounterTest, sets: &ValueSets) -> String {
    let mut words = classes(&test.classes);
    if !test.reasons.is_empty() {
        words.push_str(&format!(" for {}", list(test.reasons.iter().map(|one| reason(one, sets)), "or for")));
    }
    if let Some(ended) = &test.disposition {
        words.push_str(&format!(", that ended with: {}", codes(ended, sets)));
    }
    if let Some(not) = &test.disposition_not {
        words.push_str(&format!(", that did not end with: {}", codes(not, sets)));
    }
    if test.seen {
        words.push_str(", in which a clinician saw the patient");
    }
    if let Some(before) = &test.after {
        words.push_str(&format!(", within {} after {} had ended", before.within, a_visit(&before.test, sets)));
    }
    if let Some(filter) = &test.filter {
        words.push_str(&format!(", where {}", filter.text()));
    }
    words
}

/// The same with its article: `an emergency visit`.
pub fn a_visit(test: &EncounterTest, sets: &ValueSets) -> String {
    let words = visit(test, sets);
    format!("{} {words}", if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

fn classes(classes: &[String]) -> String {
    if classes.is_empty() {
        return "visit of any kind".to_string();
    }
    let word = |class: &String| match class.as_str() {
        "EMER" => "emergency visit".to_string(),
        "IMP" | "ACUTE" => "hospital stay".to_string(),
        "NONAC" => "stay in a facility".to_string(),
        "OBSENC" => "observation stay".to_string(),
        "SS" => "short stay".to_string(),
        "AMB" => "outpatient visit".to_string(),
        "HH" => "home visit".to_string(),
        "VR" => "virtual visit".to_string(),
        "FLD" => "visit in the field".to_string(),
        other => format!("visit of class {other}"),
    };
    let mut words: Vec<String> = classes.iter().map(word).collect();
    words.dedup();
    list(words.into_iter(), "or")
}

fn reason(reason: &Reason, sets: &ValueSets) -> String {
    let place = match reason.position {
        Position::Any => "",
        Position::Principal => " as the principal diagnosis",
        Position::ReasonForVisit => " as the reason at the door",
    };
    let is_usual = reason.certainty == Certainty::OF_REASONS;
    let certainty = if is_usual {
        String::new()
    } else {
        let words = Certainty::WORDS.iter().filter(|(_, one)| reason.certainty.contains(one));
        format!(" ({})", list(words.map(|(word, _)| (*word).to_string()), "or"))
    };
    format!("{}{place}{certainty}", codes(&reason.codes, sets))
}

pub fn evidence(evidence: &Evidence, sets: &ValueSets) -> String {
    match evidence {
        Evidence::Encounter { test, window } => format!("{}{}", visit(test, sets), within(window)),
        Evidence::Resource { resource_type, codes: of, window } => {
            format!("{resource_type} of {}{}", codes(of, sets), within(window))
        }
    }
}

fn within(window: &Window) -> String {
    if let Some(before) = window.before {
        let after = window.within.map(|within| format!(" or within {within} after")).unwrap_or_default();
        return format!(", within {before} before{after} it");
    }
    match (window.from, window.within) {
        (Some(from), Some(within)) => format!(", from {from} until {within} after it"),
        (Some(from), None) => format!(", from {from} after it"),
        (None, Some(within)) => format!(", within {within}"),
        (None, None) => String::new(),
    }
}

pub fn roles(roles: &[Role]) -> String {
    list(roles.iter().map(|role| role.code().replace('-', " ")), "and")
}

/// `coach, urgent; after 3 days: coach and care manager, urgent`.
pub fn chain(steps: &[Step]) -> String {
    let of_step = |step: &Step| {
        let owner = if step.owner.is_empty() { "the same".to_string() } else { roles(&step.owner) };
        let priority = step.priority.map(|priority| format!(", {}", priority.code())).unwrap_or_default();
        let after = if step.after == crate::protocol::deadline::Deadline::Minutes(0) {
            String::new()
        } else {
            format!("after {}: ", step.after)
        };
        format!("{after}{owner}{priority}")
    };
    steps.iter().map(of_step).collect::<Vec<_>>().join("; ")
}

/// `a, b or c`.
pub fn list(items: impl Iterator<Item = String>, last: &str) -> String {
    let mut items: Vec<String> = items.collect();
    match items.pop() {
        None => String::new(),
        Some(only) if items.is_empty() => only,
        Some(end) => format!("{} {last} {end}", items.join(", ")),
    }
}
