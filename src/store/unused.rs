//! What could not be used, as kept: one entry per cause, counted once per input, with the state of the work that somebody
//! has of it; in which order entries are listed, and what they sum to. No patient data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Cursor, Page, StoreError};
use crate::unused::{Duty, Kind, Unused};

/// Different causes that are kept of one feed. What comes beyond is counted under one cause of kind `limit` for each kind.
pub const MOST_CAUSES: usize = 1000;

/// The feed of what no feed's message brought: a rule at a clock's time, a person's action.
pub const NO_FEED: &str = "protocols";

/// What all notices of one thing have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cause {
    pub feed: String,
    pub kind: Kind,
    pub about: String,
    /// Without the numbers of occurrence and repetition: `OBX-3`.
    pub place: String,
}

/// One cause in one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub cause: Cause,
    /// What is wrong and what to change.
    pub text: String,
    pub duty: Option<Duty>,
    pub at: Timestamp,
}

/// One cause as kept. Told as JSON and never read from it: numbers do not pass a flattened field on the way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedEntry {
    /// Made from the cause: 32 hexadecimal digits.
    pub id: String,
    #[serde(flatten)]
    pub cause: Cause,
    /// In how many inputs it came. A replay or a resend is not another input.
    pub count: u64,
    pub first: Timestamp,
    pub newest: Timestamp,
    /// The newest message that it came with; by now it may have been pruned.
    pub message: Option<u64>,
    pub text: String,
    pub duty: Option<Duty>,
    /// Where somebody has a duty.
    pub work: Option<UnusedWork>,
}

/// How far the work of one cause is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusedWork {
    pub state: UnusedState,
    /// Who last took or answered it; empty while nobody did.
    pub who: String,
    /// The last answer. It stays when the cause comes again and opens the work anew.
    pub note: String,
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnusedState {
    #[default]
    Open,
    Taken,
    Answered,
}

/// What a person does about a cause: takes it, answers it with a note, or gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedAnswer {
    pub id: String,
    pub state: UnusedState,
    pub who: String,
    pub note: String,
    pub at: Timestamp,
}

/// Which entries to list; empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnusedFilter {
    pub feed: Option<String>,
    pub kind: Option<Kind>,
    /// Only those whose work is open or taken.
    pub open: bool,
}

/// The sums of one feed and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusedTotal {
    pub feed: String,
    pub kind: Kind,
    pub causes: u64,
    pub count: u64,
    pub open: u64,
    pub taken: u64,
}

impl UnusedState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Answered => "answered",
        }
    }
}

impl Cause {
    pub fn new(feed: &str, kind: Kind, about: &str, place: &str) -> Self {
        Self { feed: feed.to_string(), kind, about: about.to_string(), place: without_numbers(place) }
    }

    /// 32 hexadecimal digits that no other cause has.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.feed.as_str(), self.kind.word(), &self.about, &self.place] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let halves = hash.finalize().into_iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
        halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect()
    }

    /// What is counted instead when a feed has more different causes than are kept.
    pub fn beyond(&self) -> Self {
        Self::new(&self.feed, Kind::Limit, &format!("more causes of kind {}", self.kind.word()), "")
    }
}

impl Notice {
    /// Of the feed given, unless what is unused names another.
    pub fn new(feed: &str, at: Timestamp, place: &str, text: &str, unused: &Unused) -> Self {
        let feed = unused.feed.as_deref().unwrap_or(feed);
        let cause = Cause::new(feed, unused.kind, &unused.about, place);
        Self { cause, text: text.to_string(), duty: unused.duty, at }
    }

    /// The same as one of those that came after a feed had as many causes as are kept.
    pub fn beyond(&self) -> Self {
        let text = format!(
            "this feed has more than {MOST_CAUSES} different causes; those that came after are only counted here, and stand \
             in the traces of their messages"
        );
        Self { cause: self.cause.beyond(), text, duty: self.duty, at: self.at }
    }
}

impl UnusedEntry {
    pub fn new(notice: Notice, message: Option<u64>) -> Self {
        let work = notice.duty.map(|_| UnusedWork::default());
        let Notice { cause, text, duty, at } = notice;
        Self { id: cause.id(), cause, count: 1, first: at, newest: at, message, text, duty, work }
    }

    /// The cause came again in another input: answered work is open again.
    pub fn again(&mut self, notice: Notice, message: Option<u64>) {
        self.count += 1;
        (self.first, self.newest) = (self.first.min(notice.at), self.newest.max(notice.at));
        (self.message, self.text) = (message.or(self.message), notice.text);
        self.duty = self.duty.max(notice.duty);
        if notice.duty.is_some() {
            let work = self.work.get_or_insert_default();
            if work.state == UnusedState::Answered {
                work.state = UnusedState::Open;
            }
        }
    }

    pub fn answer(&mut self, answer: UnusedAnswer) {
        let work = self.work.get_or_insert_default();
        (work.state, work.who, work.at) = (answer.state, answer.who, Some(answer.at));
        if answer.state == UnusedState::Answered {
            work.note = answer.note;
        }
    }

    pub fn is_open(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.state != UnusedState::Answered)
    }

    /// Whether it may go: not seen since, and nobody has work of it.
    pub fn is_aged(&self, before: Timestamp) -> bool {
        self.newest < before && !self.is_open()
    }

    /// When it last came, or somebody last did something about it.
    fn changed(&self) -> Timestamp {
        self.work.as_ref().and_then(|work| work.at).map_or(self.newest, |at| at.max(self.newest))
    }

    /// Open work first, then what somebody has taken, then by kind, the most frequent first.
    fn rank(&self) -> (u8, Kind, u64, &str) {
        let state = match self.work.as_ref().map(|work| work.state) {
            Some(UnusedState::Open) => 0,
            Some(UnusedState::Taken) => 1,
            None => 2,
            Some(UnusedState::Answered) => 3,
        };
        (state, self.cause.kind, u64::MAX - self.count, &self.id)
    }
}

impl UnusedFilter {
    pub fn takes(&self, entry: &UnusedEntry) -> bool {
        self.feed.as_ref().is_none_or(|feed| *feed == entry.cause.feed)
            && self.kind.is_none_or(|kind| kind == entry.cause.kind)
            && (!self.open || entry.is_open())
    }
}

/// One page of the entries that the filter takes, in their order; at its end what changed since the first page, in the order of ids,
/// because it may have moved past the reader.
pub fn page_of_unused(
    entries: Vec<UnusedEntry>,
    filter: &UnusedFilter,
    cursor: Option<&Cursor>,
    count: usize,
) -> Result<Page<UnusedEntry>, StoreError> {
    let newest = entries.iter().map(UnusedEntry::changed).max().unwrap_or(Timestamp::MIN);
    let place = cursor.map_or(Ok(Place { began: newest, after: After::Nothing }), |cursor| {
        let refused = || StoreError::Refused("this is no cursor of ours; start the listing again".to_string());
        Place::of(cursor).ok_or_else(refused)
    })?;
    let (count, began) = (count.clamp(1, 1000), place.began);
    let mut entries: Vec<UnusedEntry> = entries.into_iter().filter(|entry| filter.takes(entry)).collect();
    let changed = |entry: &UnusedEntry| entry.changed() > began && entry.first <= began;
    let moved = cursor.is_some() && began < newest;
    let (mut items, after) = match &place.after {
        After::Changed(id) => (Vec::new(), Some(id.clone())),
        after => {
            let mut rest: Vec<UnusedEntry> = entries.iter().filter(|entry| after.is_before(entry)).cloned().collect();
            rest.sort_by(|left, right| left.rank().cmp(&right.rank()));
            let more = rest.len() > count;
            rest.truncate(count);
            if let Some(last) = rest.last().filter(|_| more || (moved && rest.len() == count)) {
                let after = After::Rank(last.rank().0, last.rank().1, last.rank().2, last.id.clone());
                return Ok(Page { next: Some(Place { began, after }.cursor()), items: rest });
            }
            (rest, moved.then(String::new))
        }
    };
    let Some(after) = after else { return Ok(Page { items, next: None }) };
    entries.retain(|entry| changed(entry) && entry.id > after && items.iter().all(|there| there.id != entry.id));
    entries.sort_by(|left, right| left.id.cmp(&right.id));
    let (room, more) = (count - items.len(), entries.len() > count - items.len());
    entries.truncate(room);
    items.extend(entries);
    let next = items.last().filter(|_| more);
    let next = next.map(|last| Place { began, after: After::Changed(last.id.clone()) }.cursor());
    Ok(Page { items, next })
}

/// Where the listing goes on, and what had changed when it began. Written as `BEGAN.r.STATE.KIND.COUNT.ID` or `BEGAN.c.ID`.
struct Place {
    began: Timestamp,
    after: After,
}

enum After {
    Nothing,
    /// A place in the order: state, kind, count and id.
    Rank(u8, Kind, u64, String),
    /// An id among what changed; empty at its beginning.
    Changed(String),
}

impl Place {
    fn cursor(&self) -> Cursor {
        let began = self.began.as_nanosecond();
        Cursor(match &self.after {
            After::Nothing => String::new(),
            After::Rank(state, kind, count, id) => format!("{began}.r.{state}.{}.{count}.{id}", kind.word()),
            After::Changed(id) => format!("{began}.c.{id}"),
        })
    }

    fn of(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.0.split('.');
        let began = Timestamp::from_nanosecond(parts.next()?.parse().ok()?).ok()?;
        let after = match parts.next()? {
            "r" => {
                let (state, kind) = (parts.next()?.parse().ok()?, Kind::named(parts.next()?)?);
                After::Rank(state, kind, parts.next()?.parse().ok()?, parts.next()?.to_string())
            }
            "c" => After::Changed(parts.next()?.to_string()),
            _ => return None,
        };
        Some(Self { began, after })
    }
}

impl After {
    fn is_before(&self, entry: &UnusedEntry) -> bool {
        match self {
            Self::Rank(state, kind, count, id) => entry.rank() > (*state, *kind, *count, id.as_str()),
            Self::Nothing | Self::Changed(_) => true,
        }
    }
}

/// The sums, by feed and kind.
pub fn totals_of_unused(entries: &[UnusedEntry]) -> Vec<UnusedTotal> {
    let mut sums: BTreeMap<(&str, Kind), UnusedTotal> = BTreeMap::new();
    for entry in entries {
        let (feed, kind) = (entry.cause.feed.as_str(), entry.cause.kind);
        let nothing = || UnusedTotal { feed: feed.to_string(), kind, causes: 0, count: 0, open: 0, taken: 0 };
        let sum = sums.entry((feed, kind)).or_insert_with(nothing);
        sum.causes += 1;
        sum.count += entry.count;
        match entry.work.as_ref().map(|work| work.state) {
            Some(UnusedState::Open) => sum.open += 1,
            Some(UnusedState::Taken) => sum.taken += 1,
            Some(UnusedState::Answered) | None => {}
        }
    }
    sums.into_values().collect()
}

/// `OBX[3]-5[2].1` as `OBX-5.1`, `Patient.name[0].family` as `Patient.name.family`.
fn without_numbers(place: &str) -> String {
    let mut pieces = place.split('[');
    let mut plain = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        match piece.split_once(']').filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit())) {
            Some((_, rest)) => plain.push_str(rest),
            None => {
                plain.push('[');
                plain.push_str(piece);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_go_from_a_place() {
        let cases = [
            ("OBX[12]-5[2].1", "OBX-5.1"),
            ("Patient.name[0].family", "Patient.name.family"),
            ("value[x]", "value[x]"),
            ("message", "message"),
        ];
        for (place, plain) in cases {
            assert_eq!(without_numbers(place), plain);
        }
    }
}
