//! What could not be used: each cause counted in the transaction of the message that had it, in one of a few rows so that
//! commits need not wait for each other; the sum is made when somebody reads.

use std::collections::BTreeSet;

use deadpool_postgres::{GenericClient, Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::rows::{clean, column, json, nanos, of_json, signed, time, unsigned};
use crate::store::{MOST_CAUSES, Notice, StoreError, UnusedAnswer, UnusedEntry, UnusedState, UnusedWork};
use crate::unused::Duty;

/// Each notice counts one more for its cause. `message` is the one that they came with.
pub async fn put(transaction: &Transaction<'_>, notices: Vec<Notice>, message: Option<u64>) -> Result<(), StoreError> {
    if notices.is_empty() {
        return Ok(());
    }
    let mut kept = within_bound(transaction, notices).await?;
    // Everybody locks in the same order. Several that are beyond the bound are one cause, and one input has it once.
    kept.sort_by_cached_key(|notice| notice.cause.id());
    kept.dedup_by(|one, other| one.cause == other.cause);
    count(transaction, &kept, message).await?;
    for notice in kept.iter().filter(|notice| notice.duty.is_some()) {
        open_work(transaction, &notice.cause.id()).await?;
    }
    Ok(())
}

async fn count(transaction: &Transaction<'_>, notices: &[Notice], message: Option<u64>) -> Result<(), StoreError> {
    let statement = transaction
        .prepare_cached(
            "INSERT INTO unused (id, slot, feed, cause, count, first_nanos, newest_nanos, message, text, duty)
             SELECT id, pg_backend_pid() % 16, feed, cause, 1, at, at, $6::bigint, text, duty
             FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $7::text[])
                  AS notice (id, feed, cause, at, text, duty)
             ON CONFLICT (id, slot) DO UPDATE SET count = unused.count + 1,
                first_nanos = least(unused.first_nanos, excluded.first_nanos),
                newest_nanos = greatest(unused.newest_nanos, excluded.newest_nanos),
                message = coalesce(excluded.message, unused.message), text = excluded.text,
                duty = greatest(unused.duty, excluded.duty)",
        )
        .await?;
    let ids: Vec<String> = notices.iter().map(|notice| notice.cause.id()).collect();
    let feeds: Vec<String> = notices.iter().map(|notice| clean(&notice.cause.feed)).collect();
    let causes = notices.iter().map(|notice| json(&notice.cause)).collect::<Result<Vec<_>, _>>()?;
    let times: Vec<i64> = notices.iter().map(|notice| nanos(notice.at)).collect();
    let texts: Vec<String> = notices.iter().map(|notice| clean(&notice.text)).collect();
    let duties: Vec<Option<&str>> = notices.iter().map(|notice| notice.duty.map(Duty::word)).collect();
    let message = message.map(signed);
    transaction.execute(&statement, &[&ids, &feeds, &causes, &times, &texts, &message, &duties]).await?;
    Ok(())
}

/// Work that is answered is open again; work that nobody has had yet begins.
async fn open_work(transaction: &Transaction<'_>, id: &str) -> Result<(), StoreError> {
    let open = "INSERT INTO unused_work (id, answered, document) SELECT $1, false, $2
                WHERE NOT EXISTS (SELECT FROM unused_work WHERE id = $1) ON CONFLICT DO NOTHING";
    let statement = transaction.prepare_cached(open).await?;
    transaction.execute(&statement, &[&id, &json(&UnusedWork::default())?]).await?;
    let answered = "SELECT document FROM unused_work WHERE id = $1 AND answered FOR UPDATE";
    let statement = transaction.prepare_cached(answered).await?;
    if let Some(row) = transaction.query_opt(&statement, &[&id]).await? {
        let work: UnusedWork = of_json(column(&row, "document")?)?;
        write_work(transaction, id, &UnusedWork { state: UnusedState::Open, ..work }).await?;
    }
    Ok(())
}

async fn write_work(transaction: &Transaction<'_>, id: &str, work: &UnusedWork) -> Result<(), StoreError> {
    let sql = "INSERT INTO unused_work (id, answered, document) VALUES ($1, $2, $3)
               ON CONFLICT (id) DO UPDATE SET answered = excluded.answered, document = excluded.document";
    let statement = transaction.prepare_cached(sql).await?;
    let answered = work.state == UnusedState::Answered;
    transaction.execute(&statement, &[&id, &answered, &json(work)?]).await?;
    Ok(())
}

/// New causes of a feed that has as many as are kept become one. Gateways that commit at the same time may go beyond the
/// bound by what they bring at once.
async fn within_bound(transaction: &Transaction<'_>, notices: Vec<Notice>) -> Result<Vec<Notice>, StoreError> {
    let ids: Vec<String> = notices.iter().map(|notice| notice.cause.id()).collect();
    let statement = transaction.prepare_cached("SELECT DISTINCT id FROM unused WHERE id = ANY($1)").await?;
    let rows = transaction.query(&statement, &[&ids]).await?;
    let known: BTreeSet<String> = rows.iter().map(|row| column(row, "id")).collect::<Result<_, _>>()?;
    if known.len() == ids.len() {
        return Ok(notices);
    }
    let statement =
        transaction.prepare_cached("SELECT count(DISTINCT id) AS count FROM unused WHERE feed = $1").await?;
    let mut room: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut kept = Vec::with_capacity(notices.len());
    for (notice, id) in notices.into_iter().zip(ids) {
        if known.contains(&id) {
            kept.push(notice);
            continue;
        }
        let feed = clean(&notice.cause.feed);
        if !room.contains_key(&feed) {
            let row = transaction.query_one(&statement, &[&feed]).await?;
            let used = usize::try_from(column::<i64>(&row, "count")?).unwrap_or(usize::MAX);
            room.insert(feed.clone(), MOST_CAUSES.saturating_sub(used));
        }
        let left = room.entry(feed).or_default();
        kept.push(if *left > 0 { notice } else { notice.beyond() });
        *left = left.saturating_sub(1);
    }
    Ok(kept)
}

const SUMS: &str = "SELECT id, min(cause) AS cause, sum(count)::bigint AS count, min(first_nanos) AS first,
        max(newest_nanos) AS newest, max(duty) AS duty,
        (array_agg(message ORDER BY newest_nanos DESC, message DESC) FILTER (WHERE message IS NOT NULL))[1] AS message,
        (array_agg(text ORDER BY newest_nanos DESC, message DESC NULLS LAST))[1] AS text,
        (SELECT document FROM unused_work WHERE unused_work.id = unused.id) AS work FROM unused";

/// All there are, of one feed or of all.
pub async fn entries(client: Object, feed: Option<String>) -> Result<Vec<UnusedEntry>, StoreError> {
    let sql = format!("{SUMS} WHERE $1::text IS NULL OR feed = $1 GROUP BY id");
    let statement = client.prepare_cached(&sql).await?;
    let feed = feed.map(|feed| clean(&feed));
    client.query(&statement, &[&feed]).await?.iter().map(entry).collect()
}

pub async fn get(client: &impl GenericClient, id: &str) -> Result<Option<UnusedEntry>, StoreError> {
    let statement = client.prepare_cached(&format!("{SUMS} WHERE id = $1 GROUP BY id")).await?;
    client.query_opt(&statement, &[&id]).await?.as_ref().map(entry).transpose()
}

fn entry(row: &Row) -> Result<UnusedEntry, StoreError> {
    let duty = column::<Option<&str>>(row, "duty")?;
    Ok(UnusedEntry {
        id: column(row, "id")?,
        cause: of_json(column(row, "cause")?)?,
        count: unsigned(column(row, "count")?),
        first: time(column(row, "first")?)?,
        newest: time(column(row, "newest")?)?,
        message: column::<Option<i64>>(row, "message")?.map(unsigned),
        text: column(row, "text")?,
        duty: [Duty::Feed, Duty::Practice].into_iter().find(|known| duty == Some(known.word())),
        work: column::<Option<&str>>(row, "work")?.map(of_json).transpose()?,
    })
}

pub async fn answer(transaction: &Transaction<'_>, answer: UnusedAnswer) -> Result<(), StoreError> {
    let refused = || StoreError::Refused("there is no such cause".to_string());
    let mut entry = get(transaction, &answer.id).await?.ok_or_else(refused)?;
    entry.answer(answer);
    write_work(transaction, &entry.id, &entry.work.unwrap_or_default()).await
}

/// Takes away what was last seen before a time, unless its work is open.
pub async fn prune(client: &mut Object, before: Timestamp, budget: i64) -> Result<u64, StoreError> {
    let transaction = client.transaction().await?;
    let aged = "SELECT id FROM unused LEFT JOIN unused_work USING (id) GROUP BY id
                HAVING max(newest_nanos) < $1 AND coalesce(bool_and(answered), true) ORDER BY id LIMIT $2";
    let statement = transaction.prepare_cached(aged).await?;
    let rows = transaction.query(&statement, &[&nanos(before), &budget]).await?;
    let ids: Vec<String> = rows.iter().map(|row| column(row, "id")).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    // What came again meanwhile is newer, and stays.
    let gone = "WITH gone AS (DELETE FROM unused WHERE id = ANY($1) AND newest_nanos < $2 RETURNING id),
                     done AS (DELETE FROM unused_work WHERE id IN (SELECT id FROM gone) AND answered)
                SELECT count(DISTINCT id) AS count FROM gone";
    let statement = transaction.prepare_cached(gone).await?;
    let count: i64 = column(&transaction.query_one(&statement, &[&ids, &nanos(before)]).await?, "count")?;
    transaction.commit().await?;
    Ok(unsigned(count))
}
