//! A run of many messages as work that goes on by itself: how far it is stands in the store, so that any gateway tells it, anybody can
//! stop it, and after a restart it says where it ended and can be gone on with. One at a time. In the audit under who began it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::again::Again;
use super::changed::Changed;
use crate::pipeline::Gateway;
use crate::pipeline::message_words::{MessageWords, refused};
use crate::problem::{Category, Place, Problem};
use crate::store::StoreError;

/// The store's pieces of state: the run, its messages, and the id of the run that somebody stops.
const RUN: &str = "rerun";
const LIST: &str = "rerun-messages";
const STOP: &str = "rerun-stop";
/// How far it is is written down so often; a run that said nothing for so long was cut off.
const SAY_EVERY: u64 = 20;
const SILENT: SignedDuration = SignedDuration::from_secs(60);
/// Messages that are told one by one; the sums are of all.
const MOST_LINES: usize = 500;

/// How a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RerunState {
    Running,
    Done,
    Stopped,
    /// The gateway was stopped or could not go on; what was run stays run.
    CutOff,
}

/// One message that was run: its number, what it is kept as now, and what that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub message: u64,
    pub kept_as: Option<u64>,
    pub what: String,
}

/// A run, as far as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rerun {
    pub id: String,
    pub who: String,
    pub words: MessageWords,
    pub began: Timestamp,
    /// When it was last heard of.
    pub said: Timestamp,
    pub total: u64,
    pub done: u64,
    pub state: RerunState,
    pub changed: Changed,
    /// What changed, message by message, of those that something changed for.
    pub lines: Vec<Line>,
    /// Why it could not go on.
    #[serde(default)]
    pub fault: String,
}

impl Gateway {
    /// The newest run there is.
    pub async fn rerun(&self) -> Result<Option<Rerun>, StoreError> {
        let Some(bytes) = self.store.get_state(RUN).await? else { return Ok(None) };
        let read: Result<Rerun, _> = serde_json::from_slice(&bytes);
        let mut run = read.map_err(|_| StoreError::Damaged("the run of messages does not read back".to_string()))?;
        if run.state == RerunState::Running && self.clock.now().duration_since(run.said) > SILENT {
            run.state = RerunState::CutOff;
        }
        Ok(Some(run))
    }

    /// Begins a run of what the words name; `go_on_with` does it.
    pub async fn begin_rerun(&self, words: &MessageWords, who: &str) -> Result<Rerun, Problem> {
        self.claim_turn().await?;
        let selected = self.select(words).await?;
        if selected.sequences.is_empty() {
            return Err(refused("no message is left to be run again".to_string()));
        }
        let now = self.clock.now();
        let run = Rerun {
            id: format!("{:032x}", rand::random::<u128>()),
            who: who.to_string(),
            words: words.clone(),
            began: now,
            said: now,
            total: selected.sequences.len() as u64,
            done: 0,
            state: RerunState::Running,
            changed: Changed::default(),
            lines: Vec::new(),
            fault: String::new(),
        };
        let list = serde_json::to_vec(&selected.sequences).unwrap_or_default();
        self.store.put_state(LIST, &list).await.map_err(fault)?;
        self.keep(&run).await.map_err(fault)?;
        self.note_rerun(&run, who, "replay-begin", &format!("{} messages are run again", run.total))
            .await
            .map_err(fault)?;
        Ok(run)
    }

    /// Begins the rest of a run that was stopped or cut off.
    pub async fn resume_rerun(&self, who: &str) -> Result<Rerun, Problem> {
        self.claim_turn().await?;
        let run = self.rerun().await.map_err(fault)?;
        let Some(run) = run.filter(|run| run.state != RerunState::Done) else {
            return Err(refused("there is no run to go on with".to_string()));
        };
        let run = Rerun { state: RerunState::Running, said: self.clock.now(), fault: String::new(), ..run };
        self.store.put_state(STOP, b"").await.map_err(fault)?;
        self.keep(&run).await.map_err(fault)?;
        let because = format!("{} messages are left to be run again", run.total.saturating_sub(run.done));
        self.note_rerun(&run, who, "replay-begin", &because).await.map_err(fault)?;
        Ok(run)
    }

    /// Has the run that goes on end after the message that it is at.
    pub async fn stop_rerun(&self, who: &str) -> Result<(), Problem> {
        let run = self.rerun().await.map_err(fault)?;
        let Some(run) = run.filter(|run| run.state == RerunState::Running) else {
            return Err(refused("nothing is being run".to_string()));
        };
        self.store.put_state(STOP, run.id.as_bytes()).await.map_err(fault)?;
        self.note_rerun(&run, who, "replay-stop", "a person stopped it").await.map_err(fault)
    }

    /// One run at a time, also of several gateways: whoever begins one claims to be the first after the one before.
    async fn claim_turn(&self) -> Result<(), Problem> {
        let run = self.rerun().await.map_err(fault)?;
        let busy =
            |who: &str| refused(format!("{who} has messages run again just now; wait until that is done, or stop it"));
        if let Some(run) = run.as_ref().filter(|run| run.state == RerunState::Running) {
            return Err(busy(&run.who));
        }
        let before = run.map_or_else(String::new, |run| format!("{} {}", run.id, run.said));
        let now = self.clock.now();
        let until = now.checked_add(SignedDuration::from_secs(5)).unwrap_or(now);
        if self.store.remember_once(RUN, &before, until, now).await.map_err(fault)? {
            Ok(())
        } else {
            Err(busy("somebody"))
        }
    }

    /// Runs what is left, message by message, until it is done or stopped. A fault of the store ends it; nothing is half done.
    pub async fn go_on_with(&self, mut run: Rerun) {
        match self.run_rest(&mut run).await {
            Ok(state) => run.state = state,
            Err(error) => {
                tracing::error!(%error, done = run.done, "a run of messages could not go on");
                (run.state, run.fault) = (RerunState::CutOff, error.to_string());
            }
        }
        let (who, told) = (run.who.clone(), run.changed.in_words());
        let kept = async {
            self.keep(&run).await?;
            self.note_rerun(&run, &who, "replay-end", &told).await
        };
        if let Err(error) = kept.await {
            tracing::error!(%error, "how a run of messages ended could not be written down");
        }
    }

    async fn run_rest(&self, run: &mut Rerun) -> Result<RerunState, StoreError> {
        let list = self.store.get_state(LIST).await?.unwrap_or_default();
        let damaged = |_| StoreError::Damaged("the messages of a run do not read back".to_string());
        let sequences: Vec<u64> = serde_json::from_slice(&list).map_err(damaged)?;
        let done = usize::try_from(run.done).unwrap_or(usize::MAX);
        for sequence in sequences.into_iter().skip(done) {
            if self.store.get_state(STOP).await?.is_some_and(|stop| stop == run.id.as_bytes()) {
                return Ok(RerunState::Stopped);
            }
            self.run_one(run, sequence).await?;
            run.done += 1;
            run.said = self.clock.now();
            if run.done.is_multiple_of(SAY_EVERY) {
                self.keep(run).await?;
            }
        }
        Ok(RerunState::Done)
    }

    async fn run_one(&self, run: &mut Rerun, sequence: u64) -> Result<(), StoreError> {
        let unchanged = run.changed.unchanged;
        let Again { kept_as, what, .. } = self.run_again(&mut run.changed, sequence, &run.who).await?;
        // Nothing lost: the sums are of all, and the page says how many are not told one by one.
        if unchanged == run.changed.unchanged && run.lines.len() < MOST_LINES {
            run.lines.push(Line { message: sequence, kept_as, what });
        }
        Ok(())
    }

    async fn keep(&self, run: &Rerun) -> Result<(), StoreError> {
        self.store.put_state(RUN, &serde_json::to_vec(run).unwrap_or_default()).await
    }

    async fn note_rerun(&self, run: &Rerun, who: &str, action: &str, because: &str) -> Result<(), StoreError> {
        self.note_of_messages(&run.words, who, action, because.to_string()).await
    }
}

fn fault(error: StoreError) -> Problem {
    Problem::error(Category::Exception, Place::Whole, error.to_string())
}
