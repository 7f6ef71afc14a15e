//! A comparison asked for in parts: so many messages at a time, so that whoever asks sees how far it is and the gateway is held up by
//! none.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::changed::ChangedSite;
use super::judge::Pair;
use super::tally::Differences;
use crate::pipeline::message_words::refused;
use crate::pipeline::{Gateway, MessageWords};
use crate::problem::{Category, Place, Problem};
use crate::store::{Cursor, StoreError};

/// Messages read at once, and how long an answer may take before it ends with those it has.
const PART: usize = 25;
const LONGEST: Duration = Duration::from_secs(2);
/// The most that is listed of a kind.
const MOST_LISTED: usize = 100;

/// Which site on which messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparing {
    /// The folder of the changed site.
    pub site: PathBuf,
    pub sought: MessageWords,
    /// So many of each kind are listed.
    pub listed: usize,
    /// As the answer before said; none at the beginning.
    #[serde(default)]
    pub compiled: Option<String>,
    #[serde(default)]
    pub after: Option<String>,
}

/// What came of a part of the messages, those received last first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    pub differences: Differences,
    /// How many messages there are to look at, where it can be counted.
    pub total: Option<u64>,
    /// By which the sites are kept, and where to go on; none at the end.
    pub compiled: String,
    pub next: Option<String>,
}

impl Gateway {
    /// # Errors
    /// A folder that is no site without errors, which are shown; words that cannot be read; a store that does not answer.
    pub async fn compare(&self, comparing: &Comparing) -> Result<Compared, Problem> {
        let ((in_force, changed), compiled) = match &comparing.compiled {
            Some(name) => {
                let lost =
                    || refused("others are compared meanwhile, or the gateway was restarted; begin again".into());
                (self.compared.find(name).ok_or_else(lost)?, name.clone())
            }
            None => {
                let changed = ChangedSite::Folder(comparing.site.clone()).load().await?;
                let sites = (self.site.load_full(), changed);
                (sites.clone(), self.compared.keep(sites))
            }
        };
        let (differences, total, next) = self.compare_part(&Pair::new(self, in_force, changed), comparing).await?;
        if next.is_none() {
            self.compared.end(&compiled);
        }
        Ok(Compared { differences, total, compiled, next })
    }

    /// What differs for the next part of the messages, how many there are where that is asked first, and where to go on.
    pub(super) async fn compare_part(&self, pair: &Pair, comparing: &Comparing) -> Result<Judged, Problem> {
        let filter = self.sought(&comparing.sought).await?.filter;
        let is_first = comparing.after.is_none() && filter.text.is_none();
        let total = match is_first {
            true => Some(self.store.count_messages(&filter).await.map_err(fault)?.count),
            false => None,
        };
        // Nothing lost: whoever shows the list says how many it leaves out.
        let listed = comparing.listed.min(MOST_LISTED);
        let (began, mut differences) = (Instant::now(), Differences::default());
        let mut after = comparing.after.clone().map(Cursor);
        loop {
            let part = self.store.find_messages(&filter, after.as_ref(), PART).await.map_err(fault)?;
            for summary in &part.items {
                pair.judge(summary, &mut differences, listed).await.map_err(fault)?;
            }
            after = part.next;
            // Nothing lost: the answer says where to go on.
            if after.is_none() || began.elapsed() > LONGEST {
                break;
            }
        }
        Ok((differences, total, after.map(|after| after.0)))
    }
}

/// What differs, of how many messages, and where to go on.
type Judged = (Differences, Option<u64>, Option<String>);

pub(super) fn fault(error: StoreError) -> Problem {
    Problem::error(Category::Exception, Place::Whole, error.to_string())
}
