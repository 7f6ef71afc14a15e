//! What one person carried in a month: people by level, alerts that they took on and how fast, and contacts kept by level. Rows and strata
//! of it, in order of name: it is no ranking.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::measure_count::MeasureCount;
use crate::protocol::{Measured, Reckoned};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PersonCounts {
    /// People that they lead now, by level.
    pub caseload: BTreeMap<String, u64>,
    pub alerts: MeasureCount,
    /// Hours from an alert to the person taking it on, each.
    pub hours: Vec<f64>,
    /// By level.
    pub contacts: BTreeMap<String, MeasureCount>,
}

impl PersonCounts {
    pub(super) fn add(&mut self, one: &Reckoned, now: jiff::Timestamp) {
        match one.measure {
            Measured::AlertResponse => {
                let hours = one.done.map(|done| (done.duration_since(one.from).as_secs_f64() / 3600.0).max(0.0));
                self.hours.extend(hours);
                self.alerts.add(one, now);
            }
            Measured::Contacts => self.contacts.entry(one.level.clone()).or_default().add(one, now),
            // Nothing lost: all else is nobody's own, and counted for the practice.
            _ => {}
        }
    }

    /// Half of the alerts were taken on within so many hours.
    pub fn median_hours(&self) -> Option<f64> {
        let mut hours = self.hours.clone();
        hours.sort_by(f64::total_cmp);
        let (low, high) = (hours.get(hours.len().checked_sub(1)? / 2)?, hours.get(hours.len() / 2)?);
        Some((low + high) / 2.0)
    }

    /// Each number of the person: measure, level and count.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, &str, &MeasureCount)> {
        let alerts = (!self.alerts.is_nothing()).then_some(("alert-response", "", &self.alerts));
        let contacts = self.contacts.iter().map(|(level, count)| ("contacts-kept", level.as_str(), count));
        alerts.into_iter().chain(contacts)
    }
}

/// What a person is called where they stand in a table.
pub fn called(name: &str) -> &str {
    if name.is_empty() { "nobody is named" } else { name }
}

/// The strata of a measure (http://hl7.org/fhir/R4/measurereport-definitions.html#MeasureReport.group.stratifier); none where it is not
/// counted by person.
pub(super) fn stratifier(people: &BTreeMap<String, PersonCounts>, measure: &str, population: &str) -> Option<Value> {
    let coded = |code: &str, count: u64| json!({ "code": { "coding": [{ "system": population, "code": code }] }, "count": count });
    let stratum = |name: &str, level: &str, count: &MeasureCount| {
        let component = |what: &str, value: &str| json!({ "code": { "text": what }, "value": { "text": value } });
        let mut components = vec![component("person", called(name))];
        components.extend((!level.is_empty()).then(|| component("level", level)));
        let populations = [coded("denominator", count.denominator.round() as u64), coded("numerator", count.numerator)];
        let mut stratum = json!({ "component": components, "population": populations });
        if let (Some(value), Some(stratum)) = (count.value(), stratum.as_object_mut()) {
            stratum.insert("measureScore".to_string(), json!({ "value": (value * 1e4).round() / 1e4 }));
        }
        stratum
    };
    let of_person = |(name, counts): (&String, &PersonCounts)| {
        let own = counts.counts().filter(|(own, ..)| *own == measure);
        own.map(|(_, level, count)| stratum(name, level, count)).collect::<Vec<_>>()
    };
    let strata: Vec<Value> = people.iter().flat_map(of_person).collect();
    (!strata.is_empty()).then(|| json!([{ "code": [{ "text": "person and level of care" }], "stratum": strata }]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{PersonId, ResourceId};
    use jiff::Timestamp;

    #[test]
    fn a_persons_alerts_and_contacts_are_counted_by_level_and_told_as_strata() {
        let at = |hour: u8| -> Timestamp { format!("2026-03-02T{hour:02}:00:00Z").parse().unwrap() };
        let about = ("Task", ResourceId::of(PersonId::SHARED, "Task", "1"));
        let one = |measure, due: u8, done: Option<u8>, level: &str| Reckoned {
            measure,
            about,
            from: at(8),
            due: at(due),
            done: done.map(at),
            left_out: None,
            person: Some("Ann".to_string()),
            level: level.to_string(),
        };
        let mut ann = PersonCounts::default();
        for one in [
            one(Measured::AlertResponse, 12, Some(9), ""),
            one(Measured::AlertResponse, 12, Some(14), ""),
            one(Measured::AlertResponse, 12, None, ""),
            one(Measured::Contacts, 12, Some(10), "High"),
            one(Measured::Contacts, 12, None, "High"),
            one(Measured::Contacts, 12, Some(12), "Low"),
            one(Measured::FollowUp7, 12, Some(12), ""),
        ] {
            ann.add(&one, at(20));
        }
        assert_eq!(ann.median_hours(), Some(3.5));
        assert_eq!((ann.alerts.numerator, ann.alerts.denominator), (1, 3.0));
        let told: Vec<_> = ann.counts().map(|(id, level, count)| (id, level.to_string(), count.value())).collect();
        assert_eq!(
            told[1..],
            [("contacts-kept", "High".to_string(), Some(0.5)), ("contacts-kept", "Low".to_string(), Some(1.0))]
        );
        let people = BTreeMap::from([(String::new(), PersonCounts::default()), ("Ann".to_string(), ann)]);
        let strata = stratifier(&people, "contacts-kept", "urn:p").unwrap();
        assert_eq!(strata[0]["stratum"][1]["component"][1]["value"]["text"], "Low");
        assert_eq!(strata[0]["stratum"][0]["measureScore"]["value"], 0.5);
        assert_eq!(stratifier(&people, "follow-up-7-days", "urn:p"), None);
        assert_eq!(PersonCounts::default().median_hours(), None);
    }
}
