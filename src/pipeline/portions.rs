//! A message taken apart by patient: results of several people in one message, several merges in one A40. Each portion is found,
//! decided and settled like a message of its own, and all are committed as one. Never puts what is said of one patient with
//! another.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::fhir::{Draft, Identifier, Scope};
use crate::identity::{self, ResourceId};
use crate::mapping::{Event, Mapped};
use crate::problem::{Category, FieldPlace, Place, Problem};

/// What a message says about one patient, with at most one merge.
#[derive(Debug, Clone)]
pub(super) struct Portion<'m> {
    pub event: &'m Event,
    /// What happened to single drafts, by their local names, where it is not what happened to the rest.
    pub events: BTreeMap<String, Event>,
    pub drafts: Cow<'m, [Draft]>,
    /// The identifiers that say who the patient is.
    pub candidates: Vec<Identifier>,
    /// How a merge names the record that the patient takes over; empty where there is none.
    pub prior: Vec<Identifier>,
    /// The ids that drafts have already, by their local names.
    pub ids: BTreeMap<String, ResourceId>,
}

impl Portion<'_> {
    /// The identifiers that the portion states of its patient, those that say nothing about who it is among them.
    pub fn stated(&self) -> Vec<Identifier> {
        let patient = self.drafts.iter().find(|draft| is_patient(draft));
        patient.map(|draft| draft.resource.identifiers()).unwrap_or_default()
    }

    pub fn birth_date(&self) -> Option<&str> {
        self.drafts.iter().find(|draft| is_patient(draft))?.resource.text("birthDate")
    }
}

/// The portions of a message in its order; never none. `identified_by` are the systems that say who a patient is.
///
/// # Errors
/// A patient whom no identifier names, or something that cannot be told to be about one of several patients.
pub(super) fn portions<'m>(identified_by: &[String], mapped: &'m Mapped) -> Result<Vec<Portion<'m>>, Problem> {
    let patients = patients(identified_by, mapped)?;
    let mut portions = match patients.as_slice() {
        [only] => {
            let candidates = only.candidates.clone();
            vec![Portion {
                event: &mapped.event,
                events: BTreeMap::new(),
                drafts: (&mapped.drafts).into(),
                candidates,
                prior: Vec::new(),
                ids: BTreeMap::new(),
            }]
        }
        several => parted(mapped, several)?,
    };
    merges(mapped, &mut portions)?;
    Ok(portions)
}

/// One person, told of once or more often.
struct Patient {
    /// The places of their drafts.
    told: Vec<usize>,
    candidates: Vec<Identifier>,
}

fn is_patient(draft: &Draft) -> bool {
    draft.resource.resource_type() == "Patient" && draft.scope == Scope::Patient
}

/// Everybody the message is about. Two that share an identifier are one.
fn patients(identified_by: &[String], mapped: &Mapped) -> Result<Vec<Patient>, Problem> {
    let mut found: Vec<Patient> = Vec::new();
    let mut known: HashMap<Identifier, usize> = HashMap::new();
    let drafts = mapped.drafts.iter().enumerate().filter(|(_, draft)| is_patient(draft));
    for (number, (place, draft)) in drafts.enumerate() {
        let candidates = identity::candidates(&draft.resource, identified_by)
            .map_err(|problem| Problem { place: patient_field(number), ..problem })?;
        let same = candidates.iter().find_map(|candidate| known.get(candidate).copied());
        let index = same.unwrap_or(found.len());
        known.extend(candidates.iter().map(|candidate| (candidate.clone(), index)));
        match found.get_mut(index) {
            Some(patient) => {
                patient.told.push(place);
                let more = candidates.into_iter().filter(|candidate| !patient.candidates.contains(candidate));
                patient.candidates.extend(more.collect::<Vec<_>>());
            }
            None => found.push(Patient { told: vec![place], candidates }),
        }
    }
    if found.is_empty() {
        let nobody = crate::fhir::Resource::new("Patient");
        let candidates = identity::candidates(&nobody, identified_by)
            .map_err(|problem| Problem { place: patient_field(0), ..problem })?;
        found.push(Patient { told: Vec::new(), candidates });
    }
    Ok(found)
}

fn patient_field(number: usize) -> Place {
    Place::Field(FieldPlace::field("PID", u16::try_from(number + 1).unwrap_or(u16::MAX), 3))
}

/// Each patient with what refers to them, and with the practitioners and places that it names.
fn parted<'m>(mapped: &'m Mapped, patients: &[Patient]) -> Result<Vec<Portion<'m>>, Problem> {
    let places: HashMap<&str, usize> =
        mapped.drafts.iter().enumerate().map(|(place, draft)| (draft.local.as_str(), place)).collect();
    let named: Vec<Vec<usize>> = mapped.drafts.iter().map(|draft| references(draft, &places)).collect();
    let owners = owners(mapped, &named, patients);
    let is_own = |place: usize| mapped.drafts.get(place).is_some_and(|draft| draft.scope == Scope::Patient);
    if (0..mapped.drafts.len()).any(|place| is_own(place) && owners.get(place).copied().flatten().is_none()) {
        let text = "a part of the message cannot be told to be about one of its patients; send each patient in a message of \
                    their own";
        return Err(Problem::error(Category::Structure, Place::Field(FieldPlace::segment("PID", 2)), text));
    }
    let portion = |(index, patient): (usize, &Patient)| {
        let own = (0..mapped.drafts.len()).filter(|place| owners.get(*place).copied().flatten() == Some(index));
        let mut chosen: BTreeSet<usize> = own.collect();
        let mut next: VecDeque<usize> = chosen.iter().copied().collect();
        while let Some(place) = next.pop_front() {
            let shared = named.get(place).into_iter().flatten().copied().filter(|named| !is_own(*named));
            let new: Vec<usize> = shared.filter(|named| chosen.insert(*named)).collect();
            next.extend(new);
        }
        let drafts: Vec<Draft> = chosen.iter().filter_map(|place| mapped.drafts.get(*place).cloned()).collect();
        let candidates = patient.candidates.clone();
        Portion {
            event: &mapped.event,
            events: BTreeMap::new(),
            drafts: Cow::Owned(drafts),
            candidates,
            prior: Vec::new(),
            ids: BTreeMap::new(),
        }
    };
    Ok(patients.iter().enumerate().map(portion).collect())
}

/// Whose each draft is: its patient's by the references between them, in either direction, past shared resources never.
fn owners(mapped: &Mapped, named: &[Vec<usize>], patients: &[Patient]) -> Vec<Option<usize>> {
    let is_own = |place: usize| mapped.drafts.get(place).is_some_and(|draft| draft.scope == Scope::Patient);
    let mut beside: Vec<Vec<usize>> = vec![Vec::new(); mapped.drafts.len()];
    for (from, targets) in named.iter().enumerate().filter(|(from, _)| is_own(*from)) {
        for to in targets.iter().copied().filter(|to| is_own(*to)) {
            for (one, other) in [(from, to), (to, from)] {
                if let Some(list) = beside.get_mut(one) {
                    list.push(other);
                }
            }
        }
    }
    let mut owners: Vec<Option<usize>> = vec![None; mapped.drafts.len()];
    let told =
        patients.iter().enumerate().flat_map(|(index, patient)| patient.told.iter().map(move |place| (*place, index)));
    let mut next: VecDeque<(usize, usize)> = told.collect();
    while let Some((place, owner)) = next.pop_front() {
        // Nothing lost: it has an owner already.
        let Some(own) = owners.get_mut(place).filter(|own| own.is_none()) else { continue };
        *own = Some(owner);
        next.extend(beside.get(place).into_iter().flatten().map(|other| (*other, owner)));
    }
    owners
}

/// The drafts that one refers to.
fn references(draft: &Draft, places: &HashMap<&str, usize>) -> Vec<usize> {
    let local = draft.resource.references().into_iter().filter_map(|reference| reference.strip_prefix('#'));
    local.filter_map(|local| places.get(local).copied()).collect()
}

/// Gives each merge to the portion of its survivor; a second one for the same survivor becomes a portion of its own after it.
fn merges(mapped: &Mapped, portions: &mut Vec<Portion<'_>>) -> Result<(), Problem> {
    for (number, merge) in mapped.merges.iter().enumerate() {
        let is_survivor = |portion: &Portion<'_>| {
            let stated = portion.stated();
            merge.surviving.iter().any(|surviving| stated.contains(surviving) || portion.candidates.contains(surviving))
        };
        let found = if portions.len() == 1 { Some(0) } else { portions.iter().position(is_survivor) };
        let Some(place) = found else {
            let occurrence = u16::try_from(number + 1).unwrap_or(u16::MAX);
            let text = "the surviving patient of this merge is none of the message's patients";
            return Err(Problem::error(
                Category::Structure,
                Place::Field(FieldPlace::segment("MRG", occurrence)),
                text,
            ));
        };
        match portions.get_mut(place) {
            Some(portion) if portion.prior.is_empty() => portion.prior.clone_from(&merge.prior),
            Some(portion) => {
                let more = Portion { prior: merge.prior.clone(), ..portion.clone() };
                portions.insert(place + 1, more);
            }
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::hl7::{Message, ReadOptions};
    use crate::mapping::{Authorities, Context, Habits, Layers, MapSet, compile};

    static SET: LazyLock<MapSet> = LazyLock::new(|| compile(&Layers::built_in()).0);
    const WARD: &str = "urn:oid:1.2.840.99";

    fn mapped(kind: &str, lines: &str) -> Mapped {
        let head = format!("MSH|^~\\&|LAB|NORTH|||20260301||{kind}|1|P|2.5.1\n");
        let raw = format!("{head}{lines}").replace('\n', "\r").into_bytes();
        let (authorities, habits) = (Authorities::default(), Habits::default());
        let zone = &TimeZone::UTC;
        let context = Context { zone, authorities: &authorities, habits: &habits, received: Timestamp::UNIX_EPOCH };
        SET.apply(&Message::parse(raw, &ReadOptions::default()).message.unwrap(), &context)
    }

    fn parts(mapped: &Mapped) -> Result<Vec<Portion<'_>>, Problem> {
        portions(&[WARD.to_string()], mapped)
    }

    fn count(portion: &Portion<'_>, resource_type: &str) -> usize {
        portion.drafts.iter().filter(|draft| draft.resource.resource_type() == resource_type).count()
    }

    const TWO: &str = "PID|1||71^^^&1.2.840.99&ISO\nOBR|1||A1^LAB|X^Panel^L|||20260301101500\n\
                       OBX|1|NM|718-7^Hb^LN||13.1|g/dL|||||F|||||9^Reed^Ann^^^^^^N&1.2.840.99&ISO\nOBX|2|NM|2345-7^Glucose^LN||99|mg/dL|||||F|||||9^Reed^Ann^^^^^^N&1.2.840.99&ISO\n\
                       PID|2||72^^^&1.2.840.99&ISO\nOBR|1||A2^LAB|X^Panel^L|||20260301102500\n\
                       OBX|1|NM|718-7^Hb^LN||9.4|g/dL|||||F|||||9^Reed^Ann^^^^^^N&1.2.840.99&ISO\n";

    #[test]
    fn results_of_two_people_are_two_portions_that_share_who_measured() {
        let mapped = mapped("ORU^R01^ORU_R01", TWO);
        let parts = parts(&mapped).unwrap();
        let counts = |kind: &str| parts.iter().map(|portion| count(portion, kind)).collect::<Vec<_>>();
        assert_eq!(counts("Patient"), [1, 1]);
        assert_eq!(counts("Observation"), [2, 1]);
        assert_eq!(counts("Practitioner"), [1, 1]);
        assert_eq!(parts[1].candidates, [Identifier::new(WARD, "72")]);
    }

    #[test]
    fn one_patient_told_of_twice_is_one_portion() {
        let mapped = mapped("ORU^R01^ORU_R01", &TWO.replace("|72^", "|71^"));
        let parts = parts(&mapped).unwrap();
        assert_eq!((parts.len(), count(&parts[0], "Observation")), (1, 3));
    }

    #[test]
    fn a_second_patient_without_a_usable_number_is_named_where_they_stand() {
        let mapped = mapped("ORU^R01^ORU_R01", &TWO.replace("|72^^^&1.2.840.99&ISO", "|72^^^&1.2.3&ISO"));
        let problem = parts(&mapped).unwrap_err();
        assert_eq!(problem.place, Place::Field(FieldPlace::field("PID", 2, 3)));
    }

    #[test]
    fn two_numbers_that_one_survivor_takes_over_are_two_merges_in_order() {
        let pair = |number: u32| format!("PID|1||71^^^&1.2.840.99&ISO\nMRG|{number}^^^&1.2.840.99&ISO\n");
        let mapped = mapped("ADT^A40^ADT_A39", &format!("EVN||20260301\n{}{}", pair(81), pair(82)));
        let parts = parts(&mapped).unwrap();
        let prior = |number: &str| vec![Identifier::new(WARD, number)];
        assert_eq!(parts.iter().map(|part| part.prior.clone()).collect::<Vec<_>>(), [prior("81"), prior("82")]);
    }
}
