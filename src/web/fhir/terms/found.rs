//! What a request is about: the value set, code system or concept that it names, or a fault that says what is not here.

use std::sync::Arc;

use serde_json::{Value, json};

use super::asked::Asked;
use crate::fhir::definition::split_version;
use crate::fhir::terminology::{
    Compose, HeldSystem, Summary, Unexpandable, Unreadable, definition_id, implicit, implicit_version,
};
use crate::problem::Category;
use crate::profile::reduce::value_set_of;
use crate::web::answer::Fault;

/// A value set with the canonical URL it goes by; none for one that came with the request and has no URL.
pub struct AskedSet {
    pub url: Option<String>,
    pub version: Option<String>,
    pub compose: Arc<Compose>,
}

/// A code with what is said of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coding {
    pub system: Option<String>,
    pub version: Option<String>,
    pub code: String,
    pub display: Option<String>,
}

impl Asked {
    /// The value set of the instance, of `url`, or of `valueSet`.
    pub fn value_set(&self) -> Result<AskedSet, Fault> {
        if let Some(given) = self.input.object("valueSet")? {
            let compose = value_set_of(given).map_err(|reason| {
                Fault::bad_request(Category::Structure, format!("the value set that was sent cannot be used: {reason}"))
            })?;
            let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_string);
            return Ok(AskedSet { url: text("url"), version: text("version"), compose: Arc::new(compose) });
        }
        let library = self.library();
        let all = library.value_sets();
        let (url, version) = self.named(&all, "valueSetVersion")?;
        let canonical = version.map_or(url.to_string(), |version| format!("{url}|{version}"));
        let compose = library.value_set(&canonical).ok_or_else(|| {
            if let Some(Err(reason)) = implicit(&canonical) {
                let text = format!("the URL of this value set says what is in it, and cannot be used: {reason}");
                return Fault::bad_request(Category::Value, text);
            }
            let other = all.get(url).and_then(|known| known.version);
            not_here("value set", "ValueSet", other)
        })?;
        let by_url = implicit_version(&canonical).filter(|_| !all.contains_key(url));
        if let Some((system, wanted)) = by_url
            && let Some(held) = library.code_system(system)
            && !is_version(held.as_ref(), Some(wanted))
        {
            return Err(not_here("code system", "CodeSystem", held.head().version.as_deref()));
        }
        let version = all.get(url).and_then(|known| known.version).map(str::to_string);
        Ok(AskedSet { url: Some(url.to_string()), version, compose })
    }

    /// The URL and the wanted version of the instance, or of `url`.
    fn named<'a>(
        &'a self,
        all: &std::collections::BTreeMap<&'a str, Summary<'_>>,
        version: &str,
    ) -> Result<(&'a str, Option<&'a str>), Fault> {
        match &self.id {
            Some(id) => Ok((url_of(all.keys().copied(), id).ok_or_else(absent)?, None)),
            None => {
                let (url, own) = split_version(self.input.required("url")?);
                Ok((url, own.or(self.input.text(version)?)))
            }
        }
    }

    /// The code system of the instance, or of this URL (with a version or without).
    pub fn code_system(&self, canonical: Option<&str>, version: Option<&str>) -> Result<Arc<dyn HeldSystem>, Fault> {
        let library = self.library();
        let all = library.code_systems();
        let (url, own) = match (&self.id, canonical) {
            (Some(id), _) => (url_of(all.keys().copied(), id).ok_or_else(absent)?, None),
            (None, Some(canonical)) => split_version(canonical),
            (None, None) => {
                let text = "say which code system is meant: its URL as `system`, or a `coding` with one";
                return Err(Fault::bad_request(Category::Required, text));
            }
        };
        let held = library.code_system(url).ok_or_else(|| not_here("code system", "CodeSystem", None))?;
        match is_version(held.as_ref(), own.or(version)) {
            true => Ok(held),
            false => Err(not_here("code system", "CodeSystem", held.head().version.as_deref())),
        }
    }
}

/// Whether what is held is of this version: an edition without its date (http://snomed.info/sct/900000000000207008) counts too.
pub fn is_version(held: &dyn HeldSystem, wanted: Option<&str>) -> bool {
    let (Some(wanted), Some(own)) = (wanted, held.head().version.as_deref()) else { return true };
    own == wanted || own.strip_prefix(wanted).is_some_and(|rest| rest.starts_with("/version/"))
}

/// The URL of what is read by an id. Of several whose URLs end alike, the first has the plain id.
pub fn url_of<'a>(urls: impl Iterator<Item = &'a str>, id: &str) -> Option<&'a str> {
    with_ids(urls).into_iter().find(|(_, own)| own == id).map(|(url, _)| url)
}

/// Each URL with its id. Those that end alike are told apart by a number in the order of their URLs.
pub fn with_ids<'a>(urls: impl Iterator<Item = &'a str>) -> Vec<(&'a str, String)> {
    let mut times: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let ids = urls.map(|url| {
        let id = definition_id(url);
        let count = times.entry(id.clone()).or_default();
        *count += 1;
        (url, if *count == 1 { id } else { format!("{}-{count}", id.get(..id.len().min(60)).unwrap_or_default()) })
    });
    ids.collect()
}

fn absent() -> Fault {
    Fault::not_found("there is no such resource here")
}

/// 404 for what is not held, or in another version.
fn not_here(what: &str, kind: &str, other: Option<&str>) -> Fault {
    Fault::not_found(match other {
        Some(version) => format!("this {what} is here in version {version}, and not in the one that is asked for"),
        None => format!(
            "this {what} is not here; GET {kind} lists those that are, and docs/site.md says how a site adds more"
        ),
    })
}

pub fn unreadable(_: Unreadable) -> Fault {
    let text = "the files of this code system cannot be read; whoever runs the gateway finds the reason in its log";
    Fault::new(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR, Category::Exception, text)
}

/// Why codes cannot be listed (http://hl7.org/fhir/R4/valueset-operation-expand.html), with what is missing by name.
pub fn unexpandable(reason: Unexpandable) -> Fault {
    let (category, text) = match reason {
        Unexpandable::Unreadable => return unreadable(Unreadable),
        Unexpandable::ValueSet(url) => match implicit(&url) {
            Some(Err(reason)) => {
                (Category::Value, format!("it includes the value set {url}, which cannot be used: {reason}"))
            }
            _ => {
                (Category::NotFound, format!("it includes the value set {url}, which is not here, or includes itself"))
            }
        },
        Unexpandable::CodeSystem(url) => (
            Category::NotFound,
            format!("its codes come from {url}, of which not all is here: a site can add it (docs/site.md)"),
        ),
        Unexpandable::Filter(rule) => (Category::NotSupported, format!("it asks for {rule}, which is not held here")),
        Unexpandable::TooCostly | Unexpandable::Stopped => {
            let text = "it has more codes than can be told apart at once; ask for a narrower value set";
            (Category::TooCostly, text.to_string())
        }
    };
    let status = actix_web::http::StatusCode::UNPROCESSABLE_ENTITY;
    Fault::new(status, category, format!("the value set cannot be expanded: {text}"))
}

impl Coding {
    /// Reads a Coding.
    pub fn read(value: &Value) -> Result<Self, Fault> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_string);
        let missing = || Fault::bad_request(Category::Required, "a coding has no `code`");
        let code = text("code").ok_or_else(missing)?;
        Ok(Self { system: text("system"), version: text("version"), code, display: text("display") })
    }

    /// The same as FHIR.
    pub fn written(system: &str, code: &str, display: Option<&str>) -> Value {
        let mut coding = json!({ "system": system, "code": code });
        if let (Some(display), Some(members)) = (display, coding.as_object_mut()) {
            members.insert("display".to_string(), display.into());
        }
        coding
    }
}

impl Asked {
    /// What `coding`, `codeableConcept` or `code` with `system` and `display` ask about.
    pub fn codings(&self, system: &str, version: &str) -> Result<Vec<Coding>, Fault> {
        if let Some(coding) = self.input.object("coding")? {
            return Ok(vec![Coding::read(coding)?]);
        }
        if let Some(concept) = self.input.object("codeableConcept")? {
            let codings = concept.get("coding").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            return codings.iter().map(Coding::read).collect();
        }
        let text = |name: &str| self.input.text(name).map(|text| text.map(str::to_string));
        let missing =
            || Fault::bad_request(Category::Required, "say which code is meant: `code`, `coding` or `codeableConcept`");
        let code = text("code")?.ok_or_else(missing)?;
        Ok(vec![Coding { system: text(system)?, version: text(version)?, code, display: text("display")? }])
    }
}
