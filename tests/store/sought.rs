//! Messages by what people look for: every list is the one that looking at each message would give, and every count is its length.

use handover::store::{
    Cursor, Disposition, EngineChoice, MessageEntry, MessageFilter, MessageSummary, PruneBefore, Store, TraceLine,
    WriteUnit,
};
use handover::unused::{Kind, Unused};
use jiff::{SignedDuration, Timestamp};

use crate::given::{at, message};
use crate::place::Place;

const FEEDS: [&str; 3] = ["riverside", "lab", "fhir:payer"];
const EVENTS: [&str; 4] = ["ADT^A03", "ORU^R01", "ADT^A08", ""];
const KINDS: [Option<Kind>; 3] = [None, Some(Kind::Code), Some(Kind::Unit)];

/// The `number`th of many unlike ones, 7 minutes after the one before; some at the very time of another.
fn entry(number: usize) -> MessageEntry {
    let mut entry = message(&format!("C{}", number % 40), &format!("MSH|{number}|Na\u{ef}ma {}", number % 9));
    let summary = &mut entry.summary;
    summary.received = at(number as i64 / 2 * 840);
    summary.feed = FEEDS[number * 7 % 3].to_string();
    summary.event = EVENTS[number * 5 % 11 % 4].to_string();
    summary.disposition = Disposition::ALL[number * 3 % 13 % 4];
    summary.acknowledged = ["AA", "AA", "AE", "AR"][number * 3 % 13 % 4].to_string();
    summary.patient = Some(format!("p{}", number % 6));
    summary.other_patients = if number.is_multiple_of(5) { vec![format!("p{}", (number + 1) % 6)] } else { Vec::new() };
    summary.further_patients = summary.other_patients.len() as u64;
    for kind in KINDS[number % 3].into_iter().chain(number.is_multiple_of(7).then_some(Kind::Code)) {
        let unused = Some(Unused::new(kind, "X"));
        entry.trace.problems.push(TraceLine { unused, ..TraceLine::new("warning", "OBX-3", "say what to change") });
    }
    entry
}

async fn fill(store: &dyn Store, count: usize) {
    for number in 0..count {
        store.commit(WriteUnit { message: Some(entry(number)), ..WriteUnit::default() }).await.unwrap();
    }
}

/// What many people ask, and one at a time.
fn questions() -> Vec<MessageFilter> {
    let none = MessageFilter::default;
    let time = |from: Option<i64>, before: Option<i64>| (from.map(at), before.map(at));
    let mut all = vec![
        MessageFilter { faulty: true, ..none() },
        MessageFilter { event: Some("fhir".into()), ..none() },
        MessageFilter { control: Some("C7".into()), event: Some("ADT".into()), ..none() },
        MessageFilter { patients: Some(vec!["p1".into(), "p2".into()]), kind: Some(Kind::Code), ..none() },
        MessageFilter { patients: Some(Vec::new()), ..none() },
        MessageFilter { text: Some("na\u{ef}ma 4".into()), feed: Some("lab".into()), ..none() },
        MessageFilter { feed: Some("nobody".into()), ..none() },
    ];
    for (from, before) in [
        time(None, None),
        time(Some(3_000), Some(3_500)),
        time(Some(7_201), None),
        time(Some(0), Some(7_200)),
        time(None, Some(50_000)),
        time(Some(41_000), Some(43_200)),
    ] {
        let timed = || MessageFilter { from, before, ..none() };
        all.push(timed());
        all.extend(FEEDS.map(|feed| MessageFilter { feed: Some(feed.into()), ..timed() }));
        all.extend(["ADT", "r01", "ADT^A08"].map(|event| MessageFilter { event: Some(event.into()), ..timed() }));
        all.extend([Kind::Code, Kind::Unit, Kind::Limit].map(|kind| MessageFilter { kind: Some(kind), ..timed() }));
        all.extend(Disposition::ALL.map(|one| MessageFilter { outcome: Some(one), kind: Some(Kind::Code), ..timed() }));
    }
    all
}

async fn listed(store: &dyn Store, filter: &MessageFilter, count: usize) -> Vec<u64> {
    let (mut all, mut cursor): (Vec<u64>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let found = store.find_messages(filter, cursor.as_ref(), count).await.unwrap();
        assert!(found.items.len() <= count);
        all.extend(found.items.iter().map(|summary| summary.sequence));
        cursor = found.next;
        if cursor.is_none() {
            return all;
        }
    }
}

/// By looking at each message.
async fn expected(store: &dyn Store, all: &[u64], filter: &MessageFilter) -> Vec<u64> {
    let mut found: Vec<MessageSummary> = Vec::new();
    for sequence in all {
        let entry = store.message(*sequence).await.unwrap().unwrap();
        let kinds: Vec<Kind> =
            entry.trace.problems.iter().flat_map(|line| &line.unused).map(|unused| unused.kind).collect();
        let text = String::from_utf8_lossy(&entry.raw).to_lowercase();
        let is_wanted = filter.takes(&entry.summary)
            && filter.kind.is_none_or(|kind| kinds.contains(&kind))
            && filter.text.as_ref().is_none_or(|wanted| text.contains(&wanted.to_lowercase()));
        if is_wanted {
            found.push(entry.summary);
        }
    }
    found.sort_by_key(|summary| std::cmp::Reverse((summary.received, summary.sequence)));
    found.into_iter().map(|summary| summary.sequence).collect()
}

async fn check(store: &dyn Store) {
    let all = listed(store, &MessageFilter::default(), 100).await;
    let mut found = 0;
    for question in questions() {
        let expected = expected(store, &all, &question).await;
        found += expected.len();
        for count in [3, 1000] {
            assert_eq!(listed(store, &question, count).await, expected, "{question:?} by {count}");
        }
        let counted = store.count_messages(&question).await.unwrap();
        let without_text = MessageFilter { text: None, ..question.clone() };
        let length = listed(store, &without_text, 1000).await.len() as u64;
        assert_eq!((counted.count, counted.is_exact), (length, true), "{question:?}");
    }
    assert!(found > 500, "the questions find something: {found}");
}

#[tokio::test]
async fn a_database_of_before_finds_its_messages_too() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open();
    fill(&*store, 60).await;
    store.close().await;
    drop(store);
    let EngineChoice::Postgres { url } = &place.settings.engine else { panic!("PostgreSQL") };
    crate::postgres::run_in(url, &crate::postgres::undone(18));
    check_few(&*place.open()).await;
}

async fn check_few(store: &dyn Store) {
    let of_codes = MessageFilter { kind: Some(Kind::Code), ..MessageFilter::default() };
    let found = listed(store, &of_codes, 7).await;
    assert_eq!(store.count_messages(&of_codes).await.unwrap().count, found.len() as u64);
    assert!(found.len() > 20, "{found:?}");
}

on_every_store! {
    async fn every_question_is_answered_as_looking_at_each_message_would(place) {
        let store = place.open();
        fill(&*store, 130).await;
        check(&*store).await;
        let before: Timestamp = at(26_000);
        let prune = PruneBefore { messages: before, deliveries: before, audit: before, once: before };
        while store.prune(&prune, 7).await.unwrap().more {}
        let left = listed(&*store, &MessageFilter::default(), 100).await.len();
        assert!(left < 80, "{left}");
        check(&*store).await;
    }

    async fn what_comes_meanwhile_is_on_no_later_page_and_pushes_nothing_off(place) {
        let store = place.open();
        fill(&*store, 60).await;
        let adt = MessageFilter { event: Some("ADT".into()), ..MessageFilter::default() };
        let whole = listed(&*store, &adt, 1000).await;
        let (mut seen, mut cursor) = (Vec::new(), None);
        for number in 200.. {
            let found = store.find_messages(&adt, cursor.as_ref(), 4).await.unwrap();
            seen.extend(found.items.iter().map(|summary| summary.sequence));
            store.commit(WriteUnit { message: Some(entry(number)), ..WriteUnit::default() }).await.unwrap();
            cursor = found.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, whole);
        let foreign = Cursor("00".into());
        assert!(store.find_messages(&adt, Some(&foreign), 4).await.is_err(), "a place in another list");
    }

    async fn a_sender_that_makes_up_events_is_found_by_each_and_counted(place) {
        let store = place.open();
        let made_up = |number: usize| {
            let mut entry = message(&format!("M{number}"), &format!("MSH|{number}"));
            entry.summary.event = format!("ZZZ^Z{number}");
            entry.summary.received = at(0) + SignedDuration::from_secs(number as i64);
            entry
        };
        for number in 0..1_010 {
            store.commit(WriteUnit { message: Some(made_up(number)), ..WriteUnit::default() }).await.unwrap();
        }
        for number in [3, 1_005] {
            let one = MessageFilter { event: Some(format!("Z{number}")), ..MessageFilter::default() };
            assert_eq!(listed(&*store, &one, 10).await.len(), 1, "{number}");
            let counted = store.count_messages(&one).await.unwrap();
            assert_eq!((counted.count, counted.is_exact), (1, true));
        }
        let all = MessageFilter { event: Some("ZZZ".into()), ..MessageFilter::default() };
        assert_eq!(store.count_messages(&all).await.unwrap().count, 1_010);
    }
}
