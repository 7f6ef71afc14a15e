//! The index of open work and its counts. A commit adds rows to the counts and never changes one, so that two commits never wait
//! for each other; `fold` adds up what has gathered.

use std::collections::BTreeMap;

use deadpool_postgres::{GenericClient, Object, Transaction};
use jiff::Timestamp;

use super::rows::{Conditions, after_key, clean, column, json, nanos, page_size, stored, unsigned};
use super::{changed, sequence};
use crate::record::Stored;
use crate::store::query::{found_of, page_of};
use crate::store::{Cursor, Page, StoreError, Urgency, WorkCounts, WorkFilter, WorkPlace};

const HOUR_NANOS: i64 = 3_600_000_000_000;
/// Work without a due date.
const NO_TIME: i64 = i64::MAX;
/// Rows of counts that a reader adds up before it has them folded.
const FOLD_AT: i64 = 5_000;
/// Tasks read at once while the index is filled.
const CHUNK: i64 = 1_000;

/// Where in the order: urgency, due, id.
type OrderKey = (i16, i64, String);

/// What is changed of the counts: by scope, urgency and hour.
#[derive(Default)]
pub struct Tally(BTreeMap<(String, i16, i64), i64>);

impl Tally {
    fn count(&mut self, scope: String, urgency: i16, due: i64, change: i64) {
        let hour = if due == NO_TIME { NO_TIME } else { due.div_euclid(HOUR_NANOS) };
        *self.0.entry((scope, urgency, hour)).or_default() += change;
    }
}

fn scope(owner: Option<&str>) -> String {
    owner.map_or_else(|| "*".to_string(), |owner| format!("={}", clean(owner)))
}

/// The lists that it stands in.
fn scopes(place: &WorkPlace) -> Vec<String> {
    let mut scopes: Vec<String> = place.lists.iter().map(|list| scope(list.as_deref())).collect();
    scopes.sort();
    scopes.dedup();
    scopes
}

/// Moves a Task to where it belongs now, and says what that changes of the counts.
pub async fn moved(transaction: &Transaction<'_>, stored: &Stored) -> Result<Tally, StoreError> {
    let (id, mut tally) = (stored.id.to_string(), Tally::default());
    let gone = "DELETE FROM open_work WHERE id = $1 RETURNING scope, urgency, due_nanos";
    let statement = transaction.prepare_cached(gone).await?;
    for row in transaction.query(&statement, &[&id]).await? {
        tally.count(column(&row, "scope")?, column(&row, "urgency")?, column(&row, "due_nanos")?, -1);
    }
    let Some(place) = WorkPlace::of(stored) else { return Ok(tally) };
    let urgency = i16::from(place.urgency.rank());
    let due = place.due.map_or(NO_TIME, nanos);
    let scopes = scopes(&place);
    let sql = "INSERT INTO open_work (id, scope, urgency, due_nanos) SELECT $1, scope, $3, $4 FROM unnest($2::text[]) AS scope";
    let statement = transaction.prepare_cached(sql).await?;
    transaction.execute(&statement, &[&id, &scopes, &urgency, &due]).await?;
    scopes.into_iter().for_each(|scope| tally.count(scope, urgency, due, 1));
    Ok(tally)
}

/// Adds up what was changed of the counts, and writes it.
pub async fn write(transaction: &Transaction<'_>, tallies: Vec<Tally>) -> Result<(), StoreError> {
    let mut sum = Tally::default();
    for (place, change) in tallies.into_iter().flat_map(|tally| tally.0) {
        *sum.0.entry(place).or_default() += change;
    }
    let changed: Vec<_> = sum.0.into_iter().filter(|(_, change)| *change != 0).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO open_work_count (scope, urgency, hour, change)
               SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[])";
    let statement = transaction.prepare_cached(sql).await?;
    let (mut scopes, mut urgencies, mut hours, mut changes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((scope, urgency, hour), change) in changed {
        scopes.push(scope);
        urgencies.push(urgency);
        hours.push(hour);
        changes.push(change);
    }
    transaction.execute(&statement, &[&scopes, &urgencies, &hours, &changes]).await?;
    Ok(())
}

/// In its order; then what changed meanwhile and may have moved past the reader.
pub async fn page(
    client: Object,
    filter: WorkFilter,
    cursor: Option<Cursor>,
    count: usize,
) -> Result<Page<Stored>, StoreError> {
    let following = changed::following(&client, cursor.as_ref()).await?;
    let tasks = || {
        let mut conditions = Conditions::default();
        conditions.add("type = ?", vec![Box::new("Task")]);
        conditions
    };
    let judge = |stored: &Stored| filter.place_of(stored);
    if let Some(until) = following.until {
        let window = following.window(until);
        let caught = changed::missed(&client, "Task", tasks(), window, following.at(), count, &judge).await?;
        return Ok(page_of(following.wrap(caught)));
    }
    let found = found_of(in_order(&client, &filter, following.at(), count).await?);
    let until = sequence::last(&client).await?;
    if found.next.is_some() || cursor.is_none() || until == following.since {
        return Ok(page_of(following.wrap(found)));
    }
    let (window, room) = (following.window(until), count.saturating_sub(found.items.len()).max(1));
    let caught = changed::missed(&client, "Task", tasks(), window, None, room, &judge).await?;
    Ok(page_of(following.close(found, caught, until, count)))
}

async fn in_order(
    client: &Object,
    filter: &WorkFilter,
    after: Option<Cursor>,
    count: usize,
) -> Result<Page<Stored>, StoreError> {
    let after = after_key::<OrderKey>(after.as_ref())?;
    let count = page_size(count);
    let mut conditions = Conditions::default();
    let ranges: Vec<String> = Urgency::ALL
        .into_iter()
        .filter(|urgency| filter.asks(*urgency))
        .filter(|urgency| after.as_ref().is_none_or(|(last, _, _)| *last <= i16::from(urgency.rank())))
        .map(|urgency| range(&mut conditions, urgency, filter, after.as_ref(), count + 1))
        .collect();
    if ranges.is_empty() {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let sql = format!(
        "SELECT * FROM ({}) AS ranges ORDER BY urgency, due_nanos, id LIMIT {}",
        ranges.join(" UNION ALL "),
        count + 1
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &conditions.parameters()).await?;
    let items = rows.iter().take(count).map(stored).collect::<Result<Vec<_>, _>>()?;
    let last = rows.get(count.saturating_sub(1)).filter(|_| rows.len() > count);
    let key = |row| -> Result<OrderKey, StoreError> {
        Ok((column(row, "urgency")?, column(row, "due_nanos")?, column(row, "id")?))
    };
    let next = last.map(|row| json(&key(row)?).map(Cursor)).transpose()?;
    Ok(Page { items, next })
}

/// The first so many of one urgency. Each is one range of the index, whatever it is that the page shows: what is due before a time
/// stands together within an urgency only.
fn range(
    conditions: &mut Conditions,
    urgency: Urgency,
    filter: &WorkFilter,
    after: Option<&OrderKey>,
    count: usize,
) -> String {
    let rank = i16::from(urgency.rank());
    let mut parts = vec![conditions.numbered("urgency = ?", vec![Box::new(rank)])];
    parts.push(conditions.numbered("scope = ?", vec![Box::new(scope(filter.owner.as_deref()))]));
    if let Some(from) = filter.due_from {
        parts.push(conditions.numbered("due_nanos >= ?", vec![Box::new(nanos(from))]));
    }
    if let Some(until) = filter.due_before {
        parts.push(conditions.numbered("due_nanos < ?", vec![Box::new(nanos(until))]));
    }
    if let Some((_, due, id)) = after.filter(|(last, _, _)| *last == rank) {
        let last: Vec<super::rows::Parameter> = vec![Box::new(*due), Box::new(id.clone())];
        parts.push(conditions.numbered("(due_nanos, open_work.id) > (?, ?)", last));
    }
    format!(
        "(SELECT urgency, due_nanos, resource.id AS id, version, updated_nanos, document, state
          FROM open_work JOIN resource ON resource.type = 'Task' AND resource.id = open_work.id
          WHERE {} ORDER BY urgency, due_nanos, open_work.id LIMIT {count})",
        parts.join(" AND ")
    )
}

/// Late is what was due before `now`: whole hours by their sums, and the one under way by looking.
pub async fn counts(client: Object, owner: Option<String>, now: Timestamp) -> Result<WorkCounts, StoreError> {
    let (scope, now) = (scope(owner.as_deref()), nanos(now));
    let hour = now.div_euclid(HOUR_NANOS);
    let sql = "SELECT urgency, coalesce(sum(change), 0)::bigint AS open,
                      coalesce(sum(change) FILTER (WHERE hour < $2), 0)::bigint AS late, count(*) AS rows,
                      (SELECT count(*) FROM open_work WHERE scope = $1
                       AND urgency = counted.urgency AND due_nanos >= $3 AND due_nanos < $4) AS under_way
               FROM open_work_count AS counted WHERE scope = $1 GROUP BY urgency";
    let statement = client.prepare_cached(sql).await?;
    let start = hour.saturating_mul(HOUR_NANOS);
    let rows = client.query(&statement, &[&scope, &hour, &start, &now]).await?;
    let (mut counts, mut read) = (WorkCounts::default(), 0_i64);
    for row in &rows {
        let rank = u8::try_from(column::<i16>(row, "urgency")?).unwrap_or_default();
        counts.add(rank, false, unsigned(column(row, "open")?));
        counts.turned_late(rank, unsigned(column(row, "late")?) + unsigned(column(row, "under_way")?));
        read += column::<i64>(row, "rows")?;
    }
    if read > FOLD_AT {
        fold(&client).await?;
    }
    Ok(counts)
}

/// Adds up the rows of the counts, where they are many more than the sums would be. Rows that another gateway is adding up are
/// left to it, so that nothing is counted twice.
pub async fn fold(client: &impl GenericClient) -> Result<(), StoreError> {
    let sql = "SELECT count(*) > 1000 + 2 * count(DISTINCT (scope, urgency, hour)) AS grown FROM open_work_count";
    if !column::<bool>(&client.query_one(&client.prepare_cached(sql).await?, &[]).await?, "grown")? {
        return Ok(());
    }
    let sql = "WITH mine AS (SELECT ctid FROM open_work_count FOR UPDATE SKIP LOCKED),
                    gone AS (DELETE FROM open_work_count WHERE ctid IN (SELECT ctid FROM mine)
                             RETURNING scope, urgency, hour, change)
               INSERT INTO open_work_count (scope, urgency, hour, change)
               SELECT scope, urgency, hour, sum(change)::bigint FROM gone GROUP BY scope, urgency, hour
               HAVING sum(change) <> 0";
    client.execute(&client.prepare_cached(sql).await?, &[]).await?;
    Ok(())
}

/// Fills the index from the Tasks that there are, once, in the transaction that makes its tables.
pub async fn build(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let sql = "SELECT id, version, updated_nanos, document, state FROM resource
                   WHERE type = 'Task' AND id > $1 ORDER BY id LIMIT $2";
        let rows = transaction.query(sql, &[&last, &CHUNK]).await?;
        let Some(row) = rows.last() else { break };
        last = column(row, "id")?;
        let (mut ids, mut lists, mut urgencies, mut dues) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let tasks = rows.iter().map(stored).collect::<Result<Vec<Stored>, _>>()?;
        for (task, place) in tasks.iter().filter_map(|task| Some((task, WorkPlace::of(task)?))) {
            for scope in scopes(&place) {
                ids.push(task.id.to_string());
                lists.push(scope);
                urgencies.push(i16::from(place.urgency.rank()));
                dues.push(place.due.map_or(NO_TIME, nanos));
            }
        }
        let sql = "INSERT INTO open_work (id, scope, urgency, due_nanos)
                   SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[])";
        transaction.execute(sql, &[&ids, &lists, &urgencies, &dues]).await?;
    }
    let sql = "INSERT INTO open_work_count (scope, urgency, hour, change)
               SELECT scope, urgency, hour, count(*) FROM open_work,
                      LATERAL (SELECT CASE WHEN due_nanos = $1 THEN $1
                               ELSE floor(due_nanos / 3600000000000.0)::bigint END AS hour) AS hours
               GROUP BY scope, urgency, hour";
    transaction.execute(sql, &[&NO_TIME]).await?;
    Ok(())
}
