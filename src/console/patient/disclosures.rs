//! Who had what of a patient, and who looked: everything that the audit keeps of them, let out or held back with why, as a page and as rows
//! to take along. Records that were taken over count with the one that is left. Contents are not in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use askama::Template;
use futures_util::StreamExt;
use jiff::tz::TimeZone;

use super::disclosed::Disclosed;
use crate::console::fault::{Answer, Fault};
use crate::console::page::{self, Frame};
use crate::console::practice::zone_of_patient;
use crate::console::session::Person;
use crate::console::{Console, look, own, turn};
use crate::fhir::sorted_name;
use crate::identity::ResourceId;
use crate::pipeline::Known;
use crate::rows::csv_row;
use crate::site::Site;
use crate::store::{AuditEntry, StoreError};

/// Shown on the page; the rows to take along are all there are.
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
    total: u64,
    is_whole: bool,
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
    let (site, known, mut disclosed) = open(&console, &person, &id).await?;
    let zone = zone_of_patient(&known, &site);
    let (by, zone_of_rows) = (site.clone(), zone.clone());
    let reading = async move {
        let (mut all, mut rows) = (All::default(), Vec::new());
        loop {
            let step = disclosed.next().await?;
            if step.is_empty() {
                return Ok::<_, StoreError>((all, rows));
            }
            // Nothing lost: how many there are stands beside them, and the rows to take along are all.
            rows.extend(step.iter().take(SHOWN - rows.len()).map(|entry| row(&by, entry, &zone_of_rows)));
            step.iter().for_each(|entry| all.count(&by, entry, &zone_of_rows));
        }
    };
    let (all, rows) = turn::read(&console, &person, reading).await?;
    let frame = Frame::new("patients", &console, &person).in_zone(&zone);
    turn::make(move || page_of(&known, all, rows, frame)).await
}

/// All rows, given as they are read: a patient of many years has more than fit into memory at once.
pub(crate) async fn table(console: web::Data<Console>, person: Person, id: web::Path<String>) -> Answer {
    let (site, known, disclosed) = open(&console, &person, &id).await?;
    let patient = ResourceId::patient(known.record.head.person);
    let turn = console.turns.take(&person.form_key).await.ok_or(Fault::Busy)?;
    let head = csv_row(["at", "who", "who_is", "action", "what", "let_out", "because"]);
    let rows = futures_util::stream::try_unfold((disclosed, site, turn), |(mut disclosed, site, turn)| async move {
        let step = disclosed.next().await.inspect_err(|error| tracing::error!(%error, "a download breaks off"))?;
        let text: String = step.iter().map(|entry| line(&site, entry)).collect();
        Ok::<_, StoreError>((!step.is_empty()).then(|| (Bytes::from(text), (disclosed, site, turn))))
    });
    let head = futures_util::stream::iter([Ok(Bytes::from(head))]);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"disclosures-{patient}.csv\"")))
        .streaming(head.chain(rows)))
}

fn line(site: &Site, entry: &AuditEntry) -> String {
    let allowed = if entry.allowed { "yes" } else { "no" };
    let at = entry.at.to_string();
    csv_row([&at, &entry.agent, &named(site, &entry.agent), &entry.action, &entry.subject, allowed, &entry.because])
}

/// What is to be read, after who looks was written down.
async fn open(console: &web::Data<Console>, person: &Person, id: &str) -> Result<(Arc<Site>, Known, Disclosed), Fault> {
    let site = console.gateway.site.load_full();
    let Ok(id) = id.parse::<ResourceId>() else { return Err(Fault::no_such_patient(&site)) };
    let known = console.gateway.load(id.person, 1).await?;
    let own = ResourceId::patient(known.record.head.person);
    own::check_known(console, person, own.person, &known.memberships, format!("Patient/{own}")).await?;
    if known.record.get("Patient", own).is_none() {
        return Err(Fault::no_such_patient(&site));
    }
    look::note(console, person, Some(own.person), format!("disclosures of Patient/{own}")).await?;
    let disclosed = Disclosed::of(console.gateway.store.clone(), known.record.head.family());
    Ok((site, known, disclosed))
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

fn page_of(known: &Known, all: All, rows: Vec<Row>, frame: Frame) -> Page {
    let own = ResourceId::patient(known.record.head.person);
    let patient = known.record.get("Patient", own);
    let sums: Vec<Sum> = all.by_who.into_values().collect();
    let count = |of: fn(&Sum) -> u64| sums.iter().map(of).sum::<u64>();
    let (out, held) = (count(|sum| sum.out), count(|sum| sum.held));
    Page {
        id: own.to_string(),
        name: patient.map(|patient| sorted_name(&patient.resource)).unwrap_or_default(),
        sentence: format!("{out} let out or looked at, {held} held back."),
        is_whole: rows.len() as u64 == out + held,
        total: out + held,
        sums,
        rows,
        frame,
    }
}

/// The sums of all there is.
#[derive(Default)]
struct All {
    by_who: BTreeMap<String, Sum>,
}

impl All {
    /// One more; the newest comes first.
    fn count(&mut self, site: &Site, entry: &AuditEntry, zone: &TimeZone) {
        let sum = self.by_who.entry(entry.agent.clone()).or_insert_with(|| Sum {
            who: named(site, &entry.agent),
            out: 0,
            held: 0,
            last: page::minute(entry.at, zone),
        });
        if entry.allowed { sum.out += 1 } else { sum.held += 1 }
    }
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
    use crate::clock::{Clock, ManualClock};
    use crate::console::Sessions;
    use crate::pipeline::{Arrival, Gateway};
    use crate::store::{EngineChoice, StoreSettings, open as open_store};

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
        let (site, mut all) = (Site::bare(Path::new("/")), All::default());
        newest_first.iter().for_each(|entry| all.count(&site, entry, &TimeZone::UTC));
        let told: Vec<(&str, u64, u64, &str)> =
            all.by_who.values().map(|sum| (sum.who.as_str(), sum.out, sum.held, sum.last.as_str())).collect();
        assert_eq!(told, [("ehr", 2, 1, "2026-03-02 10:09"), ("gone", 1, 0, "2026-03-02 10:08")]);
        let formula = AuditEntry { because: "=1+1".to_string(), ..entry("ehr", 1, false) };
        let written = "\"2026-03-02T10:01:00Z\",\"ehr\",\"ehr\",\"push\",\"Task/1\",\"no\",\"'=1+1\"\r\n";
        assert_eq!(line(&site, &formula), written);
    }
    #[actix_web::test]
    async fn the_rows_to_take_along_are_all_there_are_newest_first_and_the_page_says_how_many() {
        let folder = tempfile::tempdir().unwrap();
        crate::site::write_demo(folder.path(), &|text| text).unwrap();
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        let clock = Arc::new(ManualClock::at("2026-03-02T20:00:00Z".parse().unwrap()));
        let site = crate::site::load(folder.path()).site.unwrap();
        let gateway = Gateway::new(open_store(&settings).unwrap(), site, clock.clone());
        let raw = b"MSH|^~\\&|A|RIVERSIDE|H|D|20260302130000||ADT^A04^ADT_A01|D1|P|2.5.1\rEVN|A04|20260302130000\r\
            PID|1||4712^^^RIVERSIDE^MR||Achterberg^Noor||19490812|F\r\
            PV1|1|E|ED^02^A^RIVERSIDE||||1043^Lindqvist^Maja||||||||||||V3001^^^RIVERSIDE-VISIT^VN\r";
        let arrival = Arrival { feed: "riverside".into(), raw: raw.to_vec(), ..Arrival::default() };
        assert_eq!(gateway.accept(arrival).await.code.text(), "AA");
        let message = gateway.store.message(1).await.unwrap().unwrap();
        let patient: ResourceId = message.summary.patient.unwrap().parse().unwrap();
        for number in 0..1_203 {
            let because = if number == 0 { "\t=HYPERLINK(1)".to_string() } else { format!("look {number}") };
            let entry = AuditEntry {
                at: clock.now(),
                agent: "person:gone".to_string(),
                action: "look".to_string(),
                person: Some(patient.person),
                subject: format!("Patient/{patient}"),
                allowed: number % 2 == 0,
                because,
            };
            gateway.write_audit(vec![entry]).await.unwrap();
            clock.advance(jiff::SignedDuration::from_secs(1));
        }
        let console =
            web::Data::new(Console::new(Arc::new(gateway), Arc::new(Sessions::default()), Arc::default(), false));
        let person = Person::for_tests("pia", &[crate::site::StaffRole::PrivacyOfficer]);
        let response = table(console.clone(), person.clone(), patient.to_string().into()).await.unwrap();
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        let mut reader = csv::Reader::from_reader(&*body);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let looks: Vec<&str> = rows.iter().filter(|row| &row[1] == "person:gone").map(|row| &row[6]).collect();
        assert_eq!((looks.len(), looks[0], looks[1_202]), (1_203, "look 1202", "'\t=HYPERLINK(1)"));
        assert!(rows.windows(2).all(|pair| pair[0][0] >= pair[1][0]), "newest first");
        assert_eq!(&rows[0][4], format!("disclosures of Patient/{patient}").as_str(), "this look is one of them");

        let response = show(console, person, patient.to_string().into()).await.unwrap();
        let page = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        let held = rows.iter().filter(|row| &row[5] == "no").count();
        let told = [format!("the newest 200 of {}", rows.len() + 1), format!("{held} held back.")];
        assert!(held >= 601 && told.iter().all(|words| page.contains(words)), "{told:?}:\n{page}");
    }
}
