//! Feeds: messages from whoever is not the sender, or says more than it may.

use std::time::Duration;

use handover::store::MessageFilter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Attempts;
use super::stranger::{FEED_TOKEN, OTHER, OWN, SENSITIVE, Stranger};
use crate::harness::{adt, code, minutes_ago};
use crate::partner::mrn;

pub async fn attempts(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Feeds");
    over_http(stranger, &mut attempts).await;
    said(stranger, &mut attempts).await;
    floods(stranger, &mut attempts).await;
    attempts
}

async fn over_http(stranger: &Stranger, attempts: &mut Attempts) {
    let message = adt("A04", "F1", "6001", "V60", &minutes_ago(9));
    let post = |feed: &str, token: Option<&str>, kind: &str| {
        let request =
            stranger.readers.http.post(stranger.url(&format!("/hl7/{feed}"))).header("content-type", kind.to_string());
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        request.body(message.clone()).send()
    };
    let hl7 = "application/hl7-v2";
    let partners = stranger.lakeside.token.as_str();
    for (attempt, feed, token, kind, expected) in [
        ("a message without a credential", "riverside", None, hl7, 401),
        ("with a wrong token", "riverside", Some("a-feed-token-for-test"), hl7, 401),
        ("with a partner's access token", "riverside", Some(partners), hl7, 401),
        ("to a feed that is not there", "northside", Some(FEED_TOKEN), hl7, 404),
        ("to a feed by a path (`..%2Friverside`)", "..%2Friverside", Some(FEED_TOKEN), hl7, 404),
        ("as text/html", "riverside", Some(FEED_TOKEN), "text/html", 415),
        ("in a character set that is none", "riverside", Some(FEED_TOKEN), "application/hl7-v2; charset=utf-7", 415),
    ] {
        let status = post(feed, token, kind).await.unwrap().status().as_u16();
        assert_eq!(status, expected, "{attempt}");
        attempts.add(attempt, status.to_string());
    }
    let persons = stranger.readers.house.running.gateway.store.persons_of(&[mrn("6001")]).await.unwrap();
    assert_eq!(persons, [None], "nothing of it was taken");
}

async fn said(stranger: &Stranger, attempts: &mut Attempts) {
    let gateway = &stranger.readers.house.running.gateway;
    let mut hospital = stranger.readers.house.hospital().await;
    let at = minutes_ago(8);
    let honest = |control: &str| adt("A04", control, "6002", "V61", &at);
    let merge = |control: &str| {
        format!(
            "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ADT^A40^ADT_A39|{control}|P|2.5.1\rEVN|A40|{at}\r\
             PID|1||1^^^ELSEWHERE&1.2.3.4&ISO^MR||Okafor^Rosalind\rMRG|2^^^ELSEWHERE&1.2.3.4&ISO^MR\r"
        )
    };
    for (attempt, message, expected) in [
        ("another hospital's name in MSH-4", honest("S1").replace("|RIVERSIDE|HANDOVER", "|HILLSIDE|HANDOVER"), "AR"),
        ("an event that the feed does not take", honest("S2").replace("ADT^A04^ADT_A01", "MDM^T02^MDM_T02"), "AR"),
        ("a merge of numbers that another assigns", merge("S3"), "AE"),
        ("a test message (MSH-11 T) among real ones", honest("S4").replace("|P|2.5.1", "|T|2.5.1"), "AA"),
        ("a patient without any number", honest("S5").replace("6002^^^RIVERSIDE^MR", ""), "AE"),
    ] {
        let answer = hospital.send(&message).await;
        assert!(code(&answer) == expected || (expected == "AE" && code(&answer) == "AR"), "{attempt}: {answer}");
        attempts.add(attempt, format!("{}, nothing of it in a record", code(&answer)));
    }
    assert_eq!(gateway.store.persons_of(&[mrn("6002")]).await.unwrap(), [None]);
    let before = gateway.store.messages(&MessageFilter::default(), None, 1000).await.unwrap().items.len();
    let message = adt("A04", "S6", "6003", "V62", &at);
    let first = hospital.send(&message).await;
    assert_eq!(first, hospital.send(&message).await);
    let after = gateway.store.messages(&MessageFilter::default(), None, 1000).await.unwrap().items.len();
    assert_eq!(after, before + 1);
    attempts.add("a message played back by somebody who saw it", "the same answer, and no effect");
    let smuggled = adt("A04", "S7", OWN, "V63", &at).replace("Okafor^Rosalind^M", &format!("Okafor\x1c\rMSH^{OTHER}"));
    let mut raw = stranger.readers.house.hospital().await;
    raw.write(&crate::harness::frame(&smuggled)).await;
    let answer = raw.answer().await;
    assert_eq!(code(&answer), "AA", "{answer}");
    let rest = raw.answer().await;
    assert_eq!(code(&rest), "AR", "what follows the end of a frame is no message: {rest}");
    attempts.add(
        "an end of frame inside a field, and a second message behind it",
        "AA for what came before, AR for the rest",
    );
    let store = &gateway.store;
    let persons = store.persons_of(&[mrn(OWN), mrn(SENSITIVE), mrn(OTHER)]).await.unwrap();
    assert!(persons.iter().all(Option::is_some) && persons[0] != persons[1] && persons[1] != persons[2]);
}

async fn floods(stranger: &Stranger, attempts: &mut Attempts) {
    let address = stranger.readers.house.running.mllp["riverside"];
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Whether the newcomers are turned away or the silent make room for them: no more than the limit are open.
    let mut open = 0;
    for stream in &mut held {
        let read = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut [0])).await;
        open += usize::from(read.is_err());
    }
    assert!(open <= 8, "{open} are open");
    attempts.add("20 silent MLLP connections where 8 may be", "8 at most stay open");
    drop(held);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    _ = stream.write_all(&crate::harness::frame(&format!("MSH|^~\\&|{}", "A".repeat(200_000)))).await;
    let mut answer = Vec::new();
    _ = tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut answer)).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(!text.contains("MSA|AA"), "{text}");
    attempts.add("a frame larger than its feed takes", if text.contains("MSA|AR") { "AR, closed" } else { "closed" });
    let mut hospital = stranger.readers.house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "S9", "6004", "V64", &minutes_ago(3))).await), "AA", "others go on");
}
