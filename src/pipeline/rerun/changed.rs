//! What running messages again changes, added up: answers, resources and deliveries by kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::store::MessageSummary;

/// Sums over messages that were run, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub messages: u64,
    /// Those that write nothing and are answered as before.
    pub unchanged: u64,
    /// How they were answered and are now: `AE → AA`; of those that are answered otherwise.
    pub answers: BTreeMap<String, u64>,
    /// Resources that are new, and new versions of those there are, by type.
    pub new: BTreeMap<String, u64>,
    pub altered: BTreeMap<String, u64>,
    /// By partner and what it is told of: `lakeside-practice: Task`.
    pub deliveries: BTreeMap<String, u64>,
    /// What is not worked out before it is done: what partners wrote over FHIR.
    pub unknown: u64,
    /// Those that are no longer kept.
    pub gone: u64,
}

impl Changed {
    /// Adds one message; `written` as `Task/id/_history/version`, `told` as partner and type. Returns it in words.
    pub fn add(&mut self, before: &MessageSummary, now: &str, written: &[String], told: &[String]) -> String {
        self.messages += 1;
        let mut words = Vec::new();
        if before.acknowledged != now {
            let answers = format!("{} → {now}", before.acknowledged);
            words.push(answers.clone());
            *self.answers.entry(answers).or_default() += 1;
        }
        let (mut new, mut altered) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
        for path in written {
            let kind = path.split('/').next().unwrap_or_default();
            let of_version = if path.ends_with("/_history/1") { &mut new } else { &mut altered };
            *of_version.entry(kind.to_string()).or_default() += 1;
        }
        for (sums, own, word) in [(&mut self.new, new, "new"), (&mut self.altered, altered, "changed")] {
            for (kind, count) in own {
                words.push(format!("{count} {kind} {word}"));
                *sums.entry(kind).or_default() += count;
            }
        }
        for told in told {
            *self.deliveries.entry(told.clone()).or_default() += 1;
        }
        if !told.is_empty() {
            words.push(format!("{} to send", told.len()));
        }
        self.unchanged += u64::from(words.is_empty());
        if words.is_empty() { "nothing changed".to_string() } else { words.join(", ") }
    }

    /// Adds the sums of further messages.
    pub fn join(&mut self, more: Self) {
        let Self { messages, unchanged, answers, new, altered, deliveries, unknown, gone } = more;
        self.messages += messages;
        self.unchanged += unchanged;
        self.unknown += unknown;
        self.gone += gone;
        let sums = [
            (&mut self.answers, answers),
            (&mut self.new, new),
            (&mut self.altered, altered),
            (&mut self.deliveries, deliveries),
        ];
        for (own, more) in sums {
            more.into_iter().for_each(|(kind, count)| *own.entry(kind).or_default() += count);
        }
    }

    /// Of messages that were not run again: what that would change, in one line.
    pub fn foreseen(&self) -> String {
        let unknown = if self.unknown > 0 { format!("; of {} it is not known", self.unknown) } else { String::new() };
        let Self { unchanged, messages, .. } = self;
        let [answers, new, altered, deliveries] = self.sums();
        format!(
            "nothing for {unchanged} of {messages}, another answer for {answers}, {new} resources new and {altered} changed, \
             {deliveries} to send{unknown}"
        )
    }

    /// In one line, for the audit.
    pub fn in_words(&self) -> String {
        let Self { unchanged, messages, .. } = self;
        let [answers, new, altered, deliveries] = self.sums();
        format!(
            "{messages} run again: {unchanged} without change, {answers} answered otherwise, {new} resources new, {altered} changed, \
             {deliveries} to send"
        )
    }

    /// Answers, new resources, altered ones and deliveries, of all kinds.
    fn sums(&self) -> [u64; 4] {
        [&self.answers, &self.new, &self.altered, &self.deliveries].map(|of| of.values().sum())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::Disposition;

    #[test]
    fn what_changes_is_counted_by_kind_and_told_in_words() {
        let before = MessageSummary {
            sequence: 7,
            received: Timestamp::UNIX_EPOCH,
            feed: "lab".into(),
            control: "C".into(),
            event: "ORU^R01".into(),
            disposition: Disposition::Error,
            acknowledged: "AE".into(),
            patient: None,
            further_patients: 0,
            other_patients: Vec::new(),
            replays: None,
            size: 0,
            incomplete: false,
            problems: 1,
        };
        let mut changed = Changed::default();
        let written = ["Observation/a/_history/1", "Observation/b/_history/1", "Task/t/_history/12"].map(String::from);
        let told = ["lakeside: Task".to_string()];
        let words = changed.add(&before, "AA", &written, &told);
        assert_eq!(words, "AE → AA, 2 Observation new, 1 Task changed, 1 to send");
        assert_eq!(changed.add(&before, "AE", &[], &[]), "nothing changed");
        assert_eq!((changed.messages, changed.unchanged, changed.new["Observation"]), (2, 1, 2));
        assert!(changed.in_words().starts_with("2 run again: 1 without change, 1 answered otherwise, 2 resources new"));
    }
}
