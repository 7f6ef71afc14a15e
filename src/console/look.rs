//! Who looked at whom: written before a page with a patient is shown, so that no look goes without its entry.

use super::Console;
use super::session::Person;
use crate::identity::PersonId;
use crate::store::{AuditEntry, StoreError};

/// Notes that a person opens a page about `subject` (`Patient/id`, `message/7`).
pub(super) async fn note(
    console: &Console,
    person: &Person,
    patient: Option<PersonId>,
    subject: String,
) -> Result<(), StoreError> {
    write(console, person, patient, "look", subject, "a page of the console was opened").await
}

/// Notes that a person logged in under a name.
pub(super) async fn note_login(console: &Console, person: &Person) -> Result<(), StoreError> {
    let because = "a one-time link was opened; the name is as the person gave it";
    write(console, person, None, "login", "console".to_string(), because).await
}

async fn write(
    console: &Console,
    person: &Person,
    patient: Option<PersonId>,
    action: &str,
    subject: String,
    because: &str,
) -> Result<(), StoreError> {
    let entry = AuditEntry {
        at: console.gateway.clock.now(),
        agent: person.agent(),
        action: action.to_string(),
        person: patient,
        subject,
        allowed: true,
        because: because.to_string(),
    };
    console.gateway.write_audit(vec![entry]).await
}
