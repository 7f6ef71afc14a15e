//! Alerts in plain words: what is measured, the bounds on either side, and who hears of it when.

use super::row::PlainRule;
use super::words::{chain, codes, list, who};
use crate::fhir::ValueSets;
use crate::protocol::alert::{AlertRule, Bounds, Level, Series, Side, Thresholds, unit_words};

pub fn of_alert(alert: &AlertRule, sets: &ValueSets) -> PlainRule {
    let mut rows = Vec::new();
    let mut say = |label: &str, words: String| rows.push((label.to_string(), words));
    if let Some(who) = who(&alert.who, sets) {
        say("for", who);
    }
    for series in &alert.series {
        if series.derived.is_none() {
            let unit = unit_words(&series.unit);
            let (from, to) = (series.plausible.from, series.plausible.to);
            say(
                "measured",
                format!("{} ({}), {from} to {to} {unit} can be right", series.name, codes(&series.codes, sets)),
            );
        }
        bounds(&series.thresholds, series, &mut say);
    }
    for (other, thresholds, _) in &alert.instead {
        let words = who(other, sets).unwrap_or_else(|| "everybody".to_string());
        let of = |one: &Thresholds| alert.series.iter().find(|series| series.name == one.series).cloned();
        for one in thresholds {
            if let Some(series) = of(one) {
                let mut of_group = |label: &str, bound: String| say(label, format!("{bound}, for {words}"));
                bounds(one, &series, &mut of_group);
            }
        }
    }
    say("warning", level(&alert.warn));
    say("escalation", level(&alert.escalate));
    if let Some(confirm) = alert.escalate.confirm {
        say("repeat", format!("an escalation that is not extreme waits {} for a second reading", confirm.within));
    }
    say("says", alert.text.open());
    if let Some(teach) = &alert.teach {
        say("to learn", teach.clone());
    }
    say("over", format!("after {} sittings in range; an escalation is ended by a person only", alert.clear_readings));
    say("counted", format!("readings taken: {}", list(alert.taken.iter().cloned(), "or")));
    say("too old", format!("more than {} before it came", alert.max_age));
    if let Some(quiet) = alert.quiet {
        say("quiet", format!("no new warning for {quiet} after a person closed one"));
    }
    PlainRule { kind: "alert", id: alert.id.clone(), title: alert.title.clone(), rows }
}

fn bounds(thresholds: &Thresholds, series: &Series, say: &mut dyn FnMut(&str, String)) {
    let unit = unit_words(&series.unit);
    let words = |bounds: &Bounds, last: &str| list(bounds.each().map(|bound| bound.words(unit)), last);
    let each = [("warns", &thresholds.warn), ("escalates", &thresholds.escalate), ("extreme", &thresholds.extreme)];
    for (label, one) in each {
        if one.each().next().is_some() {
            say(label, format!("{} {}", series.name, words(one, "or")));
        }
    }
    if thresholds.clear.each().next().is_some() {
        say("in range", format!("{} {}", series.name, words(&thresholds.clear, "and")));
    }
    if let Some(change) = thresholds.change {
        let side = if change.side == Side::Above { "above" } else { "below" };
        let (by, over, least) = (change.by, change.over, change.at_least);
        let own =
            format!("{by} {unit} or more {side} the person's own median of {over} (of at least {least} sittings)");
        say("warns", format!("{} {own}, in {} of the last {} sittings", series.name, change.count, change.of));
    }
}

fn level(level: &Level) -> String {
    let count = match (level.count, level.of) {
        (1, 1) => "one reading".to_string(),
        (count, of) => format!("{count} of the last {of} sittings within {}", level.within),
    };
    format!("{count}; answered within {}; {}", level.respond, chain(&level.chain))
}
