//! One-time values until they expire, and small pieces of state by name.

use deadpool_postgres::Object;
use jiff::Timestamp;

use super::rows::{clean, nanos};
use crate::store::StoreError;

pub async fn remember(
    client: Object,
    kind: String,
    value: String,
    expires: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // Each new one takes a few expired away, more than one, so that they die out.
    let prune = client
        .prepare_cached(
            "DELETE FROM once WHERE (kind, value) IN
             (SELECT kind, value FROM once WHERE expires_nanos <= $1 ORDER BY expires_nanos LIMIT 8 FOR UPDATE SKIP LOCKED)",
        )
        .await?;
    client.execute(&prune, &[&nanos(now)]).await?;
    let remember = client
        .prepare_cached(
            "INSERT INTO once (kind, value, expires_nanos) VALUES ($1, $2, $3)
             ON CONFLICT (kind, value) DO UPDATE SET expires_nanos = excluded.expires_nanos WHERE once.expires_nanos <= $4",
        )
        .await?;
    let (kind, value) = (clean(&kind), clean(&value));
    Ok(client.execute(&remember, &[&kind, &value, &nanos(expires), &nanos(now)]).await? == 1)
}

pub async fn is_remembered(client: Object, kind: String, value: String, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM once WHERE kind = $1 AND value = $2 AND expires_nanos > $3";
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, &[&clean(&kind), &clean(&value), &nanos(now)]).await?.is_some())
}

pub async fn get_state(client: Object, name: String) -> Result<Option<Vec<u8>>, StoreError> {
    let row = client.query_opt("SELECT value FROM gateway_state WHERE name = $1", &[&name]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub async fn get_states(client: Object, names: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let sql = "SELECT value FROM unnest($1::text[]) WITH ORDINALITY AS asked (name, place)
               LEFT JOIN gateway_state USING (name) ORDER BY place";
    let rows = client.query(&client.prepare_cached(sql).await?, &[&names]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

pub async fn put_state(client: Object, name: String, value: Vec<u8>) -> Result<(), StoreError> {
    let sql = "INSERT INTO gateway_state (name, value) VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    client.execute(sql, &[&name, &value]).await?;
    Ok(())
}
