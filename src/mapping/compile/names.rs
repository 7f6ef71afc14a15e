//! Finding what one file calls by name in another: maps and tables, with the nearest name when there is none.

use std::collections::{BTreeMap, BTreeSet};

use crate::mapping::language::{MapKind, Table};
use crate::problem::{Category, Problem};
use crate::yaml::{Node, nearest};

/// What the head of a map file says, known before any body is compiled.
#[derive(Debug, Clone)]
pub struct Header {
    pub index: usize,
    pub kind: MapKind,
    pub type_name: String,
    pub is_resource: bool,
}

/// All names of a set.
#[derive(Debug, Default)]
pub struct Names {
    pub maps: BTreeMap<String, Header>,
    pub tables: BTreeMap<String, usize>,
    pub compiled_tables: Vec<Table>,
    pub readings: BTreeMap<String, usize>,
    /// Files that could not be read: their names are names all the same, and what is wrong with them is told there.
    pub unread: BTreeSet<String>,
}

impl Names {
    /// A map by name, with or without its folder.
    pub fn map(&self, node: &Node, problems: &mut Vec<Problem>) -> Option<&Header> {
        let text = node.as_text().unwrap_or_default();
        let name = text.strip_prefix("datatypes/").or_else(|| text.strip_prefix("segments/")).unwrap_or(&text);
        let found = self.maps.get(name);
        if found.is_none() && !self.unread.contains(name) {
            let hint = nearest(name, self.maps.keys().map(String::as_str))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            problems.push(node.mark.problem(Category::NotFound, format!("there is no map `{name}`{hint}")));
        }
        found
    }

    /// A table by name.
    pub fn table(&self, node: &Node, problems: &mut Vec<Problem>) -> Option<usize> {
        let text = node.as_text().unwrap_or_default();
        let name = text.strip_prefix("tables/").unwrap_or(&text);
        let found = self.tables.get(name).copied();
        if found.is_none() && !self.unread.contains(name) {
            let hint = nearest(name, self.tables.keys().map(String::as_str))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            problems.push(node.mark.problem(Category::NotFound, format!("there is no table `{name}`{hint}")));
        }
        found
    }

    /// A measurement by name.
    pub fn reading(&self, name: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<usize> {
        let found = self.readings.get(name).copied();
        if found.is_none() && !self.unread.contains(name) {
            let hint = nearest(name, self.readings.keys().map(String::as_str))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            problems.push(node.mark.problem(Category::NotFound, format!("there is no reading `{name}`{hint}")));
        }
        found
    }

    /// Names of maps that give a type, for advice.
    pub fn maps_of_type(&self, type_name: &str) -> Vec<&str> {
        self.maps.iter().filter(|(_, header)| header.type_name == type_name).map(|(name, _)| name.as_str()).collect()
    }
}
