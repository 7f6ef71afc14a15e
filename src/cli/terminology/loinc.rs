//! LOINC as Regenstrief gives it out (https://loinc.org/kb/users-guide/loinc-database-structure/): `Loinc.csv`, and of the same archive,
//! where they are there, the tree of `ComponentHierarchyBySystem.csv`, whose codes of parts R4's value sets use too, and the answers of
//! `AnswerList.csv`.

use anyhow::{Context, Result, bail};

use super::rows::Rows;
use super::source::{Source, base};
use crate::cli::screen::Screen;
use crate::fhir::is_loinc;
use crate::fhir::terminology::{ANSWER_LIST, Head};

pub const FILE: &str = "loinc.csv";
const TREE: &str = "componenthierarchybysystem.csv";
const ANSWERS: &str = "answerlist.csv";
/// Rows after which progress is shown.
const STEP: usize = 10_000;
const COLUMNS: [&str; 3] = ["LOINC_NUM", "LONG_COMMON_NAME", "STATUS"];
/// Columns that are properties of the same name (http://hl7.org/fhir/R4/loinc.html#4.3.1.2.4).
const PROPERTIES: [&str; 13] = [
    "STATUS",
    "COMPONENT",
    "PROPERTY",
    "TIME_ASPCT",
    "SYSTEM",
    "SCALE_TYP",
    "METHOD_TYP",
    "CLASS",
    "CLASSTYPE",
    "ORDER_OBS",
    "CONSUMER_NAME",
    "VersionLastChanged",
    "PanelType",
];
/// Columns with other names, and which comes first.
const NAMES: [(&str, u8); 4] = [("LONG_COMMON_NAME", 0), ("DisplayName", 9), ("SHORTNAME", 9), ("CONSUMER_NAME", 9)];

/// Whether a file's name is that of the table.
pub fn is_table(name: &str) -> bool {
    name.to_ascii_lowercase() == FILE
}

pub fn read(source: &mut Source, rows: &mut Rows, screen: &mut Screen) -> Result<Head> {
    // An archive has the table once more in parts; the one that is highest up is the whole.
    let mut tables = source.files(is_table);
    tables.sort_by_key(|name| name.matches('/').count());
    let table = tables.first().cloned().context("there is no Loinc.csv in it")?;
    let mut newest = (0, 0);
    csv_rows(source, &table, &COLUMNS, screen, &mut |row| {
        let code = row.get("LOINC_NUM");
        if !is_loinc(code) {
            bail!("LOINC_NUM is no LOINC number (digits, a hyphen and the check digit)");
        }
        rows.code(code, row.get("STATUS") == "DEPRECATED")?;
        for (name, rank) in NAMES {
            rows.text(code, rank, "en", row.get(name))?;
        }
        for name in PROPERTIES {
            rows.property(code, name, row.get(name))?;
        }
        newest = newest.max(version(row.get("VersionLastChanged")).unwrap_or_default());
        Ok(())
    })?;
    let is_tree = |name: &str| name.to_ascii_lowercase() == TREE;
    if let Some(tree) = source.files(is_tree).first().cloned() {
        csv_rows(source, &tree, &["IMMEDIATE_PARENT", "CODE", "CODE_TEXT"], screen, &mut |row| {
            let (code, parent) = (row.get("CODE"), row.get("IMMEDIATE_PARENT"));
            // Terms are in the table; parts are here alone.
            if code.starts_with("LP") {
                rows.code(code, false)?;
                rows.text(code, 0, "en", row.get("CODE_TEXT"))?;
            }
            if parent.is_empty() { Ok(()) } else { rows.parent(code, parent) }
        })?;
    }
    answers(source, rows, screen)?;
    let named = source.name().split(['_', '-']).find_map(|part| version(part.trim_end_matches(".zip")));
    let (major, minor) = named.unwrap_or(newest);
    Ok(Head {
        url: "http://loinc.org".to_string(),
        version: (major > 0).then(|| format!("{major}.{minor}")),
        name: Some("LOINC".to_string()),
        properties: PROPERTIES.iter().copied().chain([ANSWER_LIST]).map(str::to_string).collect(),
        copyright: Some("LOINC is copyright Regenstrief Institute, Inc. and the LOINC Committee".to_string()),
        ..Head::default()
    })
}

/// The answers of each list in its order. A list that another code system defines has none here.
fn answers(source: &mut Source, rows: &mut Rows, screen: &mut Screen) -> Result<()> {
    let is_answers = |name: &str| name.to_ascii_lowercase() == ANSWERS;
    let Some(table) = source.files(is_answers).first().cloned() else { return Ok(()) };
    let mut elsewhere = 0;
    csv_rows(
        source,
        &table,
        &["AnswerListId", "AnswerStringId", "SequenceNumber", "DisplayText"],
        screen,
        &mut |row| {
            let (list, answer) = (row.get("AnswerListId"), row.get("AnswerStringId"));
            if answer.is_empty() {
                elsewhere += 1;
                return Ok(());
            }
            if !list.starts_with("LL") || !answer.starts_with("LA") {
                bail!("AnswerListId begins with LL, and AnswerStringId with LA");
            }
            rows.code(answer, false)?;
            rows.text(answer, 0, "en", row.get("DisplayText"))?;
            rows.property(answer, ANSWER_LIST, list)?;
            // Answers without a number come last, in the order of their codes.
            rows.child_at(list, row.get("SequenceNumber").parse().unwrap_or(u32::MAX), answer)
        },
    )?;
    if elsewhere > 0 {
        screen.note(&format!("{elsewhere} answers belong to lists that other code systems define, and are left out"));
    }
    Ok(())
}

/// `2.78`, in numbers.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A row of a table with a header.
struct Row<'r> {
    header: &'r csv::StringRecord,
    record: &'r csv::StringRecord,
}

impl Row<'_> {
    /// Empty where there is no such column.
    fn get(&self, column: &str) -> &str {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| self.record.get(at)).unwrap_or_default().trim()
    }
}

fn csv_rows(
    source: &mut Source,
    name: &str,
    columns: &[&str],
    screen: &mut Screen,
    take: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let own = base(name).to_string();
    source.read(name, &mut |reader| {
        // A line ends with its line feed, so that the number of each is right; what stands before that is trimmed.
        let mut csv = csv::ReaderBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_reader(reader);
        let header = csv.headers().with_context(|| format!("{own}:1: the file is damaged"))?.clone();
        let mut header: csv::StringRecord = header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
        header.trim();
        if let Some(absent) = columns.iter().find(|column| !header.iter().any(|name| name == **column)) {
            bail!("{own}:1: there is no column {absent}; this is another file than LOINC's of this name");
        }
        let mut record = csv::StringRecord::new();
        let mut count = 0;
        loop {
            let line = csv.position().line();
            let more = csv.read_record(&mut record);
            let more = more.map_err(|error| {
                let line = error.position().map_or(line, csv::Position::line);
                anyhow::anyhow!("{own}:{line}: {}", why(&error))
            })?;
            if !more {
                break;
            }
            let line = record.position().map_or(line, csv::Position::line);
            take(&Row { header: &header, record: &record }).with_context(|| format!("{own}:{line}"))?;
            count += 1;
            if count % STEP == 0 {
                screen.progress(&format!("{own}: {count} rows read"));
            }
        }
        screen.end_progress();
        Ok(())
    })
}

fn why(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} columns, and the header {expected_len}: the file is damaged or was cut off")
        }
        csv::ErrorKind::Utf8 { .. } => "this is not UTF-8".to_string(),
        _ => "the file is damaged or was cut off".to_string(),
    }
}
