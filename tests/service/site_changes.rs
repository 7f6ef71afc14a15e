//! A site that changes while the gateway runs, and messages that are taken again after a repair.

use handover::store::MessageFilter;

use crate::harness::{House, adt, code, eventually, minutes_ago};

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_change_keeps_the_old_site() {
    let house = House::new().await;
    let file = house.folder.path().join("agreements/lakeside-practice.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    let mut events = house.running.gateway.events.subscribe();
    std::fs::write(&file, good.replace("partner: lakeside-practice", "partner: lakeside-practise")).unwrap();
    let refused = async {
        loop {
            if let handover::pipeline::Event::Site { reloaded, problems } = events.recv().await.unwrap() {
                return (reloaded, problems);
            }
        }
    };
    let (reloaded, problems) = tokio::time::timeout(std::time::Duration::from_secs(20), refused).await.unwrap();
    assert!(!reloaded && problems >= 1);
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(9))).await), "AA");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_replayed_after_the_site_was_repaired() {
    let house = House::with(&|name, text| {
        if name == "feeds/riverside.yaml" {
            text.replace("accepts: [ADT^*, ORU^R01]", "accepts: [ORU^R01]")
        } else {
            text
        }
    })
    .await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(9))).await), "AR");
    let file = house.folder.path().join("feeds/riverside.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("accepts: [ORU^R01]", "accepts: [ADT^*, ORU^R01]")).unwrap();
    let gateway = &house.running.gateway;
    eventually("the new site is in force", async || {
        gateway.site.load().feeds.get("riverside").is_some_and(|feed| feed.accepts.len() == 2)
    })
    .await;
    let kept = gateway.store.messages(&MessageFilter::default(), None, 10).await.unwrap().items;
    let answer = gateway.replay(kept[0].sequence, "test").await.unwrap().unwrap();
    assert_eq!(answer.code.text(), "AA");
    let newest = gateway.store.messages(&MessageFilter::default(), None, 10).await.unwrap().items;
    assert_eq!(newest[0].replays, Some(kept[0].sequence));
    house.running.stop().await;
}
