//! The console without a browser: what is audited, what a fault page holds, and pages about very much.

use handover::store::AuditEntry;
use reqwest::Client;

use crate::harness::{House, adt, code, minutes_ago};

/// Somebody who is logged in.
pub struct Visitor<'h> {
    house: &'h House,
    client: Client,
    cookie: String,
}

impl<'h> Visitor<'h> {
    pub async fn new(house: &'h House, name: &str) -> Self {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let link = house.running.console_link();
        let secret = link.rsplit('=').next().unwrap();
        let form = [("link", secret), ("name", name)];
        let answer = client.post(house.url("/console/login")).form(&form).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_string();
        Self { house, client, cookie }
    }

    /// The key that forms of this login carry.
    pub async fn form_key(&self) -> String {
        let (_, page) = self.open("/console/messages").await;
        let key = page.split("name=\"form_key\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        key.unwrap().to_string()
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let request = self.client.post(self.house.url(path)).header("cookie", &self.cookie).form(fields);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn open(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(self.house.url(path)).header("cookie", &self.cookie).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn audit(&self) -> Vec<AuditEntry> {
        self.house.running.gateway.store.audit(None, None, 200).await.unwrap().items
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_names_who_logged_in_and_every_patient_they_looked_at() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4714", "V1", &minutes_ago(9))).await), "AA");
    let message = house.running.gateway.store.messages(&Default::default(), None, 1).await.unwrap().items.remove(0);
    let patient = message.patient.unwrap();
    let visitor = Visitor::new(&house, " Ida  Roe ").await;
    for path in [format!("/console/patients/{patient}"), format!("/console/messages/{}", message.sequence)] {
        assert_eq!(visitor.open(&path).await.0, 200);
    }
    visitor.open(&format!("/console/messages/{}/raw", message.sequence)).await;
    visitor.open(&format!("/console/resources/Patient/{patient}")).await;
    visitor.open("/console/work?panel=lakeside").await;
    let audit = visitor.audit().await;
    let of = |action: &str| -> Vec<(&str, bool)> {
        let entries = audit.iter().rev().filter(|entry| entry.agent == "console:Ida Roe" && entry.action == action);
        entries.map(|entry| (entry.subject.as_str(), entry.person.is_some())).collect()
    };
    assert_eq!(of("login"), [("console", false)]);
    let (own, of_message) = (format!("Patient/{patient}"), format!("message/{}", message.sequence));
    let looks =
        [(own.as_str(), true), (&of_message, true), (&of_message, true), (&own, true), ("worklist of lakeside", false)];
    assert_eq!(of("look"), looks);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_logs_in_without_a_name_and_the_link_stays_good() {
    let house = House::new().await;
    let link = house.running.console_link();
    let secret = link.rsplit('=').next().unwrap();
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let login = async |name: &str| {
        client.post(house.url("/console/login")).form(&[("link", secret), ("name", name)]).send().await.unwrap()
    };
    let refused = login(" \t").await;
    assert!(!refused.headers().contains_key("set-cookie") && refused.status() == 400);
    assert!(refused.text().await.unwrap().contains("Please say who you are"));
    assert!(login("Sam Ortiz").await.headers().contains_key("set-cookie"));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_page_keeps_the_menu() {
    let house = House::new().await;
    let visitor = Visitor::new(&house, "Ida Roe").await;
    let faults = [
        ("/console/messages/987654", 404),
        ("/console/messages/seven", 400),
        ("/console/patients/nobody", 404),
        ("/console/resources/Task/nothing", 404),
        ("/console/no/such/page", 404),
        ("/console/deliveries?after=%7Bodd", 400),
    ];
    for (path, status) in faults {
        let (found, page) = visitor.open(path).await;
        assert_eq!(found, status, "{path}");
        for kept in ["<nav aria-label=\"Main\">", "href=\"/console/work\"", "Log out"] {
            assert!(page.contains(kept), "{path} has no {kept}:\n{page}");
        }
    }
    let stranger = reqwest::get(house.url("/console/no/such/page")).await.unwrap();
    assert_eq!(stranger.status(), 401);
    assert!(!stranger.text().await.unwrap().contains("<nav"), "who is not logged in sees no menu");
    house.running.stop().await;
}

/// What held a worker for forty seconds: results of a day in one message, each read in several places.
#[tokio::test(flavor = "multi_thread")]
async fn a_very_large_message_is_shown_in_parts_that_say_so() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let at = minutes_ago(30);
    let mut message = format!(
        "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|9|P|2.5.1\r\
         PID|1||4714^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F\rOBR|1||R1|8867-4^Pulse^LN|||{at}\r"
    );
    let device = "a monitor with a very long name ".repeat(5);
    for number in 1..=250 {
        message +=
            &format!("OBX|{number}|NM|8867-4^Heart rate^LN||{}|/min||||||F|||{at}||||{device}\r", 60 + number % 40);
    }
    assert_eq!(code(&hospital.send(&message).await), "AA");
    let sequence = house.running.gateway.store.messages(&Default::default(), None, 1).await.unwrap().items[0].sequence;
    let visitor = Visitor::new(&house, "Ida Roe").await;
    let path = format!("/console/messages/{sequence}");
    let (_, first) = visitor.open(&path).await;
    assert!(first.contains("OBX|1|") && !first.contains("OBX|250|"));
    assert!(first.contains(&format!("of {}.", message.len())), "how much there is");
    assert!(first.contains("1 to 200 of "), "resources are shown in parts too");
    let next = first.split("?list=message&").nth(1).and_then(|rest| rest.split('#').next()).unwrap();
    let next = next.trim_start_matches("amp;");
    let (_, second) = visitor.open(&format!("{path}?list=message&{next}")).await;
    assert!(!second.contains("OBX|1|NM") && second.contains("OBX|250|") && second.contains("The part before"));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_several_patients_says_so_and_a_panel_that_is_not_there_is_not_found() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    let at = minutes_ago(30);
    let message = format!(
        "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|9|P|2.5.1\r\
         PID|1||4714^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F\rOBR|1||R1|8867-4^Pulse^LN|||{at}\r\
         OBX|1|NM|8867-4^Heart rate^LN||80|/min||||||F|||{at}\r\
         PID|2||4715^^^RIVERSIDE^MR||Amari^Joel||19700101|M\rOBR|2||R2|8867-4^Pulse^LN|||{at}\r\
         OBX|1|NM|8867-4^Heart rate^LN||70|/min||||||F|||{at}\r"
    );
    assert_eq!(code(&hospital.send(&message).await), "AA");
    let summary = house.running.gateway.store.messages(&Default::default(), None, 1).await.unwrap().items.remove(0);
    assert_eq!((summary.patient.is_some(), summary.further_patients), (true, 1));
    let visitor = Visitor::new(&house, "Ida Roe").await;
    for patient in summary.patients() {
        let (_, page) = visitor.open(&format!("/console/messages?patient={patient}")).await;
        assert!(page.contains(&format!("/console/messages/{}\"", summary.sequence)), "found by {patient}:\n{page}");
    }
    assert_eq!(summary.patients().count(), 2);
    let (_, page) = visitor.open(&format!("/console/messages/{}", summary.sequence)).await;
    assert!(page.contains("The first patient's record") && page.contains("about 1 more patient;"), "{page}");
    let (status, page) = visitor.open("/console/work?panel=lakside").await;
    assert_eq!(status, 404, "nobody is told that nothing is owed");
    assert!(page.contains("no such panel"), "{page}");
    house.running.stop().await;
}
