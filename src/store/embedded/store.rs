//! The embedded store as `Store`. Reads run on tokio's blocking threads, or at once on a thread that may wait: most take
//! microseconds, but any may wait for the disk. Writes go to the committer.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::changes::read_head;
use super::committer::Committer;
use super::desk::{Desk, closed};
use super::opening::{self, Opened};
use super::shared::{Opener, Shared};
use super::work::Work;
use super::{
    audit, backlog, copying, history, looks, messages, once, outbox, panels, people_found, record, search, shared,
    sought, steps, timers, unused, values, worklist,
};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::{Head, Membership, Record, Stored};
use crate::store::aside::waiting;
use crate::store::engine::View;
use crate::store::{
    Alteration, AuditEntry, Backlog, Committed, Cursor, Delivery, DeliveryFilter, Found, Guided, Health, Indexed,
    MessageCount, MessageEntry, MessageFilter, MessagesFound, Page, Past, PeopleFound, PeopleQuery, PruneBefore,
    Pruned, Query, Seen, Share, Sort, Store, StoreError, ToLookAt, Tried, UnusedEntry, UnusedFilter, UnusedTotal,
    WorkCounts, WorkFilter, WriteUnit, totals_of_unused,
};

pub struct Embedded {
    shared: Arc<Shared>,
    engine: &'static str,
    desk: Desk,
}

impl Embedded {
    /// Opens what is in `directory` (none for an engine without files); see `opening` for what is refused.
    pub fn open(engine: &'static str, directory: Option<&Path>, open: Opener) -> Result<Self, StoreError> {
        let Opened { engine: opened, marker, counters } = opening::open(engine, directory, &open)?;
        let shared = Arc::new(Shared::new(opened));
        shared.read(|view| shared.deliveries.fill(view, true))?;
        let desk = Desk::open(|work| Committer::new(Arc::clone(&shared), open, marker, counters, work))?;
        Ok(Self { shared, engine, desk })
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.wait_and_read(read).await
    }

    /// Takes no more work; what is to be waited for.
    fn end(&self) -> Option<JoinHandle<()>> {
        self.shared.begin_closing();
        self.desk.close()
    }
}

impl Drop for Embedded {
    /// The committer ends with its last work; the engine's files are free when its thread has ended.
    fn drop(&mut self) {
        if let Some(thread) = self.end() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl Store for Embedded {
    async fn commit(&self, unit: WriteUnit) -> Result<Committed, StoreError> {
        let terms = values::terms_of(&unit);
        self.desk.submit(Work::Unit(Box::new(unit), terms)).await.map(|sequence| Committed { sequence })
    }

    fn reads_hold_a_thread(&self) -> bool {
        true
    }

    async fn persons_of(&self, identifiers: &[Identifier]) -> Result<Vec<Option<PersonId>>, StoreError> {
        let identifiers = identifiers.to_vec();
        self.read(move |view| identifiers.iter().map(|identifier| record::person_of(view, identifier)).collect()).await
    }

    async fn head(&self, person: PersonId) -> Result<Option<Head>, StoreError> {
        self.shared.look_up(move |view| read_head(view, person)).await
    }

    async fn record(
        &self,
        person: PersonId,
        shared: &[(String, ResourceId)],
        observations: usize,
    ) -> Result<Record, StoreError> {
        let shared = shared.to_vec();
        self.read(move |view| record::load(view, person, &shared, observations)).await
    }

    async fn resource(&self, kind: &str, id: ResourceId) -> Result<Option<Stored>, StoreError> {
        let kind = kind.to_string();
        self.shared.look_up(move |view| record::current(view, &kind, id)).await
    }

    async fn resources(&self, keys: &[(String, ResourceId)]) -> Result<Vec<Stored>, StoreError> {
        let keys = keys.to_vec();
        self.shared.look_up_several(keys.len(), move |view| record::several(view, &keys)).await
    }

    async fn versions(&self, keys: &[(String, ResourceId)]) -> Result<Vec<u64>, StoreError> {
        let keys = keys.to_vec();
        self.read(move |view| record::versions(view, &keys)).await
    }

    async fn version(&self, resource_type: &str, id: ResourceId, version: u64) -> Result<Option<Stored>, StoreError> {
        let resource_type = resource_type.to_string();
        self.read(move |view| record::version(view, &resource_type, id, version)).await
    }

    async fn history(&self, past: &Past, cursor: Option<&Cursor>, count: usize) -> Result<Found, StoreError> {
        let (past, cursor) = (past.clone(), cursor.cloned());
        self.read(move |view| history::page(view, &past, cursor.as_ref(), count)).await
    }

    async fn find(
        &self,
        query: &Query,
        sort: &[Sort],
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Found, StoreError> {
        let (query, sort, cursor) = (query.clone(), sort.to_vec(), cursor.cloned());
        self.read(move |view| search::find(view, &query, &sort, cursor.as_ref(), count)).await
    }

    async fn worklist(
        &self,
        filter: &WorkFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<Stored>, StoreError> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.read(move |view| worklist::page(view, &filter, cursor.as_ref(), count)).await
    }

    async fn work_counts(&self, owner: Option<&str>, now: Timestamp) -> Result<WorkCounts, StoreError> {
        let owner = owner.map(str::to_string);
        self.read(move |view| worklist::counts(view, owner.as_deref(), now)).await
    }

    async fn to_look_at(&self, cursor: Option<&Cursor>, count: usize) -> Result<ToLookAt, StoreError> {
        let cursor = cursor.cloned();
        self.read(move |view| looks::page(view, cursor.as_ref(), count)).await
    }

    async fn find_people(&self, query: &PeopleQuery, from: usize, count: usize) -> Result<PeopleFound, StoreError> {
        let query = query.clone();
        self.read(move |view| people_found::find(view, &query, from, count)).await
    }

    async fn seen(&self, feed: &str, control: &str, content: &[u8; 32]) -> Result<Seen, StoreError> {
        let (feed, control, content) = (feed.to_string(), control.to_string(), *content);
        self.read(move |view| messages::seen(view, &feed, &control, &content)).await
    }

    async fn message(&self, sequence: u64) -> Result<Option<MessageEntry>, StoreError> {
        self.read(move |view| messages::get(view, sequence)).await
    }

    async fn find_messages(
        &self,
        filter: &MessageFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<MessagesFound, StoreError> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.read(move |view| sought::find(view, &filter, cursor.as_ref(), count)).await
    }

    async fn count_messages(&self, filter: &MessageFilter) -> Result<MessageCount, StoreError> {
        let filter = filter.clone();
        self.read(move |view| sought::count(view, &filter)).await
    }

    async fn replace_panel(&self, panel: &str, members: Vec<Membership>, now: Timestamp) -> Result<usize, StoreError> {
        let count = self.desk.submit(Work::ReplacePanel { panel: panel.to_string(), members, now }).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn memberships(&self, of: &[Identifier]) -> Result<Vec<Membership>, StoreError> {
        let of = of.to_vec();
        self.shared.look_up(move |view| panels::memberships(view, &of)).await
    }

    async fn panel(&self, panel: &str, cursor: Option<&Cursor>, count: usize) -> Result<Page<Membership>, StoreError> {
        let (panel, cursor) = (panel.to_string(), cursor.cloned());
        self.read(move |view| panels::list(view, &panel, cursor.as_ref(), count)).await
    }

    async fn claim_timers(
        &self,
        now: Timestamp,
        count: usize,
        lease: SignedDuration,
    ) -> Result<Vec<(PersonId, Timestamp)>, StoreError> {
        let shared = Arc::clone(&self.shared);
        waiting(move || shared.read(|view| timers::claim(view, &mut shared.timers.claim(now, lease), now, count))).await
    }

    async fn due_partners(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        Ok(self.shared.deliveries.due_partners(now))
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        room: &[Share],
        lease: SignedDuration,
    ) -> Result<Vec<Delivery>, StoreError> {
        let claimed = self.shared.deliveries.claim(now, room, lease);
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let ids = claimed.clone();
        let read = self.read(move |view| outbox::claimed(view, &ids)).await;
        read.inspect_err(|_| claimed.iter().for_each(|(id, _)| self.shared.deliveries.free(id)))
    }

    async fn renew_deliveries(&self, ids: &[String], now: Timestamp, lease: SignedDuration) -> Result<(), StoreError> {
        self.shared.deliveries.renew(ids, now, lease);
        Ok(())
    }

    async fn finish_attempts(&self, tried: Vec<Tried>) -> Result<(), StoreError> {
        let ids: Vec<String> = tried.iter().map(|(id, ..)| id.clone()).collect();
        self.desk.submit(Work::FinishAttempts(tried)).await?;
        ids.iter().for_each(|id| self.shared.deliveries.told(id));
        Ok(())
    }

    async fn deliveries_behind(&self, claimed: &str, now: Timestamp, most: usize) -> Result<Vec<Delivery>, StoreError> {
        let claimed = claimed.to_string();
        self.read(move |view| outbox::behind(view, &claimed, now, most)).await
    }

    async fn take_in_hand(&self, deliveries: &[String]) -> Result<(), StoreError> {
        self.desk.submit(Work::TakeInHand(deliveries.to_vec())).await.map(|_| ())
    }

    async fn shorten_delivery(&self, delivery: &str, payload: serde_json::Value) -> Result<(), StoreError> {
        self.desk.submit(Work::ShortenDelivery { delivery: delivery.to_string(), payload }).await.map(|_| ())
    }

    async fn release_delivery(&self, delivery: &str, due: Timestamp) -> Result<(), StoreError> {
        self.desk.submit(Work::ReleaseDelivery { delivery: delivery.to_string(), due }).await?;
        self.shared.deliveries.free(delivery);
        Ok(())
    }

    async fn alter_delivery(&self, delivery: &str, by: Alteration) -> Result<bool, StoreError> {
        Ok(self.desk.submit(Work::AlterDelivery(delivery.to_string(), by)).await? == 1)
    }

    async fn hasten_deliveries(&self, latest: Timestamp) -> Result<u64, StoreError> {
        steps::hasten(&self.shared, &self.desk, latest).await
    }

    async fn delivery(&self, delivery: &str) -> Result<Option<Delivery>, StoreError> {
        let delivery = delivery.to_string();
        self.read(move |view| outbox::get(view, &delivery)).await
    }

    async fn backlog(&self, partner: &str, made_until: Option<Timestamp>) -> Result<Backlog, StoreError> {
        let (of, shared) = (partner.to_string(), Arc::clone(&self.shared));
        self.read(move |view| backlog::of_partner(view, &shared.deliveries, &of, made_until)).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<Delivery>, StoreError> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.read(move |view| outbox::list(view, &filter, cursor.as_ref(), count)).await
    }

    async fn audit(
        &self,
        person: Option<PersonId>,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let cursor = cursor.cloned();
        self.read(move |view| audit::list(view, person, cursor.as_ref(), count)).await
    }

    async fn unused(
        &self,
        filter: &UnusedFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<UnusedEntry>, StoreError> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.read(move |view| unused::page(view, &filter, cursor.as_ref(), count)).await
    }

    async fn unused_entry(&self, id: &str) -> Result<Option<UnusedEntry>, StoreError> {
        let id = id.to_string();
        self.read(move |view| unused::get(view, &id)).await
    }

    async fn unused_totals(&self) -> Result<Vec<UnusedTotal>, StoreError> {
        self.read(|view| Ok(totals_of_unused(&unused::entries(view, None)?))).await
    }

    async fn remember_once(
        &self,
        kind: &str,
        value: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (kind, value) = (kind.to_string(), value.to_string());
        Ok(self.desk.submit(Work::RememberOnce { kind, value, expires, now }).await? == 1)
    }

    async fn is_remembered(&self, kind: &str, value: &str, now: Timestamp) -> Result<bool, StoreError> {
        let (kind, value) = (kind.to_string(), value.to_string());
        self.read(move |view| once::is_remembered(view, &kind, &value, now)).await
    }

    async fn get_state(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = once::state_key(name);
        self.read(move |view| Ok(view.get(&key)?)).await
    }

    async fn put_state(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.desk.submit(Work::PutState { name: name.to_string(), value: value.to_vec() }).await.map(|_| ())
    }

    async fn prune(&self, before: &PruneBefore, budget: usize) -> Result<Pruned, StoreError> {
        steps::prune(&self.shared, &self.desk, before, budget).await
    }

    async fn index_by(&self, wanted: &[Guided], budget: usize) -> Result<Vec<Indexed>, StoreError> {
        steps::index(&self.shared, &self.desk, wanted, budget).await
    }

    async fn health(&self) -> Health {
        let (shared, engine) = (Arc::clone(&self.shared), self.engine);
        let read = waiting(move || shared.health(engine)).await;
        read.unwrap_or_else(|error| shared::without_answer(engine, error.to_string()))
    }

    async fn reclaim(&self) -> Result<(), StoreError> {
        let (shared, again) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        waiting(move || shared.with_engine(|engine| Ok(engine.merge()?))).await?;
        self.put_state(once::RECLAIMED, b"").await?;
        waiting(move || again.with_engine(|engine| Ok(engine.let_go()?))).await
    }

    async fn back_up(&self, now: Timestamp, to: mpsc::Sender<Vec<u8>>) -> Result<(), StoreError> {
        let (shared, engine) = (Arc::clone(&self.shared), self.engine);
        let copying = tokio::task::spawn_blocking(move || copying::copy(&shared, engine, now, &to));
        copying.await.map_err(|_| closed())?
    }

    async fn broken(&self) -> String {
        shared::broken(self.shared.broken.subscribe()).await
    }

    async fn close(&self) {
        let thread = self.end();
        // A panic there was reported when it happened.
        let _ = tokio::task::spawn_blocking(move || thread.map(JoinHandle::join)).await;
    }
}
