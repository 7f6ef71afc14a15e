//! Deliveries: in lines, of which only the first unfinished one is given out; leased by rows that others skip.

use std::collections::BTreeSet;

use deadpool_postgres::{Object, Transaction};
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use super::rows::{Conditions, clean, column, cursor, damaged, json, nanos, of_json, page_size, signed, time};
use crate::store::{Attempt, Cursor, Delivery, DeliveryFilter, DeliveryState, NewDelivery, Outcome, Page, StoreError};

/// Deliveries read at once while their rows are filled in.
const CHUNK: i64 = 1_000;
const COLUMNS: &str = "document, state, next_nanos, tries, attempts, message, sequence, ordinal";

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let state = u8::try_from(column::<i16>(row, "state")?).ok().and_then(DeliveryState::numbered);
    let state = state.ok_or_else(|| damaged("a delivery's state"))?;
    Ok(Delivery {
        new: of_json(column(row, "document")?)?,
        state,
        tries: u32::try_from(column::<i32>(row, "tries")?).unwrap_or_default(),
        attempts: of_json(column(row, "attempts")?)?,
        next: column::<Option<i64>>(row, "next_nanos")?.map(time).transpose()?,
    })
}

/// Says in the rows of before when each was made, once, in the transaction that makes the column. What is done needs it no more.
pub async fn fill_created(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let sql = "SELECT id, document FROM delivery WHERE state IN (0, 2) AND id > $1 ORDER BY id LIMIT $2";
        let rows = transaction.query(sql, &[&last, &CHUNK]).await?;
        let Some(row) = rows.last() else { return Ok(()) };
        last = column(row, "id")?;
        let (mut ids, mut created) = (Vec::new(), Vec::new());
        for row in &rows {
            ids.push(column::<&str>(row, "id")?);
            created.push(nanos(of_json::<NewDelivery>(column(row, "document")?)?.created));
        }
        let sql = "UPDATE delivery SET created_nanos = made.at FROM unnest($1::text[], $2::bigint[]) AS made (id, at)
                   WHERE delivery.id = made.id";
        transaction.execute(sql, &[&ids, &created]).await?;
    }
}

/// Changes to one line take turns: who is first in it follows from all that is in it.
async fn lock_line(transaction: &Transaction<'_>, partner: &str, person: &str) -> Result<(), StoreError> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))";
    let statement = transaction.prepare_cached(sql).await?;
    transaction.execute(&statement, &[&partner, &person]).await?;
    Ok(())
}

async fn mark_first(transaction: &Transaction<'_>, partner: &str, person: &str) -> Result<(), StoreError> {
    let statement = transaction
        .prepare_cached(
            "WITH line AS (SELECT id, row_number() OVER (ORDER BY number, id) = 1 AS first FROM delivery
                           WHERE partner = $1 AND person = $2 AND state IN (0, 2))
             UPDATE delivery SET first = line.first FROM line
             WHERE delivery.id = line.id AND delivery.first <> line.first",
        )
        .await?;
    transaction.execute(&statement, &[&partner, &person]).await?;
    Ok(())
}

/// A delivery that is there already stays as it is: its id says that the same was decided before.
pub async fn add(transaction: &Transaction<'_>, new: &[NewDelivery], sequence: u64) -> Result<(), StoreError> {
    let line = |new: &NewDelivery| (clean(&new.partner), new.person.to_string());
    let lines: BTreeSet<_> = new.iter().map(line).collect();
    for (partner, person) in &lines {
        lock_line(transaction, partner, person).await?;
    }
    for (ordinal, new) in new.iter().enumerate() {
        let statement = transaction
            .prepare_cached(
                "INSERT INTO delivery (id, partner, person, number, sequence, ordinal, message, state, next_nanos, tries,
                                       document, attempts, created_nanos)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, $9, '[]', $10) ON CONFLICT DO NOTHING",
            )
            .await?;
        let (partner, person) = line(new);
        let ordinal = i32::try_from(ordinal).unwrap_or(i32::MAX);
        transaction
            .execute(
                &statement,
                &[
                    &new.id,
                    &partner,
                    &person,
                    &signed(new.number),
                    &signed(sequence),
                    &ordinal,
                    &new.message.map(signed),
                    &nanos(new.due),
                    &json(new)?,
                    &nanos(new.created),
                ],
            )
            .await?;
    }
    for (partner, person) in &lines {
        mark_first(transaction, partner, person).await?;
    }
    Ok(())
}

pub async fn claim(
    client: Object,
    now: Timestamp,
    count: usize,
    lease: SignedDuration,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "WITH due AS (SELECT id AS due_id FROM delivery
                      WHERE first AND state IN (0, 2) AND next_nanos <= $1 AND leased_until_nanos <= $1
                      ORDER BY next_nanos LIMIT $2 FOR UPDATE SKIP LOCKED)
         UPDATE delivery SET leased_until_nanos = $3 FROM due WHERE id = due_id RETURNING {COLUMNS}"
    );
    let statement = client.prepare_cached(&sql).await?;
    let until = nanos(now.saturating_add(lease).unwrap_or(Timestamp::MAX));
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&nanos(now), &count, &until]).await?;
    let mut claimed = rows.iter().map(delivery).collect::<Result<Vec<_>, _>>()?;
    claimed.sort_by_key(|delivery| delivery.next);
    Ok(claimed)
}

/// Changes one delivery and what follows for its line. Returns what `change` returned, or none when there is none.
async fn update<T>(
    mut client: Object,
    id: String,
    free: bool,
    change: impl FnOnce(&mut Delivery) -> T,
) -> Result<Option<T>, StoreError> {
    let transaction = client.transaction().await?;
    let statement = transaction.prepare_cached("SELECT partner, person FROM delivery WHERE id = $1").await?;
    let Some(line) = transaction.query_opt(&statement, &[&id]).await? else { return Ok(None) };
    let (partner, person): (String, String) = (column(&line, "partner")?, column(&line, "person")?);
    lock_line(&transaction, &partner, &person).await?;
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE id = $1 FOR UPDATE");
    let statement = transaction.prepare_cached(&sql).await?;
    let mut delivery = delivery(&transaction.query_one(&statement, &[&id]).await?)?;
    let result = change(&mut delivery);
    let statement = transaction
        .prepare_cached(
            "UPDATE delivery SET state = $2::smallint, next_nanos = $3, tries = $4, attempts = $5, first = first AND $2::smallint IN (0, 2),
                    leased_until_nanos = CASE WHEN $6 THEN 0 ELSE leased_until_nanos END, finished_nanos = $7
             WHERE id = $1",
        )
        .await?;
    let tries = i32::try_from(delivery.tries).unwrap_or(i32::MAX);
    let (state, next) = (i16::from(delivery.state.number()), delivery.next.map(nanos));
    let finished = delivery.finished().map(nanos);
    transaction
        .execute(&statement, &[&id, &state, &next, &tries, &json(&delivery.attempts)?, &free, &finished])
        .await?;
    mark_first(&transaction, &partner, &person).await?;
    transaction.commit().await?;
    Ok(Some(result))
}

pub async fn finish(client: Object, id: String, attempt: Attempt, outcome: Outcome) -> Result<(), StoreError> {
    let found = update(client, id, true, |delivery| delivery.record(attempt, outcome)).await?;
    found.ok_or_else(|| StoreError::Refused("there is no such delivery".to_string()))
}

pub async fn release(client: Object, id: String, due: Timestamp) -> Result<(), StoreError> {
    let later = |delivery: &mut Delivery| delivery.next = delivery.next.map(|next| next.max(due));
    update(client, id, true, later).await?;
    Ok(())
}

/// What was finished meanwhile stays as it went.
pub async fn shorten(mut client: Object, id: String, payload: serde_json::Value) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE id = $1 FOR UPDATE");
    let statement = transaction.prepare_cached(&sql).await?;
    let Some(row) = transaction.query_opt(&statement, &[&id]).await? else { return Ok(()) };
    let mut kept = delivery(&row)?;
    if kept.finished().is_none() {
        kept.new.payload = payload;
        let statement = transaction.prepare_cached("UPDATE delivery SET document = $2 WHERE id = $1").await?;
        transaction.execute(&statement, &[&id, &json(&kept.new)?]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

pub async fn retry(client: Object, id: String, now: Timestamp) -> Result<bool, StoreError> {
    Ok(update(client, id, false, |delivery| delivery.retry(now)).await?.unwrap_or_default())
}

pub async fn get(client: Object, id: String) -> Result<Option<Delivery>, StoreError> {
    let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM delivery WHERE id = $1")).await?;
    client.query_opt(&statement, &[&id]).await?.as_ref().map(delivery).transpose()
}

pub async fn list(
    client: Object,
    filter: DeliveryFilter,
    after: Option<Cursor>,
    count: usize,
) -> Result<Page<Delivery>, StoreError> {
    let mut conditions = Conditions::default();
    if let Some(partner) = filter.partner {
        conditions.add("partner = ?", vec![Box::new(clean(&partner))]);
    }
    if let Some(state) = filter.state {
        conditions.add(&format!("state = {}", state.number()), Vec::new());
    }
    if let Some(person) = filter.person {
        conditions.add("person = ?", vec![Box::new(person.to_string())]);
    }
    if let Some(message) = filter.message {
        conditions.add("message = ?", vec![Box::new(signed(message))]);
    }
    if let Some((sequence, ordinal)) = super::rows::after::<i64, i32>(after.as_ref())? {
        conditions.add("(sequence, ordinal) < (?, ?)", vec![Box::new(sequence), Box::new(ordinal)]);
    }
    let count = page_size(count);
    let sql = format!(
        "SELECT {COLUMNS} FROM delivery {} ORDER BY sequence DESC, ordinal DESC LIMIT {}",
        conditions.clause(),
        count + 1
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &conditions.parameters()).await?;
    let more = rows.len() > count;
    let (mut items, mut last) = (Vec::new(), None);
    for row in rows.iter().take(count) {
        items.push(delivery(row)?);
        last = Some((column::<i64>(row, "sequence")?, column::<i32>(row, "ordinal")?));
    }
    let next = last.filter(|_| more).map(|(sequence, ordinal)| cursor(&[&sequence, &ordinal]));
    Ok(Page { items, next })
}
