//! Reads the reduced form of one type (profiles/README.md) into its definition and those of the elements with children.
//! The files are our own and compiled in: a line that cannot be read is left out, and a test reads them all.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::element::{Constraint, ElementDefinition, Kind, Position, TypeDefinition, TypeRef, join_choice};
use super::rule::{ElementRule, read_constraint};

/// A type and the anonymous types below it.
#[derive(Debug)]
pub(super) struct Family {
    pub root: TypeDefinition,
    pub parts: HashMap<String, TypeDefinition>,
}

/// Reads a file; `inherited` gives the elements of a base type.
pub(super) fn read<'d>(text: &str, inherited: &dyn Fn(&str) -> Option<&'d TypeDefinition>) -> Option<Family> {
    let mut lines = text.lines().peekable();
    let (name, kind, is_abstract, base) = read_head(lines.next()?)?;
    let mut constraints = Vec::new();
    while let Some(constraint) = lines.peek().and_then(|line| read_constraint(line)) {
        constraints.push(constraint);
        lines.next();
    }
    let mut elements: Vec<ElementDefinition> = Vec::new();
    for line in lines {
        match (read_constraint(line), elements.last_mut()) {
            (Some(constraint), Some(element)) => element.constraints.push(constraint),
            (None, _) => elements.extend(read_element(line, name)),
            (Some(_), None) => {}
        }
    }
    let mut by_parent: HashMap<String, Vec<ElementDefinition>> = HashMap::new();
    let mut holders = HashMap::new();
    for element in elements {
        let parent = element.path.rsplit_once('.').map(|(parent, _)| parent.to_string()).unwrap_or_default();
        if let Some(content) = element.content.as_ref().filter(|content| **content == element.path) {
            let code = element.types.first().map(|kind| kind.code.clone()).unwrap_or_default();
            holders.insert(content.clone(), code);
        }
        by_parent.entry(parent).or_default().push(element);
    }
    let own = by_parent.remove(name).unwrap_or_default();
    let root = build(name, kind, is_abstract, base, constraints, own, inherited);
    let mut parts = HashMap::new();
    for (path, code) in holders {
        let own = by_parent.remove(&path).unwrap_or_default();
        let part = build(&path, Kind::Datatype, false, Some(&code), Vec::new(), own, inherited);
        parts.insert(path, part);
    }
    Some(Family { root, parts })
}

fn build<'d>(
    name: &str,
    kind: Kind,
    is_abstract: bool,
    base: Option<&str>,
    constraints: Vec<Constraint>,
    own: Vec<ElementDefinition>,
    inherited: &dyn Fn(&str) -> Option<&'d TypeDefinition>,
) -> TypeDefinition {
    let mut elements = base.and_then(inherited).map(|base| base.elements.clone()).unwrap_or_default();
    elements.extend(own);
    let mut choices = Vec::new();
    let mut names = HashMap::new();
    for (index, element) in elements.iter().enumerate() {
        names.insert(element.name.clone(), Position::Element(index));
        if element.is_choice {
            for kind in &element.types {
                let joined = join_choice(&element.name, &kind.code);
                names.insert(joined.clone(), Position::Choice(choices.len()));
                choices.push(ElementDefinition {
                    choice: Some(element.name.clone()),
                    name: joined,
                    types: vec![kind.clone()],
                    is_choice: false,
                    ..element.clone()
                });
            }
        }
    }
    let base = base.map(str::to_string);
    TypeDefinition { name: name.to_string(), kind, is_abstract, base, constraints, elements, choices, names }
}

fn read_head(line: &str) -> Option<(&str, Kind, bool, Option<&str>)> {
    let (is_abstract, line) = match line.strip_prefix("abstract ") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (head, base) = match line.split_once(" : ") {
        Some((head, base)) => (head, Some(base)),
        None => (line, None),
    };
    let (kind, name) = head.split_once(' ')?;
    let kind = match kind {
        "primitive" => Kind::Primitive,
        "datatype" => Kind::Datatype,
        "resource" => Kind::Resource,
        _ => return None,
    };
    Some((name, kind, is_abstract, base))
}

/// A type says of each of its elements at least how often it may stand and of what type it is.
fn read_element(line: &str, root: &str) -> Option<ElementDefinition> {
    let rule = ElementRule::read(line).ok()?;
    let path = format!("{root}.{}", rule.path);
    let last = path.rsplit_once('.')?.1;
    let mut element = ElementDefinition {
        is_choice: last.ends_with("[x]"),
        name: last.strip_suffix("[x]").unwrap_or(last).to_string(),
        min: rule.min?,
        max: rule.max?,
        types: rule.types,
        binding: rule.binding,
        limit: rule.limit,
        choice: None,
        is_summary: rule.is_summary,
        is_modifier: rule.is_modifier,
        constraints: Vec::new(),
        content: rule.content,
        definition: OnceLock::new(),
        path,
    };
    let holds_children =
        matches!(element.types.as_slice(), [one] if one.code == "BackboneElement" || one.code == "Element");
    if element.content.is_some() {
        element.types.push(TypeRef { code: "BackboneElement".to_string(), ..TypeRef::default() });
    } else if holds_children {
        element.content = Some(element.path.clone());
    }
    Some(element)
}
