//! What could not be used: one entry per cause, counted once per input in the same commit, with the work that follows.

use handover::store::{
    Cause, MOST_CAUSES, Notice, PruneBefore, Store, StoreError, TraceLine, UnusedAnswer, UnusedEntry, UnusedFilter,
    UnusedState, WriteUnit,
};
use handover::unused::{Duty, Kind, Unused};
use jiff::Timestamp;

use crate::given::{at, message};

/// A line that says what of a message could not be used.
fn line(place: &str, kind: Kind, about: &str, duty: Option<Duty>) -> TraceLine {
    let unused = Some(Unused { duty, ..Unused::new(kind, about) });
    TraceLine { unused, ..TraceLine::new("warning", place, "name it in a table") }
}

async fn take_in(
    store: &dyn Store,
    control: &str,
    seconds: i64,
    replays: Option<u64>,
    lines: Vec<TraceLine>,
) -> Result<u64, StoreError> {
    let mut entry = message(control, control);
    (entry.summary.received, entry.summary.replays) = (at(seconds), replays);
    entry.trace.problems = lines;
    let committed = store.commit(WriteUnit { message: Some(entry), ..WriteUnit::default() }).await?;
    Ok(committed.sequence)
}

async fn all(store: &dyn Store) -> Vec<UnusedEntry> {
    store.unused(&UnusedFilter::default(), None, 1000).await.unwrap().items
}

fn told(entries: &[UnusedEntry]) -> Vec<String> {
    let word = |entry: &UnusedEntry| entry.work.as_ref().map_or("", |work| work.state.word());
    let one =
        |entry: &UnusedEntry| format!("{} {} {}", entry.cause.about, entry.count, word(entry)).trim_end().to_string();
    entries.iter().map(one).collect()
}

async fn answer(store: &dyn Store, id: &str, state: UnusedState, seconds: i64) -> Result<(), StoreError> {
    let (who, note) = ("maria".to_string(), "asked the sender".to_string());
    let answer = UnusedAnswer { id: id.to_string(), state, who, note, at: at(seconds) };
    store.commit(WriteUnit { answers: vec![answer], ..WriteUnit::default() }).await.map(|_| ())
}

fn before(seconds: i64) -> PruneBefore {
    let never = Timestamp::MIN;
    PruneBefore { messages: at(seconds), deliveries: never, audit: never, once: never }
}

on_every_store! {
    async fn a_cause_is_counted_once_per_message_with_its_newest_example(place) {
        let store = place.open();
        let unit = |place| line(place, Kind::Unit, "furlong", None);
        take_in(&*store, "C1", 1, None, vec![unit("OBX-6"), unit("OBX[2]-6"), line("PV1-2", Kind::Code, "Q", None)]).await.unwrap();
        let newest = take_in(&*store, "C2", 7, None, vec![unit("OBX[3]-6")]).await.unwrap();
        let entries = all(&*store).await;
        assert_eq!(told(&entries), ["Q 1", "furlong 2"]);
        let entry = &entries[1];
        assert_eq!(entry.cause, Cause::new("riverside", Kind::Unit, "furlong", "OBX-6"));
        assert_eq!((entry.first, entry.newest, entry.message), (at(1), at(7), Some(newest)));
        assert_eq!((entry.text.as_str(), &entry.work), ("name it in a table", &None));
        assert_eq!(store.unused_entry(&entry.id).await.unwrap().as_ref(), Some(entry));
        assert_eq!(store.unused_entry("none").await.unwrap(), None);
        drop(store);
    }

    async fn resends_and_replays_count_only_what_is_new_in_them(place) {
        let store = place.open();
        let code = |about| line("OBX-3", Kind::Code, about, None);
        let first = take_in(&*store, "C1", 1, None, vec![code("A")]).await.unwrap();
        let again = take_in(&*store, "C1", 2, None, vec![code("A")]).await;
        assert!(matches!(again, Err(StoreError::Duplicate(sequence)) if sequence == first));
        take_in(&*store, "C1", 3, Some(first), vec![code("A"), code("B")]).await.unwrap();
        take_in(&*store, "C1", 4, Some(first), vec![code("B"), code("C")]).await.unwrap();
        take_in(&*store, "C1", 5, Some(first), vec![code("A")]).await.unwrap();
        let mut counts = told(&all(&*store).await);
        counts.sort();
        assert_eq!(counts, ["A 1", "B 1", "C 1"]);
        take_in(&*store, "C2", 6, None, vec![code("A")]).await.unwrap();
        assert_eq!(told(&all(&*store).await)[0], "A 2");
    }

    async fn what_no_message_brought_counts_as_well(place) {
        let store = place.open();
        let notice = |seconds| Notice::new("protocols", at(seconds), "message", "no rule reads it", &Unused::new(Kind::Rule, "watch"));
        for seconds in [1, 9] {
            store.commit(WriteUnit { unused: vec![notice(seconds)], ..WriteUnit::default() }).await.unwrap();
        }
        let entries = all(&*store).await;
        assert_eq!(told(&entries), ["watch 2"]);
        assert_eq!((entries[0].first, entries[0].newest, entries[0].message), (at(1), at(9), None));
    }

    async fn work_is_opened_once_taken_answered_and_opened_again_when_the_cause_comes_again(place) {
        let store = place.open();
        let owed = || vec![line("OBX-3", Kind::Reading, "L GLUH", Some(Duty::Practice))];
        take_in(&*store, "C1", 1, None, owed()).await.unwrap();
        take_in(&*store, "C2", 2, None, owed()).await.unwrap();
        let entry = all(&*store).await.remove(0);
        assert_eq!(told(std::slice::from_ref(&entry)), ["L GLUH 2 open"]);
        answer(&*store, &entry.id, UnusedState::Taken, 3).await.unwrap();
        take_in(&*store, "C3", 4, None, owed()).await.unwrap();
        let taken = store.unused_entry(&entry.id).await.unwrap().unwrap();
        assert_eq!(told(std::slice::from_ref(&taken)), ["L GLUH 3 taken"]);
        let work = taken.work.unwrap();
        assert_eq!((work.who.as_str(), work.note.as_str(), work.at), ("maria", "", Some(at(3))));
        answer(&*store, &entry.id, UnusedState::Answered, 5).await.unwrap();
        let answered = store.unused_entry(&entry.id).await.unwrap().unwrap();
        assert_eq!(answered.work.unwrap().note, "asked the sender");
        take_in(&*store, "C4", 6, None, owed()).await.unwrap();
        let open = store.unused_entry(&entry.id).await.unwrap().unwrap();
        assert_eq!(told(std::slice::from_ref(&open)), ["L GLUH 4 open"]);
        assert_eq!(open.work.unwrap().note, "asked the sender", "the last answer stays in view");
        assert!(matches!(answer(&*store, "none", UnusedState::Taken, 7).await, Err(StoreError::Refused(_))));
    }

    async fn listings_are_ordered_before_they_are_cut_and_filtered(place) {
        let store = place.open();
        for number in 0..6_i64 {
            let often = line("PV1-3", Kind::Code, "often", None);
            let mut lines = vec![line("OBX-3", Kind::Code, &format!("C{number}"), None), often];
            if number % 3 == 0 {
                lines.push(line("OBX-5", Kind::Reading, &format!("R{number}"), Some(Duty::Feed)));
            }
            take_in(&*store, &format!("M{number}"), number, None, lines).await.unwrap();
        }
        let entries = all(&*store).await;
        assert_eq!(told(&entries[..3])[2], "often 6");
        assert!(told(&entries[..2]).iter().all(|entry| entry.ends_with("1 open")));
        answer(&*store, &entries[0].id, UnusedState::Answered, 9).await.unwrap();
        let entries = all(&*store).await;
        assert!(told(&entries)[8].ends_with("answered"), "{:?}", told(&entries));
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.unused(&UnusedFilter::default(), cursor.as_ref(), 3).await.unwrap();
            paged.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, entries);
        let list = async |filter| told(&store.unused(&filter, None, 100).await.unwrap().items).len();
        assert_eq!(list(UnusedFilter { kind: Some(Kind::Code), ..UnusedFilter::default() }).await, 7);
        assert_eq!(list(UnusedFilter { open: true, ..UnusedFilter::default() }).await, 1);
        assert_eq!(list(UnusedFilter { feed: Some("riverside".into()), ..UnusedFilter::default() }).await, 9);
        assert_eq!(list(UnusedFilter { feed: Some("other".into()), ..UnusedFilter::default() }).await, 0);
        let totals = store.unused_totals().await.unwrap();
        let sums: Vec<_> = totals.iter().map(|sum| (sum.kind, sum.causes, sum.count, sum.open)).collect();
        assert_eq!(sums, [(Kind::Reading, 2, 2, 1), (Kind::Code, 7, 12, 0)]);
        let wrong = store.unused(&UnusedFilter::default(), Some(&handover::store::Cursor("x".into())), 3).await;
        assert!(matches!(wrong, Err(StoreError::Refused(_))));
    }

    async fn a_cause_that_comes_again_while_the_pages_are_read_is_on_one_of_them(place) {
        let store = place.open();
        let code = |number: usize| line("OBX-3", Kind::Code, &format!("c{number}"), None);
        for number in 0..10 {
            take_in(&*store, &format!("C{number}"), number as i64 + 1, None, vec![code(number)]).await.unwrap();
        }
        let about = |entries: &[UnusedEntry]| entries.iter().map(|entry| entry.cause.about.clone()).collect::<Vec<_>>();
        let order = about(&all(&*store).await);
        let first = store.unused(&UnusedFilter::default(), None, 3).await.unwrap();
        assert_eq!(about(&first.items), order[..3]);
        // Two of those that were not shown come again and are the most frequent now; so is one that was.
        for (count, name) in [&order[1], &order[6], &order[9]].into_iter().enumerate() {
            let number: usize = name[1..].parse().unwrap();
            take_in(&*store, &format!("again {count}"), 100 + count as i64, None, vec![code(number)]).await.unwrap();
        }
        let (mut seen, mut cursor) = (about(&first.items), first.next);
        while let Some(at) = cursor {
            let page = store.unused(&UnusedFilter::default(), Some(&at), 3).await.unwrap();
            assert!(!page.items.is_empty() && page.items.len() <= 3);
            seen.extend(about(&page.items));
            cursor = page.next;
        }
        let missing: Vec<_> = order.iter().filter(|name| !seen.contains(name)).collect();
        assert!(missing.is_empty() && seen.len() <= order.len() + 3, "{missing:?} are missing in {seen:?} of {order:?}");
    }

    async fn a_feed_with_very_many_causes_says_that_there_are_more(place) {
        let store = place.open();
        for number in 0..(MOST_CAUSES / 100 + 1) {
            let lines = (0..100).map(|code| line("OBX-3", Kind::Code, &format!("{number}-{code}"), Some(Duty::Feed)));
            take_in(&*store, &format!("M{number}"), 1, None, lines.collect()).await.unwrap();
        }
        take_in(&*store, "known", 2, None, vec![line("OBX-3", Kind::Code, "0-0", None)]).await.unwrap();
        let totals = store.unused_totals().await.unwrap();
        let sums: Vec<_> = totals.iter().map(|sum| (sum.kind, sum.causes, sum.count)).collect();
        assert_eq!(sums, [(Kind::Code, MOST_CAUSES as u64, MOST_CAUSES as u64 + 1), (Kind::Limit, 1, 1)]);
    }

    async fn causes_go_with_messages_unless_somebody_has_open_work_of_them(place) {
        let store = place.open();
        let lines = vec![line("OBX-3", Kind::Reading, "owed", Some(Duty::Feed)), line("OBX-6", Kind::Unit, "old", None)];
        take_in(&*store, "C1", 1, None, lines).await.unwrap();
        take_in(&*store, "C2", 50, None, vec![line("OBX-6", Kind::Unit, "young", None)]).await.unwrap();
        let pruned = store.prune(&before(20), 100).await.unwrap();
        assert_eq!((pruned.messages, pruned.unused), (1, 1));
        let entries = all(&*store).await;
        assert_eq!(told(&entries), ["owed 1 open", "young 1"]);
        answer(&*store, &entries[0].id, UnusedState::Answered, 60).await.unwrap();
        assert_eq!(store.prune(&before(20), 1).await.unwrap().unused, 1);
        assert_eq!(told(&all(&*store).await), ["young 1"]);
        take_in(&*store, "C3", 70, None, vec![line("OBX-3", Kind::Reading, "owed", Some(Duty::Feed))]).await.unwrap();
        assert_eq!(told(&all(&*store).await)[0], "owed 1 open", "what was forgotten begins anew");
    }

    async fn what_was_kept_is_there_after_opening_again(place) {
        if matches!(place.settings.engine, handover::store::EngineChoice::Memory) {
            return;
        }
        let store = place.open();
        take_in(&*store, "C1", 1, None, vec![line("OBX-3", Kind::Reading, "owed", Some(Duty::Practice))]).await.unwrap();
        let kept = all(&*store).await;
        store.close().await;
        drop(store);
        assert_eq!(all(&*place.open()).await, kept);
    }
}
