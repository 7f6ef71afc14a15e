//! The elements of one FHIR type as a mapping writes them: names and cardinalities against the definition.

use super::names::Names;
use crate::fhir::Definitions;
use crate::fhir::ElementDefinition;
use crate::mapping::language::{Entry, Expression, Template};
use crate::problem::{Category, Problem};
use crate::yaml::{Kind, Node, nearest};

/// What the compiler of one file knows.
pub struct Compiler<'a> {
    pub names: &'a Names,
    /// The datatype of the file (`CX`), whose name may stand for `this`.
    pub datatype: Option<&'a str>,
    /// Required elements that the file leaves to others on purpose.
    pub leaves: Vec<String>,
    pub problems: &'a mut Vec<Problem>,
}

impl Compiler<'_> {
    pub fn report(&mut self, node: &Node, category: Category, text: impl Into<String>) {
        self.problems.push(node.mark.problem(category, text));
    }

    /// A mapping of element names to ways to fill them; `skip` names keys that are no elements.
    pub fn template(&mut self, node: &Node, type_name: &str, skip: &[&str]) -> Template {
        let mut template = Template { type_name: type_name.to_string(), entries: Vec::new(), required: Vec::new() };
        let Some(definition) = Definitions::r4().type_definition(type_name) else {
            self.report(node, Category::NotFound, format!("FHIR R4 has no type `{type_name}`"));
            return template;
        };
        let Some(entries) = node.as_map() else {
            self.report(node, Category::Structure, format!("write the elements of {type_name} as `name: …` lines"));
            return template;
        };
        for (key, value) in entries {
            let name = key.as_text().unwrap_or_default();
            if !skip.contains(&name.as_str()) {
                template.entries.extend(self.entry(key, &name, value, type_name));
            }
        }
        for element in &definition.elements {
            let is_set = template.entries.iter().any(|entry| {
                entry.name == element.name || entry.element.choice.as_deref() == Some(element.name.as_str())
            });
            if element.min == 0 {
                continue;
            }
            if is_set && !element.is_choice {
                template.required.push(vec![element.name.clone()]);
            } else if !is_set && !self.leaves.contains(&element.name) {
                let text = format!("{type_name} must have `{}`; say where it comes from", element.name);
                self.report(node, Category::Required, text);
            }
        }
        template
    }

    /// `needs: [code, family or given]`: what the thing says nothing without.
    pub fn needs(&mut self, node: &Node, type_name: &str) -> Vec<Vec<String>> {
        let names = Definitions::r4().element_names(type_name);
        let nodes = node.as_list().map_or_else(|| vec![node], |items| items.iter().collect());
        let mut needs = Vec::new();
        for node in nodes {
            let text = node.as_text().unwrap_or_default();
            let alternatives: Vec<String> = text.split(" or ").map(|name| name.trim().to_string()).collect();
            for name in alternatives.iter().filter(|name| !names.contains(&name.as_str())) {
                let hint = nearest(name, names.iter().copied())
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                self.report(node, Category::Structure, format!("{type_name} has no element `{name}`{hint}"));
            }
            needs.push(alternatives);
        }
        needs
    }

    fn entry(&mut self, key: &Node, name: &str, value: &Node, type_name: &str) -> Option<Entry> {
        let element = self.element(key, name, type_name)?;
        let is_list = element.max.is_list() && !name.starts_with('_');
        let type_name = match name.strip_prefix('_') {
            Some(_) => "Element",
            None => element.type_name()?,
        };
        let ways: Vec<Expression> = match &value.kind {
            Kind::List(_) if !is_list => {
                let text = format!("`{name}` takes one value; write alternatives as `{{ first: [ … ] }}`");
                self.report(value, Category::Structure, text);
                return None;
            }
            Kind::List(items) => items.iter().filter_map(|item| self.way(item, name, element, type_name)).collect(),
            _ => self.way(value, name, element, type_name).into_iter().collect(),
        };
        if !is_list && ways.iter().any(|way| way.each.is_some()) {
            self.report(value, Category::Structure, format!("`{name}` takes one value; use `from` instead of `each`"));
        }
        (!ways.is_empty()).then(|| Entry { name: name.to_string(), element, is_list, ways })
    }

    fn way(
        &mut self,
        node: &Node,
        name: &str,
        element: &'static ElementDefinition,
        type_name: &str,
    ) -> Option<Expression> {
        self.expression(node, name, element, type_name)
    }

    fn element(&mut self, key: &Node, name: &str, type_name: &str) -> Option<&'static ElementDefinition> {
        let definitions = Definitions::r4();
        let plain = name.strip_prefix('_').unwrap_or(name);
        match definitions.element(type_name, plain) {
            Some(element) if element.is_choice => {
                let names: Vec<String> = element.types.iter().map(|kind| element.choice_name(&kind.code)).collect();
                let shown: Vec<&str> = names.iter().map(String::as_str).take(12).collect();
                self.report(key, Category::Structure, format!("say which type: {}", shown.join(", ")));
                None
            }
            Some(element)
                if plain != name && !element.type_name().is_some_and(|kind| definitions.is_primitive(kind)) =>
            {
                self.report(key, Category::Structure, format!("`{plain}` is not a primitive; write `{plain}`"));
                None
            }
            Some(element) => Some(element),
            None => {
                let names = definitions.element_names(type_name);
                let hint = nearest(plain, names.iter().copied()).map_or_else(
                    || format!("; it has {}", some_of(&names)),
                    |near| format!("; did you mean `{near}`?"),
                );
                self.report(key, Category::Structure, format!("{type_name} has no element `{plain}`{hint}"));
                None
            }
        }
    }
}

fn some_of(names: &[&str]) -> String {
    let own: Vec<&str> =
        names.iter().copied().filter(|name| !["id", "extension", "modifierExtension"].contains(name)).collect();
    let shown: Vec<&str> = own.iter().copied().take(15).collect();
    let more = if own.len() > shown.len() { " …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
