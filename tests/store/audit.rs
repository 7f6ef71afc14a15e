//! The audit trail: newest first, of all or of one patient.

use handover::identity::PersonId;
use handover::store::{AuditEntry, Store, WriteUnit};

use crate::given::{at, person};

fn entry(number: i64, person: Option<PersonId>) -> AuditEntry {
    AuditEntry {
        at: at(number),
        agent: "lakeside".to_string(),
        action: "read".to_string(),
        person,
        subject: number.to_string(),
        allowed: number % 2 == 0,
        because: "agreements/lakeside-practice.yaml:7".to_string(),
    }
}

async fn subjects(store: &dyn Store, person: Option<PersonId>, count: usize) -> String {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.audit(person, cursor.as_ref(), count).await.unwrap();
        assert!(page.items.len() <= count);
        found.extend(page.items.into_iter().map(|entry| entry.subject));
        cursor = page.next;
        if cursor.is_none() {
            return found.join(" ");
        }
    }
}

on_every_store! {
    async fn entries_are_listed_newest_first_whatever_the_page(place) {
        let store = place.open();
        let commits = [vec![entry(1, Some(person(1))), entry(2, None), entry(3, Some(person(2)))], vec![entry(4, None)], vec![entry(5, Some(person(1))), entry(6, Some(person(1)))]];
        for audit in commits {
            store.commit(WriteUnit { audit, ..WriteUnit::default() }).await.unwrap();
        }
        for count in [1, 2, 3, 10] {
            assert_eq!(subjects(&*store, None, count).await, "6 5 4 3 2 1");
            assert_eq!(subjects(&*store, Some(person(1)), count).await, "6 5 1");
        }
        assert_eq!(subjects(&*store, Some(person(9)), 10).await, "");
    }
}
