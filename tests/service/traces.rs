//! Traces as a collector gets them: decoded by the types of the specification, from a listener of the test's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use handover::store::{DeliveryFilter, DeliveryState};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{House, adt, code, eventually, minutes_ago};

/// Requests that came: what stands before the body, and the body.
type Came = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Takes each request whole and answers 200.
async fn collector() -> (u16, Came) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, came) = (listener.local_addr().unwrap().port(), Came::default());
    let kept = Arc::clone(&came);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                loop {
                    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
                    let text = String::from_utf8_lossy(&bytes[..head.unwrap_or(0)]).to_lowercase();
                    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                    let whole = head.zip(length.map(|length| length.parse::<usize>().unwrap()));
                    if let Some((head, length)) = whole.filter(|(head, length)| bytes.len() >= head + length) {
                        kept.lock().unwrap().push((text, bytes[head..head + length].to_vec()));
                        bytes.drain(..head + length);
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                        continue;
                    }
                    // Nobody writes any more.
                    if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
            });
        }
    });
    (port, came)
}

fn site_with(traces: String) -> impl Fn(&str, String) -> String {
    move |name, text| if name == "handover.yaml" { format!("{text}\ntraces: {traces}\n") } else { text }
}

async fn all_delivered(house: &House) -> usize {
    let store = &house.running.gateway.store;
    let delivered = DeliveryFilter { state: Some(DeliveryState::Delivered), ..DeliveryFilter::default() };
    let waiting = DeliveryFilter { state: Some(DeliveryState::Waiting), ..DeliveryFilter::default() };
    let count = async |of| store.deliveries(&of, None, 100).await.unwrap().items.len();
    let all = async || count(delivered.clone()).await;
    eventually("all is delivered", async || all().await > 0 && count(waiting.clone()).await == 0).await;
    all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_messages_way_and_its_deliveries_are_one_trace_without_a_word_of_the_patient() {
    let (port, came) = collector().await;
    let traces = format!("{{ endpoint: 'http://127.0.0.1:{port}', headers: {{ x-care-team: plum }} }}");
    let house = House::with(&site_with(traces)).await;
    let mut hospital = house.hospital().await;
    let visit = adt("A04", "T1", "4711", "V1", &minutes_ago(20));
    assert_eq!(code(&hospital.send(&visit).await), "AA");
    let refused = adt("A99", "T2", "4711", "V1", &minutes_ago(10)).replace("ADT^A99", "ADT^Okafor");
    assert_eq!(code(&hospital.send(&refused).await), "AR");
    assert_eq!(code(&hospital.send(&visit).await), "AA", "it came before");
    let deliveries = all_delivered(&house).await;
    house.running.stop().await;

    let came = came.lock().unwrap();
    assert!(came.iter().all(|(head, _)| head.starts_with("post /v1/traces ") && head.contains("x-care-team: plum")));
    let mut spans: Vec<Span> = Vec::new();
    for (_, body) in came.iter() {
        let told = String::from_utf8_lossy(body);
        for word in ["4711", "Okafor", "Rosalind", "1958"] {
            assert!(!told.contains(word), "{word} is of the patient");
        }
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        let of_scope = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
        spans.extend(of_scope.flat_map(|of| of.spans));
    }
    let mut by_trace: BTreeMap<Vec<u8>, Vec<Span>> = BTreeMap::new();
    spans.into_iter().for_each(|span| by_trace.entry(span.trace_id.clone()).or_default().push(span));
    assert_eq!(by_trace.len(), 2, "one for each message");
    let says = |span: &Span, name: &str, text: &str| {
        span.attributes.iter().any(|one| one.key == name && format!("{:?}", one.value).contains(&format!("\"{text}\"")))
    };
    let root = |spans: &[Span]| spans.iter().find(|span| span.parent_span_id.is_empty()).unwrap().clone();
    let of = |text: &str| by_trace.values().find(|spans| says(&root(spans), "handover.code", text)).unwrap();
    let (taken, first) = (of("AA"), root(of("AA")));
    assert!(first.name == "message" && says(&first, "handover.event", "ADT^A04"), "{first:?}");
    assert!(says(&first, "handover.feed", "riverside"), "{first:?}");
    let mut steps: Vec<&Span> = taken.iter().filter(|span| span.parent_span_id == first.span_id).collect();
    steps.sort_by_key(|span| span.start_time_unix_nano);
    let names: Vec<&str> = steps.iter().map(|span| span.name.as_str()).collect();
    let way = [
        "parse",
        "known before",
        "map",
        "identify",
        "read record",
        "check",
        "merge",
        "protocols",
        "commit",
        "acknowledge",
    ];
    assert!(names.starts_with(&way), "{names:?}");
    let within = |span: &&&Span| span.end_time_unix_nano <= first.end_time_unix_nano;
    assert_eq!(steps.iter().filter(within).filter(|span| span.name != "deliver").count(), way.len());
    let sent: Vec<&&Span> = steps.iter().filter(|span| span.name == "deliver").collect();
    assert!(sent.len() >= deliveries && sent.iter().all(|span| says(span, "handover.partner", "lakeside-practice")));
    assert!(sent.iter().any(|span| says(span, "handover.outcome", "delivered")));
    let again: Vec<&&Span> = steps.iter().filter(|span| span.name == "message").collect();
    assert!(again.len() == 1 && format!("{:?}", again[0]).contains("handover.duplicate"), "{again:?}");
    let refused = of("AR");
    assert!(!root(refused).attributes.iter().any(|one| one.key == "handover.event"), "no map reads it: {refused:?}");
    let ids: std::collections::BTreeSet<&Vec<u8>> = by_trace.values().flatten().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), by_trace.values().map(Vec::len).sum::<usize>(), "each span has an id of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_up_nothing() {
    // Takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let traces = format!("{{ endpoint: 'http://127.0.0.1:{}/v1/traces' }}", silent.local_addr().unwrap().port());
    let house = House::with(&site_with(traces)).await;
    let mut hospital = house.hospital().await;
    for number in 0..20 {
        let raw = adt("A08", &format!("N{number}"), "4711", "V1", &minutes_ago(20));
        assert_eq!(code(&hospital.send(&raw).await), "AA");
    }
    let began = std::time::Instant::now();
    house.running.stop().await;
    assert!(began.elapsed().as_secs() < 15, "what cannot be given over is left");
}
