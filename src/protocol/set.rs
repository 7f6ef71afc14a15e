//! All protocols and calendars of a site: the built-in files, overridden file by file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rust_embed::RustEmbed;
use serde_json::Value;

use super::attempts::documented_in;
use super::calendar::Calendar;
use super::implied::{LabelsOf, implied_by};
use super::model::{Protocol, Trigger};
use super::read::{read_calendar, read_protocol};
use super::who::Who;
use super::work::{Work, key};
use crate::fhir::ValueSets;
use crate::problem::{Category, Problem};
use crate::record::Stored;
use crate::yaml::{Mark, Source};

#[derive(RustEmbed)]
#[folder = "protocols"]
struct ProtocolFiles;

#[derive(RustEmbed)]
#[folder = "calendars"]
struct CalendarFiles;

/// The protocols of a site, compiled.
#[derive(Clone)]
pub struct ProtocolSet {
    protocols: Vec<Protocol>,
    calendars: BTreeMap<String, Calendar>,
    value_sets: Arc<ValueSets>,
    /// The security labels that a rule's work has for what the rule is about, by protocol and rule.
    implied: BTreeMap<String, Vec<Value>>,
    /// Another number for each set that was compiled.
    generation: u64,
}

/// How many sets were compiled.
static COMPILED: AtomicU64 = AtomicU64::new(0);

impl fmt::Debug for ProtocolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.protocols.iter().map(|protocol| &protocol.name)).finish()
    }
}

/// One protocol for a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub title: String,
    pub source: Option<String>,
    pub file: String,
    /// `task contact`, `prompt programme`, `alert high`, with the line.
    pub rules: Vec<(String, u32)>,
    pub examples: usize,
}

/// The files that are compiled in: `built-in:protocols/…` and `built-in:calendars/…`.
pub fn built_in_protocols() -> Vec<Source> {
    let protocols = ProtocolFiles::iter().map(|name| (format!("protocols/{name}"), ProtocolFiles::get(&name)));
    let calendars = CalendarFiles::iter().map(|name| (format!("calendars/{name}"), CalendarFiles::get(&name)));
    let mut sources: Vec<Source> = protocols
        .chain(calendars)
        .filter(|(name, _)| name.ends_with(".yaml"))
        .filter_map(|(name, file)| Some(Source::new(format!("built-in:{name}"), String::from_utf8_lossy(&file?.data))))
        .collect();
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    sources
}

/// Compiles the built-in files and a site's own. A site's file replaces the built-in one of the same path below the site's
/// folder (`protocols/ed-follow-up.yaml`). Yields what can be used and every fault of every file.
pub fn compile(built_in: &[Source], site: &[Source], value_sets: Arc<ValueSets>) -> (ProtocolSet, Vec<Problem>) {
    let mut problems = Vec::new();
    let own: Vec<&str> = site.iter().map(|source| source.name.as_ref()).collect();
    let kept = built_in.iter().filter(|source| {
        let path = source.name.strip_prefix("built-in:").unwrap_or(&source.name);
        !own.contains(&path)
    });
    let mut protocols: Vec<Protocol> = Vec::new();
    let mut calendars: BTreeMap<String, Calendar> = BTreeMap::new();
    for source in kept.chain(site) {
        let path = source.name.strip_prefix("built-in:").unwrap_or(&source.name);
        if path.starts_with("calendars/") {
            if let Some(calendar) = read_calendar(source, &mut problems)
                && let Some(former) = calendars.insert(calendar.name.clone(), calendar)
            {
                double("calendar", &former.name, source, &mut problems);
            }
        } else if let Some(protocol) = read_protocol(source, &value_sets, &mut problems) {
            match protocols.iter().find(|former| former.name == protocol.name) {
                Some(former) => double("protocol", &former.name, source, &mut problems),
                None => protocols.push(protocol),
            }
        }
    }
    protocols.sort_by(|left, right| left.name.cmp(&right.name));
    (ProtocolSet { protocols, calendars, value_sets, implied: BTreeMap::new(), generation: next() }, problems)
}

fn next() -> u64 {
    COMPILED.fetch_add(1, Ordering::Relaxed)
}

fn double(what: &str, name: &str, source: &Source, problems: &mut Vec<Problem>) {
    let text = format!(
        "there are two {what}s `{name}`; to replace a built-in one, give the file its name: {what}s/{name}.yaml"
    );
    problems.push(Mark::start(&source.name).problem(Category::Duplicate, text));
}

impl ProtocolSet {
    /// What is shipped, for a site that changes nothing.
    pub fn built_in() -> Self {
        let (value_sets, _) = ValueSets::compile(&crate::fhir::built_in_value_sets());
        compile(&built_in_protocols(), &[], Arc::new(value_sets)).0
    }

    pub fn protocols(&self) -> &[Protocol] {
        &self.protocols
    }

    pub fn protocol(&self, name: &str) -> Option<&Protocol> {
        self.protocols.iter().find(|protocol| protocol.name == name)
    }

    /// How many attempts to reach the patient a Task tells of, and how many its rule asks for; none where it counts none.
    pub fn attempts_of(&self, task: &Stored) -> Option<(usize, usize)> {
        let work = Work::read(task)?;
        let rule = self.protocol(&work.protocol)?.tasks.iter().find(|rule| rule.id == work.rule)?;
        Some((documented_in(&task.resource), rule.attempts?))
    }

    /// The set with one protocol alone.
    pub fn only(&self, name: &str) -> Self {
        let protocols = self.protocols.iter().filter(|protocol| protocol.name == name).cloned().collect();
        Self { protocols, generation: next(), ..self.clone() }
    }

    /// The set with the protocol of one file alone, and every fault of that file; none where nothing of it can be used.
    pub fn with_file(&self, source: &Source) -> (Option<Self>, Vec<Problem>) {
        let mut problems = Vec::new();
        let read = read_protocol(source, &self.value_sets, &mut problems);
        let alone = read.map(|protocol| Self { protocols: vec![protocol], generation: next(), ..self.clone() });
        (alone, problems)
    }

    /// Labels what each rule makes by what the rule itself is about.
    #[must_use]
    pub fn implying(mut self, labels_of: LabelsOf<'_>) -> Self {
        self.implied = self.protocols.iter().flat_map(|protocol| implied_by(protocol, labels_of)).collect();
        self
    }

    pub(super) fn implied(&self, protocol: &str, rule: &str) -> &[Value] {
        self.implied.get(&key(protocol, rule, "")).map(Vec::as_slice).unwrap_or_default()
    }

    /// Some rule asks for a class of medicines.
    pub(super) fn asks_medicines(&self) -> bool {
        let of = |who: &Who| who.medication.as_ref().is_some_and(|codes| !codes.value_sets.is_empty());
        self.protocols().iter().any(|protocol| {
            let tasks = protocol.tasks.iter().map(|rule| &rule.who);
            let others =
                protocol.prompts.iter().map(|rule| &rule.who).chain(protocol.alerts.iter().map(|rule| &rule.who));
            let by_trigger = protocol
                .tasks
                .iter()
                .any(|rule| matches!(&rule.when, Trigger::Medication { codes, .. } if !codes.value_sets.is_empty()));
            by_trigger || [&protocol.who].into_iter().chain(tasks).chain(others).any(of)
        })
    }

    /// A number by which answers of another set are told from those of this one.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        self.calendars.get(name)
    }

    pub fn calendar_names(&self) -> impl Iterator<Item = &str> {
        self.calendars.keys().map(String::as_str)
    }

    pub fn value_sets(&self) -> &ValueSets {
        &self.value_sets
    }

    /// Every protocol with its rules, for people.
    pub fn list(&self) -> Vec<Listed> {
        self.protocols.iter().map(list_one).collect()
    }
}

fn list_one(protocol: &Protocol) -> Listed {
    let plan = protocol.plan.iter().map(|plan| ("plan".to_string(), plan.mark.line));
    let prompts = protocol.prompts.iter().map(|prompt| (format!("prompt {}", prompt.id), prompt.mark.line));
    let tasks = protocol.tasks.iter().map(|task| (format!("task {}", task.id), task.mark.line));
    let alerts = protocol.alerts.iter().map(|alert| (format!("alert {}", alert.id), alert.mark.line));
    Listed {
        name: protocol.name.clone(),
        title: protocol.title.clone(),
        source: protocol.source.clone(),
        file: protocol.mark.file.to_string(),
        rules: plan.chain(prompts).chain(tasks).chain(alerts).collect(),
        examples: protocol.examples.len(),
    }
}
