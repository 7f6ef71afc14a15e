//! The key that every form carries, so that no other site's page can send one.

use serde::Deserialize;

use super::fault::Fault;
use super::session::Person;

/// By which the same form is known when it comes again: the mark of its page first, then who sends it and every word in it, any other of
/// which makes it another. None where the page gave no mark.
pub(super) fn once(said: &[&str]) -> Option<String> {
    said.first().filter(|mark| !mark.is_empty()).map(|_| said.join("\n"))
}

/// The key that every form carries.
#[derive(Default, Deserialize)]
pub(super) struct FormKey {
    form_key: String,
}

impl FormKey {
    pub(super) fn of(form_key: String) -> Self {
        Self { form_key }
    }

    pub(super) fn check(&self, person: &Person) -> Result<(), Fault> {
        if self.form_key == person.form_key { Ok(()) } else { Err(Fault::OldForm) }
    }
}
