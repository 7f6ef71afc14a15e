//! One patient's record as it is: every resource, what is labelled, who may see it and why, and who was shown it.

use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::agreement::sensitivities;
use crate::console::fault::{Answer, Fault};
use crate::console::page::{self, Frame};
use crate::console::part::{Asked, Part};
use crate::console::practice::zone_of_patient;
use crate::console::session::Person;
use crate::console::thing::Thing;
use crate::console::{Console, look, own, tasks, turn};
use crate::fhir::{concept_title, sorted_name};
use crate::identity::ResourceId;
use crate::pipeline::{Explanation, explain_record};
use crate::record::Stored;
use crate::site::StaffRole;
use crate::store::{AuditEntry, Cursor, Page, Query, StoreError, Term};

/// Observations shown, and audit entries.
const OBSERVATIONS: usize = 50;
const AUDIT: usize = 50;
const OBSERVATION: &str = "Observation";

#[derive(Template)]
#[template(path = "console/records.html")]
struct RecordsPage {
    frame: Frame,
    name: String,
    birth_date: String,
    id: String,
    panels: Vec<String>,
    /// What is labelled, what waits for a look first.
    looks: Part<Thing>,
    waiting: usize,
    sensitivities: Vec<(&'static str, &'static str)>,
    groups: Vec<(String, Part<Row>)>,
    observations: Vec<Row>,
    /// How much is not shown for its labels.
    hidden: u64,
    older_observations: Option<String>,
    explanations: Part<Explanation>,
    audit: Vec<Looked>,
    older_audit: Option<String>,
    /// Whether the page of all that was disclosed is theirs.
    has_disclosures: bool,
}

struct Row {
    kind: String,
    id: String,
    title: String,
    status: String,
    version: u64,
    updated: String,
    attempts: String,
    notes: Vec<tasks::Note>,
}

/// An audit entry.
struct Looked {
    at: String,
    agent: String,
    what: String,
    because: String,
}

pub(crate) async fn show(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    asked: web::Query<Asked>,
) -> Answer {
    let site = console.gateway.site.load_full();
    let Ok(id) = id.parse::<ResourceId>() else { return Err(Fault::no_such_patient(&site)) };
    let (gateway, asked) = (&console.gateway, asked.into_inner());
    let known = gateway.load(id.person, OBSERVATIONS).await?;
    let own = ResourceId::patient(known.record.head.person);
    own::check_known(&console, &person, own.person, &known.memberships, format!("Patient/{own}")).await?;
    let Some(patient) = known.record.get("Patient", own).cloned() else {
        return Err(Fault::no_such_patient(&site));
    };
    let read = read_lists(&console, &person, own, &asked).await?;
    let (observations, audit) = read;
    let (now, frame) = (gateway.clock.now(), Frame::new("patients", &console, &person));
    turn::make(move || {
        let zone = zone_of_patient(&known, &site);
        let (mut groups, mut hidden): (Vec<(String, Vec<Row>)>, u64) = (Vec::new(), 0);
        for ((kind, _), stored) in known.record.resources.iter().filter(|((kind, _), _)| kind != OBSERVATION) {
            if !own::may_see(&person, stored) {
                hidden += 1;
                continue;
            }
            match groups.last_mut().filter(|(last, _)| last == kind) {
                Some((_, rows)) => rows.push(row(stored, &zone)),
                None => groups.push((kind.clone(), vec![row(stored, &zone)])),
            }
        }
        let part = |(kind, rows): (String, Vec<Row>)| {
            let part = Part::of(&kind, rows, &asked);
            (kind, part)
        };
        let shown = observations.items.iter().filter(|stored| own::may_see(&person, stored));
        let shown: Vec<Row> = shown.map(|stored| row(stored, &zone)).collect();
        hidden += (observations.items.len() - shown.len()) as u64;
        let looks = known.record.resources.values().filter(|stored| own::may_see(&person, stored));
        let looks = Thing::of_record(looks, &zone);
        RecordsPage {
            waiting: looks.iter().filter(|thing| thing.waits).count(),
            looks: Part::of("looks", looks, &asked),
            sensitivities: sensitivities().collect(),
            name: sorted_name(&patient.resource),
            birth_date: patient.resource.text("birthDate").unwrap_or_default().to_string(),
            id: own.to_string(),
            panels: known.memberships.iter().map(|membership| membership.panel.clone()).collect(),
            groups: groups.into_iter().map(part).collect(),
            observations: shown,
            hidden,
            older_observations: observations.next.map(|cursor| cursor.0),
            explanations: Part::of("explain", explain_record(&site, &known, None, now), &asked),
            audit: audit.items.into_iter().map(|entry| looked(entry, &zone)).collect(),
            has_disclosures: person.has_any(&[StaffRole::PrivacyOfficer]),
            older_audit: audit.next.map(|cursor| cursor.0),
            frame: frame.in_zone(&zone),
        }
    })
    .await
}

/// Observations and audit entries, newest first, after who looks was written down.
async fn read_lists(
    console: &Console,
    person: &Person,
    patient: ResourceId,
    asked: &Asked,
) -> Result<(Page<Stored>, Page<AuditEntry>), StoreError> {
    let store = &console.gateway.store;
    look::note(console, person, Some(patient.person), format!("Patient/{patient}")).await?;
    let cursor = |list| asked.cursor(list).and_then(Cursor::given);
    let query = Query { resource_type: OBSERVATION.to_string(), terms: vec![Term::Patient(vec![patient.person])] };
    let observations = store.search(&query, cursor(OBSERVATION).as_ref(), OBSERVATIONS).await?;
    let audit = store.audit(Some(patient.person), cursor("audit").as_ref(), AUDIT).await?;
    Ok((observations, audit))
}

fn looked(entry: AuditEntry, zone: &TimeZone) -> Looked {
    Looked {
        at: page::second(entry.at, zone),
        agent: entry.agent,
        what: format!("{} {}", entry.action, entry.subject),
        because: entry.because,
    }
}

fn row(stored: &Stored, zone: &TimeZone) -> Row {
    let kind = stored.resource.resource_type().to_string();
    let resource = Value::from(stored.resource.clone());
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let title = text("/description").or_else(|| text("/title")).or_else(|| concept_title(resource.get("code")));
    let title = title.or_else(|| ["/class/display", "/class/code", "/name/0/family"].into_iter().find_map(text));
    let is_task = kind == "Task";
    Row {
        id: stored.id.to_string(),
        title: title.unwrap_or_default().to_string(),
        status: text("/status").or_else(|| text("/clinicalStatus/coding/0/code")).unwrap_or_default().to_string(),
        version: stored.version,
        updated: page::second(stored.updated, zone),
        attempts: if is_task { tasks::attempts(&stored.resource) } else { String::new() },
        notes: if is_task { tasks::notes(&resource, zone) } else { Vec::new() },
        kind,
    }
}
