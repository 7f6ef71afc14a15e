//! The words by which people are found (`store::people`): a table of their own, written with the Patient.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{GenericClient, Object};
use tokio_postgres::Transaction;

use super::record::survivors;
use super::rows::{clean, column, parsed, stored};
use crate::identity::{PersonId, ResourceId};
use crate::record::Stored;
use crate::store::StoreError;
use crate::store::people::{FindWord, MOST_PEOPLE, PeopleFound, PeopleQuery, Reached, in_order, sort_name, words_of};

/// Patients read at once while the table is filled, or tested.
const CHUNK: usize = 1_000;

/// Puts a Patient where it is found, and takes it away from where it was.
pub async fn moved(client: &impl GenericClient, stored: &Stored, is_new: bool) -> Result<(), StoreError> {
    let id = stored.id.to_string();
    if !is_new {
        client.execute(&client.prepare_cached("DELETE FROM person_word WHERE id = $1").await?, &[&id]).await?;
    }
    let words: Vec<String> = words_of(stored).iter().map(|word| clean(word)).collect();
    let sql = "INSERT INTO person_word (word, id, name) SELECT word, $2, $3 FROM unnest($1::text[]) AS word
               ON CONFLICT DO NOTHING";
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, &[&words, &id, &clean(&sort_name(stored))]).await?;
    Ok(())
}

pub async fn find(client: Object, query: PeopleQuery, from: usize, count: usize) -> Result<PeopleFound, StoreError> {
    let mut reached = Vec::with_capacity(query.parts.len());
    for part in &query.parts {
        reached.push(reach(&client, part).await?);
    }
    let Some((mut found, wide)) = query.combined(reached) else { return Ok(PeopleFound::default()) };
    if !wide.is_empty() {
        let ids: Vec<ResourceId> = found.keys().copied().collect();
        let mut fits = BTreeSet::new();
        for chunk in ids.chunks(CHUNK) {
            let patients = patients(&client, chunk).await?;
            fits.extend(patients.into_values().filter(|one| query.holds(&wide, one)).map(|one| one.id));
        }
        found.retain(|id, _| fits.contains(id));
    }
    let persons: Vec<PersonId> = found.keys().map(|id| id.person).collect();
    let left = survivors(&client, &persons).await?;
    let now = |person| left.get(&person).map_or(person, |(person, _)| *person);
    let (ids, total) = in_order(found, now, (from, count.clamp(1, 1000)));
    let mut patients = patients(&client, &ids).await?;
    Ok(PeopleFound { items: ids.iter().filter_map(|id| patients.remove(id)).collect(), total: Some(total) })
}

/// Everybody of whom one of the words holds.
async fn reach(client: &impl GenericClient, words: &[FindWord]) -> Result<Reached, StoreError> {
    let mut found = BTreeMap::new();
    for word in words {
        let from = clean(word.word());
        let until = if word.is_whole { from.clone() } else { format!("{from}{}", char::MAX) };
        let sql = format!("SELECT id, name FROM person_word WHERE word >= $1 AND word <= $2 LIMIT {}", MOST_PEOPLE + 1);
        let rows = client.query(&client.prepare_cached(&sql).await?, &[&from, &until]).await?;
        if rows.len() > MOST_PEOPLE {
            return Ok(None);
        }
        for row in &rows {
            found.insert(parsed(row, "id")?, column(row, "name")?);
        }
    }
    Ok(Some(found))
}

async fn patients(client: &impl GenericClient, ids: &[ResourceId]) -> Result<BTreeMap<ResourceId, Stored>, StoreError> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let sql =
        "SELECT id, version, updated_nanos, document, state FROM resource WHERE type = 'Patient' AND id = ANY($1)";
    let rows = client.query(&client.prepare_cached(sql).await?, &[&ids]).await?;
    rows.iter().map(|row| stored(row).map(|stored| (stored.id, stored))).collect()
}

/// Fills the table for those who are there, once, in the transaction that makes it.
pub async fn build(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let sql = "SELECT id, version, updated_nanos, document, state FROM resource
                   WHERE type = 'Patient' AND id > $1 ORDER BY id LIMIT $2";
        let rows = transaction.query(sql, &[&last, &i64::try_from(CHUNK).unwrap_or(i64::MAX)]).await?;
        let Some(row) = rows.last() else { return Ok(()) };
        last = column(row, "id")?;
        let (mut words, mut ids, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for patient in rows.iter().map(stored) {
            let patient = patient?;
            for word in words_of(&patient) {
                words.push(clean(&word));
                ids.push(patient.id.to_string());
                names.push(clean(&sort_name(&patient)));
            }
        }
        let sql = "INSERT INTO person_word (word, id, name) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
                   ON CONFLICT DO NOTHING";
        transaction.execute(sql, &[&words, &ids, &names]).await?;
    }
}
