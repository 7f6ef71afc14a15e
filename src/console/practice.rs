//! Which practice a page is about: one of those that somebody works for, the first where they name none.

use super::fault::Fault;
use super::session::Person;
use crate::site::Site;

/// The panel's name, and all that somebody may choose from: name and title.
pub(super) fn own_practices(
    site: &Site,
    person: &Person,
    asked: String,
) -> Result<(String, Vec<(String, String)>), Fault> {
    let held = site.panels.iter().filter(|(name, _)| person.panels.holds(name));
    let own: Vec<(String, String)> = held.map(|(name, panel)| (name.clone(), panel.practice.name.clone())).collect();
    let panel = if asked.is_empty() { own.first().map(|(name, _)| name.clone()).unwrap_or_default() } else { asked };
    if own.iter().any(|(name, _)| *name == panel) {
        return Ok((panel, own));
    }
    let text = match own.is_empty() {
        true => "No practice is set up yet: a practice is a file in the site's folder `panels`.",
        false => "There is no such practice. Choose one from the page of another.",
    };
    Err(Fault::NotHere(text.to_string()))
}
