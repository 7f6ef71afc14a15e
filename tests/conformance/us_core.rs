//! US Core 7.0.0: its own examples must be accepted, and mutants of them, each with one seeded defect, must be caught at the
//! place of the defect. `mutants/` makes them from the packages; where these or Python are not at hand, it says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use handover::fhir::Resource;
use handover::problem::{Place, Problem, Severity};
use handover::profile::{Profiles, validate_against};

use crate::nearness::is_near;

/// Misses that have a reason: how the mutant's line begins (kind, what was done, its place), then why.
const KNOWN_MISSES: &str = include_str!("mutants_known_misses.txt");

fn packages() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/fhir/packages");
    let found = folder.join("hl7.fhir.us.core-7.0.0.tgz").exists().then_some(folder);
    if found.is_none() {
        println!("skipped: the packages are not beside the repository");
    }
    found
}

fn check(json: &str) -> Vec<Problem> {
    let resource: Resource = serde_json::from_str(json).unwrap();
    validate_against(&resource, &[], Profiles::built_in())
}

/// The texts of a package's examples, by name.
fn examples(package: &Path) -> BTreeMap<String, String> {
    texts(package, "package/example/")
}

/// The JSON files below a folder of a package, by name.
fn texts(package: &Path, folder: &str) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(package).unwrap()));
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_string();
        if let Some(name) = name.strip_prefix(folder).filter(|name| name.ends_with(".json")) {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            found.insert(name.to_string(), text);
        }
    }
    found
}

#[test]
fn all_examples_of_us_core_are_accepted() {
    let Some(packages) = packages() else { return };
    let examples = examples(&packages.join("hl7.fhir.us.core-7.0.0.tgz"));
    let mut said: BTreeMap<(Severity, String), usize> = BTreeMap::new();
    let mut refused = Vec::new();
    for (name, text) in &examples {
        for problem in check(text) {
            if problem.is_error() {
                refused.push(format!("{name}: {problem}"));
            }
            *said.entry((problem.severity, problem.text)).or_default() += 1;
        }
    }
    println!("{} examples, {} errors", examples.len(), refused.len());
    for ((severity, text), count) in said {
        println!("{count:>5} × {severity:?}: {text}");
    }
    assert!(examples.len() > 200);
    assert_eq!(refused, Vec::<String>::new());
}

/// HL7's own definitions in the package are resources too, with extensions that R4 knows only from later packages.
#[test]
fn all_definitions_of_us_core_are_accepted() {
    let Some(packages) = packages() else { return };
    let definitions = texts(&packages.join("hl7.fhir.us.core-7.0.0.tgz"), "package/");
    let mut checked = 0;
    let mut refused = Vec::new();
    for (name, text) in definitions.iter().filter(|(name, _)| !name.contains('/')) {
        // package.json and .index.json are no resources.
        if !text.contains("\"resourceType\"") || name.starts_with('.') {
            continue;
        }
        checked += 1;
        let errors = check(text).into_iter().filter(Problem::is_error);
        refused.extend(errors.map(|problem| format!("{name}: {problem}")));
    }
    println!("{checked} definitions, {} errors", refused.len());
    assert!(checked > 200);
    assert_eq!(refused, Vec::<String>::new());
}

struct Mutant {
    file: String,
    kind: String,
    location: String,
    what: String,
}

/// `HANDOVER_MUTANTS=400,11`: more mutants of each kind and another seed, to hunt for what is missed; every mutant with more
/// than one error is then printed.
fn hunt() -> Option<(String, String)> {
    let asked = std::env::var("HANDOVER_MUTANTS").ok()?;
    asked.split_once(',').map(|(most, seed)| (most.to_string(), seed.to_string()))
}

/// Makes the mutants in a folder; none where there is no Python.
fn mutants(packages: &Path, folder: &Path) -> Option<Vec<Mutant>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/mutants");
    let mut command = Command::new("python3");
    command.arg("-B").arg(script).arg(packages.join("hl7.fhir.r4.core-4.0.1.tar.xz"));
    command.arg(packages.join("hl7.fhir.us.core-7.0.0.tgz")).arg(folder);
    if let Some((most, seed)) = hunt() {
        command.args(["--most", &most, "--seed", &seed]);
    }
    let Ok(output) = command.output() else {
        println!("skipped: there is no python3 to make mutants");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).unwrap();
    let mutants = manifest.lines().map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, kind, source, location, done] = columns[..] else { panic!("not a line of the manifest: {line}") };
        let what = format!("{kind}: {done}, at {location} of {source}");
        Mutant { file: file.into(), kind: kind.into(), location: location.into(), what }
    });
    Some(mutants.collect())
}

#[derive(Default)]
struct Row {
    made: usize,
    caught: usize,
    single: usize,
}

#[test]
fn mutants_are_caught_where_their_defect_is() {
    let Some(packages) = packages() else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(mutants) = mutants(&packages, folder.path()) else { return };
    let mut table: BTreeMap<&str, Row> = BTreeMap::new();
    let (mut misses, mut errors_each) = (Vec::new(), Vec::new());
    for mutant in &mutants {
        let text = std::fs::read_to_string(folder.path().join(&mutant.file)).unwrap();
        let errors: Vec<Problem> = check(&text).into_iter().filter(Problem::is_error).collect();
        let row = table.entry(&mutant.kind).or_default();
        row.made += 1;
        let is_valid = mutant.kind == "valid";
        let is_caught = match is_valid {
            true => errors.is_empty(),
            false => errors.iter().any(|error| match &error.place {
                Place::Element(location) => is_near(location, &mutant.location),
                _ => false,
            }),
        };
        row.caught += usize::from(is_caught);
        row.single += usize::from(errors.len() == 1);
        if !is_valid {
            errors_each.push(errors.len());
        }
        if !is_caught {
            let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
            misses.push((mutant, said));
        }
        if errors.len() > 1 && hunt().is_some() {
            println!("{} ({})", mutant.what, mutant.file);
            errors.iter().for_each(|error| println!("    {error}"));
        }
    }
    print(&table, &mut errors_each);
    let known: Vec<&str> = KNOWN_MISSES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let is_known = |mutant: &Mutant| {
        known.iter().any(|line| line.split(" -- ").next().is_some_and(|start| mutant.what.starts_with(start)))
    };
    let unknown: Vec<String> = misses
        .iter()
        .filter(|(mutant, _)| !is_known(mutant))
        .map(|(mutant, said)| format!("{} ({}) {said:#?}", mutant.what, mutant.file))
        .collect();
    println!("{} not as expected, {} of these known with a reason", misses.len(), misses.len() - unknown.len());
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

fn print(table: &BTreeMap<&str, Row>, errors_each: &mut [usize]) {
    println!("{:<12} {:>5} {:>7} {:>7} {:>15}", "kind", "made", "caught", "share", "exactly 1 error");
    let mut all = Row::default();
    let line = |name: &str, row: &Row| {
        let share = |count: usize| 100.0 * count as f64 / row.made.max(1) as f64;
        println!(
            "{name:<12} {:>5} {:>7} {:>6.1}% {:>14.1}%",
            row.made,
            row.caught,
            share(row.caught),
            share(row.single)
        );
    };
    for (kind, row) in table.iter().filter(|(kind, _)| **kind != "valid") {
        line(kind, row);
        all.made += row.made;
        all.caught += row.caught;
        all.single += row.single;
    }
    line("all", &all);
    if let Some(valid) = table.get("valid") {
        println!("{} changes that leave a resource valid: {} accepted", valid.made, valid.caught);
    }
    errors_each.sort_unstable();
    println!("median errors of a mutant: {}", errors_each[errors_each.len() / 2]);
}
