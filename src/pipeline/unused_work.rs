//! The work that people have of what could not be used: who has it, and what they did about it. Audited, in the same commit.

use super::Gateway;
use crate::problem::{Category, Place, Problem};
use crate::site::Site;
use crate::store::{AuditEntry, StoreError, UnusedAnswer, UnusedEntry, UnusedFilter, UnusedState, WriteUnit};
use crate::unused::Duty;

/// The longest note of an answer, in characters.
const LONGEST_NOTE: usize = 500;

/// The beginning of an id that is enough to name a cause by.
const SHORTEST_ID: usize = 6;

/// Who has work of a cause, for people: a role that the site names. None where nobody has any.
pub fn responsible(site: &Site, entry: &UnusedEntry) -> Option<String> {
    Some(match entry.duty? {
        Duty::Practice => "the patient's practice".to_string(),
        Duty::Feed => {
            let feed = site.feeds.get(&entry.cause.feed);
            let named = feed.and_then(|feed| feed.responsible.clone());
            named.unwrap_or_else(|| format!("whoever looks after the feed {}", entry.cause.feed))
        }
    })
}

impl Gateway {
    /// Takes the work of a cause, answers it with a note, or gives it back. `who` is named in the audit.
    pub async fn answer_unused(&self, id: &str, state: UnusedState, note: &str, who: &str) -> Result<(), Problem> {
        let entry = self.unused_by_id(id).await?;
        let note = note.trim();
        if entry.work.is_none() {
            return Err(refused("nobody has work of this: care does not depend on it"));
        }
        if state == UnusedState::Answered && note.is_empty() {
            return Err(refused("an answer needs a note: say what was done, so that the next one knows"));
        }
        // Nothing lost: the person is told, and nothing is taken.
        if note.chars().count() > LONGEST_NOTE {
            return Err(refused("the note has more than 500 characters; say it shorter"));
        }
        let at = self.clock.now();
        let audit = AuditEntry {
            at,
            agent: who.to_string(),
            action: format!("unused-{}", state.word()),
            person: None,
            subject: format!("unused/{}", entry.id),
            allowed: true,
            because: "a person decided it".to_string(),
        };
        let answer = UnusedAnswer { id: entry.id, state, who: who.to_string(), note: note.to_string(), at };
        let unit = WriteUnit { answers: vec![answer], audit: vec![audit], ..WriteUnit::default() };
        self.store.commit(unit).await.map(|_| ()).map_err(fault)
    }

    /// The cause with this id, or the only one whose id begins so.
    async fn unused_by_id(&self, id: &str) -> Result<UnusedEntry, Problem> {
        if let Some(entry) = self.store.unused_entry(id).await.map_err(fault)? {
            return Ok(entry);
        }
        let missing = || Problem::error(Category::NotFound, Place::Whole, "there is no such cause");
        if id.len() < SHORTEST_ID {
            return Err(missing());
        }
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.unused(&UnusedFilter::default(), after.as_ref(), 1000).await.map_err(fault)?;
            found.extend(page.items.into_iter().filter(|entry| entry.id.starts_with(id)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        match (found.pop(), found.is_empty()) {
            (Some(entry), true) => Ok(entry),
            (Some(_), false) => Err(refused("several causes begin so; write more of the id")),
            (None, _) => Err(missing()),
        }
    }
}

fn refused(text: &str) -> Problem {
    Problem::error(Category::BusinessRule, Place::Whole, text)
}

fn fault(error: StoreError) -> Problem {
    Problem::error(Category::Transient, Place::Whole, error.to_string())
}
