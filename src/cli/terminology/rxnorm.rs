//! RxNorm as RRF (https://www.nlm.nih.gov/research/umls/rxnorm/docs/techdoc.html): RxNorm's own names of `RXNCONSO.RRF`, and, where it
//! is there, how its concepts relate by `RXNREL.RRF`. What other vocabularies in these files say is theirs, and is left out.

use anyhow::{Context, Result, bail};

use super::rows::Rows;
use super::source::{Source, base};
use crate::cli::screen::Screen;
use crate::fhir::terminology::Head;

const NAMES: &str = "RXNCONSO.RRF";
const RELATIONS: &str = "RXNREL.RRF";
const OWN: &str = "RXNORM";
/// Columns, and the empty one behind the last bar.
const NAME_COLUMNS: usize = 18;
const RELATION_COLUMNS: usize = 16;
/// Kinds of names that are not the concept's own (https://www.nlm.nih.gov/research/umls/rxnorm/docs/appendix5.html).
const OTHER_NAMES: [&str; 4] = ["SY", "TMSY", "PSN", "ET"];
/// Rows after which progress is shown.
const STEP: usize = 200_000;

pub fn is_table(name: &str) -> bool {
    name.eq_ignore_ascii_case(NAMES)
}

pub fn read(source: &mut Source, rows: &mut Rows, screen: &mut Screen) -> Result<Head> {
    let mut found = source.files(is_table);
    // A full release has the prescribable subset once more, in a folder of its own.
    found.sort_by_key(|name| (name.to_ascii_lowercase().contains("prescribe"), name.len()));
    let names = found.first().cloned().context("there is no RXNCONSO.RRF in it")?;
    let mut properties = std::collections::BTreeSet::from(["TTY".to_string()]);
    table(source, &names, NAME_COLUMNS, screen, &mut |row| {
        let column = |at: usize| row.get(at).copied().unwrap_or_default();
        let (code, kind, suppressed) = (column(0), column(12), column(16));
        if column(11) != OWN {
            return Ok(());
        }
        let is_obsolete = suppressed == "O";
        rows.code(rxcui(code)?, is_obsolete)?;
        let is_own = !OTHER_NAMES.contains(&kind);
        rows.text(code, if !is_own { 9 } else { u8::from(is_obsolete) }, "en", column(14))?;
        if is_own { rows.property(code, "TTY", kind) } else { Ok(()) }
    })?;
    let folder = names.strip_suffix(base(&names)).unwrap_or_default().to_string();
    let beside = source.files(|name| name.eq_ignore_ascii_case(RELATIONS));
    if let Some(relations) = beside.into_iter().find(|name| name.strip_suffix(base(name)) == Some(folder.as_str())) {
        table(source, &relations, RELATION_COLUMNS, screen, &mut |row| {
            let column = |at: usize| row.get(at).copied().unwrap_or_default();
            // Read from the second to the first: RXCUI2 has this relation to RXCUI1.
            let (to, from, relation) = (column(0), column(4), column(7));
            if column(10) != OWN || to.is_empty() || from.is_empty() || relation.is_empty() {
                return Ok(());
            }
            if !properties.contains(relation) {
                properties.insert(relation.to_string());
            }
            rows.property(rxcui(from)?, relation, rxcui(to)?)
        })?;
    }
    let date = source
        .name()
        .split(['_', '.'])
        .find(|part| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_string);
    Ok(Head {
        url: "http://www.nlm.nih.gov/research/umls/rxnorm".to_string(),
        version: date,
        name: Some("RxNorm".to_string()),
        properties: properties.into_iter().collect(),
        copyright: Some("RxNorm is produced by the U.S. National Library of Medicine".to_string()),
        ..Head::default()
    })
}

fn rxcui(text: &str) -> Result<&str> {
    if text.is_empty() || text.len() > 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        bail!("`{}` is no RXCUI", text.chars().take(40).collect::<String>());
    }
    Ok(text)
}

fn table(
    source: &mut Source,
    name: &str,
    columns: usize,
    screen: &mut Screen,
    take: &mut dyn FnMut(&[&str]) -> Result<()>,
) -> Result<()> {
    let own = base(name).to_string();
    source.lines(name, &mut |number, line| {
        let row: Vec<&str> = line.strip_suffix('|').unwrap_or(line).split('|').collect();
        if row.len() != columns {
            bail!(
                "the row has {} columns, and {own} has {columns}: the file is damaged, cut off, or another",
                row.len()
            );
        }
        if number % STEP == 0 {
            screen.progress(&format!("{own}: {number} rows read"));
        }
        take(&row)
    })?;
    screen.end_progress();
    Ok(())
}
