//! What stands in people's way on a board: how many of its rows each kind is in the way of, the most first.

use std::collections::BTreeMap;

use crate::protocol::Barrier;

/// A kind on a board.
pub(super) struct Kind {
    pub code: String,
    pub title: String,
    pub count: usize,
}

/// Each row counts once for a kind, however often it is said.
pub(super) fn kinds<'b>(rows: impl Iterator<Item = &'b [Barrier]>) -> Vec<Kind> {
    let mut counts: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for row in rows {
        let of_row: BTreeMap<&str, &str> = row.iter().map(|one| (one.kind.as_str(), one.title.as_str())).collect();
        of_row.into_iter().for_each(|(code, title)| counts.entry(code).or_insert((title, 0)).1 += 1);
    }
    let kind = |(code, (title, count)): (&str, (&str, usize))| {
        let title = if code == crate::protocol::OTHER_BARRIER { "Something else" } else { title };
        Kind { code: code.to_string(), title: title.to_string(), count }
    };
    let mut all: Vec<Kind> = counts.into_iter().map(kind).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.count));
    all
}

/// `No way to get there: “the bus”`.
pub(super) fn words(barrier: &Barrier) -> String {
    if barrier.words == barrier.title {
        barrier.title.clone()
    } else {
        format!("{}: “{}”", barrier.title, barrier.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Identifier;
    use crate::identity::{PersonId, ResourceId};

    #[test]
    fn a_row_counts_once_for_each_kind_and_the_most_come_first() {
        let by = ResourceId::of(PersonId::of(&Identifier::new("urn:s", "1")), "Condition", "1");
        let one = |kind: &str, title: &str| Barrier {
            by,
            is_concern: true,
            kind: kind.to_string(),
            title: title.to_string(),
            words: "the bus".to_string(),
            since: jiff::Timestamp::UNIX_EPOCH,
            referral: None,
        };
        let rows = [
            vec![one("fear", "Fear"), one("transport", "No way"), one("transport", "No way")],
            vec![one("transport", "No way"), one("other", "Of a kind that is not known")],
            Vec::new(),
        ];
        let kinds: Vec<(String, String, usize)> =
            kinds(rows.iter().map(Vec::as_slice)).into_iter().map(|kind| (kind.code, kind.title, kind.count)).collect();
        let expected = [("transport", "No way", 2), ("fear", "Fear", 1), ("other", "Something else", 1)];
        assert_eq!(kinds, expected.map(|(code, title, count)| (code.to_string(), title.to_string(), count)));
        assert_eq!(words(&one("transport", "No way")), "No way: “the bus”");
    }
}
