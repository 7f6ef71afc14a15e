//! What differs between two sites, added up by kind, with the first few of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pipeline::Changed;

/// Kinds that are told apart in one part; a sender who makes up codes makes as many.
const MOST_KINDS: usize = 1_000;
/// The kind of all that is beyond.
const OTHERS: &str = "of other kinds";
/// Of what one line says.
const LONGEST: usize = 400;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Answers,
    Problems,
    Codes,
    Resources,
    Elements,
    Tasks,
    Deliveries,
    /// What running a message again would do to the record as it is.
    Record,
}

impl Part {
    /// In the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Answers,
        Self::Problems,
        Self::Codes,
        Self::Resources,
        Self::Elements,
        Self::Tasks,
        Self::Deliveries,
        Self::Record,
    ];

    /// As in an address: `deliveries`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Problems => "problems",
            Self::Codes => "codes",
            Self::Resources => "resources",
            Self::Elements => "elements",
            Self::Tasks => "tasks",
            Self::Deliveries => "deliveries",
            Self::Record => "record",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Answers => "Answered otherwise",
            Self::Problems => "Problems",
            Self::Codes => "Codes",
            Self::Resources => "Resources",
            Self::Elements => "Elements",
            Self::Tasks => "Tasks",
            Self::Deliveries => "Deliveries",
            Self::Record => "Run again on the records as they are, under the changed site",
        }
    }
}

/// How often one kind of difference is, and where first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub count: u64,
    pub first: Vec<Seen>,
}

/// One difference of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub message: u64,
    pub what: String,
}

/// All that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differences {
    /// Messages that were judged under both sites, and those for which something differs.
    pub judged: u64,
    pub differ: u64,
    /// Messages that were not judged, by why.
    pub left_out: BTreeMap<String, u64>,
    pub parts: BTreeMap<Part, BTreeMap<String, Counted>>,
    /// What running them again would change, under the site in force and under the changed one.
    pub in_force: Changed,
    pub changed: Changed,
}

/// One difference: what of, its kind, and what it is here.
pub(super) type Difference = (Part, String, String);

fn cut(text: &str) -> String {
    // Nothing lost: a mark says that there is more, and the message is named.
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

impl Differences {
    pub(super) fn leave_out(&mut self, why: &str) {
        *self.left_out.entry(why.to_string()).or_default() += 1;
    }

    /// Adds what differs for one message.
    pub(super) fn judge(&mut self, message: u64, found: Vec<Difference>, listed: usize) {
        self.judged += 1;
        self.differ += u64::from(!found.is_empty());
        for (part, kind, what) in found {
            let first = vec![Seen { message, what: cut(&what) }];
            self.count(part, cut(&kind), Counted { count: 1, first }, listed);
        }
    }

    fn count(&mut self, part: Part, kind: String, more: Counted, listed: usize) {
        let kinds = self.parts.entry(part).or_default();
        // Nothing lost: what is beyond is counted together.
        let is_full = kinds.len() >= MOST_KINDS && !kinds.contains_key(&kind);
        let counted = kinds.entry(if is_full { OTHERS.to_string() } else { kind }).or_default();
        counted.count += more.count;
        let room = listed.saturating_sub(counted.first.len());
        // Nothing lost: the count is of all, and whoever shows them says how many more there are.
        counted.first.extend(more.first.into_iter().take(room));
    }

    /// Adds what came of further messages.
    pub fn add(&mut self, more: Self, listed: usize) {
        self.judged += more.judged;
        self.differ += more.differ;
        for (why, count) in more.left_out {
            *self.left_out.entry(why).or_default() += count;
        }
        for (part, kinds) in more.parts {
            kinds.into_iter().for_each(|(kind, counted)| self.count(part, kind, counted, listed));
        }
        self.in_force.join(more.in_force);
        self.changed.join(more.changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_of_each_kind_the_first_few_are_told() {
        let found = |code: &str| vec![(Part::Codes, "gender X".to_string(), code.to_string())];
        let (mut all, mut more) = (Differences::default(), Differences::default());
        all.judge(9, found("a"), 2);
        all.judge(8, Vec::new(), 2);
        more.judge(7, found("b"), 2);
        more.judge(6, found(&"é".repeat(LONGEST + 1)), 2);
        more.leave_out("gone");
        all.add(more, 2);
        let told = &all.parts[&Part::Codes]["gender X"];
        assert_eq!((all.judged, all.differ, told.count, all.left_out["gone"]), (4, 3, 3, 1));
        assert_eq!(told.first.iter().map(|seen| seen.message).collect::<Vec<_>>(), [9, 7]);
    }

    #[test]
    fn kinds_without_end_are_counted_together_and_long_words_are_cut_with_a_mark() {
        let mut all = Differences::default();
        for number in 0..MOST_KINDS + 5 {
            all.judge(1, vec![(Part::Codes, format!("{number:06}"), "x".repeat(LONGEST + 1))], 1);
        }
        assert_eq!(all.parts[&Part::Codes].len(), MOST_KINDS + 1);
        assert_eq!(all.parts[&Part::Codes][OTHERS].count, 5);
        assert!(all.parts[&Part::Codes]["000000"].first[0].what.ends_with("x…"));
    }
}
