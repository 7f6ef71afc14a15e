//! A person pauses a partner or drains it, and has it sent to again later; nothing begins to go to it meanwhile that should stay.

use super::chance::Chance;
use super::run::{FAULTS, Run};
use super::site::{PARTNERS, name};
use super::world::{Event, World};
use crate::pipeline::Operation;
use crate::store::{Delivery, DeliveryState};

impl Run {
    /// From a chance of its own, so that all else of a seed is as without it.
    pub(super) fn plan_pauses(&self, seed: u64) {
        let mut chance = Chance::new(seed ^ 0x9A05_ED00);
        for partner in 1..PARTNERS {
            if chance.percent(40) {
                let (from, drain) = (chance.among(0..FAULTS), chance.percent(50));
                let until = from + chance.among(1_000..40_000);
                let mut world = self.shared.world();
                world.at(from, Event::Halts(partner, drain));
                world.at(until, Event::Resumes(partner));
            }
        }
    }

    pub(super) async fn pause(&mut self, partner: usize, drain: bool) {
        let Some(life) = self.life.as_ref().filter(|_| !self.shared.world().paused) else { return };
        let pause =
            Operation::DeliveryPause { partner: name(partner), drain, why: "maintenance".into(), who: "sim".into() };
        if life.gateway.perform(pause).await.is_ok() {
            let mut world = self.shared.world();
            let since = world.today();
            world.pauses.insert(name(partner), (since, drain));
        }
    }

    /// Until somebody is there who can.
    pub(super) async fn resume(&mut self, partner: usize) {
        let Some(life) = self.life.as_ref().filter(|_| !self.shared.world().paused) else {
            return self.shared.world().after(1_000, Event::Resumes(partner));
        };
        let resume = Operation::DeliveryResume { partner: Some(name(partner)), who: "sim".into() };
        let said = life.gateway.perform(resume).await.is_ok();
        let mut world = self.shared.world();
        // What could not be said may be in the store all the same.
        world.pauses.remove(&name(partner));
        if !said {
            world.after(1_000, Event::Resumes(partner));
        }
    }
}

impl World {
    /// To a partner that is paused goes nothing, and to one that is drained nothing that is newer than that, and nothing twice.
    pub fn goes_in_spite(&mut self, delivery: &Delivery) {
        let Some((since, drains)) = self.pauses.get(&delivery.new.partner) else { return };
        let may_go = *drains && delivery.new.created <= *since && delivery.state != DeliveryState::Delivered;
        if !may_go {
            self.seen_wrong.push(format!("{} was sent to a partner that is paused", delivery.new.id));
        }
    }
}
