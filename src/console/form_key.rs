//! The key that every form carries, so that no other site's page can send one.

use serde::Deserialize;

use super::fault::Fault;
use super::session::Person;

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
