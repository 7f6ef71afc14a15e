//! `owns` of a feed: the systems whose numbers its sender assigns. It may merge these and no others; and a feed of several
//! facilities that number their patients apart must not have one system for all.

use std::collections::{BTreeMap, BTreeSet};

use super::Feed;
use super::directory::Directory;
use crate::problem::{Category, Problem, Severity};
use crate::yaml::{Fields, Mark};

/// Reads the key; nothing where it is left out, until `settle` knows the other feeds.
pub fn read(
    fields: &mut Fields<'_>,
    directory: &mut Directory,
    identified_by: &[String],
    facilities: &[String],
) -> Vec<String> {
    let nodes = fields.list("owns");
    if nodes.is_empty() {
        warn_of_mixing(fields, identified_by, facilities);
        return Vec::new();
    }
    nodes.into_iter().filter_map(|node| directory.system(node, fields)).collect()
}

/// Says of every feed what it owns and what others own. Left out, a feed owns what identifies its patients, as long as no
/// other feed owns it or identifies by it: of two that name the same numbers, which one assigns them is not guessed.
pub fn settle(feeds: &mut BTreeMap<String, Feed>, marks: &BTreeMap<String, Mark>) -> Vec<Problem> {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for feed in feeds.values() {
        for system in &feed.owns {
            owners.entry(system.clone()).or_default().insert(feed.name.clone());
        }
        for system in feed.identified_by.iter().collect::<BTreeSet<_>>() {
            users.entry(system.clone()).or_default().push(feed.name.clone());
        }
    }
    let mut problems = Vec::new();
    for (system, users) in users.iter().filter(|(system, _)| !owners.contains_key(*system)).collect::<Vec<_>>() {
        match users.as_slice() {
            [only] if feeds.get(only).is_some_and(|feed| feed.owns.is_empty()) => {
                owners.insert(system.clone(), BTreeSet::from([only.clone()]));
            }
            [first, _, ..] => problems.extend(marks.get(first).map(|mark| owned_by_nobody(mark, system, users))),
            // Nothing lost: who says what it owns says that it owns no more.
            _ => {}
        }
    }
    for feed in feeds.values_mut() {
        let is_own = |names: &BTreeSet<String>| names.contains(&feed.name);
        feed.foreign = owners.iter().filter(|(_, names)| !is_own(names)).map(|(system, _)| system.clone()).collect();
        feed.owns = owners.iter().filter(|(_, names)| is_own(names)).map(|(system, _)| system.clone()).collect();
    }
    problems
}

fn owned_by_nobody(mark: &Mark, system: &str, users: &[String]) -> Problem {
    let text = format!(
        "the feeds {} all identify patients by {system}, and none says that its sender assigns these numbers: none may merge \
         them. Write `owns: [{system}]` in the feed of whoever assigns them",
        users.join(", ")
    );
    Problem { severity: Severity::Warning, ..mark.problem(Category::BusinessRule, text) }
}

/// Two hospitals both have a patient 4711. Who owns the numbers, said aloud, says that they are numbered as one.
fn warn_of_mixing(fields: &mut Fields<'_>, identified_by: &[String], facilities: &[String]) {
    let (Some(place), 2.., 1) = (fields.optional("facilities"), facilities.len(), identified_by.len()) else { return };
    let text = format!(
        "{} facilities send here, and one authority numbers their patients: where two of them use the same number, two \
         people share a record. Give each facility a feed or an authority of its own; if they number patients together, \
         say so by `owns: [{}]`",
        facilities.len(),
        identified_by.first().map_or("", String::as_str)
    );
    let problem = place.mark.problem(Category::BusinessRule, text);
    fields.report(Problem { severity: Severity::Warning, ..problem });
}
