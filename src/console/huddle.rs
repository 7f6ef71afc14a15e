//! The huddle of a practice as a page that prints on one sheet: what cannot wait, who comes today and what each visit needs, what
//! happened in hospitals, what is late, which referrals are stuck.

use actix_web::web;
use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::page::Frame;
use super::session::Person;
use super::{Console, look, turn, when};
use crate::pipeline::{Huddle, Piece, Visit, Who};

#[derive(Template)]
#[template(path = "console/huddle.html")]
struct Page {
    frame: Frame,
    practice: String,
    panel: String,
    /// Other practices of the gateway: address part and name.
    practices: Vec<(String, String)>,
    day: String,
    as_of: String,
    is_today: bool,
    closed: String,
    sentence: String,
    before: Link,
    after: Link,
    now: Vec<Work>,
    appointments: Vec<Coming>,
    elsewhere: Vec<Coming>,
    hospital: Vec<Work>,
    overdue: Vec<Work>,
    referrals: Vec<Work>,
    team: Vec<String>,
    missing: Vec<String>,
    printed: String,
}

/// Another day.
struct Link {
    day: String,
    words: String,
}

/// A patient in one line.
struct Patient {
    id: String,
    name: String,
    /// "68, F".
    facts: String,
    language: String,
}

/// A piece of work on the sheet.
struct Work {
    patient: Patient,
    title: String,
    text: String,
    why: String,
    due: Option<when::Due>,
    /// When the visit was that it is about.
    happened: String,
    /// Who has it, and what was tried.
    state: String,
    /// "here at 11:00 AM" where the patient comes today.
    here: String,
}

/// An appointment on the sheet.
struct Coming {
    at: String,
    patient: Patient,
    reason: String,
    with: String,
    came: &'static str,
    needs: Vec<(bool, String)>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    panel: String,
    #[serde(default)]
    day: String,
}

pub(super) async fn show(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let Asked { panel, day } = asked.into_inner();
    let site = console.gateway.site.load_full();
    let own: Vec<(String, String)> = site
        .panels
        .iter()
        .filter(|(name, _)| person.panels.holds(name))
        .map(|(name, panel)| (name.clone(), panel.practice.name.clone()))
        .collect();
    let first = || own.first().map(|(name, _)| name.clone()).unwrap_or_default();
    let panel = if panel.is_empty() { first() } else { panel };
    if !own.iter().any(|(name, _)| *name == panel) {
        let text = "There is no such practice. Choose one from the page of another.";
        return Err(Fault::NotHere(text.to_string()));
    }
    let day = match day.as_str() {
        "" => None,
        text => {
            Some(text.parse::<Date>().map_err(|_| Fault::Refused(format!("`{text}` is no day; write 2026-11-25")))?)
        }
    };
    look::note(&console, &person, None, format!("huddle of {panel}")).await?;
    let sheet = console.gateway.huddle(&panel, day, person.sensitive).await?;
    let frame = Frame::new("huddle", &console, &person);
    turn::make(move || page(sheet, frame, own)).await
}

fn page(sheet: Huddle, frame: Frame, practices: Vec<(String, String)>) -> Page {
    let (now, zone) = (sheet.made, sheet.time_zone.clone());
    let today = when::date_in(now, &zone);
    let link = |day: Date| Link { day: day.to_string(), words: day.strftime("%a, %b %-d").to_string() };
    let all = |pieces: &[Piece]| pieces.iter().map(|piece| work(piece, &sheet.appointments, now, &zone)).collect();
    let visits = |visits: &[Visit]| visits.iter().map(|visit| coming(visit, today, &zone)).collect();
    Page {
        practice: sheet.practice.clone(),
        panel: sheet.panel.clone(),
        practices,
        day: when::long_day(sheet.day),
        as_of: when::clock(now, &zone),
        is_today: sheet.day == today,
        closed: sheet.closed.clone(),
        sentence: sheet.sentence(),
        before: link(sheet.day_before),
        after: link(sheet.day_after),
        now: all(&sheet.now),
        appointments: visits(&sheet.appointments),
        elsewhere: visits(&sheet.elsewhere),
        hospital: all(&sheet.hospital),
        overdue: all(&sheet.overdue),
        referrals: all(&sheet.referrals),
        team: sheet.team.clone(),
        missing: sheet.missing.clone(),
        printed: format!("{} {} by {}", when::dateline(now, &zone), sheet.zone, frame.name),
        frame: frame.in_zone(&zone),
    }
}

fn patient(who: &Who, today: Date) -> Patient {
    let sex = match who.gender.as_str() {
        "female" => "F",
        "male" => "M",
        "other" => "other",
        _ => "",
    };
    let age = who.birth.and_then(|birth| when::age(birth, today)).map(|age| age.to_string());
    let facts: Vec<String> = age.into_iter().chain((!sex.is_empty()).then(|| sex.to_string())).collect();
    Patient { id: who.id.to_string(), name: who.name.clone(), facts: facts.join(", "), language: who.language.clone() }
}

fn work(piece: &Piece, visits: &[Visit], now: Timestamp, zone: &TimeZone) -> Work {
    let visit = visits.iter().find(|visit| visit.patient.id == piece.patient.id);
    let tried = match piece.attempts.as_slice() {
        [] => String::new(),
        [one] => format!("1 attempt: {one}"),
        many => format!("{} attempts: {}", many.len(), many.join(", ")),
    };
    let taken = match piece.status.as_str() {
        "accepted" | "in-progress" => format!("{} has it", piece.owner),
        "on-hold" => "on hold".to_string(),
        _ => "nobody has it yet".to_string(),
    };
    let state: Vec<String> = [taken, tried].into_iter().filter(|part| !part.is_empty()).collect();
    Work {
        patient: patient(&piece.patient, when::date_in(now, zone)),
        title: piece.title.clone(),
        text: piece.text.clone(),
        why: piece.why.clone(),
        happened: piece.happened.map(|at| when::moment(at, now, zone)).unwrap_or_default(),
        due: piece.due.map(|due| when::due(due, now, zone)),
        state: state.join("; "),
        here: visit.map(|visit| format!("here at {}", when::clock(visit.at, zone))).unwrap_or_default(),
    }
}

fn coming(visit: &Visit, today: Date, zone: &TimeZone) -> Coming {
    Coming {
        at: when::clock(visit.at, zone),
        patient: patient(&visit.patient, today),
        reason: visit.reason.clone(),
        with: visit.with.join(", "),
        came: match visit.status.as_str() {
            "arrived" | "checked-in" => "is here",
            "fulfilled" => "was seen",
            "pending" | "waitlist" => "not confirmed",
            _ => "",
        },
        needs: visit.needs.iter().map(|need| (need.is_serious, need.text.clone())).collect(),
    }
}
