//! Our own value sets (`profiles/valuesets/*.yaml`): groups of codes that protocols, agreements and labels name.
//! Codes are listed or, in systems that are prefix trees, taken with all below them. Never asks a terminology server.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use rust_embed::RustEmbed;

use super::systems::{SYSTEMS, code_system, comparable};
use super::terminology::check_written_code;
use crate::problem::{Category, Problem};
use crate::yaml::{self, Fields, Kind, Node, Source, nearest};

#[derive(RustEmbed)]
#[folder = "profiles/valuesets"]
struct Files;

/// All value sets of a site, by name.
#[derive(Debug, Default)]
pub struct ValueSets {
    sets: BTreeMap<String, ValueSet>,
}

/// One named set of codes.
#[derive(Debug)]
pub struct ValueSet {
    pub name: String,
    pub title: String,
    include: Vec<Rule>,
    exclude: Vec<Rule>,
    source: Source,
}

/// Some codes: of systems by prefix and by list, or all of another set.
#[derive(Debug)]
enum Rule {
    Codes { systems: Vec<String>, prefixes: Vec<String>, codes: HashSet<String> },
    Set { name: String, node: Node },
}

static BUILT_IN: LazyLock<ValueSets> = LazyLock::new(|| ValueSets::compile(&built_in_value_sets()).0);

/// The files of the value sets that are compiled in.
pub fn built_in_value_sets() -> Vec<Source> {
    let files = Files::iter().filter(|name| name.ends_with(".yaml"));
    let mut sources: Vec<Source> = files
        .filter_map(|name| {
            let file = Files::get(&name)?;
            let text = String::from_utf8_lossy(&file.data).into_owned();
            Some(Source::new(format!("built-in:profiles/valuesets/{name}"), text))
        })
        .collect();
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    sources
}

impl ValueSets {
    /// The value sets that are compiled in.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads files in order: a site's set replaces the built-in one of the same name. Yields what can be used and every
    /// fault of every file.
    pub fn compile(sources: &[Source]) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut sets: BTreeMap<String, ValueSet> = BTreeMap::new();
        for source in sources {
            let node = match yaml::parse(source) {
                Ok(node) => node,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let Some(set) = read_set(&node, source, &mut problems) else { continue };
            if let Some(former) = sets.get(&set.name).filter(|former| !former.source.name.starts_with("built-in:")) {
                let text = format!(
                    "`{}` is already defined in {}; give one of them another name",
                    set.name, former.source.name
                );
                problems.push(node.mark.problem(Category::Duplicate, text));
            }
            sets.insert(set.name.clone(), set);
        }
        let value_sets = Self { sets };
        value_sets.check_references(&mut problems);
        (value_sets, problems)
    }

    fn check_references(&self, problems: &mut Vec<Problem>) {
        for set in self.sets.values() {
            for rule in set.include.iter().chain(&set.exclude) {
                let Rule::Set { name, node } = rule else { continue };
                if !self.sets.contains_key(name) {
                    let hint = nearest(name, self.names()).map(|near| format!("; did you mean `{near}`?"));
                    let text = format!("there is no value set `{name}`{}", hint.unwrap_or_default());
                    problems.push(node.mark.problem(Category::NotFound, text));
                } else if self.reaches(name, &set.name, &mut Vec::new()) {
                    problems.push(
                        node.problem(format!("`{name}` itself includes `{}`; a set cannot include itself", set.name)),
                    );
                }
            }
        }
    }

    fn reaches<'a>(&'a self, from: &'a str, target: &str, seen: &mut Vec<&'a str>) -> bool {
        if from == target {
            return true;
        }
        if seen.contains(&from) {
            return false;
        }
        seen.push(from);
        let Some(set) = self.sets.get(from) else { return false };
        set.include.iter().chain(&set.exclude).any(|rule| match rule {
            Rule::Set { name, .. } => self.reaches(name, target, seen),
            Rule::Codes { .. } => false,
        })
    }

    /// Whether a set holds a code. The system may be given by any name it goes by, or be `*` for "whichever system the
    /// set names"; a code without a system is in no set, and an unknown set holds nothing.
    pub fn contains(&self, name: &str, system: &str, code: &str) -> bool {
        self.holds(name, system, code, 0)
    }

    fn holds(&self, name: &str, system: &str, code: &str, depth: u32) -> bool {
        let Some(set) = self.sets.get(name).filter(|_| depth < 16) else { return false };
        let any = |rules: &[Rule]| rules.iter().any(|rule| self.matches(rule, system, code, depth));
        any(&set.include) && !any(&set.exclude)
    }

    fn matches(&self, rule: &Rule, system: &str, code: &str, depth: u32) -> bool {
        match rule {
            Rule::Set { name, .. } => self.holds(name, system, code, depth + 1),
            Rule::Codes { systems, prefixes, codes } => {
                let url = match system {
                    "*" => systems.first().map(String::as_str).unwrap_or_default(),
                    _ => super::systems::canonical_system(system),
                };
                let compared = comparable(url, code);
                systems.iter().any(|own| own == url)
                    && (codes.contains(&compared) || prefixes.iter().any(|prefix| compared.starts_with(prefix)))
            }
        }
    }

    /// Whether a set holds any of the codings `(system, code)`, as `Resource::codings` gives them.
    pub fn contains_any(&self, name: &str, codings: &[(&str, &str)]) -> bool {
        codings.iter().any(|(system, code)| self.contains(name, system, code))
    }

    /// Which of the sets that `name` includes directly hold a code: the groups by which "two or more conditions" counts.
    pub fn groups<'a>(&'a self, name: &str, system: &str, code: &str) -> Vec<&'a str> {
        let rules = self.sets.get(name).map(|set| set.include.as_slice()).unwrap_or_default();
        let named = rules.iter().filter_map(|rule| match rule {
            Rule::Set { name, .. } => Some(name.as_str()),
            Rule::Codes { .. } => None,
        });
        named.filter(|group| self.contains(group, system, code)).collect()
    }

    /// For `Context::knowing`: whether a set holds a code, none for a set that does not exist.
    pub fn membership(&self, name: &str, system: &str, code: &str) -> Option<bool> {
        self.sets.contains_key(name).then(|| self.contains(name, system, code))
    }

    pub fn get(&self, name: &str) -> Option<&ValueSet> {
        self.sets.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sets.keys().map(String::as_str)
    }
}

impl ValueSet {
    /// The file it was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

fn read_set(node: &Node, source: &Source, problems: &mut Vec<Problem>) -> Option<ValueSet> {
    let mut fields = Fields::of(node, "a value set");
    let name = fields.required_text("valueset");
    let title = fields.required_text("title").unwrap_or_default();
    fields.required("include");
    let include = read_rules(fields.list("include"), problems);
    let exclude = read_rules(fields.list("exclude"), problems);
    fields.finish(problems);
    Some(ValueSet { name: name?, title, include, exclude, source: source.clone() })
}

fn read_rules(nodes: Vec<&Node>, problems: &mut Vec<Problem>) -> Vec<Rule> {
    nodes.into_iter().filter_map(|node| read_rule(node, problems)).collect()
}

fn read_rule(node: &Node, problems: &mut Vec<Problem>) -> Option<Rule> {
    let mut fields = Fields::of(node, "a group of codes");
    if let Some(named) = fields.optional("valueset") {
        let name = named.as_text();
        if name.is_none() {
            fields.report(named.problem("`valueset` is the name of another value set"));
        }
        fields.finish(problems);
        return name.map(|name| Rule::Set { name, node: named.clone() });
    }
    fields.required("system");
    let systems: Vec<String> =
        fields.list("system").into_iter().filter_map(|system| read_system(system, problems)).collect();
    let codes = read_codes(fields.list("codes"), &systems, problems);
    let under = fields.list("under");
    if let (Some(first), Some(flat)) = (under.first(), systems.iter().find(|system| !is_prefix_tree(system))) {
        let text =
            format!("`under` works where longer codes stand below shorter ones (ICD), not in {flat}; list `codes`");
        fields.report(first.problem(text));
    }
    let prefixes = read_codes(under, &systems, problems);
    if codes.is_empty() && prefixes.is_empty() {
        fields.report(
            node.mark.problem(Category::Required, "list `codes`, or with `under` the codes to take with all below"),
        );
    }
    fields.finish(problems);
    Some(Rule::Codes { systems, prefixes, codes: codes.into_iter().collect() })
}

fn is_prefix_tree(url: &str) -> bool {
    code_system(url).is_some_and(|system| system.is_prefix_tree)
}

fn read_system(node: &Node, problems: &mut Vec<Problem>) -> Option<String> {
    let name = node.as_text().unwrap_or_default();
    if let Some(system) = code_system(&name) {
        return Some(system.url.to_string());
    }
    if name.contains("://") || name.starts_with("urn:") {
        return Some(name);
    }
    let hint = nearest(&name, SYSTEMS.iter().map(|system| system.name));
    let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    problems
        .push(node.mark.problem(Category::NotFound, format!("no code system is named `{name}`{hint}; a URL does too")));
    None
}

fn read_codes(nodes: Vec<&Node>, systems: &[String], problems: &mut Vec<Problem>) -> Vec<String> {
    let system = systems.first().map(String::as_str).unwrap_or_default();
    let mut codes = Vec::new();
    for node in nodes {
        match (&node.kind, node.as_text()) {
            (Kind::Float(_), _) => {
                problems.push(node.problem("write this code in quotes; as a number it loses its zeros"))
            }
            (_, Some(code)) => {
                problems.extend(check_written_code(system, &code, &node.mark));
                codes.push(comparable(system, &code));
            }
            (_, None) => problems.push(node.problem(format!("a code is text; this is {}", node.kind_name()))),
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_value_sets_have_no_fault() {
        let (sets, problems) = ValueSets::compile(&built_in_value_sets());
        assert_eq!(problems, []);
        assert!(sets.names().count() > 20);
    }

    #[test]
    fn copd_is_known_as_real_records_code_it() {
        let sets = ValueSets::built_in();
        let icd = "http://hl7.org/fhir/sid/icd-10-cm";
        for (system, code) in [
            (icd, "J44"),
            (icd, "J44.1"),
            (icd, "J441"),
            ("I10C", "j44.9"),
            ("urn:oid:2.16.840.1.113883.6.90", "J44.0"),
            ("icd9cm", "491.21"),
            ("http://hl7.org/fhir/sid/icd-9-cm", "496"),
            ("http://snomed.info/sct", "13645005"),
            ("http://snomed.info/sct", "185086009"),
            ("http://snomed.info/sct", "87433001"),
        ] {
            assert!(sets.contains("copd", system, code), "{system} {code}");
        }
        for (system, code) in [(icd, "J43.9"), (icd, "J4"), ("loinc", "J44.1"), ("icd9cm", "490"), ("icd9cm", "494.0")]
        {
            assert!(!sets.contains("copd", system, code), "{system} {code}");
        }
        assert!(sets.contains("emphysema", icd, "J43.9"));
    }

    #[test]
    fn conditions_are_counted_by_group() {
        let sets = ValueSets::built_in();
        let group = |code| sets.groups("high-risk-chronic-conditions", "icd10cm", code);
        assert_eq!(group("J44.1"), ["chronic-lung-disease"]);
        assert_eq!(group("J45.909"), ["chronic-lung-disease"]);
        assert_eq!(group("I13.0"), ["chronic-kidney-disease", "heart-failure"]);
        assert_eq!(group("S93.4"), Vec::<&str>::new());
    }

    #[test]
    fn exclusions_and_near_misses_stay_out() {
        let sets = ValueSets::built_in();
        assert!(!sets.contains("substance-use", "icd9cm", "305.1"));
        assert!(!sets.contains("substance-use", "icd10cm", "F17.210"));
        assert!(sets.contains("substance-use", "icd10cm", "F10.129"));
        assert!(!sets.contains("depression", "icd10cm", "F32.81"));
        assert!(!sets.contains("oxygen-saturation", "loinc", "8310-5"));
        assert!(sets.contains("oxygen-saturation", "LN", "2708-6"));
        assert!(sets.contains("sensitive-hiv", "icd10cm", "Z21"));
        assert!(sets.contains("emergency-encounter", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "EMER"));
    }

    #[test]
    fn a_site_replaces_a_built_in_set_by_name() {
        let mut sources = built_in_value_sets();
        sources.push(Source::new(
            "profiles/valuesets/copd.yaml",
            "valueset: copd\ntitle: Ours\ninclude: [{ system: icd10cm, under: [J44] }, { valueset: emphysema }]\n",
        ));
        let (sets, problems) = ValueSets::compile(&sources);
        assert_eq!(problems, []);
        assert!(sets.contains("copd", "icd10cm", "J43.9") && !sets.contains("copd", "snomed", "13645005"));
    }

    #[test]
    fn faults_of_a_set_are_told_with_place_and_nearest_name() {
        let text = "valueset: mine\ntitle: Mine\ninclude:\n  - { system: icd10mc, under: [J44] }\n  - { system: loinc, under: [8480] }\n  \
                    - { valueset: copdd }\n  - { system: icd9cm, codes: [492.0] }\n  - { valueset: mine }\n";
        let mut sources = built_in_value_sets();
        sources.push(Source::new("v.yaml", text));
        let (_, problems) = ValueSets::compile(&sources);
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 6, "{texts:#?}");
        assert!(texts[0].starts_with("v.yaml:4:") && texts[0].contains("did you mean `icd10cm`"), "{texts:#?}");
        assert!(texts.iter().any(|text| text.contains("did you mean `copd`")), "{texts:#?}");
        assert!(texts.iter().any(|text| text.contains("in quotes")), "{texts:#?}");
        assert!(texts.iter().any(|text| text.contains("cannot include itself")), "{texts:#?}");
    }
}
