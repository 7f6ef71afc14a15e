//! The index of open work, and its counts: per scope (everybody, and each owner) and urgency, by due date. Counts are kept by
//! the hour in which work falls due, so that what is late now is a sum of hours and a look at the one under way.

use jiff::Timestamp;

use super::changed;
use super::counters::Counters;
use super::draft::Draft;
use super::keys::{Key, OPEN_WORK, OPEN_WORK_COUNT, Reader, hash, resource_key, time_bytes};
use super::pack::unpack_stored;
use super::rebuild::rebuild;
use super::walk::{Walked, all, present, walk};
use crate::identity::ResourceId;
use crate::record::Stored;
use crate::store::engine::{Engine, Span, View};
use crate::store::kinds::kind;
use crate::store::query::{Following, found_of, page_of};
use crate::store::{Cursor, Page, StoreError, Urgency, WorkCounts, WorkFilter, WorkPlace};

const TASK: &str = "Task";
/// What has no due date comes after all that has one.
const NO_TIME: [u8; 12] = [u8::MAX; 12];
const HOUR_SECONDS: i64 = 3600;

fn scope(key: Key, owner: Option<&str>) -> Key {
    key.bytes(&owner.map_or([0; 16], |owner| hash(&["owner", owner])))
}

/// One urgency of one scope.
fn list(space: u8, owner: Option<&str>, urgency: Urgency) -> Key {
    scope(Key::new(space), owner).byte(urgency.rank())
}

fn place_key(owner: Option<&str>, place: &WorkPlace, id: ResourceId) -> Vec<u8> {
    let due = place.due.map_or(NO_TIME, time_bytes);
    list(OPEN_WORK, owner, place.urgency).bytes(&due).id(id).done()
}

/// The beginning of the hour that a time is in.
pub fn hour_of(at: Timestamp) -> Timestamp {
    let start = at.as_second().div_euclid(HOUR_SECONDS) * HOUR_SECONDS;
    Timestamp::from_second(start).unwrap_or(Timestamp::MIN)
}

fn count_key(owner: Option<&str>, place: &WorkPlace) -> Vec<u8> {
    let hour = place.due.map_or(NO_TIME, |due| time_bytes(hour_of(due)));
    list(OPEN_WORK_COUNT, owner, place.urgency).bytes(&hour).done()
}

/// The lists that it stands in.
fn scopes(place: &WorkPlace) -> impl Iterator<Item = Option<&str>> {
    place.lists.iter().map(Option::as_deref)
}

/// Moves a piece of work to where it belongs now; none is what is no open work.
pub fn moved(
    draft: &mut Draft<'_>,
    id: ResourceId,
    from: Option<&WorkPlace>,
    to: Option<&WorkPlace>,
) -> Result<(), StoreError> {
    if from == to {
        return Ok(());
    }
    if let Some(place) = from {
        for owner in scopes(place) {
            draft.delete(place_key(owner, place, id));
            count(draft, count_key(owner, place), |count| count.saturating_sub(1))?;
        }
    }
    if let Some(place) = to {
        for owner in scopes(place) {
            draft.put(place_key(owner, place, id), Vec::new());
            count(draft, count_key(owner, place), |count| count.saturating_add(1))?;
        }
    }
    Ok(())
}

fn count(draft: &mut Draft<'_>, key: Vec<u8>, change: impl Fn(u64) -> u64) -> Result<(), StoreError> {
    let before = draft.get(&key)?.map(|value| Reader(&value).number()).transpose()?.unwrap_or_default();
    match change(before) {
        0 => draft.delete(key),
        after => draft.put(key, after.to_be_bytes().to_vec()),
    }
    Ok(())
}

/// In its order; then what changed meanwhile and may have moved past the reader.
pub fn page(
    view: &dyn View,
    filter: &WorkFilter,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Page<Stored>, StoreError> {
    let reached = Counters::read(view)?.sequence;
    let following = cursor.map_or_else(|| Ok(Following::begun(reached, reached)), Following::of)?;
    let (kind, since, at) = (kind(TASK)?, following.since, following.at());
    let judge = |stored: &Stored| filter.place_of(stored);
    let missed = |until, at: Option<&Cursor>, room| {
        let window = following.window(until);
        changed::missed(view, kind, &changed::of_type(kind, since), window, at, room, &judge).map(Walked::into_found)
    };
    if let Some(until) = following.until {
        return Ok(page_of(following.wrap(missed(until, at.as_ref(), count)?)));
    }
    let found = found_of(in_order(view, filter, at.as_ref(), count)?);
    if found.next.is_some() || reached == since {
        return Ok(page_of(following.wrap(found)));
    }
    let caught = missed(reached, None, count.saturating_sub(found.items.len()).max(1))?;
    Ok(page_of(following.close(found, caught, reached, count)))
}

fn in_order(
    view: &dyn View,
    filter: &WorkFilter,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Page<Stored>, StoreError> {
    let spans: Vec<Span> = Urgency::ALL
        .into_iter()
        .filter(|urgency| filter.asks(*urgency))
        .map(|urgency| {
            let list = || list(OPEN_WORK, filter.owner.as_deref(), urgency);
            let mut span = Span::prefix(list().done());
            if let Some(from) = filter.due_from {
                span.from = list().time(from).done();
            }
            if let Some(until) = filter.due_before {
                span.until = list().time(until).done();
            }
            span
        })
        .collect();
    let kind = kind(TASK)?;
    walk(view, &spans, cursor, count, |key, _| {
        let id = id_of(key)?;
        unpack_stored(id, &present(view.get(&resource_key(kind, id))?, "open work")?).map(Some)
    })
}

fn id_of(key: &[u8]) -> Result<ResourceId, StoreError> {
    let mut reader = Reader::of_key(key);
    let _: [u8; 29] = reader.take()?;
    reader.id()
}

/// Late is what was due before `now`.
pub fn counts(view: &dyn View, owner: Option<&str>, now: Timestamp) -> Result<WorkCounts, StoreError> {
    let hour = hour_of(now);
    let mut counts = WorkCounts::default();
    for urgency in Urgency::ALL {
        for (key, value) in all(view, &Span::prefix(list(OPEN_WORK_COUNT, owner, urgency).done()))? {
            let mut reader = Reader::of_key(&key);
            let _: [u8; 17] = reader.take()?;
            let is_late = reader.take::<12>()? < time_bytes(hour);
            counts.add(urgency.rank(), is_late, Reader(&value).number()?);
        }
        // The hour under way was counted as open above; what of it is over already is late as well.
        let list = || list(OPEN_WORK, owner, urgency);
        let under_way = Span::between(list().time(hour).done(), list().time(now).done());
        counts.turned_late(urgency.rank(), all(view, &under_way)?.len() as u64);
    }
    Ok(counts)
}

/// Builds the index of a store that a program wrote which did not keep one. What is there of an index is taken away first.
pub fn build(engine: &dyn Engine) -> Result<(), StoreError> {
    rebuild(engine, &[OPEN_WORK, OPEN_WORK_COUNT], TASK, &|draft, _, stored| {
        moved(draft, stored.id, None, WorkPlace::of(stored).as_ref())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::Resource;
    use crate::identity::PersonId;
    use crate::record::Change;
    use crate::store::embedded::Embedded;
    use crate::store::engine::Changes;
    use crate::store::engine::Memory;
    use crate::store::{Store, WriteUnit};

    fn open(memory: &Memory) -> Embedded {
        let memory = memory.clone();
        Embedded::open("memory", None, Box::new(move || Ok(Box::new(memory.clone())))).unwrap()
    }

    fn task(number: u32, status: &str) -> Change {
        let id = ResourceId::of(PersonId::SHARED, "Task", &number.to_string());
        let due = format!("2026-05-{:02}T12:00:00Z", number % 28 + 1);
        let resource = Resource::new("Task")
            .with("status", json!(status))
            .with("priority", json!(if number.is_multiple_of(40) { "stat" } else { "routine" }))
            .with("restriction", json!({ "period": { "end": due } }));
        let stored = Stored { id, version: 1, updated: Timestamp::UNIX_EPOCH, resource, state: Default::default() };
        Change { stored, replaces: 0 }
    }

    #[tokio::test]
    async fn a_store_that_another_program_wrote_without_the_index_gets_it_when_it_is_opened() {
        let memory = Memory::default();
        let store = open(&memory);
        // More than are read at once, so that building goes on where it stopped.
        let changes = (0..2_500).map(|number| task(number, if number % 5 == 4 { "completed" } else { "requested" }));
        store.commit(WriteUnit { changes: changes.collect(), ..WriteUnit::default() }).await.unwrap();
        let now = "2026-05-11T00:00:00Z".parse().unwrap();
        let before = store.work_counts(None, now).await.unwrap();
        assert_eq!((before.total(), before.of(Urgency::Stat)), (2_000, 63));
        drop(store);
        // What a program of before leaves: no index of what it wrote, one that is stale, and counters without the last numbers.
        let counters = memory.view().unwrap().get(&Counters::key()).unwrap().unwrap();
        let known = memory.view().unwrap().scan(&Span::prefix(vec![OPEN_WORK]), 900).unwrap();
        let mut changes: Changes = known.into_iter().map(|(key, _)| (key, None)).collect();
        changes.insert(Key::new(OPEN_WORK).bytes(&[0; 61]).done(), Some(Vec::new()));
        changes.insert(Counters::key(), Some(counters[..counters.len() - 72].to_vec()));
        memory.write(changes).unwrap();

        let store = open(&memory);
        assert_eq!(store.work_counts(None, now).await.unwrap(), before);
        let first = store.worklist(&WorkFilter::default(), None, 64).await.unwrap();
        let urgent = first.items.iter().filter(|task| task.resource.text("priority") == Some("stat")).count();
        assert_eq!((urgent, first.items.len()), (63, 64));
    }
}
