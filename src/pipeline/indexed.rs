//! How far what is stored is indexed by the search parameters of the site's guides, as of the last step.

use std::sync::{Mutex, PoisonError};

use crate::store::Indexed;

#[derive(Debug, Default)]
pub struct Indexing(Mutex<Vec<Indexed>>);

impl Indexing {
    /// Each parameter of the guides that has an index.
    pub fn standing(&self) -> Vec<Indexed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those that are not through what was there.
    pub fn under_way(&self) -> Vec<Indexed> {
        self.standing().into_iter().filter(|one| !one.is_through).collect()
    }

    pub(super) fn saw(&self, standing: &[Indexed]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = standing.to_vec();
    }
}
