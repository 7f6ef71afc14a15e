//! Constants: checked against their type as deep as they go.

use serde_json::{Map, Value};

use super::element::Compiler;
use super::expression::{not_a_code, required_codes};
use crate::fhir::definition::check_primitive_value;
use crate::fhir::terminology::check_written_code;
use crate::fhir::{Definitions, ElementDefinition};
use crate::problem::Category;
use crate::yaml::{Kind, Node, nearest};

impl Compiler<'_> {
    /// A constant of a type, as JSON.
    pub fn fixed(&mut self, node: &Node, element: &'static ElementDefinition, type_name: &str) -> Option<Value> {
        if Definitions::r4().is_primitive(type_name) {
            return self.fixed_primitive(node, element, type_name);
        }
        let Kind::Map(entries) = &node.kind else {
            self.report(node, Category::Structure, format!("`{}` is a {type_name}: write its elements", element.name));
            return None;
        };
        let mut object = Map::new();
        for (key, value) in entries {
            let name = key.as_text().unwrap_or_default();
            let Some(inner) = Definitions::r4().element(type_name, &name) else {
                let names = Definitions::r4().element_names(type_name);
                let hint = nearest(&name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                self.report(key, Category::Structure, format!("{type_name} has no element `{name}`{hint}"));
                continue;
            };
            let Some(inner_type) = inner.type_name() else { continue };
            let fixed = match &value.kind {
                Kind::List(items) if inner.max.is_list() => {
                    Some(Value::Array(items.iter().filter_map(|item| self.fixed(item, inner, inner_type)).collect()))
                }
                Kind::List(_) => {
                    self.report(value, Category::Structure, format!("`{name}` takes one value"));
                    None
                }
                _ if inner.max.is_list() => self.fixed(value, inner, inner_type).map(|one| Value::Array(vec![one])),
                _ => self.fixed(value, inner, inner_type),
            };
            if let Some(fixed) = fixed {
                object.insert(name, fixed);
            }
        }
        if type_name == "Coding" {
            self.check_coding(node, &object);
        }
        Some(Value::Object(object))
    }

    fn check_coding(&mut self, node: &Node, coding: &Map<String, Value>) {
        let text = |key: &str| coding.get(key).and_then(Value::as_str);
        if let (Some(system), Some(code)) = (text("system"), text("code")) {
            let mark = node.get("code").map_or(&node.mark, |code| &code.mark);
            let wrong = check_written_code(system, code, mark);
            self.problems.extend(wrong);
        }
    }

    fn fixed_primitive(&mut self, node: &Node, element: &'static ElementDefinition, type_name: &str) -> Option<Value> {
        let is_text = !matches!(type_name, "boolean" | "integer" | "decimal" | "positiveInt" | "unsignedInt");
        let value = match node.as_text() {
            Some(text) if is_text => Value::String(text),
            _ => node.to_json(),
        };
        if let Err(expected) = check_primitive_value(type_name, &value) {
            self.report(node, Category::Value, format!("`{}` must be {expected}", element.name));
            return None;
        }
        if let (Some(codes), Some(code)) = (required_codes(element), value.as_str())
            && !codes.iter().any(|own| own == code)
        {
            self.report(node, Category::CodeInvalid, not_a_code(code, element, &codes));
            return None;
        }
        Some(value)
    }
}
