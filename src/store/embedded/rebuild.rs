//! Builds an index of the resources of one type in a store that a program wrote which did not keep it, in bounded steps.

use super::counters::Counters;
use super::draft::Draft;
use super::keys::{BY_TYPE, Key, Reader, resource_key};
use super::pack::unpack_stored;
use super::walk::present;
use crate::record::Stored;
use crate::store::StoreError;
use crate::store::engine::{Changes, Engine, Span, View};
use crate::store::kinds::kind;

/// Keys read and written at once.
pub const CHUNK: usize = 2000;

/// Takes away what a space holds.
pub fn clear(engine: &dyn Engine, space: u8) -> Result<(), StoreError> {
    loop {
        let stale = engine.view()?.scan(&Span::prefix(vec![space]), CHUNK)?;
        if stale.is_empty() {
            return Ok(());
        }
        engine.write(stale.into_iter().map(|(key, _)| (key, None)).collect())?;
    }
}

/// Writes what is made of one pair, a key and its value.
pub type Place<'p> = &'p dyn Fn(&mut Draft<'_>, &[u8], &[u8]) -> Result<(), StoreError>;

/// Writes what `place` makes of each pair of a span, so many read at once, and says how many there were. Begun again after it was cut
/// off, it makes the same.
pub fn in_steps(engine: &dyn Engine, span: Span, count: usize, place: Place<'_>) -> Result<usize, StoreError> {
    let (mut rest, mut done) = (span, 0);
    loop {
        let changes = {
            let view = engine.view()?;
            let pairs = view.scan(&rest, count)?;
            let Some((last, _)) = pairs.last() else { return Ok(done) };
            rest = rest.after(last);
            let none = Changes::new();
            let mut draft = Draft::new(&*view, &none, Counters::default());
            pairs.iter().try_for_each(|(key, value)| place(&mut draft, key, value))?;
            done += pairs.len();
            draft.finish().0
        };
        engine.write(changes)?;
    }
}

/// Takes away what the index's spaces hold and puts every resource of the type where `place` says.
pub fn rebuild(
    engine: &dyn Engine,
    spaces: &[u8],
    resource_type: &str,
    place: &dyn Fn(&mut Draft<'_>, u8, &Stored) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    spaces.iter().try_for_each(|space| clear(engine, *space))?;
    let kind = kind(resource_type)?;
    let of_type = Span::prefix(Key::new(BY_TYPE).byte(kind).done());
    in_steps(engine, of_type, CHUNK, &|draft, key, _| {
        let mut reader = Reader::of_key(key);
        let _: [u8; 9] = reader.take()?;
        let id = reader.id()?;
        let value = present(draft.get(&resource_key(kind, id))?, "an indexed resource")?;
        place(draft, kind, &unpack_stored(id, &value)?)
    })?;
    Ok(())
}
