//! `/console/patients/{id}/plan?lang=`: the plan as the patient takes it home. Large type, their own words, whom to call and when; no
//! diagnoses and no codes. What is empty says why.

use std::sync::Arc;

use actix_web::web;
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::fhir::{items, moment, text};
use super::goals::{Goal, goals};
use super::loaded::{Loaded, load};
use super::plan_words::{Words, languages};
use crate::console::fault::{Answer, Fault};
use crate::console::page::Frame;
use crate::console::plot::plain;
use crate::console::practice::{member, zone_of_patient};
use crate::console::session::Person;
use crate::console::{Console, look, turn, when};
use crate::fhir::{display_name, language_word};
use crate::pipeline::Known;
use crate::protocol::{Bound, Chart, ChartPart, Side, View};
use crate::record::Stored;
use crate::site::Site;

/// Results read for it: what is measured now.
const OBSERVATIONS: usize = 400;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    lang: String,
}

#[derive(Template)]
#[template(path = "console/plan.html")]
struct PlanPage {
    frame: Frame,
    id: String,
    words: Words,
    lang: String,
    others: Vec<(String, String)>,
    name: String,
    born: String,
    made: String,
    printed: String,
    /// When to call, and whom.
    reasons: Vec<String>,
    callers: Vec<(String, String)>,
    goals: Vec<Goal>,
    visits: Vec<(String, String)>,
    numbers: Vec<(String, String)>,
}

pub(crate) async fn plan(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    asked: web::Query<Asked>,
) -> Answer {
    let lang = if asked.lang.is_empty() { "en".to_string() } else { asked.into_inner().lang };
    let Some(words) = Words::of(&lang) else {
        let text = format!("There are no words for a plan in “{lang}” yet; there are in: {}.", languages().join(", "));
        return Err(Fault::NotHere(text));
    };
    let Loaded { known, patient, .. } = load(&console, &person, &id, OBSERVATIONS).await?;
    let own = patient.id;
    look::note(&console, &person, Some(own.person), format!("plan of Patient/{own} ({lang})")).await?;
    let (site, now) = (console.gateway.site.load_full(), console.gateway.clock.now());
    let frame = Frame::new("patients", &console, &person);
    turn::make(move || put_together(&site, &known, &patient, (words, lang), (now, frame))).await
}

fn put_together(
    site: &Arc<Site>,
    known: &Known,
    patient: &Stored,
    (words, lang): (Words, String),
    (now, frame): (Timestamp, Frame),
) -> PlanPage {
    let zone = zone_of_patient(known, site);
    let practices = site.practices_of(&known.memberships);
    let view = View { record: &known.record, memberships: &known.memberships, practices: &practices, now };
    let looked = site.protocols.look(&view);
    let day = |at: Timestamp| words.day(when::date_in(at, &zone));
    let birth = patient.resource.text("birthDate").and_then(|date| Some(words.day(date.parse().ok()?)));
    let goals = goals(&known.record, now, &zone);
    PlanPage {
        id: patient.id.to_string(),
        name: display_name(&patient.resource),
        born: birth.map(|date| words.fill("born", &[("date", &date)])).unwrap_or_default(),
        made: reviewed(known, &zone).map(|at| words.fill("made", &[("date", &day(at))])).unwrap_or_default(),
        printed: words.fill("version", &[("who", &frame.name), ("date", &day(now))]),
        reasons: looked
            .charts
            .iter()
            .filter(|chart| chart.is_watched)
            .flat_map(|chart| reasons(chart, &words))
            .collect(),
        callers: callers(known, site),
        goals,
        visits: visits(known, &words, now, &zone),
        numbers: looked.charts.iter().filter_map(|chart| number(chart, &words)).collect(),
        others: languages()
            .into_iter()
            .filter(|tag| *tag != lang)
            .map(|tag| (language_word(&tag), tag))
            .map(|(word, tag)| (tag, word))
            .collect(),
        frame: frame.in_zone(&zone),
        words,
        lang,
    }
}

/// When a goal was last set or spoken of.
fn reviewed(known: &Known, zone: &TimeZone) -> Option<Timestamp> {
    let dates = known.record.of_type("Goal").filter_map(|stored| {
        let date = stored.resource.text("statusDate").or_else(|| stored.resource.text("startDate"))?;
        moment(date, zone)
    });
    dates.max()
}

/// What asks for a call on the same day, of what is measured: what the rules in force want answered within a day.
fn reasons(chart: &Chart, words: &Words) -> Vec<String> {
    chart.parts.iter().filter(|_| !chart.readings.is_empty()).flat_map(|part| reasons_of(part, words)).collect()
}

fn reasons_of(part: &ChartPart, words: &Words) -> Vec<String> {
    let measure = words.measure(&part.name);
    let value = |number: f64| format!("{} {}", plain(number), words.unit(&part.unit_words)).trim().to_string();
    let mut reasons = Vec::new();
    for change in part.changes.iter().filter(|change| change.is_today) {
        let key = if change.side == Side::Above { "rises" } else { "falls" };
        if let (Some(days), Some(by)) = (change.days, change.by) {
            let places = [("measure", measure.as_str()), ("value", &value(by)), ("days", &words.days(days))];
            reasons.push(words.fill(key, &places));
        }
    }
    for side in Side::BOTH {
        if let Some(Bound { inclusive, value: number, .. }) = part.today.on(side) {
            let key = match (side, inclusive) {
                (Side::Above, false) => "above",
                (Side::Above, true) => "at-least",
                (Side::Below, false) => "below",
                (Side::Below, true) => "at-most",
            };
            reasons.push(words.fill(key, &[("measure", &measure), ("value", &value(number))]));
        }
    }
    reasons
}

/// The care manager where a phone is known, and the practice.
fn callers(known: &Known, site: &Site) -> Vec<(String, String)> {
    let Some((membership, panel)) = member(known, site) else { return Vec::new() };
    let of_panel = panel.care_manager.as_ref();
    let manager = membership.care_manager.clone().or_else(|| of_panel.map(|role| role.name.clone()));
    let phone = of_panel.filter(|role| Some(&role.name) == manager.as_ref()).and_then(|role| role.phone.clone());
    let mut callers: Vec<(String, String)> =
        manager.into_iter().map(|name| (name, phone.clone().unwrap_or_default())).collect();
    callers.push((panel.practice.name.clone(), panel.practice.phone.clone().unwrap_or_default()));
    // Nothing lost: whoever has no number is left out where another has one, since the patient can only call that.
    if callers.iter().any(|(_, phone)| !phone.is_empty()) {
        callers.retain(|(_, phone)| !phone.is_empty());
    }
    callers
}

/// Appointments that are booked and lie ahead, the next first.
fn visits(known: &Known, words: &Words, now: Timestamp, zone: &TimeZone) -> Vec<(String, String)> {
    let mut visits: Vec<(Timestamp, String)> = Vec::new();
    for stored in known.record.of_type("Appointment").filter(|one| one.state.superseded.is_none()) {
        let appointment = &stored.resource;
        let is_booked = matches!(appointment.text("status"), Some("booked" | "pending" | "arrived" | "checked-in"));
        let start = appointment.text("start").and_then(|start| moment(start, zone)).filter(|start| *start >= now);
        if let (true, Some(start)) = (is_booked, start) {
            let with = items(appointment, "participant").filter_map(|one| {
                let actor = one.get("actor")?;
                let is_patient = text(actor, "reference").starts_with("Patient/");
                Some(text(actor, "display")).filter(|name| !is_patient && !name.is_empty())
            });
            visits.push((start, with.collect::<Vec<_>>().join(", ")));
        }
    }
    visits.sort();
    visits.into_iter().map(|(start, with)| (words.time(start.to_zoned(zone.clone()).datetime()), with)).collect()
}

/// The patient's own targets.
fn number(chart: &Chart, words: &Words) -> Option<(String, String)> {
    let ends = |end: fn(&crate::protocol::Target) -> Option<f64>| {
        let all: Vec<String> = chart.parts.iter().filter_map(|part| Some(plain(end(part.target.as_ref()?)?))).collect();
        (!all.is_empty()).then(|| all.join("/"))
    };
    let unit = words.unit(&chart.parts.first()?.unit_words);
    let with_unit = |number: String| format!("{number} {unit}").trim().to_string();
    let value = match (ends(|target| target.low), ends(|target| target.high)) {
        (Some(low), Some(high)) => words.fill("between", &[("low", &low), ("high", &with_unit(high))]),
        (None, Some(high)) => words.fill("up-to", &[("value", &with_unit(high))]),
        (Some(low), None) => words.fill("from", &[("value", &with_unit(low))]),
        (None, None) => return None,
    };
    Some((words.fill("my", &[("measure", &words.measure(&chart.name))]), value))
}
