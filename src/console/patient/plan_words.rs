//! The words of the printed plan, one file for each language (`templates/plan/`): who adds a file adds a language.

use jiff::civil::{Date, DateTime};
use rust_embed::RustEmbed;
use serde_json::Value;

use crate::yaml::{Source, parse};

#[derive(RustEmbed)]
#[folder = "templates/plan"]
struct Files;

/// The languages there are words in, as BCP 47 tags.
pub(super) fn languages() -> Vec<String> {
    let mut tags: Vec<String> =
        Files::iter().filter_map(|name| name.strip_suffix(".yaml").map(str::to_string)).collect();
    tags.sort();
    tags
}

/// The words of one language.
pub(super) struct Words(Value);

impl Words {
    /// None for a language without a file.
    pub(super) fn of(tag: &str) -> Option<Self> {
        let name = format!("{tag}.yaml");
        let file = Files::get(&name)?;
        let source = Source::new(format!("built-in:plan/{name}"), String::from_utf8_lossy(&file.data));
        // Nothing lost: each file is read in a test.
        parse(&source).ok().map(|node| Self(node.to_json()))
    }

    /// The words of a key; the key itself where a file lacks it, which a test forbids.
    pub(super) fn say(&self, key: &str) -> String {
        self.0.get(key).and_then(Value::as_str).unwrap_or(key).to_string()
    }

    /// The same with its places filled in.
    pub(super) fn fill(&self, key: &str, places: &[(&str, &str)]) -> String {
        let filled = |text: String, (name, value): &(&str, &str)| text.replace(&format!("{{{name}}}"), value);
        places.iter().fold(self.say(key), filled)
    }

    /// What a language calls a thing of a group; as it is where the file has no word.
    fn named(&self, group: &str, name: &str) -> String {
        self.0.get(group).and_then(|words| words.get(name)?.as_str()).unwrap_or(name).to_string()
    }

    pub(super) fn measure(&self, name: &str) -> String {
        self.named("measures", name)
    }

    pub(super) fn unit(&self, unit: &str) -> String {
        self.named("units", unit)
    }

    pub(super) fn days(&self, days: u32) -> String {
        if days == 1 { self.say("one-day") } else { self.fill("days", &[("days", &days.to_string())]) }
    }

    fn nth(&self, list: &str, place: i8) -> String {
        let items = self.0.get(list).and_then(Value::as_array);
        // Nothing lost: places of days and months begin at one.
        let item = items.and_then(|items| items.get(usize::try_from(place - 1).ok()?)?.as_str());
        item.unwrap_or_default().to_string()
    }

    /// `viernes 27 de noviembre de 2026`.
    pub(super) fn date(&self, date: Date) -> String {
        let weekday = self.nth("weekdays", date.weekday().to_monday_one_offset());
        let (day, month, year) = self.parts(date);
        self.fill("date", &[("weekday", &weekday), ("month", &month), ("day", &day), ("year", &year)])
    }

    /// `27 de noviembre de 2026`.
    pub(super) fn day(&self, date: Date) -> String {
        let (day, month, year) = self.parts(date);
        self.fill("day", &[("month", &month), ("day", &day), ("year", &year)])
    }

    fn parts(&self, date: Date) -> (String, String, String) {
        (date.day().to_string(), self.nth("months", date.month()), date.year().to_string())
    }

    /// The same with the time of day.
    pub(super) fn time(&self, at: DateTime) -> String {
        let half = self.say(if at.hour() < 12 { "am" } else { "pm" });
        let hour = if at.hour() % 12 == 0 { 12 } else { at.hour() % 12 };
        let (hour, minute) = (hour.to_string(), format!("{:02}", at.minute()));
        self.fill("time", &[("date", &self.date(at.date())), ("hour", &hour), ("minute", &minute), ("half", &half)])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(words: &Words) -> BTreeSet<String> {
        words.0.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn every_language_has_every_word_and_its_places() {
        let english = Words::of("en").unwrap();
        assert!(languages().contains(&"es".to_string()));
        for tag in languages() {
            let words = Words::of(&tag).unwrap();
            assert_eq!(keys(&words), keys(&english), "{tag}");
            assert_eq!(words.say("language"), tag);
            for key in keys(&english) {
                let places = |words: &Words| {
                    let text = words.say(&key);
                    text.split('{')
                        .skip(1)
                        .filter_map(|rest| rest.split('}').next().map(str::to_string))
                        .collect::<BTreeSet<_>>()
                };
                assert_eq!(places(&words), places(&english), "{tag}: {key}");
            }
            assert_eq!(words.0["months"].as_array().unwrap().len(), 12, "{tag}");
            assert_eq!(words.0["weekdays"].as_array().unwrap().len(), 7, "{tag}");
            let measures =
                |words: &Words| words.0["measures"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(measures(&words), measures(&english), "{tag}");
        }
        assert!(Words::of("xx").is_none());
    }

    #[test]
    fn dates_are_told_as_each_language_tells_them() {
        let at: DateTime = "2026-11-27T10:20:00".parse().unwrap();
        assert_eq!(Words::of("en").unwrap().time(at), "Friday, November 27, 2026, 10:20 AM");
        assert_eq!(Words::of("es").unwrap().time(at), "viernes 27 de noviembre de 2026, 10:20 a. m.");
        assert_eq!(Words::of("es").unwrap().day(at.date()), "27 de noviembre de 2026");
        let midnight: DateTime = "2026-11-29T00:05:00".parse().unwrap();
        assert!(Words::of("en").unwrap().time(midnight).ends_with("12:05 AM"));
    }
}
