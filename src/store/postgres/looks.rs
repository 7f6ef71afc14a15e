//! What waits for a person's look: a column of the resource itself, written with it, and an index of the few where it is true.

use deadpool_postgres::Object;

use super::rows::{Conditions, column, page_size, stored, unsigned};
use crate::record::Stored;
use crate::store::looks::waits_for_look;
use crate::store::{Cursor, Page, StoreError, ToLookAt};

/// Diagnoses read at once while the column is filled.
const CHUNK: i64 = 1_000;

/// In the order of ids, so that what is of one patient stands together.
pub async fn page(client: Object, after: Option<Cursor>, count: usize) -> Result<ToLookAt, StoreError> {
    let after = super::rows::after::<String, String>(after.as_ref())?;
    let count = page_size(count);
    let mut conditions = Conditions::default();
    conditions.add("waits", Vec::new());
    if let Some((id, kind)) = after {
        conditions.add("(id, type) > (?, ?)", vec![Box::new(id), Box::new(kind)]);
    }
    let sql = format!(
        "SELECT id, type, version, updated_nanos, document, state, (SELECT count(*) FROM resource WHERE waits) AS total
         FROM resource {} ORDER BY id, type LIMIT {}",
        conditions.clause(),
        count + 1
    );
    let rows = client.query(&client.prepare_cached(&sql).await?, &conditions.parameters()).await?;
    let items = rows.iter().take(count).map(stored).collect::<Result<Vec<Stored>, _>>()?;
    let last = rows.get(count.saturating_sub(1)).filter(|_| rows.len() > count);
    let place = |row| Ok::<_, StoreError>((column::<String>(row, "id")?, column::<String>(row, "type")?));
    let next = last.map(|row| place(row).map(|(id, kind)| super::rows::cursor(&[&id, &kind]))).transpose()?;
    let total = match rows.first() {
        Some(row) => column(row, "total")?,
        // The end of a list that was read on says nothing of its beginning.
        None => {
            let sql = "SELECT count(*) FROM resource WHERE waits";
            client.query_one(&client.prepare_cached(sql).await?, &[]).await?.try_get(0)?
        }
    };
    Ok(ToLookAt { page: Page { items, next }, total: unsigned(total) })
}

/// Fills the column for what there is, once, in the transaction that makes it. A program of before kept back diagnoses and nothing
/// else.
pub async fn build(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let sql = "SELECT id, version, updated_nanos, document, state FROM resource
                   WHERE type = 'Condition' AND id > $1 AND document LIKE '%\"not-looked-at\"%' ORDER BY id LIMIT $2";
        let rows = transaction.query(sql, &[&last, &CHUNK]).await?;
        let Some(row) = rows.last() else { return Ok(()) };
        last = column(row, "id")?;
        let all = rows.iter().map(stored).collect::<Result<Vec<Stored>, _>>()?;
        let waiting = all.iter().filter(|stored| waits_for_look(stored));
        let ids: Vec<String> = waiting.map(|stored| stored.id.to_string()).collect();
        transaction
            .execute("UPDATE resource SET waits = true WHERE type = 'Condition' AND id = ANY($1)", &[&ids])
            .await?;
    }
}
