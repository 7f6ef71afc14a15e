//! What references in a message lead to (http://hl7.org/fhir/R4/bundle.html#references): by `fullUrl` as R4 has it, and by type and id as
//! senders write them whatever their `fullUrl`s are.

use std::collections::HashMap;

use serde_json::Value;

use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;

/// Where one entry of a message is found.
pub(super) struct Links<'b> {
    by_url: HashMap<&'b str, usize>,
    /// `Type/id`; none where two have the same.
    by_path: HashMap<String, Option<usize>>,
    own_base: String,
}

/// What a reference leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Link {
    Entry(usize),
    /// It stays, or it is this one instead.
    Stays(Option<String>),
    /// Nobody can follow it.
    Lost,
    /// It is part of this message, and not there.
    Broken,
}

impl<'b> Links<'b> {
    pub fn of(items: &'b [Value], base_url: &str) -> Self {
        let (mut by_url, mut by_path) = (HashMap::new(), HashMap::new());
        for (place, item) in items.iter().enumerate() {
            let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
            by_url.extend(text("/fullUrl").map(|url| (url, place)));
            if let (Some(kind), Some(id)) = (text("/resource/resourceType"), text("/resource/id")) {
                by_path.entry(format!("{kind}/{id}")).and_modify(|known| *known = None).or_insert(Some(place));
            }
        }
        Self { by_url, by_path, own_base: format!("{base_url}/fhir/") }
    }

    /// The entry with this full URL.
    pub fn by_full_url(&self, url: &str) -> Option<usize> {
        self.by_url.get(url).copied()
    }

    /// A reference in an entry with this full URL.
    pub fn follow(&self, reference: &str, full_url: Option<&str>) -> Link {
        let whole = reference.split("/_history/").next().unwrap_or(reference);
        if reference.starts_with('#') || reference.contains('?') {
            return Link::Stays(None);
        }
        if let Some(place) = self.by_url.get(whole) {
            return Link::Entry(*place);
        }
        if whole.starts_with("urn:") {
            // `urn:uuid:` before an id of a resource without a full URL.
            let id = whole.rsplit(':').next().unwrap_or_default();
            let mut same = self.by_path.iter().filter(|(path, _)| path.split('/').nth(1) == Some(id));
            return match (same.next(), same.next()) {
                (Some((_, Some(place))), None) => Link::Entry(*place),
                _ => Link::Broken,
            };
        }
        let base = full_url.and_then(base_of);
        let relative = match (whole.contains(':'), base) {
            (false, _) => Some(whole),
            (true, Some(base)) => whole.strip_prefix(base),
            (true, None) => None,
        };
        let Some(relative) = relative else { return Link::Stays(None) };
        let at_base = base.map(|base| format!("{base}{relative}"));
        if let Some(place) = at_base.as_deref().and_then(|url| self.by_url.get(url)) {
            return Link::Entry(*place);
        }
        if let Some(Some(place)) = self.by_path.get(relative) {
            return Link::Entry(*place);
        }
        let is_ours = relative.split('/').nth(1).is_some_and(|id| id.parse::<ResourceId>().is_ok());
        match at_base {
            Some(url) => Link::Stays(Some(url)),
            None if is_ours || whole.starts_with(&self.own_base) => Link::Stays(None),
            None => Link::Lost,
        }
    }
}

/// `https://ehr.example/fhir/` of `https://ehr.example/fhir/Encounter/1`.
fn base_of(full_url: &str) -> Option<&str> {
    if !full_url.starts_with("http") {
        return None;
    }
    let (at, _) = full_url.rmatch_indices('/').nth(1)?;
    full_url.get(..=at)
}

/// Rewrites the references of one resource: `entry` says how an entry is called, or the number of one that is not taken. What leads nowhere keeps what
/// it says beside the reference; what is broken is an error.
pub(super) fn rewrite(
    resource: &mut Value,
    (links, full_url, at): (&Links<'_>, Option<&str>, &str),
    entry: &dyn Fn(usize) -> Result<String, Option<Value>>,
    notes: &mut Vec<Problem>,
) {
    match resource {
        Value::Array(items) => {
            for (place, item) in items.iter_mut().enumerate() {
                rewrite(item, (links, full_url, &format!("{at}[{place}]")), entry, notes);
            }
        }
        Value::Object(members) => {
            if let Some(reference) = members.get("reference").and_then(Value::as_str).map(String::from) {
                let kind = kind_of(&reference).unwrap_or("something").to_string();
                let place = || Place::Element(format!("{at}.reference"));
                let left = match links.follow(&reference, full_url) {
                    Link::Entry(number) => match entry(number) {
                        Ok(name) => {
                            members.insert("reference".to_string(), Value::String(name));
                            None
                        }
                        // It is named among what is not taken, and its number says which one it is.
                        Err(number) => {
                            if let Some(number) = number.filter(|_| !members.contains_key("identifier")) {
                                members.insert("identifier".to_string(), number);
                            }
                            Some("what is not taken".to_string())
                        }
                    },
                    Link::Stays(Some(url)) => {
                        members.insert("reference".to_string(), Value::String(url));
                        None
                    }
                    Link::Stays(None) => None,
                    Link::Broken => {
                        let text =
                            "this refers to an entry of this message that is not there; put it in, with this `fullUrl`";
                        notes.push(Problem::error(Category::NotFound, place(), text));
                        None
                    }
                    Link::Lost => {
                        let text = "this refers to what is not in the message, and the entry has no `fullUrl` to tell whose it is; only `identifier` \
                                    and `display` were taken";
                        let problem = Problem::warning(Category::NotFound, place(), text);
                        notes.push(problem.unused(Kind::Field, &format!("reference to {kind} not sent")));
                        Some(kind)
                    }
                };
                if let Some(what) = left {
                    members.shift_remove("reference");
                    if !members.contains_key("identifier") && !members.contains_key("display") {
                        members.insert("display".to_string(), Value::String(format!("({what})")));
                    }
                }
            }
            for (name, value) in members.iter_mut() {
                rewrite(value, (links, full_url, &format!("{at}.{name}")), entry, notes);
            }
        }
        // Nothing lost: texts and numbers refer to nothing.
        _ => {}
    }
}

/// The type in a relative reference, if it looks like one.
fn kind_of(reference: &str) -> Option<&str> {
    let kind = reference.rsplit('/').nth(1)?;
    (kind.len() <= 32 && kind.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some(kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_followed_as_senders_write_them() {
        let item =
            |url: &str, kind: &str, id: &str| json!({ "fullUrl": url, "resource": { "resourceType": kind, "id": id } });
        let mut bare = item("", "Location", "l1");
        bare.as_object_mut().unwrap().shift_remove("fullUrl");
        let items = [
            item("urn:uuid:0001", "Patient", "p1"),
            item("https://ehr.example/fhir/Encounter/e1", "Encounter", "e1"),
            bare,
            item("urn:uuid:0003", "Patient", "twin"),
            item("urn:uuid:0004", "Patient", "twin"),
        ];
        let links = Links::of(&items, "https://handover.example");
        let ehr = Some("https://ehr.example/fhir/Condition/c1");
        assert_eq!(links.follow("urn:uuid:0001", None), Link::Entry(0));
        assert_eq!(links.follow("Patient/p1", None), Link::Entry(0));
        assert_eq!(links.follow("Encounter/e1/_history/4", ehr), Link::Entry(1));
        assert_eq!(links.follow("Location/l1", ehr), Link::Entry(2));
        assert_eq!(links.follow("urn:uuid:l1", None), Link::Entry(2));
        assert_eq!(links.follow("Patient/twin", None), Link::Lost);
        assert_eq!(links.follow("urn:uuid:0009", None), Link::Broken);
        assert_eq!(
            links.follow("Practitioner/7", ehr),
            Link::Stays(Some("https://ehr.example/fhir/Practitioner/7".to_string()))
        );
        assert_eq!(links.follow("https://other.example/fhir/Practitioner/7", ehr), Link::Stays(None));
        assert_eq!(links.follow("#inside", ehr), Link::Stays(None));
    }
}
