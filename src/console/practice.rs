//! Which practice a page is about: one of those that somebody works for, the first where they name none; which of them is responsible
//! for a patient, and on whose wall the clock hangs.

use jiff::tz::TimeZone;

use super::fault::Fault;
use super::page;
use super::session::Person;
use crate::pipeline::Known;
use crate::record::Membership;
use crate::site::{Panel, Site};

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

/// The membership of the panel whose name sorts first, which is responsible.
pub(super) fn member<'k>(known: &'k Known, site: &'k Site) -> Option<(&'k Membership, &'k Panel)> {
    let mut memberships: Vec<&Membership> = known.memberships.iter().collect();
    memberships.sort_by(|one, other| one.panel.cmp(&other.panel));
    memberships.into_iter().find_map(|one| Some((one, site.panels.get(&one.panel)?)))
}

/// The zone of a patient's practice; of whom none is responsible for, the site's.
pub(super) fn zone_of_patient(known: &Known, site: &Site) -> TimeZone {
    member(known, site).map_or_else(|| page::zone_of(site), |(_, panel)| panel.practice.zone.clone())
}

/// The zone of the practices that somebody works for, where all of these have one; else the site's.
pub(super) fn zone_of_person(person: &Person, site: &Site) -> TimeZone {
    let own = site.panels.iter().filter(|(name, _)| person.panels.holds(name));
    let mut zones = own.map(|(_, panel)| &panel.practice.zone);
    let first = zones.next().cloned();
    first.filter(|first| zones.all(|zone| zone == first)).unwrap_or_else(|| page::zone_of(site))
}
