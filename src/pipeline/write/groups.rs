//! Whose record each entry of a request is about: those of one patient are decided together, as a portion of a message is. What it
//! refers to is read with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::Gateway;
use super::super::find::choose;
use super::super::named::persons_named;
use super::super::overlay::Overlay;
use super::super::portions::Portion;
use super::super::render::own_identifier;
use super::entry::{Entry, Verb};
use super::refusal::Refusal;
use super::statement::{Places, draft, element_of, ours};
use super::target::{Target, Targets, local};
use crate::fhir::{Draft, Home, Identifier, Resource, home_of, references_at};
use crate::identity::{self, PersonId, ResourceId};
use crate::mapping::Event;
use crate::problem::Category;
use crate::record::{Head, Stored};
use crate::site::Feed;
use crate::store::StoreError;

/// References to things of ours in one request.
const MOST_REFERENCES: usize = 10_000;

/// The entries of one patient; of none, where the person is `SHARED`.
pub(super) struct Group<'e> {
    pub person: PersonId,
    pub portion: Portion<'e>,
    pub entries: Vec<usize>,
}

/// What is referred to, by type and id.
pub(super) type Referred = BTreeMap<(String, ResourceId), Stored>;

pub(super) struct Groups<'e> {
    pub groups: Vec<Group<'e>>,
    pub referred: Referred,
}

/// Whom an entry is about.
#[derive(Clone)]
struct About {
    person: PersonId,
    /// The identifiers that lead there.
    identifiers: Vec<Identifier>,
    /// How a resource of the same body refers to the patient.
    reference: String,
}

type Found<T> = Result<Result<T, Refusal>, StoreError>;

/// `?` for a refusal inside what may fail for the store's sake.
macro_rules! settled {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
}

pub(super) struct Grouping<'a> {
    pub gateway: &'a Gateway,
    pub feed: &'a Feed,
    pub entries: &'a [Entry],
    pub targets: &'a Targets<'a>,
}

impl<'a> Grouping<'a> {
    pub async fn groups(&self, event: &'a Event) -> Found<Groups<'a>> {
        let mut patients: BTreeMap<usize, About> = BTreeMap::new();
        for (place, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.kind == "Patient") {
            patients.insert(place, settled!(self.patient(place, entry).await?));
        }
        let places = Places { targets: self.targets, entries: self.entries };
        let mut by_person: BTreeMap<PersonId, (Vec<Identifier>, Vec<usize>)> = BTreeMap::new();
        let mut drafts: BTreeMap<usize, Draft> = BTreeMap::new();
        for (place, entry) in self.entries.iter().enumerate() {
            let about = match (patients.get(&place), home_of(&entry.kind)) {
                (Some(about), _) => about.clone(),
                (None, Some(Home::Of(path))) => settled!(self.about(entry, path, &patients).await?),
                _ => settled!(shared(entry)),
            };
            let mut resource = entry.resource.clone();
            if let Some(Home::Of(path)) = home_of(&entry.kind) {
                name_patient(&mut resource, path, &about.reference);
            }
            settled!(places.rewrite(entry, &mut resource));
            if !matches!(entry.verb, Verb::Stays(_)) {
                drafts.insert(place, draft(entry, resource));
            }
            let (identifiers, group) = by_person.entry(about.person).or_default();
            identifiers.extend(about.identifiers);
            group.push(place);
        }
        settled!(self.check_kept_apart(&by_person));
        let referred = settled!(self.referred(&drafts).await?);
        Ok(Ok(Groups { groups: self.portions(event, by_person, &drafts), referred }))
    }

    /// What is said of one patient refers to nothing of another's.
    fn check_kept_apart(&self, by_person: &BTreeMap<PersonId, (Vec<Identifier>, Vec<usize>)>) -> Result<(), Refusal> {
        let owned = by_person.iter().flat_map(|(person, (_, places))| places.iter().map(|place| (*place, *person)));
        let owners: BTreeMap<usize, PersonId> = owned.collect();
        if by_person.keys().filter(|person| **person != PersonId::SHARED).count() < 2 {
            return Ok(());
        }
        for (own, (_, places)) in by_person {
            for entry in places.iter().filter_map(|place| self.entries.get(*place)) {
                let references = entry.resource.references();
                let strays = |reference: &&str| match self.targets.of_reference(reference) {
                    Target::Entry(place) => {
                        owners.get(&place).is_some_and(|one| one != own && *one != PersonId::SHARED)
                    }
                    _ => false,
                };
                if let Some(reference) = references.into_iter().find(strays) {
                    let element = entry.at(&element_of(&entry.resource, reference));
                    let text = "this refers to what is another patient's";
                    return Err(Refusal::at(422, Category::BusinessRule, element, text));
                }
            }
        }
        Ok(())
    }

    /// Shared things go with the first patient of the body, and with whoever refers to them.
    fn portions(
        &self,
        event: &'a Event,
        mut by_person: BTreeMap<PersonId, (Vec<Identifier>, Vec<usize>)>,
        drafts: &BTreeMap<usize, Draft>,
    ) -> Vec<Group<'a>> {
        let is_alone = by_person.keys().all(|person| *person == PersonId::SHARED);
        let shared = if is_alone { None } else { by_person.remove(&PersonId::SHARED) };
        let shared = shared.map(|(_, places)| places).unwrap_or_default();
        let mut groups = Vec::new();
        for (number, (person, (mut identifiers, mut entries))) in by_person.into_iter().enumerate() {
            let mut seen = BTreeSet::new();
            // Nothing lost: the same identifier leads to the same record.
            identifiers.retain(|identifier| seen.insert(identifier.clone()));
            let own = entries.iter().chain(&shared);
            let stated: Vec<Draft> = own.filter_map(|place| drafts.get(place).cloned()).collect();
            if number == 0 {
                entries.extend(&shared);
            }
            let known = entries.iter().filter_map(|place| self.entries.get(*place));
            let ids = known.filter_map(|entry| Some((entry.local.clone(), entry.id()?))).collect();
            let portion = Portion { event, drafts: stated.into(), candidates: identifiers, prior: Vec::new(), ids };
            groups.push(Group { person, portion, entries });
        }
        groups
    }

    /// A Patient: by the numbers that it states where it is new, else by those that its record has.
    async fn patient(&self, place: usize, entry: &Entry) -> Found<About> {
        if let Some(id) = entry.id() {
            return self.known(entry, id).await;
        }
        let stated = identity::candidates(&entry.resource, &self.feed.identified_by);
        let candidates = settled!(stated.map_err(|problem| Refusal::new(422, problem).within("Patient", &entry.path)));
        let chosen = choose(&*self.gateway.store, &Overlay::default(), &candidates).await?;
        Ok(Ok(About { person: chosen.person, identifiers: candidates, reference: format!("#{}", local(place)) }))
    }

    /// What is there already is where its id says.
    async fn known(&self, entry: &Entry, id: ResourceId) -> Found<About> {
        match self.head(id.person).await? {
            Some(head) => Ok(Ok(of_head(head))),
            None => Ok(Err(Refusal::absent().within("", &entry.path))),
        }
    }

    async fn head(&self, person: PersonId) -> Result<Option<Head>, StoreError> {
        if person == PersonId::SHARED {
            return Ok(None);
        }
        let head = self.gateway.living(person).await?;
        Ok((head.revision > 0).then_some(head))
    }

    /// The patient whom an element names; the same one as before, where the thing is there already.
    async fn about(&self, entry: &Entry, path: &str, patients: &BTreeMap<usize, About>) -> Found<About> {
        let named = settled!(self.named(entry, path, patients).await?);
        let Some(id) = entry.id() else {
            return Ok(named.ok_or_else(|| {
                let text =
                    "say whose this is: by a reference to a Patient here, or by `identifier` with system and value";
                Refusal::at(422, Category::Required, entry.at(path), text)
            }));
        };
        let known = settled!(self.known(entry, id).await?);
        if named.is_some_and(|named| named.person != known.person) {
            let text = "this names another patient than the one whose it is; write a new one for the other patient";
            return Ok(Err(Refusal::at(422, Category::BusinessRule, entry.at(path), text)));
        }
        Ok(Ok(known))
    }

    async fn named(&self, entry: &Entry, path: &str, patients: &BTreeMap<usize, About>) -> Found<Option<About>> {
        for named in references_at(&entry.resource, path) {
            let reference = named.get("reference").and_then(Value::as_str);
            match reference.map(|reference| (reference, self.targets.of_reference(reference))) {
                Some((_, Target::Entry(place))) if patients.contains_key(&place) => {
                    return Ok(Ok(patients.get(&place).cloned()));
                }
                Some((reference, Target::Ours(kind, id))) if kind == "Patient" => {
                    let head = self.head(id.person).await?.filter(|_| id == ResourceId::patient(id.person));
                    let element = element_of(&entry.resource, reference);
                    return Ok(head.map(of_head).map(Some).ok_or_else(|| Refusal::dangling(entry.at(&element))));
                }
                Some((reference, Target::Nothing)) => {
                    return Ok(Err(Refusal::dangling(entry.at(&element_of(&entry.resource, reference)))));
                }
                // Nothing lost: what names nobody may name somebody by a number, below.
                _ => {}
            }
            let of_patient = named.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "Patient");
            let identifier = named.get("identifier").and_then(Identifier::from_json).filter(|_| of_patient);
            if let Some(identifier) = identifier {
                let head = match self.person_of(&identifier).await? {
                    Some(person) => self.head(person).await?,
                    None => None,
                };
                // An element may name others than the patient, too.
                match head {
                    Some(head) => return Ok(Ok(Some(of_head(head)))),
                    None if path.contains('.') => {}
                    None => return Ok(Err(Refusal::dangling(entry.at(path)))),
                }
            }
        }
        Ok(Ok(None))
    }

    /// Who has a number, or the identifier that our copies of a Patient have.
    async fn person_of(&self, identifier: &Identifier) -> Result<Option<PersonId>, StoreError> {
        let site = self.gateway.site.load();
        if own_identifier(&site.settings.base_url, "Patient", &identifier.value) == *identifier {
            // Nothing lost: what is no id of ours is nobody's.
            return Ok(identifier.value.parse::<ResourceId>().ok().map(|id| id.person));
        }
        let found = persons_named(&*self.gateway.store, std::slice::from_ref(identifier)).await?;
        // Nothing lost: where it leads to two records nobody can say whose it is, and that is told as nobody's.
        Ok(found.first().copied().filter(|_| found.len() == 1))
    }

    /// What the drafts refer to, as the store has it. Patients are found by their records.
    async fn referred(&self, drafts: &BTreeMap<usize, Draft>) -> Found<Referred> {
        let mut keys: BTreeSet<(String, ResourceId)> = BTreeSet::new();
        for draft in drafts.values() {
            keys.extend(ours(&draft.resource).into_iter().filter(|(kind, _)| kind != "Patient"));
        }
        let stays = self.entries.iter().filter(|entry| matches!(entry.verb, Verb::Stays(_)));
        keys.extend(stays.filter_map(|entry| Some((entry.kind.clone(), entry.id()?))));
        // Nothing lost: the client is told, and nothing is taken.
        if keys.len() > MOST_REFERENCES {
            // Nothing lost: the client is told, and nothing is taken.
            let text = format!("it refers to more than {MOST_REFERENCES} resources here; send it in parts");
            return Ok(Err(Refusal::at(413, Category::TooCostly, "", text)));
        }
        let stored = self.gateway.store.resources(&keys.into_iter().collect::<Vec<_>>()).await?;
        let by_key = |stored: Stored| ((stored.resource.resource_type().to_string(), stored.id), stored);
        Ok(Ok(stored.into_iter().map(by_key).collect()))
    }
}

fn of_head(head: Head) -> About {
    let reference = format!("Patient/{}", ResourceId::patient(head.person));
    About { person: head.person, identifiers: head.identifiers, reference }
}

/// What belongs to nobody.
fn shared(entry: &Entry) -> Result<About, Refusal> {
    if entry.id().is_some_and(|id| id.person != PersonId::SHARED) {
        return Err(Refusal::absent().within("", &entry.path));
    }
    Ok(About { person: PersonId::SHARED, identifiers: Vec::new(), reference: String::new() })
}

/// Where a resource names its patient by a number, it refers to the Patient as well.
fn name_patient(resource: &mut Resource, path: &str, reference: &str) {
    // Nothing lost: among several participants, who is meant by a number alone stays so.
    let Some(Value::Object(named)) = resource.as_map_mut().get_mut(path).filter(|_| !path.contains('.')) else {
        return;
    };
    named.insert("reference".to_string(), Value::String(reference.to_string()));
}
