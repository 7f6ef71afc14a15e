//! A patient who changes practice, in both orders in which the two rosters may be imported, and back again: who has a copy of
//! the open work, what they are told of it, and what the audit and the console say.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use handover::demo::StandInEhr;
use handover::identity::{PersonId, ResourceId};
use handover::pipeline::{Operation, TaskAction};
use handover::protocol::is_final;
use handover::record::Record;
use handover::store::{AuditEntry, Delivery, DeliveryFilter, DeliveryState};
use reqwest::Client;
use serde_json::Value;

use crate::harness::{House, adt, code, eventually, minutes_ago, serve};
use crate::partner::mrn;

const WORK: [&str; 3] = ["Task", "Flag", "CarePlan"];
const LAKESIDE: &str = "lakeside";
const MILLBROOK: &str = "millbrook";
const PATIENT: &str = "4713";

/// Two practices and a patient between them.
struct Town {
    house: House,
    millbrook: Arc<StandInEhr>,
    lakeside_roster: String,
    person: PersonId,
}

impl Town {
    /// The patient is Lakeside's: a visit that asks for a call, which somebody there has taken on, a reading that cannot
    /// wait, and a diagnosis with questions of its own.
    async fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let demo = |name: &str| {
            let file = format!("{}/fixtures/demo/{name}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(file).unwrap();
            text.replace("Lakeside", "Millbrook").replace("1993999998", "1881888885").replace(LAKESIDE, MILLBROOK)
        };
        let without_roster: String =
            demo("panels/lakeside.yaml").lines().filter(|line| !line.starts_with("members:")).map(line_of).collect();
        let house = House::with_files(
            &|_, text| text,
            &[
                (
                    "partners/millbrook-practice.yaml",
                    demo("partners/lakeside-practice.yaml").replace("http://127.0.0.1:8090", &base),
                ),
                ("agreements/millbrook-practice.yaml", demo("agreements/lakeside-practice.yaml")),
                ("panels/millbrook.yaml", without_roster),
            ],
        )
        .await;
        let keys = house.url("/.well-known/jwks.json");
        let millbrook = StandInEhr::new(base, keys, "handover-demo".to_string());
        serve(&millbrook, listener);
        let mut hospital = house.hospital().await;
        assert_eq!(code(&hospital.send(&adt("A04", "1", PATIENT, "V1", &minutes_ago(200))).await), "AA");
        assert_eq!(code(&hospital.send(&adt("A03", "2", PATIENT, "V1", &minutes_ago(100))).await), "AA");
        let at = minutes_ago(3);
        let reading = format!(
            "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|3|P|2.5.1\r\
             PID|1||{PATIENT}^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F\r\
             OBR|1||R7|8867-4^Vital signs^LN|||{at}\r\
             OBX|1|NM|59408-5^Oxygen saturation^LN||79|%^percent^UCUM|92-100|LL|||F|||{at}\r"
        );
        assert_eq!(code(&hospital.send(&reading).await), "AA");
        let person = house.running.gateway.store.persons_of(&[mrn(PATIENT)]).await.unwrap()[0].unwrap();
        let lakeside_roster = std::fs::read_to_string(house.folder.path().join("panels/lakeside.csv")).unwrap();
        let town = Self { house, millbrook, lakeside_roster, person };
        let call = town.call().await;
        town.house.running.gateway.act(call, TaskAction::Accept, "", "console:Nia Brooks").await.unwrap();
        town
    }

    async fn record(&self) -> Record {
        self.house.running.gateway.store.record(self.person, &[], 100).await.unwrap()
    }

    /// The call after the visit.
    async fn call(&self) -> ResourceId {
        let record = self.record().await;
        let is_call = |code: Option<&Value>| code.is_some_and(|code| code["text"].as_str().unwrap().contains("Call"));
        let found = record
            .of_type("Task")
            .find(|task| is_call(task.resource.get("code")) && !is_final(task.resource.text("status").unwrap()));
        found.expect("a visit asks for a call").id
    }

    /// Takes a roster over; what it ends is accepted.
    async fn import(&self, panel: &str, text: &str) {
        let gateway = &self.house.running.gateway;
        let site = gateway.site.load_full();
        let roster = site.read_roster(&site.panels[panel], "roster.csv", text.as_bytes());
        assert!(roster.problems.is_empty(), "{:?}", roster.problems);
        let import = Operation::PanelImport { panel: panel.into(), members: roster.members, accept: true };
        gateway.perform(import).await.unwrap();
    }

    /// The roster of a practice, with the patient or without.
    async fn roster(&self, panel: &str, is_member: bool) {
        let others =
            self.lakeside_roster.lines().filter(|line| !line.contains(PATIENT)).map(line_of).collect::<String>();
        let text = match (panel, is_member) {
            (LAKESIDE, true) => self.lakeside_roster.clone(),
            (LAKESIDE, false) => others,
            (_, true) => format!("mrn:RIVERSIDE\n7000\n{PATIENT}\n"),
            (_, false) => "mrn:RIVERSIDE\n7000\n".to_string(),
        };
        self.import(panel, &text).await;
    }

    fn ehr(&self, panel: &str) -> &StandInEhr {
        if panel == LAKESIDE { &self.house.ehr } else { &self.millbrook }
    }

    /// The work that stands open in a practice's system, by our identifiers.
    fn open_at(&self, panel: &str) -> BTreeSet<String> {
        let held = WORK.iter().flat_map(|kind| self.ehr(panel).all(kind));
        let open = held.filter(|held| !is_final(held.resource.text("status").unwrap()));
        open.map(|held| held.resource.identifiers()[0].value.clone()).collect()
    }

    async fn open_here(&self) -> BTreeSet<String> {
        let record = self.record().await;
        let all = WORK.iter().flat_map(|kind| record.of_type(kind));
        let open = all.filter(|stored| !is_final(stored.resource.text("status").unwrap()));
        open.map(|stored| stored.id.to_string()).collect()
    }

    /// Waits until this practice holds all that is open, and the other one nothing.
    async fn settles(&self, with: &str) {
        let other = other(with);
        eventually(&format!("all open work is at {with} and none at {other}"), async || {
            let here = self.open_here().await;
            let record = self.record().await;
            let has_urgent = record.of_type("Task").any(|task| task.resource.text("priority") != Some("routine"));
            has_urgent && here.len() > 3 && self.open_at(with) == here && self.open_at(other).is_empty()
        })
        .await;
        for task in self.record().await.of_type("Task").filter(|task| !is_final(task.resource.text("status").unwrap()))
        {
            let owner = task.resource.get("owner").unwrap()["display"].as_str().unwrap();
            assert!(owner.to_lowercase().starts_with(with), "{owner} has work of {with}");
        }
    }

    async fn deliveries(&self, panel: &str) -> Vec<Delivery> {
        let filter = DeliveryFilter { partner: Some(format!("{panel}-practice")), ..DeliveryFilter::default() };
        self.house.running.gateway.store.deliveries(&filter, None, 1000).await.unwrap().items
    }

    async fn audit(&self) -> Vec<AuditEntry> {
        self.house.running.gateway.store.audit(Some(self.person), None, 1000).await.unwrap().items
    }

    async fn console(&self, path: &str) -> String {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let link = self.house.running.console_link();
        let form = [("link", link.rsplit('=').next().unwrap()), ("name", "Ida Roe")];
        let answer = client.post(self.house.url("/console/login")).form(&form).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_string();
        let page = client.get(self.house.url(path)).header("cookie", cookie).send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
        page.text().await.unwrap()
    }

    /// A message about a new visit goes to the practice that the patient is with, and to nobody else.
    async fn next_message(&self, control: &str, with: &str) {
        let before = self.deliveries(other(with)).await.len();
        let visits = self.ehr(with).all("Encounter").len();
        let mut hospital = self.house.hospital().await;
        let message = adt("A04", control, PATIENT, &format!("V{control}"), &minutes_ago(1));
        assert_eq!(code(&hospital.send(&message).await), "AA");
        eventually("the visit is there", async || self.ehr(with).all("Encounter").len() == visits + 1).await;
        self.settles(with).await;
        assert_eq!(self.deliveries(other(with)).await.len(), before, "the other practice is told nothing");
    }

    /// What those who look after the gateway see of a move.
    async fn is_told(&self, from: &str, to: &str) {
        let endings = async || -> Vec<Delivery> {
            self.deliveries(from).await.into_iter().filter(|one| one.new.ending).collect()
        };
        eventually("every end is delivered", async || {
            endings().await.iter().all(|one| one.state == DeliveryState::Delivered)
        })
        .await;
        let ended = endings().await;
        for end in &ended {
            let words = end.new.payload.to_string();
            assert!(!words.contains("Okafor") && !words.contains("COPD") && !words.contains(PATIENT), "{words}");
        }
        let page = self.console(&format!("/console/deliveries?partner={from}-practice")).await;
        let newest = self.deliveries(from).await.into_iter().take(50).filter(|one| one.new.ending).count();
        assert!(newest > 0 && page.matches(">end of<").count() == newest, "{newest}: {page}");
        let words = ["delivery", "list", "--count", "500", "--partner", &format!("{from}-practice"), "--site"];
        let command = Command::new(env!("CARGO_BIN_EXE_handover")).args(words).arg(self.house.folder.path()).output();
        let list = String::from_utf8(command.unwrap().stdout).unwrap();
        assert_eq!(list.matches(" end of ").count(), ended.len(), "{list}");
        let audit = self.audit().await;
        let taken_back = |entry: &&AuditEntry| {
            entry.agent == format!("{from}-practice")
                && entry.because.contains("no agreement covers the patient any more")
        };
        let brought =
            |entry: &&AuditEntry| entry.agent == format!("{to}-practice") && entry.action == "push" && entry.allowed;
        for kind in WORK {
            let is_of = |entry: &&AuditEntry| entry.subject.starts_with(&format!("{kind}/"));
            assert!(ended.iter().any(|one| one.new.subject.starts_with(kind)), "no {kind} was ended at {from}");
            assert!(audit.iter().filter(taken_back).any(|entry| is_of(&entry)), "no end of a {kind} at {from}");
            assert!(audit.iter().filter(brought).any(|entry| is_of(&entry)), "no {kind} for {to}");
        }
        let (own, others) = (format!("/console/work?panel={to}"), format!("/console/work?panel={from}"));
        assert!(self.console(&own).await.contains("Okafor") && !self.console(&others).await.contains("Okafor"));
        let page = self.console(&format!("/console/patients/{}/records", ResourceId::patient(self.person))).await;
        assert!(page.contains("no agreement covers the patient any more") && page.contains(to), "{page}");
    }

    /// What Nia Brooks took on is asked of somebody else; the notes that it has.
    async fn is_asked_anew(&self, call: ResourceId) -> Value {
        let stored = self.house.running.gateway.store.resource("Task", call).await.unwrap().unwrap();
        assert_eq!(stored.resource.text("status"), Some("requested"));
        stored.resource.get("note").cloned().unwrap_or_default()
    }
}

fn other(panel: &str) -> &'static str {
    if panel == LAKESIDE { MILLBROOK } else { LAKESIDE }
}

fn line_of(line: &str) -> String {
    format!("{line}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn work_follows_a_patient_whose_old_practice_lets_go_first() {
    let town = Town::new().await;
    town.settles(LAKESIDE).await;
    let call = town.call().await;
    for (round, from) in [LAKESIDE, MILLBROOK].into_iter().enumerate() {
        let to = other(from);
        town.roster(from, false).await;
        eventually("nobody is owed anything", async || {
            town.open_here().await.is_empty() && town.open_at(from).is_empty()
        })
        .await;
        town.roster(to, true).await;
        town.settles(to).await;
        town.is_told(from, to).await;
        town.is_asked_anew(call).await;
        town.next_message(&format!("{}", 10 + round), to).await;
    }
    town.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_follows_a_patient_whose_new_practice_takes_them_first() {
    let town = Town::new().await;
    town.settles(LAKESIDE).await;
    let call = town.call().await;
    for (round, from) in [LAKESIDE, MILLBROOK].into_iter().enumerate() {
        let to = other(from);
        town.roster(to, true).await;
        // While both have the patient both hold the work, and each piece is one practice's.
        eventually("both hold all of it", async || {
            let here = town.open_here().await;
            town.open_at(from) == here && town.open_at(to) == here
        })
        .await;
        town.roster(from, false).await;
        town.settles(to).await;
        town.is_told(from, to).await;
        let note = town.is_asked_anew(call).await;
        assert!(note[0]["text"].as_str().unwrap().contains("with another practice now"), "{note}");
        town.next_message(&format!("{}", 10 + round), to).await;
    }
    town.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_follows_a_patient_whose_rosters_come_at_once() {
    for order in [[(LAKESIDE, false), (MILLBROOK, true)], [(MILLBROOK, true), (LAKESIDE, false)]] {
        let town = Town::new().await;
        town.settles(LAKESIDE).await;
        let call = town.call().await;
        for (panel, is_member) in order {
            town.roster(panel, is_member).await;
        }
        town.settles(MILLBROOK).await;
        town.is_told(LAKESIDE, MILLBROOK).await;
        town.is_asked_anew(call).await;
        town.house.running.stop().await;
    }
}
