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
use super::patient_line::PatientLine;
use super::practice::own_practices;
use super::session::Person;
use super::{Console, look, turn, when};
use crate::pipeline::{Huddle, Piece, Visit};

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

/// A piece of work on the sheet.
struct Work {
    patient: PatientLine,
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
    patient: PatientLine,
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
    let (panel, own) = own_practices(&site, &person, panel)?;
    let day = match day.as_str() {
        "" => None,
        text => {
            Some(text.parse::<Date>().map_err(|_| Fault::Refused(format!("`{text}` is no day; write 2026-11-25")))?)
        }
    };
    look::note(&console, &person, None, format!("huddle of {panel}")).await?;
    let (gateway, asked, all) = (console.gateway.clone(), panel.clone(), person.sensitive);
    let reading = async move { gateway.huddle(&asked, day, all).await };
    let sheet = turn::read(&console, &person, reading).await?;
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
        patient: PatientLine::of(&piece.patient, when::date_in(now, zone)),
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
        patient: PatientLine::of(&visit.patient, today),
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
