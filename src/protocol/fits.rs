//! Whether a visit is one that a rule asks for, and where it took place.

use serde_json::Value;

use super::codes::Codes;
use super::facts::Facts;
use super::model::{Before, EncounterTest};
use super::reason::{Position, Reason, Said};
use super::view::Practice;
use super::visit::Visit;
use crate::fhir::Identifier;

impl<'a> Facts<'a> {
    pub fn fits(&self, test: &EncounterTest, visit: &Visit<'_>) -> bool {
        (test.classes.is_empty() || test.classes.iter().any(|class| class == visit.class))
            && (test.reasons.is_empty() || test.reasons.iter().any(|reason| reason.is_among(&visit.said, self)))
            && test.disposition.as_ref().is_none_or(|codes| visit.ended(codes, self))
            && !test.disposition_not.as_ref().is_some_and(|codes| visit.ended(codes, self))
            && test.after.as_ref().is_none_or(|before| self.before(before, visit).is_some())
            && test.filter.as_ref().is_none_or(|filter| self.holds(filter, visit.stored))
    }

    /// The last such visit that had ended when another began.
    pub fn before(&self, before: &Before, visit: &Visit<'_>) -> Option<&Visit<'a>> {
        let start = visit.start?;
        let opens = before.within.opens(start, self.zone);
        let ended = |other: &&Visit<'a>| {
            let end = other.end.or(other.start);
            other.id != visit.id
                && other.status == "finished"
                && end.is_some_and(|end| end >= opens && end <= start)
                && self.fits(&before.test, other)
        };
        self.visits.iter().filter(ended).max_by_key(|other| (other.end, other.id))
    }

    /// Whether a visit is at a practice itself, by its number or its name.
    pub fn is_at(&self, visit: &Visit<'_>, practice: &Practice) -> bool {
        let provider = visit.stored.resource.get("serviceProvider");
        let number = provider.and_then(|provider| Identifier::from_json(provider.get("identifier")?));
        let (place, title) = (self.place_of(visit).to_lowercase(), practice.title.to_lowercase());
        (number.is_some() && number == practice.identifier) || place.starts_with(&title)
    }

    /// Where an encounter took place, as people say it.
    pub fn place_of(&self, visit: &Visit<'_>) -> String {
        let resource = &visit.stored.resource;
        let provider = resource.get("serviceProvider");
        let places = resource.get("location").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_active = |place: &&Value| place.get("status").and_then(Value::as_str) == Some("active");
        let location = places.iter().find(is_active).or(places.last()).and_then(|place| place.get("location"));
        [provider, location]
            .into_iter()
            .flatten()
            .find_map(|reference| self.name_of(reference))
            .unwrap_or_else(|| "the hospital".to_string())
    }

    fn name_of(&self, reference: &Value) -> Option<String> {
        if let Some(display) = reference.get("display").and_then(Value::as_str) {
            return Some(display.to_string());
        }
        let (kind, id) = reference.get("reference")?.as_str()?.split_once('/')?;
        let stored = self.record.get(kind, id.parse().ok()?)?;
        stored.resource.text("name").map(str::to_string)
    }
}

impl Visit<'_> {
    /// It ended so.
    pub fn ended(&self, codes: &Codes, facts: &Facts<'_>) -> bool {
        facts.has_code(codes, &self.ends())
    }
}

impl Reason {
    /// Whether something said of a visit is this reason.
    pub fn is_among(&self, said: &[Said<'_>], facts: &Facts<'_>) -> bool {
        said.iter().any(|said| self.is(said, facts))
    }

    pub fn is(&self, said: &Said<'_>, facts: &Facts<'_>) -> bool {
        let in_place = match self.position {
            Position::Any => true,
            Position::Principal => said.is_principal,
            Position::ReasonForVisit => said.at_door,
        };
        in_place && self.certainty.contains(&said.certainty) && facts.has_code(&self.codes, &said.codings)
    }
}
