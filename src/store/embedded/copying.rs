//! Gives a backup of a store that runs: one moment of it, while writing goes on. Ends where nobody takes it, and where the store
//! must be closed or opened anew, for which it would have to wait.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::counters::Counters;
use super::marker::FORMAT;
use super::shared::Shared;
use crate::store::StoreError;
use crate::store::backup::{About, End, Writer};

/// Nobody who takes a backup may stand still for longer: what it shows is kept on the disk for it.
const PATIENCE: Duration = Duration::from_secs(60);
/// So long for the last word, which says why there is no more.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Runs on a thread that may wait.
pub fn copy(shared: &Shared, engine: &'static str, now: Timestamp, to: &Sender<Vec<u8>>) -> Result<(), StoreError> {
    let mut outlet = Outlet { shared, to, ended: None };
    let why = match copy_into(&mut outlet, engine, now) {
        Ok(true) => return Ok(()),
        Ok(false) => outlet.ended.take().unwrap_or_else(|| "nobody took it".to_string()),
        Err(error) => error.to_string(),
    };
    Err(StoreError::Unavailable(why))
}

/// Whether all of it was taken.
fn copy_into(outlet: &mut Outlet<'_>, engine: &'static str, now: Timestamp) -> Result<bool, StoreError> {
    let about =
        About { made: now, program: env!("CARGO_PKG_VERSION").to_string(), engine: engine.to_string(), layout: FORMAT };
    let shared = outlet.shared;
    let mut give = |bytes: Vec<u8>| outlet.give(bytes);
    let Some(mut writer) = Writer::begin(&about, &mut give) else { return Ok(false) };
    let (mut counters, mut is_taken, key_of_counters) = (None, true, Counters::key());
    let copied = shared.with_engine(|engine| {
        engine.copy(&mut |key, value| {
            if *key == key_of_counters[..] {
                counters = Some(value.to_vec());
            }
            is_taken = writer.pair(key, value);
            is_taken
        })?;
        Counters::of(counters.as_deref())
    });
    match copied {
        Ok(counters) if is_taken => {
            let end = End {
                pairs: writer.content.pairs,
                bytes: writer.content.bytes,
                content: writer.content.in_hex(),
                sequence: counters.sequence,
                messages: counters.messages,
                records: counters.records,
                deliveries_waiting: counters.waiting,
            };
            Ok(writer.end(&end))
        }
        Ok(_) => {
            writer.give_up("the gateway cannot go on with it now");
            Ok(false)
        }
        Err(error) => {
            writer.give_up(&error.to_string());
            Err(error)
        }
    }
}

/// Where the parts go.
struct Outlet<'o> {
    shared: &'o Shared,
    to: &'o Sender<Vec<u8>>,
    /// Why no more goes there.
    ended: Option<String>,
}

impl Outlet<'_> {
    /// Waits until there is room; false when no more goes there.
    fn give(&mut self, bytes: Vec<u8>) -> bool {
        let is_last_word = self.ended.is_some();
        let patience = if is_last_word { LAST_PATIENCE } else { PATIENCE };
        let (since, mut bytes) = (Instant::now(), bytes);
        loop {
            if let Some(why) = self.shared.must_stop_reading().filter(|_| !is_last_word) {
                self.ended = Some(why);
                return false;
            }
            match self.to.try_send(bytes) {
                Ok(()) => return true,
                Err(TrySendError::Full(back)) if since.elapsed() < patience => bytes = back,
                Err(TrySendError::Full(_)) => {
                    self.ended = Some(format!("nothing of it was taken for {} seconds", patience.as_secs()));
                    return false;
                }
                Err(TrySendError::Closed(_)) => {
                    self.ended = Some("whoever asked for it has gone".to_string());
                    return false;
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
