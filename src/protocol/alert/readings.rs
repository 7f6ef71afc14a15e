//! Observations (http://hl7.org/fhir/R4/observation.html) as values of an alert's series, in its unit. Knows panels with
//! components and Observations of their own alike; what cannot be used has its fault, and nothing is dropped in silence.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::interval::Interval;
use super::rule::{AlertRule, HOME, PLACES, Series};
use super::units::convert_substance;
use crate::fhir::codings_of;
use crate::identity::ResourceId;
use crate::protocol::facts::Facts;
use crate::protocol::work::follow;
use crate::record::Stored;

/// Values taken at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub at: Timestamp,
    /// By series, in the order of the rule.
    pub values: Vec<Option<Interval>>,
    /// The Observations it was read from.
    pub ids: Vec<ResourceId>,
}

/// Why a stated value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A text, a code: the name of the element.
    NoNumber(String),
    NoUnit,
    Unit(String),
    Comparator,
    NoTime,
}

/// What one Observation says of a rule's series, by the place of the series.
pub type Stated = Vec<(usize, Result<Interval, Fault>)>;

/// Every status but those that say there is no such result; a value that is there counts however pending it is. What only puts
/// results together is no reading beside them.
pub fn counts(stored: &Stored) -> bool {
    stored.state.made_of.is_empty() && !matches!(stored.resource.text("status"), Some("entered-in-error" | "cancelled"))
}

/// Which series of a rule a code is of; asked once for each code, however many readings have it.
#[derive(Default)]
pub struct Watched<'a>(BTreeMap<(&'a str, &'a str), Vec<usize>>);

impl<'a> Watched<'a> {
    /// What one Observation says of a rule's series, itself or in its components; each series once.
    pub fn stated(&mut self, facts: &Facts<'_>, stored: &'a Stored, rule: &AlertRule) -> Stated {
        let mut stated = Stated::new();
        let resource = &stored.resource;
        self.read(facts, rule, (&resource.codings("code"), resource.as_map()), &mut stated);
        for component in resource.get("component").and_then(Value::as_array).into_iter().flatten() {
            // Nothing lost: a component without a code is of no series.
            let (Some(code), Some(holder)) = (component.get("code"), component.as_object()) else { continue };
            self.read(facts, rule, (&codings_of(code), holder), &mut stated);
        }
        stated
    }

    fn read(
        &mut self,
        facts: &Facts<'_>,
        rule: &AlertRule,
        (codings, holder): (&[(&'a str, &'a str)], &Map<String, Value>),
        stated: &mut Stated,
    ) {
        for coding in codings {
            let of_code = |series: &Series| facts.has_code(&series.codes, &[*coding]);
            let places = self.0.entry(*coding).or_insert_with(|| {
                rule.series.iter().enumerate().filter(|(_, series)| of_code(series)).map(|(place, _)| place).collect()
            });
            for place in places.iter() {
                let is_new = !stated.iter().any(|(known, _)| known == place);
                let value = rule.series.get(*place).filter(|_| is_new).and_then(|series| value_in(holder, series));
                stated.extend(value.map(|value| (*place, value)));
            }
        }
    }
}

/// `value[x]` of an Observation or a component.
fn value_in(holder: &Map<String, Value>, series: &Series) -> Option<Result<Interval, Fault>> {
    let (element, value) = holder.iter().find(|(element, _)| element.starts_with("value"))?;
    Some(match element.as_str() {
        "valueQuantity" => in_unit(value, series),
        "valueRange" => range_in_unit(value, series),
        "valueInteger" => number_of(value, series),
        "valueCodeableConcept" => answer_of(value, series),
        _ => Err(Fault::NoNumber(element.clone())),
    })
}

fn number_of(value: &Value, series: &Series) -> Result<Interval, Fault> {
    let number = number(value).ok_or_else(|| Fault::NoNumber("valueInteger".to_string()))?;
    if counts_without_unit(series) { Ok(Interval::exactly(number)) } else { Err(Fault::NoUnit) }
}

/// What a coded answer counts for.
fn answer_of(value: &Value, series: &Series) -> Result<Interval, Fault> {
    let codings = codings_of(value);
    let meant = |((system, code), _): &&((String, String), f64)| codings.contains(&(system.as_str(), code.as_str()));
    let number = series.answers.iter().find(meant).map(|(_, number)| Interval::exactly(*number));
    number.ok_or_else(|| Fault::NoNumber("valueCodeableConcept".to_string()))
}

/// A score has no unit that could be forgotten.
fn counts_without_unit(series: &Series) -> bool {
    series.unit == "1" || series.unit.starts_with('{')
}

pub fn in_unit(quantity: &Value, series: &Series) -> Result<Interval, Fault> {
    let Some(value) = quantity.get("value").and_then(number) else {
        return Err(Fault::NoNumber("valueQuantity".to_string()));
    };
    let unit = quantity.get("code").or_else(|| quantity.get("unit")).and_then(Value::as_str);
    let converted = match unit.filter(|unit| !unit.trim().is_empty()) {
        None if counts_without_unit(series) => value,
        None => return Err(Fault::NoUnit),
        Some(unit) => convert_substance(value, unit, &series.unit, series.molar_mass)
            .ok_or_else(|| Fault::Unit(unit.to_string()))?,
    };
    let comparator = quantity.get("comparator").and_then(Value::as_str);
    Interval::of(comparator, converted).ok_or(Fault::Comparator)
}

fn range_in_unit(range: &Value, series: &Series) -> Result<Interval, Fault> {
    let end = |name: &str| range.get(name).map(|quantity| in_unit(quantity, series)).transpose();
    let (low, high) = (end("low")?, end("high")?);
    if low.is_none() && high.is_none() {
        return Err(Fault::NoNumber("valueRange".to_string()));
    }
    Ok(Interval {
        low: low.map_or(f64::NEG_INFINITY, |low| low.low),
        high: high.map_or(f64::INFINITY, |high| high.high),
        is_low_open: false,
        is_high_open: false,
    })
}

fn number(value: &Value) -> Option<f64> {
    // Nothing lost: what is no number is said as a fault.
    value.as_f64().or_else(|| value.to_string().parse().ok()).filter(|number: &f64| number.is_finite())
}

pub fn taken_at(facts: &Facts<'_>, stored: &Stored) -> Option<Timestamp> {
    let resource = &stored.resource;
    let period =
        resource.get("effectivePeriod").and_then(|period| period.get("end").or_else(|| period.get("start"))?.as_str());
    let text = resource.text("effectiveDateTime").or_else(|| resource.text("effectiveInstant")).or(period);
    facts.moment(text.or_else(|| resource.text("issued"))?)
}

/// In words where an Observation was taken, if that is no place for this rule. A class that nobody knows, a visit that was
/// over by then, and a visit that was taken back are no reason to leave a reading aside.
pub fn elsewhere(facts: &Facts<'_>, rule: &AlertRule, stored: &Stored, at: Timestamp) -> Option<&'static str> {
    let class = class_of(facts, stored, at).unwrap_or(HOME);
    let (_, words) = PLACES.iter().find(|(place, _)| *place == class)?;
    (!rule.taken.iter().any(|place| place == class)).then_some(*words)
}

fn class_of<'a>(facts: &Facts<'a>, stored: &Stored, at: Timestamp) -> Option<&'a str> {
    let named = stored.resource.reference("encounter")?.strip_prefix("Encounter/")?;
    let id = follow(facts.record, named).parse().ok()?;
    let encounter = &facts.record.get("Encounter", id)?.resource;
    let is_dead = matches!(encounter.text("status"), Some("entered-in-error" | "cancelled"));
    let end = encounter.get("period").and_then(|period| facts.moment(period.get("end")?.as_str()?));
    if is_dead || end.is_some_and(|end| end < at) {
        return None;
    }
    encounter.get("class")?.get("code")?.as_str()
}
