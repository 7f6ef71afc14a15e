//! A panel's roster: CSV as practices export it, or a FHIR R4 Group (http://hl7.org/fhir/R4/group.html) whose members
//! carry identifiers. A row with a fault is reported by row and column and never by what it says.

use std::collections::{BTreeMap, BTreeSet};

use super::Panel;
use super::roster_columns::{Column, Columns, column_place};
use crate::fhir::Identifier;
use crate::problem::{Category, Place, Problem};
use crate::record::Membership;
use crate::yaml::Mark;

/// More rows than this are another kind of file.
const MOST_ROWS: usize = 1_000_000;
/// After this many faults the file as a whole is wrong.
const MOST_PROBLEMS: usize = 200;

/// A roster as read. A caller that replaces a panel by it does so only when no problem is an error: leaving out the rows
/// with faults would silently end somebody's care.
#[derive(Debug, Default)]
pub struct Roster {
    /// The rows without faults.
    pub members: Vec<Membership>,
    /// How many rows (or group members) there were.
    pub rows: usize,
    pub problems: Vec<Problem>,
}

impl Roster {
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
}

/// Reads a roster for a panel. `file` is the name used in problems; `systems_of` says which systems a hospital's
/// namespace stands for (`mrn:RIVERSIDE`).
pub fn read(panel: &Panel, file: &str, bytes: &[u8], systems_of: &dyn Fn(&str) -> Vec<String>) -> Roster {
    let mut roster = Roster::default();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reading =
        Reading { panel, file: file.into(), text: decode(bytes, file, &mut roster), seen: BTreeMap::new() };
    if reading.text.trim_start().starts_with('{') {
        reading.group(&mut roster);
    } else {
        reading.rows(systems_of, &mut roster);
    }
    roster
}

/// Spreadsheets on Windows still save Windows-1252 (practitioners' names), and "Unicode text" is UTF-16.
fn decode(bytes: &[u8], file: &str, roster: &mut Roster) -> String {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_string();
    }
    let text = "this file is not UTF-8; it was read as Windows-1252: check the names in it";
    roster.problems.push(Problem::warning(Category::Value, Place::File(Mark::start(&file.into())), text));
    encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned()
}

struct Reading<'p> {
    panel: &'p Panel,
    file: std::sync::Arc<str>,
    text: String,
    /// Identifiers met so far and the line they stood in.
    seen: BTreeMap<Identifier, u32>,
}

impl Reading<'_> {
    fn rows(&mut self, systems_of: &dyn Fn(&str) -> Vec<String>, roster: &mut Roster) {
        let text = std::mem::take(&mut self.text);
        let delimiter = delimiter_of(text.lines().next().unwrap_or_default());
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let lines: Vec<&str> = text.lines().collect();
        let place = |line: u32, field: usize| {
            let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
            column_place(&self.file, line, lines.get(index).copied().unwrap_or_default(), field, char::from(delimiter))
        };
        let headers = reader.headers().cloned().unwrap_or_default();
        let columns = Columns::read(&headers, self.panel, systems_of, &|field| place(1, field), &mut roster.problems);
        if !columns.find_people() {
            return;
        }
        let mut seen = std::mem::take(&mut self.seen);
        for record in reader.records() {
            let line_of = |position: Option<&csv::Position>| {
                position.map_or(0, |at| u32::try_from(at.line()).unwrap_or(u32::MAX))
            };
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let text = "this row cannot be read as CSV; look for a quote that is not closed";
                    roster.problems.push(place(line_of(error.position()), 0).problem(Category::Structure, text));
                    continue;
                }
            };
            if record.iter().all(str::is_empty) {
                continue;
            }
            roster.rows += 1;
            let line = line_of(record.position());
            let row = Row { record: &record, columns: &columns, line, headers: headers.len() };
            match row.membership(&self.panel.name, &mut seen, &|field| place(line, field)) {
                Ok(member) => roster.members.push(member),
                Err(faults) => roster.problems.extend(faults),
            }
            if roster.problems.len() > MOST_PROBLEMS || roster.rows > MOST_ROWS {
                let text = format!("stopped reading here: after {MOST_ROWS} rows or {MOST_PROBLEMS} faults");
                roster.problems.push(place(line, 0).problem(Category::TooCostly, text));
                break;
            }
        }
        if roster.rows == 0 {
            roster.problems.push(place(1, 0).problem(Category::Required, "there is no row below the header"));
        }
    }

    fn group(&mut self, roster: &mut Roster) {
        let whole = Mark::start(&self.file);
        let group: serde_json::Value = match serde_json::from_str(&self.text) {
            Ok(group) => group,
            Err(error) => {
                let mark = Mark {
                    line: u32::try_from(error.line()).unwrap_or(1),
                    column: u32::try_from(error.column()).unwrap_or(1).max(1),
                    ..whole
                };
                roster.problems.push(mark.problem(Category::Structure, "not readable as JSON from here"));
                return;
            }
        };
        let members = group.get("member").and_then(|members| members.as_array());
        let (Some("Group"), Some(members)) = (group.get("resourceType").and_then(|kind| kind.as_str()), members) else {
            let text = "a roster in JSON is a FHIR Group with `member` entries";
            roster.problems.push(whole.problem(Category::Structure, text));
            return;
        };
        for (index, member) in members.iter().enumerate().take(MOST_ROWS) {
            roster.rows += 1;
            if member.get("inactive").and_then(serde_json::Value::as_bool) == Some(true) {
                continue;
            }
            let identifier = member.pointer("/entity/identifier").and_then(Identifier::from_json);
            match identifier {
                Some(identifier) => roster.members.push(Membership {
                    panel: self.panel.name.clone(),
                    identifiers: vec![identifier],
                    practitioner: None,
                    care_manager: None,
                    language: None,
                    phone: None,
                }),
                None => {
                    let text = format!("member[{index}].entity has no identifier with system and value");
                    roster.problems.push(whole.problem(Category::Required, text));
                }
            }
        }
    }
}

/// Spreadsheets separate by comma, semicolon or tab according to where they were installed.
fn delimiter_of(header: &str) -> u8 {
    let count = |delimiter: u8| header.bytes().filter(|byte| *byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|delimiter| (count(*delimiter), *delimiter == b',')).unwrap_or(b',')
}

struct Row<'r> {
    record: &'r csv::StringRecord,
    columns: &'r Columns,
    line: u32,
    headers: usize,
}

impl Row<'_> {
    fn membership(
        &self,
        panel: &str,
        seen: &mut BTreeMap<Identifier, u32>,
        place: &dyn Fn(usize) -> Mark,
    ) -> Result<Membership, Vec<Problem>> {
        let (mut faults, mut lines_told) = (Vec::new(), BTreeSet::new());
        let mut member = Membership {
            panel: panel.to_string(),
            identifiers: Vec::new(),
            practitioner: None,
            care_manager: None,
            language: None,
            phone: None,
        };
        if self.record.len() != self.headers {
            let text = format!("this row has {} columns, the header has {}", self.record.len(), self.headers);
            faults.push(place(0).problem(Category::Structure, text));
        }
        for (field, column) in self.columns.iter() {
            let value = self.record.get(field).unwrap_or_default();
            if value.is_empty() {
                continue;
            }
            match column.take(value, &mut member) {
                Ok(()) => {}
                Err(text) => faults.push(place(field).problem(Category::Value, text)),
            }
            let Column::Identifier(system) = column else { continue };
            let earlier = seen.insert(Identifier::new(system.clone(), value), self.line);
            // A row that stands there twice is one mistake, however many identifiers it has.
            if let Some(line) = earlier.filter(|line| lines_told.insert(*line)) {
                let text = format!("the same identifier stands in line {line} already");
                faults.push(place(field).problem(Category::Duplicate, text));
            }
        }
        if member.identifiers.is_empty() {
            faults
                .push(place(0).problem(Category::Required, "this row has no identifier, so nobody can be found by it"));
        }
        if faults.is_empty() { Ok(member) } else { Err(faults) }
    }
}
