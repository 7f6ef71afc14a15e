//! Why an alert that no run of readings holds up any more ends: its reading was corrected, entered in error, repeated, taken
//! elsewhere, or is judged by other thresholds. Said with the values, never as "no longer so".

use super::confirmation::Standing;
use super::look::Look;
use super::readings::{Reading, counts};
use super::thresholds::values_in_short;
use super::told::is_told;
use crate::identity::ResourceId;
use crate::protocol::context::Findings;
use crate::protocol::work::{Existing, Outcome};

impl Look<'_, '_> {
    /// Alerts that no episode is: those whose readings are not loaded cannot be judged and stay, the others end with a reason.
    pub fn end_or_keep(&self, matched: &[ResourceId], findings: &mut Findings) {
        let record = self.context.facts.record;
        for existing in self.existing.iter().filter(|existing| !matched.contains(&existing.stored.id)) {
            let loaded = |id: &String| id.parse().is_ok_and(|id| record.get("Observation", id).is_some());
            if record.truncated && !existing.work.seen.keys().any(loaded) {
                findings.kept.insert(existing.work.key());
            } else if let Some(ending) = self.ending(existing) {
                findings.endings.insert(existing.work.key(), ending);
            }
        }
    }

    /// The first reason that one of its readings gives; what a sender took back or corrected says more than what we judged anew.
    fn ending(&self, existing: &Existing<'_>) -> Option<Outcome> {
        // Nothing lost: every key was written as an id.
        let ids: Vec<ResourceId> = existing.work.seen.keys().filter_map(|id| id.parse().ok()).collect();
        let of_sender = ids.iter().find_map(|id| self.taken_back(*id));
        let of_sender = of_sender.or_else(|| ids.iter().find_map(|id| self.changed(*id, existing)));
        of_sender.or_else(|| ids.iter().find_map(|id| self.judged_anew(*id)))
    }

    fn taken_back(&self, id: ResourceId) -> Option<Outcome> {
        let stored = self.context.facts.record.get("Observation", id)?;
        let words = match stored.resource.text("status") {
            Some("cancelled") => "its sender cancelled the reading",
            _ if !counts(stored) => "the reading was entered in error",
            _ => return None,
        };
        Some(Outcome::Pointless(words.to_string()))
    }

    fn changed(&self, id: ResourceId, existing: &Existing<'_>) -> Option<Outcome> {
        if let Some(elsewhere) = self.gathered.elsewhere.iter().find(|one| one.id == id) {
            return Some(Outcome::Pointless(format!("the reading was taken {}", elsewhere.place)));
        }
        if let Some(wrong) = self.gathered.implausible.iter().find(|one| one.reading.ids.contains(&id)) {
            let values = values_in_short(&wrong.reading.values, self.rule);
            return Some(Outcome::Pointless(format!("corrected to {values}, which cannot be right: {}", wrong.why)));
        }
        let reading = self.gathered.readings.iter().find(|reading| reading.ids.contains(&id))?;
        let is_as_told = is_told(&existing.work.seen, reading, self.rule);
        (!is_as_told)
            .then(|| Outcome::Pointless(format!("corrected to {}", values_in_short(&reading.values, self.rule))))
    }

    fn judged_anew(&self, id: ResourceId) -> Option<Outcome> {
        let place = self.gathered.readings.iter().position(|reading| reading.ids.contains(&id))?;
        let facts = self.context.facts;
        let said = |reading: &Reading| values_in_short(&reading.values, self.rule);
        let readings = &self.gathered.readings;
        if let Some(Standing::Refuted(repeat)) = self.standings.get(place) {
            let repeat = readings.get(*repeat)?;
            return Some(Outcome::Over(format!("repeated {}: {}", facts.say(repeat.at), said(repeat))));
        }
        let sitting = self.sittings.iter().find(|sitting| sitting.readings.contains(&place))?;
        let values = values_in_short(&sitting.values, self.rule);
        Some(Outcome::Pointless(match sitting.readings.len() {
            0 | 1 => format!("{values} is judged by {}", self.thresholds_words),
            many => format!("the {many} readings of one sitting have a mean of {values}"),
        }))
    }
}
