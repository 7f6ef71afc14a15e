//! Each interaction below `/fhir` (http://hl7.org/fhir/R4/http.html): where it is, who may ask for it, what it takes and answers.

use crate::web::offer::Content::{Json, Nothing, One, Patch, Resource, Search};
use crate::web::offer::Method::{Delete, Get, Post, Put};
use crate::web::offer::Who::{Scope, Token};
use crate::web::offer::{Content, Method, Offer};
use crate::web::scope::Permissions;

/// What an interaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Capabilities,
    Configuration,
    OpenApi,
    SearchByPost,
    Validate,
    Everything,
    VRead,
    HistoryInstance,
    HistoryType,
    HistorySystem,
    SearchCompartment,
    Read,
    Update,
    Patch,
    Delete,
    Search,
    Create,
    UpdateByCondition,
    PatchByCondition,
    DeleteByCondition,
    Bundle,
    ProcessMessage,
}

impl Does {
    /// Its code in a CapabilityStatement (http://hl7.org/fhir/R4/valueset-type-restful-interaction.html); none for what stands elsewhere in it.
    pub fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Read => "read",
            Self::VRead => "vread",
            Self::HistoryInstance => "history-instance",
            Self::HistoryType => "history-type",
            Self::Search => "search-type",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            _ => return None,
        })
    }

    /// The name and the definition of an operation.
    pub fn operation(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Validate => Some(("validate", "http://hl7.org/fhir/OperationDefinition/Resource-validate")),
            Self::Everything => Some(("everything", "http://hl7.org/fhir/OperationDefinition/Patient-everything")),
            _ => None,
        }
    }
}

const PAGE: &[(u16, Content)] = &[(200, One("Bundle"))];
const WRITTEN: &[(u16, Content)] = &[(200, Resource), (201, Resource)];
const CHANGED: &[(u16, Content)] = &[(200, Resource)];
const REFUSED: &[u16] = &[404, 405, 409, 412, 413, 415, 422];

const HISTORY: &[&str] = &["_count", "_since", "_at", "Prefer"];

const READ: Permissions = Permissions::READ;
const SEARCH: Permissions = Permissions::SEARCH;

/// In the order in which an address is looked for.
pub const OFFERS: [Offer<Does>; 22] = [
    Offer::new(Does::Capabilities, Get, "/metadata", "What works here; with a token, what does for its client")
        .gives(&[(200, One("CapabilityStatement"))])
        .faults(&[401, 406]),
    Offer::new(Does::Configuration, Get, "/.well-known/smart-configuration", "Where tokens come from")
        .gives(&[(200, Json("Object"))]),
    Offer::new(Does::OpenApi, Get, "/openapi.json", "This description; with a token, of what works for its client")
        .gives(&[(200, Json("Object"))])
        .faults(&[401]),
    Offer::new(Does::ProcessMessage, Post, "/$process-message", "Tell of something by a message")
        .of(Token)
        .takes(One("Bundle"))
        .gives(PAGE)
        .faults(REFUSED),
    Offer::new(Does::SearchByPost, Post, "/{type}/_search", "Search, the parameters in the body")
        .of(Scope(SEARCH))
        .takes(Search)
        .with(&["Prefer"])
        .gives(PAGE)
        .faults(&[404, 413, 415]),
    Offer::new(Does::Validate, Post, "/{type}/$validate", "Whether a resource is valid")
        .of(Token)
        .takes(Resource)
        .with(&["profile"])
        .gives(&[(200, One("OperationOutcome"))])
        .faults(&[404, 413, 415]),
    Offer::new(Does::Everything, Get, "/Patient/{id}/$everything", "All of a record that the client may read")
        .of(Scope(READ))
        .with(&["_count", "_since", "_type", "start", "end", "Prefer"])
        .gives(PAGE)
        .faults(&[404, 410]),
    Offer::new(Does::VRead, Get, "/{type}/{id}/_history/{version}", "One version")
        .of(Scope(READ))
        .gives(CHANGED)
        .faults(&[404, 410]),
    Offer::new(Does::HistoryInstance, Get, "/{type}/{id}/_history", "The versions of one, newest first")
        .of(Scope(READ))
        .with(HISTORY)
        .gives(PAGE)
        .faults(&[404]),
    Offer::new(Does::HistoryType, Get, "/{type}/_history", "The versions of a type, newest first")
        .of(Scope(SEARCH))
        .with(HISTORY)
        .gives(PAGE)
        .faults(&[404]),
    Offer::new(Does::HistorySystem, Get, "/_history", "The versions of all that may be searched, newest first")
        .of(Scope(SEARCH))
        .with(HISTORY)
        .gives(PAGE),
    Offer::new(Does::SearchCompartment, Get, "/Patient/{id}/{type}", "Search in a patient's record")
        .of(Scope(SEARCH))
        .takes(Nothing)
        .with(&["Prefer"])
        .gives(PAGE)
        .faults(&[404]),
    Offer::new(Does::Read, Get, "/{type}/{id}", "Read")
        .of(Scope(READ))
        .with(&["If-None-Match", "If-Modified-Since"])
        .gives(&[(200, Resource), (304, Nothing)])
        .faults(&[404, 410]),
    Offer::new(Does::Update, Put, "/{type}/{id}", "Update")
        .of(Scope(Permissions::UPDATE))
        .takes(Resource)
        .with(&["If-Match", "If-None-Match", "Prefer", "X-Request-Id"])
        .gives(WRITTEN)
        .faults(REFUSED),
    Offer::new(Does::Patch, Method::Patch, "/{type}/{id}", "Patch")
        .of(Scope(Permissions::UPDATE))
        .takes(Patch)
        .with(&["If-Match", "Prefer", "X-Request-Id"])
        .gives(CHANGED)
        .faults(REFUSED),
    Offer::new(Does::Delete, Delete, "/{type}/{id}", "Delete")
        .of(Scope(Permissions::DELETE))
        .with(&["If-Match", "X-Request-Id"])
        .gives(&[(204, Nothing)])
        .faults(REFUSED),
    Offer::new(Does::Search, Get, "/{type}", "Search").of(Scope(SEARCH)).with(&["Prefer"]).gives(PAGE).faults(&[404]),
    Offer::new(Does::Create, Post, "/{type}", "Create")
        .of(Scope(Permissions::CREATE))
        .takes(Resource)
        .with(&["If-None-Exist", "Prefer", "X-Request-Id"])
        .gives(WRITTEN)
        .faults(REFUSED),
    Offer::new(Does::UpdateByCondition, Put, "/{type}", "Update what a condition finds, or create it")
        .of(Scope(Permissions::UPDATE))
        .takes(Resource)
        .with(&["If-Match", "Prefer", "X-Request-Id"])
        .gives(WRITTEN)
        .faults(REFUSED),
    Offer::new(Does::PatchByCondition, Method::Patch, "/{type}", "Patch what a condition finds")
        .of(Scope(Permissions::UPDATE))
        .takes(Patch)
        .with(&["If-Match", "Prefer", "X-Request-Id"])
        .gives(CHANGED)
        .faults(REFUSED),
    Offer::new(Does::DeleteByCondition, Delete, "/{type}", "Delete the one that a condition finds")
        .of(Scope(Permissions::DELETE))
        .with(&["If-Match", "X-Request-Id"])
        .gives(&[(204, Nothing)])
        .faults(REFUSED),
    Offer::new(Does::Bundle, Post, "", "A transaction or a batch")
        .of(Token)
        .takes(One("Bundle"))
        .with(&["Prefer", "X-Request-Id"])
        .gives(PAGE)
        .faults(REFUSED),
];
