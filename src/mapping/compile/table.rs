//! `tables/*.yaml`: v2 codes and what they become.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::fhir::code_system;
use crate::fhir::terminology::check_written_code;
use crate::mapping::language::{Table, TableCode};
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Kind, Node};

/// Compiles one table.
pub fn compile(name: &str, node: &Node, problems: &mut Vec<Problem>) -> Table {
    let mut fields = Fields::of(node, "a table");
    name_agrees(&mut fields, "table", name);
    fields.text("title");
    let source_system = fields.text("source").map(|source| system_of(&source));
    let target = fields.text("target").map(|target| system_of(&target));
    let silent: BTreeSet<String> = fields.texts("none").into_iter().collect();
    let mut codes = BTreeMap::new();
    if let Some(list) = fields.optional("codes") {
        for (key, value) in list.as_map().unwrap_or_default() {
            let code = read_code(value, target.as_deref(), problems);
            codes.extend(code.map(|code| (key.as_text().unwrap_or_default(), code)));
        }
        if list.as_map().is_none() {
            fields.report(list.problem("write the codes as `theirs: ours` lines"));
        }
    }
    let members = fields.optional("groups").map(|groups| members(groups, &codes, problems)).unwrap_or_default();
    fields.finish(problems);
    let mut table =
        Table { name: name.to_string(), source_system, target, codes, silent, members, words: HashMap::new() };
    table.index_words();
    table
}

/// `groups:` — the key of a row, and the codes that come to the same.
fn members(
    groups: &Node,
    codes: &BTreeMap<String, TableCode>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut members = BTreeMap::new();
    for (key, list) in groups.as_map().unwrap_or_default() {
        let row = key.as_text().unwrap_or_default();
        if !codes.contains_key(&row) {
            let text = format!("a group stands under the key of a row of `codes`, and there is none `{row}`");
            problems.push(key.mark.problem(Category::NotFound, text));
        }
        for member in list.as_list().unwrap_or_default() {
            members.insert(member.as_text().unwrap_or_default().to_lowercase(), row.clone());
        }
    }
    if groups.as_map().is_none() {
        problems.push(groups.problem("write the groups as `key of a row: [codes]` lines"));
    }
    members
}

/// A head that names its file must name it rightly.
pub fn name_agrees(fields: &mut Fields<'_>, key: &'static str, name: &str) {
    let Some(node) = fields.required(key) else { return };
    let said = node.as_text().unwrap_or_default();
    if said != name {
        let text = format!("the file is called `{name}`, so write `{key}: {name}`");
        fields.report(node.mark.problem(Category::Conflict, text));
    }
}

fn read_code(node: &Node, target: Option<&str>, problems: &mut Vec<Problem>) -> Option<TableCode> {
    let system = target.map(str::to_string);
    if let Kind::Map(_) = node.kind {
        let mut fields = Fields::of(node, "a code");
        let code = fields.required_text("code");
        let display = fields.text("display");
        let own = fields.text("system").map(|system| system_of(&system));
        fields.finish(problems);
        return checked(TableCode { code: code?, system: own.or(system), display, mark: node.mark.clone() }, problems);
    }
    let Some(code) = node.as_text() else {
        problems.push(node.problem("write the FHIR code, or `{ code: …, display: …, system: … }`"));
        return None;
    };
    checked(TableCode { code, system, display: None, mark: node.mark.clone() }, problems)
}

/// A row whose system, where it is at hand, has the code.
fn checked(row: TableCode, problems: &mut Vec<Problem>) -> Option<TableCode> {
    let wrong = row.system.as_deref().and_then(|system| check_written_code(system, &row.code, &row.mark));
    problems.extend(wrong);
    Some(row)
}

/// A URL as it is; `HL70001` and other names as the URL that FHIR uses.
pub fn system_of(name: &str) -> String {
    v2_table(name).or_else(|| code_system(name).map(|known| known.url.to_string())).unwrap_or_else(|| name.to_string())
}

/// `HL70001` → `http://terminology.hl7.org/CodeSystem/v2-0001`.
pub fn v2_table(name: &str) -> Option<String> {
    let digits = name.strip_prefix("HL7").or_else(|| name.strip_prefix("hl7"))?;
    let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("http://terminology.hl7.org/CodeSystem/v2-{digits:0>4}"))
}
