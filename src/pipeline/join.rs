//! One person under the numbers of two hospitals: a roster row that names both says so, and the two records become one, as by
//! a merge message (A40), in a commit of its own. Nothing is joined whose dates of birth contradict each other.

use super::Gateway;
use super::find::memberships;
use super::hot::OBSERVATIONS;
use super::labels;
use super::locks::MOST_TRIES;
use super::portions::Portion;
use super::settle::{Settled, settle};
use super::working::Working;
use crate::fhir::Identifier;
use crate::identity::PersonId;
use crate::problem::{Category, Place, Problem};
use crate::record::{Record, Stamp, Statement, merge_patients};
use crate::store::{HeadWrite, StoreError};
use crate::unused::{Duty, Kind};

/// Two records that a roster row says are one. The one whose number stands first in the row takes over the other, so that
/// both orders of arrival end the same.
struct Pair {
    survivor: PersonId,
    gone: PersonId,
    survivor_identifiers: Vec<Identifier>,
    gone_identifiers: Vec<Identifier>,
}

/// Somebody as far as an input tells.
pub(super) struct Somebody<'a> {
    pub person: PersonId,
    /// The identifiers that lead to the person, or would.
    pub own: &'a [Identifier],
    /// What an input says of the date of birth, where the record is not written yet.
    pub birth: Option<&'a str>,
}

impl Gateway {
    /// Joins the records of those in a message whom nobody has seen with those that rosters say are theirs, and says what
    /// stands against it.
    pub(super) async fn join_newcomers(&self, portions: &[Portion<'_>]) -> Result<Vec<Problem>, StoreError> {
        let mut problems = Vec::new();
        for portion in portions.iter().filter(|portion| portion.prior.is_empty()) {
            let known = self.store.persons_of(&portion.candidates).await?;
            // Nothing lost: a patient whom somebody has seen is found as ever.
            let Some(first) = portion.candidates.first().filter(|_| known.iter().all(Option::is_none)) else {
                // Nothing lost: who was seen before is found as ever, and needs no roster to be joined by.
                continue;
            };
            let somebody =
                Somebody { person: PersonId::of(first), own: &portion.candidates, birth: portion.birth_date() };
            problems.extend(self.join_by_roster(&somebody).await?);
        }
        Ok(problems)
    }

    /// Joins a record with another one that a roster row names as the same person.
    pub(super) async fn join_by_roster(&self, somebody: &Somebody<'_>) -> Result<Option<Problem>, StoreError> {
        let (store, site) = (&*self.store, self.site.load_full());
        // Nothing lost: after so many tries whoever asked is told.
        for _ in 0..MOST_TRIES {
            let Some(pair) = self.pair(somebody).await? else { return Ok(None) };
            let _locks = self.locks.hold(&[pair.survivor, pair.gone]).await;
            let now = self.clock.now();
            let survivor = store.record(pair.survivor, &[], OBSERVATIONS).await?;
            let gone = store.record(pair.gone, &[], OBSERVATIONS).await?;
            if let Some(problem) = contradiction(&survivor, &gone, somebody.birth) {
                return Ok(Some(problem));
            }
            let statement = Statement {
                stamp: Stamp::new(now, now, "roster/"),
                trigger: "a roster row".to_string(),
                drafts: Vec::new(),
                events: std::collections::BTreeMap::new(),
                candidates: pair.survivor_identifiers.clone(),
                received: now,
            };
            let merged = merge_patients(&survivor, &gone, &pair.gone_identifiers, statement);
            let Some(prior) = merged.prior else {
                return Ok(Some(refusal("two records that a merge message told apart stay apart")));
            };
            // What protects the one protects what is told of the other.
            let changes = labels::spread(&[&survivor, &gone], merged.changes, now);
            let mut both = Record { head: merged.head, ..survivor.clone() };
            both.head.revision = survivor.head.revision;
            both.resources.extend(gone.resources);
            let memberships = memberships(store, &both, Vec::new()).await?;
            let mut working = Working::new(both, memberships);
            working.take(changes);
            let Settled { mut unit, trace, .. } = settle(&site, working, now);
            unit.heads.push(HeadWrite { head: prior, replaces: gone.head.revision });
            unit.identifiers = merged.identifiers;
            match self.commit_change(unit, trace.resources).await {
                Err(StoreError::Conflict) => {}
                done => return done.map(|()| None),
            }
        }
        Err(StoreError::Conflict)
    }

    /// The other record of a person by the rosters, if there is one.
    async fn pair(&self, somebody: &Somebody<'_>) -> Result<Option<Pair>, StoreError> {
        let Somebody { person, own, .. } = *somebody;
        let rows = self.store.memberships(own).await?;
        for row in rows.iter().filter(|row| row.identifiers.len() > 1) {
            let known = self.store.persons_of(&row.identifiers).await?;
            let leads: Vec<(PersonId, &Identifier)> = row
                .identifiers
                .iter()
                .zip(known)
                .filter_map(|(identifier, known)| {
                    let leads = if own.contains(identifier) { Some(person) } else { known };
                    Some((leads?, identifier))
                })
                .collect();
            // Nothing lost: identifiers that lead to one record, or to none, say nothing of two.
            let Some((first, _)) = leads.first().copied() else { continue };
            let other = leads.iter().map(|(leads, _)| *leads).find(|leads| *leads != first);
            // Nothing lost: identifiers that lead to one record, or to none, say nothing of two.
            let Some(other) = other.map(|other| if first == person { other } else { person }) else { continue };
            let of = |whose: PersonId| {
                leads.iter().filter(|(leads, _)| *leads == whose).map(|(_, identifier)| (*identifier).clone()).collect()
            };
            let (survivor_identifiers, gone_identifiers) = (of(first), of(other));
            return Ok(Some(Pair { survivor: first, gone: other, survivor_identifiers, gone_identifiers }));
        }
        Ok(None)
    }
}

/// What stands against two records being one.
fn contradiction(survivor: &Record, gone: &Record, birth: Option<&str>) -> Option<Problem> {
    match [birth_of(survivor).or(birth), birth_of(gone).or(birth)] {
        [Some(one), Some(other)] if one != other => Some(refusal(
            "a roster row names this patient and another record as one person, and their dates of birth differ; nothing was \
             joined: correct the row, or let the hospital correct its record",
        )),
        _ => None,
    }
}

fn refusal(text: &str) -> Problem {
    let place = Place::Element("Patient.birthDate".to_string());
    let problem = Problem::warning(Category::MultipleMatches, place, text);
    problem.unused(Kind::Identity, "roster row").owed_by(Duty::Practice)
}

fn birth_of(record: &Record) -> Option<&str> {
    record.of_type("Patient").find_map(|patient| patient.resource.text("birthDate"))
}
