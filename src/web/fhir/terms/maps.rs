//! The concept maps that are held (http://hl7.org/fhir/R4/conceptmap.html): the tables by which this site's feeds make FHIR of HL7
//! v2 codes, as far as they speak of codes of that table. What senders write instead is no code of it, and stays out.

use std::collections::{BTreeMap, BTreeSet};

use crate::fhir::Library;
use crate::fhir::terminology::Membership;
use crate::mapping::{Table, TableCode};
use crate::site::Site;

/// A table as a map from one code system to others.
pub struct HeldMap<'a> {
    pub id: String,
    pub source: &'a str,
    /// The feeds that use it.
    pub feeds: BTreeSet<&'a str>,
    table: &'a Table,
}

/// One line: a code, and what it becomes; nothing for one that says nothing in FHIR.
pub struct Line<'a> {
    pub code: &'a str,
    pub target: Option<(&'a str, &'a TableCode)>,
}

/// All of them, by id. Where feeds differ, each has its own.
pub fn held_maps(site: &Site) -> Vec<HeldMap<'_>> {
    let mut maps: BTreeMap<String, HeldMap<'_>> = BTreeMap::new();
    for (feed, set) in &site.mappings {
        for table in set.tables() {
            let Some(source) = table.source_system.as_deref() else { continue };
            let alike = maps.values_mut().find(|known| {
                known.table.name == table.name
                    && known.table.codes == table.codes
                    && known.table.silent == table.silent
                    && known.source == source
            });
            if let Some(known) = alike {
                known.feeds.insert(feed);
                continue;
            }
            let id = if maps.contains_key(&table.name) { format!("{}.{feed}", table.name) } else { table.name.clone() };
            let map = HeldMap { id: id.clone(), source, feeds: BTreeSet::from([feed.as_str()]), table };
            maps.insert(id, map);
        }
    }
    maps.into_values().filter(|map| !map.lines(site.profiles.library()).is_empty()).collect()
}

impl<'a> HeldMap<'a> {
    pub fn name(&self) -> &'a str {
        &self.table.name
    }

    pub fn url(&self, base: &str) -> String {
        format!("{base}/ConceptMap/{}", self.id)
    }

    /// The lines whose codes the source has, in its order.
    pub fn lines(&self, library: &Library) -> Vec<Line<'a>> {
        let is_code = |code: &str| library.has_code(self.source, code) == Membership::In;
        let mapped = self
            .table
            .codes
            .iter()
            .filter_map(|(code, row)| Some(Line { code, target: Some((row.system.as_deref()?, row)) }));
        let silent = self.table.silent.iter().map(|code| Line { code, target: None });
        mapped.chain(silent).filter(|line| is_code(line.code)).collect()
    }
}
