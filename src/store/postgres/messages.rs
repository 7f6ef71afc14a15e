//! Messages as they came, and whether one came before.

use deadpool_postgres::{GenericClient, Object, Transaction};

use super::rows::{clean, column, entry_of, json, signed, unsigned};
use super::sought::{self, Columns};
use crate::store::{MessageEntry, MessageFilter, Notice, Seen, StoreError};

/// Messages read at once while a column is filled.
const CHUNK: i64 = 200;

/// A replay brings the same input again on purpose: it is taken, and from then on answers for that input. Returns what of
/// it could not be used, for the first time of this input.
pub async fn claim(
    transaction: &Transaction<'_>,
    entry: &mut MessageEntry,
    sequence: u64,
) -> Result<Vec<Notice>, StoreError> {
    entry.summary.sequence = sequence;
    let counted = if entry.summary.replays.is_some() { counted_before(transaction, entry).await? } else { Vec::new() };
    let notices = entry.count_after(counted);
    let summary = &entry.summary;
    let (feed, control) = (clean(&summary.feed), clean(&summary.control));
    let statement = transaction
        .prepare_cached(
            "INSERT INTO input (feed, control, content, sequence) VALUES ($1, $2, $3, $4)
             ON CONFLICT (feed, control, content) DO UPDATE SET sequence = excluded.sequence WHERE $5",
        )
        .await?;
    let content = &entry.content[..];
    let replay = summary.replays.is_some();
    let taken = transaction.execute(&statement, &[&feed, &control, &content, &signed(sequence), &replay]).await?;
    if taken == 0 {
        let known = "SELECT sequence FROM input WHERE feed = $1 AND control = $2 AND content = $3";
        let row = transaction.query_one(known, &[&feed, &control, &content]).await?;
        return Err(StoreError::Duplicate(unsigned(row.try_get(0)?)));
    }
    Ok(notices)
}

/// Writes a message whose input is claimed.
pub async fn put(transaction: &Transaction<'_>, entry: &MessageEntry) -> Result<(), StoreError> {
    let Columns { class, received, kinds } = sought::put(transaction, entry).await?;
    let summary = &entry.summary;
    let statement = transaction
        .prepare_cached(
            "INSERT INTO message (sequence, feed, control, patient, faulty, content, summary, trace, raw, answer, others,
                                  class, received_nanos, kinds)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .await?;
    let patient = summary.patient.as_deref().map(clean);
    let faulty = MessageFilter { faulty: true, ..MessageFilter::default() }.takes(summary);
    let (document, trace) = (json(summary)?, json(&entry.trace)?);
    transaction
        .execute(
            &statement,
            &[
                &signed(summary.sequence),
                &clean(&summary.feed),
                &clean(&summary.control),
                &patient,
                &faulty,
                &&entry.content[..],
                &document,
                &trace,
                &entry.raw,
                &entry.answer,
                &others(entry),
                &class,
                &received,
                &kinds,
            ],
        )
        .await?;
    Ok(())
}

/// Whom else it is about; none where nobody.
fn others(entry: &MessageEntry) -> Option<Vec<String>> {
    let others: Vec<String> = entry.other_patients().iter().map(|patient| clean(patient)).collect();
    (!others.is_empty()).then_some(others)
}

/// The causes that were counted for the same input before. Whoever else replays it waits until this is committed.
async fn counted_before(transaction: &Transaction<'_>, entry: &MessageEntry) -> Result<Vec<String>, StoreError> {
    let (feed, control) = (clean(&entry.summary.feed), clean(&entry.summary.control));
    let known = "SELECT sequence FROM input WHERE feed = $1 AND control = $2 AND content = $3 FOR UPDATE";
    let statement = transaction.prepare_cached(known).await?;
    let row = transaction.query_opt(&statement, &[&feed, &control, &&entry.content[..]]).await?;
    let Some(row) = row else { return Ok(Vec::new()) };
    let before = get(transaction, unsigned(column(&row, "sequence")?)).await?;
    Ok(before.map(|before| before.counted()).unwrap_or_default())
}

pub async fn seen(client: Object, feed: String, control: String, content: [u8; 32]) -> Result<Seen, StoreError> {
    let statement = client
        .prepare_cached(
            "SELECT content = $3 AS same, sequence FROM input WHERE feed = $1 AND control = $2
             ORDER BY content = $3 DESC, sequence DESC LIMIT 1",
        )
        .await?;
    let row = client.query_opt(&statement, &[&clean(&feed), &clean(&control), &&content[..]]).await?;
    let Some(row) = row else { return Ok(Seen::New) };
    let sequence = unsigned(column(&row, "sequence")?);
    if !column::<bool>(&row, "same")? {
        return Ok(Seen::ControlReused(sequence));
    }
    Ok(get(&client, sequence).await?.map_or(Seen::New, |entry| Seen::Same(Box::new(entry))))
}

pub async fn get(client: &impl GenericClient, sequence: u64) -> Result<Option<MessageEntry>, StoreError> {
    let sql = "SELECT summary, content, raw, answer, trace FROM message WHERE sequence = $1";
    let statement = client.prepare_cached(sql).await?;
    client.query_opt(&statement, &[&signed(sequence)]).await?.as_ref().map(entry_of).transpose()
}

/// Fills the column of those whom a message is about beside the first, once, in the transaction that makes it.
pub async fn fill_others(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), StoreError> {
    let mut last = i64::MIN;
    loop {
        let sql = "SELECT sequence, summary, content, raw, answer, trace FROM message
                   WHERE sequence > $1 AND summary LIKE '%\"further_patients\"%' ORDER BY sequence LIMIT $2";
        let rows = transaction.query(sql, &[&last, &CHUNK]).await?;
        let Some(row) = rows.last() else { return Ok(()) };
        last = column(row, "sequence")?;
        for row in &rows {
            let (sequence, others): (i64, _) = (column(row, "sequence")?, others(&entry_of(row)?));
            transaction.execute("UPDATE message SET others = $2 WHERE sequence = $1", &[&sequence, &others]).await?;
        }
    }
}
