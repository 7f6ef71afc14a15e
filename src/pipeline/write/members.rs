//! Members of a Group that a partner writes: patients whom its agreement covers, named by reference. Those whom the partner may not see
//! stay members, whatever it says of the rest.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::super::panels::covered_with;
use super::entry::Entry;
use super::refusal::Refusal;
use crate::agreement::{Exit, MOST_MEMBERS, Member, Offer, Question, Reach, members, patients_in, without_others};
use crate::fhir::{Resource, add_labels};
use crate::identity::ResourceId;
use crate::problem::Category;
use crate::record::Stored;
use crate::site::Site;
use crate::store::{Store, StoreError};

/// Patients of whom one request's Groups speak.
const MOST_ASKED: usize = 10_000;

/// What a partner may do with the patients whom its request's Groups name.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Whom it may say to be members.
    admitted: BTreeSet<ResourceId>,
    /// Whom it may read.
    readable: BTreeSet<ResourceId>,
}

impl Members {
    /// Asks of all members that the Groups of a request are to have, and of those that they have.
    pub async fn of(
        store: &dyn Store,
        site: &Site,
        (partner, now): (&str, Timestamp),
        entries: &[Entry],
        stated: impl Iterator<Item = &Resource>,
    ) -> Result<Result<Self, Refusal>, StoreError> {
        let groups = entries.iter().filter(|entry| entry.kind == "Group");
        let keys: Vec<_> = groups.filter_map(|entry| Some((entry.kind.clone(), entry.id()?))).collect();
        let stored = if keys.is_empty() { Vec::new() } else { store.resources(&keys).await? };
        let mut patients: BTreeSet<ResourceId> =
            stated.filter(|resource| resource.resource_type() == "Group").flat_map(patients_in).collect();
        patients.extend(stored.iter().flat_map(|stored| patients_in(&stored.resource)));
        // Nothing lost: the client is told, and nothing is taken.
        if patients.len() > MOST_ASKED {
            // Nothing lost: the client is told, and nothing is taken.
            let text = format!("the groups of this request have more than {MOST_ASKED} members; send them in parts");
            return Ok(Err(Refusal::at(413, Category::TooCostly, "", text)));
        }
        let mut known = Self::default();
        for id in patients {
            let (covered, patient) = covered_with(store, id.person, Some(("Patient".to_string(), id))).await?;
            // Nothing lost: who is not there is nobody's to name, and that is answered as such.
            let Some(mut patient) = patient else { continue };
            add_labels(&mut patient.resource, &covered.protection);
            let panels: Vec<&str> = covered.panels.iter().map(String::as_str).collect();
            let (resource, exit) = (&patient.resource, Exit::Read);
            if site.agreements.decide(&Question { partner, exit, resource, panels: &panels, now }).is_allowed() {
                known.readable.insert(id);
            }
            if site.agreements.reach(&Offer::of(partner, "Group", &panels, now)).0 == Reach::Admitted {
                known.admitted.insert(id);
            }
        }
        Ok(Ok(known))
    }

    pub fn admits(&self, id: ResourceId) -> bool {
        self.admitted.contains(&id)
    }

    /// A Group as the partner may see it.
    pub fn shown(&self, group: Resource) -> Resource {
        if group.resource_type() != "Group" {
            return group;
        }
        without_others(&group, &|id| self.readable.contains(&id)).unwrap_or(group)
    }

    /// What a partner says of a Group, and what it was shown, with the members that it may not see in both: it says nothing of these.
    pub fn completed(&self, body: Resource, shown: &Resource, stored: &Stored) -> (Resource, Resource) {
        let all = &stored.resource;
        if all.resource_type() != "Group" || without_others(all, &|id| self.readable.contains(&id)).is_none() {
            return (body, shown.clone());
        }
        let (mut body, mut shown) = (body, shown.clone());
        let said = members(&body).to_vec();
        if said == members(&shown) {
            copy("member", all, &mut body);
        } else {
            let is_hidden = |member: &&Value| match Member::of(member) {
                Member::Patient(id) => !self.readable.contains(&id),
                Member::Staff => false,
                Member::Unknown => true,
            };
            let hidden = members(all).iter().filter(is_hidden).filter(|hidden| !said.contains(hidden)).cloned();
            body.set("member", Value::Array(said.iter().cloned().chain(hidden).collect()));
        }
        copy("member", all, &mut shown);
        if body.get("quantity").is_none() {
            copy("quantity", all, &mut body);
        }
        copy("quantity", all, &mut shown);
        (body, shown)
    }
}

fn copy(element: &str, from: &Resource, to: &mut Resource) {
    if let Some(value) = from.get(element) {
        to.set(element, value.clone());
    }
}

/// What a Group may say of who is in it.
pub(super) fn check(entry: &Entry, group: &Resource) -> Result<(), Refusal> {
    let refuse = |element: String, text: &str| Err(Refusal::at(422, Category::BusinessRule, entry.at(&element), text));
    // Nothing lost: the client is told, and nothing is taken.
    if members(group).len() > MOST_MEMBERS {
        // Nothing lost: the client is told, and nothing is taken.
        let text = format!("a Group has at most {MOST_MEMBERS} members here; split it");
        return Err(Refusal::at(413, Category::TooCostly, entry.at("member"), text));
    }
    for (place, member) in members(group).iter().enumerate() {
        if Member::of(member) == Member::Unknown {
            let text = "a member is named by `reference`, to a Patient, Practitioner or PractitionerRole that is here already; in a \
                        transaction `Patient?identifier=system|value` finds one";
            return refuse(format!("member[{place}].entity"), text);
        }
    }
    let mut rest = group.clone();
    rest.remove("member");
    if let Some(reference) = rest.references().into_iter().find(|reference| reference.contains("Patient/")) {
        let element = super::statement::element_of(&rest, reference);
        return refuse(
            element,
            "a Group refers to patients as members only, so that nobody is told of them who may not be",
        );
    }
    Ok(())
}

/// A patch is read before anybody knows whom it makes members.
pub(super) fn check_patch(entry: &Entry, body: &Resource, shown: &Resource) -> Result<(), Refusal> {
    if body.resource_type() != "Group" || body.get("member") == shown.get("member") {
        return Ok(());
    }
    let text = "who is a member is not patched: say it by an update (PUT) of the whole Group";
    Err(Refusal::at(422, Category::NotSupported, entry.at("member"), text))
}
