//! What commands ask of a running gateway through its control socket.

use serde_json::json;

use crate::harness::{House, adt, code, minutes_ago};

#[tokio::test(flavor = "multi_thread")]
async fn another_console_link_is_given_and_opens_the_console_once() {
    let house = House::new().await;
    let data = house.folder.path().join("data");
    let answer = handover::app::ask(&data, "/console-link", &json!({})).await.unwrap().unwrap();
    let link = answer["link"].as_str().unwrap();
    assert!(link.starts_with(&house.url("/console/login?link=")), "{link}");
    let secret = link.rsplit('=').next().unwrap();
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let open = async || {
        let request = browser.post(house.url("/console/login")).form(&[("link", secret), ("name", "Ida Roe")]);
        request.send().await.unwrap().headers().contains_key("set-cookie")
    };
    assert!(open().await);
    assert!(!open().await, "a link opens once");
    let bare = browser.get(house.url("/console/login")).send().await.unwrap();
    assert!(bare.text().await.unwrap().contains("<html"), "a page for people, without a link too");
    house.running.stop().await;
    assert!(handover::app::ask(&data, "/console-link", &json!({})).await.unwrap().is_none(), "nobody runs there");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_over_the_control_socket() {
    let house = House::new().await;
    let data = house.folder.path().join("data");
    let answer = handover::app::ask(&data, "/operation", &json!({ "operation": "health" })).await.unwrap().unwrap();
    assert_eq!((&answer["store"]["engine"], &answer["store"]["fault"]), (&json!("fjall"), &json!(null)));
    assert_eq!((&answer["status"], &answer["site"]["stale"]), (&json!("pass"), &json!(false)));
    let nonsense = handover::app::ask(&data, "/operation", &json!({ "operation": "dance" })).await;
    assert!(nonsense.is_err());
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_own_key_is_changed_over_the_control_socket_and_published_first() {
    let house = House::new().await;
    let data = house.folder.path().join("data");
    let published = async || -> Vec<String> {
        let keys: serde_json::Value =
            reqwest::get(house.url("/.well-known/jwks.json")).await.unwrap().json().await.unwrap();
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_string()).collect()
    };
    let first = published().await;
    let ask = async |body| handover::app::ask(&data, "/keys", &body).await;
    let told = ask(json!({ "rotate": true })).await.unwrap().unwrap();
    let states: Vec<_> = told["items"].as_array().unwrap().iter().map(|key| &key["state"]).collect();
    assert_eq!(states, ["to come", "signs"], "{told}");
    assert_eq!(published().await[1..], first);
    let again = ask(json!({ "rotate": true })).await.unwrap_err().to_string();
    assert!(again.contains("signs from") && again.contains("--at-once"), "{again}");
    let told = ask(json!({ "rotate": true, "at_once": true })).await.unwrap().unwrap();
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "{told}");
    assert!(!published().await.contains(&first[0]));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_contradicts_itself_is_refused_at_the_field_that_says_so() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let at = minutes_ago(9);
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &at)).await), "AA");
    let merge = format!(
        "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ADT^A40^ADT_A39|2|P|2.5.1\rEVN|A40|{at}\r\
         PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind\rMRG|4711^^^RIVERSIDE^MR\r"
    );
    let answer = hospital.send(&merge).await;
    assert_eq!(code(&answer), "AE");
    assert!(answer.contains("ERR||MRG^1^1|"), "{answer}");
    house.running.stop().await;
}
