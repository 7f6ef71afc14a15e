//! A record that is kept is what the store would give, and counts no more once somebody else wrote it.

use std::path::Path;
use std::sync::Arc;

use super::hot::OBSERVATIONS;
use super::{Arrival, Gateway};
use crate::clock::ManualClock;
use crate::record::Record;
use crate::site;
use crate::store::{EngineChoice, StoreSettings, open};

async fn house() -> Gateway {
    let site = site::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo")).site.unwrap();
    let panel = &site.panels["lakeside"];
    let file = panel.members.clone().unwrap();
    let members = site.read_roster(panel, &file, &std::fs::read(site.folder.join(&file)).unwrap()).members;
    let store = open(&StoreSettings { engine: EngineChoice::Memory, path: "unused".into() }).unwrap();
    let now = "2026-03-02T22:00:00Z".parse().unwrap();
    store.replace_panel("lakeside", members, now).await.unwrap();
    Gateway::new(store, site, Arc::new(ManualClock::at(now)))
}

fn message(control: &str, event: &str, segments: &[&str]) -> Vec<u8> {
    let head = format!("MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|20260302160000-0500||{event}|{control}|P|2.5.1");
    let patient = "PID|1||4712^^^RIVERSIDE^MR||Brandt^Theo||19510809|M|||7 Quay Road^^Springfield^MA^01103^USA^H";
    let visit = "PV1|1|E|ED^02^B^RIVERSIDE|||||||||||||||V30001^^^RIVERSIDE-VISIT^VN|||||||||||||||||||||||||20260302140000-0500";
    [&[head.as_str(), patient, visit], segments].concat().join("\r").into_bytes()
}

/// `count` readings, half a minute apart.
fn readings(control: &str, count: usize) -> Vec<u8> {
    let order = format!("OBR|1||{control}^RIVERSIDE|59408-5^Oxygen saturation^LN|||20260302160000-0500");
    let one = |place: usize| {
        let (minute, second) = (place / 2, place % 2 * 30);
        let at = format!("20260302{:02}{:02}{second:02}-0500", 8 + minute / 60, minute % 60);
        let value = 84 + place % 12;
        format!("OBX|{}|NM|59408-5^Oxygen saturation^LN|{place}|{value}|%^percent^UCUM||||||F|||{at}", place + 1)
    };
    let all: Vec<String> = std::iter::once(order).chain((0..count).map(one)).collect();
    message(control, "ORU^R01^ORU_R01", &all.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn accept(gateway: &Gateway, raw: Vec<u8>) {
    let answer = gateway.accept(Arrival { feed: "riverside".to_string(), raw, ..Arrival::default() }).await;
    assert!(String::from_utf8_lossy(&answer.bytes).contains("MSA|AA|"), "{}", String::from_utf8_lossy(&answer.bytes));
}

#[tokio::test]
async fn a_record_that_is_kept_is_what_the_store_would_give() {
    let gateway = house().await;
    let diagnosis = ["DG1|1||J44.1^COPD with exacerbation^I10C|||F"];
    let story = [
        message("1", "ADT^A04^ADT_A01", &diagnosis),
        readings("2", 3),
        message("3", "ADT^A08^ADT_A01", &diagnosis),
        readings("4", OBSERVATIONS + 6),
        readings("5", 2),
        message("6", "ADT^A03^ADT_A03", &diagnosis),
    ];
    let identifier = crate::fhir::Identifier::new("urn:oid:2.16.840.1.113883.19.5", "4712");
    for (place, raw) in story.into_iter().enumerate() {
        accept(&gateway, raw).await;
        let person = gateway.store.persons_of(std::slice::from_ref(&identifier)).await.unwrap()[0].unwrap();
        let stored = gateway.store.record(person, &[], OBSERVATIONS).await.unwrap();
        let hot = gateway.hot.peek(person).unwrap();
        assert_eq!(hot.head, stored.head, "after message {}", place + 1);
        assert_eq!(hot.truncated, stored.truncated, "after message {}", place + 1);
        let names = |record: &Record| record.resources.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&hot), names(&stored), "after message {}", place + 1);
        for (key, one) in stored.resources.iter() {
            assert_eq!(hot.resources.get(key), Some(one), "after message {}", place + 1);
        }
        let open = stored.of_type("Task").count();
        assert!(open > 0 || place == 0, "nothing was owed, so that nothing of it was compared");
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_meanwhile_is_read_from_the_store() {
    let gateway = house().await;
    accept(&gateway, message("1", "ADT^A04^ADT_A01", &[])).await;
    let identifier = crate::fhir::Identifier::new("urn:oid:2.16.840.1.113883.19.5", "4712");
    let person = gateway.store.persons_of(&[identifier]).await.unwrap()[0].unwrap();
    let head = gateway.store.head(person).await.unwrap().unwrap();
    let later = crate::record::Head { revision: head.revision + 1, ..head.clone() };
    assert!(gateway.hot.take_out(&later).is_none());
    assert!(gateway.hot.take_out(&head).is_none(), "what is old is not kept for anybody");
}
