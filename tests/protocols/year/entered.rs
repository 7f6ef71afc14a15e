//! What happened, as it enters a gateway: stays and emergency visits as the hospital's HL7 v2 messages, all else as what the practice's
//! EHR writes by FHIR. What is told again is told under the same number.

use std::collections::BTreeMap;

use handover::identity::ResourceId;
use handover::pipeline::{Arrival, Interaction, Submission};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::life::{Event, Life, What};
use super::write::{self, Written};

/// Of the demo's site: its feed, its partner, and whose numbers patients have.
pub const FEED: &str = "riverside";
pub const PARTNER: &str = "lakeside-practice";
pub const MRN: &str = "urn:oid:2.16.840.1.113883.19.5";

pub enum Entered {
    Message(Arrival),
    Write(Submission),
}

/// The hospital tells of somebody whom it will see.
pub fn registered(number: usize, at: Timestamp) -> Entered {
    message(number, ("A31", "ADT_A05"), format!("R{number}"), at, None)
}

/// A problem on the practice's list.
pub fn condition(number: usize, code: &str) -> Entered {
    let mut written = write::condition(code);
    let coded = |list: &str, code: &str| {
        let system = format!("http://terminology.hl7.org/CodeSystem/{list}");
        json!({ "coding": [{ "system": system, "code": code }] })
    };
    written.resource.set("category", json!([coded("condition-category", "problem-list-item")]));
    written.resource.set("clinicalStatus", coded("condition-clinical", "active"));
    create(number, format!("C{number}-{code}"), written)
}

/// One event of a life. `request` and `appointment` are what the gateway called those that were written before.
pub fn event(life: &Life, place: usize, request: Option<ResourceId>, appointment: Option<ResourceId>) -> Entered {
    let event = &life.events[place];
    let control = control(life, place);
    if let What::Begins { visit } | What::Ends { visit } = event.what {
        return visited(life, visit, event, control);
    }
    let request = request.map(|id| format!("ServiceRequest/{id}")).unwrap_or_default();
    let mut written = write::event(life, key(life, place), event, &request);
    match &event.what {
        What::Measured(_) => {
            let vital = json!({ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" });
            written.resource.set("category", json!([{ "coding": [vital] }]));
        }
        What::Referred { .. } => written.resource.set("requester", json!({ "display": "Dr. Helen Park" })),
        What::Booked { .. } | What::Kept { .. } => {
            let patient = json!({ "actor": patient(life.number), "status": "accepted" });
            written.resource.set("participant", json!([patient]));
        }
        _ => {}
    }
    if written.kind == "Encounter" {
        let class = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" });
        written.resource.set("class", class);
    }
    match (&event.what, appointment) {
        (What::Kept { .. }, Some(id)) => update(life.number, control, written, id),
        _ => create(life.number, control, written),
    }
}

/// The first place at which this was told.
fn key(life: &Life, place: usize) -> usize {
    let event = &life.events[place];
    let is_same = |other: &Event| other.at == event.at && format!("{:?}", other.what) == format!("{:?}", event.what);
    life.events.iter().position(is_same).unwrap()
}

fn control(life: &Life, place: usize) -> String {
    format!("E{}-{}", life.number, key(life, place))
}

fn patient(number: usize) -> Value {
    json!({ "identifier": { "system": MRN, "value": number.to_string() } })
}

fn create(number: usize, control: String, written: Written) -> Entered {
    let kind = written.kind.to_string();
    submission(control, Interaction::Create { kind, unless: None }, body(number, written))
}

fn update(number: usize, control: String, written: Written, id: ResourceId) -> Entered {
    let kind = written.kind.to_string();
    let mut body = body(number, written);
    body["id"] = json!(id.to_string());
    submission(control, Interaction::Update { kind, id }, body)
}

fn body(number: usize, written: Written) -> Value {
    let Written { kind, key, mut resource } = written;
    resource.set("identifier", json!([{ "system": "urn:lakeside:chart", "value": format!("{number} {kind} {key}") }]));
    match kind {
        "Appointment" => {}
        "Task" => resource.set("for", patient(number)),
        _ => resource.set("subject", patient(number)),
    }
    resource.into()
}

fn submission(control: String, interaction: Interaction, body: Value) -> Entered {
    Entered::Write(Submission {
        partner: PARTNER.to_string(),
        request_id: Some(control),
        interaction,
        is_conditional: false,
        if_match: None,
        matched: BTreeMap::new(),
        media_type: "application/fhir+json".to_string(),
        body: body.to_string().into_bytes(),
        replays: None,
    })
}

fn visited(life: &Life, place: usize, event: &Event, control: String) -> Entered {
    let visit = &life.visits[place];
    let is_over = matches!(event.what, What::Ends { .. });
    let kind = match (is_over, visit.class) {
        (true, _) => ("A03", "ADT_A03"),
        (false, "EMER") => ("A04", "ADT_A01"),
        (false, _) => ("A01", "ADT_A01"),
    };
    let mut fields = vec![String::new(); 46];
    fields[0] = "PV1|1".to_string();
    fields[1] = match visit.class {
        "EMER" => "E",
        "IMP" => "I",
        _ => "OBS",
    }
    .to_string();
    fields[18] = format!("V{}-{place}^^^RIVERSIDE-VISIT^VN", life.number);
    fields[43] = written_as(visit.start);
    if is_over {
        fields[35] = visit.disposition.to_string();
        fields[44] = written_as(visit.end);
    }
    let segment = fields.join("|");
    message(life.number, kind, control, event.at, Some(segment.trim_end_matches('|')))
}

fn message(
    number: usize,
    (event, structure): (&str, &str),
    control: String,
    at: Timestamp,
    visit: Option<&str>,
) -> Entered {
    let at = written_as(at);
    let mut segments = vec![
        format!("MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ADT^{event}^{structure}|{control}|P|2.5.1"),
        format!("EVN|{event}|{at}"),
        format!("PID|1||{number}^^^RIVERSIDE^MR||Somebody^Number{number}||19600504|F"),
    ];
    segments.extend(visit.map(str::to_string));
    let raw = (segments.join("\r") + "\r").into_bytes();
    Entered::Message(Arrival { feed: FEED.to_string(), raw, ..Arrival::default() })
}

fn written_as(at: Timestamp) -> String {
    at.strftime("%Y%m%d%H%M%S+0000").to_string()
}
