//! `when:` of a task: visits, moves and counts of them, diagnoses, answers, consents, readings that stay away, stages of referrals, days.

use jiff::Timestamp;

use super::words::Reading;
use crate::protocol::filter::Filter;
use crate::protocol::model::{Agreed, Before, EncounterTest, Trigger, Yearly};
use crate::protocol::stage::Stage;
use crate::yaml::{Fields, Node};

pub fn read_trigger(node: &Node, reading: &mut Reading<'_>) -> Option<Trigger> {
    let mut fields = Fields::of(node, "a trigger");
    let arrival = fields.optional("arrival");
    let discharge = fields.optional("discharge");
    let count = fields.optional("count");
    let answer = fields.optional("answer");
    let silence = fields.optional("silence");
    let referral = fields.optional("referral");
    let enrolled = fields.optional("enrolled");
    let condition = fields.optional("condition");
    let transfer = fields.optional("transfer");
    let cancelled = fields.optional("cancelled");
    let consent = fields.optional("consent");
    let date = fields.optional("date");
    let medication = fields.optional("medication");
    let given = [arrival, discharge, count, answer, silence, referral, enrolled].into_iter();
    let given = given.chain([condition, transfer, cancelled, consent, date, medication]).flatten().count();
    if given != 1 {
        fields.report(node.problem(
            "say one thing that triggers it: arrival, transfer, discharge, cancelled, count, condition, answer, consent, silence, referral, \
             enrolled, medication or date",
        ));
    }
    fields.finish(&mut reading.problems);
    if let Some(node) = arrival {
        return Some(Trigger::Arrival(read_encounter_test(node, reading)));
    }
    if let Some(node) = discharge {
        return Some(Trigger::Discharge(read_encounter_test(node, reading)));
    }
    if let Some(node) = transfer {
        return Some(Trigger::Transfer(read_encounter_test(node, reading)));
    }
    if let Some(node) = cancelled {
        return Some(Trigger::Cancelled(read_encounter_test(node, reading)));
    }
    if let Some(node) = condition {
        return Some(Trigger::Condition(reading.condition_test(node)));
    }
    if let Some(node) = consent {
        let mut fields = Fields::of(node, "a consent");
        let codes = fields.optional("code").map(|node| reading.codes(node));
        fields.required("becomes");
        let becomes = fields.choice("becomes", &Agreed::WORDS);
        fields.finish(&mut reading.problems);
        return Some(Trigger::Consent { codes, becomes: becomes? });
    }
    if let Some(node) = medication {
        return reading.medication_test(node).map(|(codes, becomes)| Trigger::Medication { codes, becomes });
    }
    if let Some(node) = date {
        return read_date(node, reading).map(Trigger::Date);
    }
    if let Some(node) = count {
        let mut fields = Fields::of(node, "a count of encounters");
        let test = encounter_keys(&mut fields, reading);
        fields.required("at-least");
        let at_least = fields.integer("at-least", 2..=100);
        let within = fields.required("within").and_then(|node| reading.deadline(node));
        let each = fields.boolean("each").unwrap_or(false);
        fields.finish(&mut reading.problems);
        return Some(Trigger::Count { test, at_least: usize::try_from(at_least?).ok()?, within: within?, each });
    }
    if let Some(node) = silence {
        let mut fields = Fields::of(node, "readings that stay away");
        let codes = fields.required("of").map(|node| reading.codes(node));
        let lasts = fields.required("for").and_then(|node| reading.deadline(node));
        fields.finish(&mut reading.problems);
        return Some(Trigger::Silence { codes: codes?, lasts: lasts? });
    }
    if let Some(node) = enrolled {
        let mut fields = Fields::of(node, "being enrolled");
        let every = reading.optional_deadline(&mut fields, "every");
        if every.is_some_and(|every| every.after(Timestamp::UNIX_EPOCH) <= Timestamp::UNIX_EPOCH) {
            fields.report(node.problem("`every` is longer than nothing"));
        }
        let enrolment = reading.enrolment_keys(&mut fields);
        fields.finish(&mut reading.problems);
        return Some(Trigger::Enrolled { enrolment: enrolment?, every });
    }
    if let Some(node) = referral {
        let mut fields = Fields::of(node, "a referral");
        fields.required("stage");
        let stage = fields.choice("stage", &Stage::WORDS);
        let codes = fields.optional("code").map(|node| reading.codes(node));
        fields.finish(&mut reading.problems);
        return Some(Trigger::Referral { stage: stage?, codes });
    }
    let mut fields = Fields::of(answer?, "an answer");
    let prompt = fields.required_text("prompt");
    fields.required("is");
    let is = fields.texts("is");
    fields.finish(&mut reading.problems);
    Some(Trigger::Answer { prompt: prompt?, is })
}

/// `{ day: birthday }`, `{ day: 10-01 }`.
fn read_date(node: &Node, reading: &mut Reading<'_>) -> Option<Yearly> {
    let mut fields = Fields::of(node, "a day of the year");
    let on = fields.required("day");
    fields.finish(&mut reading.problems);
    let (on, text) = (on?, on?.as_text().unwrap_or_default());
    if text == "birthday" {
        return Some(Yearly::Birthday);
    }
    // A leap year has every day.
    let date: Option<jiff::civil::Date> = format!("2024-{text}").parse().ok();
    if date.is_none() {
        reading.problems.push(on.problem("a day of the year is written month first: `day: 10-01`, or `day: birthday`"));
    }
    let date = date?;
    Some(Yearly::Day { month: date.month(), day: date.day() })
}

pub fn read_encounter_test(node: &Node, reading: &mut Reading<'_>) -> EncounterTest {
    let mut fields = Fields::of(node, "an encounter");
    let test = encounter_keys(&mut fields, reading);
    fields.finish(&mut reading.problems);
    test
}

/// The classes a feed can name (http://terminology.hl7.org/ValueSet/v3-ActEncounterCode), and words for groups of them.
const CLASSES: [(&str, &[&str]); 13] = [
    ("emergency", &["EMER"]),
    ("stay", &["IMP", "ACUTE", "NONAC", "OBSENC", "SS"]),
    ("outpatient", &["AMB", "HH", "VR"]),
    ("AMB", &["AMB"]),
    ("EMER", &["EMER"]),
    ("FLD", &["FLD"]),
    ("HH", &["HH"]),
    ("IMP", &["IMP"]),
    ("ACUTE", &["ACUTE"]),
    ("NONAC", &["NONAC"]),
    ("OBSENC", &["OBSENC"]),
    ("SS", &["SS"]),
    ("VR", &["VR"]),
];

fn encounter_keys(fields: &mut Fields<'_>, reading: &mut Reading<'_>) -> EncounterTest {
    let named = fields.list("class").into_iter().filter_map(|node| reading.word(node, &CLASSES));
    let classes = named.flatten().map(ToString::to_string).collect();
    let reasons = fields.list("reason").into_iter().map(|node| reading.reason(node)).collect();
    let disposition = fields.optional("disposition").map(|node| reading.codes(node));
    let disposition_not = fields.optional("disposition-not").map(|node| reading.codes(node));
    let seen = fields.boolean("seen").unwrap_or(false);
    let filter = fields.optional("where").and_then(|node| Filter::read(node, "Encounter", &mut reading.problems));
    let after = fields.optional("after").and_then(|node| read_before(node, reading)).map(Box::new);
    EncounterTest { classes, reasons, disposition, disposition_not, seen, after, filter }
}

/// `after: { class: stay, within: 30 d }`: an earlier visit that had ended.
fn read_before(node: &Node, reading: &mut Reading<'_>) -> Option<Before> {
    let mut fields = Fields::of(node, "an earlier visit");
    let within = fields.required("within").and_then(|node| reading.deadline(node));
    let test = encounter_keys(&mut fields, reading);
    if test.after.is_some() {
        fields.report(node.problem("an earlier visit has no `after` of its own"));
    }
    fields.finish(&mut reading.problems);
    Some(Before { test, within: within? })
}
