//! What a search calls by ids of its client's own (docs/decisions/0035): looked up before it is asked of the store, so that whatever takes an id or a reference
//! takes those, while links and all else that is said of the search stay as it was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::criteria::{named, values};
use super::join::check_depth;
use super::names::Name;
use super::own_ids::OwnIds;
use super::query::Search;
use super::reading::{Called, Reading};
use crate::fhir::search::{Comparison, Filter, Parameter, SearchKind, served};
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::service::Service;

/// Ids of the client's own in one search, each counted once for each type that it may be of.
const MOST_CALLED: usize = 500;

/// Reads a search, with what it calls so; none where it calls nothing so. What is not there is missing, and finds nothing. A search that
/// cannot be read is refused before anything is looked up.
pub async fn read(
    service: &Service,
    client: &Client,
    reading: &Reading<'_>,
    asked: Vec<(String, String)>,
) -> Result<(Search, Option<Called>), Fault> {
    let search = Search::read(reading, asked.clone())?;
    let Some(own) = OwnIds::of(service, client) else { return Ok((search, None)) };
    let mut gathered = Gathered { kinds: own.kinds(), names: BTreeSet::new() };
    for (name, value) in &asked {
        gathered.parameter(reading, name, value)?;
    }
    if gathered.names.is_empty() {
        return Ok((search, None));
    }
    let mut of_kinds: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (kind, id) in gathered.names {
        of_kinds.entry(kind).or_default().push(id);
    }
    let mut called = Called::new();
    for (kind, ids) in of_kinds {
        let found = own.find_all(kind, &ids).await?;
        called.extend(found.into_iter().map(|(id, found)| ((kind, id), found)));
    }
    let search = Search::read(&Reading { called: Some(&called), ..*reading }, asked)?;
    Ok((search, Some(called)))
}

/// What may be an id of the client's own, by type.
struct Gathered {
    /// The types that it may number.
    kinds: BTreeSet<&'static str>,
    names: BTreeSet<(&'static str, String)>,
}

impl Gathered {
    fn parameter(&mut self, reading: &Reading<'_>, name: &str, value: &str) -> Result<(), Fault> {
        check_depth(name)?;
        let (kinds, last, modifier) = end(reading, name);
        if last != "_filter" {
            return self.values(reading, &kinds, (last, modifier), |name| values(name, value));
        }
        // Nothing lost: a filter that cannot be read is refused where it is read.
        let Ok(filter) = Filter::<Comparison>::read(value) else { return Ok(()) };
        for Comparison { path, value, .. } in filter.leaves() {
            check_depth(path)?;
            for kind in &kinds {
                let (kinds, last, modifier) = end(&Reading { resource_type: kind, ..*reading }, path);
                self.values(reading, &kinds, (last, modifier), |_| Ok(vec![value.clone()]))?;
            }
        }
        Ok(())
    }

    fn values(
        &mut self,
        reading: &Reading<'_>,
        kinds: &BTreeSet<&'static str>,
        (name, modifier): (&str, Option<&str>),
        values: impl Fn(&str) -> Result<Vec<String>, Fault>,
    ) -> Result<(), Fault> {
        for kind in kinds {
            let of = Reading { resource_type: kind, ..*reading };
            let is_named = |one: &&Arc<Parameter>| name == "_id" || one.kind == SearchKind::Reference;
            let Some(parameter) = of.find(name).filter(is_named) else {
                // Nothing lost: what names no resource is asked as it stands.
                continue;
            };
            for value in values(name)? {
                let names = named(&of, parameter, modifier, &value).into_iter();
                self.names.extend(names.filter(|(kind, id)| self.kinds.contains(kind) && OwnIds::is_own(id)));
                if self.names.len() > MOST_CALLED {
                    let text = format!(
                        "a search names at most {MOST_CALLED} resources by ids of the client's own, each counted for each type that it may be of; \
                         say types (Encounter/its-id), or ask for fewer"
                    );
                    return Err(Fault::bad_request(Category::TooCostly, text));
                }
            }
        }
        Ok(())
    }
}

/// Where the references in a name lead: the types that its last part is a condition on, each once however many ways lead there, and that part.
fn end<'n>(reading: &Reading<'_>, name: &'n str) -> (BTreeSet<&'static str>, &'n str, Option<&'n str>) {
    let mut kinds = BTreeSet::from([reading.resource_type]);
    let mut rest = name;
    loop {
        (kinds, rest) = match Name::read(rest) {
            Name::Plain { name, modifier } => return (kinds, name, modifier),
            Name::Has { kind, rest, .. } | Name::Chain { kind: Some(kind), rest, .. } => {
                (served(kind).into_iter().collect(), rest)
            }
            Name::Chain { name, kind: None, rest } => {
                let mut through = BTreeSet::new();
                for kind in kinds {
                    let reference = Reading { resource_type: kind, ..*reading }.find(name).cloned();
                    let reference = reference.filter(|one| one.kind == SearchKind::Reference);
                    through.extend(reference.iter().flat_map(|one| &one.targets).filter_map(|kind| served(kind)));
                }
                (through, rest)
            }
        };
    }
}
