//! The Task that an alert is, in words a nurse reads: the newest reading that is as bad as the episode, the bound it broke, what
//! came since, and by when to respond.

use jiff::Timestamp;

use super::episodes::Episode;
use super::grade::Grade;
use super::look::Look;
use super::rule::Level;
use super::sittings::Sitting;
use crate::identity::ResourceId;
use crate::protocol::build::{self, TaskParts};
use crate::protocol::chain::Priority;
use crate::protocol::sources::{self, Sources};
use crate::protocol::told;
use crate::protocol::work::{Desired, Outcome, Work};

/// What is told.
pub struct Telling<'t, 'l, 'a> {
    pub look: &'t Look<'l, 'a>,
    pub episode: &'t Episode,
    pub members: &'t [&'t Sitting],
    pub level: &'t Level,
    pub raised: Timestamp,
    pub step: usize,
}

/// The reading it is about, as words.
struct About {
    value: String,
    threshold: String,
    at: Timestamp,
    trigger: Option<String>,
}

pub fn tell(telling: &Telling<'_, '_, '_>, work: Work, outcome: Outcome, insists: bool) -> Desired {
    let (context, rule) = (telling.look.context, telling.look.rule);
    let facts = context.facts;
    let about = telling.about();
    let due = telling.due();
    let filled = |place: &str| match place {
        "patient" => facts.patient_name(),
        "value" => about.value.clone(),
        "threshold" => about.threshold.clone(),
        "time" => facts.say(about.at),
        "respond" => facts.say(due),
        "readings" => telling.members.len().to_string(),
        _ => String::new(),
    };
    let text = telling.level.text.as_ref().unwrap_or(&rule.text);
    let mut description = text.fill(&filled) + &telling.tail(about.at, due);
    if let Some(teach) = &rule.teach {
        description.push_str(&format!(" To learn from it together: {teach}"));
    }
    let words = telling.why(&about);
    let on = telling.level.chain.get(telling.step);
    let usual = if telling.episode.grade == Grade::Warn { Priority::Urgent } else { Priority::Asap };
    let asked = on.and_then(|step| step.priority).unwrap_or(usual);
    let resource = build::task(
        context,
        TaskParts {
            rule: &rule.id,
            code: &format!("{}-{}", context.protocol.name, rule.id),
            is_alert: true,
            title: &rule.title,
            description,
            words: &words,
            owner: on.map(|step| step.owner.as_slice()).unwrap_or_default(),
            priority: if telling.episode.grade == Grade::Unconfirmed { asked.max(usual) } else { asked },
            focus: about.trigger.clone(),
            encounter: None,
            authored: telling.raised,
            due: Some(due),
        },
    );
    let person = work.anchor.parse::<ResourceId>().map_or(facts.record.head.person, |id| id.person);
    let id = ResourceId::of(person, "Task", &work.key());
    let sources = telling.sources();
    Desired { work, outcome, id, resource, trigger: about.trigger, words, insists, sources, inputs: None, rests: None }
}

impl Telling<'_, '_, '_> {
    /// The readings it names, and whatever chose the thresholds.
    fn sources(&self) -> Sources {
        let (context, rule) = (self.look.context, self.look.rule);
        let sittings = self.members.iter().copied().chain(self.look.sittings.last());
        let ids = sittings.flat_map(|sitting| self.look.readings_of(sitting)).flat_map(|reading| &reading.ids);
        let mut sources: Sources = ids.map(|id| format!("Observation/{id}")).collect();
        let people = rule.instead.iter().map(|(who, _, _)| who).chain([&rule.who, &context.protocol.who]);
        sources.extend(told::of_people(context, people));
        sources.extend(sources::of(context.facts.record.of_type("Goal")));
        sources
    }

    /// The newest sitting that is as bad as the episode.
    fn about(&self) -> About {
        let newest = self.members.iter().rev().find(|sitting| sitting.grade >= Some(self.episode.grade));
        let Some(sitting) = newest.or(self.members.last()) else {
            return About { value: String::new(), threshold: String::new(), at: self.raised, trigger: None };
        };
        let readings: Vec<_> =
            sitting.readings.iter().filter_map(|place| self.look.gathered.readings.get(*place)).collect();
        let shown = readings.iter().find(|reading| reading.at == sitting.shown_at).or(readings.last());
        About {
            value: sitting.shown(self.look.rule),
            threshold: sitting.broken(&self.look.thresholds, self.look.rule),
            at: sitting.shown_at,
            trigger: shown.and_then(|reading| reading.ids.last()).map(|id| format!("Observation/{id}")),
        }
    }

    /// Until when a second reading is waited for, or the response time of the level.
    fn due(&self) -> Timestamp {
        let waits = self.members.iter().filter_map(|sitting| sitting.waits).max();
        match waits.filter(|_| self.episode.grade == Grade::Unconfirmed) {
            Some(waits) => waits,
            None => self.level.respond.due(self.raised, self.look.context.working()),
        }
    }

    fn tail(&self, at: Timestamp, due: Timestamp) -> String {
        let facts = self.look.context.facts;
        let mut words = String::new();
        if self.episode.grade == Grade::Unconfirmed {
            let otherwise = self.look.rule.escalate.confirm.map_or(Grade::Escalate, |confirm| confirm.otherwise);
            let otherwise = if otherwise == Grade::Escalate { "an escalation" } else { "a warning" };
            words = format!(" Repeat the reading by {}; what nobody repeats counts as {otherwise}.", facts.say(due));
        }
        let last = self.look.sittings.last().filter(|last| self.episode.over.is_none() && last.shown_at > at);
        if let Some(last) = last {
            words.push_str(&format!(" Since then: {} on {}.", last.shown(self.look.rule), facts.say(last.shown_at)));
        }
        words
    }

    fn why(&self, about: &About) -> String {
        let (count, of) = (self.level.count, self.level.of);
        let grade = match self.episode.grade {
            Grade::Escalate => format!("an escalation ({count} of the last {of} readings; "),
            Grade::Unconfirmed => "an escalation once it is confirmed (one reading; ".to_string(),
            Grade::Warn => format!("a warning ({count} of the last {of} readings; "),
        };
        let at = self.look.context.facts.say(about.at);
        format!("{} on {at}: {}, which is {grade}{})", about.value, about.threshold, self.look.thresholds_words)
    }
}
