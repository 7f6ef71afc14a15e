//! Records whose clock came due, in the order of time.

use jiff::Timestamp;

use super::keys::{Key, Reader, TIMER, time_of};
use super::leases::Claim;
use crate::identity::PersonId;
use crate::store::StoreError;
use crate::store::engine::{Span, View};

pub fn claim(
    view: &dyn View,
    claim: &mut Claim<'_, (PersonId, Timestamp)>,
    now: Timestamp,
    count: usize,
) -> Result<Vec<(PersonId, Timestamp)>, StoreError> {
    let mut span = Span::between(vec![TIMER], [&Key::new(TIMER).time(now).done()[..], &[u8::MAX; 11]].concat());
    let mut due = Vec::new();
    while due.len() < count {
        let pairs = view.scan(&span, 256)?;
        let Some((last, _)) = pairs.last() else { break };
        span = span.after(last);
        for (key, _) in &pairs {
            let mut reader = Reader::of_key(key);
            let at = time_of(reader.take()?)?;
            let timer = (reader.person()?, at);
            if due.len() < count && claim.take(&timer) {
                due.push(timer);
            }
        }
    }
    Ok(due)
}
