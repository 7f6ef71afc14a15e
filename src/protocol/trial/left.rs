//! What a rule asks, taken apart: each thing by itself for people, one more with each step for visits.

use super::tally::{Miss, Step, Tally};
use crate::fhir::ValueSets;
use crate::protocol::model::EncounterTest;
use crate::protocol::plain::{visit, who};
use crate::protocol::who::Who;

/// How many were left at each step, for one record and rule.
#[derive(Default)]
pub struct Left {
    steps: Vec<Step>,
    pub miss: Option<Miss>,
    /// Readings that do not count.
    pub aside: usize,
}

impl Left {
    pub fn step(&mut self, asked: String, left: usize) {
        self.steps.push(Step { asked, left });
    }

    /// Adds them to what other records left.
    pub fn put(self, tally: &mut Tally, rule: &str) {
        // Nothing lost: every rule of the file is in the tally.
        let Some(made) = tally.rule(rule) else { return };
        made.aside += self.aside;
        made.leave(self.steps);
        if let Some(miss) = self.miss {
            made.miss(miss);
        }
    }
}

/// Each thing that is asked of people, by itself.
pub fn each_of(asked: &Who, sets: &ValueSets) -> Vec<(Who, String)> {
    let parts = [
        asked.conditions.clone().map(|conditions| Who { conditions: Some(conditions), ..Who::default() }),
        asked.enrolled.clone().map(|enrolled| Who { enrolled: Some(enrolled), ..Who::default() }),
        asked.not_enrolled.clone().map(|not| Who { not_enrolled: Some(not), ..Who::default() }),
        asked.medication.clone().map(|medication| Who { medication: Some(medication), ..Who::default() }),
        asked.pregnant.map(|pregnant| Who { pregnant: Some(pregnant), ..Who::default() }),
        asked.weeks.map(|weeks| Who { weeks: Some(weeks), ..Who::default() }),
        asked.age.map(|age| Who { age: Some(age), ..Who::default() }),
        asked.filter.clone().map(|filter| Who { filter: Some(filter), ..Who::default() }),
    ];
    parts.into_iter().flatten().filter_map(|part| who(&part, sets).map(|words| (part, words))).collect()
}

/// What is asked of visits, with one thing more at each step.
pub fn each_visit(asked: &EncounterTest, sets: &ValueSets) -> Vec<(EncounterTest, String)> {
    let mut steps = Vec::new();
    let mut test = EncounterTest::default();
    let mut add = |is_asked: bool, take: &dyn Fn(&mut EncounterTest)| {
        if is_asked {
            take(&mut test);
            steps.push((test.clone(), visit(&test, sets)));
        }
    };
    add(!asked.classes.is_empty(), &|test| test.classes.clone_from(&asked.classes));
    add(!asked.reasons.is_empty(), &|test| test.reasons.clone_from(&asked.reasons));
    add(asked.disposition.is_some(), &|test| test.disposition.clone_from(&asked.disposition));
    add(asked.disposition_not.is_some(), &|test| test.disposition_not.clone_from(&asked.disposition_not));
    add(asked.after.is_some(), &|test| test.after.clone_from(&asked.after));
    add(asked.filter.is_some(), &|test| test.filter.clone_from(&asked.filter));
    steps
}
