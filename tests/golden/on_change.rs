//! A line with `push: on-change` sends what looks otherwise to the partner, and `immediate` every version.

use std::sync::Arc;

use handover::pipeline::story::Story;
use handover::store::DeliveryFilter;
use jiff::Timestamp;

use super::habits::changed;

const ROW: &str = "member_id,mrn:RIVERSIDE\nL-3001,4711\n";

fn agreement(push: &str) -> String {
    format!(
        "agreement: a\npartner: lakeside-practice\npurpose: [TREAT]\npatients: {{ panel: lakeside }}\nreceives:\n  \
         - {{ resource: Patient, push: {push}, without: [telecom] }}\n"
    )
}

fn message(number: u32, name: &str, phone: &str) -> Vec<u8> {
    let made = format!("2026050410{number:02}00");
    [
        format!("MSH|^~\\&|ADT|RIVERSIDE|HANDOVER|DEMO|{made}||ADT^A31^ADT_A05|C{number}|P|2.5.1"),
        format!("EVN|A31|{made}"),
        format!("PID|1||4711^^^RIVERSIDE^MR||Reyes^{name}||19710203|F|||||^PRN^PH^^^555^{phone}"),
        "PV1|1|N".to_string(),
    ]
    .join("\r")
    .into_bytes()
}

/// How many deliveries there are after each of these.
async fn counts(push: &str, told: &[(&str, &str)]) -> Vec<usize> {
    let (site, members) = match push {
        "immediate" => changed(|_| files("immediate")),
        _ => changed(|_| files("on-change")),
    };
    let begin: Timestamp = "2026-05-04T15:00:00Z".parse().unwrap();
    let mut story = Story::begin(Arc::clone(&site), &[("lakeside".to_string(), members)].into(), begin).await.unwrap();
    let mut counts = Vec::new();
    for (number, (name, phone)) in (1..).zip(told) {
        story.take("riverside", &message(number, name, phone)).await.unwrap();
        let all = story.gateway.store.deliveries(&DeliveryFilter::default(), None, 50).await.unwrap();
        counts.push(all.items.len());
    }
    counts
}

fn files(push: &str) -> Vec<(&'static str, String)> {
    vec![("panels/lakeside.csv", ROW.to_string()), ("agreements/lakeside-practice.yaml", agreement(push))]
}

#[tokio::test]
async fn a_version_that_looks_the_same_to_the_partner_is_sent_where_every_one_is() {
    let told = [("Paz", "1234567"), ("Paz", "7654321"), ("Pax", "7654321"), ("Pax", "1111111"), ("Paz", "1111111")];
    assert_eq!(counts("immediate", &told).await, [1, 2, 3, 4, 5]);
    assert_eq!(counts("on-change", &told).await, [1, 1, 2, 2, 3]);
}
