//! Work that reads often steps aside once, to a thread that may wait for the disk, instead of handing over each read by itself:
//! handing over and back costs more than most reads. Never changes what is read.

use std::cell::Cell;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

use super::StoreError;

/// So many step aside at once; the others wait for their turn without a thread.
const PLACES: usize = 16;

static TURN: Semaphore = Semaphore::const_new(PLACES);

thread_local! {
    static MAY_WAIT: Cell<bool> = const { Cell::new(false) };
}

/// Reads at once where the thread may wait for the disk, else on one of tokio's blocking threads.
pub(super) async fn waiting<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    if MAY_WAIT.get() {
        return read();
    }
    let joined = tokio::task::spawn_blocking(read).await;
    joined.map_err(|_| StoreError::Unavailable("a read was cut short".to_string()))?
}

/// From now on this thread may wait: for tests that are nothing but waiting for their own steps.
#[cfg(test)]
pub fn wait_here() {
    MAY_WAIT.set(true);
}

#[cfg(test)]
pub(super) fn waits_here() -> bool {
    MAY_WAIT.get() && Handle::try_current().is_ok_and(|now| now.runtime_flavor() == RuntimeFlavor::CurrentThread)
}

/// Runs work to its end where it may wait. It should wait for nothing but reads: it holds a thread. On a runtime of one thread it
/// runs as ever.
pub async fn step_aside<T>(work: impl Future<Output = T>) -> T {
    let runtime = Handle::current();
    if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
        return work.await;
    }
    // Nothing lost: nobody closes the semaphore, and without a turn the work is done all the same.
    let _turn = TURN.acquire().await.ok();
    tokio::task::block_in_place(|| {
        let _waiting = Waiting(MAY_WAIT.replace(true));
        runtime.block_on(work)
    })
}

/// Puts back what the thread was before.
struct Waiting(bool);

impl Drop for Waiting {
    fn drop(&mut self) {
        MAY_WAIT.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn only_what_stepped_aside_may_wait_and_many_take_turns() {
        let all = (0..PLACES * 4).map(|number| {
            tokio::spawn(async move {
                assert!(!MAY_WAIT.get());
                let there = step_aside(async { (MAY_WAIT.get(), number) }).await;
                assert!(!MAY_WAIT.get());
                there
            })
        });
        for (number, one) in all.collect::<Vec<_>>().into_iter().enumerate() {
            assert_eq!(one.await.unwrap(), (true, number));
        }
    }

    #[tokio::test]
    async fn on_one_thread_nothing_steps_aside() {
        assert!(!step_aside(async { MAY_WAIT.get() }).await);
    }
}
