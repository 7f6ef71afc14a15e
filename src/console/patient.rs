//! One patient's record: what is known, what is owed, who may see it and why, and who was shown it.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::Value;

use super::Console;
use super::page::{self, Frame};
use super::session::Person;
use crate::identity::ResourceId;
use crate::pipeline::{Explanation, explain_record};
use crate::record::Stored;

/// Observations shown, and audit entries.
const OBSERVATIONS: usize = 50;
const AUDIT: usize = 50;

#[derive(Template)]
#[template(path = "console/patient.html")]
struct PatientPage {
    frame: Frame,
    name: String,
    birth_date: String,
    id: String,
    panels: Vec<String>,
    groups: Vec<(String, Vec<Row>)>,
    explanations: Vec<Explanation>,
    audit: Vec<(String, String, String, String)>,
    truncated: bool,
}

struct Row {
    kind: String,
    id: String,
    title: String,
    status: String,
    version: u64,
    updated: String,
}

#[derive(Template)]
#[template(path = "console/resource.html")]
struct ResourcePage {
    frame: Frame,
    kind: String,
    id: String,
    version: u64,
    patient: Option<String>,
    json: String,
    provenance: Vec<(String, String)>,
}

pub(super) async fn show(console: web::Data<Console>, person: Person, id: web::Path<String>) -> HttpResponse {
    let Ok(id) = id.parse::<ResourceId>() else { return page::not_found("patient") };
    let gateway = &console.gateway;
    let known = match gateway.load(id.person, OBSERVATIONS).await {
        Ok(known) => known,
        Err(error) => return page::store_fault(&error),
    };
    let Some(patient) = known.record.get("Patient", ResourceId::patient(known.record.head.person)) else {
        return page::not_found("patient");
    };
    let audit = match gateway.store.audit(Some(known.record.head.person), None, AUDIT).await {
        Ok(page) => page.items,
        Err(error) => return page::store_fault(&error),
    };
    let site = gateway.site.load_full();
    let utc = jiff::tz::TimeZone::UTC;
    let mut groups: Vec<(String, Vec<Row>)> = Vec::new();
    for ((kind, _), stored) in &known.record.resources {
        match groups.last_mut().filter(|(last, _)| last == kind) {
            Some((_, rows)) => rows.push(row(kind, stored)),
            None => groups.push((kind.clone(), vec![row(kind, stored)])),
        }
    }
    page::show(&PatientPage {
        frame: Frame::new("patients", &person),
        name: name(patient),
        birth_date: patient.resource.text("birthDate").unwrap_or_default().to_string(),
        id: id.to_string(),
        panels: known.memberships.iter().map(|membership| membership.panel.clone()).collect(),
        explanations: explain_record(&site, &known, None, gateway.clock.now()),
        audit: audit
            .into_iter()
            .map(|entry| {
                (
                    page::second(entry.at, &utc),
                    entry.agent,
                    format!("{} {}", entry.action, entry.subject),
                    entry.because,
                )
            })
            .collect(),
        truncated: known.record.truncated,
        groups,
    })
}

fn name(patient: &Stored) -> String {
    let Some(name) = patient.resource.get("name").and_then(|names| names.get(0)) else { return "Unnamed".to_string() };
    let family = name.get("family").and_then(Value::as_str).unwrap_or_default();
    let given = name.get("given").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let given: Vec<&str> = given.collect();
    format!("{family}, {}", given.join(" "))
}

fn row(kind: &str, stored: &Stored) -> Row {
    let resource = Value::from(stored.resource.clone());
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let titles = [
        "/description",
        "/title",
        "/code/text",
        "/code/coding/0/display",
        "/code/coding/0/code",
        "/class/display",
        "/class/code",
        "/name/0/family",
    ];
    Row {
        kind: kind.to_string(),
        id: stored.id.to_string(),
        title: titles.iter().find_map(|pointer| text(pointer)).unwrap_or_default().to_string(),
        status: text("/status").or_else(|| text("/clinicalStatus/coding/0/code")).unwrap_or_default().to_string(),
        version: stored.version,
        updated: page::second(stored.updated, &jiff::tz::TimeZone::UTC),
    }
}

pub(super) async fn resource(
    console: web::Data<Console>,
    person: Person,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (kind, id) = path.into_inner();
    let Ok(parsed) = id.parse::<ResourceId>() else { return page::not_found("resource") };
    let stored = match console.gateway.store.resource(&kind, parsed).await {
        Ok(Some(stored)) => stored,
        Ok(None) => return page::not_found("resource"),
        Err(error) => return page::store_fault(&error),
    };
    let provenance = stored
        .state
        .stamps
        .iter()
        .map(|(element, stamp)| (element.clone(), format!("{}, said at {}", stamp.source, stamp.recorded)));
    let patient =
        (parsed.person != crate::identity::PersonId::SHARED).then(|| ResourceId::patient(parsed.person).to_string());
    page::show(&ResourcePage {
        frame: Frame::new("patients", &person),
        json: serde_json::to_string_pretty(&Value::from(stored.resource.clone())).unwrap_or_default(),
        provenance: provenance.collect(),
        version: stored.version,
        patient,
        kind,
        id,
    })
}
