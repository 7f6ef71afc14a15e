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

/// A request on its way through a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub thing: String,
    pub version: u64,
    pub if_match: Option<String>,
}

#[derive(Debug, Default)]
pub struct Partner {
    pub mood: Option<Mood>,
    pub names_versions: bool,
    pub heeds_versions: bool,
    /// Of each thing our version and its own.
    pub holds: HashMap<String, (u64, u64)>,
    /// What a restore brings back.
    pub backup: HashMap<String, (u64, u64)>,
    changes: u64,
}

impl Partner {
    pub fn new(names_versions: bool, heeds_versions: bool) -> Self {
        Self { names_versions, heeds_versions, ..Self::default() }
    }

    pub fn mood(&self) -> Mood {
        self.mood.unwrap_or(Mood::Well)
    }

    fn etag(&self, thing: &str) -> Option<String> {
        let (_, own) = self.holds.get(thing).filter(|_| self.names_versions)?;
        Some(format!("W/\"{own}\""))
    }

    /// Applies a write, and says what it answers to whoever still listens.
    pub fn apply(&mut self, write: &Write) -> Sent {
        let named = write.if_match.as_ref().filter(|_| self.heeds_versions);
        if let Some(named) = named.filter(|named| self.etag(&write.thing).as_ref() != Some(*named)) {
            let held = match self.holds.get(&write.thing) {
                None => Held::Nothing,
                Some((version, _)) if *version == write.version => {
                    Held::Same(self.etag(&write.thing).unwrap_or_default())
                }
                Some(_) => Held::Other(self.etag(&write.thing).unwrap_or_default()),
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
