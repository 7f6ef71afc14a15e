//! A comparison that goes on by itself, for people who look on. How far it is stands in memory, one at a time: of it nothing is written but
//! who began and who stopped it, in the audit. A gateway that is started anew knows of none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::changed::ChangedSite;
use super::judge::Pair;
use super::running::{Comparison, ComparisonState, Progress};
use super::step::{Comparing, fault};
use super::tally::Differences;
use crate::pipeline::Gateway;
use crate::pipeline::message_words::{MessageWords, refused};
use crate::problem::Problem;
use crate::store::{MessageSummary, StoreError};

/// Listed of each kind, and of one message by itself.
const LISTED: usize = 3;
const LISTED_OF_ONE: usize = 100;

/// Whoever goes on with a comparison: where they break off, it says so, and another can begin.
struct Going(Arc<Comparison>);

impl Drop for Going {
    fn drop(&mut self) {
        let mut progress = self.0.now();
        if progress.state == ComparisonState::Running {
            (progress.state, progress.fault) = (ComparisonState::CutOff, "it broke off; the log says why".to_string());
        }
    }
}

impl Gateway {
    /// The newest comparison there is.
    pub fn comparison(&self) -> Option<Arc<Comparison>> {
        self.comparing.newest().clone()
    }

    /// Begins one over the messages that the words name; `go_on_comparing` does it.
    ///
    /// # Errors
    /// One is running; the changed site has errors, which are shown; words that cannot be read; a store that does not answer.
    pub async fn begin_comparison(
        &self,
        changed: &ChangedSite,
        words: &MessageWords,
        who: &str,
    ) -> Result<Arc<Comparison>, Problem> {
        let is_running = |run: &Arc<Comparison>| run.now().state == ComparisonState::Running;
        let busy = |run: &Comparison| refused(format!("{} compares a site just now; wait, or stop it", run.who));
        if let Some(run) = self.comparison().filter(is_running) {
            return Err(busy(&run));
        }
        self.sought(words).await?;
        let (now, sites) = (self.clock.now(), (self.site.load_full(), changed.load().await?));
        let progress = Progress {
            state: ComparisonState::Running,
            total: None,
            differences: Differences::default(),
            said: now,
            fault: String::new(),
        };
        let run = Arc::new(Comparison {
            who: who.to_string(),
            name: changed.name(),
            words: words.clone(),
            began: now,
            sites,
            stop: AtomicBool::new(false),
            progress: Mutex::new(progress),
        });
        self.note_comparison(&run, who, "compare-begin").await.map_err(fault)?;
        let mut newest = self.comparing.newest();
        // Somebody else's site was compiled meanwhile.
        if let Some(other) = newest.as_ref().filter(|other| is_running(other)) {
            return Err(busy(other));
        }
        *newest = Some(Arc::clone(&run));
        Ok(run)
    }

    /// Has the comparison that goes on end after the part that it is at.
    ///
    /// # Errors
    /// None is running; a store that does not answer.
    pub async fn stop_comparison(&self, who: &str) -> Result<(), Problem> {
        let run = self.comparison().filter(|run| run.now().state == ComparisonState::Running);
        let run = run.ok_or_else(|| refused("nothing is being compared".to_string()))?;
        self.note_comparison(&run, who, "compare-stop").await.map_err(fault)?;
        run.stop.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Compares part by part, until all is judged or somebody stops it.
    pub async fn go_on_comparing(&self, run: Arc<Comparison>) {
        let (pair, _going) = (self.pair_of(&run), Going(Arc::clone(&run)));
        let mut part =
            Comparing { site: "".into(), sought: run.words.clone(), listed: LISTED, compiled: None, after: None };
        loop {
            let judged = self.compare_part(&pair, &part).await;
            let is_stopped = run.stop.load(Ordering::Relaxed);
            let mut progress = run.now();
            progress.said = self.clock.now();
            match judged {
                Err(problem) => {
                    (progress.state, progress.fault) = (ComparisonState::CutOff, problem.text);
                    return;
                }
                Ok((differences, total, next)) => {
                    progress.differences.add(differences, LISTED);
                    progress.total = progress.total.or(total);
                    part.after = next;
                }
            }
            if part.after.is_none() || is_stopped {
                let is_whole = part.after.is_none();
                progress.state = if is_whole { ComparisonState::Done } else { ComparisonState::Stopped };
                return;
            }
        }
    }

    /// What differs for one message under the sites of a comparison, with values.
    ///
    /// # Errors
    /// A store that does not answer.
    pub async fn compared_one(&self, run: &Comparison, of: &MessageSummary) -> Result<Differences, StoreError> {
        let mut differences = Differences::default();
        self.pair_of(run).judge(of, &mut differences, LISTED_OF_ONE).await?;
        Ok(differences)
    }

    fn pair_of(&self, run: &Comparison) -> Pair {
        let (in_force, changed) = run.sites.clone();
        Pair::new(self, in_force, changed)
    }

    async fn note_comparison(&self, run: &Comparison, who: &str, action: &str) -> Result<(), StoreError> {
        let because = format!("judged under the changed site {}; nothing of it is written", run.name);
        self.note_of_messages(&run.words, who, action, because).await
    }
}
