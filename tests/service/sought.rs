//! Messages found as people look for them, on the page and by the command, through a whole gateway.

use serde_json::Value;

use crate::console::Visitor;
use crate::harness::{House, adt, code, minutes_ago};

fn find(house: &House, words: &[&str]) -> Value {
    let site = house.folder.path().to_str().unwrap();
    let all = [&["message", "find", "--json", "--site", site], words].concat();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_handover")).args(all).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn controls(found: &Value) -> Vec<&str> {
    found["items"].as_array().unwrap().iter().map(|one| one["control"].as_str().unwrap()).collect()
}

/// Two of one patient, one of another, and one that nobody can map.
async fn played() -> House {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let home = adt("A03", "K2", "4711", "V1", &minutes_ago(5)) + "ZPV|1|||home oxygen 2L\r";
    let unknown = adt("A04", "K4", "4711", "V1", &minutes_ago(4)).replace("ADT^A04^ADT_A01", "ADT^A99^ADT_A99");
    for (message, answer) in [
        (adt("A04", "K1", "4711", "V1", &minutes_ago(90)), "AA"),
        (home, "AA"),
        (adt("A04", "K3", "4712", "V2", &minutes_ago(60)), "AA"),
        (unknown, "AR"),
    ] {
        assert_eq!(code(&hospital.send(&message).await), answer);
    }
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_the_command_find_the_same_messages_by_the_same_words() {
    let house = played().await;
    let visitor = Visitor::new(&house, "Ida Roe").await;
    for (query, words, expected) in [
        ("patient=4711", &["--patient", "4711"][..], &["K2", "K1"][..]),
        ("event=a03", &["--event", "a03"], &["K2"]),
        ("event=ADT&outcome=applied", &["--event", "ADT", "--outcome", "applied"], &["K3", "K2", "K1"]),
        ("kind=event", &["--kind", "event"], &["K4"]),
        ("faulty=yes&feed=riverside", &["--faulty", "--feed", "riverside"], &["K4"]),
        ("control=K3&since=1h", &["--control", "K3", "--since", "1h"], &["K3"]),
        ("text=HOME%20oxygen&since=2d", &["--text", "HOME oxygen", "--since", "2d"], &["K2"]),
        ("patient=4711&event=FHIR", &["--patient", "4711", "--event", "FHIR"], &[]),
        ("until=2020-01-01", &["--until", "2020-01-01"], &[]),
    ] {
        let found = find(&house, words);
        assert_eq!(controls(&found), expected, "{words:?}");
        let is_text = query.starts_with("text");
        assert_eq!(found["count"].as_u64(), (!is_text).then_some(expected.len() as u64), "{words:?}: {found}");
        let (status, page) = visitor.open(&format!("/console/messages?{query}")).await;
        assert_eq!(status, 200);
        for control in ["K1", "K2", "K3", "K4"] {
            assert_eq!(
                page.contains(&format!("<td data-l=\"Control id\">{control}</td>")),
                expected.contains(&control),
                "{query}: {page}"
            );
        }
        let counted = match expected.len() {
            0 => "No message.".to_string(),
            1 => "1 message.".to_string(),
            many => format!("{many} messages."),
        };
        let told = if is_text { "4 messages were looked through, to the oldest of".to_string() } else { counted };
        assert!(page.contains(&told), "{query}: {told}: {page}");
    }
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_cannot_be_read_is_told_and_a_long_list_goes_on_with_the_question() {
    let house = played().await;
    let visitor = Visitor::new(&house, "Ida Roe").await;
    for (query, told) in [
        ("kind=typo", "`typo` is no kind; kinds are reading, code"),
        ("since=last+week", "`last week` is no time"),
        ("since=2026-11-25&until=2026-11-20", "it ends before it begins"),
        ("text=ab", "look for text of 3 to 200 characters"),
    ] {
        let (status, page) = visitor.open(&format!("/console/messages?{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert!(page.replace("&#38;", "&").contains(told) && page.contains("role=\"alert\""), "{query}: {page}");
    }
    let (_, page) = visitor.open("/console/messages?patient=990000").await;
    assert!(page.contains("No patient has the number 990000"), "{page}");
    let mut hospital = house.hospital().await;
    for number in 0..52 {
        let control = format!("N{number}");
        assert_eq!(code(&hospital.send(&adt("A08", &control, "4713", "V9", &minutes_ago(3))).await), "AA");
    }
    let (_, page) = visitor.open("/console/messages?event=A08&feed=riverside").await;
    let next =
        page.split("<a class=\"btn\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a next page");
    assert!(page.contains("52 messages.") && next.contains("event=A08") && next.contains("feed=riverside"), "{next}");
    let (_, rest) =
        visitor.open(&format!("/console/messages{}", next.replace("&#38;", "&").replace("&amp;", "&"))).await;
    assert!(rest.contains(">N1</td>") && rest.contains(">N0</td>") && !rest.contains(">N2</td>"), "{rest}");
    house.running.stop().await;
}
