//! What a search request asks (http://hl7.org/fhir/R4/search.html), read into the store's query. What is not understood is
//! refused with what is; only a client that prefers it (`Prefer: handling=lenient`) has it left out, and is told. A value that
//! cannot be read is always refused.

use jiff::Timestamp;

use super::date;
use super::negotiate::{Handling, shown};
use super::parameters::{COMMON, Kind, Parameter, find};
use super::values::{patient, split, token, token_of, unescape};
use crate::identity::ResourceId;
use crate::pipeline::own_identifier;
use crate::problem::Category;
use crate::store::{DateValue, Query, Sort, Term, TokenValue};
use crate::web::answer::Fault;

pub const DEFAULT_COUNT: usize = 50;
pub const LARGEST_COUNT: usize = 250;

/// Values joined by OR in one parameter, parameters in one request, and rules of one order.
const VALUES: usize = 100;
const PARAMETERS: usize = 50;
const RULES: usize = 8;

/// Parameters that change how an answer is written; they are handled elsewhere or may be left alone.
const WRITING: [&str; 2] = ["_format", "_pretty"];

/// What the parameters are read with.
pub struct Reading<'a> {
    pub resource_type: &'static str,
    pub parameters: &'static [Parameter],
    /// The FHIR base, which references may begin with.
    pub base: &'a str,
    pub handling: Handling,
    pub now: Timestamp,
}

/// Whether the client wants to know how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// Said where it is known anyway.
    Free,
    None,
    /// Counted where that is little work.
    Estimate,
    Accurate,
}

/// A search as understood.
#[derive(Debug)]
pub struct Search {
    pub query: Query,
    pub sort: Vec<Sort>,
    /// Some parameter cannot match anything here.
    pub nothing: bool,
    /// Matches on a page; 0 where only their number is asked.
    pub count: usize,
    pub total: Total,
    /// The sealed place where to go on.
    pub page: Option<String>,
    /// The parameters that were used, for the self link.
    pub used: Vec<(String, String)>,
    /// Names of parameters that were left out.
    pub ignored: Vec<String>,
    /// The elements whose content decides what is found: who may not see one must not find by it.
    pub elements: Vec<&'static str>,
    /// Those whose content decides in which order.
    pub ordering: Vec<&'static str>,
}

impl Search {
    pub fn read(reading: &Reading<'_>, asked: Vec<(String, String)>) -> Result<Self, Fault> {
        if asked.len() > PARAMETERS {
            return Err(Fault::bad_request(Category::TooCostly, format!("more than {PARAMETERS} search parameters")));
        }
        let mut search = Self {
            query: Query { resource_type: reading.resource_type.to_string(), terms: Vec::new() },
            sort: Vec::new(),
            nothing: false,
            count: DEFAULT_COUNT,
            total: Total::Free,
            page: None,
            used: Vec::new(),
            ignored: Vec::new(),
            elements: Vec::new(),
            ordering: Vec::new(),
        };
        for (name, value) in asked {
            if !WRITING.contains(&name.as_str()) {
                search.take(reading, name, value)?;
            }
        }
        match reading.handling {
            Handling::Strict if !search.ignored.is_empty() => Err(search.refusal(reading)),
            _ => Ok(search),
        }
    }

    /// Whether resources of people who are not named may have to be read: all of the type, at worst.
    pub fn is_wide(&self) -> bool {
        let is_named = |term: &Term| matches!(term, Term::Id(_) | Term::Patient(_));
        !self.nothing && !self.query.terms.iter().any(is_named)
    }

    fn take(&mut self, reading: &Reading<'_>, name: String, value: String) -> Result<(), Fault> {
        let is_result = name.starts_with('_') && self.used.iter().any(|(used, _)| *used == name);
        let kind = find(reading.parameters, &name);
        if is_result && kind.is_none() {
            return Err(Fault::bad_request(Category::Value, format!("{} stands twice", shown(&name))));
        }
        let is_used = match (name.as_str(), kind) {
            // A value that a client forgot to fill in would show everything.
            _ if value.is_empty() => false,
            ("_count", _) => self.take_count(&value)?,
            ("_cursor", _) => {
                self.page = Some(value);
                return Ok(());
            }
            ("_sort", _) => self.take_sort(reading, &value),
            ("_summary", _) => match value.as_str() {
                "count" => {
                    self.count = 0;
                    true
                }
                "false" => true,
                _ => false,
            },
            // fhirpy asks so for Aidbox's sake.
            ("_total" | "_totalMethod", _) => self.take_total(&value)?,
            (_, Some(kind)) => {
                self.compile(reading, &name, kind, &value)?;
                true
            }
            (_, None) => false,
        };
        match is_used {
            true if name == "_count" => {
                self.used.push((name, value.parse::<usize>().unwrap_or_default().min(LARGEST_COUNT).to_string()))
            }
            true => self.used.push((name, value)),
            false => self.ignored.push(shown(&name)),
        }
        Ok(())
    }

    fn take_count(&mut self, value: &str) -> Result<bool, Fault> {
        let count: usize = value.parse().map_err(|_| {
            let text = format!("_count must be a number: up to {LARGEST_COUNT} for a page, 0 for the total alone");
            Fault::bad_request(Category::Value, text)
        })?;
        // `_summary=count` asks for no page, whatever its size.
        if !self.used.iter().any(|(name, value)| name == "_summary" && value == "count") {
            self.count = count.min(LARGEST_COUNT);
        }
        Ok(true)
    }

    fn take_total(&mut self, value: &str) -> Result<bool, Fault> {
        self.total = match value {
            "none" => Total::None,
            "estimate" => Total::Estimate,
            "accurate" | "count" => Total::Accurate,
            _ => return Err(Fault::bad_request(Category::Value, "_total must be none, estimate or accurate")),
        };
        Ok(true)
    }

    /// False for an order that is not offered as a whole.
    fn take_sort(&mut self, reading: &Reading<'_>, value: &str) -> bool {
        let mut rules = Vec::new();
        for rule in value.split(',') {
            let (name, descending) = rule.strip_prefix('-').map_or((rule, false), |name| (name, true));
            let kind = find(reading.parameters, name);
            let Some((kind, by)) = kind.and_then(|kind| Some((kind, kind.sort()?))) else { return false };
            rules.push(Sort { by, descending });
            self.ordering.extend(kind.elements());
        }
        if rules.len() > RULES {
            return false;
        }
        self.sort = rules;
        true
    }

    fn compile(&mut self, reading: &Reading<'_>, name: &str, kind: Kind, value: &str) -> Result<(), Fault> {
        let values = split(value, ',');
        if values.len() > VALUES {
            return Err(Fault::bad_request(Category::TooCostly, format!("{name} has more than {VALUES} values")));
        }
        let base = reading.base;
        let dates = || values.iter().map(|text| date_value(name, text, reading.now)).collect::<Result<Vec<_>, _>>();
        let term = match kind {
            Kind::Id => Term::Id(self.some(values.iter().filter_map(|text| text.parse().ok()).collect())),
            Kind::Patient(_) => {
                let ids = values.iter().filter_map(|text| patient(text, base));
                Term::Patient(self.some(ids.map(|id| id.person).collect()))
            }
            Kind::Identifier if own_ids(reading, &values).is_some() => {
                Term::Id(self.some(own_ids(reading, &values).unwrap_or_default()))
            }
            Kind::Identifier => Term::Identifier(values.iter().map(|text| token(text)).collect()),
            Kind::Token(element) => {
                let read = values.iter().filter_map(|text| token_of(reading.resource_type, element, text));
                Term::Token { element, values: self.some(read.collect()) }
            }
            Kind::Reference(element) => {
                let inside = |text: &String| unescape(text.strip_prefix(base).unwrap_or(text).trim_start_matches('/'));
                Term::Reference { element, values: values.iter().map(inside).collect() }
            }
            Kind::Text(elements) => {
                let texts = values.iter().map(|text| unescape(text).trim().to_string());
                Term::Text { elements, values: self.some(texts.filter(|text| !text.is_empty()).collect()) }
            }
            Kind::Date(elements) => Term::Date { elements, values: dates()? },
            Kind::LastUpdated => Term::LastUpdated(dates()?),
        };
        self.query.terms.push(term);
        self.elements.extend(kind.elements());
        Ok(())
    }

    /// Notes that nothing can match when no value could be one of ours.
    fn some<Value>(&mut self, values: Vec<Value>) -> Vec<Value> {
        self.nothing |= values.is_empty();
        values
    }

    /// Names what was not understood and what would be.
    fn refusal(&self, reading: &Reading<'_>) -> Fault {
        let known = || COMMON.iter().chain(reading.parameters);
        let names = |sortable: bool| {
            let names = known().filter(|(_, kind)| !sortable || kind.sort().is_some()).map(|(name, _)| *name);
            names.collect::<Vec<_>>().join(", ")
        };
        let text = format!(
            "not supported here, or without a value: {}. {} can be searched by {}; without modifiers and chains. _sort takes \
             {} (- before a name for the reverse), _summary count or false, _total none, estimate or accurate, _count a \
             number. With Prefer: handling=lenient the rest is left out",
            self.ignored.join(", "),
            reading.resource_type,
            names(false),
            names(true),
        );
        Fault::bad_request(Category::NotSupported, text)
    }
}

fn date_value(name: &str, text: &str, now: Timestamp) -> Result<DateValue, Fault> {
    date::parse(text, now).map_err(|why| Fault::bad_request(Category::Value, format!("a value of {name} {why}")))
}

/// The ids that are meant where all values are identifiers that our copies have at partners: the gateway's address and an id.
fn own_ids(reading: &Reading<'_>, values: &[String]) -> Option<Vec<ResourceId>> {
    let address = reading.base.strip_suffix("/fhir").unwrap_or(reading.base);
    let id = |text: &String| {
        let TokenValue { system, code } = token(text);
        let own = own_identifier(address, reading.resource_type, code.as_deref().unwrap_or_default());
        (system.as_ref() == Some(&own.system)).then(|| own.value.parse().ok())
    };
    values.iter().map(id).collect::<Option<Vec<Option<ResourceId>>>>().map(|ids| ids.into_iter().flatten().collect())
}
