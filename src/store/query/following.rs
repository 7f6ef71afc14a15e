//! Listings that are complete while what they list changes: after a listing has come to the end of its order, what changed since it
//! began is given, oldest change first, where it may have moved past the reader. A change always moves a resource behind all
//! earlier ones, so reading them in that order never passes one. Pure; both stores go on from here.

use super::{Cursor, Found, Match, Page};
use crate::record::Stored;
use crate::store::StoreError;

/// Earlier versions that are looked at; what changed more often meanwhile is given in any case.
pub const MOST_VERSIONS: usize = 64;

/// What a place in an order depends on; equal means that nothing moved.
pub type PlaceKey = Vec<Option<String>>;

/// How a listing looks at a version of a resource: none where it does not belong into it.
pub type Judge<'j> = dyn Fn(&Stored) -> Option<PlaceKey> + Send + Sync + 'j;

/// Where a listing goes on. Written as `SINCE.BEGAN.UNTIL.AT`, with `-` for no UNTIL and nothing for no AT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// Everything up to this number was there when it began.
    pub since: u64,
    /// Nothing beyond this number was.
    began: u64,
    /// What changed up to this number may have been missed; none while the listing goes in its order.
    pub until: Option<u64>,
    /// After what.
    at: Option<String>,
}

impl Following {
    /// Where numbers are given out before what they are for is there, the second may be higher.
    pub fn begun(since: u64, began: u64) -> Self {
        Self { since, began, until: None, at: None }
    }

    pub fn of(cursor: &Cursor) -> Result<Self, StoreError> {
        let read = || {
            let (since, rest) = cursor.0.split_once('.')?;
            let (began, rest) = rest.split_once('.')?;
            let (until, at) = rest.split_once('.')?;
            let until = if until == "-" { None } else { Some(until.parse().ok()?) };
            let at = (!at.is_empty()).then(|| at.to_string());
            Some(Self { since: since.parse().ok()?, began: began.parse().ok()?, until, at })
        };
        read().ok_or_else(|| StoreError::Refused("this is no cursor of ours; start the listing again".to_string()))
    }

    pub fn at(&self) -> Option<Cursor> {
        self.at.clone().map(Cursor)
    }

    /// The same listing among what changed up to a number.
    pub fn among(&self, until: u64) -> Self {
        Self { until: Some(until), at: None, ..self.clone() }
    }

    /// The same listing after a place.
    pub fn after(&self, at: Option<Cursor>) -> Cursor {
        let until = self.until.map_or_else(|| "-".to_string(), |until| until.to_string());
        Cursor(format!("{}.{}.{until}.{}", self.since, self.began, at.map(|at| at.0).unwrap_or_default()))
    }

    /// From its beginning to when its order was through.
    pub fn window(&self, until: u64) -> Window {
        Window { since: self.since, began: self.began, until }
    }

    pub fn wrap(&self, mut found: Found) -> Found {
        for item in &mut found.items {
            item.place = self.after(Some(item.place.clone()));
        }
        found.next = found.next.map(|next| self.after(Some(next)));
        found
    }

    /// The last page of the order with what was found of what changed, which was looked for as far as there was room, and for one
    /// where there was none.
    pub fn close(&self, found: Found, caught: Found, until: u64, count: usize) -> Found {
        let among = self.among(until);
        let mut page = self.wrap(found);
        let room = count.saturating_sub(page.items.len());
        page.looked += caught.looked;
        if room == 0 {
            page.next = (!caught.items.is_empty() || caught.next.is_some()).then(|| among.after(None));
            return page;
        }
        let caught = among.wrap(caught);
        for one in caught.items {
            let is_here = |other: &Stored| (other.id, other.version) == (one.stored.id, one.stored.version);
            if !page.items.iter().any(|other| is_here(&other.stored)) {
                page.items.push(one);
            }
        }
        page.next = caught.next;
        page
    }
}

/// A page as what was found, where nobody asks for the place of each.
pub fn found_of(page: Page<Stored>) -> Found {
    let items = page.items.into_iter().map(|stored| Match { stored, place: Cursor(String::new()) }).collect();
    Found { items, next: page.next, looked: 0 }
}

pub fn page_of(found: Found) -> Page<Stored> {
    Page { items: found.items.into_iter().map(|one| one.stored).collect(), next: found.next }
}

/// From when to when a listing went in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub since: u64,
    pub began: u64,
    pub until: u64,
}

/// Whether a listing may have missed a resource: it changed while the listing went in its order, and did not stand still in that.
/// `earlier` gives a version before, with the number under which it was written.
pub fn may_be_missed(
    window: Window,
    now: &Stored,
    sequence: u64,
    judge: &Judge<'_>,
    mut earlier: impl FnMut(u64) -> Result<Option<(u64, Stored)>, StoreError>,
) -> Result<bool, StoreError> {
    let Some(place) = judge(now).filter(|_| sequence > window.since) else { return Ok(false) };
    let (mut is_in_window, mut stood_still, mut first) = (sequence <= window.until, true, sequence);
    for version in (1..now.version).rev().take(MOST_VERSIONS) {
        let Some((sequence, before)) = earlier(version)? else { return Ok(true) };
        stood_still &= judge(&before).as_ref() == Some(&place);
        if sequence <= window.since {
            return Ok(is_in_window && !stood_still);
        }
        is_in_window |= sequence <= window.until;
        first = sequence;
    }
    if now.version > MOST_VERSIONS as u64 {
        return Ok(true);
    }
    // All versions were seen, so it is new, unless its first may have been there already.
    Ok(first <= window.began && is_in_window && !stood_still)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::fhir::Resource;
    use crate::identity::{PersonId, ResourceId};

    /// A Task whose versions were written under these numbers, and stood at these places (none: not in the listing).
    fn missed(window: (u64, u64), versions: &[(u64, Option<&str>)]) -> bool {
        let stored = |version: usize| {
            let place = versions[version - 1].1;
            let resource = Resource::new("Task").with("place", json!(place));
            let id = ResourceId::of(PersonId::SHARED, "Task", "1");
            Stored { id, version: version as u64, updated: Timestamp::UNIX_EPOCH, resource, state: Default::default() }
        };
        let judge = |stored: &Stored| stored.resource.text("place").map(|place| vec![Some(place.to_string())]);
        let earlier = |version: u64| Ok(Some((versions[version as usize - 1].0, stored(version as usize))));
        let window = Window { since: window.0, began: window.0 + 1, until: window.1 };
        let last = versions.len();
        may_be_missed(window, &stored(last), versions[last - 1].0, &judge, earlier).unwrap()
    }

    #[test]
    fn what_moved_while_a_listing_went_on_may_be_missed_and_what_stood_still_or_is_new_is_not() {
        let (here, there) = (Some("a"), Some("b"));
        assert!(missed((10, 20), &[(5, here), (15, there)]));
        assert!(!missed((10, 20), &[(5, here), (15, here)]), "it stood still");
        assert!(missed((10, 20), &[(5, here), (12, there), (15, here)]), "it went and came back");
        assert!(missed((10, 20), &[(5, here), (12, None), (15, here)]), "it did not belong for a while");
        assert!(!missed((10, 20), &[(5, here), (15, None)]), "it does not belong any more");
        assert!(!missed((10, 20), &[(5, here), (25, there)]), "it stood still until the order was through");
        assert!(missed((10, 20), &[(5, here), (15, there), (25, here)]));
        assert!(missed((10, 20), &[(11, here), (15, there)]), "it may have been there when the listing began");
        assert!(!missed((10, 20), &[(15, here)]) && !missed((10, 20), &[(15, here), (16, there)]), "it is new");
        assert!(!missed((10, 20), &[(3, here), (5, there)]), "it did not change since");
        let often: Vec<_> = (0..100).map(|number| (number + 5, if number % 2 == 0 { here } else { there })).collect();
        assert!(missed((10, 200), &often));
    }

    #[test]
    fn a_place_is_told_as_it_is_and_others_are_refused() {
        let following = Following::begun(7, 8);
        let cursor = following.after(Some(Cursor("04ff".to_string())));
        assert_eq!(
            (Following::of(&cursor).unwrap().at(), cursor.0.as_str()),
            (Some(Cursor("04ff".to_string())), "7.8.-.04ff")
        );
        assert_eq!(Following::of(&following.among(9).after(None)).unwrap().until, Some(9));
        for text in ["", "04ff", "1.2", "1.2.3", "x.1.-.", "1.1.x.04ff"] {
            assert!(matches!(Following::of(&Cursor(text.to_string())), Err(StoreError::Refused(_))), "{text}");
        }
    }
}
