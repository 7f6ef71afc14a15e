//! Who a Patient is said to be. Statements that name one person belong together; when a number is told of two, the person
//! who was told of first keeps it, whatever order the messages came in, and what is said of the other is kept aside.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Stamp;
use super::part::{self, Part, Parts};
use crate::fhir::Resource;
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::unused::{Duty, Kind};

/// Persons and names of theirs that are kept apart; more of them are no story that a machine could tell apart.
const MOST_FACES: usize = 8;
const MOST_CLAIMS: usize = 32;

/// What tells one person from another in one statement, for comparing: letters and digits only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    families: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    birth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sex: Option<String>,
}

/// One person that a number was told of: by which claims, each with its weightiest and earliest statement, and what was
/// said with them.
#[derive(Debug, Clone)]
pub(super) struct Face {
    pub claims: BTreeMap<Claim, Stamp>,
    pub parts: Parts,
}

/// How a stored Patient's parts belong to persons.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Who the Patient shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    claims: Vec<(Claim, Stamp)>,
    /// The parts that were said without saying of whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unclaimed: Vec<String>,
    /// What was said so and outdone since by what was said of who shows: it may show with another person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outdone: Vec<Aside>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
}

/// A person who does not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Other {
    claims: Vec<(Claim, Stamp)>,
    parts: Vec<Aside>,
}

/// What was said of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Aside {
    name: String,
    stamp: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

impl Claim {
    /// What a Patient says of who it is; none where it names nobody well enough to tell.
    pub fn of(patient: &Resource) -> Option<Self> {
        let names = patient.get("name").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let family = |name: &Value| name.get("family").and_then(Value::as_str).map(folded);
        let mut families: Vec<String> = names.iter().filter_map(family).filter(|family| !family.is_empty()).collect();
        families.sort();
        families.dedup();
        let given = names.first().and_then(|name| name.pointer("/given/0")).and_then(Value::as_str).map(folded);
        let birth = patient.text("birthDate").map(String::from);
        let sex = patient.text("gender").filter(|sex| *sex != "unknown").map(String::from);
        let tells = !families.is_empty() && (given.is_some() || birth.is_some());
        tells.then_some(Self { families, given, birth, sex })
    }

    /// Whether both may name one person: a family name or the birth date agrees, or at least given name and sex do. Where
    /// family name, birth date and sex differ, or family name, birth date and given name, they name two.
    fn agrees(&self, other: &Self) -> bool {
        let both = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => Some(one.starts_with(other.as_str()) || other.starts_with(one.as_str())),
            _ => None,
        };
        self.families.iter().any(|family| other.families.contains(family))
            || both(&self.birth, &other.birth) == Some(true)
            || (both(&self.given, &other.given) == Some(true) && both(&self.sex, &other.sex) != Some(false))
    }
}

fn folded(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Face {
    pub fn of(claim: Claim, stamp: Stamp, parts: Parts) -> Self {
        Self { claims: BTreeMap::from([(claim, stamp)]), parts }
    }

    fn agrees(&self, other: &Self) -> bool {
        self.claims.keys().any(|claim| other.claims.keys().any(|theirs| claim.agrees(theirs)))
    }

    fn join(mut self, other: Self) -> Self {
        for (claim, stamp) in other.claims {
            let known = self.claims.entry(claim).or_insert_with(|| stamp.clone());
            if precedence(&stamp) < precedence(known) {
                *known = stamp;
            }
        }
        self.parts = part::join(self.parts, other.parts);
        self
    }

    /// Who was told of first, by those who keep demographics before those who only mention them.
    fn precedence(&self) -> Option<(i8, &Stamp)> {
        self.claims.values().map(precedence).min()
    }
}

fn precedence(stamp: &Stamp) -> (i8, &Stamp) {
    (-stamp.weight, stamp)
}

/// Joins what two sides know: persons with agreeing claims are one. The first is the one who shows.
pub(super) fn join(left: Vec<Face>, right: Vec<Face>) -> Vec<Face> {
    let mut faces: Vec<Face> = Vec::new();
    for face in left.into_iter().chain(right) {
        let (agreeing, mut others): (Vec<Face>, Vec<Face>) = faces.into_iter().partition(|known| known.agrees(&face));
        others.push(agreeing.into_iter().fold(face, Face::join));
        faces = others;
    }
    faces.sort_by(|one, other| one.precedence().cmp(&other.precedence()));
    // Nothing lost: that a number is told of several persons was said at the second.
    faces.truncate(MOST_FACES);
    for face in &mut faces {
        // Nothing lost: a further name of the same person tells them no better apart.
        while face.claims.len() > MOST_CLAIMS {
            face.claims.pop_last();
        }
    }
    faces
}

/// Whom a statement names, beside those who were known.
pub(super) struct Named {
    known: usize,
    claims: Vec<Claim>,
}

impl Named {
    pub fn of(known: &[Face], stated: &[Face]) -> Self {
        let claims = stated.iter().flat_map(|face| face.claims.keys().cloned());
        Self { known: known.len(), claims: claims.collect() }
    }

    /// Whether it is another person than the one who shows once both are joined.
    pub fn is_another(&self, joined: &[Face]) -> bool {
        joined.first().is_some_and(|first| self.claims.iter().any(|claim| !first.claims.contains_key(claim)))
    }

    /// Says that a number is told of two persons: with each message that names the other one, and with one that shows there is
    /// another. `about` names the Patient.
    pub fn doubt(&self, joined: &[Face], about: &str) -> Option<Problem> {
        let is_new = joined.len() > self.known.max(1) && !self.claims.is_empty();
        let text = if self.is_another(joined) {
            "this message names another person under a number that is somebody's already: family name, birth date and sex or \
             given name are others; the demographics that were told first stay, and a person has to find out whose number it \
             is. If it is one person, a message that keeps the birth date or a family name (PID-9) says so"
        } else if is_new {
            "this number was told of another person later: family name, birth date and sex or given name are others; the \
             demographics that were told first stand again, and a person has to find out whose number it is"
        } else {
            return None;
        };
        let place = Place::Field(FieldPlace::field("PID", 1, 5));
        let problem = Problem::warning(Category::Conflict, place, text).unused(Kind::Identity, about);
        Some(problem.owed_by(Duty::Practice))
    }
}

/// How the parts that show belong to persons. `unclaimed` are those said without saying of whom.
pub(super) fn store(faces: &[Face], unclaimed: &Parts, shown: &Parts) -> Who {
    let claims = |face: &Face| face.claims.iter().map(|(claim, stamp)| (claim.clone(), stamp.clone())).collect();
    let Some((first, others)) = faces.split_first() else { return Who::default() };
    let is_unclaimed = |name: &&String| unclaimed.get(*name).is_some_and(|part| shown.get(*name) == Some(part));
    let aside = |(name, part): (&String, &Part)| {
        let stamp = part.stamp.clone()?;
        Some(Aside { name: name.clone(), stamp, content: part.content.clone(), source: part.source.clone() })
    };
    let others =
        others.iter().map(|face| Other { claims: claims(face), parts: face.parts.iter().filter_map(aside).collect() });
    Who {
        claims: claims(first),
        unclaimed: shown.keys().filter(is_unclaimed).cloned().collect(),
        outdone: unclaimed.iter().filter(|(name, _)| !is_unclaimed(name)).filter_map(aside).collect(),
        others: others.collect(),
    }
}

/// The persons of a stored Patient; what is left in `parts` was said without saying of whom. A Patient that an earlier
/// version stored is of whom it names.
pub(super) fn read(who: Option<&Who>, patient: &Resource, parts: &mut Parts) -> Vec<Face> {
    let Some(who) = who else {
        let stamps = parts.values().filter_map(|part| part.stamp.clone());
        // Nothing lost: who never had a name or a date of birth cannot be told apart.
        let (Some(claim), Some(stamp)) = (Claim::of(patient), stamps.min()) else { return Vec::new() };
        return vec![Face::of(claim, stamp, std::mem::take(parts))];
    };
    if who.claims.is_empty() {
        return Vec::new();
    }
    let (unclaimed, claimed): (Parts, Parts) =
        std::mem::take(parts).into_iter().partition(|(name, _)| who.unclaimed.contains(name));
    let read = |aside: &Aside| {
        let Aside { name, stamp, content, source } = aside.clone();
        (name, Part { stamp: Some(stamp), content, source })
    };
    *parts = unclaimed;
    parts.extend(who.outdone.iter().map(read));
    let first = Face { claims: who.claims.iter().cloned().collect(), parts: claimed };
    let others = who.others.iter().map(|other| Face {
        claims: other.claims.iter().cloned().collect(),
        parts: other.parts.iter().map(read).collect(),
    });
    std::iter::once(first).chain(others).collect()
}
