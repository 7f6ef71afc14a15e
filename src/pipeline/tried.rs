//! What a protocol would have made of the records there are: read panel by panel, a few members at a time, so that whoever asks sees
//! how far it is and the gateway is held up by none. Nothing is written.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Gateway, Known};
use crate::identity::PersonId;
use crate::problem::{Category, Place, Problem};
use crate::protocol::{ProtocolSet, Tally, Window};
use crate::record::Membership;
use crate::site::{Site, render};
use crate::store::{Cursor, StoreError};
use crate::yaml::Source;

/// Members read at once, and how long an answer may take before it ends with those it has.
const STEP: usize = 25;
const LONGEST: Duration = Duration::from_secs(2);
/// Of one patient, the newest; `Tally::truncated` says where there are more.
const OBSERVATIONS: usize = 4_000;
/// Of a file that people write.
const LONGEST_FILE: usize = 1 << 20;
/// The most that is listed for a rule.
const MOST_LISTED: usize = 1_000;
/// Between the name of a panel and the place in it.
const MARK: char = '\u{1f}';

/// What is tried on whom, and from where on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trying {
    /// The file's name and what it says.
    pub file: String,
    pub text: String,
    pub since: Timestamp,
    /// Now, where it is not said.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// All, where none is named.
    #[serde(default)]
    pub panel: Option<String>,
    pub listed: usize,
    /// As the answer before said.
    #[serde(default)]
    pub after: Option<String>,
}

/// What came of a part of the members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    pub protocol: String,
    pub title: String,
    pub since: Timestamp,
    pub until: Timestamp,
    pub tally: Tally,
    /// Members of whom nothing is known here.
    pub unknown: usize,
    /// Where to go on; none at the end.
    pub next: Option<String>,
}

impl Gateway {
    /// # Errors
    /// A file with faults, which are shown; a panel that the site has not; a store that does not answer.
    pub async fn try_protocol(&self, trying: Trying) -> Result<Tried, Problem> {
        let site = self.site.load_full();
        let set = Arc::new(read(&site, &trying)?);
        let until = trying.until.unwrap_or_else(|| self.clock.now());
        let listed = trying.listed.min(MOST_LISTED); // Nothing lost: whoever shows the list says how many it leaves out.
        let window = Window { since: trying.since, until, listed };
        if window.since >= window.until {
            return Err(refusal(
                Category::Value,
                "the window is empty: `since` lies before `until`, which is now where it is not said",
            ));
        }
        let protocol =
            set.protocols().first().ok_or_else(|| refusal(Category::Invalid, "there is no protocol in it"))?;
        let mut tried = Tried {
            protocol: protocol.name.clone(),
            title: protocol.title.clone(),
            since: window.since,
            until,
            tally: Tally::of(protocol),
            unknown: 0,
            next: None,
        };
        if let Some(panel) = &trying.panel {
            site.panel(panel)?;
        }
        let place = trying.after.as_deref().and_then(|after| after.split_once(MARK));
        let (mut at, mut cursor) = match place {
            Some((panel, place)) => (Some(panel.to_string()), (!place.is_empty()).then(|| Cursor(place.to_string()))),
            None => (trying.panel.clone().or_else(|| site.panels.keys().next().cloned()), None),
        };
        let begun = self.clock.steady();
        while let Some(panel) = at.take() {
            let page = self.store.panel(&panel, cursor.as_ref(), STEP).await.map_err(fault)?;
            for member in page.items {
                self.try_member(&site, &set, member, (&trying, window), &mut tried).await?;
            }
            let later = || site.panels.range::<str, _>((Bound::Excluded(panel.as_str()), Bound::Unbounded)).next();
            (at, cursor) = match page.next {
                Some(next) => (Some(panel), Some(next)),
                None if trying.panel.is_some() => (None, None),
                None => (later().map(|(name, _)| name.clone()), None),
            };
            // Nothing lost: the answer says where to go on.
            if self.clock.steady().saturating_sub(begun) > LONGEST {
                break;
            }
        }
        let cursor = cursor.map(|cursor| cursor.0).unwrap_or_default();
        tried.next = at.map(|panel| format!("{panel}{MARK}{cursor}"));
        Ok(tried)
    }

    /// One row of a panel. Who stands in several rows is looked at by the one by which work would be theirs.
    async fn try_member(
        &self,
        site: &Arc<Site>,
        set: &Arc<ProtocolSet>,
        member: Membership,
        (trying, window): (&Trying, Window),
        tried: &mut Tried,
    ) -> Result<(), Problem> {
        let persons = self.store.persons_of(&member.identifiers).await.map_err(fault)?;
        let persons: BTreeSet<PersonId> = persons.into_iter().flatten().collect();
        tried.unknown += usize::from(persons.is_empty());
        for person in persons {
            let Known { record, mut memberships } = self.load(person, OBSERVATIONS).await.map_err(fault)?;
            // Nothing lost: whoever names a panel asks of that one.
            memberships.retain(|other| trying.panel.as_ref().is_none_or(|panel| other.panel == *panel));
            let first = memberships.iter().min_by_key(|other| (&other.panel, &other.identifiers));
            if first.is_none_or(|first| *first != member) {
                // Nothing lost: it is looked at in its other row.
                continue;
            }
            let (set, own, practices) =
                (Arc::clone(set), member.clone(), site.practices_of(std::slice::from_ref(&member)));
            let mut tally = std::mem::take(&mut tried.tally);
            // Rules may take long over a life; other requests go on meanwhile.
            let looked = tokio::task::spawn_blocking(move || {
                set.try_on(&record, &[own], &practices, window, &mut tally);
                tally
            });
            tried.tally = looked.await.map_err(|_| refusal(Category::Exception, "the trial of a record broke off"))?;
        }
        Ok(())
    }
}

fn read(site: &Site, trying: &Trying) -> Result<ProtocolSet, Problem> {
    // Nothing lost: whoever asks is told, and nothing is tried.
    if trying.text.len() > LONGEST_FILE {
        // Nothing lost: as above.
        return Err(refusal(Category::TooLong, "a protocol is at most 1 MB of text"));
    }
    let source = Source::new(trying.file.clone(), trying.text.as_str());
    let (set, problems) = site.protocols.with_file(&source);
    let faults: Vec<Problem> = problems.into_iter().filter(Problem::is_error).collect();
    match set {
        Some(set) if faults.is_empty() => Ok(set),
        _ => Err(refusal(Category::Invalid, render(&faults, &[source], false, 100))),
    }
}

fn refusal(category: Category, text: impl Into<String>) -> Problem {
    Problem::error(category, Place::Whole, text)
}

fn fault(error: StoreError) -> Problem {
    refusal(Category::Exception, error.to_string())
}
