//! Long lists in parts: so much is shown, what is not is counted, and a link leads to the rest.

use serde::Deserialize;

/// Lines of one list on a page.
pub(super) const LINES: usize = 200;

/// Which list of a page is read on, and from where; all others are shown from their beginning.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    pub list: String,
    #[serde(default)]
    pub from: String,
}

impl Asked {
    /// Where a list begins that is read on by number.
    pub(super) fn from(&self, list: &str) -> usize {
        self.cursor(list).and_then(|from| from.parse().ok()).unwrap_or_default()
    }

    /// Where a list begins that is read on by cursor.
    pub(super) fn cursor(&self, list: &str) -> Option<&str> {
        (self.list == list && !self.from.is_empty()).then_some(self.from.as_str())
    }
}

/// What is shown of a list.
pub(super) struct Part<T> {
    pub list: String,
    pub items: Vec<T>,
    /// How many come before, and how many there are.
    pub from: usize,
    pub total: usize,
}

impl<T> Part<T> {
    pub(super) fn of(list: &str, all: Vec<T>, asked: &Asked) -> Self {
        let total = all.len();
        let from = asked.from(list).min(total);
        Self { list: list.to_string(), items: all.into_iter().skip(from).take(LINES).collect(), from, total }
    }

    pub(super) fn until(&self) -> usize {
        self.from + self.items.len()
    }

    pub(super) fn is_whole(&self) -> bool {
        self.items.len() == self.total
    }

    pub(super) fn before(&self) -> Option<usize> {
        (self.from > 0).then(|| self.from.saturating_sub(LINES))
    }

    pub(super) fn next(&self) -> Option<usize> {
        (self.until() < self.total).then(|| self.until())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_list_are_all_of_it() {
        let all: Vec<usize> = (0..LINES * 2 + 7).collect();
        let (mut seen, mut from) = (Vec::new(), Some(0));
        while let Some(start) = from {
            let asked = Asked { list: "faults".into(), from: start.to_string() };
            let part = Part::of("faults", all.clone(), &asked);
            assert_eq!((part.from, part.total, part.is_whole()), (start, all.len(), false));
            seen.extend_from_slice(&part.items);
            from = part.next();
        }
        assert_eq!(seen, all);
        let elsewhere = Asked { list: "faults".into(), from: "250".into() };
        assert_eq!(Part::of("answers", all, &elsewhere).from, 0, "another list is shown from its beginning");
    }
}
