//! Reading a patient's record and what leads to it.

use std::collections::HashMap;

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::IsolationLevel;

use super::rows::{clean, column, of_json, parsed, signed, stored};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::{Head, Record, Stored};
use crate::store::StoreError;

const COLUMNS: &str = "id, version, updated_nanos, document, state";

/// Follows merges from each person to the record that is left; longer chains than 64 are circles.
const SURVIVORS: &str = r#"WITH RECURSIVE chain (asked, person, depth) AS (
        SELECT asked COLLATE "C", asked COLLATE "C", 0 FROM unnest($1::text[]) AS asked
        UNION ALL
        SELECT chain.asked, head.merged_into, chain.depth + 1 FROM chain JOIN head ON head.person = chain.person
        WHERE head.merged_into IS NOT NULL AND chain.depth < 64
    )
    SELECT DISTINCT ON (chain.asked) chain.asked, chain.person, coalesce(head.absorbed, '{}') AS absorbed
    FROM chain LEFT JOIN head ON head.person = chain.person ORDER BY chain.asked, chain.depth DESC"#;

/// The record that is left, and all it absorbed, for each person asked.
pub async fn survivors(
    client: &impl deadpool_postgres::GenericClient,
    persons: &[PersonId],
) -> Result<HashMap<PersonId, (PersonId, Vec<PersonId>)>, StoreError> {
    let asked: Vec<String> = persons.iter().map(ToString::to_string).collect();
    let statement = client.prepare_cached(SURVIVORS).await?;
    let mut found = HashMap::new();
    for row in client.query(&statement, &[&asked]).await? {
        let absorbed: Vec<String> = column(&row, "absorbed")?;
        let absorbed = absorbed.iter().filter_map(|person| person.parse().ok()).collect();
        found.insert(parsed(&row, "asked")?, (parsed(&row, "person")?, absorbed));
    }
    Ok(found)
}

pub async fn persons_of(
    client: &impl deadpool_postgres::GenericClient,
    identifiers: &[Identifier],
) -> Result<Vec<Option<PersonId>>, StoreError> {
    let (systems, values) = super::rows::systems_and_values(identifiers);
    let statement = client
        .prepare_cached(
            "SELECT system, value, person FROM person_identifier
             WHERE (system, value) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
        )
        .await?;
    let mut known: HashMap<(String, String), PersonId> = HashMap::new();
    for row in client.query(&statement, &[&systems, &values]).await? {
        known.insert((column(&row, "system")?, column(&row, "value")?), parsed(&row, "person")?);
    }
    let persons: Vec<PersonId> = known.values().copied().collect();
    let survivors = survivors(client, &persons).await?;
    let person_of = |identifier: &Identifier| {
        let person = known.get(&(clean(&identifier.system), clean(&identifier.value)))?;
        Some(survivors.get(person).map_or(*person, |(person, _)| *person))
    };
    Ok(identifiers.iter().map(person_of).collect())
}

pub async fn head(
    client: &impl deadpool_postgres::GenericClient,
    person: PersonId,
) -> Result<Option<Head>, StoreError> {
    let statement = client.prepare_cached("SELECT document FROM head WHERE person = $1").await?;
    let row = client.query_opt(&statement, &[&person.to_string()]).await?;
    row.map(|row| of_json(column(&row, "document")?)).transpose()
}

pub async fn load(
    mut client: Object,
    person: PersonId,
    shared: Vec<(String, ResourceId)>,
    observations: usize,
) -> Result<Record, StoreError> {
    let view = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let view = view.start().await?;
    let mut record = Record::new(person);
    if let Some(head) = head(&view, person).await? {
        record.head = head;
    }
    let family: Vec<String> = record.head.family().map(|person| person.to_string()).collect();
    let sql =
        format!("SELECT {COLUMNS} FROM resource WHERE person = ANY($1) AND type NOT IN ('Binary', 'Observation')");
    read_into(&view, &sql, &[&family], usize::MAX, &mut record).await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM resource WHERE person = ANY($1) AND type = 'Observation'
         ORDER BY observed_nanos DESC, id LIMIT $2"
    );
    let limit = i64::try_from(observations).unwrap_or(i64::MAX).saturating_add(1);
    record.truncated = read_into(&view, &sql, &[&family, &limit], observations, &mut record).await?;
    for (resource_type, id) in shared {
        if let Some(stored) = current(&view, &resource_type, id).await? {
            record.resources.insert((resource_type, id), stored);
        }
    }
    view.commit().await?;
    Ok(record)
}

/// Takes at most so many rows into the record; true when there were more.
async fn read_into(
    view: &Transaction<'_>,
    sql: &str,
    parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    most: usize,
    record: &mut Record,
) -> Result<bool, StoreError> {
    let statement = view.prepare_cached(sql).await?;
    let rows = view.query(&statement, parameters).await?;
    for row in rows.iter().take(most) {
        let stored = stored(row)?;
        record.resources.put(stored);
    }
    Ok(rows.len() > most)
}

pub async fn current(
    client: &impl deadpool_postgres::GenericClient,
    resource_type: &str,
    id: ResourceId,
) -> Result<Option<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM resource WHERE type = $1 AND id = $2");
    let statement = client.prepare_cached(&sql).await?;
    client.query_opt(&statement, &[&resource_type, &id.to_string()]).await?.as_ref().map(stored).transpose()
}

pub async fn version(
    client: Object,
    resource_type: String,
    id: ResourceId,
    version: u64,
) -> Result<Option<Stored>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM history WHERE type = $1 AND id = $2 AND version = $3
         UNION ALL SELECT {COLUMNS} FROM resource WHERE type = $1 AND id = $2 AND version = $3 LIMIT 1"
    );
    let statement = client.prepare_cached(&sql).await?;
    let row = client.query_opt(&statement, &[&resource_type, &id.to_string(), &signed(version)]).await?;
    row.as_ref().map(stored).transpose()
}
