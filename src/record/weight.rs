//! What a stored resource takes of memory, more or less: for bounds, not for books.

use serde_json::Value;

use super::Stored;

/// An allocation's own cost, and that of an entry in a map.
const ALLOCATION: usize = 16;
const ENTRY: usize = 64;
const STAMP: usize = 160;
const TRANSITION: usize = 400;
/// A resource by itself, in a map whose nodes are half full.
const RESOURCE: usize = 2 * size_of::<Stored>();

pub fn weight(stored: &Stored) -> usize {
    let state = &stored.state;
    let members = stored.resource.as_map().iter();
    let hidden = state.hidden.values().flatten();
    let values = members.chain(hidden).map(|(name, value)| ENTRY + name.len() + of(value)).sum::<usize>();
    let work = state.work.as_ref().map_or(0, of);
    let entries = state.counts.len() + state.sources.len() + state.sent.len() + state.made_of.len();
    RESOURCE + values + work + state.stamps.len() * STAMP + state.transitions.len() * TRANSITION + entries * 2 * ENTRY
}

fn of(value: &Value) -> usize {
    let value_size = size_of::<Value>();
    match value {
        Value::Null | Value::Bool(_) => value_size,
        Value::Number(_) => value_size + 2 * ALLOCATION,
        Value::String(text) => value_size + ALLOCATION + text.len(),
        Value::Array(items) => value_size + ALLOCATION + items.iter().map(of).sum::<usize>(),
        Value::Object(members) => {
            let entries = members.iter().map(|(name, value)| ENTRY + name.len() + of(value)).sum::<usize>();
            value_size + 2 * ALLOCATION + entries
        }
    }
}
