//! The last hour in minutes: messages in and deliveries out, for the overview's chart. Counted from the gateway's
//! events, so it starts empty with the process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::error::RecvError;

use crate::pipeline::{Event, Gateway};

const MINUTES: usize = 60;

/// Counts of one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Minute {
    /// Minutes since 1970.
    pub number: i64,
    pub messages: u32,
    pub faulty: u32,
    pub delivered: u32,
}

/// The moving hour.
#[derive(Default)]
pub struct Pulse(Mutex<VecDeque<Minute>>);

impl Pulse {
    /// Counts until the gateway is gone.
    pub async fn follow(self: Arc<Self>, gateway: Arc<Gateway>) {
        let mut events = gateway.events.subscribe();
        loop {
            match events.recv().await {
                Ok(event) => self.count(&event, gateway.clock.now().as_second() / 60),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn count(&self, event: &Event, minute: i64) {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.back().is_none_or(|last| last.number < minute) {
            minutes.push_back(Minute { number: minute, ..Minute::default() });
        }
        while minutes.len() > MINUTES {
            minutes.pop_front();
        }
        let Some(last) = minutes.back_mut() else { return };
        match event {
            Event::Message { code, .. } => {
                last.messages += 1;
                last.faulty += u32::from(code != "AA");
            }
            Event::Delivery { result, .. } if result == "delivered" => last.delivered += 1,
            _ => {}
        }
    }

    /// The hour before `minute`, one entry a minute, empty ones included.
    pub(super) fn hour(&self, minute: i64) -> Vec<Minute> {
        let minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = i64::try_from(MINUTES).unwrap_or_default();
        ((minute - length + 1)..=minute)
            .map(|number| {
                let known = minutes.iter().find(|known| known.number == number);
                known.copied().unwrap_or(Minute { number, ..Minute::default() })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(code: &str) -> Event {
        Event::Message { sequence: 1, feed: "f".into(), event: "ADT^A04".into(), code: code.into() }
    }

    #[test]
    fn the_hour_has_sixty_minutes_with_gaps_as_zero() {
        let pulse = Pulse::default();
        pulse.count(&message("AA"), 100);
        pulse.count(&message("AE"), 100);
        pulse.count(&message("AA"), 103);
        let hour = pulse.hour(104);
        assert_eq!(hour.len(), 60);
        let counts: Vec<(u32, u32)> = hour[55..].iter().map(|minute| (minute.messages, minute.faulty)).collect();
        assert_eq!(counts, [(2, 1), (0, 0), (0, 0), (1, 0), (0, 0)]);
    }
}
