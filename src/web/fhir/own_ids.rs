//! Ids of the client's own (http://hl7.org/fhir/R4/http.html#upsert): where an agreement lets it, a PUT of one is an update by the identifier that
//! says so, and what refers by such an id refers by that. docs/decisions/0029 says why, 0035 how they are read and searched by.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::fhir::search::{SERVED, TokenValue, served};
use crate::fhir::{Definitions, Identifier, is_deleted};
use crate::identity::ResourceId;
use crate::pipeline::said_by;
use crate::problem::Category;
use crate::store::{Query, Term};
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::service::Service;

/// Resources under one id that are looked at: more than one are there only if somebody wrote that identifier by hand.
const FEW: usize = 8;
/// Ids that are looked up at once.
const AT_ONCE: usize = 100;

/// The ids of one client.
pub struct OwnIds<'a> {
    service: &'a Service,
    client: &'a Client,
    base: String,
}

impl<'a> OwnIds<'a> {
    /// None where no agreement in force lets the client use its own ids for anything.
    pub fn of(service: &'a Service, client: &'a Client) -> Option<Self> {
        let site = service.gateway.site.load();
        let is_let = site.agreements.takes_ids(&client.partner, service.gateway.clock.now());
        is_let.then(|| Self { service, client, base: site.settings.base_url.clone() })
    }

    /// The types that it may number.
    pub fn kinds(&self) -> BTreeSet<&'static str> {
        SERVED.into_iter().filter(|kind| takes_ids(self.service, self.client, kind)).collect()
    }

    /// Whether this may be an id, and is none of ours.
    pub fn is_own(id: &str) -> bool {
        let is_id = (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
        is_id && id.parse::<ResourceId>().is_err()
    }

    /// Whether a resource of this type is found again by an identifier.
    fn fits(&self, kind: &str, id: &str) -> bool {
        Self::is_own(id) && takes_ids(self.service, self.client, kind)
    }

    fn system(&self, kind: &str) -> String {
        format!("{}/ids/{}/{}", self.base, self.client.partner, kind.to_lowercase())
    }

    /// The condition that finds what the client calls so; none where this is no id of its own.
    pub fn condition(&self, kind: &str, id: &str) -> Option<String> {
        self.fits(kind, id).then(|| format!("{kind}?identifier={}|{id}", self.system(kind)))
    }

    /// A resource under its writer's id: with the identifier instead of the id.
    ///
    /// # Errors
    /// The body says another id than the address.
    pub fn name(&self, resource: &mut Value, kind: &str, id: &str) -> Result<(), Fault> {
        let Some(members) = resource.as_object_mut() else { return Ok(()) };
        if members.shift_remove("id").is_none_or(|stated| stated != json!(id)) {
            let text = "the resource's `id` and the one in the address are the same in an update";
            return Err(Fault::bad_request(Category::Invalid, text));
        }
        let identifier = json!({ "system": self.system(kind), "value": id });
        match members.get_mut("identifier") {
            // Who sends back what it read sends this, too.
            Some(Value::Array(stated)) if stated.contains(&identifier) => {}
            Some(Value::Array(stated)) => stated.push(identifier),
            // What is no list is refused where the resource is read.
            Some(_) => {}
            None => drop(members.insert("identifier".to_string(), json!([identifier]))),
        }
        Ok(())
    }

    /// What the client calls so: of several what is there before what was deleted, and what it said itself before the rest. What of it
    /// the client may see is decided as for every other.
    pub async fn find(&self, kind: &str, id: &str) -> Result<Option<ResourceId>, Fault> {
        let (found, _) = self.look_up(kind, &[id.to_string()]).await?;
        Ok(found.into_values().next())
    }

    /// The same of several, by those that are there.
    pub async fn find_all(&self, kind: &str, ids: &[String]) -> Result<HashMap<String, ResourceId>, Fault> {
        let mut all = HashMap::new();
        for ids in ids.chunks(AT_ONCE) {
            let (found, is_whole) = self.look_up(kind, ids).await?;
            if is_whole {
                all.extend(found);
                continue;
            }
            // Somebody wrote one of them on many: each by itself, so that none is crowded out.
            for id in ids {
                all.extend(self.look_up(kind, std::slice::from_ref(id)).await?.0);
            }
        }
        Ok(all)
    }

    /// What these ids mean, and whether all that has them was looked at.
    async fn look_up(&self, kind: &str, ids: &[String]) -> Result<(HashMap<String, ResourceId>, bool), Fault> {
        let system = self.system(kind);
        let fitting = ids.iter().filter(|id| self.fits(kind, id));
        let numbers: Vec<TokenValue> = fitting.map(|id| Identifier::new(&system, id).into()).collect();
        if numbers.is_empty() {
            return Ok((HashMap::new(), true));
        }
        let terms = vec![Term::Identifier(numbers), Term::EvenDeleted];
        let query = Query { resource_type: kind.to_string(), terms };
        let found = self.service.gateway.store.find(&query, &[], None, FEW * ids.len()).await?;
        let mut best = HashMap::new();
        for stored in found.items.into_iter().map(|one| one.stored) {
            let is_there = stored.state.superseded.is_none() && !is_deleted(&stored.resource);
            let rank = ((is_there, said_by(&stored, &self.client.partner)), stored.id);
            for number in stored.resource.identifiers().into_iter().filter(|number| number.system == system) {
                if ids.contains(&number.value) {
                    let known = best.entry(number.value).or_insert(rank);
                    *known = rank.max(*known);
                }
            }
        }
        Ok((best.into_iter().map(|(id, (_, found))| (id, found)).collect(), found.next.is_none()))
    }

    /// References by ids of the client's own become conditions; `named` are those that stand in the same body.
    pub fn refer(&self, value: &mut Value, named: &BTreeMap<String, String>, conditions: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.refer(item, named, conditions)),
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get_mut("reference") {
                    if let Some(name) = named.get(reference) {
                        reference.clone_from(name);
                    } else if let Some((kind, id)) = reference.split_once('/')
                        && let Some(condition) = self.condition(kind, id)
                    {
                        reference.clone_from(&condition);
                        conditions.insert(condition);
                    }
                }
                members.values_mut().for_each(|item| self.refer(item, named, conditions));
            }
            // Nothing lost: texts and numbers refer to nothing.
            _ => {}
        }
    }

    /// A transaction whose entries are named by ids of the client's own; what its references ask for.
    pub fn bundle(&self, bundle: &mut Value) -> Result<BTreeSet<String>, Fault> {
        let mut conditions = BTreeSet::new();
        let Some(items) = bundle.get_mut("entry").and_then(Value::as_array_mut) else { return Ok(conditions) };
        let mut named = BTreeMap::new();
        for item in items.iter_mut() {
            let url = item.pointer("/request/url").and_then(Value::as_str).unwrap_or_default().to_string();
            let method = item.pointer("/request/method").and_then(Value::as_str).unwrap_or_default();
            let (is_put, is_changed) = (method == "PUT", ["PUT", "PATCH", "DELETE"].contains(&method));
            let path = url.trim_start_matches('/');
            let Some((kind, id)) = path.split_once('/').filter(|_| is_changed) else {
                // Nothing lost: other entries are named as they are.
                continue;
            };
            let Some(condition) = self.condition(kind, id) else {
                // Nothing lost: what is no id of the client's own stays as it is.
                continue;
            };
            if let Some(members) = item.get_mut("request").and_then(Value::as_object_mut) {
                members.insert("url".to_string(), json!(condition));
            }
            if !is_put {
                // Nothing lost: what is patched or deleted is named by the condition alone.
                continue;
            }
            if let Some(resource) = item.get_mut("resource") {
                self.name(resource, kind, id)?;
            }
            let called = item.get("fullUrl").and_then(Value::as_str).map(String::from);
            let called = called.unwrap_or_else(|| format!("{}/ids/{}/{path}", self.base, self.client.partner));
            if let Some(members) = item.as_object_mut() {
                members.insert("fullUrl".to_string(), json!(called));
            }
            named.insert(path.to_string(), called);
        }
        items.iter_mut().filter_map(|item| item.get_mut("resource")).for_each(|resource| {
            self.refer(resource, &named, &mut conditions);
        });
        Ok(conditions)
    }
}

/// The resource that an id in an address means: ours, or what the client calls so.
pub async fn meant(service: &Service, client: &Client, kind: &str, id: &str) -> Result<Option<ResourceId>, Fault> {
    match (id.parse(), OwnIds::of(service, client)) {
        (Ok(id), _) => Ok(Some(id)),
        (Err(_), Some(own)) => own.find(kind, id).await,
        (Err(_), None) => Ok(None),
    }
}

/// Whether a client's own ids are taken of a type: an agreement says so, and the type has identifiers to keep them in.
pub fn takes_ids(service: &Service, client: &Client, kind: &str) -> bool {
    let site = service.gateway.site.load();
    let is_listed = || Definitions::r4().element(kind, "identifier").is_some_and(|element| element.max.is_list());
    site.agreements.takes_ids_of(&client.partner, kind, service.gateway.clock.now())
        && served(kind).is_some()
        && is_listed()
}

/// What is answered where they are not.
pub fn refused() -> Fault {
    let text = "ids are given here: create it by POST, or update it by a condition (PUT …?identifier=system|value)";
    let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, Category::NotSupported, text);
    Fault { header: Some(("allow", "GET, HEAD".to_string())), ..fault }
}
