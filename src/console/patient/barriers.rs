//! What stands in a patient's way: by kind, in somebody's own words, and of which referral; written down, and taken off when it does no longer.

use actix_web::web;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::loaded::{Loaded, load};
use crate::console::fault::{Answer, Fault};
use crate::console::form_key::FormKey;
use crate::console::session::Person;
use crate::console::{Console, page, when};
use crate::identity::ResourceId;
use crate::pipeline::BarrierWord;
use crate::protocol::Looked;

/// One of them.
pub(crate) struct Barrier {
    pub id: String,
    pub is_concern: bool,
    /// An answer of an assessment, which nobody has taken up yet.
    pub is_answer: bool,
    pub title: String,
    /// Empty where nobody said more than the kind.
    pub words: String,
    pub since: String,
    pub referral: String,
}

/// The oldest first.
pub(super) fn barriers(looked: &Looked, now: Timestamp, zone: &TimeZone) -> Vec<Barrier> {
    let today = when::date_in(now, zone);
    let one = |one: &crate::protocol::Barrier| {
        let of = looked.referrals.iter().find(|referral| Some(referral.request) == one.referral);
        Barrier {
            id: one.by.to_string(),
            is_concern: one.is_concern,
            is_answer: !one.is_concern && one.referral.is_none(),
            title: one.title.clone(),
            words: if one.words == one.title { String::new() } else { one.words.clone() },
            since: when::day(when::date_in(one.since, zone), today),
            referral: of.map(|referral| format!("{}, {}", referral.what, referral.to)).unwrap_or_default(),
        }
    };
    looked.barriers.iter().map(one).collect()
}

#[derive(Deserialize)]
pub(crate) struct Form {
    #[serde(flatten)]
    key: FormKey,
    #[serde(default)]
    once: String,
    #[serde(default)]
    over: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    referral: String,
    #[serde(default)]
    helped: String,
}

/// Takes what is said of one.
pub(crate) async fn say(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<Form>,
) -> Answer {
    form.key.check(&person)?;
    let Loaded { known, patient, .. } = load(&console, &person, &id, 0).await?;
    let Form { once, over, kind, words, referral, helped, .. } = form.into_inner();
    // What is not for whoever writes is not there for them.
    let named = |text: &str, resource: &str, what: &'static str| match text {
        "" => Ok(None),
        id => {
            let id: ResourceId = id.parse().map_err(|_| Fault::no_such(what))?;
            known.record.get(resource, id).map(|_| Some(id)).ok_or_else(|| Fault::no_such(what))
        }
    };
    let over = named(&over, "Condition", "thing in the way")?;
    let referral = named(&referral, "ServiceRequest", "referral")?;
    let saved = if over.is_some() { "overcome" } else { "barrier" };
    let word = BarrierWord { over, kind, words, referral, helped, once };
    console.gateway.say_barrier(patient.id.person, &word, &person.agent()).await?;
    Ok(page::see(&format!("/console/patients/{}?saved={saved}#barriers", patient.id)))
}
