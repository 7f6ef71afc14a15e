//! What readers asked of the files that a test reads: each mapping with its keys, and the trees. For making schemas of it.

use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;

use super::mark::Mark;
use super::node::Node;
use super::reader::Known;

/// One mapping as it was read.
pub struct Mapping {
    /// Where the program reads it, and what it calls it.
    pub reader: &'static Location<'static>,
    pub what: String,
    pub mark: Mark,
    pub keys: Vec<Known>,
}

/// All that was read.
#[derive(Default)]
pub struct Seen {
    pub mappings: Vec<Mapping>,
    pub trees: Vec<(Arc<str>, Node)>,
}

thread_local! {
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// What is read on this thread while something runs.
pub fn record(run: impl FnOnce()) -> Seen {
    SEEN.with(|seen| *seen.borrow_mut() = Some(Seen::default()));
    run();
    SEEN.with(|seen| seen.borrow_mut().take()).unwrap_or_default()
}

pub(super) fn mapping(mapping: impl FnOnce() -> Mapping) {
    SEEN.with(|seen| {
        if let Some(seen) = seen.borrow_mut().as_mut() {
            seen.mappings.push(mapping());
        }
    });
}

pub(super) fn tree(name: &Arc<str>, tree: &Node) {
    SEEN.with(|seen| {
        if let Some(seen) = seen.borrow_mut().as_mut() {
            seen.trees.push((Arc::clone(name), tree.clone()));
        }
    });
}
