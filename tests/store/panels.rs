//! Panels: replaced as a whole, found by identifier, waking who is affected.

use handover::fhir::Identifier;
use handover::record::Membership;
use handover::store::{Store, StoreError, WriteUnit};

use crate::given::{at, head, identifier, minutes, person};

fn member(number: usize, care_manager: &str) -> Membership {
    Membership {
        panel: "lakeside".to_string(),
        identifiers: vec![Identifier::new("urn:practice", format!("{number:04}")), identifier(number)],
        practitioner: None,
        care_manager: Some(care_manager.to_string()),
        language: Some("en".to_string()),
        phone: None,
    }
}

async fn known_patients(store: &dyn Store, count: usize) {
    let heads = (0..count).map(|number| head(person(number), 0)).collect();
    let identifiers = (0..count).map(|number| (identifier(number), person(number))).collect();
    store.commit(WriteUnit { heads, identifiers, ..WriteUnit::default() }).await.unwrap();
}

on_every_store! {
    async fn members_are_found_by_any_identifier(place) {
        let store = place.open();
        store.replace_panel("lakeside", vec![member(1, "Ada"), member(2, "Ada")], at(0)).await.unwrap();
        store.replace_panel("hillside", vec![Membership { panel: "hillside".into(), ..member(1, "Bo") }], at(0)).await.unwrap();
        let found = store.memberships(&[identifier(1), Identifier::new("urn:practice", "0001"), identifier(9)]).await.unwrap();
        let mut panels: Vec<_> = found.iter().map(|member| member.panel.as_str()).collect();
        panels.sort_unstable();
        assert_eq!(panels, ["hillside", "lakeside"]);
        assert_eq!(store.memberships(&[identifier(2)]).await.unwrap(), [member(2, "Ada")]);
    }

    async fn a_panel_is_listed_in_order_of_first_identifier(place) {
        let store = place.open();
        let members = [5, 3, 4, 1, 2].map(|number| member(number, "Ada"));
        store.replace_panel("lakeside", members.into(), at(0)).await.unwrap();
        let (mut numbers, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.panel("lakeside", cursor.as_ref(), 2).await.unwrap();
            numbers.extend(page.items.into_iter().map(|member| member.identifiers[0].value.clone()));
            cursor = page.next;
            if cursor.is_none() { break; }
        }
        assert_eq!(numbers, ["0001", "0002", "0003", "0004", "0005"]);
        assert!(store.panel("lake", None, 10).await.unwrap().items.is_empty());
    }

    async fn known_patients_who_joined_left_or_changed_are_woken(place) {
        let store = place.open();
        known_patients(&*store, 5).await;
        let joined = store.replace_panel("lakeside", vec![member(1, "Ada"), member(2, "Ada"), member(3, "Ada"), member(77, "Ada")], at(5)).await.unwrap();
        assert_eq!(joined, 3);
        assert_eq!(store.claim_timers(at(5), 10, minutes(1)).await.unwrap().len(), 3);
        assert_eq!(store.head(person(1)).await.unwrap().unwrap().revision, 2);

        let count = store.replace_panel("lakeside", vec![member(2, "Ada"), member(3, "Bo"), member(4, "Ada")], at(9)).await.unwrap();
        assert_eq!(count, 3, "1 left, 3 changed, 4 joined");
        assert_eq!(store.head(person(2)).await.unwrap().unwrap().revision, 2);
        assert_eq!(store.head(person(3)).await.unwrap().unwrap().revision, 3);
        assert!(store.memberships(&[identifier(1)]).await.unwrap().is_empty());
    }

    async fn an_earlier_timer_is_kept(place) {
        let store = place.open();
        known_patients(&*store, 2).await;
        let mut write = head(person(1), 1);
        write.head.wake_at = Some(at(3));
        store.commit(WriteUnit { heads: vec![write], ..WriteUnit::default() }).await.unwrap();
        store.replace_panel("lakeside", vec![member(1, "Ada")], at(50)).await.unwrap();
        assert_eq!(store.head(person(1)).await.unwrap().unwrap().wake_at, Some(at(3)));
    }

    async fn a_member_without_identifier_is_refused(place) {
        let store = place.open();
        store.replace_panel("lakeside", vec![member(1, "Ada")], at(0)).await.unwrap();
        let nobody = Membership { identifiers: vec![], ..member(2, "Ada") };
        let result = store.replace_panel("lakeside", vec![nobody], at(0)).await;
        assert!(matches!(result, Err(StoreError::Refused(_))));
        assert_eq!(store.panel("lakeside", None, 10).await.unwrap().items.len(), 1);
    }
}
