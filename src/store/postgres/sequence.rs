//! The number of each commit. Numbers are given out before commits end, so one may be seen after a later one: each commit holds, while it
//! lasts, a lock on the number that was given out last before its own, and what is below all of those locks is there for good.

use deadpool_postgres::{GenericClient, Transaction};

use super::rows::unsigned;
use crate::store::StoreError;

/// The first half of the locks' names: any number, but always this.
const LOCK: i32 = 0x6861_6e64;
/// Numbers are cut to what the other half can hold.
const HALF: i64 = 0x7fff_ffff;

/// The number of a commit that begins.
pub async fn next(transaction: &Transaction<'_>) -> Result<u64, StoreError> {
    let sql = "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared($1, (last_value & $2)::int) FROM commit_sequence)
               SELECT nextval('commit_sequence') FROM held";
    let statement = transaction.prepare_cached(sql).await?;
    Ok(unsigned(transaction.query_one(&statement, &[&LOCK, &HALF]).await?.try_get(0)?))
}

/// The last number that was given out.
pub async fn last(client: &impl GenericClient) -> Result<u64, StoreError> {
    let statement = client.prepare_cached("SELECT last_value FROM commit_sequence").await?;
    Ok(unsigned(client.query_one(&statement, &[]).await?.try_get(0)?))
}

/// All commits up to the first number have ended, and none after the second has begun. To be asked before what is to be complete is
/// read.
pub async fn settled(client: &impl GenericClient) -> Result<(u64, u64), StoreError> {
    // The locks are looked at after the number, or a commit could take its number in between. A lock that seems to be on a much higher
    // number is on one of before numbers were cut anew.
    let sql = "WITH given AS MATERIALIZED (SELECT last_value FROM commit_sequence)
               SELECT least(last_value, (
                   SELECT min((last_value & ~$2::bigint) + objid::bigint
                              - CASE WHEN objid::bigint > (last_value & $2) + $2 / 2 THEN $2 + 1 ELSE 0 END)
                   FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = $1 AND objsubid = 2
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))), last_value
               FROM given";
    let statement = client.prepare_cached(sql).await?;
    let row = client.query_one(&statement, &[&i64::from(LOCK), &HALF]).await?;
    Ok((unsigned(row.try_get(0)?), unsigned(row.try_get(1)?)))
}
