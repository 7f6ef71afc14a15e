//! Whose record each entry of a request is about: those of one patient are decided together, as a portion of a message is. What it
//! refers to is read with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::Gateway;
use super::super::find::choose;
use super::super::named::persons_named;
use super::super::overlay::Overlay;
use super::super::portions::Portion;
use super::super::render::own_identifier;
use super::about::About;
use super::entry::{Entry, Verb};
use super::merging::{Linked, Union, links, strip, union};
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
    /// Whose record it takes over.
    pub gone: Option<PersonId>,
}

/// What is referred to, by type and id.
pub(super) type Referred = BTreeMap<(String, ResourceId), Stored>;

pub(super) struct Groups<'e> {
    pub groups: Vec<Group<'e>>,
    pub referred: Referred,
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
    /// What the request says, in short.
    pub content: &'a [u8; 32],
}

impl<'a> Grouping<'a> {
    pub async fn groups(&self, event: &'a Event) -> Found<Groups<'a>> {
        let mut patients: BTreeMap<usize, About> = BTreeMap::new();
        for (place, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.kind == "Patient") {
            patients.insert(place, settled!(self.patient(place, entry, event).await?));
        }
        let unions = settled!(self.unions(&patients).await?);
        let places = Places { targets: self.targets, entries: self.entries };
        let mut by_person: BTreeMap<PersonId, (Vec<Identifier>, Vec<usize>)> = BTreeMap::new();
        let mut drafts: BTreeMap<usize, Draft> = BTreeMap::new();
        for (place, entry) in self.entries.iter().enumerate() {
            let union = unions.get(&place);
            let is_going = union.is_some_and(|union| union.is_told_by_gone);
            let about = match (patients.get(&place), home_of(&entry.kind)) {
                (Some(_), _) if is_going => union.map_or_else(About::nobody, |union| union.survivor.clone()),
                (Some(about), _) => about.clone(),
                (None, Some(Home::Of(path))) => settled!(self.about(entry, path, &patients).await?),
                (None, Some(Home::Through(path))) => settled!(self.about_through(entry, path, &patients).await?),
                _ => settled!(shared(entry)),
            };
            let mut resource = entry.resource.clone();
            if let Some(Home::Of(path)) = home_of(&entry.kind) {
                name_patient(&mut resource, path, &about.reference);
            }
            strip(&mut resource);
            if entry.kind == "Patient" && resource.identifiers().is_empty() {
                let numbers: Vec<Value> = about.identifiers.iter().map(Identifier::to_json).collect();
                resource.set("identifier", Value::Array(numbers));
            }
            settled!(places.rewrite(entry, &mut resource));
            if !matches!(entry.verb, Verb::Stays(_)) && !is_going {
                drafts.insert(place, draft(entry, resource, places.key(entry)));
            }
            let (identifiers, group) = by_person.entry(about.person).or_default();
            identifiers.extend(about.identifiers);
            group.push(place);
        }
        settled!(self.check_kept_apart(&by_person));
        let referred = settled!(self.referred(&drafts).await?);
        Ok(Ok(Groups { groups: self.portions(event, by_person, &drafts, &unions), referred }))
    }

    /// The records that the Patients of the body say take each other over, by the place that says so.
    async fn unions(&self, patients: &BTreeMap<usize, About>) -> Found<BTreeMap<usize, Union>> {
        let mut unions: BTreeMap<usize, Union> = BTreeMap::new();
        for (place, about) in patients {
            // Nothing lost: these are the places of entries.
            let Some(entry) = self.entries.get(*place) else { continue };
            let own = Linked { origin: entry.id().map_or(about.person, |id| id.person), about: about.clone() };
            for (is_replaced, reference) in links(&entry.resource) {
                let other = settled!(self.linked(entry, reference, patients).await?);
                let told = settled!(union(entry, self.feed, &own, &other, is_replaced));
                let is_second = |told: &Union| {
                    unions.values().any(|one| one.survivor.person == told.survivor.person && one.gone != told.gone)
                };
                if told.as_ref().is_some_and(is_second) {
                    let text = "a patient takes over one other in a request; send one request for each";
                    return Ok(Err(Refusal::at(422, Category::BusinessRule, entry.at("link"), text)));
                }
                unions.extend(told.map(|told| (*place, told)));
            }
        }
        Ok(Ok(unions))
    }

    async fn linked(&self, entry: &Entry, reference: &str, patients: &BTreeMap<usize, About>) -> Found<Linked> {
        let found = match self.targets.of_reference(reference) {
            Target::Entry(place) => patients.get(&place).map(|about| {
                let origin = self.entries.get(place).and_then(Entry::id).map_or(about.person, |id| id.person);
                Linked { origin, about: about.clone() }
            }),
            Target::Ours(kind, id) if kind == "Patient" => {
                let head = self.head(id.person).await?;
                head.map(|head| Linked { origin: id.person, about: About::of_head(head) })
            }
            // Nothing lost: it is refused below.
            _ => None,
        };
        Ok(found.ok_or_else(|| Refusal::dangling(entry.at("link"))))
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
        unions: &BTreeMap<usize, Union>,
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
            let union = unions.values().find(|union| union.survivor.person == person);
            let (gone, prior) = union.map(|union| (union.gone, union.prior.clone())).unzip();
            let prior = prior.unwrap_or_default();
            let known = entries.iter().filter_map(|place| self.entries.get(*place));
            let events = known.filter_map(|entry| Some((entry.local.clone(), entry.event.clone()?))).collect();
            let portion = Portion { event, events, drafts: stated.into(), candidates: identifiers, prior, ids };
            groups.push(Group { person, portion, entries, gone });
        }
        groups
    }

    /// A Patient: by the numbers that it states where it is new, else by those that its record has. Who states none is somebody new
    /// each time: two people may be told of in the same words.
    async fn patient(&self, place: usize, entry: &Entry, event: &Event) -> Found<About> {
        if let Some(id) = entry.id() {
            return self.known(entry, id).await;
        }
        let reference = format!("#{}", local(place));
        if entry.resource.identifiers().is_empty() {
            let base = &self.gateway.site.load().settings.base_url;
            let moment = event.occurred.as_nanosecond().to_be_bytes();
            let said: [u8; 32] = Sha256::new().chain_update(self.content).chain_update(moment).finalize().into();
            let (first, _) = said.split_at(8);
            let number: String = first.iter().map(|byte| format!("{byte:02x}")).collect();
            let number = own_identifier(base, "Registration", &format!("{number}-{place}"));
            return Ok(Ok(About { person: PersonId::of(&number), identifiers: vec![number], reference }));
        }
        let stated = identity::candidates(&entry.resource, &self.feed.identified_by);
        let candidates = settled!(stated.map_err(|problem| Refusal::new(422, problem).within("Patient", &entry.path)));
        let chosen = choose(&*self.gateway.store, &Overlay::default(), &candidates).await?;
        Ok(Ok(About { person: chosen.person, identifiers: candidates, reference }))
    }

    /// What is there already is where its id says.
    async fn known(&self, entry: &Entry, id: ResourceId) -> Found<About> {
        match self.head(id.person).await? {
            Some(head) => Ok(Ok(About::of_head(head))),
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

    /// The patient of the thing that an element names: of what is here, whose record it lies in.
    async fn about_through(&self, entry: &Entry, path: &str, patients: &BTreeMap<usize, About>) -> Found<About> {
        if let Some(id) = entry.id() {
            return self.known(entry, id).await;
        }
        let named = references_at(&entry.resource, path).into_iter().find_map(|named| named.get("reference")?.as_str());
        let target = named.map_or(Target::Nothing, |reference| self.targets.of_reference(reference));
        let id = match target {
            Target::Entry(place) if patients.contains_key(&place) => {
                return Ok(Ok(patients.get(&place).cloned().unwrap_or_else(About::nobody)));
            }
            Target::Entry(place) => match self.entries.get(place).map(|other| (other, home_of(&other.kind))) {
                Some((other, Some(Home::Of(path)))) => return self.about(other, path, patients).await,
                _ => None,
            },
            Target::Ours(kind, id) => Some((kind, id)),
            // Nothing lost: it is refused below.
            _ => None,
        };
        if let Some((kind, id)) = id
            && !self.gateway.store.resources(&[(kind, id)]).await?.is_empty()
        {
            return self.known(entry, id).await;
        }
        Ok(Err(Refusal::dangling(entry.at(path))))
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
                    return Ok(head.map(About::of_head).map(Some).ok_or_else(|| Refusal::dangling(entry.at(&element))));
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
                    Some(head) => return Ok(Ok(Some(About::of_head(head)))),
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

/// What belongs to nobody.
fn shared(entry: &Entry) -> Result<About, Refusal> {
    if entry.id().is_some_and(|id| id.person != PersonId::SHARED) {
        return Err(Refusal::absent().within("", &entry.path));
    }
    Ok(About::nobody())
}

/// Where a resource names its patient by a number, it refers to the Patient as well.
fn name_patient(resource: &mut Resource, path: &str, reference: &str) {
    // Nothing lost: among several participants, who is meant by a number alone stays so.
    let Some(Value::Object(named)) = resource.as_map_mut().get_mut(path).filter(|_| !path.contains('.')) else {
        return;
    };
    named.insert("reference".to_string(), Value::String(reference.to_string()));
}
