//! What partners hold of things, beside the deliveries that told them. What follows from an attempt is `store/copy.rs`'s to say.

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::line::{change, lock_line};
use super::rows::{column, json, nanos, of_json, signed, unsigned};
use crate::store::copy::{Copy, Follow, Order, loss_of, loss_state};
use crate::store::hash::hash;
use crate::store::outbox::Progress;
use crate::store::{Attempt, Claimed, Outcome, StoreError};

/// So many that are due once more are made first of their lines at a time.
const AGAIN: i64 = 64;

/// Where a delivery stands among those about the same thing.
pub struct Place {
    partner: String,
    thing: String,
    order: Order,
}

impl Place {
    pub async fn of(transaction: &Transaction<'_>, id: &str) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT partner, thing, sequence, ordinal FROM delivery WHERE id = $1";
        let statement = transaction.prepare_cached(sql).await?;
        let Some(row) = transaction.query_opt(&statement, &[&id]).await? else { return Ok(None) };
        Ok(Some(Self { partner: column(&row, "partner")?, thing: column(&row, "thing")?, order: order(&row)? }))
    }
}

fn order(row: &Row) -> Result<Order, StoreError> {
    let ordinal = u32::try_from(column::<i32>(row, "ordinal")?).unwrap_or_default();
    Ok(Order(unsigned(column(row, "sequence")?), ordinal))
}

fn read(document: Option<&str>) -> Result<Copy, StoreError> {
    document.map_or_else(|| Ok(Copy::default()), of_json)
}

/// What the row of a claim says besides.
pub fn claimed(row: &Row) -> Result<Claimed, StoreError> {
    let copy = read(column(row, "copy")?)?;
    let is_overtaken = copy.is_newer_than(order(row)?);
    Ok(Claimed { is_inherited: column(row, "inherited")?, is_overtaken, etag: copy.etag() })
}

/// Notes what came of an attempt, and says what follows. Whoever writes about the same thing waits until this is committed.
pub async fn record(
    transaction: &Transaction<'_>,
    id: &str,
    place: &Place,
    attempt: &Attempt,
    outcome: Outcome,
) -> Result<Follow, StoreError> {
    let sql = "INSERT INTO held_copy (partner, thing, document) VALUES ($1, $2, $3)
               ON CONFLICT (partner, thing) DO UPDATE SET document = held_copy.document
               RETURNING document, (SELECT value FROM gateway_state WHERE name = $4) AS lost";
    let statement = transaction.prepare_cached(sql).await?;
    let none = json(&Copy::default())?;
    let loss = loss_state(&hash(&[&place.partner]));
    let row = transaction.query_one(&statement, &[&place.partner, &place.thing, &none, &loss]).await?;
    let lost: Option<&[u8]> = column(&row, "lost")?;
    let before = read(Some(column(&row, "document")?))?;
    let mut copy = before.clone();
    let follow = copy.record(place.order, id, attempt, outcome, lost.map(loss_of).transpose()?);
    if copy != before {
        let sql = "UPDATE held_copy SET document = $3, newest = CASE WHEN $4 THEN $5 ELSE newest END
                   WHERE partner = $1 AND thing = $2";
        let statement = transaction.prepare_cached(sql).await?;
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&place.partner, &place.thing, &json(&copy)?, &copy.is_of(id), &id];
        transaction.execute(&statement, &parameters).await?;
    }
    Ok(follow)
}

/// Whether a delivery is the newest that the partner took of its thing; nobody else says so until this is committed.
pub async fn is_newest(transaction: &Transaction<'_>, id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT FROM held_copy JOIN delivery USING (partner, thing)
               WHERE delivery.id = $1 AND held_copy.newest = $1 FOR UPDATE OF held_copy";
    let statement = transaction.prepare_cached(sql).await?;
    Ok(transaction.query_opt(&statement, &[&id]).await?.is_some())
}

/// Does what follows for others than the delivery that was tried.
pub async fn follow(transaction: &Transaction<'_>, id: &str, place: &Place, follow: Follow) -> Result<(), StoreError> {
    if let Some((newest, at)) = follow.again.filter(|(newest, _)| newest != id) {
        change(transaction, None, &newest, |progress, _| progress.send_again(at)).await?;
    }
    if let Some(before) = follow.no_more {
        let no_more = |progress: &mut Progress, _| {
            if progress.next.is_some() {
                progress.supersede();
            }
        };
        change(transaction, None, &before, no_more).await?;
    }
    if !follow.retires_older {
        return Ok(());
    }
    let sql = "SELECT id FROM delivery WHERE partner = $1 AND thing = $2 AND state IN (0, 2, 3)
               AND (sequence, ordinal) < ($3, $4)";
    let statement = transaction.prepare_cached(sql).await?;
    let Order(sequence, ordinal) = place.order;
    let ordinal = i32::try_from(ordinal).unwrap_or(i32::MAX);
    let older = transaction.query(&statement, &[&place.partner, &place.thing, &signed(sequence), &ordinal]).await?;
    for row in &older {
        change(transaction, None, column(row, "id")?, |progress, _| progress.supersede()).await?;
    }
    Ok(())
}

/// What was delivered and is due once more is made the first of its line, where nobody works on that line; otherwise it comes up
/// again when they are done.
pub async fn put_first(client: &mut Object, now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT id, partner, person FROM delivery WHERE state = 1 AND next_nanos <= $1 AND NOT first
               ORDER BY next_nanos LIMIT $2";
    let statement = client.prepare_cached(sql).await?;
    let due = client.query(&statement, &[&nanos(now), &AGAIN]).await?;
    for row in &due {
        let (id, partner, person): (&str, &str, &str) =
            (column(row, "id")?, column(row, "partner")?, column(row, "person")?);
        let transaction = client.transaction().await?;
        lock_line(&transaction, partner, person).await?;
        let statement = transaction
            .prepare_cached(
                "WITH head AS MATERIALIZED (SELECT id, leased_until_nanos FROM delivery
                                            WHERE partner = $1 AND person = $2 AND first FOR UPDATE),
                      busy AS (SELECT FROM head WHERE leased_until_nanos > 0),
                      behind AS (UPDATE delivery SET first = false FROM head
                                 WHERE delivery.id = head.id AND NOT EXISTS (SELECT FROM busy))
                 UPDATE delivery SET first = true, rank = CASE WHEN urgent THEN 0 ELSE 1 END
                 WHERE id = $3 AND state = 1 AND next_nanos <= $4 AND NOT EXISTS (SELECT FROM busy)",
            )
            .await?;
        transaction.execute(&statement, &[&partner, &person, &id, &nanos(now)]).await?;
        transaction.commit().await?;
    }
    Ok(())
}
