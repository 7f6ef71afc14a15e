//! A site that changes while the gateway runs, and messages that are taken again after a repair.

use std::process::Command;

use handover::pipeline::{MessageWords, Operation};
use handover::store::MessageFilter;

use crate::console::Visitor;
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
async fn a_site_that_cannot_be_taken_over_is_told_by_everything_that_watches_and_is_never_called_dead() {
    let house = House::new().await;
    let file = house.folder.path().join("partners/lakeside-practice.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    let command = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_handover")).args(words).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (site, data) = (house.folder.path().to_str().unwrap().to_string(), house.folder.path().join("data"));
    let data = data.to_str().unwrap().to_string();
    std::fs::write(&file, format!("{good}\nretry_twice: yes\n")).unwrap();
    let (code, told) = command(&["reload", "--data", &data]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("retry_twice") && told.contains("the old site stays in force"), "{told}");
    for words in [["health", site.as_str()].as_slice(), &["health", "--data", &data]] {
        let (code, told) = command(words);
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!((code, &told["status"], &told["site"]["stale"]), (Some(0), &"warn".into(), &true.into()));
        assert!(told["faults"][0]["details"][0].as_str().unwrap().contains("retry_twice"), "{told}");
    }
    assert_eq!(command(&["health", &site, "--strict"]).0, Some(1));
    let seen = reqwest::get(house.url("/health")).await.unwrap();
    assert_eq!(seen.status(), 200);
    let seen = seen.text().await.unwrap();
    assert!(seen.contains("\"warn\"") && seen.contains("1 error") && !seen.contains("retry_twice"), "{seen}");
    let visitor = Visitor::new(&house, "Ida Roe").await;
    for page in ["", "/messages", "/labels", "/unused", "/work", "/deliveries", "/no/such/page"] {
        let (_, page) = visitor.open(&format!("/console{page}")).await;
        for told in [
            "older than its folder, since 20",
            "retry_twice",
            "was not taken over",
            "handover check",
            "handover reload",
        ] {
            assert!(page.contains(told), "{told}:\n{page}");
        }
    }
    let stranger = reqwest::get(house.url("/console/login")).await.unwrap().text().await.unwrap();
    assert!(!stranger.contains("retry_twice"), "{stranger}");
    let metrics = reqwest::get(house.url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("handover_site_stale 1") && metrics.contains("state=\"failed\"} "), "{metrics}");
    let (code, told) = command(&["message", "list", "--data", &data, "--json"]);
    assert_eq!((code, told.contains("items")), (Some(0), true), "other commands need no sound site either");

    std::fs::write(&file, good).unwrap();
    assert_eq!(command(&["reload", &site]).0, Some(0));
    let (_, told) = command(&["health", "--data", &data, "--strict"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap()["status"], "pass");
    assert!(!visitor.open("/console").await.1.contains("older than its folder"), "it is mended");
    house.running.stop().await;
    assert_eq!(command(&["health", "--data", &data]).0, Some(2), "nobody runs there now");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_comes_after_the_start_is_watched_too() {
    let house = House::new().await;
    let mut events = house.running.gateway.events.subscribe();
    let mut site_event = async || loop {
        let event = tokio::time::timeout(std::time::Duration::from_secs(20), events.recv()).await;
        if let handover::pipeline::Event::Site { reloaded, .. } = event.expect("nobody looked").unwrap() {
            return reloaded;
        }
    };
    let protocols = house.folder.path().join("protocols");
    std::fs::create_dir(&protocols).unwrap();
    assert!(site_event().await, "an empty folder changes nothing");
    std::fs::write(protocols.join("odd.yaml"), "protocol: [").unwrap();
    assert!(!site_event().await, "a file that is not valid is refused, so it was seen");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_in_vain_does_not_hide_what_it_was_about_and_what_was_taken_is_not_replayed() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let unmapped = adt("A99", "1", "4711", "V1", &minutes_ago(9));
    assert_eq!(code(&hospital.send(&unmapped).await), "AR");
    let gateway = &house.running.gateway;
    let select = || Operation::ReplaySelect { sought: MessageWords { faulty: true, ..MessageWords::default() } };
    let replay = async || {
        let selected = gateway.perform(select()).await.unwrap();
        let sequences = serde_json::from_value(selected["sequences"].clone()).unwrap();
        gateway.perform(Operation::Replay { sequences }).await.unwrap()
    };
    for _ in 0..3 {
        let done = replay().await;
        assert_eq!(done["replayed"].as_array().unwrap().len(), 1, "{done}");
    }
    let file = house.folder.path().join("feeds/riverside.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("facilities: [RIVERSIDE]", "facilities: [ELSEWHERE]")).unwrap();
    eventually("the feed is for others", async || {
        gateway.site.load().feeds.get("riverside").is_some_and(|feed| feed.facilities == ["ELSEWHERE"])
    })
    .await;
    assert_eq!(code(&hospital.send(&adt("A04", "2", "4711", "V1", &minutes_ago(9))).await), "AR");
    std::fs::write(&file, text).unwrap();
    eventually("the feed is for us again", async || {
        gateway.site.load().feeds.get("riverside").is_some_and(|feed| feed.facilities == ["RIVERSIDE"])
    })
    .await;
    let done = replay().await;
    let codes: Vec<_> = done["replayed"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, ["AR", "AA"]);
    assert_eq!(replay().await["replayed"].as_array().unwrap().len(), 1);
    house.running.stop().await;
}
