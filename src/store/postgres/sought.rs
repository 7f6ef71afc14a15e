//! Messages by what people look for, and how many there are: lists merge the index's ranges, one for each class, and counts are sums of
//! hours. A commit adds rows to the counts and never changes one; `fold` adds up what has gathered.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{GenericClient, Object};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::rows::{
    Conditions, Parameter, after, clean, column, cursor, entry_of, json, nanos, of_json, page_size, signed, unsigned,
};
use crate::store::{
    Cursor, MOST_CLASSES, MOST_COUNTED, MOST_READ, MOST_READ_BYTES, MessageClass, MessageCount, MessageEntry,
    MessageFilter, MessageSummary, MessagesFound, StoreError, kinds_of,
};

const HOUR_NANOS: i64 = 3_600_000_000_000;
/// Rows of counts that a reader adds up before it has them folded.
const FOLD_AT: i64 = 5_000;
/// Messages read at once while they are looked through, and while the columns are filled.
const CHUNK: usize = 200;

/// What a message's row says of it beside the rest.
pub struct Columns {
    pub class: i64,
    pub received: i64,
    pub kinds: i32,
}

fn id_of(class: &MessageClass) -> Result<i64, StoreError> {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(json(class)?.as_bytes());
    Ok(digest.iter().take(8).fold(0_i64, |id, byte| (id << 8) | i64::from(*byte)))
}

/// As PostgreSQL can hold it.
fn class_of(entry: &MessageEntry) -> MessageClass {
    let class = MessageClass::of(entry);
    MessageClass { feed: clean(&class.feed), event: clean(&class.event), ..class }
}

/// Says what class a message is of, and counts it. A class stays when its last message goes: another commit may be about to use it.
pub async fn put(client: &impl GenericClient, entry: &MessageEntry) -> Result<Columns, StoreError> {
    let mut class = class_of(entry);
    let statement = client.prepare_cached("SELECT 1 FROM message_class WHERE id = $1").await?;
    if client.query_opt(&statement, &[&id_of(&class)?]).await?.is_none() {
        let statement = client.prepare_cached("SELECT count(*) AS count FROM message_class WHERE feed = $1").await?;
        let known: i64 = column(&client.query_one(&statement, &[&class.feed]).await?, "count")?;
        if unsigned(known) >= MOST_CLASSES as u64 {
            class = class.rest();
        }
        let sql = "INSERT INTO message_class (id, feed, document) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let statement = client.prepare_cached(sql).await?;
        client.execute(&statement, &[&id_of(&class)?, &class.feed, &json(&class)?]).await?;
    }
    let received = nanos(entry.summary.received);
    let columns = Columns { class: id_of(&class)?, received, kinds: i32::from(kinds_of(&entry.trace)) };
    let sql = "INSERT INTO message_count (class, hour, change) VALUES ($1, $2, 1)";
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, &[&columns.class, &received.div_euclid(HOUR_NANOS)]).await?;
    Ok(columns)
}

/// The classes that may have what is asked for, with whether each of their messages has to be looked at.
async fn classes(client: &Object, filter: &MessageFilter) -> Result<Vec<(i64, bool)>, StoreError> {
    let sql = "SELECT id, document FROM message_class WHERE $1::text IS NULL OR feed = $1";
    let statement = client.prepare_cached(sql).await?;
    let mut found = Vec::new();
    for row in client.query(&statement, &[&filter.feed.as_deref().map(clean)]).await? {
        let class: MessageClass = of_json(column(&row, "document")?)?;
        if filter.takes_class(&class) {
            found.push((column(&row, "id")?, filter.is_unsure_of(&class)));
        }
    }
    Ok(found)
}

/// Conditions on time and place, for each range.
fn placed(conditions: &mut Conditions, filter: &MessageFilter, last: Option<(i64, i64)>) -> String {
    let mut parts = vec!["true".to_string()];
    if let Some(from) = filter.from {
        parts.push(conditions.numbered("received_nanos >= ?", vec![Box::new(nanos(from))]));
    }
    if let Some(before) = filter.before {
        parts.push(conditions.numbered("received_nanos < ?", vec![Box::new(nanos(before))]));
    }
    if let Some((received, sequence)) = last {
        let last: Vec<Parameter> = vec![Box::new(received), Box::new(sequence)];
        parts.push(conditions.numbered("(received_nanos, sequence) < (?, ?)", last));
    }
    parts.join(" AND ")
}

/// The next of those that may be asked for, after a place.
async fn next(
    client: &Object,
    filter: &MessageFilter,
    classes: &[i64],
    last: Option<(i64, i64)>,
    count: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut conditions = Conditions::default();
    let placed = placed(&mut conditions, filter, last);
    let raw = if filter.text.is_some() { "raw" } else { "''::bytea AS raw" };
    let columns = format!("sequence, received_nanos, kinds, summary, {raw}");
    let order = format!("ORDER BY received_nanos DESC, sequence DESC LIMIT {count}");
    let sql = if let Some(control) = &filter.control {
        let control = conditions.numbered("control = ?", vec![Box::new(clean(control))]);
        format!("SELECT {columns} FROM message WHERE {control} AND {placed} {order}")
    } else if let Some(patients) = &filter.patients {
        let patients: Vec<String> = patients.iter().map(|patient| clean(patient)).collect();
        let both: Vec<Parameter> = vec![Box::new(patients.clone()), Box::new(patients)];
        let theirs = conditions.numbered("(patient = ANY(?) OR others && ?)", both);
        format!("SELECT {columns} FROM message WHERE {theirs} AND {placed} {order}")
    } else {
        let classes = conditions.numbered("?", vec![Box::new(classes.to_vec())]);
        format!(
            "SELECT ranges.* FROM unnest({classes}::bigint[]) AS wanted (id),
             LATERAL (SELECT {columns} FROM message WHERE class = wanted.id AND {placed} {order}) AS ranges {order}"
        )
    };
    let statement = client.prepare_cached(&sql).await?;
    Ok(client.query(&statement, &conditions.parameters()).await?)
}

pub async fn find(
    client: Object,
    filter: MessageFilter,
    cursor_given: Option<Cursor>,
    count: usize,
) -> Result<MessagesFound, StoreError> {
    let count = page_size(count);
    if filter.is_all() {
        return newest(&client, cursor_given.as_ref(), count).await;
    }
    let mut last = after::<i64, i64>(cursor_given.as_ref())?;
    let classes: Vec<i64> = classes(&client, &filter).await?.into_iter().map(|(class, _)| class).collect();
    let (mut found, mut read) = (MessagesFound { items: Vec::new(), next: None, looked: 0, reached: None }, 0);
    loop {
        // One more than is wanted tells whether there is more.
        let chunk = CHUNK.min(if filter.is_of_classes() { count + 1 } else { CHUNK });
        let rows = next(&client, &filter, &classes, last, chunk).await?;
        for row in &rows {
            if found.items.len() == count || found.looked == MOST_READ as u64 || read > MOST_READ_BYTES {
                found.next = last.map(|(received, sequence)| cursor(&[&received, &sequence]));
                return Ok(found);
            }
            found.looked += 1;
            let sequence: i64 = column(row, "sequence")?;
            last = Some((column(row, "received_nanos")?, sequence));
            let (summary, raw): (MessageSummary, &[u8]) = (of_json(column(row, "summary")?)?, column(row, "raw")?);
            found.reached = Some(summary.received);
            read += raw.len();
            if is_taken(&filter, row, &summary)? && filter.takes_text(raw) {
                found.items.push(summary);
            }
        }
        if rows.len() < chunk {
            return Ok(found);
        }
    }
}

/// By all but its text. Those it is about were told by the statement.
fn is_taken(filter: &MessageFilter, row: &Row, summary: &MessageSummary) -> Result<bool, StoreError> {
    let kinds = u16::try_from(column::<i32>(row, "kinds")?).unwrap_or_default();
    let of_anybody = MessageFilter { patients: None, ..filter.clone() };
    Ok(filter.takes_kinds(kinds) && of_anybody.takes(summary))
}

/// All, in the order in which they came.
async fn newest(client: &Object, given: Option<&Cursor>, count: usize) -> Result<MessagesFound, StoreError> {
    let (sequence, _) = after::<i64, u64>(given)?.unwrap_or((i64::MAX, 0));
    let sql = "SELECT summary FROM message WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2";
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&sequence, &signed(count as u64 + 1)]).await?;
    let read = |row: &Row| of_json(column(row, "summary")?);
    let items = rows.iter().take(count).map(read).collect::<Result<Vec<MessageSummary>, _>>()?;
    let last = items.last();
    let next = last.filter(|_| rows.len() > count).map(|last| cursor(&[&last.sequence, &0]));
    let reached = last.map(|last| last.received);
    Ok(MessagesFound { looked: items.len() as u64, reached, next, items })
}

pub async fn count(client: Object, filter: MessageFilter) -> Result<MessageCount, StoreError> {
    let filter = MessageFilter { text: None, ..filter };
    let mut counted = MessageCount { count: 0, is_exact: true };
    let mut unsure = Vec::new();
    if filter.is_of_classes() {
        let (looked_at, sure): (Vec<_>, Vec<_>) = classes(&client, &filter).await?.into_iter().partition(|(_, it)| *it);
        unsure = looked_at.into_iter().map(|(class, _)| class).collect();
        let sure: Vec<i64> = sure.into_iter().map(|(class, _)| class).collect();
        counted.count = summed(&client, &sure, filter.from, filter.before).await?;
        if unsure.is_empty() {
            return Ok(counted);
        }
    }
    let (mut looked, mut last) = (0, None);
    loop {
        let rows = next(&client, &filter, &unsure, last, CHUNK).await?;
        for row in &rows {
            if looked == MOST_COUNTED {
                return Ok(MessageCount { is_exact: false, ..counted });
            }
            looked += 1;
            last = Some((column(row, "received_nanos")?, column(row, "sequence")?));
            counted.count += u64::from(is_taken(&filter, row, &of_json(column(row, "summary")?)?)?);
        }
        if rows.len() < CHUNK {
            return Ok(counted);
        }
    }
}

/// Whole hours by their sums, the ends of the time by looking.
async fn summed(
    client: &Object,
    classes: &[i64],
    from: Option<Timestamp>,
    before: Option<Timestamp>,
) -> Result<u64, StoreError> {
    let (from, before) = (from.map_or(i64::MIN, nanos), before.map_or(i64::MAX, nanos));
    let first = from.div_euclid(HOUR_NANOS) + i64::from(from.rem_euclid(HOUR_NANOS) > 0 && from != i64::MIN);
    let last = if before == i64::MAX { i64::MAX } else { before.div_euclid(HOUR_NANOS) };
    // Of a time within one hour there is no whole hour.
    let (head, tail) = if first > last {
        ((from, before), (0, 0))
    } else {
        ((from, first.saturating_mul(HOUR_NANOS)), (last.saturating_mul(HOUR_NANOS), before))
    };
    let sql = "SELECT coalesce((SELECT sum(change) FROM message_count
                                WHERE class = ANY($1) AND hour >= $2 AND hour < $3), 0)::bigint
                    + (SELECT count(*) FROM message WHERE class = ANY($1) AND received_nanos >= $4 AND received_nanos < $5)
                    + (SELECT count(*) FROM message WHERE class = ANY($1) AND received_nanos >= $6 AND received_nanos < $7)
                      AS count, (SELECT count(*) FROM message_count WHERE class = ANY($1)) AS rows";
    let statement = client.prepare_cached(sql).await?;
    let row = client.query_one(&statement, &[&classes, &first, &last, &head.0, &head.1, &tail.0, &tail.1]).await?;
    if column::<i64>(&row, "rows")? > FOLD_AT {
        fold(client).await?;
    }
    Ok(unsigned(column(&row, "count")?))
}

/// Adds up the rows of the counts, where they are many more than the sums would be. Rows that another gateway is
/// adding up are left to it, so that nothing is counted twice.
pub async fn fold(client: &impl GenericClient) -> Result<(), StoreError> {
    let sql = "SELECT count(*) > 1000 + 2 * count(DISTINCT (class, hour)) AS grown FROM message_count";
    if !column::<bool>(&client.query_one(&client.prepare_cached(sql).await?, &[]).await?, "grown")? {
        return Ok(());
    }
    let sql = "WITH mine AS (SELECT ctid FROM message_count FOR UPDATE SKIP LOCKED),
                    gone AS (DELETE FROM message_count WHERE ctid IN (SELECT ctid FROM mine)
                             RETURNING class, hour, change)
               INSERT INTO message_count (class, hour, change)
               SELECT class, hour, sum(change)::bigint FROM gone GROUP BY class, hour HAVING sum(change) <> 0";
    client.execute(&client.prepare_cached(sql).await?, &[]).await?;
    Ok(())
}

/// Fills the columns and the counts for the messages there are, once, in the transaction that makes them.
pub async fn fill(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), StoreError> {
    let (mut last, mut classes) = (i64::MIN, BTreeSet::new());
    let mut of_feeds = BTreeMap::<String, usize>::new();
    loop {
        let sql = "SELECT sequence, summary, content, raw, answer, trace FROM message
                   WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        let rows = transaction.query(sql, &[&last, &signed(CHUNK as u64)]).await?;
        let Some(row) = rows.last() else { break };
        last = column(row, "sequence")?;
        for row in &rows {
            let entry = entry_of(row)?;
            let mut class = class_of(&entry);
            let known = of_feeds.entry(class.feed.clone()).or_default();
            if !classes.contains(&class) && *known >= MOST_CLASSES {
                class = class.rest();
            }
            let (sequence, id, kinds) =
                (column::<i64>(row, "sequence")?, id_of(&class)?, i32::from(kinds_of(&entry.trace)));
            let sql = "UPDATE message SET class = $2, received_nanos = $3, kinds = $4 WHERE sequence = $1";
            transaction.execute(sql, &[&sequence, &id, &nanos(entry.summary.received), &kinds]).await?;
            *known += usize::from(classes.insert(class));
        }
    }
    for class in &classes {
        let sql = "INSERT INTO message_class (id, feed, document) VALUES ($1, $2, $3)";
        transaction.execute(sql, &[&id_of(class)?, &class.feed, &json(class)?]).await?;
    }
    let sql = "INSERT INTO message_count (class, hour, change)
               SELECT class, floor(received_nanos / 3600000000000.0)::bigint, count(*) FROM message GROUP BY 1, 2;
               ALTER TABLE message ALTER COLUMN class SET NOT NULL, ALTER COLUMN received_nanos SET NOT NULL,
                                   ALTER COLUMN kinds SET NOT NULL";
    Ok(transaction.batch_execute(sql).await?)
}
