//! Coverage that goes on by itself, for people who look on. Of it nothing is written but who began and who stopped it, in the audit.

use std::sync::Arc;

use super::step::{CoverageAsked, fault, feed_of};
use super::tally::Coverage;
use crate::pipeline::Gateway;
use crate::pipeline::background::Run;
use crate::pipeline::message_words::{MessageWords, refused};
use crate::problem::Problem;
use crate::site::Site;
use crate::store::StoreError;

/// What somebody had counted: its name is the feed's, and it reads by the site of then.
pub type CoverageRun = Run<Arc<Site>, Coverage>;

impl CoverageRun {
    /// The site whose lines are counted.
    pub fn site(&self) -> &Arc<Site> {
        &self.by
    }
}

impl Gateway {
    /// The newest there is.
    pub fn coverage(&self) -> Option<Arc<CoverageRun>> {
        self.covering.get()
    }

    /// Begins one over the messages that the words name, of one feed; `go_on_covering` does it.
    ///
    /// # Errors
    /// One is running; no feed, or one that the site has not; words that cannot be read; a store that does not answer.
    pub async fn begin_coverage(&self, words: &MessageWords, who: &str) -> Result<Arc<CoverageRun>, Problem> {
        if let Some(run) = self.covering.running() {
            return Err(run.busy());
        }
        let site = self.site.load_full();
        let feed = feed_of(&site, words.feed.as_deref())?.name.clone();
        let words = MessageWords { feed: Some(feed.clone()), ..words.clone() };
        self.sought(&words).await?;
        let run = Run::new(who, feed, &words, site, Coverage::default(), self.clock.now());
        self.note_coverage(&run, who, "coverage-begin").await.map_err(fault)?;
        self.covering.put(&run)?;
        Ok(run)
    }

    /// Has the one that goes on end after the part that it is at.
    ///
    /// # Errors
    /// None is running; a store that does not answer.
    pub async fn stop_coverage(&self, who: &str) -> Result<(), Problem> {
        let run = self.covering.running().ok_or_else(|| refused("nothing is being counted".to_string()))?;
        self.note_coverage(&run, who, "coverage-stop").await.map_err(fault)?;
        run.stop();
        Ok(())
    }

    /// Counts part by part, until all is read or somebody stops it.
    pub async fn go_on_covering(&self, run: Arc<CoverageRun>) {
        let _going = run.going();
        let mut part = CoverageAsked { sought: run.words.clone(), read_at: None, after: None };
        loop {
            let covered = self.cover_by(run.site(), &part).await;
            let covered = covered.map(|part| (part.coverage, part.total, part.next));
            part.after = run.note(covered, self.clock.now(), Coverage::add);
            if part.after.is_none() {
                return;
            }
        }
    }

    async fn note_coverage(&self, run: &CoverageRun, who: &str, action: &str) -> Result<(), StoreError> {
        let because = "which lines and fields they touch is counted; nothing is written".to_string();
        self.note_of_messages(&run.words, who, action, because).await
    }
}
