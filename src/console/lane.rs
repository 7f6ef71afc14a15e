//! One partner's lane on the page of deliveries: what waits, whether a person paused it, and the form that pauses, drains and resumes.

use actix_web::web;
use jiff::Timestamp;
use serde::Deserialize;

use super::access::may_press;
use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::page;
use super::session::Person;
use super::{Console, turn};
use crate::pipeline::{Pause, signed};
use crate::site::Site;
use crate::store::Backlog;

/// What the page says of it.
pub(super) struct Lane {
    pub partner: String,
    pub title: String,
    pub backlog: Backlog,
    /// How long ago the oldest of what waits was made, and when the next is due.
    pub oldest: String,
    pub next: String,
    pub pause: Option<Paused>,
    /// Whether whoever looks may pause and resume it.
    pub may_act: bool,
}

pub(super) struct Paused {
    pub since: String,
    pub who: String,
    pub why: String,
    pub drains: bool,
}

impl Paused {
    /// None where it is not paused.
    pub async fn of(console: &Console, partner: &str) -> Result<Option<Self>, Fault> {
        let pause = console.gateway.pause_of(partner).await?;
        Ok(pause.map(|pause| Self::told(&console.gateway.site.load(), pause)))
    }

    fn told(site: &Site, pause: Pause) -> Self {
        let who = signed(site, &pause.who).to_string();
        Self { since: page::minute(pause.since, &page::zone_of(site)), who, why: pause.why, drains: pause.drains }
    }
}

impl Lane {
    /// None where nothing is sent to such a partner.
    pub async fn of(console: &Console, person: &Person, name: &str) -> Result<Option<Self>, Fault> {
        let (gateway, site) = (&console.gateway, console.gateway.site.load_full());
        let Some(partner) = site.partners.get(name).filter(|partner| partner.fhir_base.is_some()) else {
            return Ok(None);
        };
        let pause = gateway.pause_of(name).await?;
        let (store, of, until) = (gateway.store.clone(), name.to_string(), pause.as_ref().and_then(Pause::made_until));
        let backlog = turn::read(console, person, async move { store.backlog(&of, until).await }).await?;
        let (now, zone) = (gateway.clock.now(), page::zone_of(&site));
        let told = |at: Option<Timestamp>, words: &dyn Fn(Timestamp) -> String| at.map(words).unwrap_or_default();
        Ok(Some(Self {
            partner: partner.name.clone(),
            title: partner.title.clone(),
            oldest: told(backlog.oldest, &|at| page::minute(at, &zone)),
            next: told(backlog.next, &|at| page::distance(at.max(now), now)),
            backlog,
            pause: pause.map(|pause| Paused::told(&site, pause)),
            may_act: may_press(person, "/console/partners/{partner}"),
        }))
    }
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    #[serde(flatten)]
    key: FormKey,
    #[serde(default, rename = "do")]
    action: String,
    #[serde(default)]
    why: String,
}

pub(super) async fn act(
    console: web::Data<Console>,
    person: Person,
    partner: web::Path<String>,
    form: web::Form<Pressed>,
) -> Answer {
    form.key.check(&person)?;
    let (gateway, who) = (&console.gateway, person.agent());
    match form.action.as_str() {
        "pause" | "drain" => {
            gateway.pause_partner(&partner, form.action == "drain", &form.why, &who).await?;
        }
        "resume" => {
            gateway.resume_partner(&partner, &who).await?;
        }
        _ => return Err(Fault::Refused("press one of the form's buttons".to_string())),
    }
    Ok(page::see(&format!("/console/deliveries?partner={}", *partner)))
}
