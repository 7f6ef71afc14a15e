//! Who had what of a patient, and who looked: everything that the audit keeps of them, let out or held back with why, as a page and as rows
//! to take along. Records that were taken over count with the one that is left. Contents are not in it.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::tz::TimeZone;

use crate::console::fault::{Answer, Fault};
use crate::console::page::{self, Frame};
use crate::console::session::Person;
use crate::console::{Console, look, own, turn};
use crate::fhir::sorted_name;
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::Known;
use crate::site::Site;
use crate::store::{AuditEntry, StoreError};

/// Read in one step, and shown on the page; the rows to take along are all there are.
const STEP: usize = 500;
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "console/disclosures.html")]
struct Page {
    frame: Frame,
    id: String,
    name: String,
    sentence: String,
    /// By whom: how often out, how often held back, and the last time.
    sums: Vec<Sum>,
    rows: Vec<Row>,
    total: usize,
}

struct Sum {
    who: String,
    out: u64,
    held: u64,
    last: String,
}

struct Row {
    at: String,
    who: String,
    action: String,
    subject: String,
    allowed: bool,
    because: String,
}

pub(crate) async fn show(console: web::Data<Console>, person: Person, id: web::Path<String>) -> Answer {
    let (site, known, entries) = read(&console, &person, &id).await?;
    let frame = Frame::new("patients", &console, &person);
    turn::make(move || page_of(&site, &known, &entries, frame)).await
}

pub(crate) async fn table(console: web::Data<Console>, person: Person, id: web::Path<String>) -> Answer {
    let (site, known, entries) = read(&console, &person, &id).await?;
    let patient = ResourceId::patient(known.record.head.person);
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let head = ["at", "who", "who_is", "action", "what", "let_out", "because"].map(str::to_string).to_vec();
    let rows = entries.iter().map(|entry| {
        let allowed = if entry.allowed { "yes" } else { "no" };
        let texts = [&entry.agent, &named(&site, &entry.agent), &entry.action, &entry.subject, allowed, &entry.because];
        std::iter::once(entry.at.to_string()).chain(texts.iter().map(|text| plain(text))).collect::<Vec<_>>()
    });
    for row in std::iter::once(head).chain(rows) {
        writer.write_record(row).map_err(|fault| Fault::Refused(fault.to_string()))?;
    }
    let body = writer.into_inner().map_err(|fault| Fault::Refused(fault.to_string()))?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"disclosures-{patient}.csv\"")))
        .body(body))
}

/// What a spreadsheet would take for a formula begins with a quote sign.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_string() }
}

/// All of it, newest first, after who looks was written down.
async fn read(
    console: &web::Data<Console>,
    person: &Person,
    id: &str,
) -> Result<(std::sync::Arc<Site>, Known, Vec<AuditEntry>), Fault> {
    let site = console.gateway.site.load_full();
    let Ok(id) = id.parse::<ResourceId>() else { return Err(Fault::no_such_patient(&site)) };
    let known = console.gateway.load(id.person, 1).await?;
    let own = ResourceId::patient(known.record.head.person);
    own::check_known(console, person, own.person, &known.memberships, format!("Patient/{own}")).await?;
    if known.record.get("Patient", own).is_none() {
        return Err(Fault::no_such_patient(&site));
    }
    look::note(console, person, Some(own.person), format!("disclosures of Patient/{own}")).await?;
    let (store, family) = (console.gateway.store.clone(), known.record.head.family().collect::<Vec<PersonId>>());
    let reading = async move {
        let mut all: Vec<AuditEntry> = Vec::new();
        for one in family {
            let mut after = None;
            loop {
                let page = store.audit(Some(one), after.as_ref(), STEP).await?;
                all.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        all.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        Ok::<_, StoreError>(all)
    };
    let entries = turn::read(console, person, reading).await?;
    Ok((site, known, entries))
}

/// By the site's names; who is of it no more by what the audit calls them.
fn named(site: &Site, agent: &str) -> String {
    if let Some(partner) = site.partners.get(agent) {
        return partner.title.clone();
    }
    match agent.strip_prefix("person:") {
        Some(login) => site.people.get(login).map_or_else(|| login.to_string(), |member| member.name.clone()),
        None => agent.strip_prefix("console:").unwrap_or(agent).to_string(),
    }
}

fn page_of(site: &Site, known: &Known, entries: &[AuditEntry], frame: Frame) -> Page {
    let zone = page::zone_of(site);
    let own = ResourceId::patient(known.record.head.person);
    let patient = known.record.get("Patient", own);
    let count = |allowed: bool| entries.iter().filter(|entry| entry.allowed == allowed).count() as u64;
    Page {
        id: own.to_string(),
        name: patient.map(|patient| sorted_name(&patient.resource)).unwrap_or_default(),
        sentence: format!("{} let out or looked at, {} held back.", count(true), count(false)),
        sums: sums(site, entries, &zone),
        // Nothing lost: how many there are stands beside them, and the rows to take along are all.
        rows: entries.iter().take(SHOWN).map(|entry| row(site, entry, &zone)).collect(),
        total: entries.len(),
        frame: frame.in_zone(&zone),
    }
}

fn sums(site: &Site, entries: &[AuditEntry], zone: &TimeZone) -> Vec<Sum> {
    let mut by_who: BTreeMap<&str, Sum> = BTreeMap::new();
    for entry in entries {
        // The newest comes first.
        let sum = by_who.entry(&entry.agent).or_insert_with(|| Sum {
            who: named(site, &entry.agent),
            out: 0,
            held: 0,
            last: page::minute(entry.at, zone),
        });
        if entry.allowed { sum.out += 1 } else { sum.held += 1 }
    }
    by_who.into_values().collect()
}

fn row(site: &Site, entry: &AuditEntry, zone: &TimeZone) -> Row {
    Row {
        at: page::second(entry.at, zone),
        who: named(site, &entry.agent),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        allowed: entry.allowed,
        because: entry.because.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn who_had_what_is_summed_by_who_with_the_last_time() {
        let entry = |agent: &str, minute: u8, allowed: bool| AuditEntry {
            at: format!("2026-03-02T10:{minute:02}:00Z").parse().unwrap(),
            agent: agent.to_string(),
            action: "push".to_string(),
            person: None,
            subject: "Task/1".to_string(),
            allowed,
            because: "a line".to_string(),
        };
        let newest_first =
            [entry("ehr", 9, false), entry("person:gone", 8, true), entry("ehr", 7, true), entry("ehr", 6, true)];
        let sums = sums(&Site::bare(Path::new("/")), &newest_first, &TimeZone::UTC);
        let told: Vec<(&str, u64, u64, &str)> =
            sums.iter().map(|sum| (sum.who.as_str(), sum.out, sum.held, sum.last.as_str())).collect();
        assert_eq!(told, [("ehr", 2, 1, "2026-03-02 10:09"), ("gone", 1, 0, "2026-03-02 10:08")]);
        assert_eq!((plain("=1+1").as_str(), plain("Task/1").as_str()), ("'=1+1", "Task/1"));
    }
}
