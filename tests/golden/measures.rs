//! Measures of a practice's month from what came by messages: what was done in time, what was not, what still can be, what is left out
//! and why; of nobody else's patients; and what others read of it.

use handover::pipeline::story::Story;
use handover::pipeline::{MeasureCount, Measures, Month, TaskAction};
use handover::protocol::Contact;
use jiff::Timestamp;
use serde_json::Value;

use super::habits::changed;

const ROSTER: &str = "member_id,mrn:RIVERSIDE\nL-1,4711\nL-2,4712\nL-3,4713\nL-4,4714\n";

/// Somebody leaves the emergency department, so or otherwise.
fn discharged(number: u32, made: &str, disposition: &str) -> Vec<u8> {
    let mut visit = vec![String::new(); 46];
    for (field, value) in [(0, "PV1"), (1, "1"), (2, "E"), (3, "ED^04^A"), (36, disposition), (45, made)] {
        visit[field] = value.to_string();
    }
    visit[19] = format!("V{number}");
    visit[44] = made.to_string();
    [
        format!("MSH|^~\\&|ADT|RIVERSIDE|HANDOVER|DEMO|{made}||ADT^A03^ADT_A03|C{number}|P|2.5.1"),
        format!("EVN|A03|{made}"),
        format!("PID|1||{number}^^^RIVERSIDE^MR||Reyes^Paz{number}||19710203|F"),
        visit.join("|"),
    ]
    .join("\r")
    .into_bytes()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Five visits in May: one followed up the next day, one by nobody, one at the end of the month, one that ended in death, and a
/// stranger's.
async fn may() -> Story {
    let (site, members) = changed(|_| vec![("panels/lakeside.csv", ROSTER.to_string())]);
    let mut story =
        Story::begin(site, &[("lakeside".to_string(), members)].into(), at("2026-05-04T15:00:00Z")).await.unwrap();
    story.take("riverside", &discharged(4711, "20260504100000", "01")).await.unwrap();
    story.pass_to(at("2026-05-05T15:00:00Z")).await.unwrap();
    let tasks = story.resources().await.unwrap();
    let open = tasks
        .iter()
        .filter(|one| one.resource.resource_type() == "Task" && one.resource.text("status") == Some("requested"));
    let call = open.map(|task| task.id).next().expect("a call is owed");
    let reached = Some(Contact::ReachedPatient);
    story.gateway.act_after(call, reached, TaskAction::Complete, "", "console:Ida Roe").await.unwrap();
    for (number, day, disposition) in [(4712, 6, "01"), (4719, 6, "01"), (4714, 7, "20"), (4713, 29, "01")] {
        story.pass_to(at(&format!("2026-05-{day:02}T15:00:00Z"))).await.unwrap();
        story.take("riverside", &discharged(number, &format!("202605{day:02}100000"), disposition)).await.unwrap();
    }
    story.pass_to(at("2026-06-10T15:00:00Z")).await.unwrap();
    story
}

fn of<'m>(measures: &'m Measures, month: &str, id: &str) -> &'m MeasureCount {
    let month = measures.months.iter().find(|one| one.month.to_string() == month).unwrap();
    month.counts.iter().find(|one| one.measure == id).unwrap()
}

#[tokio::test]
async fn a_months_follow_up_is_counted_exactly_and_says_what_it_left_out() {
    let story = may().await;
    let month: Month = "2026-05".parse().unwrap();
    let counted = story.gateway.measures("lakeside", Some(month), 2, true).await.unwrap();
    assert_eq!((counted.members, counted.months.len()), (4, 2));
    for (id, numerator, denominator, still) in
        [("follow-up-2-days", 1, 3.0, 0), ("follow-up-7-days", 1, 3.0, 0), ("follow-up-30-days", 1, 2.0, 1)]
    {
        let one = of(&counted, "2026-05", id);
        assert_eq!((one.numerator, one.denominator, one.in_time_still), (numerator, denominator, still), "{one:#?}");
        assert_eq!(one.left_out.values().sum::<u64>(), 1, "{one:#?}");
        assert!(one.left_out_words().contains("the patient has died"), "{}", one.left_out_words());
        assert_eq!(of(&counted, "2026-04", id).value(), None, "nothing ended in April");
    }
    // Four people through the whole of May.
    let weeks = of(&counted, "2026-05", "alerts-per-patient-week");
    assert!((weeks.denominator - 4.0 * 31.0 / 7.0).abs() < 0.01 && weeks.numerator == 0, "{weeks:?}");
    let june = story.gateway.measures("lakeside", None, 1, true).await.unwrap();
    assert_eq!(june.asked().unwrap().until, story.now(), "the present month is counted so far");
    assert_eq!(of(&june, "2026-06", "follow-up-7-days").value(), None);

    let csv = counted.csv();
    let row = csv.lines().find(|line| line.contains(",\"2026-05\",") && line.contains("follow-up-30-days")).unwrap();
    assert!(row.contains(",1,2,0.5,1,\"1: the patient has died\","), "{row}");
    assert!(csv.lines().all(|line| !line.contains("Paz")), "numbers, and nobody's name");
    let report = counted.report();
    let reports: Vec<&Value> = report["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).collect();
    assert_eq!(reports.len(), 9);
    for report in &reports {
        let resource = (*report).clone().try_into().unwrap();
        assert_eq!(handover::profile::validate(&resource), [], "{report:#}");
    }
    let seven = reports.iter().find(|one| one["measure"].as_str().unwrap().ends_with("/follow-up-7-days")).unwrap();
    assert_eq!(seven["period"], serde_json::json!({ "start": "2026-05-01", "end": "2026-05-31" }));
    let counts: Vec<(&str, u64)> = seven["group"][0]["population"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["code"]["coding"][0]["code"].as_str().unwrap(), one["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("initial-population", 4), ("denominator", 4), ("denominator-exclusion", 1), ("numerator", 1)]);
}

#[tokio::test]
async fn what_cannot_be_counted_is_said() {
    let story = may().await;
    let gateway = &story.gateway;
    let refused = async |panel: &str, month: &str, count: u8| {
        gateway.measures(panel, Some(month.parse().unwrap()), count, true).await.unwrap_err().text
    };
    assert!(refused("lakesid", "2026-05", 1).await.contains("no panel `lakesid`"));
    assert!(refused("lakeside", "2026-07", 1).await.contains("2026-07 has not begun"));
    assert!(refused("lakeside", "2026-05", 0).await.contains("1 to 12 months"));
    assert!(refused("lakeside", "2026-05", 13).await.contains("1 to 12 months"));
}
