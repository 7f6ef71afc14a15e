//! Where an element stands, and which profile speaks of it.

use super::compiled::Profile;
use super::place::Path;

pub(super) struct Site<'s> {
    pub path: Path<'s>,
    pub name: &'s str,
    pub is_choice: bool,
    pub profile: &'s Profile,
}

impl<'s> Site<'s> {
    /// The same, for one item of a list.
    pub fn at(&self, index: Option<usize>) -> Site<'s> {
        Site { path: self.path.at(index), ..*self }
    }
}
