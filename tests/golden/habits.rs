//! What strangers' habits brought up, with its right values: a folder of inputs beside the project, where there is one. Each
//! is played as a story with everybody on the demo's panel; the project's own tests hold the same kinds on values of their
//! own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use handover::pipeline::TaskAction;
use handover::pipeline::story::Story;
use handover::record::Membership;
use handover::site::Site;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::habits_care::CARE;
use super::habits_hl7::HL7;
use super::house::{FEED, members, members_of, root, site};

/// What files of the site become, given its feed.
pub type Change = fn(&str) -> Vec<(&'static str, String)>;

/// One input and what is right of it.
pub struct Case {
    /// Below the folder of cases.
    pub file: &'static str,
    /// The right value in words.
    pub says: &'static str,
    /// What happens after so many messages.
    pub then: &'static [(usize, Then)],
    /// From this message on they come by the feed `elsewhere`.
    pub elsewhere: usize,
    /// Changes files of the demo's site, given its feed.
    pub site: Option<Change>,
    pub right: fn(&Seen) -> bool,
    /// Why it is not so yet.
    pub open: Option<&'static str>,
}

pub enum Then {
    Accept(&'static str),
    /// So many hours pass.
    Pass(i64),
}

/// A case without anything particular.
pub const fn case(file: &'static str, says: &'static str, right: fn(&Seen) -> bool) -> Case {
    Case { file, says, then: &[], elsewhere: usize::MAX, site: None, right, open: None }
}

/// How many cases come to their right value at least; those that are left say in the table why.
const RIGHT: usize = 78;

/// What a story left behind.
pub struct Seen {
    /// AA, AE or AR, of each message.
    pub codes: Vec<String>,
    /// The problems and unread places of all messages, as `severity place text`.
    pub said: Vec<String>,
    pub unread: Vec<String>,
    pub record: Vec<Value>,
    pub deliveries: Vec<Value>,
}

impl Seen {
    pub fn of<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Value> {
        self.record.iter().filter(move |resource| resource["resourceType"] == kind)
    }

    pub fn one<'s>(&'s self, kind: &'s str) -> &'s Value {
        let found: Vec<&Value> = self.of(kind).collect();
        assert_eq!(found.len(), 1, "{kind}: {found:#?}");
        found[0]
    }

    /// Tasks whose code has this in it and that are not ended.
    pub fn open<'s>(&'s self, code: &'s str) -> Vec<&'s Value> {
        let is_open = |task: &&Value| matches!(task["status"].as_str(), Some("requested" | "accepted" | "in-progress"));
        self.of("Task").filter(|task| task["code"].to_string().contains(code)).filter(is_open).collect()
    }

    /// An alert of that code that went to a clinician at once.
    pub fn escalates(&self, code: &str) -> bool {
        self.open(code).iter().any(|task| matches!(task["priority"].as_str(), Some("asap" | "stat")))
    }

    /// A result of this code with this number and UCUM unit, alone or as a component.
    pub fn measures(&self, code: &str, number: f64, unit: &str) -> bool {
        let is_it = |part: &Value| {
            part["code"].to_string().contains(code)
                && part["valueQuantity"]["value"].as_f64() == Some(number)
                && part["valueQuantity"]["code"] == unit
        };
        self.of("Observation")
            .any(|result| is_it(result) || result["component"].as_array().is_some_and(|parts| parts.iter().any(is_it)))
    }

    pub fn says(&self, words: &str) -> bool {
        self.said.iter().any(|line| line.to_lowercase().contains(&words.to_lowercase()))
    }
}

fn folder() -> Option<PathBuf> {
    root().parent().map(|parent| parent.join("shared/cases")).filter(|folder| folder.is_dir())
}

#[tokio::test]
async fn what_strangers_send_comes_to_its_right_value() {
    let Some(folder) = folder() else {
        println!("skipped: there is no folder of cases beside the project");
        return;
    };
    let mut wrong = Vec::new();
    let cases: Vec<&Case> = CARE.iter().chain(HL7).collect();
    let only = std::env::var("HANDOVER_CASE").unwrap_or_default();
    for case in cases.iter().filter(|case| case.file.contains(&only)) {
        let seen = play(&folder, case).await;
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (case.right)(&seen)));
        match judged {
            Ok(true) => println!("right  {:50} {}", case.file, case.says),
            _ => {
                let why = case.open.map(|why| format!(" ({why})")).unwrap_or_default();
                println!("WRONG  {:50} {}{why}", case.file, case.says);
                if !only.is_empty() {
                    println!("{:?}\n{:#?}\n{:#?}", seen.codes, seen.said, seen.record);
                }
                wrong.push(case.file);
            }
        }
    }
    println!("{} of {} cases come to their right value", cases.len() - wrong.len(), cases.len());
    assert!(cases.len() - wrong.len() >= RIGHT, "{wrong:#?}");
}

async fn play(folder: &Path, case: &Case) -> Seen {
    let bytes = std::fs::read(folder.join(case.file)).unwrap();
    let messages = split(&bytes);
    let (site, members) = case.site.map_or_else(|| (site(), members().to_vec()), changed);
    let panels = [("lakeside".to_string(), members.clone())].into();
    let mut story = Story::begin(site, &panels, written(&messages[0])).await.unwrap();
    story.admit_everybody_to("lakeside", members);
    let mut seen = Seen { codes: vec![], said: vec![], unread: vec![], record: vec![], deliveries: vec![] };
    for (number, message) in messages.iter().enumerate() {
        story.pass_to(written(message)).await.unwrap();
        let told = story.take(if number >= case.elsewhere { "elsewhere" } else { FEED }, message).await.unwrap();
        seen.codes.push(told.acknowledged.code.text().to_string());
        let trace = told.entry.unwrap().trace;
        seen.said.extend(trace.problems.iter().map(|line| format!("{} {} {}", line.subject, line.place, line.text)));
        seen.unread.extend(trace.unread.iter().map(ToString::to_string));
        for (after, then) in case.then {
            if *after != number + 1 {
                continue;
            }
            match then {
                Then::Accept(rule) => {
                    let count = story.act(rule, TaskAction::Accept, "", "Sam Reed").await.unwrap();
                    assert!(count > 0, "{}: no open task of {rule} to accept", case.file);
                }
                Then::Pass(hours) => {
                    let then: Timestamp = story.now() + SignedDuration::from_hours(*hours);
                    story.pass_to(then).await.unwrap();
                }
            }
        }
    }
    seen.record = story.resources().await.unwrap().into_iter().map(|stored| stored.resource.into()).collect();
    let page = story.gateway.store.deliveries(&Default::default(), None, 1_000).await.unwrap();
    seen.deliveries = page.items.into_iter().map(|delivery| delivery.new.payload).collect();
    seen
}

/// MSH-7, in the feed's zone where it states no offset, and five seconds for the way.
fn written(message: &[u8]) -> Timestamp {
    let text = String::from_utf8_lossy(message);
    let made = text.split('|').nth(6).unwrap_or_default().to_string();
    let zoned = jiff::Zoned::strptime("%Y%m%d%H%M%S%z", &made).map(|zoned| zoned.timestamp());
    let civil = || {
        let civil = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", made.get(..14).unwrap_or_default()).unwrap();
        // In the hour that comes twice, a message of it all is of the second time.
        TimeZone::get("America/New_York").unwrap().to_ambiguous_zoned(civil).later().unwrap().timestamp()
    };
    zoned.unwrap_or_else(|_| civil()) + SignedDuration::from_secs(5)
}

/// Messages by their MSH, whatever ends their segments.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
        if line.starts_with(b"MSH") || messages.is_empty() {
            messages.push(Vec::new());
        }
        messages.last_mut().unwrap().extend_from_slice(line);
    }
    messages
}

/// The demo's site with files of it changed, and the members of its panels.
pub fn changed(change: Change) -> (Arc<Site>, Vec<Membership>) {
    changed_by(&change)
}

/// The same by a change that knows more than the feed's file.
pub fn changed_by(change: &dyn Fn(&str) -> Vec<(&'static str, String)>) -> (Arc<Site>, Vec<Membership>) {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures/demo"), folder.path());
    let feed = std::fs::read_to_string(folder.path().join("feeds/riverside.yaml")).unwrap();
    for (file, text) in change(&feed) {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let loaded = handover::site::load(folder.path());
    let site = loaded.site.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
    let members = members_of(&site);
    (Arc::new(site), members)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
