//! Searching: SQL narrows by what is indexed, and every candidate is tested in memory against all terms, so that the
//! answers are those of every other store.

use std::collections::BTreeSet;

use deadpool_postgres::{GenericClient, Object};
use tokio_postgres::{IsolationLevel, Row};

use super::changed;
use super::guided;
use super::record::survivors;
use super::rows::{Conditions, after, any_term, column, cursor, page_size, stored, term, value_term};
use super::sequence;
use crate::fhir::search::TokenValue;
use crate::identity::{PersonId, ResourceId};
use crate::record::Stored;
use crate::store::query::{self, Gathering, Narrowed, is_newest_first, matches, place_in};
use crate::store::{Cursor, Found, Match, Query, Sort, StoreError, Term};

/// Candidates looked at in one call.
const STEPS: usize = 2000;
/// One statement looks at so many at least.
const FIRST: usize = 50;

/// In the order asked, or as the index is; then what changed meanwhile and may have moved past the reader.
pub async fn find(
    mut client: Object,
    query: Query,
    sort: Vec<Sort>,
    cursor: Option<Cursor>,
    count: usize,
) -> Result<Found, StoreError> {
    let following = changed::following(&client, cursor.as_ref()).await?;
    let judge = |stored: &Stored| matches(stored, &query).then(|| place_in(&query, &sort, stored));
    if let Some(until) = following.until {
        let window = following.window(until);
        let narrowed = narrowed(&client, &query).await?;
        let caught = changed::missed(&client, &query.resource_type, narrowed, window, following.at(), count, &judge);
        return Ok(following.wrap(caught.await?));
    }
    let found = in_order(&mut client, &query, &sort, following.at(), count).await?;
    // Of one statement, or one snapshot, nothing is missing.
    let is_of_one_moment = cursor.is_none() && (found.looked <= FIRST || !by_change(&query, &sort));
    let until = sequence::last(&client).await?;
    if found.next.is_some() || is_of_one_moment || until == following.since {
        return Ok(following.wrap(found));
    }
    let (window, room) = (following.window(until), count.saturating_sub(found.items.len()).max(1));
    let narrowed = narrowed(&client, &query).await?;
    let caught = changed::missed(&client, &query.resource_type, narrowed, window, None, room, &judge).await?;
    Ok(following.close(found, caught, until, count))
}

fn by_change(query: &Query, sort: &[Sort]) -> bool {
    sort.is_empty() || is_newest_first(query, sort)
}

async fn in_order(
    client: &mut Object,
    query: &Query,
    sort: &[Sort],
    cursor: Option<Cursor>,
    count: usize,
) -> Result<Found, StoreError> {
    if by_change(query, sort) {
        return search(&*client, query, cursor, count).await;
    }
    let view = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let view = view.start().await?;
    let mut gathering = Gathering::new(sort, cursor.as_ref(), count)?;
    let mut at = None;
    loop {
        let found = search(&view, query, at, STEPS).await?;
        at = found.next.clone();
        gathering.take(found)?;
        if at.is_none() {
            return gathering.finish();
        }
    }
}

async fn search(
    client: &impl GenericClient,
    query: &Query,
    from: Option<Cursor>,
    count: usize,
) -> Result<Found, StoreError> {
    crate::store::kinds::kind(&query.resource_type)?;
    let count = page_size(count);
    let within = patient_records(client, query).await?;
    let guided = guided(client, query, within.is_some()).await?;
    let order = if within.is_some() && query.resource_type == "Observation" { "observed_nanos" } else { "sequence" };
    let mut last = after::<i64, String>(from.as_ref())?;
    let (mut items, mut looked) = (Vec::new(), 0);
    let place = |last: &(i64, String)| cursor(&[&last.0, &last.1]);
    loop {
        let chunk = (count * 2).clamp(FIRST, 500).min(STEPS - looked);
        let rows =
            candidates(client, narrow(query, within.as_deref(), &guided), order, last.as_ref(), chunk + 1).await?;
        let more = rows.len() > chunk;
        for (number, row) in rows.iter().take(chunk).enumerate() {
            let (candidate, here) = (stored(row)?, (column(row, "place")?, column(row, "id")?));
            looked += 1;
            if matches(&candidate, query) {
                items.push(Match { stored: candidate, place: place(&here) });
            }
            last = Some(here);
            let rest = more || number + 1 < rows.len();
            if items.len() == count && rest {
                return Ok(Found { items, next: last.as_ref().map(place), looked });
            }
        }
        if !more {
            return Ok(Found { items, next: None, looked });
        }
        if looked >= STEPS {
            return Ok(Found { items, next: last.as_ref().map(place), looked });
        }
    }
}

/// The records that all Patient terms allow; none when there is no such term.
async fn patient_records(client: &impl GenericClient, query: &Query) -> Result<Option<Vec<String>>, StoreError> {
    let mut within: Option<BTreeSet<PersonId>> = None;
    for term in &query.terms {
        let records;
        let asked = match term {
            Term::Patient(asked) => asked,
            Term::Of(criterion) => match query::narrow(&query.resource_type, criterion) {
                Narrowed::Records(ids) => {
                    records = ids.iter().map(|id| id.person).collect::<Vec<_>>();
                    &records
                }
                _ => continue,
            },
            _ => continue,
        };
        let mut allowed = BTreeSet::new();
        for (person, absorbed) in survivors(client, asked).await?.into_values() {
            allowed.insert(person);
            if query.resource_type != "Patient" {
                allowed.extend(absorbed);
            }
        }
        within = Some(within.map_or(allowed.clone(), |before| before.intersection(&allowed).copied().collect()));
    }
    Ok(within.map(|persons| persons.iter().map(ToString::to_string).collect()))
}

async fn candidates(
    client: &impl GenericClient,
    mut conditions: Conditions,
    order: &str,
    last: Option<&(i64, String)>,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    if let Some((place, id)) = last {
        conditions.add(&format!("({order}, id) < (?, ?)"), vec![Box::new(*place), Box::new(id.clone())]);
    }
    let sql = format!(
        "SELECT id, version, updated_nanos, document, state, {order} AS place FROM resource {}
         ORDER BY {order} DESC, id DESC LIMIT {limit}",
        conditions.clause()
    );
    let statement = client.prepare_cached(&sql).await?;
    Ok(client.query(&statement, &conditions.parameters()).await?)
}

async fn narrowed(client: &impl GenericClient, query: &Query) -> Result<Conditions, StoreError> {
    let within = patient_records(client, query).await?;
    let guided = guided(client, query, within.is_some()).await?;
    Ok(narrow(query, within.as_deref(), &guided))
}

/// What the indexes of a site's own parameters narrow a search to that names no record.
async fn guided(
    client: &impl GenericClient,
    query: &Query,
    is_within: bool,
) -> Result<Vec<Vec<ResourceId>>, StoreError> {
    let mut found = Vec::new();
    for term in query.terms.iter().filter(|_| !is_within) {
        if let Term::Of(criterion) = term
            && let Narrowed::Guided(parameter, terms) = query::narrow(&query.resource_type, criterion)
        {
            found.extend(guided::found(client, parameter, &terms).await?);
        }
    }
    Ok(found)
}

/// What of the query the tables can answer.
fn narrow(query: &Query, within: Option<&[String]>, guided: &[Vec<ResourceId>]) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.add("type = ?", vec![Box::new(query.resource_type.clone())]);
    if let Some(within) = within {
        conditions.add("person = ANY(?)", vec![Box::new(within.to_vec())]);
        if query.resource_type == "Patient" {
            let own = |person: &String| person.parse().map(|person| ResourceId::patient(person).to_string());
            let own: Vec<String> = within.iter().filter_map(|person| own(person).ok()).collect();
            conditions.add("id = ANY(?)", vec![Box::new(own)]);
        }
    }
    let named = |ids: &[ResourceId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    for ids in guided {
        conditions.add("id = ANY(?)", vec![Box::new(named(ids))]);
    }
    for term in &query.terms {
        match term {
            Term::Id(ids) => conditions.add("id = ANY(?)", vec![Box::new(named(ids))]),
            Term::Identifier(values) => {
                if let Some(terms) = values.iter().map(identifier_term).collect::<Option<Vec<_>>>() {
                    conditions.add("terms && ?", vec![Box::new(terms)]);
                }
            }
            Term::Of(criterion) if within.is_none() => {
                if let Narrowed::Terms(terms) = query::narrow(&query.resource_type, criterion) {
                    conditions.add("terms && ?", vec![Box::new(terms.into_iter().map(value_term).collect::<Vec<_>>())]);
                }
            }
            // Nothing lost: every candidate is tested against all terms.
            _ => {}
        }
    }
    conditions
}

/// None for a value that names no code: then every resource of the type is a candidate.
fn identifier_term(value: &TokenValue) -> Option<String> {
    let code = value.code.as_ref()?;
    Some(value.system.as_ref().map_or_else(|| any_term(code), |system| term(system, code)))
}
