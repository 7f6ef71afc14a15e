//! The caseload board: who is in a programme, who carries how much, who slips, and what the team last said about each level.

use std::collections::BTreeMap;

use actix_web::web;
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::barred::{kinds, words};
use super::fault::Answer;
use super::page::{self, Frame};
use super::patient_line::PatientLine;
use super::practice::own_practices;
use super::session::Person;
use super::{Console, look, turn, when};
use crate::pipeline::{Board, Cared};

#[derive(Template)]
#[template(path = "console/caseload.html")]
struct Page {
    frame: Frame,
    practice: String,
    panel: String,
    practices: Vec<(String, String)>,
    made: String,
    sentence: String,
    loads: Vec<Load>,
    tabs: Vec<Tab>,
    show: String,
    rows: Vec<Row>,
    missing: Vec<String>,
}

/// How much one lead carries.
struct Load {
    lead: String,
    /// "9 High · 8 Medium · 4 Low".
    levels: String,
    people: String,
    /// Contacts owed in a month, and how wide its bar is, of 100.
    contacts: String,
    width: u32,
    late: usize,
}

/// A part of the people to choose, with exactly how many are in it.
struct Tab {
    show: String,
    title: String,
    count: usize,
    is_hot: bool,
}

struct Row {
    patient: PatientLine,
    programme: String,
    level: String,
    lead: String,
    /// "since Sep 14, month 3".
    since: String,
    last: String,
    rhythm: String,
    next: Option<when::Due>,
    said: String,
    barriers: Vec<String>,
    goal: String,
    work: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    panel: String,
    /// `late`, `said:` with what the team said, or `barrier:` with a kind; all of them otherwise.
    #[serde(default)]
    show: String,
}

pub(super) async fn show(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let site = console.gateway.site.load_full();
    let Asked { panel, show } = asked.into_inner();
    let (panel, practices) = own_practices(&site, &person, panel)?;
    look::note(&console, &person, None, format!("caseload of {panel}")).await?;
    let (gateway, asked, all) = (console.gateway.clone(), panel.clone(), person.sensitive);
    let reading = async move { gateway.caseload(&asked, all).await };
    let board = turn::read(&console, &person, reading).await?;
    let frame = Frame::new("caseload", &console, &person);
    turn::make(move || {
        let (now, zone) = (board.made, &board.zone);
        Page {
            practice: board.practice.clone(),
            panel,
            practices,
            made: when::dateline(now, zone),
            sentence: sentence(&board),
            loads: loads(&board),
            tabs: tabs(&board),
            rows: board.rows.iter().filter(|one| is_shown(one, &show, now)).map(|one| row(one, now, zone)).collect(),
            show,
            frame: frame.in_zone(zone),
            missing: board.missing,
        }
    })
    .await
}

fn sentence(board: &Board<Cared>) -> String {
    let late = board.rows.iter().filter(|one| one.is_late(board.made)).count();
    match (board.rows.len() as u64, late) {
        (0, _) => "Nobody is in a programme.".to_string(),
        (all, 0) => format!("{}, all reached in time.", page::counted(all, "person", "people")),
        (all, late) => format!("{}, {late} not reached in time.", page::counted(all, "person", "people")),
    }
}

fn said(one: &Cared) -> &str {
    one.enrolment.said.as_ref().map(|(answer, _)| answer.as_str()).unwrap_or_default()
}

fn is_shown(one: &Cared, show: &str, now: Timestamp) -> bool {
    match show.split_once(':') {
        Some(("said", answer)) => said(one) == answer,
        Some(("barrier", kind)) => one.enrolment.barriers.iter().any(|found| found.kind == kind),
        _ => show != "late" || one.is_late(now),
    }
}

fn tabs(board: &Board<Cared>) -> Vec<Tab> {
    let late = board.rows.iter().filter(|one| one.is_late(board.made)).count();
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for one in board.rows.iter().filter(|one| !said(one).is_empty()) {
        *answers.entry(said(one)).or_default() += 1;
    }
    let tab = |show: String, title: String, count, is_hot| Tab { show, title, count, is_hot };
    let fixed = [
        tab(String::new(), "all".to_string(), board.rows.len(), false),
        tab("late".to_string(), "not reached in time".to_string(), late, late > 0),
    ];
    let of_answers =
        answers.into_iter().map(|(answer, count)| tab(format!("said:{answer}"), format!("“{answer}”"), count, false));
    let of_barriers = kinds(board.rows.iter().map(|one| &*one.enrolment.barriers)).into_iter();
    let of_barriers = of_barriers
        .map(|kind| tab(format!("barrier:{}", kind.code), format!("in the way: {}", kind.title), kind.count, false));
    fixed.into_iter().chain(of_answers).chain(of_barriers).collect()
}

fn loads(board: &Board<Cared>) -> Vec<Load> {
    let mut by_lead: BTreeMap<&str, Vec<&Cared>> = BTreeMap::new();
    for one in &board.rows {
        by_lead.entry(one.enrolment.lead.as_str()).or_default().push(one);
    }
    let owed = |people: &[&Cared]| people.iter().filter_map(|one| one.enrolment.contacts_a_month).sum::<f64>();
    let most = by_lead.values().map(|people| owed(people)).fold(1.0, f64::max);
    let load = |(lead, people): (&str, Vec<&Cared>)| {
        let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &people {
            *levels.entry(one.enrolment.level.as_str()).or_default() += 1;
        }
        let named = |level: &str| if level.is_empty() { "no level".to_string() } else { level.to_string() };
        let levels: Vec<String> =
            levels.into_iter().map(|(level, count)| format!("{count} {}", named(level))).collect();
        let contacts = owed(&people);
        Load {
            lead: if lead.is_empty() { "Nobody is named".to_string() } else { lead.to_string() },
            levels: levels.join(" · "),
            people: page::counted(people.len() as u64, "person", "people"),
            contacts: format!("{contacts:.0}"),
            width: percent(contacts, most),
            late: people.iter().filter(|one| one.is_late(board.made)).count(),
        }
    };
    by_lead.into_iter().map(load).collect()
}

/// A share as a whole number of a hundred.
fn percent(part: f64, of: f64) -> u32 {
    (0..=100).rev().find(|step| f64::from(*step) <= 100.0 * part / of).unwrap_or_default()
}

fn row(one: &Cared, now: Timestamp, zone: &TimeZone) -> Row {
    let (enrolment, today) = (&one.enrolment, when::date_in(now, zone));
    let begun = when::date_in(enrolment.since, zone);
    let months = i32::from(today.year() - begun.year()) * 12 + i32::from(today.month()) - i32::from(begun.month());
    let rhythm = |contacts: f64| match 30.0 / contacts {
        days if days < 1.5 => "every day".to_string(),
        days => format!("every {days:.0} days"),
    };
    let said = enrolment.said.as_ref().map(|(answer, at)| format!("“{answer}”, {}", when::moment(*at, now, zone)));
    Row {
        patient: PatientLine::of(&one.patient, today),
        programme: enrolment.programme.clone(),
        level: enrolment.level.clone(),
        lead: enrolment.lead.clone(),
        since: format!("since {}, month {}", when::day(begun, today), months.max(0) + 1),
        last: enrolment.last_reached.map(|at| when::moment(at, now, zone)).unwrap_or_default(),
        rhythm: enrolment.contacts_a_month.map(rhythm).unwrap_or_default(),
        next: one.next_contact.map(|due| when::due(due, now, zone)),
        said: said.unwrap_or_default(),
        barriers: enrolment.barriers.iter().map(words).collect(),
        goal: enrolment.goals.first().cloned().unwrap_or_default(),
        work: one.work.iter().map(|piece| piece.title.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_wide_as_its_share() {
        assert_eq!((percent(9.0, 12.0), percent(12.0, 12.0), percent(0.0, 12.0)), (75, 100, 0));
    }
}
