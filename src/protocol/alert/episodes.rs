//! Runs of readings out of range: k of the last n begin one, hysteresis ends it, and a person's word ends it for good.
//! Pure arithmetic over graded readings; knows nothing of FHIR.

use jiff::Timestamp;

use super::grade::Grade;
use super::interval::Answer;
use super::rule::{AlertRule, Level};

/// One sitting against its thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    pub at: Timestamp,
    pub grade: Option<Grade>,
    /// By series: whether it is back in range; none where it is not stated, or where nothing is asked of it.
    pub in_range: Vec<Option<Answer>>,
    /// A person closed an alert that told of it: it cannot raise another.
    pub is_answered: bool,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    pub grade: Grade,
    /// Places of the sittings out of range, oldest first.
    pub sittings: Vec<usize>,
    /// By series: whether one of them stated it.
    stated: Vec<bool>,
    /// The place of the sitting by which it was over.
    pub over: Option<usize>,
}

/// All runs, oldest first. An escalation is never over by itself: somebody must have looked.
pub fn episodes(sittings: &[Graded], rule: &AlertRule) -> Vec<Episode> {
    let mut found: Vec<Episode> = Vec::new();
    let mut current: Option<Episode> = None;
    let mut clear_run = 0;
    for (place, sitting) in sittings.iter().enumerate() {
        let grade = sitting.grade.filter(|_| !sitting.is_answered);
        let fired = grade.and_then(|_| fires(sittings, place, rule));
        match &mut current {
            None => {
                clear_run = 0;
                if let Some((grade, members)) = fired {
                    current = Some(Episode::begin(grade, members, sittings));
                }
            }
            Some(episode) => {
                if grade.is_some() {
                    episode.sittings.push(place);
                    episode.hear(sitting);
                }
                if let Some((grade, _)) = fired {
                    episode.grade = episode.grade.max(grade);
                }
                clear_run = if episode.is_ended_by(sitting) { clear_run + 1 } else { 0 };
                if episode.grade < Grade::Escalate && clear_run >= rule.clear_readings {
                    episode.over = Some(place);
                    found.extend(current.take());
                }
            }
        }
    }
    found.extend(current);
    found
}

impl Episode {
    fn begin(grade: Grade, members: Vec<usize>, sittings: &[Graded]) -> Self {
        let mut episode = Self { grade, sittings: Vec::new(), stated: Vec::new(), over: None };
        members.iter().filter_map(|place| sittings.get(*place)).for_each(|member| episode.hear(member));
        episode.sittings = members;
        episode
    }

    fn hear(&mut self, sitting: &Graded) {
        self.stated.resize(sitting.in_range.len(), false);
        self.stated.iter_mut().zip(&sitting.in_range).for_each(|(stated, answer)| *stated |= answer.is_some());
    }

    /// Whether a sitting is back in range: every value that it has, and one of every series that the run's own sittings had.
    /// What stated both pressures is not ended by one of them.
    fn is_ended_by(&self, sitting: &Graded) -> bool {
        let each = |(answer, was_stated): (&Option<Answer>, &bool)| match answer {
            Some(answer) => *answer == Answer::Met,
            None => !was_stated,
        };
        sitting.grade.is_none()
            && sitting.in_range.iter().any(Option::is_some)
            && sitting.in_range.iter().zip(&self.stated).all(each)
    }
}

/// The highest level that the sittings up to this one reach, and which of them count for it.
fn fires(sittings: &[Graded], last: usize, rule: &AlertRule) -> Option<(Grade, Vec<usize>)> {
    let of_level = |grade: Grade, level: &Level| {
        let from = (last + 1).saturating_sub(level.of);
        let opens = sittings.get(last).map(|sitting| level.within.before(sitting.at))?;
        let members: Vec<usize> = sittings
            .iter()
            .enumerate()
            // Nothing lost: later sittings say nothing of this one.
            .take(last + 1)
            .skip(from)
            .filter(|(_, sitting)| sitting.at >= opens && !sitting.is_answered && sitting.grade >= Some(grade))
            .map(|(place, _)| place)
            .collect();
        (members.last() == Some(&last) && members.len() >= level.count).then_some((grade, members))
    };
    of_level(Grade::Escalate, &rule.escalate)
        .or_else(|| of_level(Grade::Unconfirmed, &rule.escalate))
        .or_else(|| of_level(Grade::Warn, &rule.warn))
}
