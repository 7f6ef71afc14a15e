//! Makes the terms by which resources are found anew, where the tables were filled by a program that knew other search parameters.

use tokio_postgres::{Client, Transaction};

use super::rows::{column, stored, terms};
use crate::fhir::search::SearchTable;
use crate::store::StoreError;

/// Resources in one transaction.
const CHUNK: i64 = 500;

/// In steps, each whole; cut off, it begins anew. Gateways that start together take turns at each step, and the first that is through
/// has done it for all.
pub async fn complete(client: &mut Client) -> Result<(), StoreError> {
    let wanted = SearchTable::fingerprint().cast_signed();
    let (mut last, mut count) = ((String::new(), String::new()), 0_usize);
    loop {
        let transaction = client.transaction().await?;
        transaction.execute("LOCK TABLE searches IN EXCLUSIVE MODE", &[]).await?;
        let known = transaction.query_opt("SELECT fingerprint FROM searches", &[]).await?;
        if known.map(|row| column::<i64>(&row, "fingerprint")).transpose()? == Some(wanted) {
            return Ok(());
        }
        let done = step(&transaction, &mut last).await?;
        if done == 0 {
            let sql =
                "INSERT INTO searches (fingerprint) VALUES ($1) ON CONFLICT (single) DO UPDATE SET fingerprint = $1";
            transaction.execute(sql, &[&wanted]).await?;
        }
        transaction.commit().await?;
        if done == 0 {
            return Ok(());
        }
        count += done;
        tracing::info!(resources = count, kind = last.0, "indexed for searching");
    }
}

/// The next resources after a place; 0 at the end.
async fn step(transaction: &Transaction<'_>, last: &mut (String, String)) -> Result<usize, StoreError> {
    let sql = "SELECT type, id, version, updated_nanos, document, state FROM resource WHERE (type, id) > ($1, $2)
               ORDER BY type, id LIMIT $3 FOR UPDATE";
    let rows = transaction.query(sql, &[&last.0, &last.1, &CHUNK]).await?;
    let statement = transaction.prepare("UPDATE resource SET terms = $3 WHERE type = $1 AND id = $2").await?;
    for row in &rows {
        let (kind, id): (String, String) = (column(row, "type")?, column(row, "id")?);
        transaction.execute(&statement, &[&kind, &id, &terms(&stored(row)?)]).await?;
        *last = (kind, id);
    }
    Ok(rows.len())
}
