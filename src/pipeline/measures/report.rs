//! Measures as others read them: rows of a table (RFC 4180), and a MeasureReport for each measure of the month that was asked for
//! (http://hl7.org/fhir/R4/measurereport.html), with what was left out as exclusions.

use serde_json::{Value, json};

use super::counted::{Measures, MonthCounts};
use super::definition::Definition;
use super::measure_count::MeasureCount;
use super::person::{called, stratifier};
use crate::protocol::CANONICAL;
use crate::rows::csv_row;

const POPULATION: &str = "http://terminology.hl7.org/CodeSystem/measure-population";
const IMPROVEMENT: &str = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation";

impl Measures {
    /// One row for each month and measure.
    pub fn csv(&self) -> String {
        let mut rows = vec![
            [
                "panel",
                "practice",
                "month",
                "counted_until",
                "measure",
                "title",
                "numerator",
                "denominator",
                "value",
                "not_done_and_still_in_time",
                "left_out",
                "numerator_is",
                "denominator_is",
                "person",
                "level",
                "median_hours",
            ]
            .map(str::to_string)
            .to_vec(),
        ];
        for month in &self.months {
            let told = month.counts.iter().filter_map(|counted| Some((counted, counted.definition()?)));
            rows.extend(told.map(|(counted, definition)| self.row(month, counted, definition)));
            rows.extend(self.rows_of_people(month));
        }
        let missing = self.missing.iter().map(|text| {
            vec![
                self.panel.clone(),
                self.practice.clone(),
                String::new(),
                String::new(),
                "note".to_string(),
                text.clone(),
            ]
        });
        rows.extend(missing);
        rows.iter().map(csv_row).collect()
    }

    fn row(&self, month: &MonthCounts, counted: &MeasureCount, definition: &Definition) -> Vec<String> {
        let left = counted.left_out.iter().map(|(why, count)| format!("{count}: {why}")).collect::<Vec<_>>();
        vec![
            self.panel.clone(),
            self.practice.clone(),
            month.month.to_string(),
            month.until.to_string(),
            counted.measure.clone(),
            definition.title.to_string(),
            counted.numerator.to_string(),
            rounded(counted.denominator).to_string(),
            counted.value().map(|value| rounded(value).to_string()).unwrap_or_default(),
            counted.in_time_still.to_string(),
            left.join("; "),
            definition.numerator.to_string(),
            definition.denominator.to_string(),
            String::new(),
            String::new(),
            String::new(),
        ]
    }

    /// The same by person, and how many people each leads.
    fn rows_of_people(&self, month: &MonthCounts) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for (name, person) in &month.people {
            for (measure, level, counted) in person.counts() {
                let counted = MeasureCount { measure: measure.to_string(), ..counted.clone() };
                let Some(definition) = counted.definition() else { continue }; // Nothing lost: each is one of the measures.
                let hours = person.median_hours().filter(|_| measure == "alert-response");
                let mut row = self.row(month, &counted, definition);
                row.truncate(row.len() - 3); // Nothing lost: the three that are empty are put back filled.
                row.extend([called(name).to_string(), level.to_string()]);
                row.push(hours.map(|hours| rounded(hours).to_string()).unwrap_or_default());
                rows.push(row);
            }
            for (level, people) in &person.caseload {
                let mut row = vec![String::new(); 16];
                let filled = [
                    (0, self.panel.clone()),
                    (1, self.practice.clone()),
                    (2, month.month.to_string()),
                    (3, month.until.to_string()),
                    (4, "caseload".to_string()),
                    (5, "People in programmes, as it is now".to_string()),
                    (6, people.to_string()),
                    (13, called(name).to_string()),
                    (14, level.clone()),
                ];
                for (place, text) in filled {
                    row.get_mut(place).into_iter().for_each(|cell| cell.clone_from(&text));
                }
                rows.push(row);
            }
        }
        rows
    }

    /// A Bundle of MeasureReports of the month asked for.
    pub fn report(&self) -> Value {
        let month = self.asked();
        let reports = month.into_iter().flat_map(|month| {
            let told = month.counts.iter().filter_map(|counted| Some((counted, counted.definition()?)));
            told.map(|(counted, definition)| self.measure_report(month, counted, definition))
        });
        let entry = |report: Value| {
            let url =
                format!("{CANONICAL}/MeasureReport/{}", report.get("id").and_then(Value::as_str).unwrap_or_default());
            json!({ "fullUrl": url, "resource": report })
        };
        let entries: Vec<Value> = reports.map(entry).collect();
        json!({ "resourceType": "Bundle", "type": "collection", "timestamp": self.made.to_string(), "entry": entries })
    }

    fn measure_report(&self, month: &MonthCounts, counted: &MeasureCount, definition: &Definition) -> Value {
        let zone = self.time_zone();
        let population = |code: &str, display: &str, count: u64| json!({ "code": { "coding": [{ "system": POPULATION, "code": code, "display": display }] }, "count": count });
        let left_out = counted.left_out.values().sum::<u64>() + counted.in_time_still;
        let is_share = definition.of.is_some();
        let denominator = counted.denominator.round() as u64;
        let mut populations = vec![];
        if is_share {
            populations.push(population("initial-population", "Initial Population", denominator + left_out));
        }
        populations.push(population("denominator", "Denominator", denominator + if is_share { left_out } else { 0 }));
        if is_share {
            populations.push(population("denominator-exclusion", "Denominator Exclusion", left_out));
        }
        populations.push(population("numerator", "Numerator", counted.numerator));
        let mut group = json!({ "code": { "text": definition.title }, "population": populations });
        if let (Some(value), Some(group)) = (counted.value(), group.as_object_mut()) {
            let mut score = json!({ "value": rounded(value) });
            if !is_share && let Some(score) = score.as_object_mut() {
                score.insert("unit".to_string(), json!("alerts per patient and week"));
            }
            group.insert("measureScore".to_string(), score);
        }
        if let (Some(strata), Some(group)) =
            (stratifier(&month.people, definition.id, POPULATION), group.as_object_mut())
        {
            group.insert("stratifier".to_string(), strata);
        }
        let said = [definition.denominator, definition.numerator].join("; ");
        let left = counted.left_out_words();
        let text = [said, left].into_iter().chain(self.missing.clone()).filter(|text| !text.is_empty());
        let text = text.map(|text| format!("<p>{}</p>", escaped(&text))).collect::<String>();
        let notation = if definition.falls() { "decrease" } else { "increase" };
        json!({
            "resourceType": "MeasureReport",
            "id": format!("{}-{}", definition.id, month.month),
            "text": { "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div>") },
            "status": "complete",
            "type": "summary",
            "measure": format!("{CANONICAL}/Measure/{}", definition.id),
            "date": self.made.to_string(),
            "reporter": { "display": self.practice },
            "period": {
                "start": month.month.first().to_string(),
                "end": month.until.min(month.month.span(&zone).1).to_zoned(zone.clone()).date().min(month.month.last()).to_string()
            },
            "improvementNotation": { "coding": [{ "system": IMPROVEMENT, "code": notation }] },
            "group": [group]
        })
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
