//! Reads the reduced form of one type (profiles/README.md) into its definition and those of the elements with children.
//! The files are our own and compiled in: a line that cannot be read is left out, and a test reads them all.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::element::{
    Binding, Constraint, ElementDefinition, Kind, Max, Position, Strength, TypeDefinition, TypeRef, join_choice,
};

const VALUE_SETS: &str = "http://hl7.org/fhir/ValueSet/";

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

fn read_constraint(line: &str) -> Option<Constraint> {
    let (severity, rest) = line.strip_prefix("  ")?.split_once(' ')?;
    let (key, expression) = rest.split_once(' ')?;
    let is_error = severity == "error";
    Some(Constraint { key: key.to_string(), is_error, expression: expression.to_string() })
}

fn read_element(line: &str, root: &str) -> Option<ElementDefinition> {
    let mut words = line.split(' ');
    let path = format!("{root}.{}", words.next()?);
    let (min, max) = words.next()?.split_once("..")?;
    let max = if max == "*" { Max::Many } else { Max::Count(max.parse().ok()?) };
    let types = words.next()?;
    let last = path.rsplit_once('.')?.1;
    let name = last.strip_suffix("[x]").unwrap_or(last).to_string();
    let mut element = ElementDefinition {
        is_choice: last.ends_with("[x]"),
        name,
        min: min.parse().ok()?,
        max,
        types: Vec::new(),
        binding: None,
        choice: None,
        is_summary: false,
        is_modifier: false,
        constraints: Vec::new(),
        content: types.strip_prefix('=').map(str::to_string),
        definition: OnceLock::new(),
        path,
    };
    if element.content.is_some() {
        element.types.push(TypeRef { code: "BackboneElement".to_string(), targets: Vec::new() });
    } else {
        element.types.extend(types.split('|').map(read_type));
    }
    if element.content.is_none() && matches!(types, "BackboneElement" | "Element") {
        element.content = Some(element.path.clone());
    }
    for word in words {
        match word {
            "summary" => element.is_summary = true,
            "modifier" => element.is_modifier = true,
            binding => element.binding = read_binding(binding),
        }
    }
    Some(element)
}

fn read_type(text: &str) -> TypeRef {
    match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((code, targets)) => {
            TypeRef { code: code.to_string(), targets: targets.split(',').map(str::to_string).collect() }
        }
        None => TypeRef { code: text.to_string(), targets: Vec::new() },
    }
}

fn read_binding(text: &str) -> Option<Binding> {
    let (strength, name) = text.split_once(':')?;
    let strength = match strength {
        "required" => Strength::Required,
        "extensible" => Strength::Extensible,
        "preferred" => Strength::Preferred,
        "example" => Strength::Example,
        _ => return None,
    };
    let value_set = if name.contains("://") { name.to_string() } else { format!("{VALUE_SETS}{name}") };
    Some(Binding { strength, value_set })
}
