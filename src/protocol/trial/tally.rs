//! What a trial counts. Tallies of several records are put together, in whatever parts they were looked at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::protocol::model::Protocol;
use crate::protocol::names::REPEAT;
use crate::protocol::work::place_of;
use crate::yaml::Mark;

/// All that came of the records looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Whose records were looked at.
    pub records: usize,
    /// For whom it made anything.
    pub people: usize,
    /// In the order of the file.
    pub rules: Vec<Made>,
    /// What the rules could not use, and of how many records.
    pub unused: BTreeMap<String, usize>,
    /// Records with more observations than a trial reads; their oldest were left out.
    pub truncated: usize,
    /// Records in which so much happened that the trial ended early, with the first of them.
    pub cut_short: usize,
}

/// What one rule made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// `question`, `task`, `alert`, `repeat` or `plan`.
    pub kind: String,
    pub rule: String,
    pub title: String,
    /// `protocols/x.yaml:12`
    pub place: String,
    /// In the window; what was owed already when it began is counted beside it.
    pub made: usize,
    pub before: usize,
    /// Still open at its end.
    pub open: usize,
    pub people: usize,
    /// By the Monday of the week.
    pub weeks: BTreeMap<Date, usize>,
    /// Cards that came up when a visit began, by week.
    pub cards: BTreeMap<Date, usize>,
    /// The first of those it is for.
    pub listed: Vec<Person>,
    /// How many were left by each thing that the rule asks.
    pub steps: Vec<Step>,
    pub nearest: Option<Miss>,
    /// Readings that do not count: taken elsewhere, not to be right, or not to be used.
    pub aside: usize,
    /// Triggers for which it asked for nothing, and one of the reasons.
    pub refused: usize,
    pub refusal: Option<String>,
}

/// Somebody for whom a rule made work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// `Patient/…`
    pub patient: String,
    pub name: String,
    /// `system|value`, as the panel lists them.
    pub identifier: String,
    pub first: Timestamp,
    pub times: usize,
}

/// How many were left when this was asked, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub asked: String,
    pub left: usize,
}

/// What came nearest to what a rule asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Miss {
    /// As a part of what is asked.
    pub distance: f64,
    pub words: String,
}

impl Tally {
    pub fn of(protocol: &Protocol) -> Self {
        let made = |kind: &str, rule: &str, title: &str, mark: &Mark| Made {
            kind: kind.to_string(),
            rule: rule.to_string(),
            title: title.to_string(),
            place: place_of(mark),
            ..Made::default()
        };
        let plan = protocol.plan.iter().map(|plan| made("plan", "plan", &plan.title, &plan.mark));
        let prompts = protocol.prompts.iter().map(|rule| made("question", &rule.id, &rule.ask, &rule.mark));
        let tasks = protocol.tasks.iter().map(|rule| made("task", &rule.id, &rule.title, &rule.mark));
        let alerts = protocol.alerts.iter().map(|rule| made("alert", &rule.id, &rule.title, &rule.mark));
        let repeats = protocol.alerts.first().map(|_| made("repeat", REPEAT, "Repeat a reading", &protocol.mark));
        Self { rules: plan.chain(prompts).chain(tasks).chain(alerts).chain(repeats).collect(), ..Self::default() }
    }

    pub fn rule(&mut self, rule: &str) -> Option<&mut Made> {
        self.rules.iter_mut().find(|made| made.rule == rule)
    }

    /// Takes in what was counted elsewhere of the same protocol.
    pub fn add(&mut self, other: Self, listed: usize) {
        self.records += other.records;
        self.people += other.people;
        self.truncated += other.truncated;
        self.cut_short += other.cut_short;
        for (what, count) in other.unused {
            *self.unused.entry(what).or_default() += count;
        }
        if self.rules.is_empty() {
            self.rules = other.rules;
            return;
        }
        for (made, other) in self.rules.iter_mut().zip(other.rules) {
            made.add(other, listed);
        }
    }
}

impl Made {
    fn add(&mut self, other: Self, listed: usize) {
        self.made += other.made;
        self.before += other.before;
        self.open += other.open;
        self.people += other.people;
        self.refused += other.refused;
        for (weeks, more) in [(&mut self.weeks, other.weeks), (&mut self.cards, other.cards)] {
            for (week, count) in more {
                *weeks.entry(week).or_default() += count;
            }
        }
        self.listed.extend(other.listed);
        // Nothing lost: `people` counts them all, and whoever shows the list says how many it leaves out.
        self.listed.truncate(listed);
        self.aside += other.aside;
        self.leave(other.steps);
        self.refusal = self.refusal.take().or(other.refusal);
        if let Some(miss) = other.nearest {
            self.miss(miss);
        }
    }

    /// Adds how many others were left. Of whom a rule is not about nobody asked the rest.
    pub fn leave(&mut self, steps: Vec<Step>) {
        for (place, step) in steps.into_iter().enumerate() {
            match self.steps.get_mut(place) {
                Some(known) => known.left += step.left,
                None => self.steps.push(step),
            }
        }
    }

    /// Keeps the nearer of two.
    pub fn miss(&mut self, miss: Miss) {
        if self.nearest.as_ref().is_none_or(|known| miss.distance < known.distance) {
            self.nearest = Some(miss);
        }
    }

    /// Whether it made nothing and showed nothing, in the window or before it.
    pub fn never_fired(&self) -> bool {
        self.made == 0 && self.before == 0 && self.kind != "repeat"
    }

    /// Why it made nothing, in words.
    pub fn why(&self) -> String {
        let left: Vec<String> = self.steps.iter().map(|step| format!("{} {}", step.left, step.asked)).collect();
        let ends = self.steps.iter().position(|step| step.left == 0);
        let shown = ends.map_or(left.as_slice(), |ends| left.get(..=ends).unwrap_or_default());
        // Nothing lost: what was left before is counted in the steps; two of them tell where it ended.
        let last = shown.get(shown.len().saturating_sub(2)..).unwrap_or_default().join(", of these ");
        let refusal = self.refusal.as_ref().filter(|_| ends.is_none());
        let nearest = self.nearest.as_ref().map(|miss| format!("nearest: {}", miss.words));
        let aside = (self.aside > 0).then(|| format!("{} readings left aside", self.aside));
        [Some(last), aside, refusal.map(|words| format!("{} times refused, such as: {words}", self.refused)), nearest]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(asked: &str, left: usize) -> Step {
        Step { asked: asked.to_string(), left }
    }

    #[test]
    fn why_a_rule_made_nothing_ends_where_nobody_was_left() {
        let steps = vec![step("people", 31), step("visits", 12), step("for asthma", 0), step("ended at home", 0)];
        let mut made = Made { steps, ..Made::default() };
        assert_eq!(made.why(), "12 visits, of these 0 for asthma");
        made.miss(Miss { distance: 0.2, words: "far".to_string() });
        made.miss(Miss { distance: 0.1, words: "near".to_string() });
        made.miss(Miss { distance: 0.3, words: "farther".to_string() });
        assert_eq!(made.why(), "12 visits, of these 0 for asthma; nearest: near");
        let steps = vec![step("people", 3), step("visits", 2)];
        let refused = Made { steps, refused: 2, refusal: Some("too old.".to_string()), ..Made::default() };
        assert_eq!(refused.why(), "3 people, of these 2 visits; 2 times refused, such as: too old.");
    }

    #[test]
    fn parts_come_to_the_same_as_the_whole() {
        let week: Date = "2026-08-03".parse().unwrap();
        let person = |name: &str| Person {
            patient: String::new(),
            name: name.to_string(),
            identifier: String::new(),
            first: Timestamp::UNIX_EPOCH,
            times: 1,
        };
        let part = |name: &str, made: usize| Tally {
            records: 2,
            rules: vec![Made {
                rule: "call".to_string(),
                made,
                people: made,
                weeks: [(week, made)].into_iter().collect(),
                listed: vec![person(name); made],
                steps: vec![step("people", 2)],
                ..Made::default()
            }],
            ..Tally::default()
        };
        let mut whole = Tally::default();
        for (name, made) in [("a", 1), ("b", 0), ("c", 2)] {
            whole.add(part(name, made), 2);
        }
        let call = &whole.rules[0];
        assert_eq!((whole.records, call.made, call.people, call.weeks[&week], call.steps[0].left), (6, 3, 3, 3, 6));
        assert_eq!(call.listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    }
}
