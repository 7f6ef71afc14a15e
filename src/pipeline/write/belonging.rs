//! What has no patient of its own and belongs to something that has: a Binary (http://hl7.org/fhir/R4/binary.html) to what its
//! `securityContext` names, which is what refers to it where its writer does not say.

use serde_json::{Value, json};

use super::entry::{Entry, Verb};
use super::refusal::Refusal;
use crate::problem::Category;

/// The longest base64 text of a Binary: 2 MiB of data. Each is read whole.
pub const MOST_DATA: usize = 2 * 1024 * 1024 / 3 * 4 + 4;
/// The profiles of what the gateway itself makes.
const OWN_PROFILES: &str = "https://handover.health/StructureDefinition/";

/// Says of each Binary to what it belongs, and refuses what is too large, or pretends to be the gateway's.
pub(super) fn settle(entries: &mut [Entry], base_url: &str) -> Result<(), Refusal> {
    for entry in entries.iter() {
        check_size(entry)?;
        check_maker(entry, base_url)?;
    }
    let is_loose = |entry: &Entry| {
        entry.kind == "Binary"
            && matches!(entry.verb, Verb::Create | Verb::Tell)
            && entry.resource.get("securityContext").is_none()
    };
    if !entries.iter().any(is_loose) {
        return Ok(());
    }
    let named: Vec<(Option<String>, Vec<String>)> = entries
        .iter()
        .map(|entry| {
            let name = entry.full_url.clone().or(entry.id().map(|id| format!("{}/{id}", entry.kind)));
            (name, if entry.kind == "Binary" { Vec::new() } else { entry.resource.links() })
        })
        .collect();
    for entry in entries.iter_mut().filter(|entry| is_loose(entry)) {
        let refers = |links: &Vec<String>| entry.full_url.as_ref().is_some_and(|url| links.contains(url));
        let owner = named.iter().find(|(_, links)| refers(links)).and_then(|(name, _)| name.as_ref());
        let Some(owner) = owner else {
            let text = "say to what this belongs by `securityContext`, or send it in one bundle with the DocumentReference that refers to it by its \
                        `fullUrl`";
            return Err(Refusal::at(422, Category::Required, entry.at("securityContext"), text));
        };
        entry.resource.set("securityContext", json!({ "reference": owner }));
    }
    Ok(())
}

fn check_size(entry: &Entry) -> Result<(), Refusal> {
    let length = entry.resource.text("data").map_or(0, str::len);
    // Nothing lost: the client is told, and nothing is taken.
    if entry.kind == "Binary" && length > MOST_DATA {
        let text = "a Binary has 2 MiB of data at most; send a larger one in parts, or refer to it where it is";
        return Err(Refusal::at(413, Category::TooLong, entry.at("data"), text));
    }
    Ok(())
}

/// What the gateway makes says so by its profile and by its identifiers, and nobody else may.
fn check_maker(entry: &Entry, base_url: &str) -> Result<(), Refusal> {
    if !matches!(entry.kind.as_str(), "Provenance" | "Flag") {
        return Ok(());
    }
    let profiles = entry.resource.get("meta").and_then(|meta| meta.get("profile")?.as_array());
    let is_own = |url: &Value| url.as_str().is_some_and(|url| url.starts_with(OWN_PROFILES));
    if profiles.into_iter().flatten().any(is_own) {
        let text = format!("a {} with this profile is what this gateway makes; leave the claim out", entry.kind);
        return Err(Refusal::at(422, Category::BusinessRule, entry.at("meta.profile"), text));
    }
    let ours = format!("{base_url}/id/");
    let is_ours =
        |one: &Value| one.get("system").and_then(Value::as_str).is_some_and(|system| system.starts_with(&ours));
    let agents = entry.resource.get("agent").and_then(Value::as_array).into_iter().flatten();
    let of_agents = agents.filter_map(|agent| agent.pointer("/who/identifier"));
    let own = entry.resource.get("identifier").and_then(Value::as_array).into_iter().flatten();
    if matches!(entry.verb, Verb::Create | Verb::Tell) && own.chain(of_agents).any(is_ours) {
        let text = format!("these identifiers are this gateway's; a {} that you write has yours", entry.kind);
        return Err(Refusal::at(422, Category::BusinessRule, entry.at(""), text));
    }
    Ok(())
}
