//! Lines: what is to be sent to one partner about one patient, in its order. Whoever changes one delivery of a line holds the
//! line; which is its first follows.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use super::rows::{column, damaged, json, nanos, of_json, time};
use crate::store::outbox::Progress;
use crate::store::{DeliveryState, StoreError};

pub fn progress(row: &Row) -> Result<Progress, StoreError> {
    let state = u8::try_from(column::<i16>(row, "state")?).ok().and_then(DeliveryState::numbered);
    Ok(Progress {
        state: state.ok_or_else(|| damaged("a delivery's state"))?,
        tries: u32::try_from(column::<i32>(row, "tries")?).unwrap_or_default(),
        attempts: of_json(column(row, "attempts")?)?,
        next: column::<Option<i64>>(row, "next_nanos")?.map(time).transpose()?,
        created: time(column(row, "created_nanos")?)?,
    })
}

/// Changes to one line take turns: who is first in it follows from all that is in it.
pub async fn lock_line(transaction: &Transaction<'_>, partner: &str, person: &str) -> Result<(), StoreError> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))";
    let statement = transaction.prepare_cached(sql).await?;
    transaction.execute(&statement, &[&partner, &person]).await?;
    Ok(())
}

/// Marks which is the first of a line now, and whether the line is urgent; looks at no others of it. What somebody works on stays
/// the first until they are done: nothing of a line overtakes what is under way.
pub async fn mark_first(transaction: &Transaction<'_>, partner: &str, person: &str) -> Result<(), StoreError> {
    let statement = transaction
        .prepare_cached(
            "WITH current AS MATERIALIZED (SELECT id, leased_until_nanos FROM delivery
                                           WHERE partner = $1 AND person = $2 AND first FOR UPDATE),
                  busy AS (SELECT id FROM current WHERE leased_until_nanos > 0),
                  line_head AS (SELECT id FROM delivery WHERE partner = $1 AND person = $2 AND state IN (0, 2)
                                ORDER BY number, id LIMIT 1),
                  head AS (SELECT id FROM busy
                           UNION ALL SELECT id FROM line_head WHERE NOT EXISTS (SELECT FROM busy)),
                  marked AS (SELECT id FROM head UNION SELECT id FROM current),
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

/// Changes one delivery and what follows for its line. Returns what `alter` returned, or none when there is none. `alter` is
/// told whether somebody else works on it.
pub async fn change<T>(
    transaction: &Transaction<'_>,
    owner: Option<&str>,
    id: &str,
    alter: impl FnOnce(&mut Progress, bool) -> T,
) -> Result<Option<T>, StoreError> {
    let statement = transaction.prepare_cached("SELECT partner, person FROM delivery WHERE id = $1").await?;
    let Some(line) = transaction.query_opt(&statement, &[&id]).await? else { return Ok(None) };
    let (partner, person): (String, String) = (column(&line, "partner")?, column(&line, "person")?);
    lock_line(transaction, &partner, &person).await?;
    let sql = "SELECT state, next_nanos, tries, attempts, created_nanos, leased_by, leased_until_nanos
               FROM delivery WHERE id = $1 FOR UPDATE";
    let statement = transaction.prepare_cached(sql).await?;
    let row = transaction.query_one(&statement, &[&id]).await?;
    let mut progress = progress(&row)?;
    let last = progress.attempts.last().cloned();
    let is_leased = column::<i64>(&row, "leased_until_nanos")? > 0;
    let leased_by = column::<Option<&str>>(&row, "leased_by")?.filter(|_| is_leased);
    let is_anothers = leased_by.is_some_and(|other| owner.is_some_and(|own| own != other));
    let result = alter(&mut progress, is_anothers);
    let statement = transaction
        .prepare_cached(
            "UPDATE delivery SET state = $2::smallint, next_nanos = $3, tries = $4, attempts = $5, first = first AND $2::smallint IN (0, 2),
                    leased_until_nanos = CASE WHEN $6 THEN 0 ELSE leased_until_nanos END, finished_nanos = $7,
                    inherited = inherited AND NOT $8
             WHERE id = $1",
        )
        .await?;
    let tries = i32::try_from(progress.tries).unwrap_or(i32::MAX);
    let (state, next) = (i16::from(progress.state.number()), progress.next.map(nanos));
    let (attempts, finished) = (json(&progress.attempts)?, progress.finished().map(nanos));
    let is_freed = owner.is_some() && !is_anothers;
    // Given back untried, it is as before: what its last owner did with it nobody knows.
    let is_told = is_freed && progress.attempts.last() != last.as_ref();
    transaction.execute(&statement, &[&id, &state, &next, &tries, &attempts, &is_freed, &finished, &is_told]).await?;
    mark_first(transaction, &partner, &person).await?;
    Ok(Some(result))
}
