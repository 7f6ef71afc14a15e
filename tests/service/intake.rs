//! Messages in: acknowledged when durable, once, whatever way they are packed.

use handover::fhir::Identifier;
use handover::store::MessageFilter;

use crate::harness::{House, adt, code, eventually, frame, minutes_ago};

fn mrn(value: &str) -> Identifier {
    Identifier::new("urn:oid:2.16.840.1.113883.19.5", value)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ed_visit_becomes_a_record_a_task_and_a_delivery() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(90))).await), "AA");
    assert_eq!(code(&hospital.send(&adt("A03", "2", "4711", "V1", &minutes_ago(5))).await), "AA");
    let person = house.running.gateway.store.persons_of(&[mrn("4711")]).await.unwrap()[0].expect("a record");
    let record = house.running.gateway.store.record(person, &[], 10).await.unwrap();
    let encounters: Vec<_> = record.of_type("Encounter").collect();
    assert_eq!(encounters.len(), 1);
    assert_eq!(encounters[0].resource.text("status"), Some("finished"));
    eventually("the EHR holds an open follow-up Task", async || {
        house.ehr.all("Task").iter().any(|held| {
            held.resource.text("status") == Some("requested")
                && held.resource.codings("code").iter().any(|(_, code)| *code == "ed-follow-up")
        })
    })
    .await;
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_is_answered_alike_and_changes_nothing() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let message = adt("A04", "1", "4711", "V1", &minutes_ago(10));
    let first = hospital.send(&message).await;
    let again = hospital.send(&message).await;
    assert_eq!(first, again);
    let page = house.running.gateway.store.messages(&MessageFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.items.len(), 1);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_id_used_again_for_something_else_is_taken_and_reported() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(10))).await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4712", "V2", &minutes_ago(9))).await), "AA");
    let page = house.running.gateway.store.messages(&MessageFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.items.len(), 2);
    let newest = house.running.gateway.store.message(page.items[0].sequence).await.unwrap().unwrap();
    assert!(newest.trace.problems.iter().any(|line| line.place == "MSH-10" && line.subject == "warning"));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_may_be_pipelined_split_and_joined() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let mut stream = Vec::new();
    for number in 1..=20 {
        stream.extend(frame(&adt(
            "A04",
            &format!("P{number}"),
            "4711",
            &format!("V{number}"),
            &minutes_ago(60 - number),
        )));
    }
    for piece in stream.chunks(977) {
        hospital.write(piece).await;
    }
    for number in 1..=20 {
        let answer = hospital.answer().await;
        assert_eq!(code(&answer), "AA");
        assert!(answer.contains(&format!("MSA|AA|P{number}")), "answers come in order: {answer}");
    }
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_answered_with_its_place_and_kept() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let good = adt("A04", "1", "4711", "V1", &minutes_ago(10));
    let cases = [
        ("no MSH", "PID|1||4711\r".to_string(), "AR", ""),
        ("unknown event", good.replace("ADT^A04^ADT_A01", "ADT^A99^ADT_A99"), "AR", "MSH^1^9^1^2|201"),
        ("wrong facility", good.replace("|RIVERSIDE|HANDOVER", "|ELSEWHERE|HANDOVER"), "AR", "MSH^1^4"),
        ("no control id", good.replace("|1|P|2.5.1", "||P|2.5.1"), "AR", "MSH^1^10"),
        ("endless control id", good.replace("|1|P|2.5.1", &format!("|{}|P|2.5.1", "9".repeat(300))), "AR", "MSH^1^10"),
        ("no patient identifier", good.replace("4711^^^RIVERSIDE^MR", ""), "AE", "PID^1^3"),
    ];
    for (name, message, expected, place) in &cases {
        let answer = hospital.send(message).await;
        assert_eq!(code(&answer), *expected, "{name}: {answer}");
        assert!(answer.contains(place), "{name} names {place}: {answer}");
    }
    let filter = MessageFilter { faulty: true, ..MessageFilter::default() };
    let kept = house.running.gateway.store.messages(&filter, None, 10).await.unwrap();
    assert_eq!(kept.items.len(), cases.len());
    let first = house.running.gateway.store.message(kept.items.last().unwrap().sequence).await.unwrap().unwrap();
    assert_eq!(first.raw, cases[0].1.as_bytes());
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_frame_is_refused_and_the_connection_goes_on() {
    let house = House::with(&|name, text| {
        if name == "feeds/riverside.yaml" { format!("{text}limits: {{ frame_bytes: 4096 }}\n") } else { text }
    })
    .await;
    let mut hospital = house.hospital().await;
    let good = adt("A04", "2", "4711", "V1", &minutes_ago(10));
    let huge = format!("{}NTE|1||{}\r", adt("A04", "1", "4711", "V1", &minutes_ago(10)), "x".repeat(30_000));
    assert_eq!(code(&hospital.send(&huge).await), "AR");
    assert_eq!(code(&hospital.send(&good).await), "AA");
    let gateway = &house.running.gateway;
    let filter = MessageFilter { faulty: true, ..MessageFilter::default() };
    let kept = gateway.store.messages(&filter, None, 10).await.unwrap().items;
    let again = gateway.replay(kept[0].sequence, "test").await.unwrap().unwrap();
    assert_eq!(again.code.text(), "AR", "the beginning of a message is never taken for the message");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_over_http_too() {
    let token = "a-token-for-tests";
    let digest: String = {
        use sha2::Digest;
        sha2::Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let house = House::with(&move |name, text| {
        if name == "feeds/riverside.yaml" {
            format!("{text}http: {{ credentials: [ {{ token_sha256: {digest} }} ] }}\n")
        } else {
            text
        }
    })
    .await;
    let client = reqwest::Client::new();
    let post = |token: &str, kind: &str, body: String| {
        let request = client.post(house.url("/hl7/riverside")).bearer_auth(token).header("content-type", kind);
        request.body(body).send()
    };
    let message = adt("A04", "1", "4711", "V1", &minutes_ago(10));
    let answer = post(token, "application/hl7-v2; charset=utf-8", message.clone()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(code(&answer.text().await.unwrap()), "AA");
    assert_eq!(post("wrong", "application/hl7-v2", message.clone()).await.unwrap().status(), 401);
    assert_eq!(post(token, "text/html", message.clone()).await.unwrap().status(), 415);
    let unknown = client.post(house.url("/hl7/nobody")).bearer_auth(token).body(message).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_mllp_framing_is_told_which_bytes_are_missing() {
    let house = House::new().await;
    let mut sender = house.hospital().await;
    sender.write(adt("A04", "NC1", "4711", "V1", &minutes_ago(9)).as_bytes()).await;
    let answer = sender.answer().await;
    assert_eq!(code(&answer), "AR");
    assert!(answer.contains("0B before it") && answer.contains("1C 0D after it"), "{answer}");
    assert_eq!(
        code(&sender.send(&adt("A04", "NC1", "4711", "V1", &minutes_ago(9))).await),
        "AA",
        "in a frame it is taken"
    );
    house.running.stop().await;
}
