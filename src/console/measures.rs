//! Measures of a practice by month: each plotted with what it counts, what was left out and a table behind; as rows and as
//! MeasureReports to take along.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::measured_people::{PersonRow, people};
use super::page::{self, Frame};
use super::plot::{Drawn, Trend, plain, trend};
use super::practice::own_practices;
use super::session::Person;
use super::{Console, look, turn, when};
use crate::pipeline::{Definition, MEASURES, MeasureCount, Measures, Month, MonthCounts};

/// Months on the page where nobody asks for others.
const MONTHS: u8 = 6;

#[derive(Template)]
#[template(path = "console/measures.html")]
struct Page {
    frame: Frame,
    practice: String,
    panel: String,
    practices: Vec<(String, String)>,
    made: String,
    month: String,
    month_words: String,
    months: u8,
    before: String,
    after: Option<String>,
    sentence: String,
    measures: Vec<Told>,
    people: Vec<PersonRow>,
    missing: Vec<String>,
}

/// One measure.
struct Told {
    id: &'static str,
    title: &'static str,
    value: String,
    /// "47 of 56".
    of: String,
    left_out: String,
    definition: &'static Definition,
    drawn: Drawn,
    rows: Vec<Row>,
}

struct Row {
    month: String,
    value: String,
    of: String,
    left_out: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    panel: String,
    #[serde(default)]
    month: String,
    #[serde(default)]
    months: Option<u8>,
}

pub(super) async fn show(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let (measures, practices, months) = counted(&console, &person, asked.into_inner(), MONTHS).await?;
    let frame = Frame::new("measures", &console, &person);
    turn::make(move || page_of(measures, frame, practices, months)).await
}

pub(super) async fn table(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let (measures, ..) = counted(&console, &person, asked.into_inner(), MONTHS).await?;
    Ok(file(&measures, "csv", "text/csv; charset=utf-8").body(measures.csv()))
}

pub(super) async fn report(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let (measures, ..) = counted(&console, &person, Asked { months: Some(1), ..asked.into_inner() }, 1).await?;
    Ok(file(&measures, "json", "application/fhir+json").body(format!("{:#}\n", measures.report())))
}

fn file(measures: &Measures, ending: &str, kind: &'static str) -> actix_web::HttpResponseBuilder {
    let month = measures.asked().map(|month| month.month.to_string()).unwrap_or_default();
    let name = format!("attachment; filename=\"measures-{}-{month}.{ending}\"", measures.panel);
    let mut response = HttpResponse::Ok();
    response
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, name));
    response
}

/// Counts what is asked, of a practice of theirs, and notes who looked.
async fn counted(
    console: &Console,
    person: &Person,
    asked: Asked,
    usual: u8,
) -> Result<(Measures, Vec<(String, String)>, u8), Fault> {
    let site = console.gateway.site.load_full();
    let Asked { panel, month, months } = asked;
    let (panel, practices) = own_practices(&site, person, panel)?;
    let month = match month.as_str() {
        "" => None,
        text => Some(text.parse::<Month>().map_err(Fault::Refused)?),
    };
    let months = months.unwrap_or(usual);
    look::note(console, person, None, format!("measures of {panel}")).await?;
    let (gateway, all) = (console.gateway.clone(), person.sensitive);
    let reading = async move { gateway.measures(&panel, month, months, all).await };
    Ok((turn::read(console, person, reading).await?, practices, months))
}

fn page_of(measures: Measures, frame: Frame, practices: Vec<(String, String)>, months: u8) -> Page {
    let (now, zone) = (measures.made, measures.time_zone());
    let asked = measures.asked().map_or_else(|| Month::at(now, &zone), |month| month.month);
    let told: Vec<Told> =
        MEASURES.iter().enumerate().filter_map(|(place, definition)| told(&measures, place, definition)).collect();
    let next = asked.before(0).first().last_of_month().tomorrow().ok().map(Month::of);
    Page {
        practice: measures.practice.clone(),
        panel: measures.panel.clone(),
        practices,
        made: when::dateline(now, &zone),
        month: asked.to_string(),
        month_words: asked.words(),
        months,
        before: asked.before(1).to_string(),
        after: next.filter(|next| *next <= Month::at(now, &zone)).map(|next| next.to_string()),
        sentence: sentence(&measures),
        measures: told,
        people: people(measures.asked()),
        missing: measures.missing.clone(),
        frame: frame.in_zone(&zone),
    }
}

fn sentence(measures: &Measures) -> String {
    let Some(month) = measures.asked() else { return "Nothing was counted.".to_string() };
    let counted = month.counts.iter().filter(|one| one.denominator > 0.0).count();
    let so_far = if month.until == measures.made { " so far" } else { "" };
    let people = page::counted(measures.members, "person on the panel", "people on the panel");
    format!(
        "{}{so_far}: {counted} of {} measures have something to count; {people}.",
        month.month.words(),
        MEASURES.len()
    )
}

fn told(measures: &Measures, place: usize, definition: &'static Definition) -> Option<Told> {
    let months: Vec<(&MonthCounts, &MeasureCount)> =
        measures.months.iter().filter_map(|month| Some((month, month.counts.get(place)?))).collect();
    let (_, last) = *months.last()?;
    let words = |counted: &MeasureCount| value(definition, counted);
    let line: Vec<String> =
        months.iter().map(|(month, counted)| format!("{} {}", month.month.words(), words(counted))).collect();
    let scale = if definition.of.is_some() { 100.0 } else { 1.0 };
    let drawn = trend(&Trend {
        id: format!("measure-{place}"),
        title: definition.title,
        months: months
            .iter()
            .map(|(month, counted)| (month.month.words(), counted.value().map(|value| value * scale)))
            .collect(),
        is_share: definition.of.is_some(),
        description: format!("{}: {}.", definition.title, line.join(", ")),
        last: words(last),
    });
    let row = |(month, counted): &(&MonthCounts, &MeasureCount)| Row {
        month: month.month.words(),
        value: words(counted),
        of: of(definition, counted),
        left_out: counted.left_out_words(),
    };
    Some(Told {
        id: definition.id,
        title: definition.title,
        value: words(last),
        of: of(definition, last),
        left_out: last.left_out_words(),
        definition,
        drawn,
        rows: months.iter().rev().map(row).collect(),
    })
}

/// "84 %", "0.6"; a dash where there is nothing to count.
fn value(definition: &Definition, counted: &MeasureCount) -> String {
    match (counted.value(), definition.of) {
        (None, _) => "–".to_string(),
        (Some(share), Some(_)) => format!("{} %", (share * 100.0).round()),
        (Some(rate), None) => plain((rate * 100.0).round() / 100.0),
    }
}

fn of(definition: &Definition, counted: &MeasureCount) -> String {
    match definition.of {
        Some(_) => format!("{} of {}", counted.numerator, counted.denominator),
        None => format!(
            "{} in {} weeks",
            page::counted(counted.numerator, "alert", "alerts"),
            plain((counted.denominator * 10.0).round() / 10.0)
        ),
    }
}
