//! `/console/patients/{id}`: what this person needs now, and how to reach them. Raw records are one link away.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web;
use askama::Template;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::banner::{Around, Banner, banner};
use super::barriers::{Barrier, barriers};
use super::documents::{Document, documents};
use super::fhir::text;
use super::goals::{Goal, goals};
use super::loaded::{Loaded, load};
use super::owed::{Owed, owed};
use super::plan_words::languages;
use super::programme::{Programme, leads, programmes};
use super::readings::{Readings, SPANS, readings};
use super::referrals::{Referral, referrals};
use super::timeline::{Event, FIRST, MORE, timeline};
use crate::console::access::{may, row};
use crate::console::fault::Answer;
use crate::console::page::Frame;
use crate::console::practice::{member, zone_of_patient};
use crate::console::session::Person;
use crate::console::thing::Thing;
use crate::console::work::done;
use crate::console::{Console, look, turn, undo, when};
use crate::fhir::{language_word, main_tag};
use crate::pipeline::{Known, PROGRESS};
use crate::protocol::{Contact, View, barrier_kinds};
use crate::record::Stored;
use crate::site::Site;

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Of the readings.
    #[serde(default)]
    days: u16,
    /// Events of the timeline.
    #[serde(default)]
    events: usize,
    /// What was just saved.
    #[serde(default)]
    saved: String,
    /// What was just done with work, as a code.
    #[serde(default)]
    done: String,
    /// What takes it back.
    #[serde(default)]
    undo: String,
}

const NOT_TODAY: &str = "Not today";

/// A question that waits for an answer.
struct Question {
    flag: String,
    ask: String,
    detail: String,
    title: String,
    last: String,
    answers: Vec<(String, String)>,
    /// One of the answers is called as leaving it open is elsewhere.
    has_not_today: bool,
}

#[derive(Template)]
#[template(path = "console/patient.html")]
struct PatientPage {
    frame: Frame,
    id: String,
    banner: Banner,
    saved: &'static str,
    /// The part of the page that it is told in; at the top where it is of none.
    saved_in: &'static str,
    undo: String,
    back: String,
    waiting: usize,
    owed: Vec<Owed>,
    contacts: [Contact; 4],
    questions: Vec<Question>,
    readings: Readings,
    days: u16,
    spans: [(u16, &'static str, usize); 3],
    is_cut: bool,
    referrals: Vec<Referral>,
    barriers: Vec<Barrier>,
    programmes: Vec<Programme>,
    /// Who may lead: login and name.
    leads: Vec<(String, String)>,
    kinds: Vec<(String, String)>,
    goals: Vec<Goal>,
    progress: [(&'static str, &'static str, &'static str); 6],
    events: Vec<Event>,
    more_events: usize,
    team: Vec<(String, String)>,
    documents: Vec<Document>,
    languages: Vec<(String, String)>,
    looked_at: String,
    /// What is restricted and not for whoever looks.
    hidden: usize,
    may: May,
}

/// What of the page is for whoever looks.
struct May {
    /// Work with the patient.
    care: bool,
    enrol: bool,
    /// Open what a line was read from, label things, and see messages.
    sources: bool,
    labels: bool,
    messages: bool,
}

impl May {
    fn of(person: &Person) -> Self {
        let opens = |method: &Method, path: &str| row(method, path).is_some_and(|row| may(person, row.audience));
        Self {
            care: opens(&Method::POST, "/patients/{id}/answers"),
            enrol: opens(&Method::POST, "/patients/{id}/programme"),
            sources: opens(&Method::GET, "/resources/{type}/{id}"),
            labels: opens(&Method::POST, "/labels/{type}/{id}"),
            messages: opens(&Method::GET, "/messages"),
        }
    }
}

impl PatientPage {
    fn is_days(&self, length: &u16) -> bool {
        *length == self.days
    }

    fn next_events(&self) -> usize {
        self.events.len() + MORE
    }

    fn all_events(&self) -> usize {
        self.events.len() + self.more_events
    }
}

pub(crate) async fn show(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    asked: web::Query<Asked>,
) -> Answer {
    let mut asked = asked.into_inner();
    let undo = undo::still(&console, &person, &std::mem::take(&mut asked.undo));
    let chosen = SPANS.into_iter().find(|(days, _, _)| *days == asked.days).unwrap_or((60, "60 days", 800));
    let Loaded { known, patient, hidden } = load(&console, &person, &id, chosen.2).await?;
    let own = patient.id;
    look::note(&console, &person, Some(own.person), format!("Patient/{own}")).await?;
    let (site, now) = (console.gateway.site.load_full(), console.gateway.clock.now());
    let frame = Frame::new("patients", &console, &person);
    let may = May::of(&person);
    let leads = leads(&site, &known, &person);
    let make = move || put_together(&site, (&known, &patient, hidden), (now, chosen.0, &asked), (frame, may));
    turn::make(move || PatientPage { undo, leads, ..make() }).await
}

fn put_together(
    site: &Arc<Site>,
    (known, patient, hidden): (&Known, &Stored, usize),
    (now, days, asked): (Timestamp, u16, &Asked),
    (frame, may): (Frame, May),
) -> PatientPage {
    let zone = zone_of_patient(known, site);
    let practices = site.practices_of(&known.memberships);
    let view = View { record: &known.record, memberships: &known.memberships, practices: &practices, now };
    let looked = site.protocols.look(&view);
    let today = when::date_in(now, &zone);
    let banner = banner(patient, known, &Around { site, today, zone: &zone });
    let mut events = timeline(&known.record, &looked, now, &zone);
    let shown = asked.events.max(FIRST);
    let more_events = events.len().saturating_sub(shown);
    // Nothing lost: how many more there are stands beside the link to them.
    events.truncate(shown);
    let looks = Thing::of_record(known.record.resources.values(), &zone);
    let questions = looked.questions.iter().map(|one| Question {
        flag: one.flag.to_string(),
        ask: one.ask.clone(),
        detail: one.detail.clone(),
        title: one.title.clone(),
        last: one
            .last
            .as_ref()
            .map(|(at, words)| format!("{words}, {}", when::moment(*at, now, &zone)))
            .unwrap_or_default(),
        has_not_today: one.answers.iter().any(|(_, words, _)| words == NOT_TODAY),
        answers: one.answers.iter().map(|(code, words, _)| (code.clone(), words.clone())).collect(),
    });
    let programmes = programmes(site, known, now, &zone);
    let mut owed = owed(&known.record, &looked, now, &zone);
    for task in &mut owed {
        task.is_programme = programmes.iter().any(|one| one.tasks.contains(&task.id));
    }
    let (saved_in, saved) = saved(asked);
    PatientPage {
        id: patient.id.to_string(),
        saved,
        saved_in,
        undo: String::new(),
        back: format!("/console/patients/{}", patient.id),
        waiting: looks.iter().filter(|thing| thing.waits).count(),
        owed,
        contacts: Contact::ALL,
        questions: questions.collect(),
        readings: readings(&looked, days, now, &zone),
        days,
        spans: SPANS,
        is_cut: known.record.truncated,
        referrals: referrals(&looked, now, &zone),
        barriers: barriers(&looked, now, &zone),
        programmes,
        leads: Vec::new(),
        kinds: barrier_kinds(&site.value_sets),
        goals: goals(&known.record, now, &zone),
        progress: PROGRESS,
        team: team(known, site),
        documents: documents(&known.record, now, &zone),
        languages: plan_languages(&banner.language),
        looked_at: when::clock(now, &zone),
        events,
        more_events,
        banner,
        hidden,
        may,
        frame: frame.in_zone(&zone),
    }
}

/// Where on the page it is said what was saved, and in which words.
fn saved(asked: &Asked) -> (&'static str, &'static str) {
    match asked.saved.as_str() {
        "answers" => ("ask", "The answers are saved."),
        "goal" => ("plan", "The goal is saved."),
        "barrier" => ("barriers", "What stands in the way is saved."),
        "overcome" => ("barriers", "It is saved that this stands in the way no longer."),
        "programme" => ("programme", "What was done about the programme is saved."),
        _ => ("", done(&asked.done)),
    }
}

/// The languages of the printed plan, the patient's own first.
fn plan_languages(own: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        languages().into_iter().map(|tag| (language_word(&tag), tag)).map(|(word, tag)| (tag, word)).collect();
    all.sort_by_key(|(tag, _)| *tag != main_tag(own));
    all
}

/// Those who care for the patient: by the roster and the panel, and by CareTeams (http://hl7.org/fhir/R4/careteam.html).
fn team(known: &Known, site: &Site) -> Vec<(String, String)> {
    let mut team: Vec<(String, String)> = Vec::new();
    let mut add = |name: String, role: String| {
        if !name.is_empty() && !team.iter().any(|(known, _)| *known == name) {
            team.push((name, role));
        }
    };
    if let Some((membership, panel)) = member(known, site) {
        let role = |role: &Option<crate::site::Role>| role.as_ref().map(|role| role.name.clone()).unwrap_or_default();
        add(
            membership.care_manager.clone().unwrap_or_else(|| role(&panel.care_manager)),
            "lead care manager".to_string(),
        );
        add(role(&panel.coach), "coach".to_string());
        add(membership.practitioner.clone().unwrap_or_else(|| role(&panel.clinician)), "clinician".to_string());
    }
    let teams = known.record.of_type("CareTeam").filter(|one| {
        one.state.superseded.is_none() && !matches!(one.resource.text("status"), Some("inactive" | "entered-in-error"))
    });
    for participant in teams.flat_map(|one| super::fhir::items(&one.resource, "participant")) {
        let role = participant.get("role").and_then(Value::as_array).and_then(|roles| roles.first());
        let member = participant.get("member").map(|member| text(member, "display")).unwrap_or_default();
        add(member, super::fhir::title(role).to_lowercase());
    }
    team
}
