//! What a history asks (http://hl7.org/fhir/R4/http.html#history): of one resource, of a type and of the system alike.

use actix_web::HttpRequest;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::negotiate::{Handling, handling, only};
use super::query::{DEFAULT_COUNT, page_count};
use crate::fhir::time::PartialDateTime;
use crate::problem::Category;
use crate::record::Stored;
use crate::store::{Past, StoreError};
use crate::web::answer::Fault;
use crate::web::service::Service;

pub const KNOWN: [&str; 5] = ["_count", "_since", "_at", "_sort", "_cursor"];

/// What the request asks.
pub struct Asked {
    pub count: usize,
    since: Option<Timestamp>,
    /// Versions that were current at some point of this time, which ends before its second moment.
    at: Option<(Timestamp, Timestamp)>,
    /// The sealed place where to go on.
    pub page: Option<String>,
    pub used: Vec<(String, String)>,
}

/// Whether a version is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    Yes,
    No,
    /// Nor is any earlier one of the same resource.
    NoneBefore,
}

impl Asked {
    pub fn read(request: &HttpRequest) -> Result<Self, Fault> {
        let mut asked = Self { count: DEFAULT_COUNT, since: None, at: None, page: None, used: Vec::new() };
        let wrong = |text: String| Fault::bad_request(Category::Value, text);
        for (name, value) in only(request, &KNOWN)? {
            if KNOWN.contains(&name.as_str()) && asked.used.iter().any(|(used, _)| *used == name) {
                return Err(wrong(format!("{name} stands twice")));
            }
            match name.as_str() {
                "_count" => {
                    asked.count = page_count(&value)?;
                    asked.used.push((name, asked.count.to_string()));
                }
                "_since" => {
                    asked.since = Some(time("_since", &value)?.0);
                    asked.used.push((name, value));
                }
                "_at" => {
                    asked.at = Some(time("_at", &value)?);
                    asked.used.push((name, value));
                }
                "_sort" if value != "-_lastUpdated" && handling(request) == Handling::Lenient => {}
                "_sort" if value != "-_lastUpdated" => {
                    let text = "a history is in one order, the newest first; leave _sort out, or ask for -_lastUpdated";
                    return Err(Fault::bad_request(Category::NotSupported, text));
                }
                "_sort" => asked.used.push((name, value)),
                "_cursor" => asked.page = Some(value),
                _ => {}
            }
        }
        Ok(asked)
    }

    /// The versions of these types among which are those asked for.
    pub fn past(&self, types: &[&str]) -> Past {
        let types = types.iter().map(ToString::to_string).collect();
        Past { types, since: self.since, before: self.at.map(|(_, until)| until) }
    }

    pub async fn fits(&self, service: &Service, stored: &Stored) -> Result<Fits, StoreError> {
        if self.since.is_some_and(|since| stored.updated < since) {
            return Ok(Fits::NoneBefore);
        }
        let Some((from, until)) = self.at else { return Ok(Fits::Yes) };
        if stored.updated >= until {
            return Ok(Fits::No);
        }
        if stored.updated > from {
            return Ok(Fits::Yes);
        }
        let (store, kind) = (&service.gateway.store, stored.resource.resource_type());
        let next = store.version(kind, stored.id, stored.version + 1).await?;
        Ok(if next.is_some_and(|next| next.updated <= from) { Fits::NoneBefore } else { Fits::Yes })
    }
}

fn time(name: &str, text: &str) -> Result<(Timestamp, Timestamp), Fault> {
    let parsed = PartialDateTime::parse(text).and_then(|date| date.range(&TimeZone::UTC));
    let wrong = || {
        let text =
            format!("{name} must be a time such as 2026-03-01T10:00:00Z, 2026-03-01 or 2026-03, without a prefix");
        Fault::bad_request(Category::Value, text)
    };
    parsed.ok_or_else(wrong)
}
