//! Documents of a record (http://hl7.org/fhir/R4/documentreference.html), newest first.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::fhir::{items, moment, text, title};
use crate::console::when;
use crate::record::{Record, Stored};

/// Documents shown; how many older there are is said.
const MOST: usize = 10;

/// One document, or how many older there are.
pub(crate) struct Document {
    pub id: String,
    pub title: String,
    pub detail: String,
}

pub(super) fn documents(record: &Record, now: Timestamp, zone: &TimeZone) -> Vec<Document> {
    let is_meant = |stored: &&Stored| {
        stored.state.superseded.is_none() && stored.resource.text("status") != Some("entered-in-error")
    };
    let dated =
        |stored: &Stored| stored.resource.text("date").and_then(|date| moment(date, zone)).unwrap_or(stored.updated);
    let mut all: Vec<&Stored> = record.of_type("DocumentReference").filter(is_meant).collect();
    all.sort_by_key(|stored| (std::cmp::Reverse(dated(stored)), stored.id));
    let more = all.len().saturating_sub(MOST);
    let one = |stored: &&Stored| {
        let resource = &stored.resource;
        let author = items(resource, "author").next().map(|one| text(one, "display")).unwrap_or_default();
        let is_old = resource.text("status") == Some("superseded");
        let day = when::day(when::date_in(dated(stored), zone), when::date_in(now, zone));
        let parts = [author, day, if is_old { "superseded".to_string() } else { String::new() }];
        Document {
            id: stored.id.to_string(),
            title: resource.text("description").map_or_else(|| title(resource.get("type")), str::to_string),
            detail: parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
        }
    };
    // Nothing lost: the last line says how many older ones there are.
    let mut documents: Vec<Document> = all.iter().take(MOST).map(one).collect();
    if more > 0 {
        let detail = format!("{more} older, among the records");
        documents.push(Document { id: String::new(), title: String::new(), detail });
    }
    documents
}
