//! The world as attempts see it: the way to partners, and time that passes.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::partner::{Asked, Write, answer};
use super::site::{PARTNERS, TIMEOUT, name};
use super::world::{Event, World};
use crate::delivery::client::{Line, Lines};
use crate::delivery::outside::Outside;
use crate::delivery::retry::Reply;
use crate::delivery::route::{Route, Sent};
use crate::site::Site;
use crate::store::Delivery;

/// Clients are dear to make and never used here.
static LINES: LazyLock<Lines> = LazyLock::new(Lines::default);

fn number(route: &Route<'_>) -> usize {
    (0..PARTNERS).find(|number| name(*number) == route.partner.name).unwrap()
}

fn written(delivery: &Delivery) -> Write {
    let (thing, version) = delivery.new.subject.split_once("/_history/").unwrap();
    let if_match = delivery.claimed.etag.clone();
    Write { thing: thing.to_string(), version: version.parse().unwrap(), if_match, creates: false }
}

/// The world as attempts see it.
#[derive(Clone)]
pub struct Shared(pub Arc<Mutex<World>>);

impl Shared {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until(&self, wait: u64, ended: oneshot::Receiver<Vec<Sent>>) -> Vec<Sent> {
        let _gone = Gone(self, wait);
        ended.await.unwrap_or_else(|_| vec![Sent::without_answer(Reply::Unknown, "gone".into())])
    }

    async fn request(&self, partner: usize, asked: Asked) -> Vec<Sent> {
        let (wait, ended) = {
            let mut world = self.world();
            // It was about to write when everything stood still; what it had checked may not be so any more.
            let stall = if !world.mended && world.chance.percent(2) { world.chance.among(1_000..30_000) } else { 0 };
            if stall > 0 {
                world.after(0, Event::Pauses(stall));
            }
            let unknown = Sent::without_answer(Reply::Unknown, "no answer".into());
            let forgotten = if world.forgets && world.chance.percent(3) { 1 << 40 } else { 0 };
            let (wait, ended) = world.wait(TIMEOUT * 1000 + stall + forgotten, unknown);
            let answers = if forgotten > 0 { 0 } else { wait };
            world.after(stall, Event::Arrives { partner, wait: answers, asked });
            (wait, ended)
        };
        self.until(wait, ended).await
    }
}

/// Nobody waits any more, however that came.
struct Gone<'a>(&'a Shared, u64);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.world().waits.remove(&self.1);
    }
}

#[async_trait]
impl Outside for Shared {
    fn line(&self, site: &Arc<Site>, partner: &crate::site::Partner) -> Result<Arc<Line>, String> {
        let mut world = self.world();
        if let Some(line) = world.lines.get(&partner.name) {
            return Ok(Arc::clone(line));
        }
        let line = Arc::new(LINES.to(site, partner)?.anew(partner));
        world.lines.insert(partner.name.clone(), Arc::clone(&line));
        Ok(line)
    }

    async fn send(&self, route: &Route<'_>, delivery: &Delivery) -> Sent {
        let partner = number(route);
        let mut write = written(delivery);
        self.world().begins(delivery);
        if !self.world().partners[partner].knows_conditions {
            let looked = self.request(partner, Asked::Looks(write.thing.clone())).await.remove(0);
            if !matches!(looked.reply, Reply::Status { code: 200, .. }) {
                // Reading took no effect, whatever became of it.
                let reply = if looked.reply == Reply::Unknown { Reply::Transport } else { looked.reply };
                return Sent { reply, ..looked };
            }
            write.creates = looked.etag.is_none();
            write.if_match = looked.etag;
        }
        self.request(partner, Asked::Writes(vec![write])).await.remove(0)
    }

    async fn send_together(&self, route: &Route<'_>, all: &[&Delivery]) -> Vec<Sent> {
        all.iter().for_each(|delivery| self.world().begins(delivery));
        let writes = all.iter().map(|delivery| written(delivery)).collect();
        let sent = self.request(number(route), Asked::Writes(writes)).await;
        let believes = self.world().believes;
        let told = |sent: &Sent| if believes && sent.status == Some(422) { answer(200) } else { sent.clone() };
        // One answer to all of it is one to each.
        (0..all.len()).map(|place| told(sent.get(place).unwrap_or(&sent[0]))).collect()
    }

    async fn wait(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        if millis > 0 {
            let (wait, ended) = self.world().wait(millis, answer(200));
            self.until(wait, ended).await;
        }
    }
}
