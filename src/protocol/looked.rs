//! What a page shows of a record besides the work itself: readings with the bounds that hold for this patient, questions that wait
//! for an answer, referrals and how far each has come, visits, alerts. Judged at `view.now`; changes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::alert::{AlertRule, Chart, charts, taken_at, unwatched};
use super::barriers::{answered, barriers};
use super::calendar::Calendar;
use super::context::{Context, Responsible};
use super::facts::Facts;
use super::memory::Memory;
use super::model::Prompt;
use super::set::ProtocolSet;
use super::shown::{Alerted, Answered, Looked, Question, Visited};
use super::view::View;
use super::visit::Visit;
use super::work::{Existing, Given, existing_work};
use crate::identity::ResourceId;

/// Numbers that no rule watches: so many things at most are drawn, those measured last.
pub const MOST_UNWATCHED: usize = 6;
/// Classes of encounters in which the patient stays (v3 ActCode).
pub(super) const STAYS: [&str; 5] = ["IMP", "ACUTE", "NONAC", "OBSENC", "SS"];

type AllWork<'a> = BTreeMap<String, Vec<Existing<'a>>>;

impl ProtocolSet {
    /// What a page shows of a patient on a panel; of one who is on none, readings without bounds, and referrals.
    pub fn look(&self, view: &View<'_>) -> Looked {
        let weekends = Calendar::weekends();
        let responsible = self.responsible(view, &weekends);
        let zone = responsible.as_ref().map_or(TimeZone::UTC, |responsible| responsible.practice.zone.clone());
        let facts = Facts::of(view.record, self.value_sets(), &zone, view.now);
        let mut memory = Memory::default();
        let existing = existing_work(view.record, &mut |stored| memory.work(stored));
        let mut charts = responsible.iter().flat_map(|one| self.charts(&facts, &existing, one)).collect::<Vec<_>>();
        let mut others = unwatched(&facts, &charts);
        // Nothing lost: this counts what is not drawn.
        let more_charts = others.len().saturating_sub(MOST_UNWATCHED);
        // Nothing lost: how many more there are is said, and each result stands in the list of results.
        others.truncate(MOST_UNWATCHED);
        charts.extend(others);
        let all = || existing.values().flatten();
        Looked {
            charts,
            more_charts,
            questions: self.questions(&existing),
            referrals: self.referrals_in(&facts, &existing, responsible.as_ref()),
            barriers: [barriers(&facts), answered(&facts)].concat(),
            visits: facts.visits.iter().filter(|visit| visit.is_real()).map(|visit| visited(&facts, visit)).collect(),
            alerts: all().filter_map(|existing| alerted(&facts, existing)).collect(),
            answered: all().flat_map(|existing| self.answered(existing)).collect(),
        }
    }

    fn charts(&self, facts: &Facts<'_>, existing: &AllWork<'_>, responsible: &Responsible<'_>) -> Vec<Chart> {
        let mut all = Vec::new();
        for protocol in self.protocols() {
            let context = Context { protocol, facts, existing, responsible };
            if facts.belongs(&protocol.who, facts.now).0 {
                let rules = protocol.alerts.iter().filter(|rule| facts.belongs(&rule.who, facts.now).0);
                let rules: Vec<&AlertRule> = rules.collect();
                all.extend(charts(&context, &rules).into_iter().filter(|chart| !chart.is_empty()));
            }
        }
        all
    }

    /// The questions that wait, the heavier first.
    fn questions(&self, existing: &AllWork<'_>) -> Vec<Question> {
        let open = existing.values().filter_map(|works| works.first()).filter(|work| !work.is_ended());
        let mut questions: Vec<Question> = open
            .filter_map(|existing| {
                let (title, prompt) = self.prompt(existing)?;
                let last = existing.work.answers.iter().max_by_key(|given| given.at);
                let answers = prompt.answers.iter().map(|one| (one.id.clone(), one.label.clone(), one.is_override));
                Some(Question {
                    flag: existing.stored.id,
                    ask: prompt.ask.clone(),
                    detail: prompt.detail.clone(),
                    title: title.to_string(),
                    answers: answers.collect(),
                    last: last.map(|given| (given.at, label(Some(prompt), given))),
                    weight: prompt.weight,
                })
            })
            .collect();
        questions.sort_by(|one, other| (other.weight, &one.ask).cmp(&(one.weight, &other.ask)));
        questions
    }

    fn prompt(&self, existing: &Existing<'_>) -> Option<(&str, &Prompt)> {
        let protocol = self.protocol(&existing.work.protocol)?;
        let prompt = protocol.prompts.iter().find(|prompt| prompt.id == existing.work.rule)?;
        Some((&protocol.title, prompt))
    }

    fn answered(&self, existing: &Existing<'_>) -> Vec<Answered> {
        let prompt = self.prompt(existing).map(|(_, prompt)| prompt);
        let one = |given: &Given| Answered {
            flag: existing.stored.id,
            at: given.at,
            by: given.by.clone(),
            ask: prompt.map_or_else(|| existing.work.rule.clone(), |prompt| prompt.ask.clone()),
            answer: label(prompt, given),
        };
        existing.work.answers.iter().map(one).collect()
    }
}

/// What people call an answer; its code where its protocol is gone.
fn label(prompt: Option<&Prompt>, given: &Given) -> String {
    let known = prompt.and_then(|prompt| prompt.answers.iter().find(|answer| answer.id == given.answer));
    known.map_or_else(|| given.answer.clone(), |answer| answer.label.clone())
}

fn visited(facts: &Facts<'_>, visit: &Visit<'_>) -> Visited {
    Visited {
        id: visit.id,
        words: visit.words(),
        place: facts.place_of(visit),
        is_stay: STAYS.contains(&visit.class),
        start: visit.start,
        end: visit.end,
        reason: visit.reason.unwrap_or_default().to_string(),
        ended: visit.disposition_words().unwrap_or_default().to_string(),
    }
}

fn alerted(facts: &Facts<'_>, existing: &Existing<'_>) -> Option<Alerted> {
    let work = &existing.work;
    work.level.as_ref()?;
    let at = work.raised?;
    let taken = work.seen.keys().filter_map(|id| {
        // Nothing lost: our own facts name ids of ours.
        let id: ResourceId = id.parse().ok()?;
        Some((taken_at(facts, facts.record.get("Observation", id)?)?, id))
    });
    let mut taken: Vec<(Timestamp, ResourceId)> = taken.collect();
    taken.sort();
    let reading = taken.iter().rev().find(|(taken, _)| *taken <= at).or(taken.first()).map(|(_, id)| *id);
    let words = existing.stored.resource.text("description").unwrap_or_default().to_string();
    Some(Alerted { task: existing.stored.id, at, reading, words })
}
