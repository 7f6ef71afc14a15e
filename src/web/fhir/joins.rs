//! Conditions on other resources (http://hl7.org/fhir/R4/search.html#chaining, #has): these are searched first, as far as the client may
//! see them, and what is left is a condition on ids.

use std::cell::Cell;
use std::collections::HashSet;

use super::filter::Leaf;
use super::includes::key_of;
use super::join::{DEEPEST, Join, too_deep};
use super::lists::listed;
use super::negotiate::Handling;
use super::query::Search;
use super::reading::Reading;
use crate::fhir::search::{Asked, Criterion, Filter, Held};
use crate::identity::PersonId;
use crate::pipeline::family_of;
use crate::problem::Category;
use crate::record::Stored;
use crate::store::Term;
use crate::web::access::{Reader, Terms};
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// Resources that a condition on others may find, or that it may be asked of, and that are looked at for it.
const MOST_JOINED: usize = 1000;
const MOST_LOOKED: usize = 20_000;
const AT_ONCE: usize = 200;

/// Searches of others for one request: of each type that a condition leads to, also within another.
const MOST_SEARCHES: usize = 200;

/// Where on its way a search of others is.
#[derive(Clone, Copy)]
struct Way<'a> {
    reading: &'a Reading<'a>,
    depth: usize,
    /// Searches of others that the request has left.
    left: &'a Cell<usize>,
}

impl Way<'_> {
    fn search(&self) -> Result<(), Fault> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| {
            let text = format!(
                "the conditions on other resources take more than {MOST_SEARCHES} searches; ask for fewer, or name types (subject:Patient.name)"
            );
            Fault::bad_request(Category::TooCostly, text)
        })?;
        self.left.set(left);
        Ok(())
    }
}

/// Looks up what the conditions on other resources find, and makes them conditions of the search.
pub async fn resolve(
    service: &Service,
    client: &Client,
    reader: &mut Reader<'_>,
    reading: &Reading<'_>,
    search: &mut Search,
) -> Result<(), Fault> {
    let left = Cell::new(MOST_SEARCHES);
    resolve_at(service, client, reader, Way { reading, depth: 0, left: &left }, search).await
}

async fn resolve_at(
    service: &Service,
    client: &Client,
    reader: &mut Reader<'_>,
    way: Way<'_>,
    search: &mut Search,
) -> Result<(), Fault> {
    let reading = way.reading;
    if way.depth > DEEPEST {
        return Err(too_deep());
    }
    let mut costly = Vec::new();
    for join in std::mem::take(&mut search.joins) {
        let others = others(service, client, reader, way, &join, None).await?;
        match others {
            Some(found) => narrow(search, reading.resource_type, &join, &found),
            None => costly.push(join),
        }
    }
    // What too many have is asked of those few whom the rest of the search finds.
    for join in costly {
        if search.nothing {
            return Ok(());
        }
        let too_many = || too_many(&join);
        let few =
            if join.is_within_a_record(reading.resource_type) { collect(service, reader, search).await? } else { None };
        let few: Vec<PersonId> = few.ok_or_else(too_many)?.iter().map(|stored| stored.id.person).collect();
        let found = others(service, client, reader, way, &join, Some(&few)).await?.ok_or_else(too_many)?;
        narrow(search, reading.resource_type, &join, &found);
    }
    for list in std::mem::take(&mut search.lists) {
        let ids = listed(service, client, reader, reading, &list).await?;
        search.nothing |= ids.is_empty();
        search.query.terms.push(Term::Id(ids));
    }
    for filter in std::mem::take(&mut search.filters) {
        let filter = settled(service, client, reader, way, filter).await?;
        search.query.terms.push(Term::Where(Box::new(filter)));
    }
    // Which of its members a Group was found by is told to those only who see them.
    search.found_by.again = (reading.resource_type == "Group").then(|| search.query.clone());
    Ok(())
}

/// A filter whose conditions the store can test one by one.
async fn settled(
    service: &Service,
    client: &Client,
    reader: &mut Reader<'_>,
    way: Way<'_>,
    filter: Filter<Leaf>,
) -> Result<Filter<Term>, Fault> {
    let nothing = || Term::Id(Vec::new());
    let mut looked_up = Vec::new();
    for leaf in filter.leaves() {
        looked_up.push(match leaf {
            Leaf::Term(term) => term.clone(),
            Leaf::Nothing => nothing(),
            Leaf::Join(join) => {
                let found = others(service, client, reader, way, join, None).await?;
                let found = found.ok_or_else(|| too_many(join))?;
                if found.is_empty() { nothing() } else { term(way.reading.resource_type, join, &found) }
            }
        });
    }
    // Where to look, as what is tested: whoever was joined with another is one with them.
    for term in &mut looked_up {
        if let Term::Patient(persons) = term {
            let mut families = HashSet::new();
            for person in persons.iter() {
                if !families.contains(person) {
                    families.extend(family_of(&*service.gateway.store, *person).await?);
                }
            }
            *term = Term::Within(families.into_iter().collect());
        }
    }
    let mut terms = looked_up.into_iter();
    filter.convert(&mut |_| Ok(terms.next().unwrap_or_else(nothing)))
}

fn too_many(join: &Join) -> Fault {
    let text = format!(
        "the condition on {} finds too many of them to go on from; narrow it, or search the other way round",
        join.kinds.join(", ")
    );
    Fault::bad_request(Category::TooCostly, text)
}

/// Those that the condition of a join finds, of these persons or of all; none where they are too many.
async fn others(
    service: &Service,
    client: &Client,
    reader: &mut Reader<'_>,
    way: Way<'_>,
    join: &Join,
    of: Option<&[PersonId]>,
) -> Result<Option<Vec<(&'static str, Stored)>>, Fault> {
    let mut found = Vec::new();
    for kind in permitted(service, client, join)? {
        way.search()?;
        let others = Reading { resource_type: kind, handling: Handling::Strict, ..*way.reading };
        let mut inner = Search::read(&others, vec![(join.name.clone(), join.value.clone())])?;
        let further = Way { reading: &others, depth: way.depth + 1, left: way.left };
        Box::pin(resolve_at(service, client, reader, further, &mut inner)).await?;
        if join.is_reverse {
            inner.found_by.elements.extend(join.reference.elements.iter().cloned());
        }
        inner.query.terms.extend(of.map(|persons| Term::Patient(persons.to_vec())));
        if !inner.nothing {
            let Some(more) = collect(service, reader, &inner).await? else { return Ok(None) };
            found.extend(more.into_iter().map(|stored| (kind, stored)));
            if found.len() > MOST_JOINED {
                return Ok(None);
            }
        }
    }
    Ok(Some(found))
}

fn narrow(search: &mut Search, resource_type: &str, join: &Join, found: &[(&'static str, Stored)]) {
    if found.is_empty() {
        search.nothing = true;
    } else {
        search.query.terms.push(term(resource_type, join, found));
    }
}

/// The types of a join that the client may search; a fault where it may search none.
fn permitted(service: &Service, client: &Client, join: &Join) -> Result<Vec<&'static str>, Fault> {
    let may = |kind: &'static str| -> Result<&'static str, Fault> {
        client.require(kind, Permissions::SEARCH)?;
        Terms::of(service, client, kind)?;
        Ok(kind)
    };
    let mut judged: Vec<Result<&'static str, Fault>> = join.kinds.iter().map(|kind| may(kind)).collect();
    if judged.iter().all(Result::is_err) {
        return judged.swap_remove(0).map(|kind| vec![kind]);
    }
    Ok(judged.into_iter().flatten().collect())
}

/// What a search finds that the client may see; none where that is too much to go on from.
async fn collect(service: &Service, reader: &mut Reader<'_>, search: &Search) -> Result<Option<Vec<Stored>>, Fault> {
    let (mut found, mut seen, mut cursor, mut looked) = (Vec::new(), HashSet::new(), None, 0);
    loop {
        let page = service.gateway.store.find(&search.query, &[], cursor.as_ref(), AT_ONCE).await?;
        looked += page.looked;
        // What changed meanwhile comes again.
        for one in page.items.into_iter().filter(|one| seen.insert(one.stored.id)) {
            if reader.counts(&one.stored, &search.found_by).await? {
                found.push(one.stored);
            }
        }
        cursor = page.next;
        if found.len() > MOST_JOINED || (cursor.is_some() && looked >= search.most(MOST_LOOKED)) {
            return Ok(None);
        }
        if cursor.is_none() {
            return Ok(Some(found));
        }
    }
}

/// The condition on what is searched.
fn term(resource_type: &str, join: &Join, found: &[(&'static str, Stored)]) -> Term {
    let persons = || found.iter().map(|(_, stored)| stored.id.person).collect();
    if !join.is_reverse {
        if found.iter().all(|(kind, _)| *kind == "Patient") && join.is_within_a_record(resource_type) {
            return Term::Patient(persons());
        }
        let asked = found.iter().map(|(kind, stored)| Asked::Reference(format!("{kind}/{}", stored.id)));
        return Term::Of(Criterion::any(&join.reference, asked.collect()));
    }
    if join.is_within_a_record(resource_type) {
        return Term::Patient(persons());
    }
    let mut ids = Vec::new();
    for (_, stored) in found {
        for held in join.reference.held(&stored.resource) {
            let Held::Reference(literal) = held else { continue };
            ids.extend(key_of(literal).filter(|(kind, _)| *kind == resource_type).map(|(_, id)| id));
        }
    }
    Term::Id(ids)
}
