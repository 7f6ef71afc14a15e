//! Versions by when they were written (http://hl7.org/fhir/R4/http.html#history): of each type so many as a page takes, from an index each for current
//! and past versions, then merged.

use deadpool_postgres::Object;

use super::rows::{column, cursor, nanos, signed, stored};
use crate::store::kinds::kind;
use crate::store::{Cursor, Found, Match, Past, StoreError};

/// No page is larger.
const PAGE: usize = 1000;

pub async fn page(client: Object, past: Past, after: Option<Cursor>, count: usize) -> Result<Found, StoreError> {
    past.types.iter().try_for_each(|name| kind(name).map(drop))?;
    let count = count.clamp(1, PAGE);
    let (at, of, id, version) = place(after.as_ref())?;
    let (since, before) = (past.since.map_or(i64::MIN, nanos), past.before.map_or(i64::MAX, nanos));
    let part = |table: &str| {
        format!(
            "SELECT found.* FROM unnest($1::text[]) AS asked (name) CROSS JOIN LATERAL (
                 SELECT type, id, version, updated_nanos, document, state FROM {table}
                 WHERE type = asked.name AND updated_nanos >= $2 AND updated_nanos < $3 AND updated_nanos <= $4
                   AND (updated_nanos, type, id, version) < ($4, $5, $6, $7)
                 ORDER BY updated_nanos DESC, id DESC, version DESC LIMIT $8) AS found"
        )
    };
    let sql = format!(
        "SELECT * FROM ({} UNION ALL {}) AS versions ORDER BY updated_nanos DESC, type DESC, id DESC, version DESC LIMIT $8",
        part("resource"),
        part("history")
    );
    let statement = client.prepare_cached(&sql).await?;
    let limit = i64::try_from(count + 1).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&past.types, &since, &before, &at, &of, &id, &version, &limit]).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows.iter().take(count) {
        let stored = stored(row)?;
        let of: &str = column(row, "type")?;
        let place = cursor(&[&nanos(stored.updated), &of, &stored.id, &stored.version]);
        items.push(Match { stored, place });
    }
    // Nothing lost: the cursor goes on with the row that is one too many.
    let next = items.last().filter(|_| rows.len() > count).map(|one| one.place.clone());
    Ok(Found { items, next, looked: rows.len() })
}

/// Where a listing goes on; before everything where it begins.
fn place(after: Option<&Cursor>) -> Result<(i64, String, String, i64), StoreError> {
    let Some(after) = after else { return Ok((i64::MAX, String::new(), String::new(), 0)) };
    let parts: Vec<&str> = after.0.split('.').collect();
    let refused = || StoreError::Refused("this is no cursor of ours; start the listing again".to_string());
    let [at, of, id, version] = parts.as_slice() else { return Err(refused()) };
    let (at, version) = (at.parse().map_err(|_| refused())?, version.parse::<u64>().map_err(|_| refused())?);
    Ok((at, (*of).to_string(), (*id).to_string(), signed(version)))
}
