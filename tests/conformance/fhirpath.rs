//! The official FHIRPath suite for R4 (http://hl7.org/fhirpath/tests.html), 935 cases. What fails is listed by name with
//! the reason; a failure that is not listed, and a listed one that passes, fail the test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use handover::fhir::Resource;
use handover::fhir::path::{Context, Expression, Item};
use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::Value;

const KNOWN: &str = include_str!("fhirpath_known_failures.txt");

fn suite() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/fhirpath");
    folder.join("suite.json").exists().then_some(folder)
}

/// The lines `name: reason` of the list.
fn known_failures() -> BTreeMap<&'static str, &'static str> {
    KNOWN.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": ")).collect()
}

fn read_input(folder: &Path, name: &str) -> Option<Resource> {
    let file = folder.join("in").join(name.replace(".xml", ".json"));
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}

fn text_of(item: &Item<'_>) -> String {
    match item {
        Item::Quantity(quantity) => quantity.to_string(),
        Item::Decimal(value) => value.to_string(),
        other => match other.to_json() {
            Value::String(text) => text,
            json => json.to_string(),
        },
    }
}

fn is_expected(item: &Item<'_>, wanted: &Value) -> bool {
    let text = |key: &str| wanted[key].as_str().map(str::to_string);
    let value = text("value").unwrap_or_default();
    let value = value.strip_prefix("@T").or(value.strip_prefix('@')).unwrap_or(&value);
    let right_type = text("type").is_none_or(|kind| item.type_name().eq_ignore_ascii_case(&kind));
    let right_value =
        text_of(item) == value || matches!(item, Item::Decimal(own) if value.parse() == Ok(*own) && own.scale() <= 1);
    right_type && right_value
}

/// Why a case fails; none when it passes.
fn run(case: &Value, resource: Option<&Resource>) -> Option<String> {
    let text = case["expr"].as_str().unwrap_or_default();
    let must_fail = case["invalid"].as_str();
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(_) if must_fail.is_some() => return None,
        Err(error) => return Some(format!("does not parse: {error}")),
    };
    if must_fail == Some("semantic") {
        let kind = resource.map(Resource::resource_type);
        if expression.check(kind.unwrap_or("Element")).is_err() {
            return None;
        }
    }
    let context = resource.map_or_else(|| Context::of(Vec::new()), Context::new);
    let context = context.at(Timestamp::from_second(1_780_000_000).unwrap(), Offset::UTC);
    let found = match expression.evaluate(&context) {
        Ok(_) if must_fail.is_some() => return Some("evaluates, but must be refused".to_string()),
        Err(_) if must_fail.is_some() => return None,
        Ok(found) => found,
        Err(error) => return Some(error.to_string()),
    };
    let wanted = case["outputs"].as_array().cloned().unwrap_or_default();
    if case["predicate"] == "true" {
        let exists = if found.is_empty() { "false" } else { "true" };
        return (wanted[0]["value"].as_str() != Some(exists)).then(|| format!("exists: {exists}"));
    }
    let mut free: Vec<&Value> = wanted.iter().collect();
    let right = if case["ordered"] == "false" {
        found.iter().all(|item| {
            let at = free.iter().position(|wanted| is_expected(item, wanted));
            at.map(|at| free.remove(at)).is_some()
        }) && free.is_empty()
    } else {
        found.len() == wanted.len() && found.iter().zip(&wanted).all(|(item, wanted)| is_expected(item, wanted))
    };
    let shown: Vec<String> = found.iter().map(|item| format!("{}:{}", item.type_name(), text_of(item))).collect();
    (!right).then(|| format!("yields [{}]", shown.join(", ")))
}

#[test]
fn the_official_suite_passes_but_for_what_is_listed() {
    let Some(folder) = suite() else {
        println!("skipped: the FHIRPath suite is not here");
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&fs::read_to_string(folder.join("suite.json")).unwrap()).unwrap();
    let known = known_failures();
    let (mut passed, mut skipped, mut wrong) = (0, Vec::new(), Vec::new());
    let mut failed = Vec::new();
    let mut inputs: BTreeMap<String, Option<Resource>> = BTreeMap::new();
    for case in &cases {
        let name = case["name"].as_str().unwrap_or_default();
        let input = case["input"].as_str();
        let resource = input
            .and_then(|input| inputs.entry(input.to_string()).or_insert_with(|| read_input(&folder, input)).as_ref());
        if input.is_some() && resource.is_none() {
            skipped.push(name);
            continue;
        }
        match run(case, resource) {
            None => passed += 1,
            Some(reason) => {
                failed.push(name);
                if !known.contains_key(name) {
                    wrong.push(format!("{name}: {} {reason}", case["expr"].as_str().unwrap_or_default()));
                }
            }
        }
    }
    println!("FHIRPath: {passed} of {} cases pass, {} fail as listed, skipped: {skipped:?}", cases.len(), failed.len());
    let healed: Vec<_> = known.keys().filter(|name| !failed.contains(name)).collect();
    assert!(wrong.is_empty(), "{} failures that are not listed:\n{}", wrong.len(), wrong.join("\n"));
    assert!(healed.is_empty(), "listed as failing, but they pass: {healed:?}");
}
