//! A comparison that goes on by itself, for people who look on. Of it nothing is written but who began and who stopped it, in the audit.

use std::sync::Arc;

use super::changed::ChangedSite;
use super::judge::Pair;
use super::kept::Sites;
use super::step::{Comparing, fault};
use super::tally::Differences;
use crate::pipeline::Gateway;
use crate::pipeline::background::Run;
use crate::pipeline::message_words::{MessageWords, refused};
use crate::problem::Problem;
use crate::store::{MessageSummary, StoreError};

/// Listed of each kind, and of one message by itself.
const LISTED: usize = 3;
const LISTED_OF_ONE: usize = 100;

/// A comparison that somebody began; its name is that of the changed site.
pub type Comparison = Run<Sites, Differences>;

impl Gateway {
    /// The newest comparison there is.
    pub fn comparison(&self) -> Option<Arc<Comparison>> {
        self.comparing.get()
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
        if let Some(run) = self.comparing.running() {
            return Err(run.busy());
        }
        self.sought(words).await?;
        let sites = (self.site.load_full(), changed.load().await?);
        let run = Run::new(who, changed.name(), words, sites, Differences::default(), self.clock.now());
        self.note_comparison(&run, who, "compare-begin").await.map_err(fault)?;
        // Somebody else's site may have been compiled meanwhile.
        self.comparing.put(&run)?;
        Ok(run)
    }

    /// Has the comparison that goes on end after the part that it is at.
    ///
    /// # Errors
    /// None is running; a store that does not answer.
    pub async fn stop_comparison(&self, who: &str) -> Result<(), Problem> {
        let run = self.comparing.running().ok_or_else(|| refused("nothing is being compared".to_string()))?;
        self.note_comparison(&run, who, "compare-stop").await.map_err(fault)?;
        run.stop();
        Ok(())
    }

    /// Compares part by part, until all is judged or somebody stops it.
    pub async fn go_on_comparing(&self, run: Arc<Comparison>) {
        let (pair, _going) = (self.pair_of(&run), run.going());
        let mut part =
            Comparing { site: "".into(), sought: run.words.clone(), listed: LISTED, compiled: None, after: None };
        loop {
            let judged = self.compare_part(&pair, &part).await;
            part.after = run.note(judged, self.clock.now(), |all, more| all.add(more, LISTED));
            if part.after.is_none() {
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
        let (in_force, changed) = run.by.clone();
        Pair::new(self, in_force, changed)
    }

    async fn note_comparison(&self, run: &Comparison, who: &str, action: &str) -> Result<(), StoreError> {
        let because = format!("judged under the changed site {}; nothing of it is written", run.name);
        self.note_of_messages(&run.words, who, action, because).await
    }
}
