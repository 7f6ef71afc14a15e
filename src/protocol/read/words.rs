//! The small words all protocol rules share: spans of time, roles, priorities, codes, groups of people.

use crate::fhir::terminology::check_written_code;
use crate::fhir::{ValueSets, code_system};
use crate::problem::{Category, Problem};
use crate::protocol::chain::{Priority, Role, Step};
use crate::protocol::codes::Codes;
use crate::protocol::deadline::Deadline;
use crate::protocol::filter::Filter;
use crate::protocol::model::{Becomes, ConditionTest, Taken};
use crate::protocol::reason::{Certainty, Position, Reason};
use crate::protocol::who::{ConditionCount, Enrolment, Weeks, Who};
use crate::yaml::{Fields, Kind, Node, nearest};

/// What reading needs to know and where faults go.
pub struct Reading<'a> {
    pub value_sets: &'a ValueSets,
    pub problems: Vec<Problem>,
}

impl Reading<'_> {
    pub fn deadline(&mut self, node: &Node) -> Option<Deadline> {
        let read = node.as_text().and_then(|text| Deadline::parse(&text));
        if read.is_none() {
            self.problems.push(node.problem("a span of time is written like 30 min, 4 h, 7 d or 2 business days"));
        }
        read
    }

    pub fn optional_deadline(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Option<Deadline> {
        fields.optional(key).and_then(|node| self.deadline(node))
    }

    pub fn roles(&mut self, nodes: Vec<&Node>) -> Vec<Role> {
        nodes.into_iter().filter_map(|node| self.word(node, &Role::WORDS)).collect()
    }

    /// One of a closed set of words, wherever it stands.
    pub fn word<T: Copy>(&mut self, node: &Node, words: &[(&'static str, T)]) -> Option<T> {
        let text = node.as_text().unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let hint = nearest(&text, names.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
            let text = format!("`{text}` is not one of {}{}", names.join(", "), hint.unwrap_or_default());
            self.problems.push(node.problem(text));
        }
        found
    }

    pub fn value_set(&mut self, node: &Node) -> Option<String> {
        let name = node.as_text()?;
        if self.value_sets.get(&name).is_none() {
            let hint = nearest(&name, self.value_sets.names()).map(|near| format!("; did you mean `{near}`?"));
            let text = format!("there is no value set `{name}`{}", hint.unwrap_or_default());
            self.problems.push(node.mark.problem(Category::NotFound, text));
        }
        Some(name)
    }

    /// `{ valueset: copd }`, or `{ codes: ['snomed 313072008'] }`, or both.
    pub fn codes(&mut self, node: &Node) -> Codes {
        let mut fields = Fields::of(node, "a group of codes");
        let codes = self.code_keys(node, &mut fields);
        fields.finish(&mut self.problems);
        codes
    }

    /// `{ valueset: mental-illness, position: principal, certainty: confirmed }`.
    pub fn reason(&mut self, node: &Node) -> Reason {
        let mut fields = Fields::of(node, "a reason");
        let codes = self.code_keys(node, &mut fields);
        let position = fields.choice("position", &Position::WORDS).unwrap_or_default();
        let certainty = self.certainty(&mut fields, &Certainty::OF_REASONS);
        fields.finish(&mut self.problems);
        Reason { codes, position, certainty }
    }

    /// `{ valueset: heart-failure, becomes: resolved }`.
    pub fn condition_test(&mut self, node: &Node) -> ConditionTest {
        let mut fields = Fields::of(node, "a diagnosis");
        let codes = self.code_keys(node, &mut fields);
        let certainty = self.certainty(&mut fields, &Certainty::OF_PEOPLE);
        let becomes = fields.choice("becomes", &Becomes::WORDS).unwrap_or_default();
        let each = fields.boolean("each").unwrap_or(false);
        if each && becomes == Becomes::Resolved {
            fields.report(node.problem("`each` is of what somebody has now; leave out `becomes`"));
        }
        fields.finish(&mut self.problems);
        ConditionTest { codes, certainty, becomes, each }
    }

    /// `{ valueset: medicine-insulin, becomes: started }`.
    pub fn medication_test(&mut self, node: &Node) -> Option<(Codes, Taken)> {
        let mut fields = Fields::of(node, "a medicine");
        let codes = self.code_keys(node, &mut fields);
        fields.required("becomes");
        let becomes = fields.choice("becomes", &Taken::WORDS);
        fields.finish(&mut self.problems);
        Some((codes, becomes?))
    }

    fn certainty(&mut self, fields: &mut Fields<'_>, otherwise: &[Certainty]) -> Vec<Certainty> {
        let nodes = fields.list("certainty");
        let named: Vec<Certainty> = nodes.into_iter().filter_map(|node| self.word(node, &Certainty::WORDS)).collect();
        if named.is_empty() { otherwise.to_vec() } else { named }
    }

    fn code_keys(&mut self, node: &Node, fields: &mut Fields<'_>) -> Codes {
        let value_sets = fields.list("valueset").into_iter().filter_map(|node| self.value_set(node)).collect();
        let listed = fields.list("codes").into_iter().filter_map(|node| self.code(node)).collect();
        let codes = Codes { value_sets, listed };
        if codes == Codes::default() && node.as_map().is_some() {
            fields.report(node.problem("name a `valueset` or list `codes`"));
        }
        codes
    }

    fn code(&mut self, node: &Node) -> Option<(String, String)> {
        let text = node.as_text().unwrap_or_default();
        let parts = text.split_once(' ').and_then(|(system, code)| Some((code_system(system)?, code.trim())));
        if parts.is_none() {
            self.problems.push(node.problem("a code is written with its system in front: loinc 59408-5"));
        }
        let (system, code) = parts?;
        self.problems.extend(check_written_code(system.url, code, &node.mark));
        Some((system.url.to_string(), code.to_string()))
    }

    /// The people under a key such as `for`; everybody when it is absent.
    pub fn who(&mut self, node: Option<&Node>) -> Who {
        let Some(node) = node else { return Who::default() };
        let mut fields = Fields::of(node, "a group of people");
        let one = fields.optional("condition");
        let many = fields.optional("conditions");
        let mut who = Who::default();
        if let Some(node) = one {
            let mut one = Fields::of(node, "a condition");
            let codes = self.code_keys(node, &mut one);
            let certainty = self.certainty(&mut one, &Certainty::OF_PEOPLE);
            one.finish(&mut self.problems);
            if !codes.listed.is_empty() {
                self.problems.push(node.problem("conditions are named by value set here; give the codes a value set"));
            }
            who.conditions = Some(ConditionCount { groups: codes.value_sets, at_least: 1, certainty });
        }
        if let Some(node) = many {
            let mut count = Fields::of(node, "a count of conditions");
            count.required("of");
            let groups = count.list("of").into_iter().filter_map(|node| self.value_set(node)).collect();
            let at_least = count.integer("at-least", 1..=20).unwrap_or(1);
            let certainty = self.certainty(&mut count, &Certainty::OF_PEOPLE);
            count.finish(&mut self.problems);
            let at_least = usize::try_from(at_least).unwrap_or(1);
            who.conditions = Some(ConditionCount { groups, at_least, certainty });
        }
        if let Some(node) = fields.optional("enrolled") {
            let mut keys = Fields::of(node, "being enrolled");
            who.enrolled = self.enrolment_keys(&mut keys);
            keys.finish(&mut self.problems);
        }
        if let Some(node) = fields.optional("not-enrolled") {
            let mut keys = Fields::of(node, "not being enrolled");
            who.not_enrolled = self.enrolment_keys(&mut keys);
            keys.finish(&mut self.problems);
        }
        who.medication = fields.optional("medication").map(|node| self.codes(node));
        who.pregnant = fields.boolean("pregnant");
        if let Some(node) = fields.optional("gestational-age") {
            let mut weeks = Fields::of(node, "a gestational age");
            let mut week = |key| weeks.integer(key, 0..=44).and_then(|weeks| u32::try_from(weeks).ok()); // Nothing lost: it was told.
            who.weeks = Some(Weeks { from: week("from"), to: week("to") });
            if who.weeks == Some(Weeks { from: None, to: None }) && node.as_map().is_some() {
                weeks.report(
                    node.problem("say in completed weeks `from`, `to`, or both: gestational-age: { from: 20 }"),
                );
            }
            weeks.finish(&mut self.problems);
        }
        if let Some(node) = fields.optional("age") {
            let mut age = Fields::of(node, "an age");
            let from = age.integer("from", 0..=130).and_then(|years| u32::try_from(years).ok());
            let to = age.integer("to", 0..=130).and_then(|years| u32::try_from(years).ok());
            age.finish(&mut self.problems);
            who.age = Some((from, to));
        }
        who.filter = fields.optional("where").and_then(|node| Filter::read(node, "Patient", &mut self.problems));
        fields.finish(&mut self.problems);
        who
    }

    /// `programme: { valueset: enhanced-care }`, `level: { valueset: care-level-high }`.
    pub fn enrolment_keys(&mut self, fields: &mut Fields<'_>) -> Option<Enrolment> {
        let programme = fields.required("programme").map(|node| self.codes(node));
        let level = fields.optional("level").map(|node| self.codes(node));
        Some(Enrolment { programme: programme?, level })
    }

    /// A chain of steps, which must come later one by one.
    pub fn steps(&mut self, nodes: Vec<&Node>) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for node in nodes {
            let mut fields = Fields::of(node, "a step");
            let after = self.optional_deadline(&mut fields, "after").unwrap_or(Deadline::Minutes(0));
            let owner = self.roles(fields.list("owner"));
            let priority = fields.choice("priority", &Priority::WORDS);
            fields.finish(&mut self.problems);
            let origin = jiff::Timestamp::UNIX_EPOCH;
            if steps.last().is_some_and(|last| last.after.after(origin) >= after.after(origin)) {
                self.problems.push(node.problem("each step comes later than the one before; give it a longer `after`"));
            }
            steps.push(Step { after, owner, priority });
        }
        steps
    }

    pub fn number(&mut self, node: &Node) -> Option<f64> {
        match node.kind {
            // Thresholds are small numbers; an i64 beyond 2^53 is a slip that plausibility would catch anyway.
            Kind::Integer(value) => i32::try_from(value).ok().map(f64::from),
            Kind::Float(value) if value.is_finite() => Some(value),
            _ => {
                self.problems.push(node.problem(format!("this must be a number; it is {}", node.kind_name())));
                None
            }
        }
    }
}

/// `2 of 3`.
pub fn read_count(node: &Node, reading: &mut Reading<'_>) -> (usize, usize) {
    let text = node.as_text().unwrap_or_default();
    let parts = text.split_once(" of ").and_then(|(count, of)| Some((count.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((count, of)) if (1..=of).contains(&count) && of <= 20 => (count, of),
        _ => {
            reading.problems.push(node.problem("write how many of the last readings it takes: 2 of 3"));
            (1, 1)
        }
    }
}
