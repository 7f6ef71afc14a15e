//! Turns at what reads much of the store: so many at once, and of those only so many for one caller, so that nobody takes all of
//! the store's threads. Whoever gets none soon is told to come again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// At the same time, of all callers and of one.
const ALL: usize = 4;
const OF_ONE: usize = 2;
/// So long one may wait for a turn.
const WAIT: Duration = Duration::from_secs(2);

/// The turns there are.
pub struct Turns {
    all: Arc<Semaphore>,
    /// Those of whoever has a turn or waits for one.
    callers: Mutex<HashMap<String, Weak<Semaphore>>>,
    wait: Duration,
}

/// A turn that is held; free again when this is dropped.
pub struct Turn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL)), callers: Mutex::default(), wait: WAIT }
    }
}

impl Turns {
    /// None where none is free soon. Keep it until the reading has ended: a caller who leaves does not end it.
    pub async fn take(&self, caller: &str) -> Option<Turn> {
        let own = self.own(caller);
        let turn = async {
            let own = own.acquire_owned().await.ok()?;
            let all = self.all.clone().acquire_owned().await.ok()?;
            Some(Turn { _own: own, _all: all })
        };
        timeout(self.wait, turn).await.ok().flatten()
    }

    fn own(&self, caller: &str) -> Arc<Semaphore> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.retain(|_, own| own.strong_count() > 0);
        if let Some(own) = callers.get(caller).and_then(Weak::upgrade) {
            return own;
        }
        let own = Arc::new(Semaphore::new(OF_ONE));
        callers.insert(caller.to_string(), Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_caller_leaves_turns_for_others_and_all_together_are_bounded() {
        let turns = Turns { wait: Duration::from_millis(200), ..Turns::default() };
        let first = (turns.take("a").await.unwrap(), turns.take("a").await.unwrap());
        assert!(turns.take("a").await.is_none());
        let second = (turns.take("b").await.unwrap(), turns.take("b").await.unwrap());
        assert!(turns.take("c").await.is_none(), "all are taken");
        drop(second);
        assert!(turns.take("a").await.is_none() && turns.take("c").await.is_some());
        let (soon, ()) = tokio::join!(turns.take("a"), async {
            tokio::time::sleep(turns.wait / 4).await;
            drop(first);
        });
        assert!(soon.is_some(), "a turn is waited for");
        drop(soon);
        turns.own("d");
        assert_eq!(turns.callers.lock().unwrap().len(), 1, "nobody is remembered");
    }
}
