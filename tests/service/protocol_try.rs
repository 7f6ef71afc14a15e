//! A protocol tried on the records of a gateway that runs, and on its store when none does: the same comes of both, and nothing is
//! written.

use std::path::Path;
use std::process::Command;

use handover::fhir::Identifier;
use serde_json::{Value, json};

use crate::harness::{House, adt, code, minutes_ago, start};

const FILE: &str = "
protocol: next-morning
title: The next morning
tasks:
  - id: call
    title: Call the next morning
    text: Call {patient}.
    when: { discharge: { class: emergency } }
    due: 1 d
  - id: stay
    title: Visit after a stay
    text: Visit {patient}.
    when: { discharge: { class: stay } }
examples:
  - why: who was seen is called
    story: [ { ed-arrival: '2026-03-02T09:00' }, { ed-discharge: '2026-03-02T11:00' } ]
    expect: { tasks: [ { rule: call } ] }
";

fn tried(file: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let all = [&["protocol", "try", file.to_str().unwrap()], words].concat();
    let output = Command::new(env!("CARGO_BIN_EXE_handover")).args(all).output().expect("it ran");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_is_tried_on_a_running_gateway_and_on_its_store_alike() {
    let house = House::new().await;
    let site = house.folder.path().to_str().unwrap().to_string();
    let mut hospital = house.hospital().await;
    for (number, mrn, minutes) in [("1", "4711", 300), ("2", "4713", 200), ("3", "999999", 100)] {
        let arrival = adt("A04", &format!("A{number}"), mrn, &format!("V{number}"), &minutes_ago(minutes + 60));
        let home = adt("A03", &format!("D{number}"), mrn, &format!("V{number}"), &minutes_ago(minutes));
        for message in [arrival, home] {
            assert_eq!(code(&hospital.send(&message).await), "AA");
        }
    }
    let file = house.folder.path().join("next-morning.yaml");
    std::fs::write(&file, FILE).unwrap();
    let json_of = |words: &[&str]| -> Value {
        let (code, told, noted) = tried(&file, &[words, &["--site", &site, "--json"]].concat());
        assert_eq!(code, Some(0), "{told}{noted}");
        serde_json::from_str(&told).unwrap()
    };
    let running = json_of(&["--since", "2d"]);
    let gateway = &house.running.gateway;
    for mrn in ["4711", "4713"] {
        let identifier = Identifier::new("urn:oid:2.16.840.1.113883.19.5", mrn);
        let person = gateway.store.persons_of(&[identifier]).await.unwrap()[0].unwrap();
        let known = gateway.load(person, 10).await.unwrap();
        let made = known.record.of_type("Task").filter_map(|task| task.state.work.as_ref()?["protocol"].as_str());
        let made: Vec<&str> = made.collect();
        assert!(!made.is_empty() && !made.contains(&"next-morning"), "a trial writes nothing: {made:?}");
    }
    let (call, stay) = (&running["tally"]["rules"][0], &running["tally"]["rules"][1]);
    // Who is on no panel is owed nothing; the other members of the panel are not known here.
    assert_eq!(
        (&running["tally"]["records"], &call["made"], &call["people"]),
        (&json!(2), &json!(2), &json!(2)),
        "{running}"
    );
    assert_eq!((&call["open"], &running["unknown"]), (&json!(2), &json!(6)), "{running}");
    assert_eq!((&stay["made"], &stay["steps"].as_array().unwrap().last().unwrap()["left"]), (&json!(0), &json!(0)));
    assert_eq!(call["listed"].as_array().unwrap().len(), 2, "{call}");
    let nobody = json_of(&["--since", "2d", "--people", "0", "--panel", "lakeside"]);
    assert_eq!((&nobody["tally"]["rules"][0]["made"], &nobody["tally"]["rules"][0]["listed"]), (&json!(2), &json!([])));

    let (code, told, _) = tried(&file, &["--site", &site]);
    assert_eq!(code, Some(0));
    for words in
        ["2 records looked at; 2 would have had something of it", "Made nothing", "stay (", "By week", "Okafor"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    for (words, expected) in [
        (&["--panel", "lakesid"][..], "no panel `lakesid`"),
        (&["--since", "tomorrow"], "`tomorrow` is no time; write 90d"),
        (&["--since", "2999-01-01"], "the window is empty"),
    ] {
        let (code, told, noted) = tried(&file, &[words, &["--site", &site]].concat());
        assert_eq!((code, told.as_str()), (Some(2), ""), "{noted}");
        assert!(noted.contains(expected), "{noted}");
    }
    std::fs::write(&file, FILE.replace("emergency", "emergancy")).unwrap();
    let (code, _, noted) = tried(&file, &["--site", &site]);
    assert_eq!(code, Some(2));
    assert!(noted.contains("did you mean `emergency`?") && noted.contains("next-morning.yaml:8"), "{noted}");
    std::fs::write(&file, FILE).unwrap();

    house.running.stop().await;
    let alone = json_of(&["--since", "2d"]);
    assert_eq!(alone["tally"]["rules"][0]["made"], json!(2), "{alone}");
    assert_eq!(alone["tally"]["rules"][1]["steps"], stay["steps"]);
    let again = start(house.folder.path()).await;
    again.stop().await;
}
