//! Value sets of VSAC as it gives them out: FHIR (a ValueSet with its expansion, or a Bundle of them), or a table in text with a code on
//! each row. They become a package of the site, `profiles/vsac/`, like those of guides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::source::{Source, base};
use crate::cli::profiles::{Change, files_of, replace};
use crate::fhir::canonical_system;
use crate::fhir::terminology::definition_id;
use crate::profile::reduce::reduce_value_set;

const URL: &str = "http://cts.nlm.nih.gov/fhir/ValueSet/";
const PACKAGE: &str = "vsac";
const MANIFEST: &str = "vsac.added 1.0.0\n";
/// A site reads files of 4 MiB; a longer value set would be left out there.
const MOST_BYTES: usize = 4 << 20;
/// What is read of one JSON file.
const JSON_BYTES: u64 = 256 << 20;

/// Columns of the tables, by the names that they go by.
const CODE: [&str; 1] = ["code"];
const SYSTEM: [&str; 4] = ["code system oid", "code system", "code system name", "codesystem"];
const DISPLAY: [&str; 4] = ["description", "descriptor", "display name", "display"];
const VERSION: [&str; 2] = ["code system version", "codesystem version"];
const OID: [&str; 2] = ["value set oid", "oid"];
const NAME: [&str; 2] = ["value set name", "name"];

/// A value set that was added, and how many codes it lists.
pub struct AddedSet {
    pub url: String,
    pub name: String,
    pub codes: usize,
}

/// Whether a file may hold value sets: its name ends as such files do.
pub fn may_hold(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".json", ".csv", ".txt", ".tsv"].iter().any(|ending| name.ends_with(ending)) && !name.starts_with('.')
}

/// Adds all value sets of the source to the site, or none.
pub fn add(source: &mut Source, site: &Path) -> Result<(PathBuf, Change, Vec<AddedSet>)> {
    let mut definitions = Vec::new();
    for name in source.files(may_hold) {
        definitions.extend(match name.to_ascii_lowercase().ends_with(".json") {
            true => of_json(source, &name)?,
            false => of_table(source, &name)?,
        });
    }
    if definitions.is_empty() {
        bail!("there is no value set in it");
    }
    let folder = site.join("profiles").join(PACKAGE);
    let mut files = if folder.exists() { files_of(&folder)? } else { BTreeMap::new() };
    files.insert("package.txt".to_string(), MANIFEST.to_string());
    let mut added = Vec::new();
    for definition in &definitions {
        let text = |key: &str| definition.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        let url = text("url");
        let block = reduce_value_set(definition).map_err(|reason| anyhow::anyhow!("{url}: {reason}"))?;
        if block.len() > MOST_BYTES {
            bail!("{url} is longer than {MOST_BYTES} bytes, which is more than a site reads of one file");
        }
        let codes = block.lines().filter(|line| line.starts_with("  ")).count();
        files.insert(format!("{}.txt", definition_id(&url)), block);
        added.push(AddedSet { url, name: text("name"), codes });
    }
    let change = replace(&folder, site, &files)?;
    Ok((folder, change, added))
}

fn of_json(source: &mut Source, name: &str) -> Result<Vec<Value>> {
    let own = base(name).to_string();
    let json: Value = source.read(name, &mut |reader| {
        let read = serde_json::from_reader(std::io::Read::take(reader, JSON_BYTES));
        read.map_err(|error| anyhow::anyhow!("{own}:{}: this is not JSON, or was cut off", error.line()))
    })?;
    let kind = json.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let entries = json.get("entry").and_then(Value::as_array).into_iter().flatten();
    let all: Vec<&Value> = match kind {
        "Bundle" => entries.filter_map(|entry| entry.get("resource")).collect(),
        _ => vec![&json],
    };
    all.into_iter().map(|one| definition(one).with_context(|| base(name).to_string())).collect()
}

/// A value set that counts by its expansion: the rules of many of VSAC's name value sets that are not here.
fn definition(value: &Value) -> Result<Value> {
    if value.get("resourceType").and_then(Value::as_str) != Some("ValueSet") {
        bail!("this is no ValueSet, nor a Bundle of them");
    }
    if value.get("url").and_then(Value::as_str).is_none() {
        bail!("the ValueSet has no url");
    }
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut().filter(|members| members.contains_key("expansion")) {
        members.remove("compose");
    }
    Ok(value)
}

/// Where the columns of a table stand.
struct Columns {
    code: usize,
    system: usize,
    display: Option<usize>,
    version: Option<usize>,
    oid: Option<usize>,
    name: Option<usize>,
}

impl Columns {
    /// None for a row that is no header of codes.
    fn of(row: &[String]) -> Option<Self> {
        let names: Vec<String> = row.iter().map(|cell| cell.to_lowercase()).collect();
        let find = |known: &[&str]| known.iter().find_map(|name| names.iter().position(|own| own == name));
        Some(Self {
            code: find(&CODE)?,
            system: find(&SYSTEM)?,
            display: find(&DISPLAY),
            version: find(&VERSION),
            oid: find(&OID),
            name: find(&NAME),
        })
    }
}

fn of_table(source: &mut Source, name: &str) -> Result<Vec<Value>> {
    let mut columns: Option<(Columns, char)> = None;
    let (mut oid, mut title) = (None::<String>, None::<String>);
    let mut sets: BTreeMap<String, (String, Vec<Value>)> = BTreeMap::new();
    source.lines(name, &mut |_, line| {
        let Some((known, sign)) = &columns else {
            let rows = ['|', '\t', ','].map(|sign| (cells(line, sign), sign));
            columns = rows.iter().find_map(|(row, sign)| Some((Columns::of(row)?, *sign)));
            // Above the codes stands what is said of all of them: a name and a value on each row.
            if let Some((row, _)) = rows.iter().find(|(row, _)| row.len() >= 2) {
                let key = row.first().map(|cell| cell.trim_end_matches(':').to_lowercase()).unwrap_or_default();
                let value = row.get(1).cloned().filter(|value| !value.is_empty());
                oid = oid.take().or_else(|| value.clone().filter(|_| OID.contains(&key.as_str())));
                title = title.take().or_else(|| value.filter(|_| NAME.contains(&key.as_str())));
            }
            return Ok(());
        };
        let row = cells(line, *sign);
        if row.iter().all(String::is_empty) {
            return Ok(());
        }
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).map(String::as_str).unwrap_or_default();
        let own = known.oid.map(|at| cell(Some(at)).to_string()).or_else(|| oid.clone()).unwrap_or_default();
        if !is_oid(&own) {
            bail!("the row does not say of which value set it is (its OID)");
        }
        let (code, system) = (cell(Some(known.code)), cell(Some(known.system)));
        if code.is_empty() || system.is_empty() {
            bail!("the row has no code, or no code system");
        }
        let url = match canonical_system(system) {
            same if same == system && is_oid(system) => format!("urn:oid:{system}"),
            same if same == system && !system.contains(':') => {
                bail!("the code system `{system}` is not known by this name")
            }
            url => url.to_string(),
        };
        let mut concept = json!({ "system": url, "code": code, "display": cell(known.display) });
        if let Some(members) = concept.as_object_mut().filter(|_| !cell(known.version).is_empty()) {
            members.insert("version".to_string(), cell(known.version).into());
        }
        let named = known.name.map(|at| cell(Some(at)).to_string()).or_else(|| title.clone()).unwrap_or_default();
        sets.entry(own).or_insert_with(|| (named, Vec::new())).1.push(concept);
        Ok(())
    })?;
    if columns.is_none() {
        bail!("{}: there is no row that heads a column Code and one for its code system", base(name));
    }
    let definition = |(oid, (name, contains)): (String, (String, Vec<Value>))| {
        json!({ "resourceType": "ValueSet", "url": format!("{URL}{oid}"), "name": name, "status": "active",
            "expansion": { "contains": contains } })
    };
    Ok(sets.into_iter().map(definition).collect())
}

/// The cells of a row; those of one that cannot be read are none.
fn cells(line: &str, sign: char) -> Vec<String> {
    let delimiter = u8::try_from(sign).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .quoting(sign == ',')
        .from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(|cell| cell.trim().to_string()).collect()
}

fn is_oid(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
