//! SNOMED CT as RF2 snapshot (https://docs.snomed.org/snomed-ct-specifications/snomed-ct-release-file-specification): concepts,
//! descriptions, is-a relationships, the language reference sets that say which description is preferred, and the members of simple
//! reference sets.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail};

use super::rows::Rows;
use super::sorter::Sorter;
use super::source::{Source, base};
use crate::cli::screen::Screen;
use crate::fhir::terminology::{Head, MEMBER_OF, MEMBERS, members_key};

const CONCEPTS: &str = "sct2_Concept_Snapshot";
const DESCRIPTIONS: &str = "sct2_Description_Snapshot";
const RELATIONSHIPS: &str = "sct2_Relationship_Snapshot";
const LANGUAGES: &str = "der2_cRefset_LanguageSnapshot";
const SETS: &str = "der2_Refset_Simple";

const CONCEPT: &str = "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId";
const DESCRIPTION: &str =
    "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId";
const RELATIONSHIP: &str = "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId";
const LANGUAGE: &str = "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId";
const SET: &str = "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId";

const IS_A: &str = "116680003";
const PREFERRED: &str = "900000000000548007";
const FULLY_SPECIFIED: &str = "900000000000003001";
/// Language reference sets, the one whose preferred terms are shown first.
const ENGLISH: [&str; 2] = ["900000000000509007", "900000000000508004"];
const INTERNATIONAL: &str = "900000000000207008";
/// Rows after which progress is shown.
const STEP: usize = 200_000;

/// Whether a file's name is that of a release, in whichever of its forms.
pub fn is_release(name: &str) -> bool {
    name.starts_with("sct2_Concept_")
}

pub fn read(source: &mut Source, rows: &mut Rows, mut terms: Sorter, screen: &mut Screen) -> Result<Head> {
    let find = |source: &Source, start: &str| source.files(|name| name.starts_with(start) && name.ends_with(".txt"));
    let concepts = find(source, CONCEPTS);
    if concepts.is_empty() {
        bail!("there is no {CONCEPTS}_….txt in it: take the release as a snapshot, not as delta or full alone");
    }
    let mut modules: BTreeMap<String, usize> = BTreeMap::new();
    let mut known = HashSet::new();
    table(source, &concepts, CONCEPT, screen, &mut |row| {
        let [id, _, active, module, _] = row else { return Ok(()) };
        rows.code(sctid(id)?, !is_active(active)?)?;
        known.extend(id.parse::<u64>());
        *modules.entry((*module).to_string()).or_default() += 1;
        Ok(())
    })?;
    let descriptions = needed(find(source, DESCRIPTIONS), DESCRIPTIONS)?;
    table(source, &descriptions, DESCRIPTION, screen, &mut |row| {
        let [id, _, active, _, concept, language, kind, term, _] = row else { return Ok(()) };
        if is_active(active)? {
            let kind = if *kind == FULLY_SPECIFIED { 'F' } else { 'S' };
            terms.add(format!("{}\t1{}\t{language}\t{kind}\t{term}", sctid(id)?, sctid(concept)?))?;
        }
        Ok(())
    })?;
    table(source, &needed(find(source, LANGUAGES), LANGUAGES)?, LANGUAGE, screen, &mut |row| {
        let [_, _, active, _, refset, description, acceptability] = row else { return Ok(()) };
        if is_active(active)? && *acceptability == PREFERRED {
            let rank = ENGLISH.iter().position(|english| english == refset).unwrap_or(ENGLISH.len());
            terms.add(format!("{}\t0{rank}", sctid(description)?))?;
        }
        Ok(())
    })?;
    name_concepts(terms, rows)?;
    table(source, &needed(find(source, RELATIONSHIPS), RELATIONSHIPS)?, RELATIONSHIP, screen, &mut |row| {
        let [_, _, active, _, from, to, _, kind, _, _] = row else { return Ok(()) };
        if is_active(active)? && *kind == IS_A { rows.parent(sctid(from)?, sctid(to)?) } else { Ok(()) }
    })?;
    members(source, rows, &known, screen)?;
    Ok(Head {
        url: "http://snomed.info/sct".to_string(),
        version: concepts.first().and_then(|name| version(base(name), &modules)),
        name: Some("SNOMED_CT".to_string()),
        properties: vec![MEMBER_OF.to_string(), MEMBERS.to_string()],
        copyright: Some("SNOMED CT is copyright SNOMED International".to_string()),
        ..Head::default()
    })
}

/// Who is in which reference set, where the release has such; a set has its concept, which says how many these are. What is no concept of the
/// release is left out: a description, or a concept of another package.
fn members(source: &mut Source, rows: &mut Rows, known: &HashSet<u64>, screen: &mut Screen) -> Result<()> {
    let files = source.files(|name| name.starts_with(SETS) && name.contains("Snapshot") && name.ends_with(".txt"));
    let (mut sets, mut others) = (BTreeMap::<String, usize>::new(), 0);
    table(source, &files, SET, screen, &mut |row| {
        let [_, _, active, _, set, member] = row else { return Ok(()) };
        let (set, member) = (sctid(set)?, sctid(member)?);
        if !is_active(active)? {
            return Ok(());
        }
        if [set, member].iter().any(|id| id.parse().map_or(true, |id| !known.contains(&id))) {
            others += 1;
            return Ok(());
        }
        *sets.entry(set.to_string()).or_default() += 1;
        rows.property(member, MEMBER_OF, set)?;
        rows.child(&members_key(set), member)
    })?;
    for (set, count) in &sets {
        rows.property(set, MEMBERS, &count.to_string())?;
    }
    if others > 0 {
        screen.note(&format!("{others} rows of reference sets name no concept of this release, and are left out"));
    }
    Ok(())
}

fn needed(found: Vec<String>, start: &str) -> Result<Vec<String>> {
    if found.is_empty() {
        bail!("there is no {start}-….txt in it: take the whole release");
    }
    Ok(found)
}

/// Each description with how it is preferred comes together by its id, which sorts the latter before it.
fn name_concepts(terms: Sorter, rows: &mut Rows) -> Result<()> {
    let (mut description, mut best) = (String::new(), None::<u8>);
    terms.finish(&mut |line| {
        let mut parts = line.splitn(5, '\t');
        let id = parts.next().unwrap_or_default();
        if id != description {
            (description, best) = (id.to_string(), None);
        }
        let what = parts.next().unwrap_or_default();
        if let Some(rank) = what.strip_prefix('0') {
            let rank: u8 = rank.parse().unwrap_or(u8::MAX);
            best = Some(best.map_or(rank, |known| known.min(rank)));
            return Ok(());
        }
        let (language, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let term = parts.next().unwrap_or_default();
        let concept = what.get(1..).unwrap_or_default();
        // Shown is the preferred English term, else the fully specified name, else whichever there is.
        let rank = match (kind, language == "en", best) {
            ("S", true, Some(rank)) => rank,
            ("F", true, _) => 4,
            (_, true, _) => 5,
            _ => 6,
        };
        rows.text(concept, rank, language, term)
    })
}

/// Reads tables of one kind: each must have this header, and each row as many columns.
fn table(
    source: &mut Source,
    files: &[String],
    header: &str,
    screen: &mut Screen,
    take: &mut dyn FnMut(&[&str]) -> Result<()>,
) -> Result<()> {
    let columns = header.split('\t').count();
    for name in files {
        let own = base(name).to_string();
        source.lines(name, &mut |number, line| {
            if number == 1 {
                if line != header {
                    bail!("the columns are not those of this file of RF2, which are {}", header.replace('\t', ", "));
                }
                return Ok(());
            }
            if line.is_empty() {
                return Ok(());
            }
            let row: Vec<&str> = line.split('\t').collect();
            if row.len() != columns {
                bail!(
                    "the row has {} columns, and the header {columns}: the file is damaged or was cut off",
                    row.len()
                );
            }
            if number % STEP == 0 {
                screen.progress(&format!("{own}: {number} rows read"));
            }
            take(&row)
        })?;
        screen.end_progress();
    }
    Ok(())
}

fn sctid(text: &str) -> Result<&str> {
    if !(6..=18).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        bail!("`{}` is no SNOMED CT identifier", text.chars().take(40).collect::<String>());
    }
    Ok(text)
}

fn is_active(text: &str) -> Result<bool> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => bail!("`active` is 0 or 1"),
    }
}

/// `http://snomed.info/sct/MODULE/version/DATE` (http://hl7.org/fhir/R4/snomedct.html#4.3.1.0.4), by the name of the file: of an extension,
/// its module is the one of its namespace with the most concepts.
fn version(name: &str, modules: &BTreeMap<String, usize>) -> Option<String> {
    let mut parts = name.trim_end_matches(".txt").rsplit('_');
    let (date, edition) = (parts.next()?, parts.next()?);
    let is_date = date.len() >= 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    let namespace: String = edition.chars().filter(char::is_ascii_digit).collect();
    let of_namespace = modules.iter().filter(|(module, _)| module.contains(&format!("{namespace}10")));
    let own = of_namespace.max_by_key(|(_, count)| **count).map(|(module, _)| module.as_str());
    let module = own.filter(|_| !namespace.is_empty()).unwrap_or(INTERNATIONAL);
    is_date.then(|| format!("http://snomed.info/sct/{module}/version/{date}")).filter(|_| edition != "D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_edition_and_date() {
        let modules = BTreeMap::from([
            ("900000000000207008".to_string(), 300_000),
            ("731000124108".to_string(), 5_000),
            ("5991000124107".to_string(), 10),
        ]);
        assert_eq!(
            version("sct2_Concept_Snapshot_INT_20240301.txt", &modules).unwrap(),
            "http://snomed.info/sct/900000000000207008/version/20240301"
        );
        assert_eq!(
            version("sct2_Concept_Snapshot_US1000124_20240901.txt", &modules).unwrap(),
            "http://snomed.info/sct/731000124108/version/20240901"
        );
        assert_eq!(version("sct2_Concept_Snapshot.txt", &modules), None);
    }
}
