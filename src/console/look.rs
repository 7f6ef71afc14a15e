//! Who looked at whom: written before a page with a patient is shown, so that no look goes without its entry.

use super::Console;
use super::session::Person;
use crate::identity::{PersonId, ResourceId};
use crate::store::{AuditEntry, StoreError};

/// Notes that a person opens a page about `subject` (`Patient/id`, `message/7`).
pub(super) async fn note(
    console: &Console,
    person: &Person,
    patient: Option<PersonId>,
    subject: String,
) -> Result<(), StoreError> {
    write(console, &person.agent(), patient, "look", subject, true, "a page of the console was opened").await
}

/// Notes that a person looked for people, and each of them who is shown for it.
pub(super) async fn note_search(
    console: &Console,
    person: &Person,
    question: &str,
    shown: &[ResourceId],
) -> Result<(), StoreError> {
    let entry = |patient: Option<ResourceId>, subject: String, because: String| AuditEntry {
        at: console.gateway.clock.now(),
        agent: person.agent(),
        action: "search".to_string(),
        person: patient.map(|id| id.person),
        subject,
        allowed: true,
        because,
    };
    let mut entries = vec![entry(None, format!("people by “{question}”"), format!("{} shown", shown.len()))];
    let because = || "shown in a list of people who were looked for".to_string();
    entries.extend(shown.iter().map(|id| entry(Some(*id), format!("Patient/{id}"), because())));
    console.gateway.write_audit(entries).await
}

/// Notes that somebody asked for a patient who is on none of their panels.
pub(super) async fn note_refused(
    console: &Console,
    person: &Person,
    patient: PersonId,
    subject: String,
) -> Result<(), StoreError> {
    let because = "the patient is on none of the person's panels";
    write(console, &person.agent(), Some(patient), "look", subject, false, because).await
}

/// Notes that somebody logged in or could not.
pub(super) async fn note_login(console: &Console, agent: &str, allowed: bool, because: &str) -> Result<(), StoreError> {
    write(console, agent, None, "login", "console".to_string(), allowed, because).await
}

pub(super) async fn note_logout(console: &Console, person: &Person) -> Result<(), StoreError> {
    write(console, &person.agent(), None, "logout", "console".to_string(), true, "the person logged out").await
}

/// Notes that the organisation's login ended somebody's session.
pub(super) async fn note_ended(console: &Console, agent: &str) -> Result<(), StoreError> {
    let because = "the organisation's login ended the session";
    write(console, agent, None, "logout", "console".to_string(), true, because).await
}

async fn write(
    console: &Console,
    agent: &str,
    patient: Option<PersonId>,
    action: &str,
    subject: String,
    allowed: bool,
    because: &str,
) -> Result<(), StoreError> {
    let entry = AuditEntry {
        at: console.gateway.clock.now(),
        agent: agent.to_string(),
        action: action.to_string(),
        person: patient,
        subject,
        allowed,
        because: because.to_string(),
    };
    console.gateway.write_audit(vec![entry]).await
}
