//! Panels: who is responsible for whom, replaced as a whole, found by any identifier.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;

use super::record::persons_of;
use super::rows::{Conditions, after_key, clean, column, json, nanos, of_json, page_size, signed, systems_and_values};
use crate::fhir::Identifier;
use crate::identity::PersonId;
use crate::record::{Head, Membership};
use crate::store::{Cursor, Page, StoreError};

/// System and value of a member's first identifier.
type MemberKey = (String, String);

/// Returns how many known patients joined, left or changed; each of them is made due now.
pub async fn replace(
    mut client: Object,
    panel: String,
    members: Vec<Membership>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut new: BTreeMap<MemberKey, Membership> = BTreeMap::new();
    for mut member in members {
        member.panel.clone_from(&panel);
        let Some(first) = member.identifiers.first() else {
            return Err(StoreError::Refused("a member of a panel has no identifier".to_string()));
        };
        new.insert((clean(&first.system), clean(&first.value)), member);
    }
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", &[&panel]).await?;
    let mut affected = BTreeSet::new();
    let rows = transaction.query("SELECT system, value, document FROM member WHERE panel = $1", &[&panel]).await?;
    for row in rows {
        let key: MemberKey = (column(&row, "system")?, column(&row, "value")?);
        let old: Membership = of_json(column(&row, "document")?)?;
        if new.get(&key) == Some(&old) {
            new.remove(&key);
            continue;
        }
        affected.extend(old.identifiers);
        let sql = "DELETE FROM member WHERE panel = $1 AND system = $2 AND value = $3";
        let statement = transaction.prepare_cached(sql).await?;
        transaction.execute(&statement, &[&panel, &key.0, &key.1]).await?;
    }
    for (key, member) in new {
        insert(&transaction, &panel, &key, &member).await?;
        affected.extend(member.identifiers);
    }
    let affected: Vec<Identifier> = affected.into_iter().collect();
    let persons: BTreeSet<PersonId> = persons_of(&transaction, &affected).await?.into_iter().flatten().collect();
    for person in &persons {
        wake(&transaction, *person, now).await?;
    }
    transaction.commit().await?;
    Ok(persons.len())
}

async fn insert(
    transaction: &Transaction<'_>,
    panel: &str,
    key: &MemberKey,
    member: &Membership,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO member (panel, system, value, document) VALUES ($1, $2, $3, $4)";
    let statement = transaction.prepare_cached(sql).await?;
    transaction.execute(&statement, &[&panel, &key.0, &key.1, &json(member)?]).await?;
    let (systems, values) = systems_and_values(&member.identifiers);
    let statement = transaction
        .prepare_cached(
            "INSERT INTO member_identifier (system, value, panel, member_system, member_value)
             SELECT system, value, $3, $4, $5 FROM unnest($1::text[], $2::text[]) AS own (system, value)
             ON CONFLICT DO NOTHING",
        )
        .await?;
    transaction.execute(&statement, &[&systems, &values, &panel, &key.0, &key.1]).await?;
    Ok(())
}

/// Raising the revision makes a decision that is being made on the old panel conflict, and be made again.
async fn wake(transaction: &Transaction<'_>, person: PersonId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT document FROM head WHERE person = $1 FOR UPDATE";
    let statement = transaction.prepare_cached(sql).await?;
    let Some(row) = transaction.query_opt(&statement, &[&person.to_string()]).await? else { return Ok(()) };
    let mut head: Head = of_json(column(&row, "document")?)?;
    head.revision += 1;
    let wake_at = head.wake_at.map_or(now, |at| at.min(now));
    head.wake_at = Some(wake_at);
    let statement = transaction
        .prepare_cached(
            "UPDATE head SET revision = $2, wake_nanos = $3, document = $4,
                    leased_until_nanos = CASE WHEN wake_nanos IS DISTINCT FROM $3 THEN 0 ELSE leased_until_nanos END
             WHERE person = $1",
        )
        .await?;
    let (revision, wake_nanos) = (signed(head.revision), nanos(wake_at));
    transaction.execute(&statement, &[&person.to_string(), &revision, &wake_nanos, &json(&head)?]).await?;
    Ok(())
}

pub async fn memberships(client: Object, identifiers: Vec<Identifier>) -> Result<Vec<Membership>, StoreError> {
    let (systems, values) = systems_and_values(&identifiers);
    let statement = client
        .prepare_cached(
            "SELECT DISTINCT member.panel, member.system, member.value, document FROM member_identifier AS own
             JOIN member ON (member.panel, member.system, member.value) = (own.panel, member_system, member_value)
             WHERE (own.system, own.value) IN (SELECT * FROM unnest($1::text[], $2::text[]))
             ORDER BY member.panel, member.system, member.value",
        )
        .await?;
    let rows = client.query(&statement, &[&systems, &values]).await?;
    rows.iter().map(|row| of_json(column(row, "document")?)).collect()
}

pub async fn list(
    client: Object,
    panel: String,
    after: Option<Cursor>,
    count: usize,
) -> Result<Page<Membership>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.add("panel = ?", vec![Box::new(panel)]);
    if let Some((system, value)) = after_key::<MemberKey>(after.as_ref())? {
        conditions.add("(system, value) > (?, ?)", vec![Box::new(system), Box::new(value)]);
    }
    let count = page_size(count);
    let sql = format!(
        "SELECT system, value, document FROM member {} ORDER BY system, value LIMIT {}",
        conditions.clause(),
        count + 1
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &conditions.parameters()).await?;
    let more = rows.len() > count;
    let read = |row: &tokio_postgres::Row| of_json(column(row, "document")?);
    let items = rows.iter().take(count).map(read).collect::<Result<Vec<Membership>, _>>()?;
    let last: Option<MemberKey> = match rows.get(count.saturating_sub(1)).filter(|_| more) {
        Some(row) => Some((column(row, "system")?, column(row, "value")?)),
        None => None,
    };
    Ok(Page { items, next: last.map(|last| json(&last).map(Cursor)).transpose()? })
}
