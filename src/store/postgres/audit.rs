//! Audit entries, by time and by person.

use deadpool_postgres::{Object, Transaction};
use futures_util::future::try_join_all;

use super::rows::{Conditions, column, cursor, json, of_json, page_size, signed};
use crate::identity::PersonId;
use crate::store::{AuditEntry, Cursor, Page, StoreError};

pub async fn put(transaction: &Transaction<'_>, entries: &[AuditEntry], sequence: u64) -> Result<(), StoreError> {
    let put = async |(ordinal, entry): (usize, &AuditEntry)| {
        let sql = "INSERT INTO audit (sequence, ordinal, person, document) VALUES ($1, $2, $3, $4)";
        let statement = transaction.prepare_cached(sql).await?;
        let ordinal = i32::try_from(ordinal).unwrap_or(i32::MAX);
        let person = entry.person.map(|person| person.to_string());
        transaction.execute(&statement, &[&signed(sequence), &ordinal, &person, &json(entry)?]).await?;
        Ok::<_, StoreError>(())
    };
    try_join_all(entries.iter().enumerate().map(put)).await?;
    Ok(())
}

pub async fn list(
    client: Object,
    person: Option<PersonId>,
    after: Option<Cursor>,
    count: usize,
) -> Result<Page<AuditEntry>, StoreError> {
    let mut conditions = Conditions::default();
    if let Some(person) = person {
        conditions.add("person = ?", vec![Box::new(person.to_string())]);
    }
    if let Some((sequence, ordinal)) = super::rows::after::<i64, i32>(after.as_ref())? {
        conditions.add("(sequence, ordinal) < (?, ?)", vec![Box::new(sequence), Box::new(ordinal)]);
    }
    let count = page_size(count);
    let sql = format!(
        "SELECT sequence, ordinal, document FROM audit {} ORDER BY sequence DESC, ordinal DESC LIMIT {}",
        conditions.clause(),
        count + 1
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &conditions.parameters()).await?;
    let more = rows.len() > count;
    let (mut items, mut last) = (Vec::new(), None);
    for row in rows.iter().take(count) {
        items.push(of_json(column(row, "document")?)?);
        last = Some((column::<i64>(row, "sequence")?, column::<i32>(row, "ordinal")?));
    }
    let next = last.filter(|_| more).map(|(sequence, ordinal)| cursor(&[&sequence, &ordinal]));
    Ok(Page { items, next })
}
