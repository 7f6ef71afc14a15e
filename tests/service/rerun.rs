//! Messages run again after a repair: what would change is told before, nothing of it is done, and what changed is told afterwards.

use handover::pipeline::{MessageWords, Rerun};
use handover::store::MessageFilter;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::console::Visitor;
use crate::harness::{House, adt, code, eventually, minutes_ago};

/// A site that was repaired after it refused three admissions; a fourth message stays one that nobody can map.
async fn repaired() -> House {
    let house = House::with(&|name, text| {
        if name == "feeds/riverside.yaml" {
            text.replace("accepts: [ADT^*, ORU^R01]", "accepts: [ORU^R01]")
        } else {
            text
        }
    })
    .await;
    let mut hospital = house.hospital().await;
    for (control, patient) in [("R1", "4711"), ("R2", "4712"), ("R3", "4713")] {
        assert_eq!(
            code(&hospital.send(&adt("A04", control, patient, &format!("V{patient}"), &minutes_ago(20))).await),
            "AR"
        );
    }
    let unknown = adt("A04", "R4", "4711", "V1", &minutes_ago(4)).replace("ADT^A04^ADT_A01", "ADT^A99^ADT_A99");
    assert_eq!(code(&hospital.send(&unknown).await), "AR");
    let file = house.folder.path().join("feeds/riverside.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("accepts: [ORU^R01]", "accepts: [ADT^*, ORU^R01]")).unwrap();
    eventually("the repaired site is in force", async || {
        house.running.gateway.site.load().feeds.get("riverside").is_some_and(|feed| feed.accepts.len() == 2)
    })
    .await;
    house
}

fn replay(house: &House, words: &[&str]) -> Value {
    let site = house.folder.path().to_str().unwrap();
    let all = [&["replay", "--json", "--site", site], words].concat();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_handover")).args(all).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

async fn count(house: &House) -> u64 {
    house.running.gateway.store.count_messages(&MessageFilter::default()).await.unwrap().count
}

fn faulty() -> MessageWords {
    MessageWords { faulty: true, ..MessageWords::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_change_is_told_before_and_what_changed_afterwards() {
    let house = repaired().await;
    let visitor = Visitor::new(&house, "Ida Roe").await;
    let (status, page) = visitor.open("/console/replay?faulty=yes&feed=riverside").await;
    assert_eq!(status, 200, "{page}");
    for told in [
        "4 messages would be run again.",
        "3 change something, 1 nothing",
        "<strong>3</strong> AR → AA (answer)",
        "<strong>3</strong> Encounter new",
        "<strong>4</strong> from riverside",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let would = replay(&house, &["--faulty", "--preview"]);
    assert_eq!(would["changed"]["answers"]["AR → AA"], 3, "{would}");
    let store = &house.running.gateway.store;
    assert_eq!((count(&house).await, store.health().await.records), (4, 0), "nothing was written");

    let key = visitor.form_key().await;
    let (status, page) =
        visitor.post("/console/replay", &[("form_key", &key), ("faulty", "yes"), ("feed", "riverside")]).await;
    assert_eq!(status, 303, "{page}");
    eventually("all are run", async || visitor.open("/console/replay/run").await.1.contains("All 4 are run.")).await;
    let (_, page) = visitor.open("/console/replay/run").await;
    for told in
        ["3 changed something, 1 nothing", "Ida Roe began it", "<strong>3</strong> AR → AA (answer)", ": AR → AA, "]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    let kept = house.running.gateway.rerun().await.unwrap().unwrap();
    for kind in ["Patient", "Encounter", "Task"] {
        let told = would["changed"]["new"][kind].as_u64();
        assert_eq!(told, kept.changed.new.get(kind).copied(), "as it was told before: {kind}");
    }
    assert_eq!((count(&house).await, store.health().await.records), (8, 3));
    let audit = visitor.audit().await;
    let of = |action: &str| audit.iter().find(|entry| entry.action == action).cloned().expect("it is in the audit");
    assert!(of("replay-begin").agent.contains("Ida Roe"));
    assert!(of("replay-begin").subject.contains("feed riverside, refused only"));
    assert!(of("replay-end").because.starts_with("4 run again: 1 without change, 3 answered otherwise"));
    // Those that were taken are not run once more, and running one changes nothing.
    let again = replay(&house, &["--faulty"]);
    assert_eq!(again["replayed"].as_array().unwrap().len(), 1, "{again}");
    let first = replay(&house, &["--control", "R1"]);
    let applied = [&first["replayed"][0]["code"], &first["changed"]["altered"]["Encounter"]];
    assert_eq!((applied[0], applied[1].is_null()), (&Value::from("AA"), true), "{first}");
    let (status, page) = visitor.open("/console/replay").await;
    assert!(status == 409 && page.contains("say which messages"), "{page}");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_can_be_stopped_and_gone_on_with_and_says_when_it_was_cut_off() {
    let house = repaired().await;
    let gateway = &house.running.gateway;
    let visitor = Visitor::new(&house, "Ida Roe").await;
    let run = gateway.begin_rerun(&faulty(), "console:Ida Roe").await.unwrap();
    let busy = gateway.begin_rerun(&faulty(), "console:Otto Lee").await.unwrap_err().text;
    assert!(busy.contains("has messages run again just now"), "{busy}");
    // The process that does it is gone, and nobody heard of it for a while.
    let mut kept: Rerun = serde_json::from_slice(&gateway.store.get_state("rerun").await.unwrap().unwrap()).unwrap();
    kept.said = Timestamp::now() - SignedDuration::from_secs(120);
    gateway.store.put_state("rerun", &serde_json::to_vec(&kept).unwrap()).await.unwrap();
    let (_, page) = visitor.open("/console/replay/run").await;
    assert!(page.contains("Cut off after 0 of 4.") && page.contains("Go on with the other 4"), "{page}");
    drop(run);

    let run = gateway.resume_rerun("console:Ida Roe").await.unwrap();
    gateway.stop_rerun("console:Otto Lee").await.unwrap();
    gateway.go_on_with(run).await;
    let (_, page) = visitor.open("/console/replay/run").await;
    assert!(page.contains("Stopped after 0 of 4."), "{page}");
    assert_eq!(count(&house).await, 4);

    let key = visitor.form_key().await;
    assert_eq!(visitor.post("/console/replay/resume", &[("form_key", &key)]).await.0, 303);
    eventually("the rest is run", async || visitor.open("/console/replay/run").await.1.contains("All 4 are run."))
        .await;
    assert_eq!(count(&house).await, 8);
    assert_eq!(visitor.post("/console/replay/resume", &[("form_key", &key)]).await.0, 409, "nothing is left");
    house.running.stop().await;
}
