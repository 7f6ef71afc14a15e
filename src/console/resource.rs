//! One resource as it is served, and who had the last word on each of its elements.

use actix_web::web;
use askama::Template;
use serde_json::Value;

use super::fault::{Answer, Fault};
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, look, own, turn};
use crate::identity::{PersonId, ResourceId};

#[derive(Template)]
#[template(path = "console/resource.html")]
struct ResourcePage {
    frame: Frame,
    kind: String,
    id: String,
    version: u64,
    patient: Option<String>,
    json: String,
    provenance: Vec<(String, String)>,
}

pub(super) async fn show(console: web::Data<Console>, person: Person, path: web::Path<(String, String)>) -> Answer {
    let (kind, id) = path.into_inner();
    let Ok(parsed) = id.parse::<ResourceId>() else { return Err(Fault::no_such("resource")) };
    // First, so that what is not there and what is not theirs look the same.
    own::check(&console, &person, parsed.person, format!("{kind}/{parsed}")).await?;
    let stored = console.gateway.store.resource(&kind, parsed).await?.ok_or_else(|| Fault::no_such("resource"))?;
    if !own::may_see(&person, &stored) {
        return Err(Fault::no_such("resource"));
    }
    let owner = (parsed.person != PersonId::SHARED).then_some(parsed.person);
    look::note(&console, &person, owner, format!("{kind}/{parsed}")).await?;
    let (site, frame) = (console.gateway.site.load_full(), Frame::new("patients", &console, &person));
    turn::make(move || {
        let zone = page::zone_of(&site);
        let said = stored.state.stamps.iter().map(|(element, stamp)| {
            (element.clone(), format!("{}, said at {}", stamp.source, page::second(stamp.recorded, &zone)))
        });
        ResourcePage {
            json: serde_json::to_string_pretty(&Value::from(stored.resource.clone())).unwrap_or_default(),
            provenance: said.collect(),
            version: stored.version,
            patient: owner.map(|person| ResourceId::patient(person).to_string()),
            frame: frame.in_zone(&zone),
            kind,
            id,
        }
    })
    .await
}
