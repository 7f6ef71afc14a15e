//! What waits for a person's look, over all patients, and the form that says what a thing is: what `handover look` does, in the
//! console. Nothing is decided by Enter, and nothing without a note.

use std::collections::BTreeMap;

use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::page::{self, Frame};
use super::part::LINES;
use super::session::Person;
use super::thing::Thing;
use super::trace::{Written, written};
use super::{Console, look, turn, undo};
use crate::fhir::sorted_name;
use crate::identity::ResourceId;
use crate::pipeline::{Deed, DeedKind, Saying};
use crate::problem::{Category, Problem};
use crate::record::Stored;
use crate::store::{Cursor, Query, StoreError, Term};

const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "console/labels.html")]
struct Labels {
    frame: Frame,
    total: u64,
    patients: Vec<OfPatient>,
    is_first: bool,
    next: Option<String>,
}

struct OfPatient {
    id: String,
    name: String,
    things: Vec<Thing>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    after: String,
}

pub(super) async fn list(console: web::Data<Console>, person: Person, asked: web::Query<Asked>) -> Answer {
    let (site, store) = (console.gateway.site.load_full(), console.gateway.store.clone());
    let cursor = Cursor::given(&asked.after);
    let is_first = cursor.is_none();
    let reading = async move {
        let waiting = store.to_look_at(cursor.as_ref(), PAGE).await?;
        let ids = waiting.page.items.iter().map(|stored| ResourceId::patient(stored.id.person)).collect();
        let query = Query { resource_type: "Patient".to_string(), terms: vec![Term::Id(ids)] };
        Ok::<_, StoreError>((waiting, store.search(&query, None, PAGE).await?.items))
    };
    let (waiting, patients) = turn::read(&console, &person, reading).await?;
    look::note(&console, &person, None, "what waits for a look".to_string()).await?;
    let frame = Frame::new("labels", &console, &person);
    turn::make(move || {
        let zone = page::zone_of(&site);
        let names: BTreeMap<ResourceId, String> =
            patients.iter().map(|stored| (stored.id, sorted_name(&stored.resource))).collect();
        Labels {
            total: waiting.total,
            patients: by_patient(&waiting.page.items, &names, &zone),
            is_first,
            next: waiting.page.next.map(|cursor| cursor.0),
            frame: frame.in_zone(&zone),
        }
    })
    .await
}

/// What is of one patient stands together in the store's order.
fn by_patient(waiting: &[Stored], names: &BTreeMap<ResourceId, String>, zone: &TimeZone) -> Vec<OfPatient> {
    let of_one = waiting.chunk_by(|one, next| one.id.person == next.id.person);
    let told = |things: &[Stored]| {
        let id = ResourceId::patient(things.first()?.id.person);
        Some(OfPatient {
            id: id.to_string(),
            name: names.get(&id).cloned().unwrap_or_else(|| "Unnamed".to_string()),
            things: things.iter().map(|stored| Thing::of(stored, zone)).collect(),
        })
    };
    of_one.filter_map(told).collect()
}

/// What somebody pressed.
struct Said {
    key: FormKey,
    /// Which of the two buttons; none where a form has neither.
    is_plain: Option<bool>,
    labels: Vec<String>,
    note: String,
}

impl Said {
    /// A form has one field for each label that is chosen, and one for codes that are written.
    fn of(fields: Vec<(String, String)>) -> Self {
        let mut said = Self { key: FormKey::default(), is_plain: None, labels: Vec::new(), note: String::new() };
        for (name, value) in fields {
            match name.as_str() {
                "form_key" => said.key = FormKey::of(value),
                "says" => said.is_plain = ["plain", "sensitive"].contains(&value.as_str()).then(|| value == "plain"),
                "label" => said.labels.push(value),
                "others" => {
                    said.labels.extend(value.split([' ', ',']).filter(|code| !code.is_empty()).map(String::from))
                }
                "note" => said.note = value,
                // Nothing lost: no form of ours has another field.
                _ => {}
            }
        }
        said
    }

    fn check(&self) -> Result<(), Fault> {
        let text = match (self.is_plain, self.labels.is_empty()) {
            (Some(true), true) | (Some(false), false) => return Ok(()),
            (Some(true), false) => "it is not sensitive or it has these sensitivities, not both: say one of them",
            (Some(false), true) => "choose which sensitivities it has, or say that it is not sensitive",
            (None, _) => "say whether it is sensitive: press one of the form's two buttons",
        };
        Err(Fault::Refused(text.to_string()))
    }
}

#[derive(Template)]
#[template(path = "console/looked.html")]
struct Looked {
    frame: Frame,
    thing: Thing,
    patient: String,
    changed: Vec<Written>,
    /// How many more changed than are shown.
    more: usize,
    /// What takes it back; empty where it stood so already.
    undo: String,
    back: String,
}

/// Takes what somebody says of a thing, and shows what that changed.
pub(super) async fn say(
    console: web::Data<Console>,
    person: Person,
    path: web::Path<(String, String)>,
    form: web::Form<Vec<(String, String)>>,
) -> Answer {
    let said = Said::of(form.into_inner());
    said.key.check(&person)?;
    said.check()?;
    let (kind, id) = path.into_inner();
    let id: ResourceId = id.parse().map_err(|_| Fault::no_such("thing"))?;
    let saying = Saying { kind: &kind, id, labels: &said.labels, note: &said.note, who: &person.agent() };
    let changed = console.gateway.look(&saying).await.map_err(|problem: Problem| match problem.category {
        Category::NotFound => Fault::no_such("thing"),
        _ => problem.into(),
    })?;
    let stored = console.gateway.store.resource(&kind, id).await?.ok_or_else(|| Fault::no_such("thing"))?;
    let undo = undo::offer(&console, &person, &Deed::among(&changed, DeedKind::Label, &kind, id));
    let site = console.gateway.site.load_full();
    let frame = Frame::new("labels", &console, &person);
    turn::make(move || {
        let (zone, patient) = (page::zone_of(&site), ResourceId::patient(id.person).to_string());
        Looked {
            back: format!("/console/patients/{patient}"),
            thing: Thing::of(&stored, &zone),
            undo,
            patient,
            more: changed.len().saturating_sub(LINES),
            changed: changed.iter().take(LINES).filter_map(|path| written(path)).collect(),
            frame: frame.in_zone(&zone),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_one_of_two_things() {
        let check = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            let said = Said::of(fields);
            said.check().map(|()| said.labels).map_err(|fault| format!("{fault:?}"))
        };
        assert_eq!(check(&[("says", "plain"), ("others", " ")]), Ok(Vec::new()));
        let some = [("says", "sensitive"), ("label", "ETH"), ("label", "PSY"), ("others", "HIV, 42CFRPart2")];
        assert_eq!(check(&some).unwrap(), ["ETH", "PSY", "HIV", "42CFRPart2"]);
        for (fields, why) in [
            (vec![("says", "sensitive")], "choose which"),
            (vec![("says", "plain"), ("label", "ETH")], "not both"),
            (vec![("says", "maybe")], "press one"),
            (vec![("label", "ETH")], "press one"),
        ] {
            assert!(check(&fields).unwrap_err().contains(why), "{fields:?}");
        }
    }
}
