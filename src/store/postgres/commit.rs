//! One unit as one transaction. Preconditions are conditions of its statements: one that touches no row fails the unit.

use deadpool_postgres::{Object, Transaction};
use futures_util::future::{try_join, try_join_all, try_join4};
use tokio_postgres::Statement;

use super::rows::{clean, json, nanos, signed, terms};
use super::{audit, messages, outbox, people, sequence, unused, worklist};
use crate::fhir::observed_at;
use crate::identity::PersonId;
use crate::record::{Change, Head};
use crate::store::looks::waits_for_look;
use crate::store::{Committed, HeadWrite, StoreError, WriteUnit};

pub async fn commit(mut client: Object, mut unit: WriteUnit) -> Result<Committed, StoreError> {
    let transaction = client.transaction().await?;
    let sequence = sequence::next(&transaction).await?;
    // Everybody locks in the same order: input, heads, resources, lines, causes.
    let (mut entry, mut notices) = (unit.message, unit.unused);
    if let Some(entry) = &mut entry {
        notices.extend(messages::claim(&transaction, entry, sequence).await?);
    }
    let entry = entry.as_ref();
    unit.heads.sort_by_key(|write| write.head.person);
    unit.changes.sort_by_key(|change| change.stored.id);
    for new in &mut unit.deliveries {
        new.message = entry.map(|_| sequence).or(new.message);
    }
    // Heads are locked before anything else is asked for: one round trip more. On a connection that has not prepared a statement yet, it
    // is sent when that is done, and what is prepared already would be sent before it.
    put_heads(&transaction, &unit.heads).await?;
    // The rest is sent in this order without waiting for each other's answers: a round trip over a network is longer than any of them.
    try_join4(
        put_changes(&transaction, &unit.changes, sequence),
        put_identifiers(&transaction, &unit.identifiers),
        outbox::add(&transaction, &unit.deliveries, sequence),
        try_join(
            audit::put(&transaction, &unit.audit, sequence),
            try_join_all(entry.map(|entry| messages::put(&transaction, entry))),
        ),
    )
    .await?;
    unused::put(&transaction, notices, entry.map(|_| sequence)).await?;
    for answer in unit.answers {
        unused::answer(&transaction, answer).await?;
    }
    transaction.commit().await?;
    Ok(Committed { sequence })
}

fn absorbed(head: &Head) -> Vec<String> {
    head.absorbed.iter().map(ToString::to_string).collect()
}

const INSERT_HEAD: &str = "INSERT INTO head (person, revision, merged_into, absorbed, wake_nanos, document)
     SELECT $1, $2, $3, $4, $5, $6 WHERE $7::bigint = 0 ON CONFLICT DO NOTHING";
const UPDATE_HEAD: &str =
    "UPDATE head SET revision = $2, merged_into = $3, absorbed = $4, wake_nanos = $5, document = $6,
            leased_until_nanos = CASE WHEN wake_nanos IS DISTINCT FROM $5 THEN 0 ELSE leased_until_nanos END
     WHERE person = $1 AND revision = $7";

/// Both statements are prepared before the first of them is sent, so that they are sent in the order of the heads.
async fn put_heads(transaction: &Transaction<'_>, heads: &[HeadWrite]) -> Result<(), StoreError> {
    if heads.is_empty() {
        return Ok(());
    }
    let insert = transaction.prepare_cached(INSERT_HEAD).await?;
    let update = transaction.prepare_cached(UPDATE_HEAD).await?;
    let statement = |write: &HeadWrite| if write.replaces == 0 { &insert } else { &update };
    try_join_all(heads.iter().map(|write| put_head(transaction, statement(write), write))).await?;
    Ok(())
}

async fn put_head(transaction: &Transaction<'_>, statement: &Statement, write: &HeadWrite) -> Result<(), StoreError> {
    if write.head.revision <= write.replaces {
        return Err(StoreError::Refused("a head must be written with a higher revision".to_string()));
    }
    let head = &write.head;
    let touched = transaction
        .execute(
            statement,
            &[
                &head.person.to_string(),
                &signed(head.revision),
                &head.merged_into.map(|person| person.to_string()),
                &absorbed(head),
                &head.wake_at.map(nanos),
                &json(head)?,
                &signed(write.replaces),
            ],
        )
        .await?;
    if touched == 0 { Err(StoreError::Conflict) } else { Ok(()) }
}

async fn put_changes(transaction: &Transaction<'_>, changes: &[Change], sequence: u64) -> Result<(), StoreError> {
    let tallies = try_join_all(changes.iter().map(|change| put_and_index(transaction, change, sequence))).await?;
    worklist::write(transaction, tallies).await
}

async fn put_and_index(
    transaction: &Transaction<'_>,
    change: &Change,
    sequence: u64,
) -> Result<worklist::Tally, StoreError> {
    put_change(transaction, change, sequence).await?;
    match change.stored.resource.resource_type() {
        "Patient" => people::moved(transaction, &change.stored, change.replaces == 0).await?,
        "Task" => return worklist::moved(transaction, &change.stored).await,
        _ => {}
    }
    Ok(worklist::Tally::default())
}

async fn put_change(transaction: &Transaction<'_>, change: &Change, sequence: u64) -> Result<(), StoreError> {
    let stored = &change.stored;
    crate::store::kinds::kind(stored.resource.resource_type())?;
    if stored.version < change.replaces || stored.version == 0 {
        return Err(StoreError::Refused("a resource must be written with a higher version".to_string()));
    }
    let (kind, id) = (stored.resource.resource_type(), stored.id.to_string());
    if change.replaces > 0 && change.is_visible() {
        let statement = transaction
            .prepare_cached(
                "INSERT INTO history (type, id, version, updated_nanos, document, state, sequence)
                 SELECT type, id, version, updated_nanos, document, state, sequence FROM resource
                 WHERE type = $1 AND id = $2 AND version = $3 FOR UPDATE",
            )
            .await?;
        let kept = transaction.execute(&statement, &[&kind, &id, &signed(change.replaces)]).await?;
        if kept == 0 {
            return Err(StoreError::Conflict);
        }
    }
    let sql = if change.replaces == 0 {
        "INSERT INTO resource (type, id, person, version, sequence, updated_nanos, observed_nanos, terms, document, state,
         waits)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12 WHERE $11::bigint = 0 ON CONFLICT DO NOTHING"
    } else {
        // A change of state alone is not shown by a listing by time of change.
        "UPDATE resource SET person = $3, version = $4, sequence = CASE WHEN version = $4 THEN sequence ELSE $5 END,
                updated_nanos = $6, observed_nanos = $7, terms = $8, document = $9, state = $10, waits = $12
         WHERE type = $1 AND id = $2 AND version = $11"
    };
    let observation = kind == "Observation";
    let observed = observation.then(|| nanos(observed_at(&stored.resource).unwrap_or(stored.updated)));
    let statement = transaction.prepare_cached(sql).await?;
    let touched = transaction
        .execute(
            &statement,
            &[
                &kind,
                &id,
                &stored.id.person.to_string(),
                &signed(stored.version),
                &signed(sequence),
                &nanos(stored.updated),
                &observed,
                &terms(stored),
                &json(stored.resource.as_map())?,
                &json(&stored.state)?,
                &signed(change.replaces),
                &waits_for_look(stored),
            ],
        )
        .await?;
    if touched == 0 { Err(StoreError::Conflict) } else { Ok(()) }
}

async fn put_identifiers(
    transaction: &Transaction<'_>,
    identifiers: &[(crate::fhir::Identifier, PersonId)],
) -> Result<(), StoreError> {
    let put = async |(identifier, person): &(crate::fhir::Identifier, PersonId)| {
        let statement = transaction
            .prepare_cached(
                "INSERT INTO person_identifier (system, value, person) VALUES ($1, $2, $3)
                 ON CONFLICT (system, value) DO UPDATE SET person = excluded.person",
            )
            .await?;
        let (system, value) = (clean(&identifier.system), clean(&identifier.value));
        transaction.execute(&statement, &[&system, &value, &person.to_string()]).await?;
        Ok::<_, StoreError>(())
    };
    try_join_all(identifiers.iter().map(put)).await?;
    Ok(())
}
