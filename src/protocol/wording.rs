//! What a task says: why it is owed, with the values compared, and what stands in the places of its text.

use jiff::Timestamp;

use super::anchor::Anchor;
use super::context::Context;
use super::deadline::Deadline;
use super::model::{Becomes, TaskRule, Trigger, Yearly};

/// Why the work is owed.
pub fn why(
    context: &Context<'_>,
    rule: &TaskRule,
    anchor: &Anchor<'_, '_>,
    due: Option<Timestamp>,
    who: &str,
) -> String {
    let facts = context.facts;
    let mut words = match (&rule.when, anchor.visit) {
        (Trigger::Arrival(_), Some(visit)) => {
            format!("{} at {} began {}", visit.words(), facts.place_of(visit), facts.say(anchor.at))
        }
        (Trigger::Discharge(_), Some(visit)) => {
            format!("{} at {} ended {}", visit.words(), facts.place_of(visit), facts.say(anchor.at))
        }
        (Trigger::Count { at_least, within, .. }, _) => format!(
            "{} encounters within {within}, by the one that began {}; asked at {at_least} or more",
            anchor.detail,
            facts.say(anchor.at)
        ),
        (Trigger::Silence { lasts, .. }, _) => {
            format!("Last measured {}; asked when nothing comes for {lasts}", facts.say(anchor.at))
        }
        (Trigger::Referral { stage, .. }, _) => {
            let (what, to) = anchor.referral.clone().unwrap_or_default();
            let said = if anchor.detail.is_empty() { String::new() } else { format!(" ({})", anchor.detail) };
            format!("Referral for {what} to {to}: {} {}{said}", stage.word(), facts.say(anchor.at))
        }
        (Trigger::Enrolled { every, .. }, _) => {
            let turn = every.map(|every| format!(", asked every {every}")).unwrap_or_default();
            format!("Enrolled in the programme; {}{turn}", facts.say(anchor.at))
        }
        (Trigger::Transfer(_), Some(visit)) => {
            format!("{} at {}: moved {}", visit.words(), facts.place_of(visit), facts.say(anchor.at))
        }
        (Trigger::Cancelled(_), Some(visit)) => {
            format!("{} at {} was cancelled {}", visit.words(), facts.place_of(visit), facts.say(anchor.at))
        }
        (Trigger::Condition(test), _) => {
            let what = if test.becomes == Becomes::Active { "known since" } else { "over since" };
            format!("{} is {what} {}", anchor.detail, facts.say(anchor.at))
        }
        (Trigger::Consent { becomes, .. }, _) => format!("Consent {} {}", becomes.word(), facts.say(anchor.at)),
        (Trigger::Medication { becomes, .. }, _) => {
            format!("{}: {} {}", anchor.detail, becomes.word(), facts.say(anchor.at))
        }
        (Trigger::Date(on), _) => {
            let what = if *on == Yearly::Birthday { "Birthday" } else { "The day of the year" };
            format!("{what}: {}", facts.say(anchor.at))
        }
        _ => format!("Answered {} on {}", anchor.detail, facts.say(anchor.at)),
    };
    if let (Trigger::Arrival(test) | Trigger::Discharge(test), false) = (&rule.when, anchor.detail.is_empty())
        && test.after.is_some()
    {
        words.push_str(&format!(", after {}", anchor.detail));
    }
    if let Some(reason) = anchor.visit.and_then(|visit| visit.reason) {
        words.push_str(&format!(", reason {reason}"));
    }
    if !who.is_empty() {
        words.push_str(&format!("; {who}"));
    }
    if let (Some(span), Some(due)) = (rule.due, due) {
        words.push_str(&format!("; {span} from then is {}", facts.say(due)));
        if matches!(span, Deadline::BusinessDays(_)) {
            words.push_str(&format!(" (calendar {})", context.responsible.calendar.name));
        }
    }
    words
}

/// What stands in a place of a task's text.
pub fn fill(
    context: &Context<'_>,
    rule: &TaskRule,
    anchor: &Anchor<'_, '_>,
    due: Option<Timestamp>,
    place: &str,
) -> String {
    let facts = context.facts;
    let time = |moment: Option<Timestamp>| moment.map_or_else(|| "an unknown time".to_string(), |at| facts.say(at));
    match (place, anchor.visit) {
        ("patient", _) => facts.patient_name(),
        ("place", Some(visit)) => facts.place_of(visit),
        ("start", Some(visit)) => time(visit.start),
        ("end", Some(visit)) => time(visit.end),
        ("disposition", Some(visit)) => visit.disposition_words().unwrap_or("not stated").to_string(),
        ("reason", Some(visit)) => visit.reason.unwrap_or("not stated").to_string(),
        ("start" | "end", None) => facts.say(anchor.at),
        ("due", _) => time(due),
        ("conditions", _) => {
            let named = rule.who.conditions.as_ref().or(context.protocol.who.conditions.as_ref());
            named.map(|count| facts.condition_groups(count).join(", ").replace('-', " ")).unwrap_or_default()
        }
        ("count" | "answer" | "before" | "said" | "medicine", _) => anchor.detail.clone(),
        ("referral", _) => anchor.referral.clone().unwrap_or_default().0,
        ("to", _) => anchor.referral.clone().unwrap_or_default().1,
        _ => "not stated".to_string(),
    }
}

/// So many characters of a text at most, the sign that there was more among them. Whoever calls it says where the text stands whole.
pub fn shorten(text: &str, longest: usize) -> String {
    // Nothing lost: what is short enough is whole.
    if text.chars().count() <= longest {
        return text.to_string();
    }
    // Nothing lost: the sign says that there is more, and whoever calls it where.
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shortened_says_so_and_is_as_long_as_it_may_be() {
        for (text, short) in [("Kälte", "Kälte"), ("Kältes", "Kält…"), ("", "")] {
            assert_eq!(shorten(text, 5), short);
        }
    }
}
