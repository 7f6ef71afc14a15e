//! Goes through everything of a kind in a store that an older program wrote, some at a time, and writes what it is to become.

use crate::store::StoreError;
use crate::store::engine::{Changes, Engine, Span, View};

/// Read, and written with what follows from it, at once.
const CHUNK: usize = 2000;

/// Gives each key below a prefix, in order, with its value and what was changed in its chunk so far.
pub fn convert(
    engine: &dyn Engine,
    prefix: u8,
    mut each: impl FnMut(&dyn View, (&[u8], &[u8]), &mut Changes) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut rest = Span::prefix(vec![prefix]);
    loop {
        let mut changes = Changes::new();
        let view = engine.view()?;
        let pairs = view.scan(&rest, CHUNK)?;
        let Some((last, _)) = pairs.last() else { return Ok(()) };
        rest = rest.after(last);
        for (key, value) in &pairs {
            each(&*view, (key, value), &mut changes)?;
        }
        drop(view);
        engine.write(changes)?;
    }
}
