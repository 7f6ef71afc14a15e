//! What becomes of each entry, now that the record it is about is known and nobody else changes it: whether the partner may say it,
//! whether it says what it says of the version it means, and what of it is new. A pure function of the record and the site.

use jiff::Timestamp;

use super::super::find::Found;
use super::changes::{Change, stated};
use super::entry::{Entry, Verb};
use super::groups::Referred;
use super::members;
use super::merging::left_out;
use super::outcome::Happened;
use super::patch::apply;
use super::refusal::Refusal;
use super::rights::Rights;
use super::statement::{Places, bare, element_of, ours};
use crate::fhir::{Home, Resource, deleted_tag, home_of, is_deleted};
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::profile::validate_against;
use crate::protocol::{Action, TaskWord};
use crate::record::{Record, Stored, is_step_back, retract};
use crate::store::AuditEntry;
use crate::unused::Kind;

pub(super) struct Weighing<'a> {
    pub rights: Rights<'a>,
    pub entries: &'a [Entry],
    pub places: Places<'a>,
    pub referred: &'a Referred,
}

/// What is decided of one entry.
#[derive(Debug)]
pub(super) struct Ruling {
    /// Its place among the entries of a bundle.
    pub place: usize,
    pub kind: String,
    pub id: ResourceId,
    pub happened: Happened,
    /// As it stood.
    pub known: Option<(u64, Timestamp)>,
    /// What is said of it, to see afterwards what stood.
    pub said: Option<Resource>,
}

#[derive(Default)]
pub(super) struct Weighed {
    pub rulings: Vec<Ruling>,
    pub audit: Vec<AuditEntry>,
    pub notes: Vec<Problem>,
}

/// What to do with an entry's draft.
pub(super) enum Draft {
    /// As it is.
    Stays,
    /// This instead of it.
    Becomes(Change),
    /// There is nothing to say.
    Goes,
}

pub(super) struct Decided {
    pub draft: Draft,
    pub happened: Happened,
    pub because: String,
}

impl Weighing<'_> {
    /// Decides about these entries; the drafts in `found` become what is to be stated.
    pub fn weigh(&self, group: &[usize], found: &mut Found) -> Result<Weighed, Refusal> {
        let (mut weighed, mut silent) = (Weighed::default(), Vec::new());
        for place in group {
            // Nothing lost: groups name entries that are there.
            let Some(entry) = self.entries.get(*place) else { continue };
            let at = found.identified.iter().position(|one| one.draft.local == entry.local);
            let id = at.and_then(|at| found.identified.get(at)).map(|one| one.id).or(entry.id());
            let id = match id {
                Some(id) => Some(id),
                None => self.twin(entry, found)?,
            };
            // Nothing lost: an entry whose draft is part of no other has one of its own.
            let Some(id) = id else { continue };
            let going = going(found, &entry.kind, id).cloned();
            let is_going = going.is_some();
            let stored = self.stored(entry, id, &found.known.record).cloned().or(going);
            let decided = self.decide(entry, at, stored.as_ref(), found, &mut weighed.notes)?;
            if let (true, Draft::Becomes(change)) = (is_going, &decided.draft) {
                weighed.notes.extend(left_out(entry, change));
            }
            let known = stored.as_ref().map(|stored| (stored.version, stored.updated));
            let said = at.and_then(|at| found.identified.get(at)).map(|one| one.draft.resource.clone());
            let is_said = matches!(decided.draft, Draft::Becomes(_) | Draft::Stays);
            let id = stored.map_or(id, |stored| stored.id);
            let subject = format!("{}/{id}", entry.kind);
            weighed.audit.push(self.rights.audit(entry, &found.known, subject, &decided.because));
            let (kind, happened) = (entry.kind.clone(), decided.happened);
            match (decided.draft, at) {
                (Draft::Becomes(change), Some(at)) => {
                    if let Some(one) = found.identified.get_mut(at) {
                        one.draft.resource = change.resource;
                        one.draft.deleted = change.deleted;
                    }
                }
                (Draft::Goes, Some(_)) => silent.push(&entry.local),
                // Nothing lost: it is stated as it is, or there is nothing to state.
                _ => {}
            }
            let said = said.filter(|_| is_said);
            weighed.rulings.push(Ruling { place: entry.place, kind, id, happened, known, said });
        }
        // Nothing lost: there is nothing to say of these, and others refer to them until here.
        found.identified.retain(|one| !silent.contains(&&one.draft.local));
        Ok(weighed)
    }

    /// The resource as it stands; where another one took its place, that one.
    fn stored<'r>(&'r self, entry: &Entry, id: ResourceId, record: &'r Record) -> Option<&'r Stored> {
        let stored = record.get(&entry.kind, id).or_else(|| self.referred.get(&(entry.kind.clone(), id)));
        match stored?.state.superseded {
            Some(by) => record.get(&entry.kind, by),
            None => stored,
        }
    }

    fn decide(
        &self,
        entry: &Entry,
        at: Option<usize>,
        stored: Option<&Stored>,
        found: &mut Found,
        notes: &mut Vec<Problem>,
    ) -> Result<Decided, Refusal> {
        let draft = at.and_then(|at| found.identified.get(at)).map(|one| one.draft.resource.clone());
        if let (Verb::Create, None | Some(_)) = (&entry.verb, stored) {
            return self.create(entry, draft.unwrap_or_else(|| entry.resource.clone()), stored, found);
        }
        let is_ours = stored.is_some_and(|stored| stored.state.work.is_some());
        if entry.kind == "Flag" && is_ours && !matches!(entry.verb, Verb::Create | Verb::Stays(_)) {
            let text = "this Flag is the gateway's own; answer its card, or write one of yours";
            return Err(Refusal::at(403, Category::Forbidden, entry.at(""), text));
        }
        if entry.verb == Verb::Name {
            return self.name(entry, draft.unwrap_or_else(|| entry.resource.clone()), stored, found, notes);
        }
        if entry.verb == Verb::Tell {
            return self.tell(entry, draft.unwrap_or_else(|| entry.resource.clone()), stored, found, notes);
        }
        let shown = stored.and_then(|stored| self.rights.shown(stored, &found.known));
        let (Some(stored), Some(shown)) = (stored, shown) else {
            return Err(Refusal::absent().within("", &entry.path));
        };
        check_version(entry, stored)?;
        match &entry.verb {
            Verb::Stays(_) | Verb::Create | Verb::Tell | Verb::Name => Ok(Decided {
                draft: Draft::Goes,
                happened: Happened::Unchanged,
                because: "it is there already".to_string(),
            }),
            Verb::Delete(_) => self.delete(entry, stored, found),
            Verb::Update(_) => {
                let body = draft.unwrap_or_else(|| entry.resource.clone());
                self.update(entry, stored, &shown, (body, false), found, notes)
            }
            Verb::Patch(_, patch) => {
                let mut body = apply(&shown, patch).map_err(|refusal| refusal.within("", &entry.path))?;
                if (body.id(), body.resource_type()) != (shown.id(), entry.kind.as_str()) {
                    let text = "a patch leaves type and id as they are";
                    return Err(Refusal::at(422, Category::Invalid, entry.at("id"), text));
                }
                self.check(entry, &body)?;
                members::check_patch(entry, &body, &shown)?;
                self.places.rewrite(&Entry { resource: body.clone(), ..entry.clone() }, &mut body)?;
                self.update(entry, stored, &shown, (bare(body), true), found, notes)
            }
        }
    }

    /// What a patch makes is held to the same as what an update says.
    fn check(&self, entry: &Entry, body: &Resource) -> Result<(), Refusal> {
        let faults: Vec<(Problem, String)> = validate_against(body, &[], &self.rights.site.profiles)
            .into_iter()
            .filter(Problem::is_error)
            .map(|problem| (problem, String::new()))
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(Refusal { status: 422, problems: faults }.within(&entry.kind, &entry.path))
    }

    fn create(
        &self,
        entry: &Entry,
        draft: Resource,
        stored: Option<&Stored>,
        found: &Found,
    ) -> Result<Decided, Refusal> {
        let because = self.rights.may_create(entry, &found.known)?;
        self.check_references(entry, &draft, None, found)?;
        let Some(stored) = stored else {
            return Ok(Decided { draft: Draft::Stays, happened: Happened::Created, because });
        };
        if is_deleted(&stored.resource) && self.rights.is_own(stored) {
            let change = Change { resource: draft, deleted: vec![deleted_part()] };
            return Ok(Decided { draft: Draft::Becomes(change), happened: Happened::Created, because });
        }
        // It is said of a patient who is known what is known of them, and more.
        if says_the_same(&draft, &stored.resource) {
            return Ok(Decided { draft: Draft::Stays, happened: Happened::Unchanged, because });
        }
        if entry.kind == "Patient" {
            return Ok(Decided { draft: Draft::Stays, happened: Happened::Updated, because });
        }
        let which = self.rights.shown(stored, &found.known).map(|_| format!(" ({}/{})", entry.kind, stored.id));
        let text = format!(
            "another {} with this identifier is here{}: update that one, or give this one an identifier of its own",
            entry.kind,
            which.unwrap_or_default()
        );
        Err(Refusal::at(409, Category::Duplicate, entry.at("identifier"), text))
    }

    fn update(
        &self,
        entry: &Entry,
        stored: &Stored,
        shown: &Resource,
        (body, is_patch): (Resource, bool),
        found: &mut Found,
        notes: &mut Vec<Problem>,
    ) -> Result<Decided, Refusal> {
        if entry.kind == "Task" && stored.state.work.is_some() {
            return self.task(entry, stored, shown, &body, found, notes);
        }
        let is_own = self.rights.is_own(stored);
        let is_whole = is_own && entry.kind != "Patient";
        let (body, shown) = self.rights.members.completed(body, shown, stored);
        let change = stated((&body, &shown, stored), self.rights.writer(), is_whole, is_patch);
        let is_back = is_deleted(&stored.resource);
        let because = self.rights.may_change(entry, &change, is_own, &found.known)?;
        self.check_references(entry, &change.resource, Some(&stored.resource), found)?;
        let status = |resource: &Resource| resource.text("status").unwrap_or_default().to_string();
        if !is_back && is_step_back(&entry.kind, &status(&stored.resource), &status(&body)) {
            let text = "a result that is final is changed by `amended`, `corrected`, `cancelled` or `entered-in-error`, and by nothing less";
            return Err(Refusal::at(422, Category::BusinessRule, entry.at("status"), text));
        }
        if is_back {
            let deleted = change.deleted.into_iter().chain([deleted_part()]).collect();
            let change = Change { resource: body, deleted };
            return Ok(Decided { draft: Draft::Becomes(change), happened: Happened::Created, because });
        }
        if change.is_empty() {
            return Ok(Decided { draft: Draft::Goes, happened: Happened::Unchanged, because });
        }
        Ok(Decided { draft: Draft::Becomes(change), happened: Happened::Updated, because })
    }

    /// A Task that we gave is not written over: what its holder says of it is a person's action.
    fn task(
        &self,
        entry: &Entry,
        stored: &Stored,
        shown: &Resource,
        body: &Resource,
        found: &mut Found,
        notes: &mut Vec<Problem>,
    ) -> Result<Decided, Refusal> {
        let (word, ours) = TaskWord::of(body, shown);
        if !ours.is_empty() {
            let text = format!(
                "not taken: {}; of a task that was given, status, owner, businessStatus, statusReason, note and output \
                                are its holder's to say",
                ours.join(", ")
            );
            let problem = Problem::information(Category::BusinessRule, Place::Element(entry.at("")), text);
            notes.push(problem.unused(Kind::Field, "Task that was given"));
        }
        let because = self.rights.may_say(entry, &word.writes(), &found.known)?;
        if word.is_silent() {
            return Ok(Decided { draft: Draft::Goes, happened: Happened::Unchanged, because });
        }
        found.said.push((stored.id, Action::Say(Box::new(word))));
        Ok(Decided { draft: Draft::Goes, happened: Happened::Updated, because })
    }

    /// What was entered in error says so and is found no more; nothing that somebody else said goes.
    fn delete(&self, entry: &Entry, stored: &Stored, found: &Found) -> Result<Decided, Refusal> {
        let because = self.rights.may_delete(entry, stored, &found.known)?;
        if is_deleted(&stored.resource) {
            return Ok(Decided { draft: Draft::Goes, happened: Happened::Deleted, because });
        }
        let mut gone = stored.resource.clone();
        retract(&mut gone);
        let is_same = gone == stored.resource && stored.resource.text("status") != Some("entered-in-error");
        if is_same || matches!(home_of(&entry.kind), Some(Home::Patient | Home::Shared)) {
            let text = format!("a {} is not deleted here; say in it that it is not in use any more", entry.kind);
            return Err(Refusal::at(405, Category::NotSupported, entry.at(""), text));
        }
        let mut change = Change { resource: Resource::new(&entry.kind), deleted: Vec::new() };
        for (element, value) in gone.as_map().iter().filter(|(name, _)| *name != "meta" && *name != "id") {
            if stored.resource.get(element) != Some(value) {
                change.resource.set(element, value.clone());
            }
        }
        let lost = stored.resource.as_map().keys().filter(|element| gone.get(element).is_none());
        change.deleted = lost.cloned().collect();
        change.resource.add_to_meta("tag", vec![deleted_tag()]);
        Ok(Decided { draft: Draft::Becomes(change), happened: Happened::Deleted, because })
    }

    /// What is referred to must be the patient's or nobody's, and something that this partner may know of. What stood before stays.
    pub(super) fn check_references(
        &self,
        entry: &Entry,
        resource: &Resource,
        before: Option<&Resource>,
        found: &Found,
    ) -> Result<(), Refusal> {
        if entry.kind == "Group" {
            members::check(entry, resource)?;
        }
        let stood = before.map(ours).unwrap_or_default();
        let drafted = |id: ResourceId| found.identified.iter().any(|one| one.id == id);
        for (kind, id) in ours(resource).into_iter().filter(|key| !stood.contains(key)) {
            let is_theirs = found.known.record.head.family().any(|person| person == id.person);
            let is_known = match kind.as_str() {
                "Patient" if entry.kind == "Group" => self.rights.members.admits(id),
                "Patient" => is_theirs || drafted(id),
                _ if drafted(id) => true,
                _ => {
                    let is_near = is_theirs || id.person == crate::identity::PersonId::SHARED;
                    let stored = self.referred.get(&(kind.clone(), id)).filter(|_| is_near);
                    stored.is_some_and(|stored| self.rights.shown(stored, &found.known).is_some())
                }
            };
            if !is_known {
                let element = element_of(resource, &format!("{kind}/{id}"));
                return Err(Refusal::dangling(entry.at(&element)));
            }
        }
        Ok(())
    }
}

/// The Patient of the record that another one takes over, as it stands.
fn going<'f>(found: &'f Found, kind: &str, id: ResourceId) -> Option<&'f Stored> {
    let (prior, _) = found.prior.as_ref().filter(|_| kind == "Patient")?;
    prior.get(kind, id)
}

/// http://hl7.org/fhir/R4/http.html#concurrency
fn check_version(entry: &Entry, stored: &Stored) -> Result<(), Refusal> {
    let wanted = entry.if_match.as_deref().unwrap_or_default();
    let is_met = |version: &String| version == "*" || *version == stored.version.to_string();
    if entry.if_match.is_none() || wanted.iter().any(is_met) {
        return Ok(());
    }
    let text = format!(
        "it is at version {} by now, and what the request asks for is another (If-Match), or none (If-None-Match); read it again",
        stored.version
    );
    Err(Refusal::at(412, Category::Conflict, entry.path.clone(), text))
}

/// The part of a record that says that a thing was deleted.
pub(super) fn deleted_part() -> String {
    let tag = deleted_tag();
    let text = |name: &str| tag.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    format!("meta.tag:{}|{}", text("system"), text("code"))
}

/// Whether all that is said is what is known. What the record computes of a visit is its own.
pub(super) fn says_the_same(draft: &Resource, known: &Resource) -> bool {
    let is_computed = |element: &str| {
        draft.resource_type() == "Encounter" && ["class", "period", "statusHistory", "classHistory"].contains(&element)
    };
    draft
        .as_map()
        .iter()
        .all(|(element, value)| element == "meta" || is_computed(element) || known.get(element) == Some(value))
}
