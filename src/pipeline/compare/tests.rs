//! A changed site over messages that a gateway took: what differs is told by kind, what was not judged is counted, nothing is written.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::{ChangedSite, Compared, Comparing, Differences, Part};
use crate::clock::ManualClock;
use crate::pipeline::{Arrival, Gateway, MessageWords};
use crate::site::{self, DemoSite, Site};
use crate::store::{EngineChoice, StoreSettings, open};

const NOW: &str = "2026-03-02T20:30:00Z";

/// A member of the demo's panel who comes to the ED and leaves, and two of no panel with classes that nobody knows, one without a number
/// and a begin of the visit.
const MESSAGES: [&[&str]; 4] = [
    &[
        r"MSH|^~\&|A|RIVERSIDE|H|D|20260302130000||ADT^A04^ADT_A01|D1|P|2.5.1",
        "EVN|A04|20260302130000",
        "PID|1||4712^^^RIVERSIDE^MR||Achterberg^Noor||19490812|F",
        "PV1|1|E|ED^02^A^RIVERSIDE||||1043^Lindqvist^Maja||||||||||||V3001^^^RIVERSIDE-VISIT^VN|||||||||||||||||||||||||20260302125500",
    ],
    &[
        r"MSH|^~\&|A|RIVERSIDE|H|D|20260302150000||ADT^A03^ADT_A03|D2|P|2.5.1",
        "EVN|A03|20260302150000",
        "PID|1||4712^^^RIVERSIDE^MR||Achterberg^Noor||19490812|F",
        "PV1|1|E|ED^02^A^RIVERSIDE||||1043^Lindqvist^Maja||||||||||||V3001^^^RIVERSIDE-VISIT^VN|||||||||||||||||||||||||20260302125500|20260302145500",
        "DG1|1||J44.1^COPD with exacerbation^I10C|||F",
    ],
    &[
        r"MSH|^~\&|A|RIVERSIDE|H|D|20260302151000||ADT^A04^ADT_A01|D3|P|2.5.1",
        "EVN|A04|20260302151000",
        "PID|1||8800^^^RIVERSIDE^MR||Bakker^Joris||19800101|M",
        "PV1|1|TELE|||||1043^Lindqvist^Maja||||||||||||V3002^^^RIVERSIDE-VISIT^VN|||||||||||||||||||||||||20260302150900",
    ],
    &[
        r"MSH|^~\&|A|RIVERSIDE|H|D|20260302152000||ADT^A04^ADT_A01|D4|P|2.5.1",
        "EVN|A04|20260302152000",
        "PID|1||8801^^^RIVERSIDE^MR||Vos^Ada||19800102|F",
        "PV1|1|HOMEV|||||1043^Lindqvist^Maja",
    ],
];

struct Desk {
    gateway: Gateway,
    _force: DemoSite,
}

impl Desk {
    async fn new() -> Self {
        let force = DemoSite::write().unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        let store = open(&StoreSettings { engine: EngineChoice::Memory, path: "unused".into() }).unwrap();
        let site = compiled(force.path());
        let panel = site.panels["lakeside"].clone();
        let bytes = std::fs::read(site.folder.join("panels/lakeside.csv")).unwrap();
        let members = site.read_roster(&panel, "panels/lakeside.csv", &bytes).members;
        store.replace_panel("lakeside", members, now).await.unwrap();
        let gateway = Gateway::new(store, site, Arc::new(ManualClock::at(now)));
        for lines in MESSAGES {
            let raw = lines.join("\r").into_bytes();
            let arrival = Arrival { feed: "riverside".into(), raw, ..Arrival::default() };
            assert_eq!(gateway.accept(arrival).await.code.text(), "AA");
        }
        Self { gateway, _force: force }
    }

    /// All parts of a comparison with a site that was changed so.
    async fn compare(&self, change: &dyn Fn(&Path)) -> Differences {
        let new = DemoSite::write().unwrap();
        change(new.path());
        let Compared { differences, next, total, .. } = self.gateway.compare(&asked(new.path())).await.unwrap();
        assert_eq!((next, total), (None, Some(self.gateway.store.health().await.messages)));
        differences
    }
}

fn asked(site: &Path) -> Comparing {
    let sought = MessageWords { since: Some("30d".into()), ..MessageWords::default() };
    Comparing { site: site.to_path_buf(), sought, listed: 2, compiled: None, after: None }
}

fn compiled(folder: &Path) -> Arc<Site> {
    Arc::new(site::load(folder).site.unwrap())
}

fn write(root: &Path, file: &str, text: &str) {
    std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
    std::fs::write(root.join(file), text).unwrap();
}

fn replace(root: &Path, file: &str, old: &str, new: &str) {
    let text = std::fs::read_to_string(root.join(file)).unwrap();
    assert!(text.contains(old), "{file} has no `{old}`");
    write(root, file, &text.replace(old, new));
}

fn kinds(differences: &Differences, part: Part) -> BTreeSet<&str> {
    differences.parts.get(&part).into_iter().flatten().map(|(kind, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn a_row_of_a_table_is_told_code_by_code_and_as_what_running_again_changes() {
    let desk = Desk::new().await;
    let before = desk.gateway.store.health().await.messages;
    let row = "table: patient-class\ncodes:\n  TELE: { code: VR, display: virtual }\n  HOMEV: { code: HH, display: home health }\n";
    let differences = desk.compare(&|root| write(root, "mappings/tables/patient-class.yaml", row)).await;
    assert_eq!((differences.judged, differences.differ), (4, 2));
    let codes = kinds(&differences, Part::Codes);
    assert!(codes.contains("patient-class TELE: answered"), "{codes:?}");
    assert!(
        codes.iter().any(|kind| kind.starts_with("Encounter.class: ") && kind.ends_with("ActCode|VR")),
        "{differences:#?}"
    );
    assert!(kinds(&differences, Part::Problems).iter().any(|kind| kind.ends_with("(no longer)")));
    assert!(kinds(&differences, Part::Resources).contains("Encounter changed"));
    assert_eq!(differences.in_force.unchanged, 4);
    assert_eq!(differences.changed.altered["Encounter"], 1, "{:?}", differences.changed);
    // The id of a visit without either is made of its class.
    assert_eq!(differences.parts[&Part::Resources]["Encounter under another id"].count, 1);
    assert_eq!(differences.changed.new["Encounter"], 1);
    assert_eq!(desk.gateway.store.health().await.messages, before, "nothing is written");
}

#[tokio::test]
async fn an_agreement_that_lets_less_out_is_told_delivery_by_delivery() {
    let desk = Desk::new().await;
    let line = "  - { resource: Encounter, push: immediate, pull: true, without: [participant.individual] }\n";
    let change = |root: &Path| {
        replace(root, "agreements/lakeside-practice.yaml", line, "");
        replace(root, "agreements/lakeside-practice.yaml", "without: [contact]", "without: [contact, birthDate]");
    };
    let differences = desk.compare(&change).await;
    let deliveries = &differences.parts[&Part::Deliveries];
    assert_eq!(deliveries["lakeside-practice: Encounter no longer"].count, 2, "{deliveries:?}");
    assert_eq!(deliveries["lakeside-practice: Patient says otherwise"].count, 2, "{deliveries:?}");
    assert_eq!((differences.differ, deliveries.len()), (2, 2), "{deliveries:?}");
}

#[tokio::test]
async fn a_rule_that_is_gone_and_a_feed_that_is_gone_are_told() {
    let desk = Desk::new().await;
    let nobody = include_str!("../../../protocols/ed-follow-up.yaml")
        .replace("\ntasks:", "\nfor: { age: { from: 120 } }\ntasks:");
    let differences = desk.compare(&|root| write(root, "protocols/ed-follow-up.yaml", &nobody)).await;
    let tasks = kinds(&differences, Part::Tasks);
    assert!(!tasks.is_empty() && tasks.iter().all(|kind| kind.ends_with(": gone")), "{tasks:?}");
    let gone = |root: &Path| {
        std::fs::rename(root.join("feeds/riverside.yaml"), root.join("feeds/lakeshore.yaml")).unwrap();
        replace(root, "feeds/lakeshore.yaml", "feed: riverside", "feed: lakeshore");
    };
    let differences = desk.compare(&gone).await;
    assert_eq!(differences.parts[&Part::Answers]["AA → taken by no feed"].count, 4);
}

#[tokio::test]
async fn the_same_site_makes_the_same_of_all_that_can_be_judged_and_a_site_with_errors_is_refused_with_them() {
    let desk = Desk::new().await;
    let raw = MESSAGES[2].join("\r").into_bytes();
    let again = Arrival { feed: "riverside".into(), raw: raw.clone(), replays: Some(3), ..Arrival::default() };
    desk.gateway.accept(again).await;
    let cut = Arrival { feed: "riverside".into(), raw: raw[..90].to_vec(), cut_short: true, ..Arrival::default() };
    desk.gateway.accept(cut).await;
    let differences = desk.compare(&|_| {}).await;
    assert_eq!((differences.judged, differences.left_out.values().sum::<u64>()), (4, 2), "{differences:#?}");
    assert_eq!((differences.differ, differences.changed.unchanged), (0, 4), "{differences:#?}");
    let broken = DemoSite::write().unwrap();
    replace(broken.path(), "feeds/riverside.yaml", "zone:", "zoen:");
    let refused = desk.gateway.compare(&asked(broken.path())).await.unwrap_err().text;
    assert!(refused.contains("has errors, and nothing was compared") && refused.contains("`zone`"), "{refused}");
    let lost = Comparing { compiled: Some("0".into()), ..asked(broken.path()) };
    assert!(desk.gateway.compare(&lost).await.unwrap_err().text.contains("begin again"));
}

#[tokio::test]
async fn a_comparison_goes_on_by_itself_one_at_a_time_and_can_be_stopped() {
    let desk = Desk::new().await;
    let (gateway, before) = (&desk.gateway, desk.gateway.store.health().await.messages);
    let row = "table: patient-class\ncodes:\n  TELE: { code: VR, display: virtual }\n";
    let new = DemoSite::write().unwrap();
    write(new.path(), "mappings/tables/patient-class.yaml", row);
    let changed = ChangedSite::Folder(new.path().to_path_buf());
    let words = MessageWords { since: Some("30d".into()), ..MessageWords::default() };
    let run = gateway.begin_comparison(&changed, &words, "console:Ida Roe").await.unwrap();
    let busy = gateway.begin_comparison(&changed, &words, "console:Otto Lee").await.err().unwrap().text;
    assert!(busy.contains("console:Ida Roe has the stored messages read just now"), "{busy}");
    gateway.go_on_comparing(run).await;
    let told = gateway.comparison().unwrap().progress();
    assert_eq!((told.state, told.total, told.found.judged), (crate::pipeline::RunState::Done, Some(before), 4));
    assert!(kinds(&told.found, Part::Codes).contains("patient-class TELE: answered"));

    let with_code = told.found.parts[&Part::Codes]["patient-class TELE: answered"].first[0].message;
    let of = gateway.store.message(with_code).await.unwrap().unwrap().summary;
    let one = gateway.compared_one(&gateway.comparison().unwrap(), &of).await.unwrap();
    assert_eq!((one.judged, one.parts[&Part::Codes]["patient-class TELE: answered"].count), (1, 1));
    assert!(gateway.stop_comparison("console:Ida Roe").await.unwrap_err().text.contains("nothing is being compared"));
    // A file's text in the place of what lies in the folder of the site in force; what is wrong with it is told at its line.
    let file = |text: &str| ChangedSite::File {
        folder: desk.gateway.site.load().folder.clone(),
        file: "mappings/tables/patient-class.yaml".into(),
        text: text.into(),
    };
    let wrong = gateway.begin_comparison(&file("table: patient-class\nkodes: {}\n"), &words, "x").await.err().unwrap();
    assert!(wrong.text.contains("patient-class.yaml:2") && wrong.text.contains("`kodes`"), "{}", wrong.text);
    // Whoever goes on with it breaks off: it is told, and another can begin.
    let run = gateway.begin_comparison(&file(row), &words, "console:Ida Roe").await.unwrap();
    assert!(gateway.go_on_comparing(Arc::clone(&run)).now_or_never().is_none());
    assert_eq!(
        (run.progress().state, run.progress().fault.as_str()),
        (crate::pipeline::RunState::CutOff, "it broke off; the log says why")
    );
    let run = gateway.begin_comparison(&file(row), &words, "console:Otto Lee").await.unwrap();
    gateway.stop_comparison("console:Ida Roe").await.unwrap();
    gateway.go_on_comparing(run).await;
    let run = gateway.comparison().unwrap();
    assert_eq!(
        (run.name.as_str(), run.progress().state),
        ("mappings/tables/patient-class.yaml", crate::pipeline::RunState::Done)
    );
    let audit = gateway.store.audit(None, None, 10).await.unwrap().items;
    let told: Vec<_> = audit.iter().map(|entry| (entry.action.as_str(), entry.agent.as_str())).collect();
    assert!(
        told.starts_with(&[("compare-stop", "console:Ida Roe"), ("compare-begin", "console:Otto Lee")]),
        "{told:?}"
    );
    assert_eq!(gateway.store.health().await.messages, before, "nothing is written");
    gateway.comparing.tidy(NOW.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(25));
    assert!(gateway.comparison().is_none());
}
