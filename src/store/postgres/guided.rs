//! The indexes of parameters that a site's guides define, each apart: resources are gone through in the order of their commits, and how
//! far that came is written with what was found. What was written later is read by each search until it is passed.

use deadpool_postgres::{GenericClient, Object, Transaction};
use futures_util::future::try_join_all;
use tokio_postgres::Row;

use super::rows::{column, damaged, signed, stored, unsigned};
use super::sequence;
use crate::identity::ResourceId;
use crate::store::query::terms_by;
use crate::store::{Guided, Indexed, StoreError};

/// So many candidates narrow nothing.
const MOST: i64 = 2000;

/// Where resources are in the order of their commits.
type Place = (i64, String);

/// What is known of one that is wanted.
struct State {
    key: i64,
    reached: Place,
}

/// One step. Gateways that share the database take turns.
pub async fn step(mut client: Object, wanted: Vec<Guided>, budget: usize) -> Result<Vec<Indexed>, StoreError> {
    let transaction = client.transaction().await?;
    let keys: Vec<i64> = wanted.iter().map(|one| one.parameter.key.cast_signed()).collect();
    let kinds: Vec<&str> = wanted.iter().map(|one| one.resource_type).collect();
    let sql = "INSERT INTO guided (parameter, type) SELECT DISTINCT * FROM unnest($1::bigint[], $2::text[])
               ON CONFLICT (parameter) DO UPDATE SET is_going = false, reached = -1, reached_id = '', resources = 0
               WHERE guided.is_going";
    transaction.execute(&transaction.prepare_cached(sql).await?, &[&keys, &kinds]).await?;
    // Asked before what is read: later commits have higher numbers.
    let (settled, _) = sequence::settled(&transaction).await?;
    let sql = "SELECT parameter, reached, reached_id FROM guided ORDER BY parameter FOR UPDATE";
    let rows = transaction.query(&transaction.prepare_cached(sql).await?, &[]).await?;
    let mut states = Vec::new();
    let budget = i64::try_from(budget.max(1)).unwrap_or(i64::MAX);
    let mut stale = None;
    for row in &rows {
        let (key, reached) = (column(row, "parameter")?, (column(row, "reached")?, column(row, "reached_id")?));
        if keys.contains(&key) { states.push(State { key, reached }) } else { stale = Some(key) }
    }
    match stale {
        Some(key) => forget(&transaction, key, budget).await?,
        None => go_on(&transaction, &wanted, &states, (signed(settled), budget)).await?,
    }
    let standing = standing(&transaction, &wanted).await?;
    transaction.commit().await?;
    Ok(standing)
}

async fn forget(transaction: &Transaction<'_>, parameter: i64, budget: i64) -> Result<(), StoreError> {
    transaction.execute("UPDATE guided SET is_going = true WHERE parameter = $1", &[&parameter]).await?;
    let sql = "DELETE FROM guided_value WHERE parameter = $1 AND id IN
               (SELECT id FROM guided_value WHERE parameter = $1 LIMIT $2)";
    if signed(transaction.execute(sql, &[&parameter, &budget]).await?) < budget {
        transaction.execute("DELETE FROM guided WHERE parameter = $1", &[&parameter]).await?;
    }
    Ok(())
}

/// The first of those that have something left, and with it all of its type that reached the same place.
async fn go_on(
    transaction: &Transaction<'_>,
    wanted: &[Guided],
    states: &[State],
    (settled, budget): (i64, i64),
) -> Result<(), StoreError> {
    let reached = |one: &Guided| {
        let key = one.parameter.key.cast_signed();
        states.iter().find(|state| state.key == key).map(|state| &state.reached)
    };
    let sql = "SELECT id, version, updated_nanos, document, state, sequence FROM resource
               WHERE type = $1 AND (sequence, id) > ($2, $3) AND sequence <= $4 ORDER BY sequence, id LIMIT $5";
    let statement = transaction.prepare_cached(sql).await?;
    let mut seen = Vec::new();
    for one in wanted {
        let Some(from) = reached(one).filter(|from| !seen.contains(&(one.resource_type, *from))) else { continue };
        seen.push((one.resource_type, from));
        let found = transaction.query(&statement, &[&one.resource_type, &from.0, &from.1, &settled, &budget]).await?;
        let of_type = || wanted.iter().filter(|other| other.resource_type == one.resource_type);
        // Where others of the type are further, all of them go on together from there. The last of a commit is there as a whole.
        let nearest = of_type().filter_map(reached).map(|place| place.0).filter(|place| *place > from.0).min();
        let until = nearest.unwrap_or(i64::MAX);
        let mut rows = Vec::new();
        for row in found {
            if column::<i64>(&row, "sequence")? <= until {
                rows.push(row);
            }
        }
        if let Some(last) = rows.last() {
            let place = (column::<i64>(last, "sequence")?, column::<String>(last, "id")?);
            let mut together: Vec<&Guided> = of_type().filter(|other| reached(other) == Some(from)).collect();
            // One definition may have several names.
            together.sort_by_key(|other| other.parameter.key);
            together.dedup_by_key(|other| other.parameter.key);
            try_join_all(together.iter().map(|other| put(transaction, other, &rows, &place))).await?;
            return Ok(());
        }
    }
    Ok(())
}

async fn put(transaction: &Transaction<'_>, one: &Guided, rows: &[Row], place: &Place) -> Result<(), StoreError> {
    let key = one.parameter.key.cast_signed();
    let sql = "INSERT INTO guided_value (parameter, id, terms) VALUES ($1, $2, $3)
               ON CONFLICT (parameter, id) DO UPDATE SET terms = excluded.terms";
    let statement = transaction.prepare_cached(sql).await?;
    let (mut held, mut empty) = (Vec::new(), Vec::new());
    for row in rows {
        let stored = stored(row)?;
        let terms = terms_by(&one.parameter, &stored.resource, stored.id);
        let terms: Vec<i64> = terms.into_iter().map(u64::cast_signed).collect();
        if terms.is_empty() { empty.push(stored.id.to_string()) } else { held.push((stored.id.to_string(), terms)) }
    }
    let insert = async |(id, terms): &(String, Vec<i64>)| transaction.execute(&statement, &[&key, id, terms]).await;
    try_join_all(held.iter().map(insert)).await?;
    let gone = "DELETE FROM guided_value WHERE parameter = $1 AND id = ANY($2)";
    transaction.execute(&transaction.prepare_cached(gone).await?, &[&key, &empty]).await?;
    let moved = "UPDATE guided SET reached = $2, reached_id = $3, resources = resources + $4 WHERE parameter = $1";
    let count = signed(rows.len() as u64);
    transaction.execute(&transaction.prepare_cached(moved).await?, &[&key, &place.0, &place.1, &count]).await?;
    Ok(())
}

async fn standing(client: &impl GenericClient, wanted: &[Guided]) -> Result<Vec<Indexed>, StoreError> {
    let sql = "SELECT parameter, resources, NOT EXISTS (SELECT 1 FROM resource
                   WHERE type = guided.type AND (sequence, id) > (guided.reached, guided.reached_id)) AS is_through
               FROM guided WHERE NOT is_going";
    let rows = client.query(&client.prepare_cached(sql).await?, &[]).await?;
    let mut standing = Vec::with_capacity(wanted.len());
    for one in wanted {
        let (mut resources, mut is_through) = (0, false);
        for row in &rows {
            if column::<i64>(row, "parameter")? == one.parameter.key.cast_signed() {
                (resources, is_through) = (unsigned(column(row, "resources")?), column(row, "is_through")?);
            }
        }
        let (resource_type, parameter) = (one.resource_type.to_string(), one.parameter.name.clone());
        standing.push(Indexed { resource_type, parameter, resources, is_through });
    }
    Ok(standing)
}

/// The resources that stand under one of these terms, and all that were written since the index passed them, as one statement sees
/// them. None where there are so many that reading on by type is as good, and where there is no index.
pub async fn found(
    client: &impl GenericClient,
    parameter: u64,
    terms: &[u64],
) -> Result<Option<Vec<ResourceId>>, StoreError> {
    let sql = "WITH state AS MATERIALIZED
                   (SELECT type, reached, reached_id FROM guided WHERE parameter = $1 AND NOT is_going)
               SELECT NULL AS id FROM state
               UNION ALL (SELECT value.id FROM state, guided_value AS value
                          WHERE value.parameter = $1 AND value.terms && $2 LIMIT $3)
               UNION ALL (SELECT resource.id FROM state, resource WHERE resource.type = state.type
                          AND (resource.sequence, resource.id) > (state.reached, state.reached_id) LIMIT $3)";
    let terms: Vec<i64> = terms.iter().map(|term| term.cast_signed()).collect();
    let rows = client.query(&client.prepare_cached(sql).await?, &[&parameter.cast_signed(), &terms, &MOST]).await?;
    let mut ids = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: Option<&str> = column(row, "id")?;
        ids.extend(id.map(|id| id.parse::<ResourceId>().map_err(|_| damaged("id"))).transpose()?);
    }
    // The first row is that of the index itself.
    Ok((!rows.is_empty() && signed(ids.len() as u64) < MOST).then_some(ids))
}
