//! A person takes back what they did a moment ago (docs/decisions/0040): the thing is again as it was, what follows is decided in the same
//! commit, and the audit has both.

use jiff::Timestamp;
use serde_json::json;

use super::Gateway;
use super::change::Fault;
use super::deed::{Deed, DeedKind};
use super::find::Known;
use super::signed::signed;
use super::written::{By, refused, written};
use crate::fhir::Resource;
use crate::problem::{Category, Problem};
use crate::protocol;
use crate::record::Change;
use crate::store::AuditEntry;

impl Gateway {
    /// Takes back what `who` did; what follows is evaluated at once.
    ///
    /// # Errors
    /// Something else happened to the thing since.
    pub async fn undo(&self, deed: &Deed, who: &str) -> Result<(), Problem> {
        let before = match deed.version {
            // It was not there.
            0 | 1 => None,
            version => {
                let before = self.store.version(&deed.resource, deed.id, version - 1).await;
                let before = before.map_err(|error| Fault::from(error).told())?;
                Some(before.ok_or_else(|| refused(Category::NotFound, "It cannot be taken back any more."))?)
            }
        };
        let wanted = Some((deed.resource.as_str(), deed.id));
        let done = self.change_with(deed.id.person, wanted, |site, known| {
            let now = self.clock.now();
            let author = signed(site, who);
            let changes = match &before {
                Some(before) => protocol::undo(&known.record, before, author, now)?,
                None => never_said(known, deed, &By { source: who, author, value_sets: &site.value_sets }, now)?,
            };
            let entry = AuditEntry {
                at: now,
                agent: who.to_string(),
                action: format!("{}-undo", deed.kind.word()),
                person: Some(known.record.head.person),
                subject: deed.subject(),
                allowed: true,
                because: format!("who did it took version {} back", deed.version),
            };
            Ok((changes, vec![entry]))
        });
        done.await.map(|_| ()).map_err(Fault::told)
    }
}

/// What was written down for the first time was written down by mistake (http://hl7.org/fhir/R4/valueset-goal-status.html).
fn never_said(known: &Known, deed: &Deed, by: &By<'_>, now: Timestamp) -> Result<Vec<Change>, Problem> {
    let stored = known.record.get("Goal", deed.id).filter(|_| deed.kind == DeedKind::Goal);
    let stored = stored.ok_or_else(|| refused(Category::NotFound, "It cannot be taken back any more."))?;
    protocol::is_next(stored, deed.version - 1)?;
    let resource = Resource::new("Goal").with("lifecycleStatus", json!("entered-in-error"));
    let mut changes = written(known, deed.id, resource, by, now);
    changes.extend(changes.first().map(|change| protocol::provenance(change, "undo", by.author, now)));
    Ok(changes)
}
