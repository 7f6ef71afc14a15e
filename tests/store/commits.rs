//! One unit: all of it or nothing, and its preconditions.

use handover::fhir::Identifier;
use handover::record::Change;
use handover::store::{AuditEntry, DeliveryFilter, Seen, Store, StoreError, WriteUnit};
use serde_json::json;

use crate::given::{at, change, delivery, head, identifier, message, person};

fn whole_unit() -> WriteUnit {
    let mut head = head(person(1), 0);
    head.head.identifiers = vec![identifier(1)];
    WriteUnit {
        message: Some(message("C1", "MSH|1")),
        heads: vec![head],
        changes: vec![change(person(1), "Task", "t", 0, json!({ "status": "requested", "x": 1.50 }))],
        identifiers: vec![(identifier(1), person(1))],
        deliveries: vec![delivery("d1", "lakeside", person(1), 1, at(0))],
        audit: vec![AuditEntry {
            at: at(0),
            agent: "lakeside".to_string(),
            action: "push".to_string(),
            person: Some(person(1)),
            subject: "Task/1".to_string(),
            allowed: true,
            because: "agreements/lakeside-practice.yaml:7".to_string(),
        }],
        ..WriteUnit::default()
    }
}

async fn is_empty(store: &dyn Store) -> bool {
    let health = store.health().await;
    health.records == 0
        && health.deliveries_waiting == 0
        && store.head(person(1)).await.unwrap().is_none()
        && store.audit(None, None, 10).await.unwrap().items.is_empty()
        && store.persons_of(&[identifier(1)]).await.unwrap() == [None]
        && store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().items.is_empty()
}

on_every_store! {
    async fn a_unit_reads_back_whole(place) {
        let store = place.open();
        let unit = whole_unit();
        let sequence = store.commit(unit.clone()).await.unwrap().sequence;

        let entry = store.message(sequence).await.unwrap().unwrap();
        let mut expected = unit.message.unwrap();
        expected.summary.sequence = sequence;
        assert_eq!(entry, expected);
        assert_eq!(store.head(person(1)).await.unwrap().unwrap(), unit.heads[0].head);
        let stored = &unit.changes[0].stored;
        assert_eq!(store.resource("Task", stored.id).await.unwrap().as_ref(), Some(stored));
        assert_eq!(store.persons_of(&[identifier(2), identifier(1)]).await.unwrap(), [None, Some(person(1))]);
        let delivery = store.delivery("d1").await.unwrap().unwrap();
        assert_eq!((delivery.new.message, &delivery.new.payload), (Some(sequence), &unit.deliveries[0].payload));
        assert_eq!(store.audit(None, None, 10).await.unwrap().items, unit.audit);
        let health = store.health().await;
        assert_eq!((health.fault, health.messages, health.records, health.deliveries_waiting), (None, 1, 1, 1));
    }

    async fn a_unit_whose_precondition_fails_writes_nothing(place) {
        let store = place.open();
        store.commit(WriteUnit { message: Some(message("C0", "MSH|0")), ..WriteUnit::default() }).await.unwrap();

        let mut late = whole_unit();
        late.heads[0].replaces = 4;
        late.heads[0].head.revision = 5;
        assert!(matches!(store.commit(late).await, Err(StoreError::Conflict)));
        let mut late = whole_unit();
        late.changes[0].replaces = 1;
        late.changes[0].stored.version = 2;
        assert!(matches!(store.commit(late).await, Err(StoreError::Conflict)));
        let mut again = whole_unit();
        again.message = Some(message("C0", "MSH|0"));
        assert!(matches!(store.commit(again).await, Err(StoreError::Duplicate(1..))));
        assert!(is_empty(&*store).await);
        assert_eq!(store.seen("riverside", "C1", &message("C1", "MSH|1").content).await.unwrap(), Seen::New);
    }

    async fn of_two_units_on_one_revision_one_wins(place) {
        let store = place.open();
        let unit = |control: &str| WriteUnit { message: Some(message(control, control)), heads: vec![head(person(1), 0)], ..WriteUnit::default() };
        let (one, two) = tokio::join!(store.commit(unit("A")), store.commit(unit("B")));
        assert!(one.is_ok() != two.is_ok());
        assert_eq!(store.health().await.messages, 1);
    }

    async fn a_replay_is_taken_and_answers_from_then_on(place) {
        let store = place.open();
        let unit = |replays| {
            let mut entry = message("C1", "MSH|1");
            entry.summary.replays = replays;
            WriteUnit { message: Some(entry), ..WriteUnit::default() }
        };
        let first = store.commit(unit(None)).await.unwrap().sequence;
        let second = store.commit(unit(Some(first))).await.unwrap().sequence;
        assert!(second > first);
        let Err(StoreError::Duplicate(known)) = store.commit(unit(None)).await else { panic!("taken twice") };
        assert_eq!(known, second);
    }

    async fn a_change_of_state_alone_makes_no_version(place) {
        let store = place.open();
        let first = change(person(1), "Encounter", "v", 0, json!({ "status": "arrived" }));
        let mut second = first.clone();
        second.replaces = 1;
        second.stored.state.work = Some(json!({ "seen": 2 }));
        for change in [first, second.clone()] {
            store.commit(WriteUnit { changes: vec![change], ..WriteUnit::default() }).await.unwrap();
        }
        let id = second.stored.id;
        assert_eq!(store.resource("Encounter", id).await.unwrap().unwrap(), second.stored);
        assert_eq!(store.version("Encounter", id, 2).await.unwrap(), None);
    }

    async fn what_the_store_cannot_keep_is_refused(place) {
        let store = place.open();
        let unknown = change(person(1), "Pateint", "p", 0, json!({}));
        let mut backwards = change(person(1), "Task", "p", 0, json!({}));
        backwards.stored.version = 0;
        for change in [unknown, backwards] {
            let change: Change = change;
            let result = store.commit(WriteUnit { changes: vec![change], ..WriteUnit::default() }).await;
            assert!(matches!(result, Err(StoreError::Refused(_))), "{result:?}");
        }
    }

    async fn an_identifier_leads_where_the_last_commit_said(place) {
        let store = place.open();
        for number in [1, 2] {
            let identifiers = vec![(Identifier::new("urn:s", "x"), person(number))];
            store.commit(WriteUnit { identifiers, ..WriteUnit::default() }).await.unwrap();
        }
        assert_eq!(store.persons_of(&[Identifier::new("urn:s", "x")]).await.unwrap(), [Some(person(2))]);
    }
}
