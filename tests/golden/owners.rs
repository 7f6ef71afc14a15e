//! Two hospitals that both know the other's numbers: each merges, teaches and outdoes only by numbers that it assigns.

use handover::pipeline::story::{Story, Told};
use handover::store::Disposition;
use jiff::Timestamp;

use super::habits::changed;

/// A second hospital that identifies patients by its own numbers and by the first one's.
fn neighbours(feed: &str) -> Vec<(&'static str, String)> {
    let harbor = feed
        .replace("feed: riverside", "feed: harbor")
        .replace("2575", "2577")
        .replace("    RIVERSIDE:", "    HARBOR: urn:oid:2.16.840.1.113883.19.78\n    RIVERSIDE:")
        .replace("default_patient: RIVERSIDE", "default_patient: HARBOR")
        .replace("facilities: [RIVERSIDE]", "facilities: [HARBOR]")
        .replace("identified_by: [RIVERSIDE]", "identified_by: [HARBOR, RIVERSIDE]");
    let riverside = format!("{feed}owns: [RIVERSIDE]\n");
    vec![("feeds/harbor.yaml", harbor), ("feeds/riverside.yaml", riverside)]
}

async fn begin() -> Story {
    let (site, _) = changed(neighbours);
    let now: Timestamp = "2026-05-04T20:00:00Z".parse().unwrap();
    Story::begin(site, &[].into(), now).await.unwrap()
}

async fn tell(story: &mut Story, house: &str, event: &str, minute: u8, numbers: &str, name: &str, rest: &str) -> Told {
    let made = format!("202605041{:02}000", minute % 60);
    let structure = if event == "A40" { "ADT_A39" } else { "ADT_A05" };
    let raw = format!(
        "MSH|^~\\&|ADT|{house}|HANDOVER|DEMO|{made}||ADT^{event}^{structure}|{house}{minute}|P|2.5.1\rEVN|{event}|{made}\r\
         PID|1||{numbers}||{name}||19620117|F\r{rest}"
    );
    story.take(&house.to_lowercase(), raw.as_bytes()).await.unwrap()
}

async fn families(story: &Story) -> Vec<String> {
    let all = story.resources().await.unwrap();
    let patients = all.iter().filter(|stored| stored.resource.resource_type() == "Patient");
    let mut names: Vec<String> = patients
        .filter(|stored| stored.resource.get("active").and_then(serde_json::Value::as_bool) != Some(false))
        .map(|stored| stored.resource.get("name").unwrap()[0]["family"].as_str().unwrap().to_string())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_hospital_merges_no_number_of_another() {
    let mut story = begin().await;
    tell(&mut story, "RIVERSIDE", "A31", 1, "70011^^^RIVERSIDE^MR", "Ferrymore^Ana", "").await;
    tell(&mut story, "HARBOR", "A31", 2, "H-90^^^HARBOR^MR", "Quayle^Bea", "").await;
    let foreign =
        tell(&mut story, "HARBOR", "A40", 3, "H-90^^^HARBOR^MR", "Quayle^Bea", "MRG|70011^^^RIVERSIDE^MR").await;
    let entry = foreign.entry.unwrap();
    assert_eq!(entry.summary.disposition, Disposition::Error);
    assert!(entry.trace.problems.iter().any(|line| line.text.contains("may merge only numbers that it owns")));
    assert_eq!(families(&story).await, ["Ferrymore", "Quayle"]);
    tell(&mut story, "HARBOR", "A31", 4, "H-91^^^HARBOR^MR", "Quayle^Bea", "").await;
    let own = tell(&mut story, "HARBOR", "A40", 5, "H-90^^^HARBOR^MR", "Quayle^Bea", "MRG|H-91^^^HARBOR^MR").await;
    assert_eq!(own.entry.unwrap().summary.disposition, Disposition::Applied);
    assert_eq!(families(&story).await, ["Ferrymore", "Quayle"]);
}

#[tokio::test]
async fn a_record_learns_no_number_from_a_hospital_that_does_not_assign_it() {
    let mut story = begin().await;
    let both = "H-95^^^HARBOR^MR~70012^^^RIVERSIDE^MR";
    let told = tell(&mut story, "HARBOR", "A31", 1, both, "Quayle^Bea", "").await;
    let said = told.entry.unwrap().trace.problems;
    assert!(said.iter().any(|line| line.text.contains("does not own")), "{said:?}");
    // Whoever has that number at the hospital that gives it gets a record of their own.
    tell(&mut story, "RIVERSIDE", "A31", 2, "70012^^^RIVERSIDE^MR", "Ferrymore^Ana", "").await;
    assert_eq!(families(&story).await, ["Ferrymore", "Quayle"]);
}

#[tokio::test]
async fn who_knows_a_patient_by_anothers_number_fills_gaps_and_changes_nothing() {
    let mut story = begin().await;
    tell(&mut story, "RIVERSIDE", "A31", 1, "70013^^^RIVERSIDE^MR", "Ferrymore^Ana", "").await;
    let later = tell(&mut story, "HARBOR", "A31", 9, "70013^^^RIVERSIDE^MR", "Ferrymoor^Ana", "").await;
    assert_eq!(later.entry.unwrap().summary.disposition, Disposition::Applied);
    assert_eq!(families(&story).await, ["Ferrymore"]);
    tell(&mut story, "RIVERSIDE", "A31", 12, "70013^^^RIVERSIDE^MR", "Ferrymost^Ana", "").await;
    assert_eq!(families(&story).await, ["Ferrymost"]);
}
