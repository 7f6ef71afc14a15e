//! One piece of work while it is decided: what is committed, what the group before it will change, and its own changes
//! on top. A piece that fails its preconditions leaves no trace.

use std::collections::VecDeque;
use std::ops::Bound;

use super::counters::Counters;
use crate::store::engine::{Changes, EngineError, Pair, Span, View};

pub struct Draft<'a> {
    committed: &'a dyn View,
    group: &'a Changes,
    own: Changes,
    pub counters: Counters,
}

impl<'a> Draft<'a> {
    pub fn new(committed: &'a dyn View, group: &'a Changes, counters: Counters) -> Self {
        Self { committed, group, own: Changes::new(), counters }
    }

    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.own.insert(key, Some(value));
    }

    pub fn delete(&mut self, key: Vec<u8>) {
        self.own.insert(key, None);
    }

    pub fn next_sequence(&mut self) -> u64 {
        self.counters.sequence += 1;
        self.counters.sequence
    }

    pub fn finish(self) -> (Changes, Counters) {
        (self.own, self.counters)
    }
}

impl View for Draft<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        match self.own.get(key).or_else(|| self.group.get(key)) {
            Some(changed) => Ok(changed.clone()),
            None => self.committed.get(key),
        }
    }

    /// Costs what it gives and what changed on the way there, not all that changed.
    fn scan(&self, span: &Span, limit: usize) -> Result<Vec<Pair>, EngineError> {
        if self.next_change(span).is_none() {
            return self.committed.scan(span, limit);
        }
        let (mut found, mut rest) = (Vec::new(), span.clone());
        let (mut committed, mut is_all) = (VecDeque::new(), false);
        while found.len() < limit {
            if committed.is_empty() && !is_all {
                let asked = (limit - found.len()).saturating_add(SPARE);
                committed = self.committed.scan(&rest, asked)?.into();
                is_all = committed.len() < asked;
            }
            let next = match (self.next_change(&rest), committed.front()) {
                (None, None) => break,
                (Some((key, put)), front) if front.is_none_or(|(other, _)| !span.is_before(other, key)) => {
                    if front.is_some_and(|(other, _)| other == key) {
                        committed.pop_front();
                    }
                    (key.clone(), put.clone())
                }
                // Nothing lost: the first of them is given just here.
                (_, _) => committed.pop_front().map(|(key, value)| (key, Some(value))).unwrap_or_default(),
            };
            rest = rest.after(&next.0);
            found.extend(next.1.map(|value| (next.0, value)));
        }
        Ok(found)
    }
}

/// So many pairs more are read than asked for, so that a few that were taken away need no second look.
const SPARE: usize = 4;

impl Draft<'_> {
    /// The first key of a span that changed; its own before what the group changed.
    fn next_change(&self, span: &Span) -> Option<(&Vec<u8>, &Option<Vec<u8>>)> {
        if span.is_empty() {
            return None;
        }
        match (first(&self.own, span), first(self.group, span)) {
            (Some(own), Some(other)) if span.is_before(other.0, own.0) => Some(other),
            (own, other) => own.or(other),
        }
    }
}

fn first<'c>(changes: &'c Changes, span: &Span) -> Option<(&'c Vec<u8>, &'c Option<Vec<u8>>)> {
    let range = (Bound::Included(span.from.as_slice()), Bound::Excluded(span.until.as_slice()));
    let mut inside = changes.range::<[u8], _>(range);
    if span.backwards { inside.next_back() } else { inside.next() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::{Engine, Memory};

    #[test]
    fn a_draft_sees_its_own_changes_over_the_groups_over_what_is_committed() {
        let engine = Memory::default();
        let pair = |key: u8, value: Option<u8>| (vec![1, key], value.map(|value| vec![value]));
        engine.write(Changes::from([pair(1, Some(1)), pair(2, Some(1)), pair(3, Some(1)), pair(5, Some(1))])).unwrap();
        let view = engine.view().unwrap();
        let group = Changes::from([pair(2, None), pair(3, Some(2)), pair(4, Some(2))]);
        let mut draft = Draft::new(&*view, &group, Counters::default());
        draft.delete(vec![1, 1]);
        draft.put(vec![1, 4], vec![3]);
        let seen = |span: Span, limit| {
            draft.scan(&span, limit).unwrap().iter().map(|(key, value)| (key[1], value[0])).collect::<Vec<_>>()
        };
        assert_eq!(seen(Span::prefix(vec![1]), 2), [(3, 2), (4, 3)]);
        assert_eq!(seen(Span::prefix(vec![1]).backwards(), 9), [(5, 1), (4, 3), (3, 2)]);
        assert_eq!(draft.get(&[1, 2]).unwrap(), None);
    }

    proptest::proptest! {
        #[test]
        fn a_scan_gives_what_there_would_be_if_all_were_written(
            committed in proptest::collection::btree_map(0..40_u8, 0..9_u8, 0..20),
            group in proptest::collection::btree_map(0..40_u8, proptest::option::of(0..9_u8), 0..20),
            own in proptest::collection::btree_map(0..40_u8, proptest::option::of(0..9_u8), 0..20),
            (from, until, limit, backwards) in (0..40_u8, 0..44_u8, 0..30_usize, proptest::bool::ANY),
        ) {
            let changes = |map: &std::collections::BTreeMap<u8, Option<u8>>| -> Changes {
                map.iter().map(|(key, value)| (vec![1, *key], value.map(|value| vec![value]))).collect()
            };
            let engine = Memory::default();
            engine.write(changes(&committed.into_iter().map(|(key, value)| (key, Some(value))).collect())).unwrap();
            let all = Memory::default();
            all.write(engine.view().unwrap().scan(&Span::prefix(vec![1]), 99).unwrap().into_iter()
                .map(|(key, value)| (key, Some(value))).collect()).unwrap();
            all.write(changes(&group)).unwrap();
            all.write(changes(&own)).unwrap();
            let (view, group) = (engine.view().unwrap(), changes(&group));
            let draft = Draft { own: changes(&own), ..Draft::new(&*view, &group, Counters::default()) };
            let span = Span { backwards, ..Span::between(vec![1, from], vec![1, until]) };
            proptest::prop_assert_eq!(draft.scan(&span, limit).unwrap(), all.view().unwrap().scan(&span, limit).unwrap());
        }
    }
}
