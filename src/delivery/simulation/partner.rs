//! A partner's server, as far as a gateway can tell: what it holds in which version, how it is, and what it makes of a request.

use std::collections::HashMap;

use crate::delivery::precondition::{Held, rule};
use crate::delivery::retry::Reply;
use crate::delivery::route::Sent;

/// How a partner is for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// Refuses with this status.
    Refuses(u16),
    /// Takes requests and never answers; what becomes of them shows later.
    Hangs,
    /// What stands in front of it gives up, and it may go on.
    Behind,
    /// Nobody is there.
    Away,
}

/// One thing that a request writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Write {
    pub thing: String,
    pub version: u64,
    pub if_match: Option<String>,
    /// Only if there is none.
    pub creates: bool,
}

/// A request on its way through a partner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    Looks(String),
    /// Of several all are written, or none.
    Writes(Vec<Write>),
}

impl Asked {
    pub fn writes(&self) -> &[Write] {
        match self {
            Self::Looks(_) => &[],
            Self::Writes(writes) => writes,
        }
    }
}

#[derive(Debug, Default)]
pub struct Partner {
    pub mood: Option<Mood>,
    pub names_versions: bool,
    pub heeds_versions: bool,
    /// It takes updates by a search.
    pub knows_conditions: bool,
    /// Of each thing our version and its own.
    pub holds: HashMap<String, (u64, u64)>,
    /// What a restore brings back.
    pub backup: HashMap<String, (u64, u64)>,
    changes: u64,
}

impl Partner {
    pub fn new(names_versions: bool, heeds_versions: bool, knows_conditions: bool) -> Self {
        Self { names_versions, heeds_versions, knows_conditions, ..Self::default() }
    }

    pub fn mood(&self) -> Mood {
        self.mood.unwrap_or(Mood::Well)
    }

    fn etag(&self, thing: &str) -> Option<String> {
        let (_, own) = self.holds.get(thing).filter(|_| self.names_versions)?;
        Some(format!("W/\"{own}\""))
    }

    /// Does what it is asked, and says what it answers to whoever still listens: of each, or once for all.
    pub fn apply(&mut self, asked: &Asked) -> Vec<Sent> {
        match asked {
            Asked::Looks(thing) => {
                let own = self.holds.get(thing).map(|(_, own)| format!("W/\"{own}\""));
                vec![Sent { etag: own, ..answer(200) }]
            }
            Asked::Writes(writes) if writes.len() == 1 => vec![self.write(&writes[0])],
            // One entry of a transaction that it does not like, and would take by itself.
            Asked::Writes(writes) if writes.iter().any(|write| write.version % 5 == 2) => vec![answer(422)],
            Asked::Writes(writes) if writes.iter().any(|write| self.objects(write)) => vec![answer(412)],
            Asked::Writes(writes) => writes.iter().map(|write| self.write(write)).collect(),
        }
    }

    fn objects(&self, write: &Write) -> bool {
        let named = write.if_match.as_ref().filter(|_| self.heeds_versions);
        named.is_some_and(|named| self.etag(&write.thing).as_ref() != Some(named))
    }

    fn write(&mut self, write: &Write) -> Sent {
        let held = self.holds.get(&write.thing).map(|(version, _)| *version);
        let etag = || self.etag(&write.thing).unwrap_or_default();
        if write.creates && held.is_some() {
            return Sent { reply: Reply::Differs, etag: Some(etag()), ..answer(200) };
        }
        if let Some(named) = write.if_match.as_ref().filter(|_| self.objects(write)) {
            let held = match held {
                None => Held::Nothing,
                Some(version) if version == write.version => Held::Same(etag()),
                Some(_) => Held::Other(etag()),
            };
            let ruling = rule(held, named);
            return Sent { reply: ruling.reply, status: Some(412), text: ruling.text, etag: ruling.etag };
        }
        self.changes += 1;
        self.holds.insert(write.thing.clone(), (write.version, self.changes));
        Sent { etag: self.etag(&write.thing), ..answer(200) }
    }
}

pub fn answer(code: u16) -> Sent {
    let reply = Reply::Status { code, retry_after_secs: None };
    Sent { reply, status: Some(code), text: code.to_string(), etag: None }
}
