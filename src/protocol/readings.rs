//! Observations as readings: values of an alert's series that were taken together, in its unit. Knows panels with
//! components and Observations of their own alike. Never uses what is entered in error, cancelled or implausible.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::facts::Facts;
use super::model::{AlertRule, Series};
use crate::identity::ResourceId;
use crate::record::Stored;

/// Values taken at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub at: Timestamp,
    /// By series, in the order of the rule.
    pub values: Vec<Option<f64>>,
    /// The Observations it was read from.
    pub ids: Vec<ResourceId>,
}

/// A reading that was left out, in words.
pub struct LeftOut {
    pub id: ResourceId,
    pub words: String,
}

/// All readings of a rule's series, oldest first, and what could not be used.
pub fn readings(facts: &Facts<'_>, rule: &AlertRule) -> (Vec<Reading>, Vec<LeftOut>) {
    let mut by_time: BTreeMap<Timestamp, Reading> = BTreeMap::new();
    let mut left_out = Vec::new();
    let mut observations: Vec<&Stored> = facts.record.of_type("Observation").filter(|stored| counts(stored)).collect();
    observations.retain(|stored| rule.filter.as_ref().is_none_or(|filter| facts.holds(filter, stored)));
    // Of two Observations of the same moment, the one stated later stands; by when it was stated, not by when it arrived.
    observations.sort_by_key(|stored| (stored.state.stamps.values().max(), stored.updated, stored.id));
    for stored in observations {
        let Some(at) = taken_at(facts, stored) else { continue };
        for (index, series) in rule.series.iter().enumerate() {
            match value_of(facts, stored, series) {
                None => {}
                Some(Err(words)) => left_out.push(LeftOut { id: stored.id, words }),
                Some(Ok(value)) => {
                    let reading = by_time.entry(at).or_insert_with(|| Reading {
                        at,
                        values: vec![None; rule.series.len()],
                        ids: Vec::new(),
                    });
                    if let Some(place) = reading.values.get_mut(index) {
                        *place = Some(value);
                    }
                    if !reading.ids.contains(&stored.id) {
                        reading.ids.push(stored.id);
                        reading.ids.sort();
                    }
                }
            }
        }
    }
    (by_time.into_values().collect(), left_out)
}

fn counts(stored: &Stored) -> bool {
    let status = stored.resource.text("status");
    stored.state.superseded.is_none() && matches!(status, Some("final" | "amended" | "corrected" | "preliminary"))
}

fn taken_at(facts: &Facts<'_>, stored: &Stored) -> Option<Timestamp> {
    let resource = &stored.resource;
    let period =
        resource.get("effectivePeriod").and_then(|period| period.get("end").or_else(|| period.get("start"))?.as_str());
    let text = resource.text("effectiveDateTime").or_else(|| resource.text("effectiveInstant")).or(period);
    facts.moment(text.or_else(|| resource.text("issued"))?)
}

/// The value of one series in an Observation, itself or as a component; an error in words when it cannot be used.
fn value_of(facts: &Facts<'_>, stored: &Stored, series: &Series) -> Option<Result<f64, String>> {
    let resource = &stored.resource;
    if facts.has_code(&series.codes, &resource.codings("code"))
        && let Some(quantity) = resource.get("valueQuantity")
    {
        return Some(in_unit(quantity, series));
    }
    let components = resource.get("component")?.as_array()?;
    components.iter().find_map(|component| {
        let codings = codings_of(component.get("code")?);
        facts.has_code(&series.codes, &codings).then_some(())?;
        component.get("valueQuantity").map(|quantity| in_unit(quantity, series))
    })
}

pub fn codings_of(concept: &Value) -> Vec<(&str, &str)> {
    let codings = concept.get("coding").and_then(Value::as_array);
    codings.into_iter().flatten().filter_map(pair_of).collect()
}

fn pair_of(coding: &Value) -> Option<(&str, &str)> {
    Some((coding.get("system").and_then(Value::as_str).unwrap_or_default(), coding.get("code")?.as_str()?))
}

pub fn in_unit(quantity: &Value, series: &Series) -> Result<f64, String> {
    let Some(value) = quantity.get("value").and_then(number) else {
        return Err(format!("the {} has no number", series.name));
    };
    let unit = quantity.get("code").or_else(|| quantity.get("unit")).and_then(Value::as_str);
    let Some(unit) = unit else { return Err(format!("the {} has no unit", series.name)) };
    let converted = convert(value, unit, &series.unit)
        .ok_or_else(|| format!("the {}'s unit {unit} cannot be converted to {}", series.name, series.unit))?;
    let (lowest, highest) = series.plausible;
    if converted < lowest || converted > highest {
        return Err(format!("a {} of {converted} {} is outside of {lowest} to {highest}", series.name, series.unit));
    }
    Ok(converted)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.to_string().parse().ok())
}

/// Units as senders write them where UCUM has another word.
const SPELLINGS: &[(&str, &str)] = &[
    ("mmHg", "mm[Hg]"),
    ("mm Hg", "mm[Hg]"),
    ("mm(hg)", "mm[Hg]"),
    ("mm/Hg", "mm[Hg]"),
    ("percent", "%"),
    ("lb", "[lb_av]"),
    ("lbs", "[lb_av]"),
    ("beats/min", "/min"),
    ("bpm", "/min"),
];

fn convert(value: f64, from: &str, to: &str) -> Option<f64> {
    let from = from.trim();
    let spelled = SPELLINGS.iter().find(|(word, _)| word.eq_ignore_ascii_case(from)).map_or(from, |(_, ucum)| ucum);
    if spelled == to {
        return Some(value);
    }
    let converted = octofhir_ucum::convert(value, spelled, to).ok()?;
    // Conversion is binary arithmetic; thresholds are decimal. A millionth is below what any device tells.
    converted.is_finite().then(|| (converted * 1e6).round() / 1e6)
}

/// A UCUM unit as people write it.
pub fn unit_words(unit: &str) -> &str {
    if unit == "mm[Hg]" { "mmHg" } else { unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_converted_and_spellings_known() {
        assert_eq!(convert(150.0, "mmHg", "mm[Hg]"), Some(150.0));
        assert_eq!(convert(0.86, "1", "%"), Some(86.0));
        let kilopascal = convert(20.0, "kPa", "mm[Hg]").unwrap();
        assert!((kilopascal - 150.0).abs() < 0.1, "{kilopascal}");
        assert_eq!(convert(20.0, "kg", "mm[Hg]"), None);
    }
}
