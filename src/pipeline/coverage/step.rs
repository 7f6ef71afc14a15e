//! Coverage asked for in parts: so many messages at a time, so that whoever asks sees how far it is and the gateway is held up by none.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tally::{Coverage, LineSeen, Seen};
use crate::mapping::{MapLines, MapSet};
use crate::pipeline::message_words::refused;
use crate::pipeline::{Arrival, Gateway, MessageWords, understand};
use crate::problem::{Category, Place, Problem};
use crate::site::{Feed, Site};
use crate::store::{Cursor, MessageSummary, StoreError};

/// Messages read at once, and how long an answer may take before it ends with those it has.
const PART: usize = 50;
const LONGEST: Duration = Duration::from_secs(1);

/// Which messages of which feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageAsked {
    /// With the feed; without, the site has one only.
    pub sought: MessageWords,
    /// As the answer before said; none at the beginning.
    #[serde(default)]
    pub read_at: Option<Timestamp>,
    #[serde(default)]
    pub after: Option<String>,
}

/// What a part of the messages touched, those received last first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoveragePart {
    pub feed: String,
    pub coverage: Coverage,
    /// How many messages there are to look at, where it can be counted.
    pub total: Option<u64>,
    /// When the site was read whose lines are counted.
    pub read_at: Timestamp,
    /// Where to go on; none at the end.
    pub next: Option<String>,
}

impl Gateway {
    /// # Errors
    /// No feed, or one that the site has not; another site than that of the parts before; words that cannot be read; a store that does not
    /// answer.
    pub async fn cover(&self, covering: &CoverageAsked) -> Result<CoveragePart, Problem> {
        let site = self.site.load_full();
        // Lines of another site are other lines under the same numbers.
        if covering.after.is_some() && covering.read_at != Some(site.read_at) {
            return Err(refused("the site changed; begin again".to_string()));
        }
        self.cover_by(&site, covering).await
    }

    /// The same, by this site.
    pub(super) async fn cover_by(&self, site: &Site, covering: &CoverageAsked) -> Result<CoveragePart, Problem> {
        let feed = feed_of(site, covering.sought.feed.as_deref())?;
        let maps =
            site.mappings.get(&feed.name).ok_or_else(|| refused(format!("no map reads the feed `{}`", feed.name)))?;
        let sought = MessageWords { feed: Some(feed.name.clone()), ..covering.sought.clone() };
        let filter = self.sought(&sought).await?.filter;
        let is_first = covering.after.is_none() && filter.text.is_none();
        let total = match is_first {
            true => Some(self.store.count_messages(&filter).await.map_err(fault)?.count),
            false => None,
        };
        let (began, mut coverage) = (Instant::now(), nothing(maps, feed));
        let mut after = covering.after.clone().map(Cursor);
        loop {
            let part = self.store.find_messages(&filter, after.as_ref(), PART).await.map_err(fault)?;
            for summary in &part.items {
                self.cover_one(site, feed, summary, &mut coverage).await.map_err(fault)?;
            }
            after = part.next;
            // Nothing lost: the answer says where to go on.
            if after.is_none() || began.elapsed() > LONGEST {
                break;
            }
        }
        if covering.after.is_some() {
            coverage.only_touched();
        }
        let (feed, next) = (feed.name.clone(), after.map(|after| after.0));
        Ok(CoveragePart { feed, coverage, total, read_at: site.read_at, next })
    }

    async fn cover_one(
        &self,
        site: &Site,
        feed: &Feed,
        of: &MessageSummary,
        all: &mut Coverage,
    ) -> Result<(), StoreError> {
        let entry = match self.to_read_again(of).await? {
            Ok(entry) => entry,
            Err(why) => {
                all.leave_out(why);
                return Ok(());
            }
        };
        let read = understand::read(site, feed, &Arrival::again(&entry, "coverage"));
        let message = read.message.filter(|_| read.refusal.is_none());
        let touched = message.and_then(|message| {
            let (mapped, touched) = understand::touch(site, feed, &message, of.received)?;
            Some((message, mapped, touched))
        });
        match touched {
            Some((message, mapped, touched)) => all.count(of.sequence, &message, &mapped, &touched),
            None => all.leave_out("the feed refuses them, or keeps them without effect"),
        }
        Ok(())
    }
}

pub(super) fn feed_of<'s>(site: &'s Site, named: Option<&str>) -> Result<&'s Feed, Problem> {
    let names = || site.feeds.keys().cloned().collect::<Vec<_>>().join(", ");
    match named.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => {
            site.feeds.get(name).ok_or_else(|| refused(format!("there is no feed `{name}`; there are {}", names())))
        }
        None if site.feeds.len() > 1 => Err(refused(format!("say which feed; there are {}", names()))),
        None => site.feeds.values().next().ok_or_else(|| refused("the site has no feed".to_string())),
    }
}

/// All lines that could be touched, none of which was.
fn nothing(maps: &MapSet, feed: &Feed) -> Coverage {
    let mut coverage = Coverage::default();
    let MapLines { lines, rows } = maps.map_lines(|code, event| feed.takes(code, event));
    for ((file, line), told) in lines {
        let told = LineSeen { map: told.map, element: told.element, seen: Seen::default() };
        coverage.lines.entry(file.to_string()).or_default().insert(line, told);
    }
    for ((file, line), table) in rows {
        let told = LineSeen { map: table, element: String::new(), seen: Seen::default() };
        coverage.rows.entry(file.to_string()).or_default().insert(line, told);
    }
    coverage
}

pub(super) fn fault(error: StoreError) -> Problem {
    Problem::error(Category::Exception, Place::Whole, error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::site::{DemoSite, load};
    use crate::store::{EngineChoice, StoreSettings, open};

    fn message(number: u32, event: &str, rest: &str) -> Vec<u8> {
        let text = format!(
            "MSH|^~\\&|A|RIVERSIDE|H|D|20260302130000||ADT^{event}^ADT_A01|D{number}|P|2.5.1\rEVN|{event}|20260302130000\r\
             PID|1||4712^^^RIVERSIDE^MR||Achterberg^Noor||19490812|F\r\
             PV1|1|E|ED^02^A^RIVERSIDE||||1043^Lindqvist^Maja||||||||||||V3001^^^RIVERSIDE-VISIT^VN\r{rest}"
        );
        text.into_bytes()
    }

    #[tokio::test]
    async fn what_messages_touch_is_told_with_an_example_and_what_is_not_read_is_counted() {
        let folder = DemoSite::write().unwrap();
        let store = open(&StoreSettings { engine: EngineChoice::Memory, path: "unused".into() }).unwrap();
        let now: Timestamp = "2026-03-02T20:30:00Z".parse().unwrap();
        let gateway = Gateway::new(store, load(folder.path()).site.unwrap(), Arc::new(ManualClock::at(now)));
        let messages = [("A04", "ZBX|1|a^b\r"), ("A08", "ZBX|2\rZBX|3|c\r"), ("A08", ""), ("A60", "")];
        for (number, (event, rest)) in (1..).zip(messages) {
            let raw = message(number, event, rest);
            gateway.accept(Arrival { feed: "riverside".into(), raw, ..Arrival::default() }).await;
        }
        gateway.replay(1, "console:Ida Roe").await.unwrap();
        let asked = |feed: Option<&str>| CoverageAsked {
            sought: MessageWords { feed: feed.map(String::from), ..MessageWords::default() },
            read_at: None,
            after: None,
        };
        let CoveragePart { coverage, total, read_at, next, .. } =
            gateway.cover(&asked(Some("riverside"))).await.unwrap();
        let left: u64 = coverage.left_out.values().sum();
        assert_eq!((total, next, coverage.messages, left), (Some(5), None, 3, 2), "{:?}", coverage.left_out);
        assert_eq!(coverage.events.get("ADT^A08"), Some(&2));
        let unused: Vec<(&str, u64, u64)> =
            coverage.unused().into_iter().map(|(place, of)| (place, of.unused.messages, of.used.messages)).collect();
        assert!(unused.starts_with(&[("ZBX-1", 2, 0), ("ZBX-2", 2, 0)]), "{unused:?}");
        assert_eq!(coverage.fields["ZBX-1"].unused.example, Some(2), "the newest that has it");
        assert_eq!(coverage.fields["PID-5.1"].used.messages, 3);
        let segments = coverage.unused_segments();
        assert_eq!(segments.iter().map(|(name, of)| (*name, of.unused.messages)).collect::<Vec<_>>(), [("ZBX", 2)]);
        assert_eq!(coverage.segments["PID"].used.messages, 3);
        assert!(!coverage.fields.keys().any(|place| place.contains("Achterberg")));
        let names: Vec<_> = coverage.lines.values().flat_map(|lines| lines.values()).collect();
        let of = |element: &str| {
            let found = names.iter().find(|told| told.map == "PID-Patient" && told.element == element).unwrap();
            (found.seen.messages, found.seen.example)
        };
        assert_eq!((of("birthDate"), of("deceasedDateTime").0), ((3, Some(3)), 0));
        let row = coverage.rows.values().flat_map(|rows| rows.values()).filter(|told| told.map == "patient-class");
        assert_eq!(row.map(|told| told.seen.messages).sum::<u64>(), 3);

        let go_on = async |read_at| {
            let after = Some("nonsense".to_string());
            gateway.cover(&CoverageAsked { read_at, after, ..asked(Some("riverside")) }).await.unwrap_err().text
        };
        assert_ne!(go_on(Some(read_at)).await, "the site changed; begin again");
        for other in [None, Some(now)] {
            assert_eq!(
                go_on(other).await,
                "the site changed; begin again",
                "lines would be counted under wrong numbers"
            );
        }
        assert!(gateway.cover(&asked(Some("nowhere"))).await.unwrap_err().text.contains("there is no feed `nowhere`"));
    }
}
