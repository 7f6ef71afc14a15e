//! One partner's lane, stopped by a person's word and opened again: everything is decided and queued for it as ever, and nobody else
//! waits. The word is kept in the store, so that it counts for every gateway and after a restart.

use serde_json::{Value, json};

use super::Gateway;
use super::operation::{fault, missing};
use super::paused::{PART, Pause, state};
use crate::problem::{Category, Place, Problem};
use crate::site::Site;
use crate::store::{Delivery, StoreError};

impl Gateway {
    /// The partner's pause, if it is paused. Asks the store where it was not asked for a few seconds.
    pub async fn pause_of(&self, partner: &str) -> Result<Option<Pause>, StoreError> {
        self.see_pauses([partner.to_string()].iter()).await?;
        Ok(self.last_pause(partner))
    }

    /// Asks the store which of these are paused, of those that it was not asked of for a few seconds.
    pub async fn see_pauses<'a>(&self, partners: impl Iterator<Item = &'a String>) -> Result<(), StoreError> {
        let asked = self.pauses.to_look_at(partners);
        if asked.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = asked.iter().map(|partner| state(partner)).collect();
        for (partner, kept) in asked.iter().zip(self.store.get_states(&names).await?) {
            self.note_pause(partner, Pause::of_bytes(partner, &kept.unwrap_or_default())?);
        }
        Ok(())
    }

    /// The partner's pause as this process saw it last. Asks nobody.
    pub fn last_pause(&self, partner: &str) -> Option<Pause> {
        self.pauses.last(partner)
    }

    /// Whether it stays here for now because its partner is paused, as far as this process has seen. Asks nobody.
    pub fn holds_back(&self, delivery: &Delivery) -> bool {
        self.last_pause(&delivery.new.partner).is_some_and(|pause| pause.holds_back(delivery))
    }

    fn note_pause(&self, partner: &str, pause: Option<Pause>) {
        let part = format!("{PART}{partner}");
        match &pause {
            Some(pause) => {
                let title = title(&self.site.load(), partner);
                let sent =
                    if pause.drains { "only what was waiting then is still sent to" } else { "nothing is sent to" };
                let text = format!("{title} is paused: {sent} it until somebody resumes it");
                let detail = format!("{} by {}: {}", pause.since, pause.who, pause.why);
                self.condition.set(&part, pause.since, text, vec![detail]);
            }
            None => self.condition.clear(&part),
        }
        self.pauses.saw(partner, pause);
    }

    /// The partner is sent nothing any more until a person says so; with `drains`, nothing that is made from now on.
    pub async fn pause_partner(&self, partner: &str, drains: bool, why: &str, who: &str) -> Result<Pause, Problem> {
        if !self.site.load().partners.contains_key(partner) {
            return Err(missing(&format!("the site has no partner `{partner}`")));
        }
        let pause = Pause { since: self.clock.now(), why: why.trim().to_string(), who: who.to_string(), drains };
        if pause.why.is_empty() {
            return Err(Problem::error(Category::Required, Place::Whole, "say why the partner is paused"));
        }
        let action = if drains { "drain" } else { "pause" };
        self.say_pause(partner, &pause.to_bytes(), action, who, &pause.why).await?;
        self.note_pause(partner, Some(pause.clone()));
        tracing::warn!(partner, action, "a partner is paused");
        Ok(pause)
    }

    /// The partner is sent to again, what waited in its order. Returns the pause that ended, if there was one.
    pub async fn resume_partner(&self, partner: &str, who: &str) -> Result<Option<Pause>, Problem> {
        let kept = self.store.get_state(&state(partner)).await.map_err(fault)?.unwrap_or_default();
        let before = Pause::of_bytes(partner, &kept).map_err(fault)?;
        if before.is_none() && !self.site.load().partners.contains_key(partner) {
            return Err(missing(&format!("the site has no partner `{partner}`")));
        }
        if before.is_some() {
            self.say_pause(partner, b"", "resume", who, "the partner is sent to again").await?;
            tracing::info!(partner, "a partner is sent to again");
        }
        self.note_pause(partner, None);
        self.delivery_bell.notify_one();
        Ok(before)
    }

    async fn say_pause(
        &self,
        partner: &str,
        kept: &[u8],
        action: &str,
        who: &str,
        because: &str,
    ) -> Result<(), Problem> {
        let subject = format!("deliveries to {partner}");
        let said = self.say_hold((&state(partner), kept), (action, &subject), who, because).await;
        // Half of it may be in the store: what stands there counts.
        said.inspect_err(|_| self.pauses.forget(partner)).map_err(fault)
    }

    /// All partners that are sent to, with what waits for each and whether it is paused.
    pub(super) async fn list_partners(&self) -> Result<Value, Problem> {
        let site = self.site.load_full();
        let mut items = Vec::new();
        for partner in site.partners.values().filter(|partner| partner.fhir_base.is_some()) {
            let pause = self.pause_of(&partner.name).await.map_err(fault)?;
            let until = pause.as_ref().and_then(Pause::made_until);
            let backlog = self.store.backlog(&partner.name, until).await.map_err(fault)?;
            items.push(json!({ "partner": partner.name, "paused": pause, "backlog": backlog }));
        }
        Ok(json!({ "items": items, "next": null }))
    }
}

fn title(site: &Site, partner: &str) -> String {
    site.partners.get(partner).map_or_else(|| partner.to_string(), |partner| partner.title.clone())
}
