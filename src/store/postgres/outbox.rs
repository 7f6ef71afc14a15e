//! Deliveries: in lines, of which only the first unfinished one is given out; leased by rows that others skip.

use std::collections::BTreeSet;
use std::sync::Arc;

use deadpool_postgres::{Object, Transaction};
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use super::rows::{Conditions, clean, column, cursor, damaged, json, nanos, of_json, page_size, signed, time};
use crate::store::outbox::Progress;
use crate::store::{Attempt, Cursor, Delivery, DeliveryFilter, DeliveryState, NewDelivery, Outcome, Page, StoreError};

/// Deliveries read at once while their rows are filled in.
const CHUNK: i64 = 1_000;
const COLUMNS: &str = "document, state, next_nanos, tries, attempts, message, sequence, ordinal, created_nanos";

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let Progress { state, tries, attempts, next, .. } = progress(row)?;
    Ok(Delivery { new: of_json(column(row, "document")?)?, state, tries, attempts, next })
}

fn progress(row: &Row) -> Result<Progress, StoreError> {
    let state = u8::try_from(column::<i16>(row, "state")?).ok().and_then(DeliveryState::numbered);
    Ok(Progress {
        state: state.ok_or_else(|| damaged("a delivery's state"))?,
        tries: u32::try_from(column::<i32>(row, "tries")?).unwrap_or_default(),
        attempts: of_json(column(row, "attempts")?)?,
        next: column::<Option<i64>>(row, "next_nanos")?.map(time).transpose()?,
        created: time(column(row, "created_nanos")?)?,
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

/// Marks which is the first of a line now, and whether the line is urgent; looks at no others of it.
async fn mark_first(transaction: &Transaction<'_>, partner: &str, person: &str) -> Result<(), StoreError> {
    let statement = transaction
        .prepare_cached(
            "WITH head AS (SELECT id FROM delivery WHERE partner = $1 AND person = $2 AND state IN (0, 2)
                           ORDER BY number, id LIMIT 1),
                  marked AS (SELECT id FROM head
                             UNION SELECT id FROM delivery WHERE partner = $1 AND person = $2 AND first),
                  line AS (SELECT CASE WHEN EXISTS (SELECT FROM delivery WHERE partner = $1 AND person = $2
                                                    AND urgent AND state IN (0, 2)) THEN 0 ELSE 1 END AS rank)
             UPDATE delivery SET first = delivery.id = head.id, rank = line.rank FROM head, marked, line
             WHERE delivery.id = marked.id
                   AND (delivery.first, delivery.rank) <> (delivery.id = head.id, line.rank)",
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
                                       document, attempts, created_nanos, urgent)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, $9, '[]', $10, $11) ON CONFLICT DO NOTHING",
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
                ],
            )
            .await?;
    }
    for (partner, person) in &lines {
        mark_first(transaction, partner, person).await?;
    }
    Ok(())
}

/// Goes from name to name in the index, past what waits for each.
pub async fn due_partners(client: Object, now: Timestamp) -> Result<Vec<String>, StoreError> {
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
    room: Vec<(String, usize)>,
    lease: SignedDuration,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "WITH due AS (SELECT picked.id AS due_id FROM unnest($2::text[], $3::bigint[]) AS room (name, places)
                      CROSS JOIN LATERAL (
                          SELECT id FROM delivery WHERE partner = room.name AND first AND state IN (0, 2)
                          AND rank IN (0, 1) AND next_nanos <= $1 AND leased_until_nanos <= $1
                          ORDER BY rank, next_nanos LIMIT room.places FOR UPDATE SKIP LOCKED) AS picked)
         UPDATE delivery SET leased_until_nanos = $4, leased_by = $5 FROM due WHERE id = due_id RETURNING {COLUMNS}"
    );
    let statement = client.prepare_cached(&sql).await?;
    let until = nanos(now.saturating_add(lease).unwrap_or(Timestamp::MAX));
    let names: Vec<String> = room.iter().map(|(name, _)| clean(name)).collect();
    let places: Vec<i64> = room.iter().map(|(_, places)| i64::try_from(*places).unwrap_or(i64::MAX)).collect();
    let rows = client.query(&statement, &[&nanos(now), &names, &places, &until, &&*owner]).await?;
    let mut claimed = rows.iter().map(delivery).collect::<Result<Vec<_>, _>>()?;
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

/// Changes one delivery and what follows for its line. Returns what `change` returned, or none when there is none. `change`
/// is told whether somebody else works on it.
async fn update<T>(
    mut client: Object,
    owner: Option<Arc<str>>,
    id: String,
    change: impl FnOnce(&mut Progress, bool) -> T,
) -> Result<Option<T>, StoreError> {
    let transaction = client.transaction().await?;
    let statement = transaction.prepare_cached("SELECT partner, person FROM delivery WHERE id = $1").await?;
    let Some(line) = transaction.query_opt(&statement, &[&id]).await? else { return Ok(None) };
    let (partner, person): (String, String) = (column(&line, "partner")?, column(&line, "person")?);
    lock_line(&transaction, &partner, &person).await?;
    let sql = "SELECT state, next_nanos, tries, attempts, created_nanos, leased_by, leased_until_nanos
               FROM delivery WHERE id = $1 FOR UPDATE";
    let statement = transaction.prepare_cached(sql).await?;
    let row = transaction.query_one(&statement, &[&id]).await?;
    let mut progress = progress(&row)?;
    let is_leased = column::<i64>(&row, "leased_until_nanos")? > 0;
    let leased_by = column::<Option<&str>>(&row, "leased_by")?.filter(|_| is_leased);
    let is_anothers = leased_by.is_some_and(|other| owner.as_deref().is_some_and(|own| own != other));
    let result = change(&mut progress, is_anothers);
    let statement = transaction
        .prepare_cached(
            "UPDATE delivery SET state = $2::smallint, next_nanos = $3, tries = $4, attempts = $5, first = first AND $2::smallint IN (0, 2),
                    leased_until_nanos = CASE WHEN $6 THEN 0 ELSE leased_until_nanos END, finished_nanos = $7
             WHERE id = $1",
        )
        .await?;
    let tries = i32::try_from(progress.tries).unwrap_or(i32::MAX);
    let (state, next) = (i16::from(progress.state.number()), progress.next.map(nanos));
    let finished = progress.finished().map(nanos);
    let is_freed = owner.is_some() && !is_anothers;
    transaction
        .execute(&statement, &[&id, &state, &next, &tries, &json(&progress.attempts)?, &is_freed, &finished])
        .await?;
    mark_first(&transaction, &partner, &person).await?;
    transaction.commit().await?;
    Ok(Some(result))
}

/// Of one whose lease ran out and whose work is another's by now only a success counts, beside that it was tried.
pub async fn finish(
    client: Object,
    owner: Arc<str>,
    id: String,
    attempt: Attempt,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let record = |progress: &mut Progress, is_anothers: bool| match is_anothers && outcome != Outcome::Delivered {
        true => progress.remember(attempt),
        false => progress.record(attempt, outcome),
    };
    let found = update(client, Some(owner), id, record).await?;
    found.ok_or_else(|| StoreError::Refused("there is no such delivery".to_string()))
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

pub async fn retry(client: Object, id: String, now: Timestamp) -> Result<bool, StoreError> {
    Ok(update(client, None, id, |progress, _| progress.retry(now)).await?.unwrap_or_default())
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
