//! A changed site over stored messages: as a command, which this test holds as a whole, and as a page.

use std::process::Command;

use handover::store::MessageFilter;
use serde_json::Value;

use crate::console::Visitor;
use crate::harness::{House, adt, code, eventually, minutes_ago, write_site};

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_site_is_told_over_stored_messages_by_command_and_page() {
    let next = tempfile::tempdir().unwrap();
    write_site(next.path(), &|name, text| match name {
        "agreements/lakeside-practice.yaml" => text.replace("without: [contact]", "without: [contact, birthDate]"),
        _ => text,
    });
    let offered = format!("\nconsole: {{ changed_sites: ['{}'] }}\n", next.path().display());
    let house = House::with(&|name, text| if name == "handover.yaml" { text + &offered } else { text }).await;
    let mut hospital = house.hospital().await;
    for (control, patient) in [("D1", "4711"), ("D2", "4712")] {
        let raw = adt("A04", control, patient, &format!("V{patient}"), &minutes_ago(20));
        assert_eq!(code(&hospital.send(&raw).await), "AA");
    }
    let diff = |words: &[&str]| {
        let site = next.path().to_str().unwrap();
        let all = [&["diff", "--site", site, "--against", house.folder.path().to_str().unwrap()], words].concat();
        let output = Command::new(env!("CARGO_BIN_EXE_handover")).args(all).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (status, told, noted) = diff(&["--json", "--first", "1"]);
    let all: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}{noted}"));
    assert_eq!((status, &all["judged"], &all["differ"]), (Some(1), &2.into(), &2.into()), "{all}");
    let kind = "lakeside-practice: Patient says otherwise";
    let seen = &all["parts"]["deliveries"][kind];
    assert_eq!((&seen["count"], seen["first"].as_array().map(Vec::len)), (&2.into(), Some(1)), "{all}");
    assert!(noted.contains("messages of the last 30d"), "{noted}");
    let (status, told, _) = diff(&["--control", "D2"]);
    assert!(
        status == Some(1) && told.contains("1 message judged under both sites, 1 differ; nothing was written"),
        "{told}"
    );
    assert!(told.contains("Deliveries") && told.contains("birthDate"), "{told}");
    let (status, told, noted) = diff(&["--event", "ORU"]);
    assert!(status == Some(0) && told.contains("0 messages judged"), "{told}{noted}");

    let visitor = Visitor::new(&house, "Ida Roe").await;
    let (status, page) = visitor.open("/console/compare").await;
    let name = next.path().file_name().unwrap().to_str().unwrap();
    assert!(status == 200 && page.contains(&format!("<option>{name}</option>")), "{page}");
    let key = visitor.form_key().await;
    let begin = async |site: &str| {
        visitor.post("/console/compare", &[("form_key", &key), ("site", site), ("since", "1d"), ("feed", "")]).await
    };
    assert_eq!(begin("elsewhere").await.0, 409, "only what the site in force names");
    let (status, page) = begin(name).await;
    assert_eq!(status, 303, "{page}");
    eventually("all is judged", async || {
        visitor.open("/console/compare").await.1.contains("All 2 messages are judged.")
    })
    .await;
    let (_, page) = visitor.open("/console/compare").await;
    assert!(page.contains(kind) && page.contains("Ida Roe began it"), "{page}");
    assert!(!page.contains("19580314") && !page.contains("1958-03-14"), "values stand on the message's page: {page}");
    let link = page.split("href=\"/console/compare/").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let (status, one) = visitor.open(&format!("/console/compare/{link}")).await;
    assert!(status == 200 && one.contains("birthDate: &#34;") || one.contains("birthDate: &quot;"), "{one}");
    let looked =
        visitor.audit().await.iter().any(|entry| entry.action == "look" && entry.subject == format!("message/{link}"));
    assert!(looked, "who saw values is in the audit");
    assert!(visitor.open("/console/compare/progress").await.1.contains("data-ended"));
    std::fs::write(next.path().join("feeds/riverside.yaml"), "feed: riverside\nzoen: UTC\n").unwrap();
    let (status, page) = begin(name).await;
    assert!(status == 409 && page.contains("zoen") && page.contains("riverside.yaml:2"), "{page}");
    let count = house.running.gateway.store.count_messages(&MessageFilter::default()).await.unwrap().count;
    assert_eq!(count, 2, "nothing was written");
    house.running.stop().await;
}
