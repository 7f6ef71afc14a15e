//! People with accounts: how they log in and are refused, what ends their sessions, whose patients they see, and what the audit says
//! of all that.

use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use handover::site::{CodeSecret, PasswordHash};
use handover::store::AuditEntry;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::harness::{House, adt, code, minutes_ago};

pub const PASSWORD: &str = "plum tree yard";

/// The people of the tests: a care manager of Lakeside, one of Hillside, a coach who sees what is restricted, an engineer with a
/// phone, and one who left.
pub fn people(secret: &CodeSecret) -> String {
    let hash = PasswordHash::of(PASSWORD).unwrap().text();
    let person =
        |login: &str, name: &str, rest: &str| format!("  {login}: {{ name: {name}, {rest}, password: \"{hash}\" }}\n");
    [
        "people:\n".to_string(),
        person("nbrooks", "Nia Brooks RN", "roles: [care-manager], panels: [lakeside]"),
        person("hill", "Hanna Hill", "roles: [care-manager], panels: [hillside]"),
        person("treyes", "Tomas Reyes", "roles: [coach], panels: all, sensitive: true"),
        person("olga", "Olga Petrova", &format!("roles: [engineer, operator], totp: {}", secret.text())),
        person("gone", "Greta Gone", "roles: [operator], disabled: true"),
    ]
    .concat()
}

/// A practice beside the demo's.
const HILLSIDE: &str =
    "panel: hillside\ntitle: Hillside\npractice: { name: Hillside Family Practice, zone: America/New_York }\n";

pub async fn town(secret: &CodeSecret) -> House {
    let files = [("people.yaml", people(secret)), ("panels/hillside.yaml", HILLSIDE.to_string())];
    let settings = |name: &str, text: String| match name {
        "handover.yaml" => text + "console: { title: Riverside Care Network, privacy_contact: 555-014-2010 }\n",
        "feeds/riverside.yaml" => text + "uncoded_diagnoses: restricted\n",
        _ => text,
    };
    House::with_files(&settings, &files).await
}

/// Somebody with a browser.
pub struct Desk<'h> {
    house: &'h House,
    client: Client,
    cookie: Mutex<String>,
}

impl<'h> Desk<'h> {
    pub fn new(house: &'h House) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { house, client, cookie: Mutex::default() }
    }

    pub async fn log_in(&self, login: &str, password: &str, code: &str) -> Response {
        self.log_in_to(login, password, code, "").await
    }

    /// The same, and goes on there.
    pub async fn log_in_to(&self, login: &str, password: &str, code: &str, to: &str) -> Response {
        let form = [("login", login), ("password", password), ("code", code), ("to", to)];
        let answer = self.client.post(self.house.url("/console/login")).form(&form).send().await.unwrap();
        if let Some(set) = answer.headers().get("set-cookie") {
            *self.cookie.lock().unwrap() = set.to_str().unwrap().split(';').next().unwrap().to_string();
        }
        answer
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Response {
        let cookie = self.cookie.lock().unwrap().clone();
        request.header("cookie", cookie).send().await.unwrap()
    }

    pub async fn open(&self, path: &str) -> (u16, String) {
        let answer = self.send(self.client.get(self.house.url(path))).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let answer = self.send(self.client.post(self.house.url(path)).form(fields)).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Sends a form, and says where it leads.
    pub async fn press(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.send(self.client.post(self.house.url(path)).form(fields)).await;
        let status = answer.status();
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_string());
        let text = answer.text().await.unwrap();
        to.unwrap_or_else(|| panic!("{path} leads nowhere: {status} {text}"))
    }

    /// The key that forms of this login carry.
    pub async fn form_key(&self) -> String {
        let (_, page) = self.open("/console/nowhere").await;
        let key = page.split("name=\"form_key\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        key.unwrap().to_string()
    }

    /// Listens to what happens until it ends; returns all of it.
    async fn stream(&self) -> impl Future<Output = String> + use<> {
        let mut answer = self.send(self.client.get(self.house.url("/console/live"))).await;
        assert_eq!(answer.status(), 200);
        async move {
            let mut text = String::new();
            while let Ok(Some(bytes)) = answer.chunk().await {
                text += std::str::from_utf8(&bytes).unwrap();
            }
            text
        }
    }
}

async fn audit(house: &House) -> Vec<AuditEntry> {
    let mut entries = house.running.gateway.store.audit(None, None, 200).await.unwrap().items;
    entries.reverse();
    entries
}

/// What the page says without who tried.
fn words(page: &str) -> String {
    page.lines().filter(|line| line.contains("note now")).collect()
}

/// Somebody's desk, once they logged in, and the key of its forms.
pub async fn desk<'h>(house: &'h House, login: &str) -> (Desk<'h>, String) {
    let desk = Desk::new(house);
    assert_eq!(desk.log_in(login, PASSWORD, "").await.status(), 303);
    let key = desk.form_key().await;
    (desk, key)
}

/// A town in which somebody came home from a hospital stay.
pub async fn after_a_stay() -> House {
    let house = town(&CodeSecret::new()).await;
    let mut hospital = house.hospital().await;
    for (event, control, minutes) in [("A01", "1", 90), ("A03", "2", 30)] {
        let sent =
            adt(event, control, "4711", "V1", &minutes_ago(minutes)).replace("PV1|1|E|ED^04^A", "PV1|1|I|4W^12^A");
        assert_eq!(code(&hospital.send(&sent).await), "AA");
    }
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_login_never_says_what_was_wrong_and_the_audit_does() {
    let secret = CodeSecret::new();
    let house = town(&secret).await;
    let desk = Desk::new(&house);
    let mut told = Vec::new();
    for (login, password, code) in [
        ("nbrooks", "plum tree yarn", ""),
        ("nobody", PASSWORD, ""),
        ("olga", PASSWORD, "000000"),
        ("gone", PASSWORD, ""),
    ] {
        let answer = desk.log_in(login, password, code).await;
        assert!(answer.status() == 401 && !answer.headers().contains_key("set-cookie"), "{login}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("Riverside Care Network") && !page.contains(password), "{page}");
        told.push(words(&page));
    }
    assert!(told[0].contains("Name, password or code is wrong. After 4 more tries"), "{}", told[0]);
    assert!(told.iter().all(|words| *words == told[0]), "{told:?}");
    assert_eq!(desk.open("/console/work").await.0, 401);

    let answer = desk.log_in(" NBrooks ", PASSWORD, "").await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (303, &"/console/work".parse().unwrap()));
    let (status, page) = desk.open("/console/work").await;
    assert!(status == 200 && page.contains("<b>Nia Brooks RN</b>Care manager, Lakeside Family Practice"), "{page}");
    let key = desk.form_key().await;
    let (_, page) = desk.post("/console/logout", &[("form_key", &key)]).await;
    assert!(page.contains("You are logged out"), "{page}");
    assert_eq!(desk.open("/console/work").await.0, 401);

    let entries = audit(&house).await;
    let of = |entry: &AuditEntry| format!("{} {} {} {}", entry.agent, entry.action, entry.allowed, entry.because);
    let logins: Vec<String> = entries.iter().filter(|entry| entry.subject == "console").map(of).collect();
    assert_eq!(
        logins,
        [
            "person:nbrooks login false the password was wrong, from 127.0.0.1",
            "person:? login false there is no such name, from 127.0.0.1",
            "person:olga login false the code was wrong, from 127.0.0.1",
            "person:gone login false the account is disabled, from 127.0.0.1",
            "person:nbrooks login true the password was right",
            "person:nbrooks logout true the person logged out",
        ]
    );
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_guessed_at_waits_even_for_the_right_password_and_nobody_else_does() {
    let house = town(&CodeSecret::new()).await;
    let desk = Desk::new(&house);
    for _ in 0..5 {
        assert_eq!(desk.log_in("nbrooks", "not the password", "").await.status(), 401);
    }
    let answer = desk.log_in("nbrooks", PASSWORD, "").await;
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(answer.status() == 429 && (200..=300).contains(&wait), "{wait}");
    assert!(answer.text().await.unwrap().contains("too many wrong tries. Wait 5 minutes"));
    assert_eq!(desk.log_in("treyes", PASSWORD, "").await.status(), 303);
    let entries = audit(&house).await;
    let refused: Vec<&str> =
        entries.iter().filter(|entry| !entry.allowed).map(|entry| entry.because.as_str()).collect();
    assert_eq!(refused.len(), 5, "what waits is not looked at: {refused:?}");
    assert!(refused[4].ends_with("further tries wait"), "{refused:?}");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_opens_once_and_the_login_goes_on_where_somebody_was() {
    let secret = CodeSecret::new();
    let house = town(&secret).await;
    let (one, other) = (Desk::new(&house), Desk::new(&house));
    let step = jiff::Timestamp::now().as_second() / 30;
    let code = secret.code(step);
    let (status, page) = one.open("/console/deliveries?state=dead").await;
    assert!(status == 401 && page.contains("name=\"to\" value=\"/console/deliveries?state=dead\""), "{page}");
    let answer = one.log_in_to("olga", PASSWORD, &code, "/console/deliveries?state=dead").await;
    assert_eq!(answer.headers()["location"], "/console/deliveries?state=dead");
    assert_eq!(other.log_in("olga", PASSWORD, &code).await.status(), 401, "whoever saw the code cannot use it again");
    assert_eq!(other.log_in("olga", PASSWORD, &secret.code(step + 1)).await.status(), 303);
    assert_eq!(other.open("/console/work").await.0, 404, "what is not for her is not there");
    assert_eq!(other.open("/console/messages").await.0, 200);
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_on_nobodys_panel_is_not_there_and_what_is_restricted_is_not_shown() {
    let house = town(&CodeSecret::new()).await;
    let mut hospital = house.hospital().await;
    let raw = adt("A04", "1", "4711", "V1", &minutes_ago(40));
    let raw = raw.replace("DG1|1||J44.1^COPD with exacerbation^I10|||F", "DG1|1||Q7^Condition seven^L|||F");
    assert_eq!(code(&hospital.send(&raw).await), "AA");
    let found = house.running.gateway.store.messages(&Default::default(), None, 1).await.unwrap().items.remove(0);
    let patient = found.patient.unwrap();
    let work = house.running.gateway.store.worklist(&Default::default(), None, 10).await.unwrap().items;
    let task = work.first().map(|stored| stored.id.to_string()).unwrap();
    let known =
        house.running.gateway.load(patient.parse::<handover::identity::ResourceId>().unwrap().person, 1).await.unwrap();
    let condition = known.record.of_type("Condition").next().unwrap().id.to_string();

    let (nia, hanna, tomas) = (Desk::new(&house), Desk::new(&house), Desk::new(&house));
    for (desk, login) in [(&nia, "nbrooks"), (&hanna, "hill"), (&tomas, "treyes")] {
        assert_eq!(desk.log_in(login, PASSWORD, "").await.status(), 303);
    }
    let own = format!("/console/patients/{patient}");
    let (status, page) = nia.open(&own).await;
    assert!(status == 200 && page.contains("Okafor") && !page.contains("Condition seven"), "{page}");
    assert!(page.contains("restricted and not shown to you"), "{page}");
    let (_, page) = tomas.open(&own).await;
    assert!(page.contains("Condition seven") && !page.contains("not shown to you"), "{page}");
    let thing = format!("/console/resources/Condition/{condition}");
    assert_eq!((nia.open(&thing).await.0, tomas.open(&thing).await.0), (404, 200));

    // Somebody else's patient, and one who is not there at all.
    let nobody = handover::identity::ResourceId::patient(handover::identity::PersonId([7; 10])).to_string();
    let (theirs, none) = (hanna.open(&own).await, hanna.open(&format!("/console/patients/{nobody}")).await);
    assert_eq!(theirs, none);
    assert!(
        theirs.0 == 404 && theirs.1.contains("no such patient on your panels") && theirs.1.contains("555-014-2010")
    );
    let key = hanna.form_key().await;
    let fields = [("form_key", key.as_str()), ("act", "claim")];
    assert_eq!(hanna.post(&format!("/console/work/{task}"), &fields).await.0, 404);
    assert_eq!(hanna.open("/console/work?panel=lakeside").await.0, 404);
    assert!(!hanna.open("/console/work").await.1.contains("Okafor"));
    assert!(nia.open("/console/work").await.1.contains("Okafor"));
    let entries = audit(&house).await;
    let refused =
        entries.iter().filter(|entry| entry.agent == "person:hill" && !entry.allowed && entry.action == "look");
    let refused: Vec<(&str, bool)> = refused.map(|entry| (entry.subject.as_str(), entry.person.is_some())).collect();
    let subjects = [format!("Patient/{patient}"), format!("Patient/{nobody}"), format!("Task/{task}")];
    assert_eq!(refused, subjects.each_ref().map(|subject| (subject.as_str(), true)));
    let done = entries.iter().any(|entry| entry.action.starts_with("task-"));
    assert!(!done, "nothing was done");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_streams_end_with_their_session_and_a_session_with_its_person() {
    let secret = CodeSecret::new();
    let house = town(&secret).await;
    let (nia, tomas) = (Desk::new(&house), Desk::new(&house));
    nia.log_in("nbrooks", PASSWORD, "").await;
    tomas.log_in("treyes", PASSWORD, "").await;
    let (of_nia, of_tomas) = (nia.stream().await, tomas.stream().await);
    let key = nia.form_key().await;
    nia.post("/console/logout", &[("form_key", &key)]).await;
    let told = tokio::time::timeout(Duration::from_secs(5), of_nia).await.expect("it ends with the logout");
    assert!(told.contains("event: over"), "{told}");

    assert_eq!(tomas.open("/console/work").await.0, 200);
    let file = house.folder.path().join("people.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let without: String =
        text.lines().filter(|line| !line.contains("treyes")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, without).unwrap();
    assert!(house.running.reload.ring().await.unwrap().taken_over);
    let told = tokio::time::timeout(Duration::from_secs(5), of_tomas).await.expect("it ends with the account");
    assert!(told.contains("event: over"), "{told}");
    assert_eq!(tomas.open("/console/work").await.0, 401);
    assert_eq!(tomas.log_in("treyes", PASSWORD, "").await.status(), 401);
    house.running.stop().await;
}

#[test]
fn the_command_makes_what_the_file_holds() {
    use std::io::Write;
    use std::process::Stdio;

    let run = |words: &[&str], input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (code, line) = run(&["people", "hash"], "plum tree yard\r\nanother line\n");
    let hash = line.trim().strip_prefix("password: \"").and_then(|rest| rest.strip_suffix('"')).unwrap();
    assert!(code == Some(0) && PasswordHash::read(hash).unwrap().matches(PASSWORD), "{line}");
    let (code, told) = run(&["people", "hash"], "short\n");
    assert!(code == Some(2) && told.contains("at least 12 characters") && !told.contains("short\n"), "{told}");
    let (code, told) = run(&["people", "totp", "nbrooks", "--issuer", "Riverside Care"], "");
    let secret = told.lines().next().unwrap().strip_prefix("totp: ").unwrap();
    assert!(code == Some(0) && CodeSecret::read(secret).is_ok(), "{told}");
    assert!(told.contains(&format!("otpauth://totp/Riverside%20Care:nbrooks?secret={secret}")), "{told}");
    assert_eq!(run(&["people", "totp", "Nia Brooks"], "").0, Some(2));
}
