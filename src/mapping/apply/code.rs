//! Codes through tables, coding systems by name, assigning authorities. What no table knows is kept as the sender wrote
//! it and listed, so that somebody can answer it once.

use serde_json::{Map, Value, json};

use crate::fhir;
use crate::hl7::Value as Field;
use crate::mapping::Unmapped;
use crate::mapping::authorities::is_oid;
use crate::mapping::compile::v2_table;
use crate::mapping::language::{CodeShape, Entry, SourcePath, Table, TableCode};
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;
use crate::yaml::Mark;

use super::read::MAX_UNMAPPED;
use super::run::{Frame, Run};
use super::template::Filled;

impl<'a> Run<'a> {
    /// A coded value (IS, ID, CE, CWE) through a table.
    pub fn table_code(
        &mut self,
        value: Field<'a>,
        table: usize,
        (to, keeps): (CodeShape, bool),
        entry: &Entry,
        mark: &Mark,
    ) -> Option<Value> {
        let set = self.set;
        let table = set.tables.get(table)?;
        let given = value.part(1).leaf();
        let code = clean(&given.text());
        if code.is_empty() {
            return match to {
                CodeShape::CodeableConcept => self.text_only(value, mark),
                _ => None,
            };
        }
        self.note(given, mark);
        let system = self.system_of_coded(value, table, mark);
        if let Some(found) = table.find(&code) {
            return Some(shaped(found, to, || self.own_coding(value, &code, system.as_deref(), mark)));
        }
        if table.is_silent(&code) {
            return match to {
                CodeShape::CodeableConcept => self.own_concept(value, &code, system.as_deref(), mark),
                CodeShape::Coding | CodeShape::Code => None,
            };
        }
        let text = format!("this code is not in the table `{}`; add a row, or name it under `none`", table.name);
        self.warn(Category::CodeInvalid, given, text);
        self.list_unmapped(&table.name, system.clone(), &code, given);
        match to {
            _ if !keeps => None,
            CodeShape::CodeableConcept => self.own_concept(value, &code, system.as_deref(), mark),
            CodeShape::Coding => Some(self.own_coding(value, &code, system.as_deref(), mark)),
            CodeShape::Code => {
                if !entry.is_list {
                    self.original = Some(self.own_coding(value, &code, system.as_deref(), mark));
                }
                None
            }
        }
    }

    /// What the feed says that an empty field means, through a table.
    pub fn assumed_code(&self, path: &SourcePath, table: usize, to: CodeShape) -> Option<Filled> {
        let table = self.set.tables.get(table)?;
        let code = self.context.habits.code_of(path)?;
        let own = || json!({ "system": table.source_system.clone(), "code": code });
        Some(Filled { value: shaped(table.find(code)?, to, own), is_read: false })
    }

    fn system_of_coded(&mut self, value: Field<'a>, table: &Table, mark: &Mark) -> Option<String> {
        let named = value.part(3).leaf();
        if named.is_empty() || named.is_null() {
            return self.context.habits.system_at(value).map(str::to_string).or_else(|| table.source_system.clone());
        }
        self.code_system(named, mark)
    }

    fn own_coding(&mut self, value: Field<'a>, code: &str, system: Option<&str>, mark: &Mark) -> Value {
        let mut coding = Map::new();
        if let Some(system) = system {
            coding.insert("system".to_string(), json!(system));
        }
        coding.insert("code".to_string(), json!(code));
        if let Some(display) = self.part_text(value, 2, mark) {
            coding.insert("display".to_string(), json!(display));
        }
        Value::Object(coding)
    }

    fn own_concept(&mut self, value: Field<'a>, code: &str, system: Option<&str>, mark: &Mark) -> Option<Value> {
        let coding = self.own_coding(value, code, system, mark);
        let mut concept = Map::from_iter([("coding".to_string(), json!([coding]))]);
        if let Some(text) = self.part_text(value, 9, mark) {
            concept.insert("text".to_string(), json!(text));
        }
        Some(Value::Object(concept))
    }

    fn text_only(&mut self, value: Field<'a>, mark: &Mark) -> Option<Value> {
        let text = self.part_text(value, 9, mark).or_else(|| self.part_text(value, 2, mark))?;
        Some(json!({ "text": text }))
    }

    fn part_text(&mut self, value: Field<'a>, number: u16, mark: &Mark) -> Option<String> {
        let part = value.part(number).leaf();
        if part.is_empty() || part.is_null() {
            return None;
        }
        let text = clean(&self.text(part, false, mark));
        (!text.is_empty()).then_some(text)
    }

    /// The URL of a coding system that a message names (HL7 table 0396). Local systems have none.
    pub fn code_system(&mut self, named: Field<'a>, mark: &Mark) -> Option<String> {
        let name = clean(&named.text());
        if name.is_empty() {
            return None;
        }
        self.note(named, mark);
        let found = self.system_named(&name);
        let is_silent = || self.set.table("code-systems").is_some_and(|table| table.is_silent(&name));
        let is_local = name == "L" || name.starts_with("99") || is_silent();
        if found.is_none() && !is_local {
            let text = "this coding system is not known; name it in tables/code-systems.yaml";
            self.warn(Category::CodeInvalid, named, text);
            self.list_unmapped("code-systems", None, &name, named);
        } else {
            self.note_silence(named);
        }
        found
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
        if system.is_none()
            && let Some(place) = whole.or_else(|| part(0)).or_else(|| part(1))
        {
            let text = "the feed does not know this assigning authority; name its system under `authorities`";
            let name = if namespace.is_empty() { universal_id } else { namespace };
            let problem = Problem::warning(Category::CodeInvalid, Place::Field(place.place()), text);
            self.say_of(place, problem.unused(Kind::Authority, &name));
            self.list_unmapped("authorities", None, &name, place);
        }
        system.and_then(found)
    }

    pub fn list_unmapped(&mut self, table: &str, system: Option<String>, code: &str, value: Field<'a>) {
        // Far longer than any code: text that slipped into a coded field, and perhaps a patient's.
        if code.chars().count() > 64 || self.unmapped.len() >= MAX_UNMAPPED {
            return;
        }
        let is_listed = self.unmapped.iter().any(|listed| listed.table == table && listed.code == code);
        if !is_listed {
            let (table, code) = (table.to_string(), code.to_string());
            self.unmapped.push(Unmapped { table, system, code, place: value.place() });
        }
    }
}

fn clean(text: &str) -> String {
    let kept: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shaped(found: &TableCode, to: CodeShape, own: impl FnOnce() -> Value) -> Value {
    let mut coding = Map::new();
    if let Some(system) = &found.system {
        coding.insert("system".to_string(), json!(system));
    }
    coding.insert("code".to_string(), json!(found.code));
    if let Some(display) = &found.display {
        coding.insert("display".to_string(), json!(display));
    }
    match to {
        CodeShape::Code => json!(found.code),
        CodeShape::Coding => Value::Object(coding),
        CodeShape::CodeableConcept => {
            let own = own();
            let is_same = own.get("system") == coding.get("system") && own.get("code") == coding.get("code");
            let coding = Value::Object(coding);
            if is_same { json!({ "coding": [coding] }) } else { json!({ "coding": [coding, own] }) }
        }
    }
}
