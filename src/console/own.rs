//! Whose patients are whose, and who is shown what is restricted. A patient on none of somebody's panels is not there for them, in the
//! same words as one who is not there at all; that they asked is in the audit.

use super::fault::Fault;
use super::session::Person;
use super::{Console, look};
use crate::agreement::is_for_few;
use crate::identity::PersonId;
use crate::record::{Membership, Stored};
use crate::site::Panels;

/// Lets through who may see a patient.
pub(super) async fn check(console: &Console, person: &Person, patient: PersonId, subject: String) -> Result<(), Fault> {
    // What is shared between patients is on no panel.
    if person.panels == Panels::All || patient == PersonId::SHARED {
        return Ok(());
    }
    let known = console.gateway.load(patient, 1).await?;
    check_known(console, person, patient, &known.memberships, subject).await
}

/// The same where the patient's memberships are at hand.
pub(super) async fn check_known(
    console: &Console,
    person: &Person,
    patient: PersonId,
    memberships: &[Membership],
    subject: String,
) -> Result<(), Fault> {
    if person.panels == Panels::All || memberships.iter().any(|membership| person.panels.holds(&membership.panel)) {
        return Ok(());
    }
    look::note_refused(console, person, patient, subject).await?;
    Err(Fault::no_such_patient(&console.gateway.site.load()))
}

/// Whether somebody is shown a resource, by its labels.
pub(super) fn may_see(person: &Person, stored: &Stored) -> bool {
    person.sensitive || !is_for_few(&stored.resource)
}
