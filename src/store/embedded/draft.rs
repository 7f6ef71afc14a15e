//! One piece of work while it is decided: what is committed, what the group before it will change, and its own changes
//! on top. A piece that fails its preconditions leaves no trace.

use std::collections::BTreeMap;

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

    fn scan(&self, span: &Span, limit: usize) -> Result<Vec<Pair>, EngineError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let range = || span.from.clone()..span.until.clone();
        let mut changed: BTreeMap<&Vec<u8>, &Option<Vec<u8>>> = self.group.range(range()).collect();
        changed.extend(self.own.range(range()));
        // Each change can take at most one committed pair away, so this many are enough to fill the limit.
        let committed = self.committed.scan(span, limit.saturating_add(changed.len()))?;
        if changed.is_empty() {
            return Ok(committed);
        }
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> = committed.into_iter().collect();
        for (key, value) in changed {
            match value {
                Some(value) => merged.insert(key.clone(), value.clone()),
                None => merged.remove(key),
            };
        }
        Ok(if span.backwards {
            merged.into_iter().rev().take(limit).collect()
        } else {
            merged.into_iter().take(limit).collect()
        })
    }
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
}
