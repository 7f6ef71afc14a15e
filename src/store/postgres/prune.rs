//! Pruning by age: each kind in a transaction of its own, bounded, passing over rows that another gateway holds.

use deadpool_postgres::Object;
use jiff::Timestamp;

use super::rows::{column, nanos, of_json};
use crate::store::{AuditEntry, MessageSummary, PruneBefore, Pruned, StoreError};

pub async fn prune(mut client: Object, before: PruneBefore, budget: usize) -> Result<Pruned, StoreError> {
    let budget = budget.clamp(1, 1000);
    let messages = prune_messages(&mut client, before.messages, budget).await?;
    let deliveries = prune_deliveries(&client, before.deliveries, budget).await?;
    let audit = prune_audit(&client, before.audit, budget).await?;
    let expired = "DELETE FROM once WHERE (kind, value) IN
        (SELECT kind, value FROM once WHERE expires_nanos < $1 ORDER BY expires_nanos LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let once = delete_before(&client, expired, before.once, budget).await?;
    let unused = super::unused::prune(&mut client, before.messages, limit(budget)).await?;
    super::worklist::fold(&client).await?;
    super::sought::fold(&client).await?;
    let more = [messages, deliveries, audit, once, unused].contains(&(budget as u64));
    Ok(Pruned { messages, deliveries, audit, once, unused, more })
}

/// What is pruned cannot be sent again: what its partner holds is forgotten with it.
async fn prune_deliveries(client: &Object, before: Timestamp, budget: usize) -> Result<u64, StoreError> {
    let statement = client
        .prepare_cached(
            "WITH aged AS (SELECT id FROM delivery WHERE finished_nanos < $1 ORDER BY finished_nanos LIMIT $2
                           FOR UPDATE SKIP LOCKED),
                  gone AS (DELETE FROM delivery USING aged WHERE delivery.id = aged.id
                           RETURNING delivery.id, partner, thing),
                  forgotten AS (DELETE FROM held_copy USING gone
                                WHERE held_copy.partner = gone.partner AND held_copy.thing = gone.thing
                                  AND held_copy.newest = gone.id)
             SELECT count(*) AS count FROM gone",
        )
        .await?;
    let row = client.query_one(&statement, &[&nanos(before), &limit(budget)]).await?;
    Ok(super::rows::unsigned(column(&row, "count")?))
}

async fn delete_before(client: &Object, sql: &str, before: Timestamp, budget: usize) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, &[&nanos(before), &limit(budget)]).await?)
}

fn limit(budget: usize) -> i64 {
    i64::try_from(budget).unwrap_or(i64::MAX)
}

/// A replay that answers for an input now keeps the key by which it is recognised.
async fn prune_messages(client: &mut Object, before: Timestamp, budget: usize) -> Result<u64, StoreError> {
    let transaction = client.transaction().await?;
    let oldest = "SELECT sequence, summary FROM message ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED";
    let statement = transaction.prepare_cached(oldest).await?;
    let mut aged: Vec<i64> = Vec::new();
    for row in transaction.query(&statement, &[&limit(budget)]).await? {
        let summary: MessageSummary = of_json(column(&row, "summary")?)?;
        if summary.received < before {
            aged.push(column(&row, "sequence")?);
        }
    }
    if aged.is_empty() {
        return Ok(0);
    }
    let statement = transaction
        .prepare_cached(
            "WITH gone AS (DELETE FROM message WHERE sequence = ANY($1) 
                          RETURNING sequence, feed, control, content, class, received_nanos),
                  uncounted AS (INSERT INTO message_count (class, hour, change)
                                SELECT class, floor(received_nanos / 3600000000000.0)::bigint, -count(*)
                                FROM gone GROUP BY 1, 2),
                  forgotten AS (DELETE FROM input USING gone
                                WHERE input.feed = gone.feed AND input.control = gone.control
                                  AND input.content = gone.content AND input.sequence = gone.sequence)
             SELECT count(*) AS count FROM gone",
        )
        .await?;
    let count: i64 = column(&transaction.query_one(&statement, &[&aged]).await?, "count")?;
    transaction.commit().await?;
    Ok(super::rows::unsigned(count))
}

async fn prune_audit(client: &Object, before: Timestamp, budget: usize) -> Result<u64, StoreError> {
    let oldest = "SELECT sequence, ordinal, document FROM audit ORDER BY sequence, ordinal LIMIT $1";
    let statement = client.prepare_cached(oldest).await?;
    let (mut sequences, mut ordinals): (Vec<i64>, Vec<i32>) = (Vec::new(), Vec::new());
    for row in client.query(&statement, &[&limit(budget)]).await? {
        let entry: AuditEntry = of_json(column(&row, "document")?)?;
        if entry.at < before {
            sequences.push(column(&row, "sequence")?);
            ordinals.push(column(&row, "ordinal")?);
        }
    }
    if sequences.is_empty() {
        return Ok(0);
    }
    let sql = "DELETE FROM audit USING unnest($1::bigint[], $2::integer[]) AS aged (sequence, ordinal)
               WHERE audit.sequence = aged.sequence AND audit.ordinal = aged.ordinal";
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, &[&sequences, &ordinals]).await?)
}
