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
        let mut asked = self.pauses.to_look_at(partners);
        while !asked.is_empty() {
            let names: Vec<String> = asked.iter().map(|(partner, _)| state(partner)).collect();
            for ((partner, words), kept) in asked.iter().zip(self.store.get_states(&names).await?) {
                let pause = self.as_kept(partner, kept);
                if self.pauses.saw(partner, *words, pause.clone()) {
                    self.tell_pause(partner, pause.as_ref());
                }
            }
            // Where somebody's word failed meanwhile, what stands in the store is not known yet.
            asked = self.pauses.to_look_at(asked.iter().map(|(partner, _)| partner));
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

    /// What does not read has stood since this process first saw something there.
    fn as_kept(&self, partner: &str, kept: Option<Vec<u8>>) -> Option<Pause> {
        let found = self.last_pause(partner).map_or_else(|| self.clock.now(), |last| last.since);
        Pause::of_bytes(&kept.unwrap_or_default(), found)
    }

    async fn kept_pause(&self, partner: &str) -> Result<Option<Pause>, Problem> {
        Ok(self.as_kept(partner, self.store.get_state(&state(partner)).await.map_err(fault)?))
    }

    fn note_pause(&self, partner: &str, pause: Option<&Pause>) {
        self.pauses.said(partner, pause.cloned());
        self.tell_pause(partner, pause);
    }

    fn tell_pause(&self, partner: &str, pause: Option<&Pause>) {
        let part = format!("{PART}{partner}");
        match pause {
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
    }

    /// The partner is sent nothing any more until a person says so; with `drains`, nothing that is made from now on. Said again it
    /// has another reason and the same beginning: what a drain withholds it goes on to withhold.
    pub async fn pause_partner(&self, partner: &str, drains: bool, why: &str, who: &str) -> Result<Pause, Problem> {
        if !self.site.load().partners.contains_key(partner) {
            return Err(missing(&format!("the site has no partner `{partner}`")));
        }
        let why = why.trim();
        if why.is_empty() {
            return Err(Problem::error(Category::Required, Place::Whole, "say why the partner is paused"));
        }
        let since = match self.kept_pause(partner).await? {
            Some(before) if before.drains == drains => before.since,
            Some(_) if drains => {
                let text = "the partner is paused, and a drain would send what waits: resume it first, then drain it";
                return Err(Problem::error(Category::BusinessRule, Place::Whole, text));
            }
            _ => self.clock.now(),
        };
        let pause = Pause { since, why: why.to_string(), who: who.to_string(), drains };
        let action = if drains { "drain" } else { "pause" };
        self.say_pause(partner, Some(&pause), action, who, why).await?;
        self.note_pause(partner, Some(&pause));
        tracing::warn!(partner, action, "a partner is paused");
        Ok(pause)
    }

    /// The partner is sent to again, what waited in its order. Returns the pause that ended, if there was one.
    pub async fn resume_partner(&self, partner: &str, who: &str) -> Result<Option<Pause>, Problem> {
        let before = self.kept_pause(partner).await?;
        if before.is_none() && !self.site.load().partners.contains_key(partner) {
            return Err(missing(&format!("the site has no partner `{partner}`")));
        }
        if before.is_some() {
            self.say_pause(partner, None, "resume", who, "the partner is sent to again").await?;
            tracing::info!(partner, "a partner is sent to again");
        }
        self.note_pause(partner, None);
        self.delivery_bell.notify_one();
        Ok(before)
    }

    async fn say_pause(
        &self,
        partner: &str,
        pause: Option<&Pause>,
        action: &str,
        who: &str,
        because: &str,
    ) -> Result<(), Problem> {
        let subject = format!("deliveries to {partner}");
        self.say_of_deliveries((action, &subject), None, who, because).await.map_err(fault)?;
        let kept = pause.map(Pause::to_bytes).unwrap_or_default();
        // It may be in the store all the same: what stands there counts.
        let put = self.store.put_state(&state(partner), &kept).await.inspect_err(|_| self.pauses.forget(partner));
        put.map_err(fault)
    }

    /// All partners that are sent to, with what waits for each and whether it is paused; and those that left the site while a pause
    /// holds back what is due to them.
    pub(super) async fn list_partners(&self) -> Result<Value, Problem> {
        let site = self.site.load_full();
        let sent_to = site.partners.values().filter(|partner| partner.fhir_base.is_some());
        let mut names: Vec<String> = sent_to.map(|partner| partner.name.clone()).collect();
        for gone in self.store.due_partners(self.clock.now()).await.map_err(fault)? {
            if !site.partners.contains_key(&gone) && self.pause_of(&gone).await.map_err(fault)?.is_some() {
                names.push(gone);
            }
        }
        let mut items = Vec::new();
        for name in names {
            let pause = self.pause_of(&name).await.map_err(fault)?;
            let until = pause.as_ref().and_then(Pause::made_until);
            let backlog = self.store.backlog(&name, until).await.map_err(fault)?;
            items.push(json!({ "partner": name, "paused": pause, "backlog": backlog }));
        }
        Ok(json!({ "items": items, "next": null }))
    }
}

fn title(site: &Site, partner: &str) -> String {
    site.partners.get(partner).map_or_else(|| partner.to_string(), |partner| partner.title.clone())
}
