//! What a search request asks (http://hl7.org/fhir/R4/search.html), read into the store's query. What is not understood is
//! refused or, as the client prefers, left out and named; it never silently widens a search.

use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::date::{self, Span};
use super::parameters::{Kind, Parameter, find};
use crate::identity::ResourceId;
use crate::problem::Category;
use crate::store::{Cursor, Query, Term, TokenValue};
use crate::web::answer::Fault;

pub const DEFAULT_COUNT: usize = 50;
pub const LARGEST_COUNT: usize = 250;

/// Values joined by OR in one parameter, and parameters in one request.
const VALUES: usize = 100;
const PARAMETERS: usize = 50;

/// A search as understood.
#[derive(Debug)]
pub struct Search {
    pub query: Query,
    /// Elements with the span that their value must lie in as a whole.
    pub within: Vec<(&'static [&'static str], Span)>,
    /// Some parameter cannot match anything here.
    pub nothing: bool,
    pub count: usize,
    pub cursor: Option<Cursor>,
    /// The parameters that were used, for the self link.
    pub used: Vec<(String, String)>,
    /// Names of parameters that were left out.
    pub ignored: Vec<String>,
}

/// Parameters that change how an answer is written and are handled elsewhere or may be left alone.
const WRITING: [&str; 2] = ["_format", "_pretty"];

/// Reads a search. `strict`: unknown parameters are refused (Prefer: handling=strict).
pub fn read(
    resource_type: &'static str,
    parameters: &'static [Parameter],
    base: &str,
    asked: Vec<(String, String)>,
    strict: bool,
) -> Result<Search, Fault> {
    if asked.len() > PARAMETERS {
        return Err(Fault::bad_request(Category::TooCostly, format!("more than {PARAMETERS} search parameters")));
    }
    let mut search = Search {
        query: Query { resource_type: resource_type.to_string(), terms: Vec::new() },
        within: Vec::new(),
        nothing: false,
        count: DEFAULT_COUNT,
        cursor: None,
        used: Vec::new(),
        ignored: Vec::new(),
    };
    for (name, value) in asked {
        search.take(parameters, base, name, value, strict)?;
    }
    Ok(search)
}

impl Search {
    /// The elements whose content decides what is found: who may not see one must not find by it.
    pub fn elements(&self) -> Vec<&'static str> {
        let terms = self.query.terms.iter().flat_map(|term| match term {
            Term::Identifier(_) => vec!["identifier"],
            Term::Token { element, .. } | Term::Reference { element, .. } => vec![*element],
            Term::Date { elements, .. } => elements.to_vec(),
            Term::Id(_) | Term::Patient(_) | Term::LastUpdated { .. } => Vec::new(),
        });
        terms.collect()
    }

    fn take(
        &mut self,
        parameters: &'static [Parameter],
        base: &str,
        name: String,
        value: String,
        strict: bool,
    ) -> Result<(), Fault> {
        // An empty value asks nothing.
        if value.is_empty() || WRITING.contains(&name.as_str()) {
            return Ok(());
        }
        match name.as_str() {
            "_count" => {
                let count: usize = value.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
                    Fault::bad_request(Category::Value, format!("_count must be a number from 1 to {LARGEST_COUNT}"))
                })?;
                self.count = count.min(LARGEST_COUNT);
            }
            "_cursor" => {
                self.cursor = Some(open_cursor(&value)?);
                return Ok(());
            }
            plain => match find(parameters, plain) {
                Some(kind) => self.compile(plain, kind, &value, base)?,
                None => return self.leave_out(name, strict),
            },
        }
        self.used.push((name, value));
        Ok(())
    }

    /// Modifiers and chains ask for less than the parameter without them, so leaving them out would show more.
    fn leave_out(&mut self, name: String, strict: bool) -> Result<(), Fault> {
        let shown: String = name.chars().take(60).filter(|letter| letter.is_ascii_graphic()).collect();
        if name.contains(':') {
            let text = format!("{shown}: modifiers are not supported here");
            return Err(Fault::bad_request(Category::NotSupported, text));
        }
        if name.contains('.') || name == "_has" || name == "_filter" {
            let text = format!("{shown}: chained parameters are not supported here");
            return Err(Fault::bad_request(Category::NotSupported, text));
        }
        if strict {
            let text = format!("{shown} is not a search parameter of this type here; /fhir/metadata lists them");
            return Err(Fault::bad_request(Category::NotSupported, text));
        }
        self.ignored.push(shown);
        Ok(())
    }

    fn compile(&mut self, name: &str, kind: Kind, value: &str, base: &str) -> Result<(), Fault> {
        let values = split(value, ',');
        if values.len() > VALUES {
            return Err(Fault::bad_request(Category::TooCostly, format!("{name} has more than {VALUES} values")));
        }
        let term = match kind {
            Kind::Id => Term::Id(self.some(values.iter().filter_map(|text| text.parse().ok()).collect())),
            Kind::Patient => {
                let ids = values.iter().filter_map(|text| patient(text, base));
                Term::Patient(self.some(ids.map(|id| id.person).collect()))
            }
            Kind::Identifier => Term::Identifier(values.iter().map(|text| token(text)).collect()),
            Kind::Token(element) => Term::Token { element, values: values.iter().map(|text| token(text)).collect() },
            Kind::Reference(element) => {
                let inside = |text: &String| unescape(text.strip_prefix(base).unwrap_or(text).trim_start_matches('/'));
                Term::Reference { element, values: values.iter().map(inside).collect() }
            }
            Kind::Date(elements) => {
                let span = one_span(name, &values)?;
                if span.within {
                    self.within.push((elements, span));
                }
                Term::Date { elements, from: span.from, until: span.until }
            }
            Kind::LastUpdated => {
                let span = one_span(name, &values)?;
                Term::LastUpdated { from: span.from, until: span.until }
            }
        };
        self.query.terms.push(term);
        Ok(())
    }

    /// Notes that nothing can match when no value could be one of ours.
    fn some<Value>(&mut self, values: Vec<Value>) -> Vec<Value> {
        self.nothing |= values.is_empty();
        values
    }
}

/// `abc`, `Patient/abc` or the whole address here.
fn patient(text: &str, base: &str) -> Option<ResourceId> {
    let relative = text.strip_prefix(base).map(|rest| rest.trim_start_matches('/')).unwrap_or(text);
    let id: ResourceId = relative.strip_prefix("Patient/").unwrap_or(relative).parse().ok()?;
    (id == ResourceId::patient(id.person)).then_some(id)
}

fn one_span(name: &str, values: &[String]) -> Result<Span, Fault> {
    match values {
        [one] => {
            date::parse(one).map_err(|why| Fault::bad_request(Category::Value, format!("the value of {name} {why}")))
        }
        _ => Err(Fault::bad_request(Category::NotSupported, format!("{name} takes one value; repeat it to narrow"))),
    }
}

/// http://hl7.org/fhir/R4/search.html#token
fn token(text: &str) -> TokenValue {
    let some = |text: &str| (!text.is_empty()).then(|| unescape(text));
    match split(text, '|').as_slice() {
        [system, code] => TokenValue { system: Some(unescape(system)), code: some(code) },
        _ => TokenValue { system: None, code: some(text) },
    }
}

/// Splits where the separator is not escaped; escapes stay.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for letter in text.chars() {
        if letter == separator && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
        escaped = letter == '\\' && !escaped;
    }
    parts
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            other => out.push(other),
        }
    }
    out
}

/// The store's cursor as it stands in a link.
pub fn seal_cursor(cursor: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(&cursor.0)
}

fn open_cursor(text: &str) -> Result<Cursor, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= 1024);
    let cursor = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    cursor.map(Cursor).ok_or_else(|| {
        Fault::new(StatusCode::BAD_REQUEST, Category::Value, "this is not a page link that the gateway made")
    })
}
