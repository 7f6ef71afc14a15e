//! PostgreSQL as `Store`: each method takes a connection and does its work in statements of its own.

use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::Object;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};

use super::connection::Connections;
use super::rows::{column, nanos, parsed, time, unsigned};
use super::{
    audit, commit, guided, history, listen, looks, messages, once, outbox, panels, people, prune, record, search,
    sought, unused, worklist,
};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::{Head, Membership, Record, Stored};
use crate::store::{
    Alteration, AuditEntry, Backlog, Committed, Cursor, Delivery, DeliveryFilter, Found, Guided, Health, Indexed,
    MessageCount, MessageEntry, MessageFilter, MessagesFound, Page, Past, PeopleFound, PeopleQuery, PruneBefore,
    Pruned, Query, Seen, Share, Sort, Store, StoreError, ToLookAt, Tried, UnusedEntry, UnusedFilter, UnusedTotal,
    WorkCounts, WorkFilter, WriteUnit, page_of_unused, totals_of_unused,
};

pub struct Postgres {
    connections: Connections,
    /// Rung for what other gateways should know of.
    added: Arc<Notify>,
    others: watch::Sender<u64>,
    /// Whose leases are its own; another one after each start.
    owner: Arc<str>,
}

impl Postgres {
    /// Connects, and brings the tables up to date. Blocks until that is done.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let connections = Connections::open(url)?;
        let (added, others) = (Arc::new(Notify::new()), watch::Sender::new(0));
        let address = connections.address();
        connections.spawn(listen::listen_and_tell(address, Arc::clone(&added), others.clone()))?;
        let owner = Arc::from(format!("{:032x}", rand::random::<u128>()));
        Ok(Self { connections, added, others, owner })
    }
}

#[async_trait]
impl Store for Postgres {
    async fn commit(&self, unit: WriteUnit) -> Result<Committed, StoreError> {
        let adds = !unit.deliveries.is_empty();
        let committed = self.connections.run(move |client| commit::commit(client, unit)).await?;
        if adds {
            self.added.notify_one();
        }
        Ok(committed)
    }

    async fn persons_of(&self, identifiers: &[Identifier]) -> Result<Vec<Option<PersonId>>, StoreError> {
        let identifiers = identifiers.to_vec();
        self.connections.run(move |client| async move { record::persons_of(&client, &identifiers).await }).await
    }

    async fn head(&self, person: PersonId) -> Result<Option<Head>, StoreError> {
        self.connections.run(move |client| async move { record::head(&client, person).await }).await
    }

    async fn record(
        &self,
        person: PersonId,
        shared: &[(String, ResourceId)],
        observations: usize,
    ) -> Result<Record, StoreError> {
        let shared = shared.to_vec();
        self.connections.run(move |client| record::load(client, person, shared, observations)).await
    }

    async fn resource(&self, resource_type: &str, id: ResourceId) -> Result<Option<Stored>, StoreError> {
        let kind = resource_type.to_string();
        self.connections.run(move |client| async move { record::current(&client, &kind, id).await }).await
    }

    async fn version(&self, resource_type: &str, id: ResourceId, version: u64) -> Result<Option<Stored>, StoreError> {
        let kind = resource_type.to_string();
        self.connections.run(move |client| record::version(client, kind, id, version)).await
    }

    async fn history(&self, past: &Past, cursor: Option<&Cursor>, count: usize) -> Result<Found, StoreError> {
        let (past, cursor) = (past.clone(), cursor.cloned());
        self.connections.run(move |client| history::page(client, past, cursor, count)).await
    }

    async fn find(
        &self,
        query: &Query,
        sort: &[Sort],
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Found, StoreError> {
        let (query, sort, cursor) = (query.clone(), sort.to_vec(), cursor.cloned());
        self.connections.run(move |client| search::find(client, query, sort, cursor, count)).await
    }

    async fn worklist(
        &self,
        filter: &WorkFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<Stored>, StoreError> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.connections.run(move |client| worklist::page(client, filter, cursor, count)).await
    }

    async fn work_counts(&self, owner: Option<&str>, now: Timestamp) -> Result<WorkCounts, StoreError> {
        let owner = owner.map(str::to_string);
        self.connections.run(move |client| worklist::counts(client, owner, now)).await
    }

    async fn to_look_at(&self, cursor: Option<&Cursor>, count: usize) -> Result<ToLookAt, StoreError> {
        let cursor = cursor.cloned();
        self.connections.run(move |client| looks::page(client, cursor, count)).await
    }

    async fn find_people(&self, query: &PeopleQuery, from: usize, count: usize) -> Result<PeopleFound, StoreError> {
        let query = query.clone();
        self.connections.run(move |client| people::find(client, query, from, count)).await
    }

    async fn seen(&self, feed: &str, control: &str, content: &[u8; 32]) -> Result<Seen, StoreError> {
        let (feed, control, content) = (feed.to_string(), control.to_string(), *content);
        self.connections.run(move |client| messages::seen(client, feed, control, content)).await
    }

    async fn message(&self, sequence: u64) -> Result<Option<MessageEntry>, StoreError> {
        self.connections.run(move |client| async move { messages::get(&client, sequence).await }).await
    }

    async fn find_messages(
        &self,
        filter: &MessageFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<MessagesFound, StoreError> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.connections.run(move |client| sought::find(client, filter, cursor, count)).await
    }

    async fn count_messages(&self, filter: &MessageFilter) -> Result<MessageCount, StoreError> {
        let filter = filter.clone();
        self.connections.run(move |client| sought::count(client, filter)).await
    }

    async fn replace_panel(&self, panel: &str, members: Vec<Membership>, now: Timestamp) -> Result<usize, StoreError> {
        let panel = panel.to_string();
        self.connections.insist(move |client| panels::replace(client, panel.clone(), members.clone(), now)).await
    }

    async fn memberships(&self, identifiers: &[Identifier]) -> Result<Vec<Membership>, StoreError> {
        let identifiers = identifiers.to_vec();
        self.connections.run(move |client| panels::memberships(client, identifiers)).await
    }

    async fn panel(&self, panel: &str, cursor: Option<&Cursor>, count: usize) -> Result<Page<Membership>, StoreError> {
        let (panel, cursor) = (panel.to_string(), cursor.cloned());
        self.connections.run(move |client| panels::list(client, panel, cursor, count)).await
    }

    async fn claim_timers(
        &self,
        now: Timestamp,
        count: usize,
        lease: SignedDuration,
    ) -> Result<Vec<(PersonId, Timestamp)>, StoreError> {
        self.connections.run(move |client| claim_timers(client, now, count, lease)).await
    }

    async fn due_partners(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.connections.run(move |client| outbox::due_partners(client, now)).await
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        room: &[Share],
        lease: SignedDuration,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (owner, room) = (Arc::clone(&self.owner), room.to_vec());
        self.connections.run(move |client| outbox::claim(client, owner, now, room, lease)).await
    }

    async fn renew_deliveries(&self, ids: &[String], now: Timestamp, lease: SignedDuration) -> Result<(), StoreError> {
        let (owner, ids) = (Arc::clone(&self.owner), ids.to_vec());
        self.connections.run(move |client| outbox::renew(client, owner, ids, now, lease)).await
    }

    async fn finish_attempts(&self, tried: Vec<Tried>) -> Result<(), StoreError> {
        let owner = Arc::clone(&self.owner);
        self.connections.insist(move |client| outbox::finish(client, owner.clone(), tried.clone())).await
    }

    async fn deliveries_behind(&self, claimed: &str, now: Timestamp, most: usize) -> Result<Vec<Delivery>, StoreError> {
        let claimed = claimed.to_string();
        self.connections.run(move |client| outbox::behind(client, claimed, now, most)).await
    }

    async fn take_in_hand(&self, deliveries: &[String]) -> Result<(), StoreError> {
        let ids = deliveries.to_vec();
        self.connections.insist(move |client| outbox::take_in_hand(client, ids.clone())).await
    }

    async fn shorten_delivery(&self, delivery: &str, payload: serde_json::Value) -> Result<(), StoreError> {
        let delivery = delivery.to_string();
        self.connections.insist(move |client| outbox::shorten(client, delivery.clone(), payload.clone())).await
    }

    async fn release_delivery(&self, delivery: &str, due: Timestamp) -> Result<(), StoreError> {
        let (owner, id) = (Arc::clone(&self.owner), delivery.to_string());
        self.connections.insist(move |client| outbox::release(client, owner.clone(), id.clone(), due)).await
    }

    async fn alter_delivery(&self, delivery: &str, by: Alteration) -> Result<bool, StoreError> {
        let delivery = delivery.to_string();
        self.connections.insist(move |client| outbox::alter(client, delivery.clone(), by.clone())).await
    }

    async fn hasten_deliveries(&self, latest: Timestamp) -> Result<u64, StoreError> {
        self.connections.insist(move |client| outbox::hasten(client, latest)).await
    }

    async fn delivery(&self, delivery: &str) -> Result<Option<Delivery>, StoreError> {
        let delivery = delivery.to_string();
        self.connections.run(move |client| outbox::get(client, delivery)).await
    }

    async fn backlog(&self, partner: &str, made_until: Option<Timestamp>) -> Result<Backlog, StoreError> {
        let partner = partner.to_string();
        self.connections.run(move |client| outbox::backlog(client, partner, made_until)).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<Delivery>, StoreError> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.connections.run(move |client| outbox::list(client, filter, cursor, count)).await
    }

    async fn audit(
        &self,
        person: Option<PersonId>,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let cursor = cursor.cloned();
        self.connections.run(move |client| audit::list(client, person, cursor, count)).await
    }

    async fn unused(
        &self,
        filter: &UnusedFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<UnusedEntry>, StoreError> {
        let feed = filter.feed.clone();
        let entries = self.connections.run(move |client| unused::entries(client, feed)).await?;
        page_of_unused(entries, filter, cursor, count)
    }

    async fn unused_entry(&self, id: &str) -> Result<Option<UnusedEntry>, StoreError> {
        let id = id.to_string();
        self.connections.run(move |client| async move { unused::get(&client, &id).await }).await
    }

    async fn unused_totals(&self) -> Result<Vec<UnusedTotal>, StoreError> {
        let entries = self.connections.run(move |client| unused::entries(client, None)).await?;
        Ok(totals_of_unused(&entries))
    }

    async fn remember_once(
        &self,
        kind: &str,
        value: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (kind, value) = (kind.to_string(), value.to_string());
        self.connections.run(move |client| once::remember(client, kind, value, expires, now)).await
    }

    async fn is_remembered(&self, kind: &str, value: &str, now: Timestamp) -> Result<bool, StoreError> {
        let (kind, value) = (kind.to_string(), value.to_string());
        self.connections.run(move |client| once::is_remembered(client, kind, value, now)).await
    }

    async fn get_state(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_string();
        self.connections.run(move |client| once::get_state(client, name)).await
    }

    async fn put_state(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let (name, value) = (name.to_string(), value.to_vec());
        self.connections.run(move |client| once::put_state(client, name, value)).await
    }

    async fn get_states(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let names = names.to_vec();
        self.connections.run(move |client| once::get_states(client, names)).await
    }

    async fn prune(&self, before: &PruneBefore, budget: usize) -> Result<Pruned, StoreError> {
        let before = *before;
        self.connections.run(move |client| prune::prune(client, before, budget)).await
    }

    fn others(&self) -> Option<watch::Receiver<u64>> {
        Some(self.others.subscribe())
    }

    async fn index_by(&self, wanted: &[Guided], budget: usize) -> Result<Vec<Indexed>, StoreError> {
        let wanted = wanted.to_vec();
        self.connections.run(move |client| guided::step(client, wanted, budget)).await
    }

    async fn health(&self) -> Health {
        let (fault, ([messages, records, waiting, held, dead, disk], oldest_delivery)) =
            match self.connections.run(counts).await {
                Ok(read) => (None, read),
                Err(error) => (Some(error.to_string()), ([0; 6], None)),
            };
        Health {
            fault,
            engine: "postgres",
            messages,
            records,
            deliveries_waiting: waiting,
            deliveries_held: held,
            deliveries_dead: dead,
            oldest_delivery,
            disk_bytes: disk,
        }
    }

    async fn close(&self) {
        self.connections.close();
    }
}

async fn claim_timers(
    client: Object,
    now: Timestamp,
    count: usize,
    lease: SignedDuration,
) -> Result<Vec<(PersonId, Timestamp)>, StoreError> {
    let statement = client
        .prepare_cached(
            "WITH due AS (SELECT person AS due_person FROM head WHERE wake_nanos <= $1 AND leased_until_nanos <= $1
                          ORDER BY wake_nanos LIMIT $2 FOR UPDATE SKIP LOCKED)
             UPDATE head SET leased_until_nanos = $3 FROM due WHERE person = due_person RETURNING person, wake_nanos",
        )
        .await?;
    let until = nanos(now.saturating_add(lease).unwrap_or(Timestamp::MAX));
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = client.query(&statement, &[&nanos(now), &count, &until]).await?;
    let read = |row| Ok((parsed(row, "person")?, time(column(row, "wake_nanos")?)?));
    let mut due = rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
    due.sort_by_key(|(person, at)| (*at, *person));
    Ok(due)
}

/// Messages and records are counted while they are few, and estimated by the database's statistics after. With them, when the
/// oldest delivery was made that is not done.
async fn counts(client: Object) -> Result<([u64; 6], Option<Timestamp>), StoreError> {
    let count = |table: &str| {
        format!(
            "(SELECT CASE WHEN reltuples < 50000 THEN (SELECT count(*) FROM {table}) ELSE reltuples::bigint END
              FROM pg_class WHERE oid = '{table}'::regclass)"
        )
    };
    let sql = format!(
        "SELECT {}, {}, (SELECT count(*) FROM delivery WHERE state = 0), (SELECT count(*) FROM delivery WHERE state = 2),
                (SELECT count(*) FROM delivery WHERE state = 3), pg_database_size(current_database()),
                (SELECT min(created_nanos) FROM delivery WHERE state IN (0, 2)) AS oldest",
        count("message"),
        count("head")
    );
    let row = client.query_one(&sql, &[]).await?;
    let mut counts = [0; 6];
    for (place, to) in counts.iter_mut().enumerate() {
        *to = unsigned(row.try_get(place)?);
    }
    Ok((counts, column::<Option<i64>>(&row, "oldest")?.map(time).transpose()?))
}
