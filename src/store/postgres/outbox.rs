//! Deliveries: in lines, of which only the first unfinished one is given out; leased by rows that others skip.

use std::collections::BTreeSet;
use std::sync::Arc;

use deadpool_postgres::{Object, Transaction};
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use super::copies;
use super::line::{change, lock_line, mark_first, progress};
use super::rows::{Conditions, clean, column, cursor, json, nanos, of_json, page_size, signed, time, unsigned};
use crate::store::copy::thing;
use crate::store::outbox::Progress;
use crate::store::{
    Alteration, Attempt, Backlog, Claimed, Cursor, Delivery, DeliveryFilter, DeliveryState, NewDelivery, Outcome, Page,
    Share, StoreError, Tried,
};

/// Deliveries read at once while their rows are filled in.
const CHUNK: i64 = 1_000;
const COLUMNS: &str = "document, state, next_nanos, tries, attempts, message, sequence, ordinal, created_nanos";

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let Progress { state, tries, attempts, next, .. } = progress(row)?;
    Ok(Delivery { new: of_json(column(row, "document")?)?, state, tries, attempts, next, claimed: Claimed::default() })
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

/// A delivery that is there already stays as it is: its id says that the same was decided before.
pub async fn add(transaction: &Transaction<'_>, new: &[NewDelivery], sequence: u64) -> Result<(), StoreError> {
    let line = |new: &NewDelivery| (clean(&new.partner), new.person.to_string());
    let lines: BTreeSet<_> = new.iter().map(line).collect();
    try_join_all(lines.iter().map(|(partner, person)| lock_line(transaction, partner, person))).await?;
    let put = async |(ordinal, new): (usize, &NewDelivery)| {
        let statement = transaction
            .prepare_cached(
                "INSERT INTO delivery (id, partner, person, number, sequence, ordinal, message, state, next_nanos, tries,
                                       document, attempts, created_nanos, urgent, thing)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, $9, '[]', $10, $11, $12) ON CONFLICT DO NOTHING",
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
                    &new.urgent,
                    &clean(thing(&new.subject)),
                ],
            )
            .await?;
        Ok::<_, StoreError>(())
    };
    try_join_all(new.iter().enumerate().map(put)).await?;
    try_join_all(lines.iter().map(|(partner, person)| mark_first(transaction, partner, person))).await?;
    Ok(())
}

/// Goes from name to name in the index, past what waits for each.
pub async fn due_partners(mut client: Object, now: Timestamp) -> Result<Vec<String>, StoreError> {
    copies::put_first(&mut client, now).await?;
    let statement = client
        .prepare_cached(
            "WITH RECURSIVE named AS (
                 (SELECT partner FROM delivery WHERE first ORDER BY partner LIMIT 1)
                 UNION ALL
                 SELECT (SELECT partner FROM delivery WHERE first AND partner > named.partner ORDER BY partner LIMIT 1)
                 FROM named WHERE named.partner IS NOT NULL)
             SELECT partner FROM named WHERE partner IS NOT NULL AND EXISTS (
                 SELECT FROM delivery WHERE delivery.partner = named.partner AND first AND rank IN (0, 1)
                 AND next_nanos <= $1 AND leased_until_nanos <= $1)",
        )
        .await?;
    let rows = client.query(&statement, &[&nanos(now)]).await?;
    rows.iter().map(|row| column(row, "partner")).collect()
}

/// `owner` is the gateway that asks, in all of these.
pub async fn claim(
    client: Object,
    owner: Arc<str>,
    now: Timestamp,
    room: Vec<Share>,
    lease: SignedDuration,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "WITH due AS (SELECT picked.id AS due_id, picked.leased_until_nanos > 0 AS was_leased FROM unnest($2::text[], $3::bigint[], $6::bigint[]) AS room (name, places, until)
                      CROSS JOIN LATERAL (
                          SELECT id, leased_until_nanos FROM delivery WHERE partner = room.name AND first
                          AND rank IN (0, 1) AND next_nanos <= $1 AND leased_until_nanos <= $1
                          AND (room.until IS NULL OR created_nanos <= room.until AND state <> 1)
                          ORDER BY rank, next_nanos LIMIT room.places FOR UPDATE SKIP LOCKED) AS picked)
         UPDATE delivery SET leased_until_nanos = $4, leased_by = $5, inherited = inherited OR was_leased
         FROM due WHERE id = due_id
         RETURNING {COLUMNS}, inherited, (SELECT held_copy.document FROM held_copy
             WHERE held_copy.partner = delivery.partner AND held_copy.thing = delivery.thing) AS copy"
    );
    let statement = client.prepare_cached(&sql).await?;
    let until = nanos(now.saturating_add(lease).unwrap_or(Timestamp::MAX));
    let names: Vec<String> = room.iter().map(|share| clean(&share.partner)).collect();
    let places: Vec<i64> = room.iter().map(|share| i64::try_from(share.places).unwrap_or(i64::MAX)).collect();
    let made: Vec<Option<i64>> = room.iter().map(|share| share.made_until.map(nanos)).collect();
    let rows = client.query(&statement, &[&nanos(now), &names, &places, &until, &&*owner, &made]).await?;
    let read = |row| Ok(Delivery { claimed: copies::claimed(row)?, ..delivery(row)? });
    let mut claimed = rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
    claimed.sort_by_key(|delivery| delivery.next);
    Ok(claimed)
}

pub async fn renew(
    client: Object,
    owner: Arc<str>,
    ids: Vec<String>,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET leased_until_nanos = $3
               WHERE id = ANY($1) AND leased_by = $2 AND leased_until_nanos > 0";
    let statement = client.prepare_cached(sql).await?;
    let until = nanos(now.saturating_add(lease).unwrap_or(Timestamp::MAX));
    client.execute(&statement, &[&ids, &&*owner, &until]).await?;
    Ok(())
}

async fn update<T>(
    mut client: Object,
    owner: Option<Arc<str>>,
    id: String,
    alter: impl FnOnce(&mut Progress, bool) -> T,
) -> Result<Option<T>, StoreError> {
    let transaction = client.transaction().await?;
    let result = change(&transaction, owner.as_deref(), &id, alter).await?;
    transaction.commit().await?;
    Ok(result)
}

/// What stands behind one in its line, in order, up to the first that is not due.
pub async fn behind(client: Object, claimed: String, now: Timestamp, most: usize) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, inherited, (SELECT held_copy.document FROM held_copy
             WHERE held_copy.partner = delivery.partner AND held_copy.thing = delivery.thing) AS copy
         FROM delivery WHERE (partner, person) = (SELECT partner, person FROM delivery WHERE id = $1) AND state IN (0, 2)
              AND number > (SELECT number FROM delivery WHERE id = $1) ORDER BY number, id LIMIT $2"
    );
    let statement = client.prepare_cached(&sql).await?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut behind = Vec::new();
    for row in &client.query(&statement, &[&claimed, &most]).await? {
        let one = Delivery { claimed: copies::claimed(row)?, ..delivery(row)? };
        if one.state != DeliveryState::Waiting || one.next.is_none_or(|next| next > now) {
            break;
        }
        behind.push(one);
    }
    Ok(behind)
}

pub async fn take_in_hand(client: Object, ids: Vec<String>) -> Result<(), StoreError> {
    let statement = client.prepare_cached("UPDATE delivery SET inherited = true WHERE id = ANY($1)").await?;
    client.execute(&statement, &[&ids]).await?;
    Ok(())
}

pub async fn finish(mut client: Object, owner: Arc<str>, tried: Vec<Tried>) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    for (id, attempt, outcome) in tried {
        finish_one(&transaction, &owner, id, attempt, outcome).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Of one whose lease ran out and whose work is another's by now only a success counts, beside that it was tried.
async fn finish_one(
    transaction: &Transaction<'_>,
    owner: &str,
    id: String,
    attempt: Attempt,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let missing = || StoreError::Refused("there is no such delivery".to_string());
    let place = copies::Place::of(transaction, &id).await?.ok_or_else(missing)?;
    let follow = copies::record(transaction, &id, &place, &attempt, outcome).await?;
    let again = follow.again.as_ref().filter(|(newest, _)| *newest == id && outcome == Outcome::Delivered);
    let record = |progress: &mut Progress, is_anothers: bool| match is_anothers && outcome != Outcome::Delivered {
        true => progress.remember(attempt),
        false => {
            progress.record(attempt, outcome);
            again.into_iter().for_each(|(_, at)| progress.send_again(*at));
        }
    };
    change(transaction, Some(owner), &id, record).await?.ok_or_else(missing)?;
    copies::follow(transaction, &id, &place, follow).await
}

pub async fn release(client: Object, owner: Arc<str>, id: String, due: Timestamp) -> Result<(), StoreError> {
    let later = |progress: &mut Progress, is_anothers: bool| {
        if !is_anothers {
            progress.next = progress.next.map(|next| next.max(due));
        }
    };
    update(client, Some(owner), id, later).await?;
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

/// Does what a person asks of a delivery; false where it is not one that this can be asked of.
pub async fn alter(mut client: Object, id: String, by: Alteration) -> Result<bool, StoreError> {
    let transaction = client.transaction().await?;
    if by.is_of_newest() && !copies::is_newest(&transaction, &id).await? {
        return Ok(false);
    }
    let altered = change(&transaction, None, &id, |progress, _| progress.alter(by)).await?;
    transaction.commit().await?;
    Ok(altered.unwrap_or_default())
}

/// What is to be tried later than this is due then, and leases that end later end then: they may be of before.
pub async fn hasten(mut client: Object, latest: Timestamp) -> Result<u64, StoreError> {
    let transaction = client.transaction().await?;
    for table in ["delivery", "head"] {
        let sql = format!("UPDATE {table} SET leased_until_nanos = $1 WHERE leased_until_nanos > $1");
        transaction.execute(&sql, &[&nanos(latest)]).await?;
    }
    let sql = "UPDATE delivery SET next_nanos = $1 WHERE next_nanos > $1";
    let count = transaction.execute(sql, &[&nanos(latest)]).await?;
    transaction.commit().await?;
    Ok(count)
}

pub async fn get(client: Object, id: String) -> Result<Option<Delivery>, StoreError> {
    let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM delivery WHERE id = $1")).await?;
    client.query_opt(&statement, &[&id]).await?.as_ref().map(delivery).transpose()
}

pub async fn backlog(client: Object, partner: String, made_until: Option<Timestamp>) -> Result<Backlog, StoreError> {
    let sql = "SELECT count(*) FILTER (WHERE state = 0) AS waiting, count(*) FILTER (WHERE state = 2) AS held,
                      count(*) FILTER (WHERE state = 0 AND created_nanos <= $2) AS before,
                      min(created_nanos) AS oldest, min(next_nanos) FILTER (WHERE first) AS next
               FROM delivery WHERE partner = $1 AND state IN (0, 2)";
    let statement = client.prepare_cached(sql).await?;
    let row = client.query_one(&statement, &[&clean(&partner), &made_until.map(nanos)]).await?;
    let count = |name| Ok::<_, StoreError>(unsigned(column(&row, name)?));
    let at = |name| column::<Option<i64>>(&row, name)?.map(time).transpose();
    Ok(Backlog {
        waiting: count("waiting")?,
        made_before: count("before")?,
        held: count("held")?,
        oldest: at("oldest")?,
        next: at("next")?,
    })
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
