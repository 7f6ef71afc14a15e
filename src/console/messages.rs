//! Messages found: by patient, control id, time, event, feed, text, kind of what could not be used and outcome; those received last first.
//! The address holds the whole question, so that it can be passed on.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::fault::Answer;
use super::page::{self, Frame};
use super::session::Person;
use super::unused::title as kind_title;
use super::{Console, look, turn};
use crate::identity::ResourceId;
use crate::pipeline::{MessageWords, Sought};
use crate::site::{CLIENT, Site};
use crate::store::{Cursor, Disposition, MessageCount, MessageSummary, MessagesFound};
use crate::unused::Kind;

const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "console/messages.html")]
struct Messages {
    frame: Frame,
    words: Words,
    /// The first line: how many there are, or why none is shown.
    sum: String,
    wrong: bool,
    patients: Vec<ResourceId>,
    rows: Vec<Row>,
    choices: Choices,
    /// The question, for the address of its next page.
    asked: Vec<(&'static str, String)>,
    next: Option<String>,
    /// How far a text was looked for.
    looked: Option<String>,
}

/// What was asked, as the form shows it again.
#[derive(Default)]
pub(super) struct Words {
    pub feed: String,
    patient: String,
    control: String,
    pub event: String,
    kind: String,
    outcome: String,
    pub since: String,
    pub until: String,
    text: String,
    faulty: bool,
}

/// What there is to choose from.
struct Choices {
    feeds: Vec<String>,
    kinds: Vec<(&'static str, &'static str)>,
    outcomes: Vec<(&'static str, &'static str)>,
}

struct Row {
    summary: MessageSummary,
    received: String,
    outcome: &'static str,
}

pub(super) fn outcome_title(outcome: Disposition) -> &'static str {
    match outcome {
        Disposition::Applied => "Taken into the record",
        Disposition::Ignored => "Kept, nothing to do",
        Disposition::Error => "Refused as it is (AE)",
        Disposition::Rejected => "Not taken here (AR)",
    }
}

impl Words {
    pub(super) fn of(words: &MessageWords) -> Self {
        let shown = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_string();
        Self {
            feed: shown(&words.feed),
            patient: shown(&words.patient),
            control: shown(&words.control),
            event: shown(&words.event),
            kind: shown(&words.kind),
            outcome: shown(&words.outcome),
            since: shown(&words.since),
            until: shown(&words.until),
            text: shown(&words.text),
            faulty: words.faulty,
        }
    }

    /// What was asked, each by its name in the address.
    pub(super) fn asked(&self) -> Vec<(&'static str, String)> {
        let parts = [
            ("patient", &self.patient),
            ("control", &self.control),
            ("since", &self.since),
            ("until", &self.until),
            ("event", &self.event),
            ("feed", &self.feed),
            ("text", &self.text),
            ("kind", &self.kind),
            ("outcome", &self.outcome),
        ];
        let faulty = if self.faulty { "yes" } else { "" }.to_string();
        let said = parts.into_iter().chain([("faulty", &faulty)]).filter(|(_, text)| !text.is_empty());
        said.map(|(name, text)| (name, text.clone())).collect()
    }

    /// Whether more is asked than fits the first line of the form.
    fn is_narrow(&self) -> bool {
        self.faulty || [&self.kind, &self.outcome, &self.control, &self.text].iter().any(|text| !text.is_empty())
    }
}

pub(super) async fn list(
    console: web::Data<Console>,
    person: Person,
    words: web::Query<MessageWords>,
    asked: web::Query<Asked>,
) -> Answer {
    let words = words.into_inner();
    let after = Some(asked.into_inner().after).filter(|after| !after.is_empty()).map(Cursor);
    let shown = Words::of(&words);
    let site = console.gateway.site.load_full();
    let sought = match console.gateway.sought(&words).await {
        Ok(sought) => sought,
        Err(problem) => {
            let zone = site.zone();
            let frame = Frame::new("messages", &console, &person).in_zone(&zone);
            let told = (problem.text, true);
            let nothing = MessagesFound { items: Vec::new(), next: None, looked: 0, reached: None };
            let made = turn::make(move || filled(frame, &site, shown, told, (nothing, None), (&zone, Vec::new())));
            let mut response = made.await?;
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return Ok(response);
        }
    };
    for patient in &sought.patients {
        look::note(&console, &person, Some(patient.person), "messages".to_string()).await?;
    }
    let Sought { filter, zone, patients } = sought;
    let (store, asked) = (console.gateway.store.clone(), filter.clone());
    let reading = async move {
        tokio::try_join!(store.find_messages(&asked, after.as_ref(), PAGE), store.count_messages(&asked))
    };
    let (found, count) = turn::read(&console, &person, reading).await?;
    let told = sum(&shown, &patients, count, filter.text.is_some());
    let looked = filter.text.is_some().then(|| looked(&found, count, &zone));
    let frame = Frame::new("messages", &console, &person).in_zone(&zone);
    turn::make(move || filled(frame, &site, shown, (told, false), (found, looked), (&zone, patients))).await
}

/// The first line.
fn sum(words: &Words, patients: &[ResourceId], count: MessageCount, is_text: bool) -> String {
    if !words.patient.is_empty() && patients.is_empty() {
        return format!(
            "No patient has the number {}. A message that was refused may name a patient nobody knows: look for the number as text.",
            words.patient
        );
    }
    let more = if count.is_exact { "" } else { "More than " };
    let told = match (is_text, count.count) {
        (true, count) => format!("Looked for in {}", page::counted(count, "message", "messages")),
        (false, 0) => "No message".to_string(),
        (false, count) => format!("{more}{}", page::counted(count, "message", "messages")),
    };
    format!("{told}.")
}

/// How far a text was looked for.
fn looked(found: &MessagesFound, count: MessageCount, zone: &TimeZone) -> String {
    let Some(reached) = found.reached else { return "There was nothing to look through.".to_string() };
    let through = page::counted(found.looked, "message was", "messages were");
    let back = page::second(reached, zone);
    match &found.next {
        Some(_) => format!("{through} looked through, back to {back}; there are older ones of {} in all.", count.count),
        None => format!("{through} looked through, to the oldest of {back}."),
    }
}

fn filled(
    frame: Frame,
    site: &Site,
    words: Words,
    (sum, wrong): (String, bool),
    (found, looked): (MessagesFound, Option<String>),
    (zone, patients): (&TimeZone, Vec<ResourceId>),
) -> Messages {
    let row = |summary: MessageSummary| Row {
        received: page::second(summary.received, zone),
        outcome: outcome_title(summary.disposition),
        summary,
    };
    Messages {
        frame,
        asked: words.asked(),
        words,
        sum,
        wrong,
        patients,
        rows: found.items.into_iter().map(row).collect(),
        choices: Choices {
            feeds: sources(site),
            kinds: Kind::ALL.map(|kind| (kind.word(), kind_title(kind))).to_vec(),
            outcomes: Disposition::ALL.map(|outcome| (outcome.word(), outcome_title(outcome))).to_vec(),
        },
        next: found.next.map(|cursor| cursor.0),
        looked,
    }
}

/// Feeds, and partners that write.
fn sources(site: &Site) -> Vec<String> {
    let writes = site.partners.values().filter(|partner| !site.agreements.sent_types(&partner.name).is_empty());
    let clients =
        writes.filter(|partner| partner.client_id.is_some()).map(|partner| format!("{CLIENT}{}", partner.name));
    site.feeds.keys().cloned().chain(clients).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_with_all_that_was_asked() {
        let words =
            MessageWords {
                text: Some("O'Neil & Söhne".into()), feed: Some(" lab ".into()), ..MessageWords::default()
            };
        let words = Words::of(&MessageWords { faulty: true, ..words });
        let asked = words.asked();
        assert_eq!(asked, [("feed", "lab".into()), ("text", "O'Neil & Söhne".into()), ("faulty", "yes".to_string())]);
        assert!(Words::default().asked().is_empty() && words.is_narrow());
    }
}
