//! What one address does with one method, said once: routes are wired by it, and what is told of the interface (the CapabilityStatement, the
//! OpenAPI document) is read from it, so that neither can name what is not there.

use actix_web::Route;
use actix_web::web::{self, ServiceConfig};

use super::methods::{get, only};
use super::scope::Permissions;

/// The method; GET is HEAD, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    fn route(self) -> Route {
        match self {
            Self::Get => get(),
            Self::Post => web::post(),
            Self::Put => web::put(),
            Self::Patch => web::patch(),
            Self::Delete => web::delete(),
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Anybody,
    /// Whoever has an access token.
    Token,
    /// Whoever has one with this scope on the type.
    Scope(Permissions),
    /// Whoever proves who it is in the request itself.
    Partner,
}

/// What a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Nothing,
    /// A resource of the type that the address names.
    Resource,
    /// A resource of this type.
    One(&'static str),
    /// Any resource, or a patch in JSON.
    Patch,
    /// A form with these.
    Form(&'static [&'static str]),
    /// The search parameters of the type, as a form.
    Search,
    /// JSON of this schema.
    Json(&'static str),
    /// A text of this media type.
    Text(&'static str),
}

/// One method at one address.
#[derive(Debug, Clone, Copy)]
pub struct Offer<Does: 'static> {
    pub does: Does,
    pub method: Method,
    pub path: &'static str,
    pub title: &'static str,
    pub who: Who,
    pub takes: Content,
    /// Parameters and headers, by name.
    pub with: &'static [&'static str],
    /// The answers that are none of a fault.
    pub gives: &'static [(u16, Content)],
    /// The statuses of faults, beside those that every answer may have.
    pub faults: &'static [u16],
}

impl<Does: Copy> Offer<Does> {
    pub const fn new(does: Does, method: Method, path: &'static str, title: &'static str) -> Self {
        let (who, takes) = (Who::Anybody, Content::Nothing);
        Self { does, method, path, title, who, takes, with: &[], gives: &[], faults: &[] }
    }

    pub const fn of(self, who: Who) -> Self {
        Self { who, ..self }
    }

    pub const fn takes(self, takes: Content) -> Self {
        Self { takes, ..self }
    }

    pub const fn with(self, with: &'static [&'static str]) -> Self {
        Self { with, ..self }
    }

    pub const fn gives(self, gives: &'static [(u16, Content)]) -> Self {
        Self { gives, ..self }
    }

    pub const fn faults(self, faults: &'static [u16]) -> Self {
        Self { faults, ..self }
    }
}

/// Wires a table: each address once, in the order of the table, with a 405 that names what it takes.
pub fn wire<Does: Copy>(config: &mut ServiceConfig, offers: &[Offer<Does>], handler: impl Fn(Does, Route) -> Route) {
    let mut done: Vec<&str> = Vec::new();
    for first in offers {
        if done.contains(&first.path) {
            continue; // it was wired with the first of its address
        }
        done.push(first.path);
        let of_path = || offers.iter().filter(|offer| offer.path == first.path);
        let allowed: Vec<&str> = of_path().map(|offer| offer.method.allowed()).collect();
        let addresses = if first.path.is_empty() { vec!["", "/"] } else { vec![first.path] };
        let resource = of_path().fold(web::resource(addresses), |resource, offer| {
            resource.route(handler(offer.does, offer.method.route()))
        });
        config.service(resource.default_service(only(allowed.join(", "))));
    }
}
