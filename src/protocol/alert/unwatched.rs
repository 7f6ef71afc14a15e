//! Numbers in a record that no rule in force watches, as a page draws them: without bounds, in the unit of the newest.

use std::collections::BTreeMap;

use serde_json::Value;

use super::charted::{Chart, ChartPart, Charted};
use super::readings::{counts, taken_at};
use super::units::{convert, unit_words, with_unit};
use crate::fhir::concept_title;
use crate::protocol::codes::Codes;
use crate::protocol::facts::Facts;
use crate::record::Stored;

/// One chart for each code, those measured last first.
pub fn unwatched(facts: &Facts<'_>, watched: &[Chart]) -> Vec<Chart> {
    let is_watched = |codings: &[(&str, &str)]| {
        watched.iter().flat_map(|chart| &chart.parts).any(|part| facts.has_code(&part.codes, codings))
    };
    let mut by_code: BTreeMap<(&str, &str), Vec<&Stored>> = BTreeMap::new();
    for stored in facts.record.of_type("Observation").filter(|one| counts(one) && one.state.superseded.is_none()) {
        let codings = stored.resource.codings("code");
        let is_number = stored.resource.get("valueQuantity").is_some_and(|value| value.get("value").is_some());
        if let Some(first) = codings.first().filter(|_| is_number && !is_watched(&codings)) {
            by_code.entry(*first).or_default().push(stored);
        }
    }
    let mut charts: Vec<Chart> = by_code.into_iter().filter_map(|(code, all)| chart(facts, code, all)).collect();
    charts.sort_by_key(|chart| std::cmp::Reverse(chart.readings.last().map(|reading| reading.at)));
    charts
}

fn chart(facts: &Facts<'_>, (system, code): (&str, &str), all: Vec<&Stored>) -> Option<Chart> {
    let mut dated: Vec<_> = all.iter().filter_map(|stored| Some((taken_at(facts, stored)?, *stored))).collect();
    dated.sort_by_key(|(at, stored)| (*at, stored.id));
    let (_, newest) = dated.last()?;
    let unit = unit_of(newest);
    let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
    let undated = all.len() - dated.len();
    if undated > 0 {
        left_out.insert("without a time".to_string(), undated);
    }
    let mut readings = Vec::new();
    for (at, stored) in &dated {
        let (value, own) = (value_of(stored)?, unit_of(stored));
        let converted = if own == unit { Some(value) } else { convert(value, own, unit) };
        match converted {
            Some(number) => readings.push(Charted {
                at: *at,
                values: vec![Some(number)],
                shown: with_unit(&format!("{}{number}", comparator_of(stored)), unit),
                ids: vec![stored.id],
            }),
            None => {
                let other = if own.is_empty() { "no unit" } else { own };
                *left_out.entry(format!("in {other}, which is no {}", unit_words(unit))).or_default() += 1;
            }
        }
    }
    let name = concept_title(newest.resource.get("code")).unwrap_or(code).to_string();
    let part = ChartPart {
        name: name.clone(),
        unit: unit.to_string(),
        unit_words: unit_words(unit).to_string(),
        codes: Codes { listed: vec![(system.to_string(), code.to_string())], ..Codes::default() },
        ..ChartPart::default()
    };
    let left_out = left_out.into_iter().map(|(why, count)| (count, why)).collect();
    Some(Chart { name, parts: vec![part], readings, left_out, is_watched: false })
}

fn value_of(stored: &Stored) -> Option<f64> {
    stored.resource.get("valueQuantity")?.get("value")?.as_f64()
}

fn unit_of(stored: &Stored) -> &str {
    let quantity = stored.resource.get("valueQuantity");
    let unit = quantity.and_then(|quantity| quantity.get("code").or_else(|| quantity.get("unit"))?.as_str());
    unit.unwrap_or_default().trim()
}

fn comparator_of(stored: &Stored) -> &str {
    let comparator = stored.resource.get("valueQuantity").and_then(|quantity| quantity.get("comparator"));
    comparator.and_then(Value::as_str).unwrap_or_default()
}
