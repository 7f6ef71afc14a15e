//! The referral board: where a loop is stuck. Each stage with how many stand there, the longest wait first; a referral leaves the board
//! when its report was read, not when somebody says "completed".

use actix_web::web;
use askama::Template;
use jiff::Timestamp;
use serde::Deserialize;

use super::barred::{Kind, kinds, words};
use super::fault::Answer;
use super::page::{self, Frame};
use super::patient_line::PatientLine;
use super::practice::own_practices;
use super::session::Person;
use super::track::{Step, track};
use super::{Console, look, turn, when};
use crate::pipeline::{Board, Referred};
use crate::protocol::ReferralStage as Stage;

/// What a referral waits for, in the order in which somebody should look.
const WAITS: [(&str, &str, &[Stage]); 6] = [
    ("report", "Waiting for the report", &[Stage::Seen]),
    ("date", "Waiting for a date", &[Stage::Accepted, Stage::Missed]),
    ("yes", "Waiting for a yes", &[Stage::Requested]),
    ("rejected", "Rejected", &[Stage::Rejected]),
    ("visit", "Waiting for the visit", &[Stage::Scheduled]),
    ("read", "Report to read", &[Stage::Reported]),
];

#[derive(Template)]
#[template(path = "console/referrals.html")]
struct Page {
    frame: Frame,
    practice: String,
    panel: String,
    practices: Vec<(String, String)>,
    made: String,
    sentence: String,
    kinds: Vec<Kind>,
    /// The kind that is asked for; empty for all.
    barrier: String,
    groups: Vec<Group>,
    missing: Vec<String>,
}

/// Referrals that wait for the same.
struct Group {
    id: &'static str,
    title: &'static str,
    /// "2 late · oldest 23 days".
    sums: String,
    rows: Vec<Row>,
}

struct Row {
    patient: PatientLine,
    what: String,
    to: String,
    track: Vec<Step>,
    /// "23 days", and of how many.
    days: String,
    of: String,
    late: String,
    said: String,
    barriers: Vec<String>,
    work: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    panel: String,
    /// Only those that a kind of thing stands in the way of.
    #[serde(default)]
    barrier: String,
}

pub(super) async fn show(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let site = console.gateway.site.load_full();
    let Asked { panel, barrier } = asked.into_inner();
    let (panel, practices) = own_practices(&site, &person, panel)?;
    look::note(&console, &person, None, format!("referrals of {panel}")).await?;
    let (gateway, asked, all) = (console.gateway.clone(), panel.clone(), person.sensitive);
    let reading = async move { gateway.referral_board(&asked, all).await };
    let board = turn::read(&console, &person, reading).await?;
    let frame = Frame::new("referrals", &console, &person);
    turn::make(move || Page {
        practice: board.practice.clone(),
        panel,
        practices,
        made: when::dateline(board.made, &board.zone),
        sentence: sentence(&board),
        kinds: kinds(board.rows.iter().map(|one| &*one.referral.barriers)),
        groups: WAITS.iter().map(|(id, title, stages)| group(id, title, (stages, &barrier), &board)).collect(),
        barrier,
        frame: frame.in_zone(&board.zone),
        missing: board.missing,
    })
    .await
}

fn sentence(board: &Board<Referred>) -> String {
    let late = board.rows.iter().filter(|one| one.referral.is_late(board.made)).count();
    let all = page::counted(board.rows.len() as u64, "open referral", "open referrals");
    match (board.rows.len(), late) {
        (0, _) => "No referral is open.".to_string(),
        (_, 0) => format!("{all}, none is stuck."),
        (_, 1) => format!("1 of {all} is stuck."),
        (_, late) => format!("{late} of {all} are stuck."),
    }
}

fn group(id: &'static str, title: &'static str, (stages, barrier): (&[Stage], &str), board: &Board<Referred>) -> Group {
    let is_hindered = |one: &Referred| one.referral.barriers.iter().any(|found| found.kind == barrier);
    let is_shown = |one: &&Referred| barrier.is_empty() || is_hindered(one);
    let of = board.rows.iter().filter(|one| stages.contains(&one.referral.stage));
    let of: Vec<&Referred> = of.filter(is_shown).collect();
    let late = of.iter().filter(|one| one.referral.is_late(board.made)).count();
    let oldest = of.iter().map(|one| days_since(one.referral.since, board)).max().filter(|days| *days >= 0);
    let sums: Vec<String> = [
        (late > 0).then(|| format!("{late} late")),
        oldest
            .map(|days| {
                if stages == [Stage::Scheduled] {
                    "a date is past".to_string()
                } else {
                    format!("oldest {}", when::days(days))
                }
            })
            .filter(|_| !of.is_empty()),
    ]
    .into_iter()
    .flatten()
    .collect();
    Group { id, title, sums: sums.join(" · "), rows: of.into_iter().map(|one| row(one, board)).collect() }
}

fn days_since(then: Timestamp, board: &Board<Referred>) -> i64 {
    let (from, to) = (when::date_in(then, &board.zone), when::date_in(board.made, &board.zone));
    to.duration_since(from).as_hours() / 24
}

fn row(one: &Referred, board: &Board<Referred>) -> Row {
    let (referral, now, zone) = (&one.referral, board.made, &board.zone);
    let is_late = referral.is_late(now);
    let allowed = referral.until.map(|until| days_since(referral.since, board) - days_since(until, board));
    let late = referral.until.filter(|_| is_late).map(|until| when::due(until, now, zone).words);
    Row {
        patient: PatientLine::of(&one.patient, when::date_in(now, zone)),
        what: referral.what.clone(),
        to: referral.to.clone(),
        track: track(referral.stage, referral.is_stuck(now)),
        days: match (referral.stage, days_since(referral.since, board)) {
            (Stage::Scheduled, _) => when::moment(referral.since, now, zone),
            (_, days) => when::days(days.max(0)),
        },
        of: allowed.filter(|_| referral.stage != Stage::Scheduled).map(|days| format!("of {days}")).unwrap_or_default(),
        late: late.unwrap_or_default(),
        said: match referral.stage {
            Stage::Rejected => format!("Rejected: {}", referral.said),
            Stage::Missed => format!("Missed: {}", referral.said),
            _ => String::new(),
        },
        barriers: referral.barriers.iter().map(words).collect(),
        work: one.work.iter().map(|piece| piece.title.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_waits_for_something() {
        for (_, stage) in [
            ("", Stage::Requested),
            ("", Stage::Rejected),
            ("", Stage::Accepted),
            ("", Stage::Scheduled),
            ("", Stage::Missed),
            ("", Stage::Seen),
            ("", Stage::Reported),
        ] {
            assert_eq!(WAITS.iter().filter(|(_, _, stages)| stages.contains(&stage)).count(), 1, "{stage:?}");
        }
    }
}
