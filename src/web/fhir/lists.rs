//! `_list` (http://hl7.org/fhir/R4/search.html#list): what a List names, as far as the client may read that, and the lists that everybody
//! has without one (http://hl7.org/fhir/R4/lifecycle.html#current), which are conditions.

use super::includes::key_of;
use super::negotiate::shown;
use super::own_ids::meant;
use super::reading::Reading;
use crate::identity::ResourceId;
use crate::problem::Category;
use crate::web::access::{Reader, Terms, Verdict};
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// What lists name together, at most.
const MOST_LISTED: usize = 5_000;

type Conditions = &'static [(&'static str, &'static str)];

/// Which list means which conditions on which type.
const FUNCTIONAL: [(&str, &str, Conditions); 5] = [
    (
        "$current-problems",
        "Condition",
        &[
            ("category", "problem-list-item"),
            ("clinical-status", "active,recurrence,relapse"),
            ("verification-status:not", "refuted,entered-in-error"),
        ],
    ),
    ("$current-medications", "MedicationRequest", &[("status", "active")]),
    ("$current-medications", "MedicationStatement", &[("status", "active")]),
    (
        "$current-allergies",
        "AllergyIntolerance",
        &[("clinical-status", "active"), ("verification-status:not", "refuted,entered-in-error")],
    ),
    (
        "$current-drug-allergies",
        "AllergyIntolerance",
        &[
            ("category", "medication"),
            ("clinical-status", "active"),
            ("verification-status:not", "refuted,entered-in-error"),
        ],
    ),
];

/// The conditions that a list which everybody has means.
pub fn functional(resource_type: &str, name: &str) -> Result<Conditions, Fault> {
    let found = FUNCTIONAL.iter().find(|(known, kind, _)| (*known, *kind) == (name, resource_type));
    found.map(|(_, _, conditions)| *conditions).ok_or_else(|| {
        let known: Vec<String> = FUNCTIONAL.iter().map(|(name, kind, _)| format!("{name} ({kind})")).collect();
        let text = format!("_list: {} is no list of {resource_type}; these are: {}", shown(name), known.join(", "));
        Fault::bad_request(Category::NotSupported, text)
    })
}

/// The resources of the type that these Lists name and that were not taken off them.
pub async fn listed(
    service: &Service,
    client: &Client,
    reader: &mut Reader<'_>,
    reading: &Reading<'_>,
    lists: &[String],
) -> Result<Vec<ResourceId>, Fault> {
    client.require("List", Permissions::READ)?;
    Terms::of(service, client, "List")?;
    let mut named = Vec::new();
    for text in lists {
        let relative = text.strip_prefix(reading.base).map_or(text.as_str(), |rest| rest.trim_start_matches('/'));
        let id = relative.strip_prefix("List/").unwrap_or(relative);
        // Nothing lost: a list that is not there names nothing.
        let Some(id) = meant(service, client, "List", id).await? else { continue };
        let Some(stored) = service.gateway.store.resource("List", id).await? else {
            reader.seek_in_vain("List", id).await?;
            continue;
        };
        // Nothing lost: what the client may not read is on record, and names nothing to it.
        let Verdict::Shown(list) = reader.judge(stored).await? else { continue };
        if list.is_deleted() {
            // Nothing lost: a list that was deleted names nothing.
            continue;
        }
        let entries = list.resource().get("entry").and_then(serde_json::Value::as_array).into_iter().flatten();
        let is_on = |entry: &&serde_json::Value| entry.get("deleted").is_none_or(|deleted| deleted != true);
        let items = entries.filter(is_on).filter_map(|entry| entry.pointer("/item/reference")?.as_str());
        named.extend(items.filter_map(key_of).filter(|(kind, _)| *kind == reading.resource_type).map(|(_, id)| id));
    }
    if named.len() > MOST_LISTED {
        let text = format!("_list names more than {MOST_LISTED} resources; ask for fewer lists at once");
        return Err(Fault::bad_request(Category::TooCostly, text));
    }
    Ok(named)
}
