//! `key:` — what makes a thing the same thing next time. A list of alternatives; each is one part or a list of parts. A
//! part in capitals is a place in the message, one in small letters an element of the resource; `?` allows its absence.

use super::element::Compiler;
use crate::fhir::Definitions;
use crate::mapping::language::{KeyPart, SourcePath};
use crate::problem::Category;
use crate::yaml::{Node, nearest};

impl Compiler<'_> {
    pub fn key(&mut self, node: &Node, type_name: &str) -> Vec<Vec<KeyPart>> {
        let alternatives = node.as_list().map_or_else(|| vec![node], |items| items.iter().collect());
        let read = alternatives.into_iter().map(|alternative| {
            let parts = alternative.as_list().map_or_else(|| vec![alternative], |items| items.iter().collect());
            parts.into_iter().filter_map(|part| self.key_part(part, type_name)).collect()
        });
        read.collect()
    }

    fn key_part(&mut self, node: &Node, type_name: &str) -> Option<KeyPart> {
        let text = node.as_text().unwrap_or_default();
        let (name, is_optional) = match text.strip_suffix('?') {
            Some(name) => (name, true),
            None => (text.as_str(), false),
        };
        if name.starts_with(|letter: char| letter.is_ascii_uppercase()) || name == "this" || name.starts_with("this.") {
            return match SourcePath::parse(name, self.datatype) {
                Ok(path) => Some(KeyPart::Source { path, is_optional }),
                Err(said) => {
                    self.report(node, Category::Value, said);
                    None
                }
            };
        }
        let names = Definitions::r4().element_names(type_name);
        if !names.contains(&name) {
            let hint = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            self.report(node, Category::Structure, format!("{type_name} has no element `{name}`{hint}"));
            return None;
        }
        Some(KeyPart::Element { name: name.to_string(), is_optional })
    }
}
