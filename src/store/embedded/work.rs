//! What the committer is asked to do: every write goes through it, so that each is decided on what is really there.

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::draft::Draft;
use super::guided::Plan;
use super::prune::Aged;
use super::{changes, delivery, once, outbox, panels};
use crate::record::Membership;
use crate::store::{Alteration, StoreError, Tried, WriteUnit};

pub enum Work {
    /// A unit, and the terms by which each of its changes is found.
    Unit(Box<WriteUnit>, Vec<Vec<u64>>),
    FinishAttempts(Vec<Tried>),
    TakeInHand(Vec<String>),
    ReleaseDelivery {
        delivery: String,
        due: Timestamp,
    },
    AlterDelivery(String, Alteration),
    HastenDeliveries {
        ids: Vec<String>,
        latest: Timestamp,
    },
    ShortenDelivery {
        delivery: String,
        payload: serde_json::Value,
    },
    ReplacePanel {
        panel: String,
        members: Vec<Membership>,
        now: Timestamp,
    },
    RememberOnce {
        kind: String,
        value: String,
        expires: Timestamp,
        now: Timestamp,
    },
    PutState {
        name: String,
        value: Vec<u8>,
    },
    Prune(Aged),
    /// What a reader found for the indexes of a site's own parameters.
    Index(Box<Plan>),
}

/// What came of it: a sequence number, a count, or 0 and 1 for no and yes.
pub type Answer = Result<u64, StoreError>;

/// Work with the place where its answer is waited for.
pub struct Waiting {
    pub work: Work,
    pub answer: oneshot::Sender<Answer>,
}

impl Work {
    /// About how much it adds to a group.
    pub fn size(&self) -> usize {
        match self {
            Self::Unit(unit, _) => {
                let message = unit.message.as_ref().map_or(0, |entry| entry.raw.len() + 4096);
                message + (unit.changes.len() + unit.deliveries.len()) * 4096
            }
            Self::ReplacePanel { members, .. } => members.len() * 512,
            Self::PutState { value, .. } => value.len(),
            Self::Prune(aged) => aged.len() * 128,
            Self::Index(plan) => plan.len() * 128,
            Self::HastenDeliveries { ids, .. } | Self::TakeInHand(ids) => ids.len() * 512,
            Self::FinishAttempts(tried) => tried.len() * 512,
            _ => 512,
        }
    }

    pub fn apply(self, draft: &mut Draft<'_>) -> Answer {
        match self {
            Self::Unit(unit, terms) => changes::apply_unit(draft, *unit, &terms),
            Self::FinishAttempts(tried) => {
                for (delivery, attempt, outcome) in tried {
                    outbox::finish(draft, &delivery, attempt, outcome)?;
                }
                Ok(0)
            }
            Self::TakeInHand(deliveries) => {
                deliveries.iter().for_each(|id| draft.put(delivery::in_hand_key(id), Vec::new()));
                Ok(0)
            }
            Self::ReleaseDelivery { delivery, due } => {
                outbox::release(draft, &delivery, due)?;
                Ok(0)
            }
            Self::ShortenDelivery { delivery, payload } => {
                outbox::shorten(draft, &delivery, payload)?;
                Ok(0)
            }
            Self::HastenDeliveries { ids, latest } => outbox::hasten(draft, &ids, latest),
            Self::AlterDelivery(delivery, by) => outbox::alter(draft, &delivery, by).map(u64::from),
            Self::ReplacePanel { panel, members, now } => {
                panels::replace(draft, &panel, members, now).map(|count| count as u64)
            }
            Self::RememberOnce { kind, value, expires, now } => {
                once::remember(draft, &kind, &value, expires, now).map(u64::from)
            }
            Self::PutState { name, value } => {
                draft.put(once::state_key(&name), value);
                Ok(0)
            }
            Self::Prune(aged) => aged.remove(draft),
            Self::Index(plan) => plan.apply(draft).map(|()| 0),
        }
    }
}
