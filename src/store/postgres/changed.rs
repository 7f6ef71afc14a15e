//! What of one type changed since a listing began and may have been missed by it, oldest change first.

use deadpool_postgres::GenericClient;

use super::rows::{Conditions, after, column, cursor, page_size, signed, stored, unsigned};
use super::sequence;
use crate::record::Stored;
use crate::store::query::{Following, Judge, MOST_VERSIONS, Window, may_be_missed};
use crate::store::{Cursor, Found, Match, StoreError};

/// Changes looked at in one call.
const STEPS: usize = 2000;
const CHUNK: usize = 250;

/// A listing that goes on, or begins with all that has ended by now.
pub async fn following(client: &impl GenericClient, cursor: Option<&Cursor>) -> Result<Following, StoreError> {
    match cursor {
        Some(cursor) => Following::of(cursor),
        None => {
            let (settled, last) = sequence::settled(client).await?;
            Ok(Following::begun(settled, last))
        }
    }
}

/// `narrowed` is what the tables can say of what is asked for, the type at least.
pub async fn missed(
    client: &impl GenericClient,
    resource_type: &str,
    mut narrowed: Conditions,
    window: Window,
    from: Option<Cursor>,
    count: usize,
    judge: &Judge<'_>,
) -> Result<Found, StoreError> {
    let mut last = after::<i64, String>(from.as_ref())?.unwrap_or((signed(window.since), "~".to_string()));
    let is_after = narrowed.numbered("(sequence, id) > (?, ?)", vec![Box::new(last.0), Box::new(last.1.clone())]);
    let place = narrowed.count();
    narrowed.push(is_after);
    let sql = format!(
        "SELECT id, version, updated_nanos, document, state, sequence FROM resource {}
         ORDER BY sequence, id LIMIT {}",
        narrowed.clause(),
        CHUNK + 1
    );
    let (statement, count) = (client.prepare_cached(&sql).await?, page_size(count));
    let (mut items, mut looked) = (Vec::new(), 0);
    loop {
        narrowed.put(place - 2, Box::new(last.0));
        narrowed.put(place - 1, Box::new(last.1.clone()));
        let rows = client.query(&statement, &narrowed.parameters()).await?;
        let is_last = rows.len() <= CHUNK;
        for (number, row) in rows.iter().take(CHUNK).enumerate() {
            let (now, here) = (stored(row)?, (column::<i64>(row, "sequence")?, column::<String>(row, "id")?));
            looked += 1;
            if is_missed(client, resource_type, &now, unsigned(here.0), window, judge).await? {
                items.push(Match { stored: now, place: cursor(&[&here.0, &here.1]) });
            }
            last = here;
            let more = !is_last || number + 1 < rows.len();
            if more && (items.len() == count || looked == STEPS) {
                return Ok(Found { items, next: Some(cursor(&[&last.0, &last.1])), looked });
            }
        }
        if is_last {
            return Ok(Found { items, next: None, looked });
        }
    }
}

async fn is_missed(
    client: &impl GenericClient,
    resource_type: &str,
    now: &Stored,
    sequence: u64,
    window: Window,
    judge: &Judge<'_>,
) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT id, version, updated_nanos, document, state, coalesce(sequence, 0) AS sequence FROM history
         WHERE type = $1 AND id = $2 AND version < $3 ORDER BY version DESC LIMIT {}",
        MOST_VERSIONS + 1
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&resource_type, &now.id.to_string(), &signed(now.version)]).await?;
    let versions = rows.iter().map(|row| Ok((unsigned(column(row, "sequence")?), stored(row)?)));
    let versions = versions.collect::<Result<Vec<_>, StoreError>>()?;
    may_be_missed(window, now, sequence, judge, |version| {
        Ok(versions.iter().find(|(_, stored)| stored.version == version).cloned())
    })
}
