//! Loads a site: reads every file of the folder, collects every fault of every file in one run, and checks the files
//! against each other. A site exists only when no fault is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::compiled;
use super::crosscheck::{self, Kind, Names, Reference};
use super::directory::{self, CalledSo};
use super::folder::{Document, Folder};
use super::listener::{self, Taken};
use super::masking::masked;
use super::misplaced::stem;
use super::{
    Certificate, Feed, NamedFiles, OpenIdLogin, Panel, Partner, Settings, Site, StaffMember, feeds, openid, ownership,
    panels, partners, people, roster, settings,
};
use crate::agreement::AgreementSet;
use crate::clock::{Clock, SystemClock};
use crate::fhir::ValueSets;
use crate::mapping::MapSet;
use crate::problem::{Category, Place, Problem};
use crate::profile::Profiles;
use crate::protocol::ProtocolSet;
use crate::yaml::{Mark, Source};

/// What reading a folder came to.
pub struct Loaded {
    /// None when any problem is an error.
    pub site: Option<Site>,
    /// In order of file and line; what they quote has its secrets covered.
    pub problems: Vec<Problem>,
    /// The files that were read, for showing the lines of problems.
    pub sources: Vec<Source>,
    /// The files beside the site's own that it names, also where it has errors: one of them may be what is wrong.
    pub named: NamedFiles,
}

/// Everything of a site that has been read so far.
#[derive(Default)]
struct Parts {
    settings: Option<Settings>,
    feeds: BTreeMap<String, Feed>,
    partners: BTreeMap<String, Partner>,
    partner_marks: BTreeMap<String, Mark>,
    panels: BTreeMap<String, Panel>,
    people: BTreeMap<String, StaffMember>,
    openid: Option<OpenIdLogin>,
    value_sets: Arc<ValueSets>,
    profiles: Option<Arc<Profiles>>,
    protocols: Option<ProtocolSet>,
    mappings: BTreeMap<String, Arc<MapSet>>,
    agreements: AgreementSet,
    called_so: CalledSo,
    taken: Vec<Taken>,
    references: Vec<Reference>,
    names: Names,
}

/// Reads and cross-checks the site in a folder. Touches no file but to read it, and opens no connection.
pub fn load(root: &Path) -> Loaded {
    load_with(root, BTreeMap::new())
}

/// The same, as if these files (relative to the folder) had these texts.
pub fn load_with(root: &Path, texts: BTreeMap<String, String>) -> Loaded {
    // Absolute, so that every path of the site stays right wherever it is joined to or used from.
    let root = &std::path::absolute(root).unwrap_or_else(|_| root.to_path_buf());
    let mut folder = Folder::open(root).with(texts);
    let mut parts = Parts::default();
    if folder.problems.is_empty() {
        read_parts(&mut folder, &mut parts);
        check_parts(&mut folder, &mut parts);
    }
    let Folder { mut problems, sources, certificates, named, .. } = folder;
    // Here rather than where they are shown: problems go to the log and over the control socket, too.
    problems.iter_mut().for_each(|problem| problem.text = masked(&problem.text));
    problems.sort_by(|left, right| in_order(left).cmp(&in_order(right)));
    problems.dedup();
    let complete = !problems.iter().any(Problem::is_error);
    let site = if complete { parts.into_site(root, certificates, named.clone()) } else { None };
    Loaded { site, problems, sources, named }
}

impl Parts {
    fn into_site(self, root: &Path, certificates: Vec<Certificate>, named: NamedFiles) -> Option<Site> {
        Some(Site {
            folder: root.to_path_buf(),
            settings: self.settings?,
            feeds: self.feeds,
            partners: self.partners,
            panels: self.panels,
            people: self.people,
            openid: self.openid,
            value_sets: self.value_sets,
            profiles: self.profiles?,
            mappings: self.mappings,
            protocols: self.protocols?,
            agreements: self.agreements,
            certificates,
            named_files: named,
            read_at: SystemClock.now(),
        })
    }
}

/// Settings first, then folder by folder; what has no place in a file comes before all.
fn in_order(problem: &Problem) -> (Option<(bool, &str)>, u32, u32) {
    match &problem.place {
        Place::File(mark) => (Some((mark.file.contains('/'), &mark.file)), mark.line, mark.column),
        _ => (None, 0, 0),
    }
}

fn read_parts(folder: &mut Folder, parts: &mut Parts) {
    if folder.has("handover.yaml") {
        let document = folder.document("handover.yaml");
        parts.settings = document.and_then(|document| settings::read(&document, folder, &mut parts.taken));
    } else {
        let text = "there is no handover.yaml in this folder; `handover init DIR` writes a site to start from";
        folder.fault(Category::NotFound, "handover.yaml", text);
    }
    let profiles = Arc::new(compiled::profiles(folder));
    let mut feed_marks = BTreeMap::new();
    for file in folder.yaml_in("feeds") {
        let document = folder.document(&file);
        parts.called_so.add(document.as_ref().map(|document| &document.node));
        let Some(document) = document else { continue };
        feed_marks.insert(document.name.clone(), document.node.mark.clone());
        if let Some(feed) = feeds::read(&document, folder, &mut parts.taken, &profiles) {
            parts.feeds.insert(document.name, feed);
        }
    }
    folder.problems.extend(ownership::settle(&mut parts.feeds, &feed_marks));
    for document in documents(folder, "partners") {
        parts.partner_marks.insert(document.name.clone(), document.node.mark.clone());
        parts.partners.insert(document.name.clone(), partners::read(&document, folder));
    }
    for document in documents(folder, "panels") {
        if let Some(panel) = panels::read(&document, folder, &mut parts.references) {
            parts.panels.insert(document.name, panel);
        }
    }
    parts.people = people::read(folder, &mut parts.references);
    parts.openid = openid::read(folder, &mut parts.references, &parts.people);
    parts.value_sets = Arc::new(compiled::value_sets(folder));
    parts.profiles = Some(profiles);
    let protocols = compiled::protocols(folder, &parts.value_sets);
    protocols.calendar_names().for_each(|name| parts.names.add(Kind::Calendar, name));
    parts.protocols = Some(protocols);
    add_names(folder, &mut parts.names);
    let feeds: Vec<String> = folder.yaml_in("feeds").iter().map(|file| stem(file).to_string()).collect();
    parts.mappings = compiled::mappings(folder, feeds.iter().map(String::as_str));
    parts.agreements = compiled::agreements(folder, &parts.names, &parts.value_sets);
}

/// Files have their names though they have faults, and though they lie in another folder.
fn add_names(folder: &Folder, names: &mut Names) {
    for (kind, place) in [(Kind::Partner, "partners"), (Kind::Panel, "panels"), (Kind::Calendar, "calendars")] {
        folder.yaml_in(place).iter().for_each(|file| names.add(kind, stem(file)));
        let elsewhere = folder.misplaced.iter().filter(|(belongs, _)| *belongs == place);
        elsewhere.for_each(|(_, name)| names.add(kind, name.as_str()));
    }
}

fn documents(folder: &mut Folder, place: &str) -> Vec<Document> {
    folder.yaml_in(place).iter().filter_map(|file| folder.document(file)).collect()
}

fn check_parts(folder: &mut Folder, parts: &mut Parts) {
    let Parts { references, names, taken, partners, partner_marks, .. } = parts;
    folder.problems.extend(names.check(references));
    folder.problems.extend(listener::check_shared(taken));
    folder.problems.extend(crosscheck::check_clients(partners, partner_marks));
    check_rosters(folder, parts);
    if let Some(settings) = &parts.settings {
        let keys = std::mem::take(&mut folder.keys);
        folder.problems.extend(keys.iter().filter_map(|(mark, key)| key_in_data(mark, key, &settings.data)));
        // Settings with a mistake may have lost just the line that would say so.
        let whole = !folder.problems.iter().any(Problem::is_error);
        let fault = parts.openid.as_ref().filter(|_| whole).and_then(|_| openid::no_way_back(settings));
        fault.into_iter().for_each(|text| folder.fault(Category::Security, "handover.yaml", text));
    }
    if let Some(protocols) = &parts.protocols {
        folder.problems.extend(protocols.oddities(&sent(parts)));
    }
    let unread = folder.unread();
    folder.problems.extend(unread);
}

/// The types of resources that the site's feeds bring and its partners may send.
fn sent(parts: &Parts) -> BTreeSet<String> {
    let mut sent = BTreeSet::new();
    for feed in parts.feeds.values() {
        let takes = |code: &str, event: &str| feed.takes(code, event);
        let maps = parts.mappings.get(&feed.name);
        sent.extend(maps.into_iter().flat_map(|maps| maps.brings(takes)).map(String::from));
    }
    for (what, _) in parts.agreements.agreements().iter().flat_map(|agreement| &agreement.sends) {
        sent.extend(what.split('.').next().map(String::from));
    }
    sent
}

/// Copies and backups of a data folder travel; where a private key lies in it, nobody else may read it at least.
fn key_in_data(mark: &Mark, key: &Path, data: &Path) -> Option<Problem> {
    let (key, data) = (key.canonicalize().ok()?, data.canonicalize().ok()?);
    let mode = std::fs::metadata(&key).ok()?.permissions().mode();
    (key.starts_with(data) && mode & 0o077 != 0).then(|| {
        let text =
            "this private key lies in the data folder, and other users may read it; put it elsewhere, with mode 0600";
        mark.problem(Category::Security, text)
    })
}

/// Reads the rosters that panels name, so that their faults show before the gateway starts. The members themselves are
/// read again when they are imported.
fn check_rosters(folder: &mut Folder, parts: &Parts) {
    let authorities = directory::authorities(parts.feeds.values());
    let is_unsure = folder.misplaced.iter().any(|(belongs, _)| *belongs == "feeds");
    let systems_of = |name: &str| match authorities.get(name) {
        Some(systems) => systems.iter().cloned().collect(),
        // The feed that knows it has faults of its own, and they are told; what it stands for is no matter here.
        None if is_unsure || parts.called_so.may_hold(name) => vec![name.to_string()],
        None => Vec::new(),
    };
    for panel in parts.panels.values() {
        let Some(file) = &panel.members else { continue };
        folder.named.add(folder.root().join(file));
        match folder.data(file) {
            Ok(bytes) => folder.problems.extend(roster::read(panel, file, &bytes, &systems_of).problems),
            Err(text) => folder.fault(Category::Structure, file, text),
        }
    }
}
