//! Builds an index of the resources of one type in a store that a program wrote which did not keep it, in bounded steps.

use super::counters::Counters;
use super::draft::Draft;
use super::keys::{BY_TYPE, Key, Reader, resource_key};
use super::pack::unpack_stored;
use super::walk::present;
use crate::record::Stored;
use crate::store::StoreError;
use crate::store::engine::{Changes, Engine, Span};
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

/// Takes away what the index's spaces hold and puts every resource of the type where `place` says. Begun again after it was cut
/// off, it makes the same.
pub fn rebuild(
    engine: &dyn Engine,
    spaces: &[u8],
    resource_type: &str,
    place: &dyn Fn(&mut Draft<'_>, u8, &Stored) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    spaces.iter().try_for_each(|space| clear(engine, *space))?;
    let kind = kind(resource_type)?;
    let mut rest = Span::prefix(Key::new(BY_TYPE).byte(kind).done());
    loop {
        let changes = {
            let view = engine.view()?;
            let pairs = view.scan(&rest, CHUNK)?;
            let Some((last, _)) = pairs.last() else { break };
            rest = rest.after(last);
            let none = Changes::new();
            let mut draft = Draft::new(&*view, &none, Counters::default());
            for (key, _) in &pairs {
                let mut reader = Reader::of_key(key);
                let _: [u8; 9] = reader.take()?;
                let id = reader.id()?;
                let value = present(view.get(&resource_key(kind, id))?, "an indexed resource")?;
                place(&mut draft, kind, &unpack_stored(id, &value)?)?;
            }
            draft.finish().0
        };
        engine.write(changes)?;
    }
    Ok(())
}
