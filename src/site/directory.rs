//! `authorities` of a feed and what refers to them: which systems the names of assigning authorities stand for, and which of
//! them say who a patient is. A name that is wrong is told once, and not where the names themselves could not be read.

use std::collections::{BTreeMap, BTreeSet};

use super::scalar;
use crate::mapping::Authorities;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node, nearest};

/// Systems of identifiers that name no authority: the key in the file, and the word that mappings ask with.
const DEFAULTS: [(&str, &str); 3] =
    [("default_patient", "patient"), ("default_visit", "visit"), ("default_practitioner", "practitioner")];

/// A feed's assigning authorities, as far as they could be read.
#[derive(Default)]
pub struct Directory {
    pub authorities: Authorities,
    /// Whether all names are known; else a name that is not there may be one that could not be read.
    knows_names: bool,
    /// Whether nothing under `authorities` was wrong.
    is_sound: bool,
    /// Names that were told to be no authority.
    told: BTreeSet<String>,
}

impl Directory {
    /// Takes the key `authorities`.
    pub fn read(feed: &mut Fields<'_>, problems: &mut Vec<Problem>) -> Self {
        let Some(node) = feed.required("authorities") else { return Self::default() };
        let before = problems.len();
        let mut fields = Fields::of(node, "authorities");
        let names = fields.optional("namespaces");
        let is_misspelt = names.is_none() && fields.is_misspelt("namespaces");
        let has_form = node.as_map().is_some() && names.is_none_or(|names| names.as_map().is_some());
        let mut directory = Self { knows_names: has_form && !is_misspelt, ..Self::default() };
        for (key, value) in names.and_then(Node::as_map).unwrap_or_default() {
            // A namespace whose system has a fault is still a namespace, so that its uses are not faults as well.
            let system = scalar::keep(&mut fields, scalar::system(value));
            let system = system.or_else(|| value.as_text()).unwrap_or_default();
            directory.authorities.namespaces.insert(key.as_text().unwrap_or_default(), system);
        }
        if let Some(node) = names.filter(|node| node.as_map().is_none()) {
            fields.report(node.problem("`namespaces` is written as `NAMESPACE: system` lines"));
        }
        for (key, word) in DEFAULTS {
            let Some(node) = fields.optional(key) else { continue };
            let system = directory.system(node, &mut fields);
            directory.authorities.defaults.extend(system.map(|system| (word.to_string(), system)));
        }
        fields.finish(problems);
        directory.is_sound = problems.len() == before;
        directory
    }

    /// A system written out, or the namespace it stands for; faults go to `fields`.
    pub fn system(&mut self, node: &Node, fields: &mut Fields<'_>) -> Option<String> {
        let written = scalar::keep(fields, scalar::text(node))?;
        if let Some(system) = self.authorities.namespaces.get(&written) {
            return Some(system.clone());
        }
        if scalar::check_system(&written).is_ok() {
            return Some(written);
        }
        if self.knows_names && !self.told.contains(&written) {
            let names = self.authorities.namespaces.keys().map(String::as_str);
            let hint = nearest(&written, names).map_or_else(
                || "it is neither one of this feed's namespaces nor an absolute URI".to_string(),
                |near| format!("did you mean `{near}`?"),
            );
            let text = format!("`{written}` is no assigning authority of this feed; {hint}");
            fields.report(node.mark.problem(Category::NotFound, text));
            self.told.insert(written);
        }
        None
    }

    /// Takes the key `identified_by`: the systems that say who a patient is, the best first.
    pub fn identified_by(&mut self, fields: &mut Fields<'_>) -> Vec<String> {
        let nodes = fields.list("identified_by");
        let mut systems = Vec::new();
        for node in &nodes {
            let Some(system) = self.system(node, fields) else { continue };
            let Authorities { namespaces, defaults } = &self.authorities;
            if self.knows_names && !namespaces.values().chain(defaults.values()).any(|known| *known == system) {
                let text =
                    format!("nothing under `authorities` leads to `{system}`, so no message could ever carry it");
                fields.report(node.mark.problem(Category::NotFound, text));
            }
            systems.push(system);
        }
        // Left out, the patient's default system says who somebody is.
        if systems.is_empty() {
            systems.extend(self.authorities.defaults.get("patient").cloned());
        }
        // What is wrong under `authorities` may be the very default that is missing here.
        if systems.is_empty() && nodes.is_empty() && self.is_sound {
            let place = fields.optional("identified_by").unwrap_or_else(|| fields.node());
            let text =
                "`identified_by` is missing here: say which of the authorities' identifiers tell who a patient is";
            fields.lacking(&["identified_by"], place.mark.problem(Category::Required, text));
        }
        systems
    }
}

/// What the feeds call assigning authorities, as far as their files could be read: a roster that uses such a name is not
/// wrong because the feed is.
#[derive(Default)]
pub struct CalledSo {
    names: BTreeSet<String>,
    /// A feed's file, or what it says of authorities, could not be read.
    is_unsure: bool,
}

impl CalledSo {
    /// Adds what a feed's file says; none where it could not be read.
    pub fn add(&mut self, feed: Option<&Node>) {
        let authorities = feed.and_then(|node| node.get("authorities"));
        let Some(entries) = authorities.and_then(Node::as_map) else {
            self.is_unsure = true;
            return;
        };
        let namespaces = authorities.and_then(|node| node.get("namespaces"));
        let names = namespaces.and_then(Node::as_map).unwrap_or_default();
        self.names.extend(names.iter().filter_map(|(key, _)| key.as_text()));
        // A name that a feed uses twice over is what it is called, though it be misspelt where it is defined.
        let mut used = BTreeSet::new();
        let defaults = entries.iter().map(|(_, value)| value);
        let lists = ["identified_by", "owns"].into_iter().filter_map(|key| feed.and_then(|node| node.get(key)));
        let listed = lists.flat_map(|node| node.as_list().unwrap_or(std::slice::from_ref(node)));
        for name in defaults.chain(listed).filter_map(Node::as_text) {
            if !used.insert(name.clone()) {
                self.names.insert(name);
            }
        }
    }

    pub fn may_hold(&self, name: &str) -> bool {
        self.is_unsure || self.names.contains(name)
    }
}

/// What the feeds together call their assigning authorities: name → systems. One name with two systems is ambiguous
/// outside its feed.
pub fn authorities<'f>(feeds: impl Iterator<Item = &'f super::Feed>) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, system) in feeds.flat_map(|feed| &feed.authorities.namespaces) {
        all.entry(name.clone()).or_default().insert(system.clone());
    }
    all
}
