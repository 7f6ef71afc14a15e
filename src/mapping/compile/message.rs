//! `messages/*.yaml`: which events, which maps on which segments, and what a merge joins. `like:` takes another file's
//! maps over and changes only what it names.

use std::collections::BTreeMap;

use super::element::Compiler;
use super::example;
use super::map::name_agrees;
use super::names::Names;
use crate::mapping::language::{MapKind, MergeRule, MessageMap, SourcePath, Template, Use};
use crate::mapping::layers::{Document, lay_file};
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Kind, Node, nearest};

/// `like:` may go this far.
const MAX_LIKE: usize = 4;

/// A message's file with what it is like laid below it.
pub fn resolve(document: &Document, all: &BTreeMap<String, Document>, problems: &mut Vec<Problem>) -> Node {
    let mut chain = vec![document.node.clone()];
    while let Some(like) = chain.last().and_then(|node| node.get("like")).cloned() {
        let name = like.as_text().unwrap_or_default();
        let Some(other) = all.get(&name) else {
            let hint = nearest(&name, all.keys().map(String::as_str))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            problems.push(like.mark.problem(Category::NotFound, format!("there is no message `{name}`{hint}")));
            break;
        };
        if chain.len() > MAX_LIKE {
            problems.push(like.mark.problem(Category::BusinessRule, "`like` goes round or too far"));
            break;
        }
        chain.push(other.node.clone());
    }
    let mut laid = chain.pop().unwrap_or_else(|| document.node.clone());
    while let Some(above) = chain.pop() {
        laid = lay_file(inheritable(laid), above);
    }
    Node { mark: document.node.mark.clone(), kind: laid.kind }
}

/// Names, events and examples are a file's own.
fn inheritable(node: Node) -> Node {
    let Kind::Map(entries) = node.kind else { return node };
    let own = ["message", "events", "examples", "like", "title"];
    let kept = entries.into_iter().filter(|(key, _)| !own.contains(&key.as_text().unwrap_or_default().as_str()));
    Node { mark: node.mark, kind: Kind::Map(kept.collect()) }
}

/// Compiles a resolved message file.
pub fn compile(name: &str, node: &Node, names: &Names, problems: &mut Vec<Problem>) -> MessageMap {
    let mut fields = Fields::of(node, "a message");
    name_agrees(&mut fields, "message", name);
    fields.text("title");
    fields.text("like");
    let events = fields.list("events").into_iter().filter_map(|node| event(node, &mut fields)).collect();
    let (resources, merge, labels) =
        (fields.required("resources"), fields.optional("merge"), fields.optional("labels"));
    let bookkeeping = fields.list("bookkeeping");
    let examples = example::compile(fields.optional("examples"), problems);
    fields.finish(problems);
    let mut compiler = Compiler { names, datatype: None, leaves: Vec::new(), problems };
    let uses = compiler.uses(resources);
    let merge = merge.and_then(|node| compiler.merge(node));
    let labels = labels.map(|node| compiler.labels(node));
    let bookkeeping = bookkeeping.into_iter().filter_map(|node| compiler.path(node)).collect();
    MessageMap { name: name.to_string(), events, uses, merge, labels, bookkeeping, examples }
}

fn event(node: &Node, fields: &mut Fields<'_>) -> Option<(String, String)> {
    let text = node.as_text().unwrap_or_default();
    match text.split_once('^') {
        Some((code, trigger)) if code.len() == 3 && trigger.len() == 3 => Some((code.to_string(), trigger.to_string())),
        _ => {
            fields.report(node.mark.problem(Category::Value, "write an event as MSH-9 does: `ADT^A01`"));
            None
        }
    }
}

impl Compiler<'_> {
    fn uses(&mut self, resources: Option<&Node>) -> Vec<Use> {
        let entries = resources.and_then(Node::as_map).unwrap_or_default();
        entries.iter().filter_map(|(key, value)| self.one_use(key, value)).collect()
    }

    fn one_use(&mut self, key: &Node, value: &Node) -> Option<Use> {
        let header = self.names.map(key, self.problems)?.clone();
        let mut fields = Fields::of(value, "the use of a map");
        let (from, into, when) = (fields.optional("from"), fields.optional("into"), fields.optional("when"));
        fields.finish(self.problems);
        let MapKind::Segment(segment) = &header.kind else {
            self.report(key, Category::Structure, "a message uses maps of segments; this one reads a datatype");
            return None;
        };
        let from = match from {
            Some(node) => self.path(node)?,
            None => SourcePath::parse(segment, None).ok()?,
        };
        if from.segment() != Some(segment) || from.field != 0 {
            self.report(value, Category::Value, format!("this map reads the segment {segment}; `from` must end in it"));
            return None;
        }
        let into = match into {
            None => None,
            Some(node) => {
                let target = self.names.map(node, self.problems)?.clone();
                if target.type_name != header.type_name {
                    let text = format!("a {} cannot be added to a {}", header.type_name, target.type_name);
                    self.report(node, Category::Value, text);
                }
                Some(target.index)
            }
        };
        Some(Use { map: header.index, from, into, when: self.when(when) })
    }

    fn labels(&mut self, node: &Node) -> Template {
        let key = Node { mark: node.mark.clone(), kind: Kind::Text("security".to_string()) };
        let meta = Node { mark: node.mark.clone(), kind: Kind::Map(vec![(key, node.clone())]) };
        self.template(&meta, "Meta", &[])
    }

    fn merge(&mut self, node: &Node) -> Option<MergeRule> {
        let mut fields = Fields::of(node, "a merge");
        let parts = (fields.required("surviving"), fields.required("prior"), fields.required("as"));
        fields.finish(self.problems);
        let (surviving, prior, map) = (parts.0?, parts.1?, parts.2?);
        let header = self.names.map(map, self.problems)?.clone();
        if header.type_name != "Identifier" {
            self.report(map, Category::Value, "a merge joins identifiers; this map gives something else");
            return None;
        }
        Some(MergeRule { surviving: self.path(surviving)?, prior: self.path(prior)?, map: header.index })
    }
}
