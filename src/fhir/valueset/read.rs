//! A value set's file: every fault with its place, and the nearest name that would have been right.

use super::rule::{Codes, Intent, Rule, Span};
use super::set::ValueSet;
use super::words::Words;
use crate::fhir::systems::{SYSTEMS, code_system, comparable};
use crate::fhir::terminology::check_written_code;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Kind, Node, Source, nearest};

pub(super) fn read_set(node: &Node, source: &Source, problems: &mut Vec<Problem>) -> Option<ValueSet> {
    let mut fields = Fields::of(node, "a value set");
    let name = fields.required_text("valueset");
    let title = fields.required_text("title").unwrap_or_default();
    fields.required("include");
    let include = read_rules(fields.list("include"), problems);
    let exclude = read_rules(fields.list("exclude"), problems);
    let words = Words::read(&mut fields);
    fields.finish(problems);
    Some(ValueSet { name: name?, title, include, exclude, words, source: source.clone() })
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
    let codes = fields.list("codes");
    let under = fields.list("under");
    if codes.is_empty() && under.is_empty() {
        let text = "list `codes`, or with `under` the codes to take with all below";
        fields.lacking(&["codes", "under"], node.mark.problem(Category::Required, text));
    }
    let codes = read_codes(codes, &systems, problems);
    if let (Some(first), Some(flat)) = (under.first(), systems.iter().find(|system| !is_prefix_tree(system))) {
        let text =
            format!("`under` works where longer codes stand below shorter ones (ICD), not in {flat}; list `codes`");
        fields.report(first.problem(text));
    }
    let under = read_spans(under, &systems, problems);
    let intents = fields.list("intent").into_iter().filter_map(|node| read_intent(node, &under, problems)).collect();
    fields.finish(problems);
    Some(Rule::Codes(Codes { systems, under, codes: codes.into_iter().collect(), intents }))
}

/// `T40`, or a range of equally long beginnings: `X71-X83`.
fn read_spans(nodes: Vec<&Node>, systems: &[String], problems: &mut Vec<Problem>) -> Vec<Span> {
    let system = systems.first().map(String::as_str).unwrap_or_default();
    let mut spans = Vec::new();
    for node in nodes {
        let text = node.as_text().filter(|_| !matches!(node.kind, Kind::Float(_))).unwrap_or_default();
        let Some((first, last)) = text.split_once('-') else {
            let alone = read_codes(vec![node], systems, problems);
            spans.extend(alone.into_iter().map(|code| Span { first: code.clone(), last: code }));
            continue;
        };
        let span = Span { first: comparable(system, first), last: comparable(system, last) };
        if span.first.len() != span.last.len() || span.first >= span.last {
            let text = format!("`{text}` is no range: both ends are equally long, the smaller first, as in X71-X83");
            problems.push(node.problem(text));
        }
        spans.push(span);
    }
    spans
}

fn read_intent(node: &Node, under: &[Span], problems: &mut Vec<Problem>) -> Option<Intent> {
    let text = node.as_text().unwrap_or_default();
    let found = Intent::WORDS.iter().find(|(word, _)| *word == text).map(|(_, intent)| *intent);
    if found.is_none() {
        let words = Intent::WORDS.map(|(word, _)| word);
        let hint = nearest(&text, words).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        problems.push(node.problem(format!("`{text}` is no intent: {}{hint}", words.join(", "))));
    }
    if under.is_empty() || !under.iter().all(Span::says_intent) {
        problems
            .push(node.problem("only the codes under T36-T65 and T71 say an intent; name none but those beside it"));
    }
    found
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
