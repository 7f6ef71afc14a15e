//! Rosters: what a new one would change is told, and one that ends many people's care or urgent work waits for a word.

use std::process::Command;

use handover::pipeline::Operation;
use handover::record::Membership;
use handover::store::WorkFilter;
use serde_json::{Value, json};

use crate::harness::{House, adt, code, eventually, minutes_ago};

/// The demo's eight members, and sixty whom nobody has heard of.
fn many(name: &str, text: String) -> String {
    if name != "panels/lakeside.csv" {
        return text;
    }
    let more: String =
        (0..60).map(|number| format!("L-{},{},Dr. Helen Park,,en,\n", 3000 + number, 6000 + number)).collect();
    text + &more
}

fn without(text: &str, leaving: impl Fn(&str) -> bool) -> String {
    text.lines().filter(|line| !leaving(line)).map(|line| format!("{line}\n")).collect()
}

impl House {
    fn members(&self, text: &str) -> Vec<Membership> {
        let site = self.running.gateway.site.load_full();
        let roster = site.read_roster(&site.panels["lakeside"], "roster.csv", text.as_bytes());
        assert!(roster.problems.is_empty(), "{:?}", roster.problems);
        roster.members
    }

    async fn import(&self, text: &str, accept: bool) -> Result<Value, String> {
        let operation = Operation::PanelImport { panel: "lakeside".into(), members: self.members(text), accept };
        self.running.gateway.perform(operation).await.map_err(|problem| problem.text)
    }

    async fn check(&self, text: &str) -> Value {
        let operation = Operation::PanelCheck { panel: "lakeside".into(), members: self.members(text) };
        self.running.gateway.perform(operation).await.unwrap()
    }

    async fn count(&self) -> usize {
        self.running.gateway.store.panel("lakeside", None, 1000).await.unwrap().items.len()
    }

    async fn open_work(&self) -> usize {
        self.running.gateway.store.worklist(&WorkFilter::default(), None, 1000).await.unwrap().items.len()
    }
}

/// A visit of 4713 that asks for a call, and a reading of 4716 that cannot wait.
async fn care(house: &House) {
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4713", "V1", &minutes_ago(200))).await), "AA");
    assert_eq!(code(&hospital.send(&adt("A03", "2", "4713", "V1", &minutes_ago(100))).await), "AA");
    let at = minutes_ago(3);
    let reading = format!(
        "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|3|P|2.5.1\r\
         PID|1||4716^^^RIVERSIDE^MR||Tran^Minh||19410101|M\r\
         OBR|1||R7|8867-4^Vital signs^LN|||{at}\r\
         OBX|1|NM|59408-5^Oxygen saturation^LN||79|%^percent^UCUM|92-100|LL|||F|||{at}\r"
    );
    assert_eq!(code(&hospital.send(&reading).await), "AA");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_who_joins_leaves_and_changes_and_which_work_ends() {
    let house = House::with(&many).await;
    care(&house).await;
    let before = std::fs::read_to_string(house.folder.path().join("panels/lakeside.csv")).unwrap();
    let after = without(&before, |line| line.starts_with("L-1003") || line.starts_with("L-3007"))
        .replace("L-1005,4715,Dr. Helen Park", "L-1005,4715,Dr. Samuel Osei")
        + "L-4000,6900,,,en,\n";
    let change = house.check(&after).await;
    let system = "https://lakeside-practice.example/member";
    assert_eq!((&change["members_before"], &change["members"]), (&json!(68), &json!(67)));
    assert_eq!(change["joining"], json!([format!("{system}|L-4000")]));
    assert_eq!(change["leaving"], json!([format!("{system}|L-1003"), format!("{system}|L-3007")]));
    assert_eq!(change["changing"], json!([format!("{system}|L-1005")]));
    let ending = change["ending"].as_array().unwrap();
    assert!(!ending.is_empty() && ending.iter().all(|task| task["priority"] == "routine"), "{change}");
    assert_eq!(change["asks"], json!([]), "two of 68, and nothing that cannot wait");
    assert_eq!(house.count().await, 68, "a check changes nothing");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_many_peoples_care_or_urgent_work_is_imported_only_when_accepted() {
    let house = House::with(&many).await;
    care(&house).await;
    let before = std::fs::read_to_string(house.folder.path().join("panels/lakeside.csv")).unwrap();
    let many_leave = without(&before, |line| line.starts_with("L-300"));
    let refused = house.import(&many_leave, false).await.unwrap_err();
    assert!(refused.contains("10 of 68 members leave (14 %") && refused.contains("--accept"), "{refused}");
    let one_leaves = without(&before, |line| line.starts_with("L-1006"));
    let refused = house.import(&one_leaves, false).await.unwrap_err();
    assert!(refused.contains("urgent work of those who leave is open and ends"), "{refused}");
    assert!(!refused.contains("Tran") && !refused.contains("4716"), "it names no patient: {refused}");
    assert_eq!(house.count().await, 68);
    let open = house.open_work().await;
    let done = house.import(&one_leaves, true).await.unwrap();
    assert_eq!((&done["members"], house.count().await), (&json!(67), 67));
    eventually("the work of who left has ended", async || house.open_work().await < open).await;
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_tells_before_it_imports_and_asks_for_a_word() {
    let house = House::with(&many).await;
    care(&house).await;
    let site = house.folder.path();
    let before = std::fs::read_to_string(site.join("panels/lakeside.csv")).unwrap();
    let roster = site.join("june.csv");
    std::fs::write(&roster, without(&before, |line| line.starts_with("L-1006")) + "L-4000,6900,,,en,\n").unwrap();
    let run = |word: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
        command.args(["panel", "import"]).arg(&roster).args(["--panel", "lakeside", "--site"]).arg(site).args(word);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), told)
    };
    let (is_well, told) = run(Some("--check"));
    for words in [
        "1 member joining",
        "|L-4000",
        "1 member leaving",
        "|L-1006",
        "0 members changing",
        "needs --accept: urgent work",
    ] {
        assert!(told.contains(words), "no `{words}` in:\n{told}");
    }
    assert!(!is_well && house.count().await == 68);
    let (is_well, told) = run(None);
    assert!(!is_well && told.contains("was not taken over") && house.count().await == 68, "{told}");
    let (is_well, told) = run(Some("--accept"));
    assert!(is_well && told.contains("panel lakeside has 68 members now"), "{told}");
    let members = house.running.gateway.store.panel("lakeside", None, 100).await.unwrap().items;
    assert!(members.iter().any(|member| member.identifiers[0].value == "L-4000"));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_roster_file_is_held_until_somebody_accepts_it() {
    let house = House::with(&many).await;
    let file = house.folder.path().join("panels/lakeside.csv");
    let before = std::fs::read_to_string(&file).unwrap();
    let cut = without(&before, |line| line.starts_with("L-3"));
    std::fs::write(&file, &cut).unwrap();
    let condition = &house.running.gateway.condition;
    eventually("the roster is held", async || condition.is_set("panel lakeside")).await;
    assert_eq!(house.count().await, 68, "the panel keeps its members");
    let health: Value = reqwest::get(house.url("/health")).await.unwrap().json().await.unwrap();
    assert_eq!((&health["status"], &health["faults"][0]["part"]), (&json!("warn"), &json!("panel lakeside")));
    let told = house.running.gateway.perform(Operation::Health).await.unwrap();
    assert!(told["faults"][0]["details"][0].as_str().unwrap().contains("60 of 68 members leave"), "{told}");

    house.import(&cut, true).await.unwrap();
    assert!(!condition.is_set("panel"));
    // A file that takes nobody away is taken over as always.
    std::fs::write(&file, cut + "L-5000,7000,,,en,\n").unwrap();
    eventually("the next roster is in force", async || house.count().await == 9).await;

    // A panel without a file waits for nobody's word.
    std::fs::write(&file, without(&before, |line| line.starts_with("L-1"))).unwrap();
    eventually("the roster is held again", async || condition.is_set("panel lakeside")).await;
    let panel = house.folder.path().join("panels/lakeside.yaml");
    let text = std::fs::read_to_string(&panel).unwrap();
    std::fs::write(&panel, without(&text, |line| line.starts_with("members:"))).unwrap();
    eventually("nothing is held", async || !condition.is_set("panel")).await;
    assert_eq!(house.count().await, 9);
    house.running.stop().await;
}
