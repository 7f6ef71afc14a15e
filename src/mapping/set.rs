//! A compiled map set: everything a feed needs to read its messages. Shared between threads, never changed.

use std::collections::{BTreeSet, HashMap};

use super::language::{Map, MessageMap, Reading, Table};
use super::units::Units;

/// The maps of a feed.
#[derive(Debug, Clone, Default)]
pub struct MapSet {
    pub(super) maps: Vec<Map>,
    pub(super) tables: Vec<Table>,
    pub(super) messages: Vec<MessageMap>,
    pub(super) readings: Vec<Reading>,
    pub(super) units: Units,
    by_event: HashMap<(String, String), usize>,
    table_names: HashMap<String, usize>,
}

impl MapSet {
    pub(super) fn new(maps: Vec<Map>, tables: Vec<Table>, readings: Vec<Reading>, messages: Vec<MessageMap>) -> Self {
        let by_event = messages
            .iter()
            .enumerate()
            .flat_map(|(index, message)| message.events.iter().map(move |event| (event.clone(), index)));
        let table_names = tables.iter().enumerate().map(|(index, table)| (table.name.clone(), index));
        let by_name = |name: &str| tables.iter().find(|table| table.name == name);
        let units = Units::of(by_name("units"), by_name("unit-parts"));
        let (by_event, table_names) = (by_event.collect(), table_names.collect());
        Self { by_event, table_names, maps, tables, messages, readings, units }
    }

    /// Whether messages of this event are mapped: `("ADT", "A04")`.
    pub fn covers(&self, code: &str, trigger: &str) -> bool {
        self.message_map(code, trigger).is_some()
    }

    /// All events that are mapped, sorted.
    pub fn events(&self) -> Vec<(&str, &str)> {
        let mut events: Vec<(&str, &str)> =
            self.by_event.keys().map(|(code, trigger)| (code.as_str(), trigger.as_str())).collect();
        events.sort_unstable();
        events
    }

    /// The types of resources that messages of these events become.
    pub fn brings(&self, takes: impl Fn(&str, &str) -> bool) -> BTreeSet<&str> {
        let taken =
            self.messages.iter().filter(|message| message.events.iter().any(|(code, event)| takes(code, event)));
        let maps = taken.flat_map(|message| &message.uses).filter_map(|one| self.maps.get(one.map));
        maps.filter(|map| map.is_resource).map(|map| map.type_name.as_str()).collect()
    }

    pub(super) fn message_map(&self, code: &str, trigger: &str) -> Option<&MessageMap> {
        self.messages.get(*self.by_event.get(&(code.to_string(), trigger.to_string()))?)
    }

    pub(super) fn map(&self, index: usize) -> Option<&Map> {
        self.maps.get(index)
    }

    /// All tables, with whatever a site and a feed laid over them.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(*self.table_names.get(name)?)
    }
}
