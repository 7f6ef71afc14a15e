//! Where work for the writer is handed in and its answer waited for; closes with it.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::committer::Committer;
use super::work::{Waiting, Work};
use crate::store::StoreError;

/// How much may wait for the committer; beyond that a sender is told to try again later.
const QUEUE: usize = 4096;

/// Nobody waits longer for an answer, even if a disk never comes back.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

pub struct Desk {
    /// In simulations, whose thread waits for everything anyway, the writer works where it is asked.
    #[cfg(test)]
    here: Option<Mutex<Committer>>,
    sender: Mutex<Option<SyncSender<Waiting>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Desk {
    /// Starts the writer.
    pub fn open(committer: impl FnOnce(std::sync::mpsc::Receiver<Waiting>) -> Committer) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(QUEUE);
        let committer = committer(receiver);
        #[cfg(test)]
        if crate::store::aside::waits_here() {
            return Ok(Self { here: Some(Mutex::new(committer)), sender: Mutex::new(None), thread: Mutex::new(None) });
        }
        let thread = std::thread::Builder::new()
            .name("committer".to_string())
            .spawn(move || committer.run())
            .map_err(|error| StoreError::Unavailable(format!("no thread for the committer: {error}")))?;
        Ok(Self {
            #[cfg(test)]
            here: None,
            sender: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub async fn submit(&self, work: Work) -> Result<u64, StoreError> {
        let (answer, answered) = oneshot::channel();
        #[cfg(test)]
        if let Some(here) = &self.here {
            here.lock().unwrap_or_else(PoisonError::into_inner).commit(vec![Waiting { work, answer }]);
            return answered.await.map_err(|_| closed())?;
        }
        {
            let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
            let sender = sender.as_ref().ok_or_else(closed)?;
            sender.try_send(Waiting { work, answer }).map_err(|error| match error {
                TrySendError::Full(_) => StoreError::Unavailable("too much waits to be written".to_string()),
                TrySendError::Disconnected(_) => closed(),
            })?;
        }
        match tokio::time::timeout(ANSWER_WITHIN, answered).await {
            Ok(answer) => answer.map_err(|_| closed())?,
            Err(_) => Err(StoreError::Unavailable("the disk gives no answer".to_string())),
        }
    }

    /// Nothing more is taken; the thread ends with its last work.
    pub fn close(&self) -> Option<JoinHandle<()>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

pub fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_string())
}

impl Drop for Desk {
    /// The engine's files are free when its thread has ended.
    fn drop(&mut self) {
        if let Some(thread) = self.close() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}
