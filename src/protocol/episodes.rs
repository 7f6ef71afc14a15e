//! Runs of readings out of range: k of the last n begin one, hysteresis ends it, and a person's word ends it for good.
//! Pure arithmetic over graded readings; knows nothing of FHIR.

use jiff::Timestamp;

use super::model::{AlertRule, Level};

/// How far out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Warn,
    Escalate,
}

impl Grade {
    pub fn word(self) -> &'static str {
        match self {
            Self::Warn => "warning",
            Self::Escalate => "escalation",
        }
    }

    pub fn of(word: &str) -> Option<Self> {
        [Self::Warn, Self::Escalate].into_iter().find(|grade| grade.word() == word)
    }
}

/// One reading against its thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    pub at: Timestamp,
    pub grade: Option<Grade>,
    /// Every value it has is back in range.
    pub is_clear: bool,
    /// A person closed an alert that told of it: it cannot raise another.
    pub is_answered: bool,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    pub grade: Grade,
    /// Places of the readings out of range, oldest first.
    pub readings: Vec<usize>,
    /// The place of the reading by which it was over.
    pub over: Option<usize>,
}

/// All runs, oldest first. An escalation is never over by itself: somebody must have looked.
pub fn episodes(readings: &[Graded], rule: &AlertRule) -> Vec<Episode> {
    let mut found: Vec<Episode> = Vec::new();
    let mut current: Option<Episode> = None;
    let mut clear_run = 0;
    for (place, reading) in readings.iter().enumerate() {
        let grade = reading.grade.filter(|_| !reading.is_answered);
        clear_run = if reading.is_clear { clear_run + 1 } else { 0 };
        let fired = grade.and_then(|_| fires(readings, place, rule));
        match &mut current {
            None => {
                if let Some((grade, members)) = fired {
                    current = Some(Episode { grade, readings: members, over: None });
                }
            }
            Some(episode) => {
                if grade.is_some() {
                    episode.readings.push(place);
                }
                if let Some((grade, _)) = fired {
                    episode.grade = episode.grade.max(grade);
                }
                if episode.grade == Grade::Warn && clear_run >= rule.clear_readings {
                    episode.over = Some(place);
                    found.extend(current.take());
                }
            }
        }
    }
    found.extend(current);
    found
}

/// The highest level that the readings up to this one reach, and which of them count for it.
fn fires(readings: &[Graded], last: usize, rule: &AlertRule) -> Option<(Grade, Vec<usize>)> {
    let of_level = |grade: Grade, level: &Level| {
        let from = (last + 1).saturating_sub(level.of);
        let opens = readings.get(last).map(|reading| level.within.before(reading.at))?;
        let members: Vec<usize> = readings
            .iter()
            .enumerate()
            .take(last + 1)
            .skip(from)
            .filter(|(_, reading)| reading.at >= opens && !reading.is_answered && reading.grade >= Some(grade))
            .map(|(place, _)| place)
            .collect();
        (members.last() == Some(&last) && members.len() >= level.count).then_some((grade, members))
    };
    of_level(Grade::Escalate, &rule.escalate).or_else(|| of_level(Grade::Warn, &rule.warn))
}
