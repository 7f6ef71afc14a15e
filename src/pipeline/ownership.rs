//! What a feed may merge (HL7 v2.5.1, 3.3.40), add to a record's numbers and say of its patient: only by identifiers that it
//! owns. Who assigns a number decides that two numbers are one patient's; whoever else says so could put any patient's record
//! into another's.

use crate::fhir::Identifier;
use crate::mapping::{Mapped, Merge};
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::record::{Head, Stamp};
use crate::site::Feed;
use crate::unused::{Duty, Kind};

/// Leaves out of a message's merges what the feed does not own; a merge of which nothing is left is an error.
pub(super) fn keep_owned(feed: &Feed, mapped: &mut Mapped) {
    let merges = std::mem::take(&mut mapped.merges);
    for (place, merge) in merges.into_iter().enumerate() {
        let occurrence = u16::try_from(place + 1).unwrap_or(u16::MAX);
        let owner = Owner { identified_by: &feed.identified_by, owns: &feed.owns };
        match owner.owned(merge, occurrence, &mut mapped.problems) {
            Ok(merge) => mapped.merges.push(merge),
            Err(problem) => mapped.problems.push(problem),
        }
    }
}

/// The identifiers that a record may learn of a message: none that another feed owns, since whoever it belongs to would then
/// find a record that is somebody else's. One that founds a record, and those it has, stay.
pub(super) fn learnable(
    feed: &Feed,
    head: &Head,
    found: Vec<Identifier>,
    problems: &mut Vec<Problem>,
) -> Vec<Identifier> {
    let founder = found.first().filter(|_| head.identifiers.is_empty()).cloned();
    let mut kept = Vec::new();
    for identifier in found {
        let is_known = head.identifiers.contains(&identifier) || founder.as_ref() == Some(&identifier);
        if is_known || !feed.foreign.contains(&identifier.system) {
            kept.push(identifier);
            continue;
        }
        let text = format!(
            "names a number of {} for this patient, which this feed does not own; who assigns it, a merge or a roster row may \
             say so",
            identifier.system
        );
        let place = Place::Field(FieldPlace::field("PID", 1, 3));
        let problem = Problem::information(Category::Forbidden, place, text);
        problems.push(problem.unused(Kind::Identity, &identifier.system));
    }
    kept
}

/// A message's stamp: its word on the patient counts less where every number it knows the patient by is another's.
pub(super) fn weigh(feed: &Feed, found: &[Identifier], stamp: Stamp) -> Stamp {
    let is_foreign = |identifier: &Identifier| feed.foreign.contains(&identifier.system);
    if !found.is_empty() && found.iter().all(is_foreign) { stamp.mentioning() } else { stamp }
}

struct Owner<'f> {
    identified_by: &'f [String],
    owns: &'f [String],
}

impl Owner<'_> {
    fn owned(&self, mut merge: Merge, occurrence: u16, problems: &mut Vec<Problem>) -> Result<Merge, Problem> {
        let is_owned = |identifier: &Identifier| self.owns.contains(&identifier.system);
        let identifies = |identifier: &&Identifier| self.identified_by.contains(&identifier.system);
        let foreign = |identifier: &&Identifier| !is_owned(identifier);
        if let Some(foreign) = merge.surviving.iter().filter(identifies).find(foreign) {
            return Err(refused(FieldPlace::field("PID", occurrence, 3), &foreign.system));
        }
        let place = FieldPlace::field("MRG", occurrence, 1);
        let Some(system) = merge.prior.iter().find(foreign).map(|foreign| foreign.system.clone()) else {
            return Ok(merge);
        };
        // Nothing lost: identifiers of others say nothing of this merge, which is refused when none is left.
        merge.prior.retain(is_owned);
        if merge.prior.is_empty() {
            return Err(refused(place, &system));
        }
        let text =
            format!("names a number of {system} too, which this feed does not own; it counts for nothing in the merge");
        let problem = Problem::information(Category::Forbidden, Place::Field(place), text);
        problems.push(problem.unused(Kind::Authority, &system));
        Ok(merge)
    }
}

fn refused(place: FieldPlace, system: &str) -> Problem {
    let text = format!(
        "this feed may merge only numbers that it owns, and those of {system} are not; who assigns them has to send the \
         merge, or the feed's `owns` has to name them"
    );
    Problem::error(Category::Forbidden, Place::Field(place), text).unused(Kind::Identity, system).owed_by(Duty::Feed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(surviving: &[(&str, &str)], prior: &[(&str, &str)]) -> (Result<Vec<Identifier>, Problem>, usize) {
        let identified_by = ["urn:south".to_string(), "urn:region".to_string()];
        let owner = Owner { identified_by: &identified_by, owns: &identified_by[..1] };
        let all = |of: &[(&str, &str)]| of.iter().map(|(system, value)| Identifier::new(*system, *value)).collect();
        let mut notes = Vec::new();
        let merge = Merge { surviving: all(surviving), prior: all(prior) };
        let kept = owner.owned(merge, 1, &mut notes).map(|merge| merge.prior);
        (kept, notes.len())
    }

    #[test]
    fn a_feed_merges_what_it_owns() {
        assert!(merged(&[("urn:south", "1"), ("urn:ssn", "9")], &[("urn:south", "2")]).0.is_ok());
    }

    #[test]
    fn a_foreign_number_is_never_merged_by_whoever_names_it() {
        let (refused, _) = merged(&[("urn:south", "1")], &[("urn:north", "7")]);
        let problem = refused.unwrap_err();
        assert!(problem.is_error() && problem.text.contains("urn:north") && !problem.text.contains('7'));
        assert!(merged(&[("urn:region", "1")], &[("urn:south", "2")]).0.is_err(), "nor does it survive");
        let (kept, notes) = merged(&[("urn:south", "1")], &[("urn:north", "7"), ("urn:south", "2")]);
        assert_eq!((kept.unwrap(), notes), (vec![Identifier::new("urn:south", "2")], 1));
    }
}
