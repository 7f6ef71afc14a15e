//! What the sender is told: the acknowledgement for each end of the path.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::understand::Read;
use super::{Acknowledged, Arrival, Code};
use crate::hl7::{Acknowledgement, HeaderEcho, Outcome};
use crate::problem::{Category, Place, Problem};
use crate::site::Site;
use crate::store::{Disposition, MessageEntry, StoreError};

/// An acknowledgement with its code.
pub(super) struct Answer {
    pub code: Code,
    /// Empty where the sender asked for no answer, two messages where it asked for both (enhanced mode).
    pub bytes: Vec<u8>,
}

impl Answer {
    pub(super) fn new(
        site: &Site,
        read: &Read,
        arrival: &Arrival,
        disposition: Disposition,
        problems: &[Problem],
        now: Timestamp,
    ) -> Self {
        let echo = read.message.as_ref().map_or_else(|| HeaderEcho::guess(&arrival.raw), HeaderEcho::of);
        let (code, outcome) = match disposition {
            Disposition::Applied | Disposition::Ignored => (Code::AA, Outcome::Accepted),
            Disposition::Error => (Code::AE, Outcome::Failed),
            Disposition::Rejected => (Code::AR, Outcome::Rejected),
        };
        Self { code, bytes: write(site, &echo, arrival, outcome, problems, now) }
    }
}

fn write(
    site: &Site,
    echo: &HeaderEcho,
    arrival: &Arrival,
    outcome: Outcome,
    problems: &[Problem],
    now: Timestamp,
) -> Vec<u8> {
    let control_id = own_control_id(&arrival.raw, now);
    let acknowledgement = Acknowledgement {
        outcome,
        problems,
        mode: site.feeds.get(&arrival.feed).map(|feed| feed.handling.acknowledge).unwrap_or_default(),
        control_id: &control_id,
        now,
        application: &site.settings.application,
        facility: &site.settings.facility,
    };
    acknowledgement.write(echo).unwrap_or_default()
}

/// MSH-10 of our answer: 16 hexadecimal digits that no two answers share.
fn own_control_id(raw: &[u8], now: Timestamp) -> String {
    let mut hash = Sha256::new();
    hash.update(raw);
    hash.update(now.as_nanosecond().to_be_bytes());
    // Nothing lost: a part of a hash is enough for a number of our own.
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02X}")).collect()
}

/// The answer that was given before.
pub(super) fn again(entry: MessageEntry) -> Acknowledged {
    let code = match entry.summary.disposition {
        Disposition::Applied | Disposition::Ignored => Code::AA,
        Disposition::Error => Code::AE,
        Disposition::Rejected => Code::AR,
    };
    Acknowledged {
        code,
        bytes: entry.answer,
        sequence: Some(entry.summary.sequence),
        duplicate: true,
        unavailable: false,
    }
}

/// Nothing could be stored: AE, so that the sender keeps it and sends it again.
pub(super) fn unavailable(
    site: &Site,
    arrival: &Arrival,
    read: &Read,
    now: Timestamp,
    error: &StoreError,
) -> Acknowledged {
    let text = match error {
        StoreError::Unavailable(_) | StoreError::Conflict => {
            "the gateway cannot store messages now; send it again later"
        }
        _ => "the gateway has a fault; send it again later and tell its operator",
    };
    let problem = Problem::error(Category::Transient, Place::Whole, text);
    let echo = read.message.as_ref().map_or_else(|| HeaderEcho::guess(&arrival.raw), HeaderEcho::of);
    let bytes = write(site, &echo, arrival, Outcome::NotStored, &[problem], now);
    Acknowledged { code: Code::AE, bytes, sequence: None, duplicate: false, unavailable: true }
}

/// A feed that a reload took away while its connection was open.
pub(super) fn unknown_feed(site: &Site, arrival: &Arrival, now: Timestamp) -> Acknowledged {
    let problem = Problem::error(Category::NotFound, Place::Whole, "this feed is not configured any more");
    let echo = HeaderEcho::guess(&arrival.raw);
    let bytes = write(site, &echo, arrival, Outcome::Rejected, &[problem], now);
    Acknowledged { code: Code::AR, bytes, sequence: None, duplicate: false, unavailable: false }
}
