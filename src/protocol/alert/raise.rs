//! Alert rules: readings out of range become one Task per patient, rule and episode, which climbs until a person takes it, and
//! comes back to them when there is more than they saw.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::confirmation::{Standing, standings};
use super::episodes::{Episode, Graded, episodes};
use super::gathered::Gathered;
use super::grade::Grade;
use super::look::Look;
use super::readings::Reading;
use super::repeats::Repeats;
use super::rest;
use super::rule::AlertRule;
use super::said;
use super::sittings::{Sitting, sittings};
use super::telling::{Telling, tell};
use super::thresholds::{thresholds_for, values_in_words};
use super::told::{climbed, free_anchor, is_told};
use crate::identity::ResourceId;
use crate::protocol::context::{Context, Findings};
use crate::protocol::deadline::CLOCK_SKEW;
use crate::protocol::work::{Desired, Existing, Outcome, TakenOn, Work};

/// An alert tells of the first reading of its episode and of the newest ones.
const MOST_SEEN: usize = 64;

/// What the readings ask for; where nothing changed that it goes by, what it was when they were last looked at.
pub fn owe(context: &Context<'_>, findings: &mut Findings) {
    let protocol = context.protocol;
    if protocol.alerts.is_empty() {
        return;
    }
    let inputs = rest::inputs(context);
    if rest::stands(context, inputs, findings) {
        return;
    }
    let (before, lines, asked) = (findings.wake.take(), findings.decisions.len(), findings.desired.len());
    judge_all(context, findings);
    rest::remember(context, inputs, (lines, asked), findings);
    findings.wake = findings.wake.into_iter().chain(before).min();
}

fn judge_all(context: &Context<'_>, findings: &mut Findings) {
    let mut repeats = Repeats::default();
    for rule in &context.protocol.alerts {
        // Bounds of another group come and go by themselves, too.
        rule.instead.iter().for_each(|(who, _, _)| _ = context.includes(who, findings));
        if context.includes(&rule.who, findings) {
            let gathered = Gathered::of(context.facts, rule);
            look(context, rule, &gathered, findings);
            repeats.add(rule, gathered);
        }
    }
    repeats.owe(context, findings);
}

fn look(context: &Context<'_>, rule: &AlertRule, gathered: &Gathered, findings: &mut Findings) {
    said::left_out(context, rule, gathered, findings);
    if let Some(early) = gathered.early.first() {
        findings.wake(early.at.saturating_sub(CLOCK_SKEW).unwrap_or(early.at));
    }
    let (thresholds, thresholds_words) = thresholds_for(context, rule);
    let existing = context.existing_of(&rule.id);
    let is_held = |reading: &Reading| existing.iter().any(|existing| holds(existing, reading, rule));
    let readings = &gathered.readings;
    let standings = standings(readings, &thresholds, rule.escalate.confirm, context.now(), &is_held);
    said::judged(context, rule, readings, (&standings, &thresholds), findings);
    let sittings = sittings(readings, &standings, &thresholds, rule);
    for waits in sittings.iter().filter_map(|sitting| sitting.waits).filter(|until| *until > context.now()) {
        findings.wake(waits);
    }
    let look = Look { context, rule, gathered, standings, sittings, thresholds, thresholds_words, existing };
    look.raise(findings);
}

/// Whether a person has taken a reading on while it waited for a second one.
fn holds(existing: &Existing<'_>, reading: &Reading, rule: &AlertRule) -> bool {
    // Also after it came back to them: what they decided of this reading stands.
    let taken = existing.taken_on().or_else(|| existing.work.taken_on.clone());
    let waited = taken.filter(|taken| taken.level.as_deref() == Some(Grade::Unconfirmed.word()));
    waited.is_some_and(|taken| is_told(&taken.seen, reading, rule))
}

impl<'l, 'a> Look<'l, 'a> {
    fn raise(&self, findings: &mut Findings) {
        let found = episodes(&self.graded(), self.rule);
        let mut matched: Vec<ResourceId> = Vec::new();
        for episode in &found {
            if let Some(desired) = self.desired(episode, &mut matched, findings) {
                findings.desired.push(desired);
            }
        }
        self.end_or_keep(&matched, findings);
        if found.is_empty()
            && let Some(last) = self.sittings.last()
        {
            let words = format!(
                "“{}” is not raised: {} against {}.",
                self.rule.title,
                last.shown(self.rule),
                self.thresholds_words
            );
            let about = self.readings_of(last).first().and_then(|reading| reading.ids.first().copied());
            findings.explain(self.context, (&self.rule.id, &self.rule.mark), about, false, words);
        }
    }

    fn graded(&self) -> Vec<Graded> {
        let closed = self.existing.iter().filter(|existing| existing.is_touched() && existing.is_ended());
        let answered: BTreeSet<(&str, &str)> =
            closed.flat_map(|existing| &existing.work.seen).map(|(id, shown)| (id.as_str(), shown.as_str())).collect();
        let grade_one = |sitting: &Sitting| Graded {
            at: sitting.at,
            grade: sitting.grade,
            in_range: sitting.in_range.clone(),
            is_answered: !answered.is_empty() && self.is_answered(sitting, &answered),
        };
        self.sittings.iter().map(grade_one).collect()
    }

    /// Whether a person closed an alert that told of all that is out of range in a sitting.
    fn is_answered(&self, sitting: &Sitting, answered: &BTreeSet<(&str, &str)>) -> bool {
        let is_told = |place: &usize| {
            self.gathered.readings.get(*place).is_some_and(|reading| {
                let shown = values_in_words(&reading.values, self.rule);
                reading.ids.iter().any(|id| answered.contains(&(id.to_string().as_str(), shown.as_str())))
            })
        };
        let is_out = |place: &&usize| !matches!(self.standings.get(**place), Some(Standing::Is(None)));
        let mut out = sitting.readings.iter().filter(is_out).peekable();
        // By the distance from the own baseline a sitting may be out of range that no bound says is.
        if out.peek().is_none() { sitting.readings.iter().all(is_told) } else { out.all(is_told) }
    }

    /// The alert that an episode is, if it is one.
    fn desired(&self, episode: &Episode, matched: &mut Vec<ResourceId>, findings: &mut Findings) -> Option<Desired> {
        let members: Vec<&Sitting> = episode.sittings.iter().filter_map(|place| self.sittings.get(*place)).collect();
        let ids: Vec<String> = members
            .iter()
            .flat_map(|sitting| self.readings_of(sitting))
            .flat_map(|reading| reading.ids.iter().map(ToString::to_string))
            .collect();
        let existing = self.existing.iter().copied().find(|existing| {
            let is_over = existing.is_touched() && existing.is_ended();
            let tells = |id: &String| existing.work.seen.contains_key(id) || existing.work.anchor == *id;
            !is_over && !matched.contains(&existing.stored.id) && ids.iter().any(tells)
        });
        match existing {
            Some(existing) => {
                matched.push(existing.stored.id);
                // What is over and has ended has nothing more to say.
                if episode.over.is_some() && existing.is_ended() {
                    return None;
                }
            }
            None => self.may_begin(episode, &members, findings)?,
        }
        let anchor =
            existing.map_or_else(|| free_anchor(&self.existing, &ids), |existing| existing.work.anchor.clone());
        Some(self.alert(episode, &members, existing, anchor, findings))
    }

    /// Whether a new alert may be made of an episode: it goes on, its newest reading is fresh, and nobody asked for quiet.
    fn may_begin(&self, episode: &Episode, members: &[&Sitting], findings: &mut Findings) -> Option<()> {
        let (context, rule) = (self.context, self.rule);
        let newest = members.last()?;
        let refusal = if let Some(over) = episode.over.and_then(|place| self.sittings.get(place)) {
            Some(format!("it was back in range {} ({})", context.facts.say(over.at), over.shown(rule)))
        } else if rule.max_age.after(newest.at) < context.now() {
            if members.iter().flat_map(|sitting| self.readings_of(sitting)).any(|one| said::is_news(context, one)) {
                said::old(context, rule, findings);
            }
            Some(format!("it was taken {}, more than {} ago", context.facts.say(newest.at), rule.max_age))
        } else {
            self.quiet_until().filter(|until| episode.grade == Grade::Warn && *until > context.now()).map(|until| {
                findings.wake(until);
                format!("a person closed the last one, and asked is quiet until {}", context.facts.say(until))
            })
        };
        let Some(reason) = refusal else { return Some(()) };
        let words = format!("“{}” is not raised for {}: {reason}.", rule.title, newest.shown(rule));
        let about = self.readings_of(newest).first().and_then(|reading| reading.ids.first().copied());
        findings.explain(context, (&rule.id, &rule.mark), about, false, words);
        None
    }

    fn quiet_until(&self) -> Option<Timestamp> {
        let quiet = self.rule.quiet?;
        let closed = self.existing.iter().filter(|existing| existing.is_touched() && existing.is_ended());
        closed.map(|existing| quiet.after(existing.work.closed.unwrap_or(existing.stored.updated))).max()
    }

    fn alert(
        &self,
        episode: &Episode,
        members: &[&Sitting],
        existing: Option<&Existing<'_>>,
        anchor: String,
        findings: &mut Findings,
    ) -> Desired {
        let (context, rule) = (self.context, self.rule);
        let level = if episode.grade == Grade::Escalate { &rule.escalate } else { &rule.warn };
        let taken = existing.and_then(Existing::taken_on);
        let insists =
            episode.over.is_none() && taken.as_ref().is_some_and(|taken| self.is_more(taken, episode, members));
        let former = existing.and_then(|existing| Grade::of(existing.work.level.as_deref()?));
        let raised = existing.filter(|_| former >= Some(episode.grade) && !insists);
        let raised = raised.and_then(|existing| existing.work.raised).unwrap_or(context.now());
        let step = match existing.filter(|_| taken.is_some() && !insists) {
            // Who has it is not climbed over.
            Some(existing) => existing.work.step,
            None if episode.grade == Grade::Unconfirmed => 0,
            None => climbed(&level.chain, raised, episode.over.is_none(), context.now(), findings),
        };
        let mut work = Work::of(context.protocol, &rule.id, anchor, &rule.mark);
        work.level = Some(episode.grade.word().to_string());
        work.raised = Some(raised);
        work.step = step;
        work.seen = self.seen(members);
        work.taken_on = taken.or_else(|| existing?.work.taken_on.clone());
        let outcome = match episode.over.and_then(|place| self.sittings.get(place)) {
            None => Outcome::Open,
            Some(over) => {
                Outcome::Over(format!("back in range: {} on {}", over.shown(rule), context.facts.say(over.at)))
            }
        };
        let telling = Telling { look: self, episode, members, level, raised, step };
        tell(&telling, work, outcome, insists)
    }

    /// Whether there is more than what a person saw when they took it on: it became more serious, or there are readings at
    /// the level of an escalation that they do not know.
    fn is_more(&self, taken: &TakenOn, episode: &Episode, members: &[&Sitting]) -> bool {
        if taken.level.as_deref().and_then(Grade::of) < Some(episode.grade) {
            return true;
        }
        let serious = members.iter().filter(|sitting| sitting.grade > Some(Grade::Warn));
        let mut places = serious.flat_map(|sitting| &sitting.readings);
        places.any(|place| {
            let reading = self.gathered.readings.get(*place).filter(|_| match self.standings.get(*place) {
                Some(Standing::Is(grade)) => *grade > Some(Grade::Warn),
                Some(Standing::Waits(_)) => true,
                _ => false,
            });
            reading.is_some_and(|reading| {
                !is_told(&taken.seen, reading, self.rule) && self.rule.max_age.after(reading.at) >= self.context.now()
            })
        })
    }

    fn seen(&self, members: &[&Sitting]) -> BTreeMap<String, String> {
        let readings: Vec<&Reading> = members.iter().flat_map(|sitting| self.readings_of(sitting)).collect();
        let first = readings.first().into_iter();
        // Nothing lost: the Task tells of the newest readings, and all stay in the record.
        let newest = readings.iter().skip(1).rev().take(MOST_SEEN);
        let told = first.chain(newest).flat_map(|reading| {
            let shown = values_in_words(&reading.values, self.rule);
            reading.ids.iter().map(move |id| (id.to_string(), shown.clone()))
        });
        told.collect()
    }
}
