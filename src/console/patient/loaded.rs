//! A patient's record as whoever looks may see it: of their panels, without what is restricted where that is not for them.

use crate::console::Console;
use crate::console::fault::Fault;
use crate::console::own;
use crate::console::session::Person;
use crate::identity::ResourceId;
use crate::pipeline::Known;
use crate::record::{Record, Stored};

/// The record, and the Patient that is left after merges.
pub(super) struct Loaded {
    pub known: Known,
    pub patient: Stored,
    /// How many things are restricted and left out.
    pub hidden: usize,
}

/// Reads it with the newest so many Observations.
pub(super) async fn load(console: &Console, person: &Person, id: &str, observations: usize) -> Result<Loaded, Fault> {
    let absent = || Fault::no_such_patient(&console.gateway.site.load());
    let Ok(id) = id.parse::<ResourceId>() else { return Err(absent()) };
    let mut known = console.gateway.load(id.person, observations).await?;
    let own = ResourceId::patient(known.record.head.person);
    own::check_known(console, person, own.person, &known.memberships, format!("Patient/{own}")).await?;
    let mut seen = Record::new(known.record.head.person);
    (seen.head, seen.truncated) = (known.record.head.clone(), known.record.truncated);
    let mut hidden = 0;
    for stored in known.record.resources.values() {
        // Nothing lost: the page says how many things are restricted.
        if own::may_see(person, stored) { seen.resources.put(stored.clone()) } else { hidden += 1 }
    }
    if hidden > 0 {
        known.record = seen;
    }
    let patient = known.record.get("Patient", own).cloned().ok_or_else(absent)?;
    Ok(Loaded { known, patient, hidden })
}
