//! Whom work names that is a coach's.

use serde_json::json;

use super::stage::{scene, tell, work_of};

fn owner(teams: &[serde_json::Value]) -> String {
    let mut scene = scene("2026-03-02T09:00");
    scene.practices.get_mut("lakeside").unwrap().roles.insert("coach".to_string(), "Sam Reed".to_string());
    for (number, team) in teams.iter().enumerate() {
        scene.put("CareTeam", &format!("team{number}"), team.clone());
    }
    tell(&mut scene, "{ observation: 59408-5, value: 90, unit: '%', at: '2026-03-02T09:30' }");
    let alert = work_of(&scene, "low");
    alert.stored.resource.get("owner").unwrap()["display"].as_str().unwrap().to_string()
}

#[test]
fn a_coach_of_ones_own_comes_before_that_of_the_panel() {
    let team = |role: serde_json::Value, name: &str| {
        json!({ "status": "active", "participant": [
            { "role": [{ "text": "Dietitian" }], "member": { "display": "Eve Stone" } },
            { "role": [role], "member": { "display": name }, "period": { "start": "2026-01-01" } }] })
    };
    let nucc = json!({ "coding": [{ "system": "http://nucc.org/provider-taxonomy", "code": "171400000X" }] });
    assert!(owner(&[]).ends_with("coach Sam Reed"));
    for role in [nucc.clone(), json!({ "text": "Health Coach" })] {
        assert!(owner(&[team(role, "Ana Ruiz")]).ends_with("coach Ana Ruiz"));
    }
    let mut later = team(nucc.clone(), "Lee Park");
    later["participant"][1]["period"]["start"] = json!("2026-02-01");
    assert!(owner(&[later.clone(), team(nucc.clone(), "Ana Ruiz")]).ends_with("coach Lee Park"), "who came last");
    later["participant"][1]["period"]["end"] = json!("2026-03-01");
    assert!(owner(&[later, team(nucc.clone(), "Ana Ruiz")]).ends_with("coach Ana Ruiz"), "whose time is not over");
    let mut few = team(nucc.clone(), "Ana Ruiz");
    few["meta"] =
        json!({ "security": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "ETH" }] });
    let mut over = team(nucc, "Ana Ruiz");
    over["status"] = json!("inactive");
    for team in [few, over, team(json!({ "text": "Coachman" }), "Ana Ruiz")] {
        assert!(owner(&[team]).ends_with("coach Sam Reed"));
    }
}
