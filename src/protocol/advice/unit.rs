//! Thresholds in a unit that what is measured is never stated in: glucose in mmol/L is not read as mg/dL unless its substance is
//! known.

use super::never::Odd;
use crate::fhir::ValueSets;
use crate::protocol::alert::{AlertRule, Series, convert_substance};
use crate::protocol::model::Protocol;

const LOINC: &str = "http://loinc.org";

/// What senders state some results in (R4 vital signs, http://hl7.org/fhir/R4/observation-vitalsigns.html; LOINC's own property and
/// example units).
const STATED_IN: [(&str, &str); 44] = [
    ("8480-6", "mm[Hg]"),
    ("8462-4", "mm[Hg]"),
    ("8867-4", "/min"),
    ("8889-8", "/min"),
    ("40443-4", "/min"),
    ("9279-1", "/min"),
    ("59408-5", "%"),
    ("2708-6", "%"),
    ("29463-7", "kg"),
    ("3141-9", "kg"),
    ("8350-1", "kg"),
    ("8351-9", "kg"),
    ("8302-2", "cm"),
    ("39156-5", "kg/m2"),
    ("8310-5", "Cel"),
    ("8331-1", "Cel"),
    ("2339-0", "mg/dL"),
    ("2345-7", "mg/dL"),
    ("41653-7", "mg/dL"),
    ("1558-6", "mg/dL"),
    ("53049-3", "mg/dL"),
    ("16915-1", "mg/dL"),
    ("15074-8", "mmol/L"),
    ("14743-9", "mmol/L"),
    ("14749-6", "mmol/L"),
    ("14771-0", "mmol/L"),
    ("14770-2", "mmol/L"),
    ("4548-4", "%"),
    ("59261-8", "mmol/mol"),
    ("33452-4", "L/min"),
    ("2160-0", "mg/dL"),
    ("14682-9", "umol/L"),
    ("33914-3", "mL/min/{1.73_m2}"),
    ("62238-1", "mL/min/{1.73_m2}"),
    ("98979-8", "mL/min/{1.73_m2}"),
    ("2823-3", "mmol/L"),
    ("2951-2", "mmol/L"),
    ("718-7", "g/dL"),
    ("13457-7", "mg/dL"),
    ("2089-1", "mg/dL"),
    ("30934-4", "pg/mL"),
    ("33762-6", "pg/mL"),
    ("44261-6", "{score}"),
    ("70274-6", "{score}"),
];

pub fn look(protocol: &Protocol, sets: &ValueSets, odd: Odd<'_>) {
    for rule in &protocol.alerts {
        rule.series
            .iter()
            .filter(|series| series.derived.is_none())
            .for_each(|series| of_series(rule, series, sets, odd));
    }
}

fn of_series(rule: &AlertRule, series: &Series, sets: &ValueSets, odd: Odd<'_>) {
    let has = |code: &str| {
        series.codes.listed.iter().any(|(system, listed)| system == LOINC && listed == code)
            || series.codes.value_sets.iter().any(|set| sets.contains(set, LOINC, code))
    };
    let is_read = |unit: &str| {
        let is_score = |unit: &str| unit == "1" || unit.starts_with('{');
        (is_score(unit) && is_score(&series.unit))
            || convert_substance(1.0, unit, &series.unit, series.molar_mass).is_some()
    };
    let lost = STATED_IN.iter().filter(|(code, unit)| has(code) && !is_read(unit));
    for (code, unit) in lost {
        let help = if unit.contains("mol/L") && series.molar_mass.is_none() {
            "say its `substance`, or leave the code out"
        } else {
            "give the series that unit, or leave the code out"
        };
        let text = format!(
            "loinc {code} comes in {unit}, which is not read as the {} of {}; {help}",
            series.unit, series.name
        );
        odd(&rule.mark, text);
    }
}
