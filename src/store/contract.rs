//! What the pipeline, the workers and the pages see of the store, and what every implementation promises them.
//! One suite (`tests/store`) holds each implementation to these words.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};

use super::copy::loss_state;
use super::hash::hash;
use super::{
    Alteration, Attempt, AuditEntry, Backlog, Committed, Cursor, Delivery, DeliveryFilter, Found, Guided, Health,
    Indexed, MessageCount, MessageEntry, MessageFilter, MessageSummary, MessagesFound, Outcome, Page, Past,
    PeopleFound, PeopleQuery, PruneBefore, Pruned, Query, Seen, Share, Sort, StoreError, ToLookAt, Tried, UnusedEntry,
    UnusedFilter, UnusedTotal, WorkCounts, WorkFilter, WriteUnit,
};
use crate::fhir::Identifier;
use crate::identity::{PersonId, ResourceId};
use crate::record::{Head, Membership, Record, Stored};

/// The store as the pipeline sees it. Implementations: embedded (over an ordered key-value engine) and PostgreSQL.
/// All methods are safe to call from any tokio task; none blocks the runtime.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Writes all of the unit or nothing, and returns only when it is durable. Units that wait together share one sync;
    /// a precondition that fails (a head's revision, a resource's version, an input already there) fails its unit alone.
    async fn commit(&self, unit: WriteUnit) -> Result<Committed, StoreError>;

    /// Whether a read may hold its thread, so that work which reads often does well to step aside (`step_aside`).
    fn reads_hold_a_thread(&self) -> bool {
        false
    }

    /// Which record each identifier leads to (merges followed), in the order asked.
    async fn persons_of(&self, identifiers: &[Identifier]) -> Result<Vec<Option<PersonId>>, StoreError>;

    /// The head of one record as it stands, without following merges.
    async fn head(&self, person: PersonId) -> Result<Option<Head>, StoreError>;

    /// A consistent view of a record: its head, all its resources and those of records it absorbed, of Observations the
    /// newest `observations`, and the shared resources asked for that exist. A record nobody has seen is empty.
    async fn record(
        &self,
        person: PersonId,
        shared: &[(String, ResourceId)],
        observations: usize,
    ) -> Result<Record, StoreError>;

    /// The current version of a resource.
    async fn resource(&self, resource_type: &str, id: ResourceId) -> Result<Option<Stored>, StoreError>;

    /// The current versions of those of these resources that exist.
    async fn resources(&self, keys: &[(String, ResourceId)]) -> Result<Vec<Stored>, StoreError> {
        let mut found = Vec::new();
        for (resource_type, id) in keys {
            found.extend(self.resource(resource_type, *id).await?);
        }
        Ok(found)
    }

    /// The current version of each of these resources, 0 of those that do not exist.
    async fn versions(&self, keys: &[(String, ResourceId)]) -> Result<Vec<u64>, StoreError> {
        let mut versions = Vec::with_capacity(keys.len());
        for (resource_type, id) in keys {
            versions.push(self.resource(resource_type, *id).await?.map_or(0, |stored| stored.version));
        }
        Ok(versions)
    }

    /// One version of a resource, current or past.
    async fn version(&self, resource_type: &str, id: ResourceId, version: u64) -> Result<Option<Stored>, StoreError>;

    /// Versions of resources of some types, current and past, those written last first; of versions that were written at one moment only
    /// those of one resource stand in their order. Each with the cursor to go on from. Costs what it gives, for each type.
    async fn history(&self, past: &Past, cursor: Option<&Cursor>, count: usize) -> Result<Found, StoreError>;

    /// Resources of one type, each with the cursor to go on from, without those that another resource superseded; see `Query`
    /// for what can be asked. In the order of `sort`, where more than `MOST_SORTED` candidates are refused as too much; without
    /// it newest change first (within patients: Observations newest first, others in the order of their ids), and then a page
    /// may hold fewer than asked, even none, and still have a cursor: reading on is bounded work per call.
    async fn find(
        &self,
        query: &Query,
        sort: &[Sort],
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Found, StoreError>;

    /// The same without an order of its own, for those who go on page by page.
    async fn search(&self, query: &Query, cursor: Option<&Cursor>, count: usize) -> Result<Page<Stored>, StoreError> {
        let found = self.find(query, &[], cursor, count).await?;
        Ok(Page { items: found.items.into_iter().map(|one| one.stored).collect(), next: found.next })
    }

    /// Open Tasks of a list, the most urgent first, of those what is due first, what has no due date last. What is snoozed stands in
    /// lists of its own only (`WorkPlace`). Costs what it gives.
    async fn worklist(
        &self,
        filter: &WorkFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<Stored>, StoreError>;

    /// Exactly how many open Tasks there are, of one list or of everybody's, and how many were due before `now`.
    async fn work_counts(&self, owner: Option<&str>, now: Timestamp) -> Result<WorkCounts, StoreError>;

    /// What waits for a person's look, of all patients and without what another resource superseded, in the order of ids, so that
    /// what is of one patient stands together; with exactly how much there is. Costs what it gives.
    async fn to_look_at(&self, cursor: Option<&Cursor>, count: usize) -> Result<ToLookAt, StoreError>;

    /// People by parts of their names, birth date, numbers and phones, in the order of their names, from the `from`th on; each once,
    /// as the record that is left after merges. Looks at `MOST_PEOPLE` words of the index for each part, and says so where all
    /// parts fit more.
    async fn find_people(&self, query: &PeopleQuery, from: usize, count: usize) -> Result<PeopleFound, StoreError>;

    /// Whether an input with this feed, control id and content came before.
    async fn seen(&self, feed: &str, control: &str, content: &[u8; 32]) -> Result<Seen, StoreError>;

    async fn message(&self, sequence: u64) -> Result<Option<MessageEntry>, StoreError>;

    /// Messages, those received last first; of a list of all, those that came last. Costs what it gives, but for text and for what is
    /// beside a patient or a control id asked: of those so many are looked at in one call (`MOST_READ`), and a page may hold fewer
    /// than asked, even none, and still have a cursor.
    async fn find_messages(
        &self,
        filter: &MessageFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<MessagesFound, StoreError>;

    /// The same, for those who go on page by page.
    async fn messages(
        &self,
        filter: &MessageFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<MessageSummary>, StoreError> {
        let found = self.find_messages(filter, cursor, count).await?;
        Ok(Page { items: found.items, next: found.next })
    }

    /// How many there are: of what classes tell the sum of their hours, else of as many as are looked at. Text is not asked for.
    async fn count_messages(&self, filter: &MessageFilter) -> Result<MessageCount, StoreError>;

    /// Replaces the members of one panel as a whole and makes every known patient who joined, left or changed due for
    /// the protocols at once. Returns how many known patients that were.
    async fn replace_panel(&self, panel: &str, members: Vec<Membership>, now: Timestamp) -> Result<usize, StoreError>;

    /// The memberships that any of these identifiers has.
    async fn memberships(&self, identifiers: &[Identifier]) -> Result<Vec<Membership>, StoreError>;

    /// Members of one panel in order of their first identifier.
    async fn panel(&self, panel: &str, cursor: Option<&Cursor>, count: usize) -> Result<Page<Membership>, StoreError>;

    /// Records whose `wake_at` has come, leased so that nobody else gets them until the lease ends. Firing is committed
    /// by writing the head with another `wake_at`.
    async fn claim_timers(
        &self,
        now: Timestamp,
        count: usize,
        lease: SignedDuration,
    ) -> Result<Vec<(PersonId, Timestamp)>, StoreError>;

    /// The partners for whom something is due that nobody works on.
    async fn due_partners(&self, now: Timestamp) -> Result<Vec<String>, StoreError>;

    /// Deliveries that are due, of each partner named at most so many: the urgent before the rest, and of those what was due
    /// first; for each patient and partner only the first that is not finished, which is urgent where something behind it
    /// is; none while another of theirs is leased. Leased as timers are. `Delivery::claimed` says what the partner holds.
    async fn claim_deliveries(
        &self,
        now: Timestamp,
        room: &[Share],
        lease: SignedDuration,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Leases of these deliveries, where they are the caller's, end this long after now: they are still worked on.
    async fn renew_deliveries(
        &self,
        deliveries: &[String],
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<(), StoreError>;

    /// Records how an attempt went and what follows from it; frees the lease, and the next delivery of the same patient
    /// and partner when this one is finished. What was delivered supersedes what is older about the same thing; where
    /// something older may still arrive at the partner (`Attempt::may_arrive_until`), it is due once more after that.
    async fn finish_attempt(&self, delivery: &str, attempt: Attempt, outcome: Outcome) -> Result<(), StoreError> {
        self.finish_attempts(vec![(delivery.to_string(), attempt, outcome)]).await
    }

    /// The same for deliveries that went together: all of it in one commit, or nothing.
    async fn finish_attempts(&self, tried: Vec<Tried>) -> Result<(), StoreError>;

    /// Deliveries that stand behind a claimed one in its line and are due, in their order, up to the first that is not, and at most so
    /// many. They are nobody else's while that one is leased.
    async fn deliveries_behind(&self, claimed: &str, now: Timestamp, most: usize) -> Result<Vec<Delivery>, StoreError>;

    /// These are about to be sent together with a claimed one: where nobody tells what came of it, each is inherited
    /// (`Claimed::is_inherited`) by whoever gets it next, even after a crash.
    async fn take_in_hand(&self, deliveries: &[String]) -> Result<(), StoreError>;

    /// Puts a payload that shows less in the place of the one that was made; nothing happens to one that is finished.
    async fn shorten_delivery(&self, delivery: &str, payload: serde_json::Value) -> Result<(), StoreError>;

    /// Gives a claimed delivery back untried, to be claimed again from `due` on; no attempt is recorded.
    async fn release_delivery(&self, delivery: &str, due: Timestamp) -> Result<(), StoreError>;

    /// Does what a person asks of a delivery. False where there is none, or it is not one that this can be asked of.
    async fn alter_delivery(&self, delivery: &str, by: Alteration) -> Result<bool, StoreError>;

    /// Makes a delivery (given up, withdrawn, held or waiting) due now, with its attempts counted anew. False when there is
    /// none, it was delivered, or the partner has something newer about the same thing.
    async fn retry_delivery(&self, delivery: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.alter_delivery(delivery, Alteration::Retry(now)).await
    }

    /// Makes what was delivered due once more, where nothing newer about the same thing was: its partner went back to an older
    /// state. False elsewhere.
    async fn resend_delivery(&self, delivery: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.alter_delivery(delivery, Alteration::Resend(now)).await
    }

    /// A partner lost what it took until then. What is still being recorded of attempts before that is due once more when it is.
    async fn note_loss(&self, partner: &str, until: Timestamp) -> Result<(), StoreError> {
        self.put_state(&loss_state(&hash(&[partner])), until.to_string().as_bytes()).await
    }

    /// Leaves what was given up for good, as withdrawn; it can be brought back by its id. False when it was not given up.
    async fn drop_delivery(&self, delivery: &str, said: Attempt) -> Result<bool, StoreError> {
        self.alter_delivery(delivery, Alteration::Drop(said)).await
    }

    /// What is to be tried later than this is due then: the time of day was set back. Returns how many that were.
    async fn hasten_deliveries(&self, latest: Timestamp) -> Result<u64, StoreError>;

    async fn delivery(&self, delivery: &str) -> Result<Option<Delivery>, StoreError>;

    /// How much waits for a partner; of what was made until a time, where one is named, by itself: that is counted
    /// one by one, the rest as it goes (PostgreSQL counts from an index).
    async fn backlog(&self, partner: &str, made_until: Option<Timestamp>) -> Result<Backlog, StoreError>;

    /// Deliveries, newest first.
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<Delivery>, StoreError>;

    /// Audit entries, newest first, of one patient's record or of all.
    async fn audit(
        &self,
        person: Option<PersonId>,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<AuditEntry>, StoreError>;

    /// What could not be used, one entry per cause: open work first, then what somebody has taken, then the rest by kind,
    /// the most frequent first; what was answered comes last. A cause is counted once per input, however often that is
    /// sent or replayed, in the same commit; of one feed at most `MOST_CAUSES` are kept apart.
    async fn unused(
        &self,
        filter: &UnusedFilter,
        cursor: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<UnusedEntry>, StoreError>;

    /// One cause by its id.
    async fn unused_entry(&self, id: &str) -> Result<Option<UnusedEntry>, StoreError>;

    /// The sums of all that could not be used, by feed and kind.
    async fn unused_totals(&self) -> Result<Vec<UnusedTotal>, StoreError>;

    /// Remembers a one-time value until it expires (a JWT's `jti`); false when it was there already.
    async fn remember_once(
        &self,
        kind: &str,
        value: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Whether a one-time value was remembered and has not expired. Writes nothing.
    async fn is_remembered(&self, kind: &str, value: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Small pieces of the gateway's own state that must survive a restart (keys it made itself, …).
    async fn get_state(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
    async fn put_state(&self, name: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Several pieces, in the order asked.
    async fn get_states(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut states = Vec::with_capacity(names.len());
        for name in names {
            states.push(self.get_state(name).await?);
        }
        Ok(states)
    }

    /// Takes away what is older than the times given, oldest first, at most `budget` (1 to 1000) of each kind and in as
    /// much work; call again while there is more. Causes of what could not be used go as messages do, when nobody has open
    /// work of them. Messages and audit entries go in the order they came in: where a clock
    /// ran far ahead, what came after that waits with it. Whether the disk gets smaller at once is the engine's affair.
    async fn prune(&self, before: &PruneBefore, budget: usize) -> Result<Pruned, StoreError>;

    /// Goes on with the indexes of parameters that a site's guides define, by at most `budget` resources; what has an index and is not
    /// wanted loses it. Cut off at any moment, the next call goes on there. Says of each how far it is.
    async fn index_by(&self, wanted: &[Guided], budget: usize) -> Result<Vec<Indexed>, StoreError>;

    /// Gives space that was freed by pruning back to the disk, beside reading and writing; takes as long as copying the store.
    /// A store that does so by itself, or cannot, does nothing.
    async fn reclaim(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Gives a backup of one moment, part by part, while reading and writing go on. It is given up, and says so in its last part,
    /// when nobody takes it for a minute and when the store must be closed or opened anew. A database has tools of its own.
    async fn back_up(&self, _now: Timestamp, _to: mpsc::Sender<Vec<u8>>) -> Result<(), StoreError> {
        let text = "a PostgreSQL is backed up with its own tools (pg_dump, or a base backup and its write-ahead log); docs/site.md says what \
                    the gateway expects of a database that goes back";
        Err(StoreError::Refused(text.to_string()))
    }

    /// Counts up whenever another gateway added to the outbox; none where there can be no other. A wake-up may be for nothing, and
    /// one may be missed when a connection is lost, so whoever waits also looks again after a while.
    fn others(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// Whether it can be written to, and how much there is.
    async fn health(&self) -> Health;

    /// Returns, with the reason, once nothing can be written any more until the process is started anew; else never.
    async fn broken(&self) -> String {
        std::future::pending().await
    }

    /// Waits for what is under way and closes; later calls fail.
    async fn close(&self);
}
