//! Deliveries: one payload for one partner, numbered per patient and partner, with every attempt remembered.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::PersonId;

/// A delivery to be committed with the change it tells of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewDelivery {
    /// Of the partner, the record and the place in their line (`id_of`), so that deciding twice makes one delivery.
    pub id: String,
    pub partner: String,
    pub person: PersonId,
    /// Place in the line of this patient and partner; without gaps from 1.
    pub number: u64,
    /// `Task/id/_history/version` of what it tells.
    pub subject: String,
    /// The agreement that allows it, as `agreements/lakeside-practice.yaml:7`.
    pub agreement: String,
    /// What will be sent, as decided: the redacted resource.
    pub payload: serde_json::Value,
    pub created: Timestamp,
    /// Not before this time.
    pub due: Timestamp,
    /// The sequence number of the message that caused it is set by the store when it is part of the same unit.
    #[serde(default)]
    pub message: Option<u64>,
    /// It ends what the partner holds and may not have any more, and says nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ending: bool,
    /// It tells of work that is not routine: goes before what is, without leaving its place in its line.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
}

impl NewDelivery {
    /// The id of what stands at this place in the line of a partner and a patient.
    pub fn id_of(partner: &str, person: PersonId, number: u64) -> String {
        format!("{partner}.{person}.{number}")
    }
}

/// Where a delivery is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// Due, or waiting for its next attempt, or behind an earlier one.
    Waiting,
    Delivered,
    /// The agreement does not allow it now (expired, suspended); waits for a person or a new agreement.
    Held,
    /// Given up; a person can retry it.
    Dead,
    /// The partner may not have it any more; a person can have it decided again.
    Withdrawn,
    /// The partner has something newer about the same thing: it would only take the partner back in time.
    Superseded,
}

impl DeliveryState {
    /// In the order of the numbers by which stores keep them.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Delivered, Self::Held, Self::Dead, Self::Withdrawn, Self::Superseded];

    /// As it is written in JSON, in an address and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Held => "held",
            Self::Dead => "dead",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// It still has a place in its line.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Held)
    }

    /// As stores keep it.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// One try at sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub at: Timestamp,
    pub took_millis: u64,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// In words, without patient data: "201 Created", "connection refused".
    pub result: String,
    /// It went out, or may have: what is held, withdrawn or shortened did not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sent: bool,
    /// Nobody knows whether it, or one before it, arrived: it may take effect at the partner until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_arrive_until: Option<Timestamp>,
    /// It went as one of a transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub together: bool,
    /// The version that the partner holds since, by its own word (`ETag`); empty where it holds none, or names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl Attempt {
    /// What is remembered of a delivery that did not go out.
    pub fn unsent(at: Timestamp, result: String) -> Self {
        Self {
            at,
            took_millis: 0,
            status: None,
            result,
            sent: false,
            may_arrive_until: None,
            together: false,
            etag: None,
        }
    }
}

/// An attempt at a delivery, and what follows.
pub type Tried = (String, Attempt, Outcome);

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    RetryAt(Timestamp),
    /// Not sent; look again at this time.
    Held(Timestamp),
    Dead,
    /// Not sent, and not to be.
    Withdrawn,
    /// Not sent yet: less of it is left, which is due at this time.
    Shortened(Timestamp),
    /// Not sent: the partner has something newer.
    Superseded,
}

/// What a person asks of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alteration {
    /// Due now, with its attempts counted anew.
    Retry(Timestamp),
    /// It was delivered, and is due once more now.
    Resend(Timestamp),
    /// It was given up, and nobody is to look after it any more; with what is remembered of that.
    Drop(Attempt),
}

impl Alteration {
    /// Only the newest that the partner took of its thing is worth sending once more.
    pub(super) fn is_of_newest(&self) -> bool {
        matches!(self, Self::Resend(_))
    }
}

/// A delivery as kept. Told as JSON and never read from it: numbers kept to their last digit do not pass a flattened field
/// on the way back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivery {
    #[serde(flatten)]
    pub new: NewDelivery,
    pub state: DeliveryState,
    /// Attempts since it was made or last retried by a person.
    pub tries: u32,
    /// Bounded: the newest are kept.
    pub attempts: Vec<Attempt>,
    /// When it will be tried next, while waiting or held; of what was delivered, when it is sent once more, because something
    /// older about the same thing may arrive at the partner until then.
    pub next: Option<Timestamp>,
    #[serde(skip)]
    pub claimed: Claimed,
}

/// What a claim says besides; nothing elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Somebody claimed it before and never told what came of it.
    pub is_inherited: bool,
    /// The partner has something newer about the same thing.
    pub is_overtaken: bool,
    /// The version that the partner gave what it holds of the thing.
    pub etag: Option<String>,
}

/// What one partner can be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub partner: String,
    pub places: usize,
    /// Only what was made until then and has not been delivered yet; all of it where none is named.
    pub made_until: Option<Timestamp>,
}

impl Share {
    pub fn of(partner: impl Into<String>, places: usize) -> Self {
        Self { partner: partner.into(), places, made_until: None }
    }
}

/// What waits for one partner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Backlog {
    pub waiting: u64,
    /// Of those, made until the time asked for.
    pub made_before: u64,
    pub held: u64,
    /// When the oldest was made of what waits or is held.
    pub oldest: Option<Timestamp>,
    /// When the first is due that stands first in its line: what stands behind it goes no sooner.
    pub next: Option<Timestamp>,
}

/// Which deliveries to list; empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    pub partner: Option<String>,
    pub state: Option<DeliveryState>,
    pub person: Option<PersonId>,
    /// Caused by this message.
    pub message: Option<u64>,
}

/// How many attempts are remembered of one delivery.
pub const ATTEMPTS: usize = 20;

/// What changes of a delivery from attempt to attempt; stores change it without reading the payload.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Progress {
    pub state: DeliveryState,
    pub tries: u32,
    pub attempts: Vec<Attempt>,
    pub next: Option<Timestamp>,
    /// When the delivery was made.
    pub created: Timestamp,
}

impl Progress {
    /// What an attempt makes of it. What was delivered stays so, even if somebody whose lease had run out reports late;
    /// and what was given up comes back only by a success or by a person.
    pub fn record(&mut self, attempt: Attempt, outcome: Outcome) {
        self.remember(attempt);
        let is_try = matches!(outcome, Outcome::Delivered | Outcome::RetryAt(_) | Outcome::Dead);
        self.tries += u32::from(is_try);
        (self.state, self.next) = match (self.state, outcome) {
            (DeliveryState::Delivered, outcome) => self.sent_again(outcome),
            (DeliveryState::Superseded, _) => return,
            (DeliveryState::Dead | DeliveryState::Withdrawn, outcome) if outcome != Outcome::Delivered => return,
            (_, Outcome::Delivered) => (DeliveryState::Delivered, None),
            (_, Outcome::RetryAt(at) | Outcome::Shortened(at)) => (DeliveryState::Waiting, Some(at)),
            (_, Outcome::Held(at)) => (DeliveryState::Held, Some(at)),
            (_, Outcome::Dead) => (DeliveryState::Dead, None),
            (_, Outcome::Withdrawn) => (DeliveryState::Withdrawn, None),
            (_, Outcome::Superseded) => (DeliveryState::Superseded, None),
        };
    }

    /// What was delivered and is sent once more stays delivered, unless the partner does not take it any more: then nobody
    /// knows what it holds. Where none was due somebody reports late, and nothing follows.
    fn sent_again(&self, outcome: Outcome) -> (DeliveryState, Option<Timestamp>) {
        match outcome {
            Outcome::Dead if self.next.is_some() => (DeliveryState::Dead, None),
            Outcome::RetryAt(at) | Outcome::Held(at) | Outcome::Shortened(at) => {
                (DeliveryState::Delivered, self.next.map(|_| at))
            }
            _ => (DeliveryState::Delivered, None),
        }
    }

    /// What was delivered is to be sent once more, no earlier than this.
    pub fn send_again(&mut self, at: Timestamp) {
        if self.state == DeliveryState::Delivered {
            if self.next.is_none() {
                self.tries = 0;
            }
            self.next = Some(self.next.map_or(at, |next| next.max(at)));
        }
    }

    /// Does what a person asks; false where it cannot be asked of it.
    pub fn alter(&mut self, by: Alteration) -> bool {
        match by {
            Alteration::Retry(now) => self.retry(now),
            Alteration::Resend(now) => self.resend(now),
            Alteration::Drop(said) => self.give_up_on(said),
        }
    }

    /// What was given up is left so for good; false where it was not given up.
    fn give_up_on(&mut self, said: Attempt) -> bool {
        if self.state != DeliveryState::Dead {
            return false;
        }
        self.remember(said);
        self.state = DeliveryState::Withdrawn;
        true
    }

    /// What was delivered is due once more now; false when it was not.
    fn resend(&mut self, now: Timestamp) -> bool {
        if self.state != DeliveryState::Delivered {
            return false;
        }
        (self.next, self.tries) = (Some(now), 0);
        true
    }

    /// Something newer was delivered.
    pub fn supersede(&mut self) {
        match self.state {
            DeliveryState::Delivered => self.next = None,
            // It may not go for another reason; nobody who asks again forgets that there is something newer.
            DeliveryState::Withdrawn | DeliveryState::Superseded => {}
            DeliveryState::Waiting | DeliveryState::Held | DeliveryState::Dead => {
                (self.state, self.next) = (DeliveryState::Superseded, None);
            }
        }
    }

    /// Keeps an attempt of which nothing follows.
    pub fn remember(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
        while self.attempts.len() > ATTEMPTS {
            // One that went out stays however long it is held since: what the partner may have is not forgotten.
            let is_only_sent = self.attempts.iter().rposition(|attempt| attempt.sent) == Some(0);
            self.attempts.remove(usize::from(is_only_sent));
        }
    }

    /// When it was delivered, given up or withdrawn; none while it waits, is held, or is to be sent once more.
    pub fn finished(&self) -> Option<Timestamp> {
        finished(self.state, self.next, &self.attempts, self.created)
    }

    /// Due now, counting its attempts anew; false when it was delivered already, or the partner has something newer.
    fn retry(&mut self, now: Timestamp) -> bool {
        if matches!(self.state, DeliveryState::Delivered | DeliveryState::Superseded) {
            return false;
        }
        (self.state, self.next, self.tries) = (DeliveryState::Waiting, Some(now), 0);
        true
    }
}

fn finished(
    state: DeliveryState,
    next: Option<Timestamp>,
    attempts: &[Attempt],
    created: Timestamp,
) -> Option<Timestamp> {
    let last = attempts.last().map_or(created, |attempt| attempt.at);
    (!state.is_open() && next.is_none()).then_some(last)
}

impl Delivery {
    /// Whether the partner has it, or may have.
    pub fn was_sent(&self) -> bool {
        // What an earlier version wrote does not say whether it went out; its status and its tries do.
        let went_out = |attempt: &Attempt| attempt.sent || attempt.status.is_some();
        self.state == DeliveryState::Delivered || self.tries > 0 || self.attempts.iter().any(went_out)
    }

    /// When it was delivered, given up or withdrawn; none while it waits, is held, or is to be sent once more.
    pub fn finished(&self) -> Option<Timestamp> {
        finished(self.state, self.next, &self.attempts, self.new.created)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_by_the_word_and_the_number_that_it_is_kept_by() {
        for (number, state) in DeliveryState::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(state.number()), number, "what a store has written must stay what it was");
            assert_eq!(DeliveryState::numbered(state.number()), Some(state));
            assert_eq!(DeliveryState::named(state.word()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        assert_eq!((DeliveryState::named("given up"), DeliveryState::numbered(6)), (None, None));
    }
}
