//! What a search request asks (http://hl7.org/fhir/R4/search.html), read into the store's query. What is not understood is
//! refused with what is; only a client that prefers it (`Prefer: handling=lenient`) has it left out, and is told. A value that
//! cannot be read is always refused.

use std::sync::Arc;

use super::criteria::{self, Condition, bounded, modifiers, profile, values};
use super::filter::{self, Leaf};
use super::includes::Include;
use super::join::{Join, check_depth, is_condition, led_to};
use super::lists::functional;
use super::names::Name;
use super::negotiate::{Handling, shown};
use super::reading::{NOT_HERE, Reading, is_claimed, is_offered, is_sortable};
use super::subset::Subset;
use super::values::unescape;
use crate::agreement::ANY;
use crate::fhir::search::{Filter, Parameter, SearchKind, Words, served};
use crate::problem::Category;
use crate::store::{Query, Sort, SortBy, Term};
use crate::web::answer::Fault;
use crate::web::found_by::FoundBy;

pub const DEFAULT_COUNT: usize = 50;
pub const LARGEST_COUNT: usize = 250;

/// How many are wanted on a page, where a number alone is nothing that can be asked for.
pub fn page_count(value: &str) -> Result<usize, Fault> {
    // Nothing lost: what is no such number is refused.
    let count: Option<usize> = value.parse().ok().filter(|count| *count > 0);
    let refused = || {
        let text = format!("_count must be a number from 1 to {LARGEST_COUNT}");
        Fault::bad_request(Category::Value, text)
    };
    Ok(count.ok_or_else(refused)?.min(LARGEST_COUNT))
}

/// Conditions on other resources in one request, and rules of one order.
const JOINS: usize = 20;
const RULES: usize = 8;

/// Resources that are made ready to leave for one search by what they claim then.
const MOST_READIED: usize = 2_000;

/// Parameters that change how an answer is written; they are handled elsewhere or may be left alone.
const WRITING: [&str; 2] = ["_format", "_pretty"];

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
    /// Conditions that are looked up before, and become terms of the query.
    pub joins: Vec<Join>,
    pub filters: Vec<Filter<Leaf>>,
    /// Lists that name what is searched for: all of these, of each one.
    pub lists: Vec<Vec<String>>,
    pub sort: Vec<Sort>,
    /// Some parameter cannot match anything here.
    pub nothing: bool,
    /// Matches on a page; 0 where only their number is asked.
    pub count: usize,
    pub total: Total,
    pub includes: Vec<Include>,
    pub subset: Subset,
    /// The sealed place where to go on.
    pub page: Option<String>,
    /// The parameters that were used, for the self link.
    pub used: Vec<(String, String)>,
    /// Names of parameters that were left out.
    pub ignored: Vec<String>,
    pub found_by: FoundBy,
    /// The elements whose content decides in which order.
    pub ordering: Vec<String>,
}

impl Search {
    pub fn read(reading: &Reading<'_>, asked: Vec<(String, String)>) -> Result<Self, Fault> {
        bounded(&asked)?;
        let mut search = Self {
            query: Query { resource_type: reading.resource_type.to_string(), terms: Vec::new() },
            joins: Vec::new(),
            filters: Vec::new(),
            lists: Vec::new(),
            sort: Vec::new(),
            nothing: false,
            count: DEFAULT_COUNT,
            total: Total::Free,
            includes: Vec::new(),
            subset: Subset::default(),
            page: None,
            used: Vec::new(),
            ignored: Vec::new(),
            found_by: FoundBy::default(),
            ordering: Vec::new(),
        };
        for (name, value) in asked {
            if !WRITING.contains(&name.as_str()) {
                search.take(reading, name, value)?;
            }
        }
        search.check_joins()?;
        match reading.handling {
            Handling::Strict if !search.ignored.is_empty() => Err(search.refusal(reading)),
            _ => Ok(search),
        }
    }

    /// Each condition on others is a search of its own, wherever it stands.
    fn check_joins(&self) -> Result<(), Fault> {
        let within = self.filters.iter().flat_map(Filter::leaves).filter(|leaf| matches!(leaf, Leaf::Join(_))).count();
        if self.joins.len() + within > JOINS {
            let text = format!("more than {JOINS} conditions on other resources, those in filters among them");
            return Err(Fault::bad_request(Category::TooCostly, text));
        }
        Ok(())
    }

    /// Whether resources of people who are not named may have to be read: all of the type, at worst.
    pub fn is_wide(&self) -> bool {
        let is_named = |term: &Term| matches!(term, Term::Id(_) | Term::Patient(_));
        let is_named = self.query.terms.iter().any(is_named) || !self.lists.is_empty();
        let looks_up = |filter: &Filter<Leaf>| filter.leaves().iter().any(|leaf| matches!(leaf, Leaf::Join(_)));
        !self.nothing && (!self.joins.is_empty() || self.filters.iter().any(looks_up) || !is_named)
    }

    /// How many resources are looked at for it where `most` are for others: what a resource claims is asked of each as it would leave.
    pub fn most(&self, most: usize) -> usize {
        if self.found_by.profiles.is_empty() { most } else { most.min(MOST_READIED) }
    }

    fn take(&mut self, reading: &Reading<'_>, name: String, value: String) -> Result<(), Fault> {
        let is_result = ["_count", "_cursor", "_sort", "_summary", "_total", "_totalMethod", "_elements"];
        if is_result.contains(&name.as_str()) && self.used.iter().any(|(used, _)| *used == name) {
            return Err(Fault::bad_request(Category::Value, format!("{} stands twice", shown(&name))));
        }
        let is_used = match name.as_str() {
            // A value that a client forgot to fill in would show everything.
            _ if value.is_empty() => false,
            "_count" => self.take_count(&value)?,
            "_cursor" => {
                self.page = Some(value);
                return Ok(());
            }
            "_sort" => self.take_sort(reading, &value),
            // What everybody gets (http://hl7.org/fhir/R4/search.html#contained).
            "_contained" if value == "false" => true,
            "_summary" if value == "count" => {
                self.count = 0;
                true
            }
            "_summary" => self.subset.take_summary(&value),
            "_elements" => self.subset.take_elements(reading.resource_type, &value)?,
            // fhirpy asks so for Aidbox's sake.
            "_total" | "_totalMethod" => self.take_total(&value)?,
            "_include" | "_include:iterate" | "_revinclude" | "_revinclude:iterate" => {
                let include = Include::read(reading, &name, &value);
                let is_known = include.is_some();
                self.includes.extend(include);
                is_known
            }
            "_filter" => self.take_filter(reading, &value)?,
            "_text" | "_content" => self.take_words(&name, &value)?,
            "_list" => self.take_list(reading, &value)?,
            _ if is_claimed(&name) => {
                let claim = profile(&name, &value)?;
                let is_known = claim.is_some();
                self.found_by.profiles.extend(claim);
                is_known
            }
            _ => self.take_condition(reading, &name, &value)?,
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
        if value.split(',').count() > RULES {
            return false;
        }
        for rule in value.split(',') {
            let (name, descending) = rule.strip_prefix('-').map_or((rule, false), |name| (name, true));
            let Some(parameter) = reading.find(name).filter(|parameter| is_sortable(parameter)) else { return false };
            let by = match name {
                "_id" => SortBy::Id,
                "_lastUpdated" => SortBy::LastUpdated,
                _ => SortBy::Of(Arc::clone(parameter)),
            };
            rules.push(Sort { by, descending });
            self.ordering.extend(parameter.elements.iter().filter(|element| *element != "id").cloned());
        }
        self.sort = rules;
        true
    }

    fn take_filter(&mut self, reading: &Reading<'_>, value: &str) -> Result<bool, Fault> {
        let read = filter::read(reading, value)?;
        self.hide_members(reading, &read.elements, true);
        self.found_by.elements.extend(read.elements);
        // What must be met whatever else is narrows as a parameter does.
        for part in read.filter.into_parts() {
            match part {
                Filter::Is(Leaf::Term(term)) => self.query.terms.push(term),
                Filter::Is(Leaf::Nothing) => self.nothing = true,
                Filter::Is(Leaf::Join(join)) => self.joins.push(join),
                other => self.filters.push(other),
            }
        }
        Ok(true)
    }

    /// That a Group has no such member would tell who is one: where that is asked, a Group is not found of which members are left out.
    fn hide_members(&mut self, reading: &Reading<'_>, elements: &[String], may_be_denied: bool) {
        if may_be_denied && reading.resource_type == "Group" && elements.iter().any(|one| one == "member") {
            self.found_by.elements.push(ANY.to_string());
        }
    }

    /// What leaves without some elements is not found by its words: they may be in those.
    fn take_words(&mut self, name: &str, value: &str) -> Result<bool, Fault> {
        let wrong = |why| Fault::bad_request(Category::Value, format!("{name} cannot be read: {why}"));
        self.query.terms.push(Term::Words(Words::read(name == "_content", value).map_err(wrong)?));
        self.found_by.elements.push(ANY.to_string());
        Ok(true)
    }

    fn take_list(&mut self, reading: &Reading<'_>, value: &str) -> Result<bool, Fault> {
        if !value.starts_with('$') {
            self.lists.push(values("_list", value)?.iter().map(|id| unescape(id)).collect());
            return Ok(true);
        }
        for (name, value) in functional(reading.resource_type, value)? {
            self.take_condition(reading, name, value)?;
        }
        Ok(true)
    }

    /// False for a condition that is not offered.
    fn take_condition(&mut self, reading: &Reading<'_>, name: &str, value: &str) -> Result<bool, Fault> {
        check_depth(name)?;
        match Name::read(name) {
            Name::Plain { name, modifier } => {
                let Some(parameter) = reading.find(name) else { return Ok(false) };
                match criteria::read(reading, parameter, modifier, value)? {
                    Condition::Term(term) => self.query.terms.push(term),
                    Condition::Both(one, other) => self.query.terms.extend([one, other]),
                    Condition::Nothing => self.nothing = true,
                    Condition::Unknown => return Ok(false),
                }
                self.hide_members(reading, &parameter.elements, modifier == Some("missing"));
                // Its id says nothing of what a resource holds.
                self.found_by.elements.extend(parameter.elements.iter().filter(|element| *element != "id").cloned());
                Ok(true)
            }
            Name::Chain { name, kind, rest } => {
                let Some(reference) = reading.find(name) else { return Ok(false) };
                let kinds = led_to(reading, reference, kind, rest);
                self.join(reference, kinds, (false, rest, value))
            }
            Name::Has { kind, reference, rest } => {
                let Some(kind) = served(kind) else { return Ok(false) };
                let of_other = Reading { resource_type: kind, ..*reading };
                let leads_here = |parameter: &&Arc<Parameter>| {
                    let targets = &parameter.targets;
                    targets.is_empty() || targets.iter().any(|target| target == reading.resource_type)
                };
                let Some(reference) = of_other.find(reference).filter(leads_here) else { return Ok(false) };
                let kinds = if is_condition(&of_other, rest) { vec![kind] } else { Vec::new() };
                self.join(reference, kinds, (true, rest, value))
            }
        }
    }

    fn join(
        &mut self,
        reference: &Arc<Parameter>,
        kinds: Vec<&'static str>,
        (is_reverse, name, value): (bool, &str, &str),
    ) -> Result<bool, Fault> {
        if kinds.is_empty() || reference.kind != SearchKind::Reference {
            return Ok(false);
        }
        if !is_reverse {
            self.found_by.elements.extend(reference.elements.iter().cloned());
        }
        let reference = Arc::clone(reference);
        self.joins.push(Join { reference, kinds, is_reverse, name: name.to_string(), value: value.to_string() });
        Ok(true)
    }

    /// Names what was not understood and what would be.
    fn refusal(&self, reading: &Reading<'_>) -> Fault {
        let known = || reading.parameters().iter().filter(|parameter| is_offered(&parameter.name));
        let names: Vec<String> = known().map(|parameter| with_modifiers(parameter)).collect();
        let unsortable: Vec<&str> =
            known().filter(|parameter| !is_sortable(parameter)).map(|parameter| parameter.name.as_str()).collect();
        let but = if unsortable.is_empty() { String::new() } else { format!(" but {}", unsortable.join(", ")) };
        let why = NOT_HERE.iter().filter(|(name, _)| self.ignored.iter().any(|ignored| ignored == name));
        let why: String = why.map(|(name, why)| format!("{name}: {why}. ")).collect();
        let text = format!(
            "not supported here, or without a value: {}. {} can be searched by {}; references are chained (patient.name, \
             _has:Type:reference:parameter), and it is filtered by _filter, _list, _text and _content. {why}_sort takes the same{but} (- before a name for the reverse), _summary count, \
             true, text, data or false, _total none, estimate or accurate, _count a number, _include and _revinclude \
             Type:reference. With Prefer: handling=lenient the rest is left out",
            self.ignored.join(", "),
            reading.resource_type,
            names.join(", "),
        );
        Fault::bad_request(Category::NotSupported, text)
    }
}

/// `code (:not, :text, :missing)`
fn with_modifiers(parameter: &Parameter) -> String {
    let modifiers = modifiers(parameter);
    let listed: Vec<String> = modifiers.iter().map(|modifier| format!(":{modifier}")).collect();
    if listed.is_empty() { parameter.name.clone() } else { format!("{} ({})", parameter.name, listed.join(", ")) }
}
