//! Messages' consequences out: in order, once, through partners that are away.

use handover::store::{DeliveryFilter, DeliveryState};

use crate::harness::{House, adt, code, eventually, minutes_ago};

#[tokio::test(flavor = "multi_thread")]
async fn work_waits_for_a_partner_that_is_away_and_goes_out_in_order() {
    // The partner's address leads nowhere at first; the changed site is taken over while the gateway runs.
    let house = House::with(&|name, text| {
        if name == "partners/lakeside-practice.yaml" {
            text.replace("http://127.0.0.1:", "http://127.0.0.2:")
        } else {
            text
        }
    })
    .await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(90))).await), "AA");
    assert_eq!(code(&hospital.send(&adt("A03", "2", "4711", "V1", &minutes_ago(5))).await), "AA");
    let store = &house.running.gateway.store;
    let waiting = DeliveryFilter { state: Some(DeliveryState::Waiting), ..DeliveryFilter::default() };
    let before = store.deliveries(&waiting, None, 100).await.unwrap().items;
    assert!(before.len() >= 3, "work waits, visibly: {}", before.len());
    let file = house.folder.path().join("partners/lakeside-practice.yaml");
    let text = std::fs::read_to_string(&file).unwrap().replace("http://127.0.0.2:", "http://127.0.0.1:");
    std::fs::write(&file, text).unwrap();
    eventually("everything is delivered", async || {
        let state = Some(DeliveryState::Delivered);
        let page = store.deliveries(&DeliveryFilter { state, ..DeliveryFilter::default() }, None, 100).await.unwrap();
        for delivery in store.deliveries(&waiting, None, 100).await.unwrap().items {
            let _ = store.retry_delivery(&delivery.new.id, jiff::Timestamp::now()).await;
        }
        page.items.len() >= before.len()
    })
    .await;
    let mut delivered = store.deliveries(&DeliveryFilter::default(), None, 100).await.unwrap().items;
    delivered.sort_by_key(|delivery| delivery.new.number);
    let numbers: Vec<u64> = delivered.iter().map(|delivery| delivery.new.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "numbered without gaps");
    let times: Vec<_> = delivered.iter().map(|delivery| delivery.attempts.last().unwrap().at).collect();
    assert!(times.is_sorted(), "sent in the order of their numbers");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_about_a_patient_who_is_on_no_panel() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "9999", "V9", &minutes_ago(90))).await), "AA");
    let deliveries = house.running.gateway.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap();
    assert_eq!(deliveries.items, []);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_starts_again_goes_on_where_it_was() {
    let house = House::with(&|name, text| {
        if name == "partners/lakeside-practice.yaml" {
            text.replace("http://127.0.0.1:", "http://127.0.0.2:")
        } else {
            text
        }
    })
    .await;
    let mut hospital = house.hospital().await;
    hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(90))).await;
    let House { running, folder, .. } = house;
    let before = running.gateway.store.deliveries(&DeliveryFilter::default(), None, 100).await.unwrap().items;
    running.stop().await;
    let again = crate::harness::start(folder.path()).await;
    let after = again.gateway.store.deliveries(&DeliveryFilter::default(), None, 100).await.unwrap().items;
    let ids = |all: &[handover::store::Delivery]| all.iter().map(|one| one.new.id.clone()).collect::<Vec<_>>();
    assert!(!before.is_empty());
    assert_eq!(ids(&before), ids(&after));
    again.stop().await;
}
