//! Codes through tables, coding systems by name, assigning authorities. What no table knows is kept as the sender wrote
//! it and listed, so that somebody can answer it once.

use serde_json::{Map, Value, json};

use crate::fhir::terminology::Membership;
use crate::fhir::{self, Library};
use crate::hl7::Value as Field;
use crate::mapping::Unmapped;
use crate::mapping::authorities::is_oid;
use crate::mapping::compile::v2_table;
use crate::mapping::language::{Asked, CodeShape, Entry, SourcePath, Table, TableCode, Unmatched};
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;
use crate::yaml::Mark;

use super::read::MAX_UNMAPPED;
use super::run::{Frame, Run};
use super::template::Filled;

impl<'a> Run<'a> {
    /// A coded value (IS, ID, CE, CWE) through a table: by its code, by an alternate one of the table's own system, else by
    /// its words.
    pub fn table_code(
        &mut self,
        value: Field<'a>,
        table: usize,
        (to, asked): (CodeShape, Asked),
        entry: &Entry,
        mark: &Mark,
    ) -> Option<Value> {
        let set = self.set;
        let table = set.tables.get(table)?;
        let code = said(value, 1).map(|(part, code)| (part, code.to_string()));
        if let Some((part, row)) = self.row(value, table, asked.is_member) {
            self.note(part, mark);
            self.touch(&row.mark);
            return Some(self.shaped(&row, value, part, (to, table), mark));
        }
        let (given, code) = match code {
            Some(given) => given,
            None if to == CodeShape::CodeableConcept && asked.unmapped == Unmatched::Keep => {
                return self.own_concept(value, table, mark);
            }
            None => return None,
        };
        if asked.unmapped == Unmatched::Pass {
            return None;
        }
        if !table.is_silent(&code) {
            let text = format!("this code is not in the table `{}`; add a row, or name it under `none`", table.name);
            let problem = Problem::warning(Category::CodeInvalid, Place::Field(given.place()), text);
            self.say_of(given, problem.unused(Kind::Code, &format!("{} {code}", table.name)));
            let system = self.system_of_coded(value, table, mark);
            self.list_unmapped(&table.name, system, &code, given);
        } else if to != CodeShape::CodeableConcept {
            return None;
        }
        match to {
            _ if asked.unmapped == Unmatched::Drop => None,
            CodeShape::CodeableConcept => self.own_concept(value, table, mark),
            CodeShape::Coding => self.own_coding(value, 1, Some(table), mark),
            CodeShape::Code => {
                if !entry.is_list {
                    self.original = self.own_coding(value, 1, Some(table), mark);
                }
                None
            }
        }
    }

    /// What the feed says that an empty field means, through a table.
    pub fn assumed_code(&self, path: &SourcePath, table: usize, to: CodeShape) -> Option<Filled> {
        let table = self.set.tables.get(table)?;
        let code = self.context.habits.code_of(path)?;
        let row = table.row(code)?;
        let coding = json!({ "system": row.system, "code": row.code, "display": row.display });
        let coding = without_nulls(coding);
        let value = match to {
            CodeShape::Code => json!(row.code),
            CodeShape::Coding => coding,
            CodeShape::CodeableConcept => {
                let own = without_nulls(json!({ "system": table.source_system, "code": code }));
                json!({ "coding": [coding, own] })
            }
        };
        Some(Filled { value, is_read: false })
    }

    /// The row that a coded value means, and the part of it that said so.
    fn row(&self, value: Field<'a>, table: &Table, is_member: bool) -> Option<(Field<'a>, TableCode)> {
        let (part, code) = said(value, 1).unzip();
        let found = code.as_ref().and_then(|code| {
            let key = code.to_lowercase();
            match table.members.get(&key).filter(|_| is_member).and_then(|group| table.codes.get(group)) {
                Some(group) => Some(TableCode { code: code.clone(), display: None, ..group.clone() }),
                None if is_member => None,
                None => table.row(code).cloned().or_else(|| language_tag(code, table)),
            }
        });
        if let (Some(part), Some(row)) = (part, found) {
            return Some((part, row));
        }
        if is_member || code.is_some_and(|code| table.is_silent(&code)) {
            return None;
        }
        let alternates = [(4, 6), (10, 12)].into_iter().filter(|(_, system)| {
            let named = said(value, *system).and_then(|(_, name)| self.system_named(&name));
            named.is_some() && named == table.source_system
        });
        let coded = alternates
            .filter_map(|(code, _)| said(value, code))
            .find_map(|(part, code)| table.row(&code).cloned().map(|row| (part, row)));
        let words = || {
            [1, 2, 9, 5]
                .into_iter()
                .filter_map(|number| said(value, number))
                .find_map(|(part, word)| table.named(&word).cloned().map(|row| (part, row)))
        };
        coded.or_else(words)
    }

    /// A row in the shape that its element asks for; a concept keeps what the sender wrote beside it.
    fn shaped(
        &mut self,
        row: &TableCode,
        value: Field<'a>,
        by: Field<'a>,
        (to, table): (CodeShape, &Table),
        mark: &Mark,
    ) -> Value {
        if to != CodeShape::CodeableConcept {
            self.note_same(row, value, table, mark);
        }
        if to == CodeShape::Code {
            return json!(row.code);
        }
        let mut coding = Map::new();
        if let Some(system) = &row.system {
            coding.insert("system".to_string(), json!(system));
        }
        coding.insert("code".to_string(), json!(row.code));
        // The sender's own word for it, where the code is the sender's too.
        let is_theirs = by.number() == 1 && said(value, 1).is_some_and(|(_, code)| code == row.code);
        let theirs = |run: &mut Self| if is_theirs { run.part_text(value, 2, mark) } else { None };
        if let Some(display) = row.display.clone().or_else(|| theirs(self)) {
            coding.insert("display".to_string(), json!(display));
        }
        let coding = Value::Object(coding);
        if to == CodeShape::Coding {
            return coding;
        }
        let own = self.own_codings(value, table, mark);
        let is_same = |own: &Value| own.get("system") == coding.get("system") && own.get("code") == coding.get("code");
        let others: Vec<Value> = own.into_iter().filter(|own| !is_same(own)).collect();
        let mut concept =
            Map::from_iter([("coding".to_string(), json!(std::iter::once(coding).chain(others).collect::<Vec<_>>()))]);
        if let Some(text) = self.own_text(value, mark) {
            concept.insert("text".to_string(), json!(text));
        }
        Value::Object(concept)
    }

    /// Beside a code: its words and its system say the same once more.
    fn note_same(&mut self, row: &TableCode, value: Field<'a>, table: &Table, mark: &Mark) {
        for (part, word) in [2, 5, 9].into_iter().filter_map(|number| said(value, number)) {
            if table.named(&word).is_some_and(|named| (&named.code, &named.system) == (&row.code, &row.system)) {
                self.note(part, mark);
            }
        }
        if let Some((part, name)) = said(value, 3) {
            let system = self.system_named(&name);
            if system.is_some() && (system == table.source_system || system == row.system) {
                self.note(part, mark);
            }
        }
    }

    fn system_of_coded(&mut self, value: Field<'a>, table: &Table, mark: &Mark) -> Option<String> {
        match said(value, 3) {
            None => self.context.habits.system_at(value).map(str::to_string).or_else(|| table.source_system.clone()),
            Some((named, _)) => self.code_system(named, mark),
        }
    }

    /// The triplet that begins with this part (1, 4, 10); without a name, the system is the table's.
    fn own_coding(&mut self, value: Field<'a>, first: u16, table: Option<&Table>, mark: &Mark) -> Option<Value> {
        let (given, code) = said(value, first)?;
        self.note(given, mark);
        let system = match (said(value, first + 2), table) {
            (Some((named, _)), _) => self.code_system(named, mark),
            (None, Some(table)) => self.system_of_coded(value, table, mark),
            (None, None) => None,
        };
        let mut coding = Map::new();
        if let Some(system) = system {
            coding.insert("system".to_string(), json!(system));
        }
        coding.insert("code".to_string(), json!(code));
        if let Some(display) = self.part_text(value, first + 1, mark) {
            coding.insert("display".to_string(), json!(display));
        }
        Some(Value::Object(coding))
    }

    fn own_codings(&mut self, value: Field<'a>, table: &Table, mark: &Mark) -> Vec<Value> {
        let first = self.own_coding(value, 1, Some(table), mark);
        let alternates = [4, 10].map(|number| self.own_coding(value, number, None, mark));
        first.into_iter().chain(alternates.into_iter().flatten()).collect()
    }

    fn own_concept(&mut self, value: Field<'a>, table: &Table, mark: &Mark) -> Option<Value> {
        let codings = self.own_codings(value, table, mark);
        let mut concept = Map::new();
        if !codings.is_empty() {
            concept.insert("coding".to_string(), json!(codings));
        }
        if let Some(text) = self.own_text(value, mark) {
            concept.insert("text".to_string(), json!(text));
        }
        (!concept.is_empty()).then_some(Value::Object(concept))
    }

    /// The original text; else the words that stand there without a code.
    fn own_text(&mut self, value: Field<'a>, mark: &Mark) -> Option<String> {
        let without_code = [(1, 2), (4, 5)].into_iter().filter(|(code, _)| said(value, *code).is_none());
        let places: Vec<u16> = std::iter::once(9).chain(without_code.map(|(_, words)| words)).collect();
        places.into_iter().find_map(|number| self.part_text(value, number, mark))
    }

    fn part_text(&mut self, value: Field<'a>, number: u16, mark: &Mark) -> Option<String> {
        let part = value.part(number);
        if part.is_empty() || part.leaf().is_null() {
            return None;
        }
        let text = clean(&self.text(part, true, mark));
        (!text.is_empty()).then_some(text)
    }

    /// The URL of a coding system that a message names (HL7 table 0396). Local systems have none.
    pub fn code_system(&mut self, named: Field<'a>, mark: &Mark) -> Option<String> {
        let name = clean(&named.text());
        if name.is_empty() {
            return None;
        }
        self.note(named, mark);
        if let Some(url) = self.system_named(&name) {
            return Some(url);
        }
        let table = self.set.table("code-systems");
        let is_local = name == "L" || name.starts_with("99") || table.is_some_and(|table| table.is_silent(&name));
        if is_local {
            self.note_silence(named);
        } else {
            let text = "this coding system is not known; name it in tables/code-systems.yaml";
            let problem = Problem::warning(Category::CodeInvalid, Place::Field(named.place()), text);
            self.say_of(named, problem.unused(Kind::Code, &format!("code-systems {name}")));
            self.list_unmapped("code-systems", None, &name, named);
        }
        None
    }

    /// A coding system by name: by the site's own table `code-systems`, by its common names, as a v2 table, an OID or a URL.
    pub fn system_named(&self, name: &str) -> Option<String> {
        if let Some(found) = self.set.table("code-systems").and_then(|table| table.find(name)) {
            return Some(found.code.clone());
        }
        if let Some(url) = v2_table(name) {
            return Some(url);
        }
        if let Some(known) = fhir::code_system(name) {
            return Some(known.url.to_string());
        }
        if is_oid(name) {
            return Some(format!("urn:oid:{name}"));
        }
        let is_url = (name.contains("://") || name.starts_with("urn:")) && !name.contains(' ');
        is_url.then(|| name.to_string())
    }

    /// The identifier system of an assigning authority.
    pub fn authority(
        &mut self,
        paths: &[SourcePath],
        default: Option<&str>,
        frame: Frame<'a>,
        mark: &Mark,
    ) -> Option<Filled> {
        let mut whole = None;
        let parts: Vec<Option<Field<'a>>> = match paths {
            [path] => {
                whole = self.value(path, frame);
                (1..=3).map(|number| whole.map(|value| value.part(number).leaf())).collect()
            }
            paths => paths.iter().map(|path| self.value(path, frame).map(|value| value.leaf())).collect(),
        };
        let part = |n: usize| parts.get(n).copied().flatten().filter(|value| !value.is_empty() && !value.is_null());
        let text = |n: usize| part(n).map(|value| clean(&value.text())).unwrap_or_default();
        let (namespace, universal_id, universal_type) = (text(0), text(1), text(2));
        let found = |value: String| Some(Filled { value: Value::String(value), is_read: false });
        if namespace.is_empty() && universal_id.is_empty() {
            return default
                .and_then(|word| self.context.authorities.default_system(word))
                .map(str::to_string)
                .and_then(found);
        }
        for value in (0..3).filter_map(part) {
            self.note(value, mark);
        }
        let system = self.context.authorities.system(&namespace, &universal_id, &universal_type);
        let name = if namespace.is_empty() { &universal_id } else { &namespace };
        if system.is_none()
            && let Some(place) = whole.or_else(|| part(0)).or_else(|| part(1))
        {
            let text = "the feed does not know this assigning authority; name its system under `authorities`";
            let problem = Problem::warning(Category::CodeInvalid, Place::Field(place.place()), text);
            self.say_of(place, problem.unused(Kind::Authority, name));
            self.list_unmapped("authorities", None, name, place);
        }
        system.and_then(found)
    }

    /// Whether a code was complained of: all of one cause is one problem.
    fn is_listed(&self, table: &str, code: &str) -> bool {
        self.unmapped.iter().any(|listed| listed.table == table && listed.code == code)
    }

    pub fn list_unmapped(&mut self, table: &str, system: Option<String>, code: &str, value: Field<'a>) {
        // Far longer than any code: text that slipped into a coded field, and perhaps a patient's.
        if code.chars().count() > 64 || self.unmapped.len() >= MAX_UNMAPPED {
            return;
        }
        if !self.is_listed(table, code) {
            let (table, code) = (table.to_string(), code.to_string());
            self.unmapped.push(Unmapped { table, system, code, place: value.place() });
        }
    }
}

fn clean(text: &str) -> String {
    let is_clean = text.bytes().all(|byte| (0x21..0x7f).contains(&byte) || byte == b' ');
    if is_clean && !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ") {
        return text.to_string();
    }
    let kept: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a value's code or words stand under the table's `none`.
pub fn says_silence(value: Field<'_>, table: &Table) -> bool {
    [1, 2, 9, 5].into_iter().filter_map(|number| said(value, number)).any(|(_, word)| table.is_silent(&word))
}

/// A part that says something, and what.
fn said(value: Field<'_>, number: u16) -> Option<(Field<'_>, String)> {
    let part = value.part(number).leaf();
    let text = clean(&part.text());
    (!text.is_empty() && !part.is_null()).then_some((part, text))
}

fn without_nulls(coding: Value) -> Value {
    match coding {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

/// `en-US`, `pt_BR`, `zh-Hans`: a tag of BCP 47 (RFC 5646, 2.1.1) whose first part is a row of the table.
fn language_tag(tag: &str, table: &Table) -> Option<TableCode> {
    let (language, rest) = tag.split_once(['-', '_'])?;
    let row = table.row(language).filter(|row| row.system.as_deref() == Some("urn:ietf:bcp:47"))?;
    let rest = rest.split(['-', '_']).map(|part| match (part.len(), part.get(..1), part.get(1..)) {
        (2, ..) => part.to_uppercase(),
        (4, Some(first), Some(others)) => format!("{}{}", first.to_uppercase(), others.to_lowercase()),
        _ => part.to_lowercase(),
    });
    let code = std::iter::once(row.code.clone()).chain(rest).collect::<Vec<_>>().join("-");
    let is_tag = Library::built_in().has_code("urn:ietf:bcp:47", &code) != Membership::Out;
    is_tag.then(|| TableCode { code, display: None, ..row.clone() })
}
