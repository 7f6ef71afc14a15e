//! Values as columns: times as nanoseconds, documents as text, cursors as what the listing is ordered by.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;

use crate::fhir::Identifier;
use crate::record::Stored;
use crate::store::query::index_terms;
use crate::store::{Cursor, MessageEntry, StoreError};

/// Times beyond the years 1678 to 2262 become those bounds; documents keep them exactly.
pub fn nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}

pub fn time(nanos: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_nanosecond(i128::from(nanos)).map_err(|_| damaged("a time"))
}

pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("{what} does not read back"))
}

/// PostgreSQL's text cannot hold the character NUL, which broken messages contain.
pub fn clean(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Refused(format!("not to be written as JSON: {error}")))
}

pub fn of_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| damaged("a document"))
}

/// A column of `row`; the text of a document, mostly.
pub fn column<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, name: &str) -> Result<T, StoreError> {
    row.try_get(name).map_err(|_| damaged(name))
}

pub fn parsed<T: std::str::FromStr>(row: &Row, name: &str) -> Result<T, StoreError> {
    column::<&str>(row, name)?.parse().map_err(|_| damaged(name))
}

/// A row with id, version, updated_nanos, document and state.
pub fn stored(row: &Row) -> Result<Stored, StoreError> {
    let resource: crate::fhir::Resource = of_json(column(row, "document")?)?;
    Ok(Stored {
        id: parsed(row, "id")?,
        version: unsigned(column(row, "version")?),
        updated: time(column(row, "updated_nanos")?)?,
        resource,
        state: of_json(column(row, "state")?)?,
    })
}

/// A row with all of a message.
pub fn entry_of(row: &Row) -> Result<MessageEntry, StoreError> {
    Ok(MessageEntry {
        summary: of_json(column(row, "summary")?)?,
        content: column::<&[u8]>(row, "content")?.try_into().map_err(|_| damaged("a message"))?,
        raw: column(row, "raw")?,
        answer: column(row, "answer")?,
        trace: of_json(column(row, "trace")?)?,
    })
}

/// The terms a resource is found by: those of its values, and its identifiers, the value alone and with its system.
pub fn terms(stored: &Stored) -> Vec<String> {
    use serde_json::Value;
    let items: &[Value] = match stored.resource.get("identifier") {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let pairs = items.iter().map(|item| (text(item, "system"), text(item, "value")));
    pairs
        .filter(|(_, value)| !value.is_empty())
        .flat_map(|(system, value)| [any_term(&value), term(&system, &value)])
        .chain(index_terms(&stored.resource, stored.id).into_iter().map(value_term))
        .collect()
}

/// A term of the index by value (`store/query/index.rs`).
pub fn value_term(term: u64) -> String {
    format!("#{term:016x}")
}

pub fn any_term(value: &str) -> String {
    clean(&format!("*{value}"))
}

pub fn term(system: &str, value: &str) -> String {
    clean(&format!("={system}|{value}"))
}

pub fn systems_and_values(identifiers: &[Identifier]) -> (Vec<String>, Vec<String>) {
    identifiers.iter().map(|identifier| (clean(&identifier.system), clean(&identifier.value))).unzip()
}

pub fn cursor(parts: &[&dyn std::fmt::Display]) -> Cursor {
    Cursor(parts.iter().map(ToString::to_string).collect::<Vec<_>>().join("."))
}

/// The two parts of a cursor.
pub fn after<A: std::str::FromStr, B: std::str::FromStr>(
    cursor: Option<&Cursor>,
) -> Result<Option<(A, B)>, StoreError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let parts = cursor.0.split_once('.').and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)));
    let refused = || StoreError::Refused("this is no cursor of ours; start the listing again".to_string());
    parts.map(Some).ok_or_else(refused)
}

/// The key that a cursor holds as JSON.
pub fn after_key<K: DeserializeOwned>(cursor: Option<&Cursor>) -> Result<Option<K>, StoreError> {
    let refused = |_| StoreError::Refused("this is no cursor of ours; start the listing again".to_string());
    cursor.map(|cursor| serde_json::from_str(&cursor.0).map_err(refused)).transpose()
}

pub fn page_size(count: usize) -> usize {
    count.clamp(1, 1000)
}

/// A value in a statement.
pub type Parameter = Box<dyn tokio_postgres::types::ToSql + Sync + Send>;

/// Conditions joined by AND, with their parameters.
#[derive(Default)]
pub struct Conditions {
    texts: Vec<String>,
    parameters: Vec<Parameter>,
}

impl Conditions {
    /// `?` stands for the parameter, `?` again for the next.
    pub fn add(&mut self, text: &str, parameters: Vec<Parameter>) {
        let numbered = self.numbered(text, parameters);
        self.texts.push(numbered);
    }

    /// Takes the parameters, and leaves it to the caller where their condition stands.
    pub fn numbered(&mut self, text: &str, parameters: Vec<Parameter>) -> String {
        let mut numbered = String::new();
        let mut number = self.parameters.len();
        for character in text.chars() {
            if character == '?' {
                number += 1;
                numbered.push_str(&format!("${number}"));
            } else {
                numbered.push(character);
            }
        }
        self.parameters.extend(parameters);
        numbered
    }

    /// Adds a condition whose parameters were taken already.
    pub fn push(&mut self, numbered: String) {
        self.texts.push(numbered);
    }

    /// How many parameters there are.
    pub fn count(&self) -> usize {
        self.parameters.len()
    }

    /// Puts another value in the place of a parameter.
    pub fn put(&mut self, place: usize, parameter: Parameter) {
        if let Some(there) = self.parameters.get_mut(place) {
            *there = parameter;
        }
    }

    /// `WHERE …`, or nothing.
    pub fn clause(&self) -> String {
        if self.texts.is_empty() { String::new() } else { format!("WHERE {}", self.texts.join(" AND ")) }
    }

    pub fn parameters(&self) -> Vec<&(dyn tokio_postgres::types::ToSql + Sync)> {
        self.parameters.iter().map(|parameter| &**parameter as &(dyn tokio_postgres::types::ToSql + Sync)).collect()
    }
}
