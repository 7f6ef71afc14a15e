//! How items go from one part of an expression to the next: each is handed on as it is found, so that no collection is
//! made where none is needed, and whoever has seen enough says stop.

use smallvec::SmallVec;

use super::error::PathError;
use super::item::Item;

/// A collection; most hold one item, and that one costs no allocation.
pub(super) type Items<'a> = SmallVec<[Item<'a>; 1]>;

/// Why no more items are wanted.
#[derive(Debug)]
pub(super) enum Stop {
    /// What there was is enough.
    Enough,
    Fault(Box<PathError>),
}

impl From<PathError> for Stop {
    fn from(error: PathError) -> Self {
        Self::Fault(Box::new(error))
    }
}

/// Whether to go on.
pub(super) type Flow = Result<(), Stop>;

/// Takes items one by one.
pub(super) type Sink<'s, 'a> = &'s mut dyn FnMut(Item<'a>) -> Flow;

/// The end of a flow for the one who began it: having had enough is no fault.
pub(super) fn ended(flow: Flow) -> Result<(), PathError> {
    match flow {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Fault(error)) => Err(*error),
    }
}

/// Hands over items there are.
pub(super) fn each<'a>(items: &[Item<'a>], sink: Sink<'_, 'a>) -> Flow {
    items.iter().try_for_each(|item| sink(item.clone()))
}

/// The same for whoever needs them no more.
pub(super) fn hand_over<'a>(items: Items<'a>, sink: Sink<'_, 'a>) -> Flow {
    items.into_iter().try_for_each(sink)
}
