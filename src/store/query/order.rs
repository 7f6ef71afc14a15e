//! Sorting what a search finds (http://hl7.org/fhir/R4/search.html#sort): everything that matches is put in order before it is
//! cut into pages. What has no value comes last either way; ties are put in the order of their ids, so that pages are stable.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::index::{Narrowed, narrow};
use super::{Cursor, Found, Match, PlaceKey, Query, Term};
use crate::fhir::search::{Held, Parameter, fold};
use crate::record::Stored;
use crate::store::StoreError;

/// Resources that one sorted search looks at: with more of them nobody could say which come first in the time of a request.
pub const MOST_SORTED: usize = 20_000;

/// One rule of an order; the next counts where this one finds no difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    pub by: SortBy,
    pub descending: bool,
}

/// What is compared. Of several values the first in the order asked counts.
#[derive(Debug, Clone)]
pub enum SortBy {
    Id,
    LastUpdated,
    Of(Arc<Parameter>),
}

impl PartialEq for SortBy {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Id, Self::Id) | (Self::LastUpdated, Self::LastUpdated) => true,
            (Self::Of(one), Self::Of(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// Where a resource stands in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    values: Vec<Option<String>>,
    id: String,
}

/// Whether the listing of a type, newest change first, is the order asked: then nothing need be read but the page. Times that
/// several writers gave within the same moments may stand the other way round by as much.
pub fn is_newest_first(query: &Query, sort: &[Sort]) -> bool {
    let narrows = |term: &Term| match term {
        Term::Id(_) | Term::Patient(_) | Term::Identifier(_) => true,
        Term::Of(criterion) => matches!(narrow(&query.resource_type, criterion), Narrowed::Records(_)),
        Term::LastUpdated(_) | Term::EvenDeleted | Term::Within(_) | Term::Words(_) | Term::Where(_) => false,
    };
    sort == [Sort { by: SortBy::LastUpdated, descending: true }] && !query.terms.iter().any(narrows)
}

/// What the place of a resource depends on. Without an order of its own a listing is by change.
pub fn place_in(query: &Query, sort: &[Sort], stored: &Stored) -> PlaceKey {
    if sort.is_empty() || is_newest_first(query, sort) {
        return vec![Some(stored.version.to_string())];
    }
    sort.iter().map(|sort| value(stored, sort)).collect()
}

/// Takes what was found in any order and keeps the page that follows a cursor.
pub struct Gathering<'a> {
    sort: &'a [Sort],
    after: Option<Place>,
    count: usize,
    kept: Vec<(Place, Stored)>,
    looked: usize,
}

impl<'a> Gathering<'a> {
    pub fn new(sort: &'a [Sort], cursor: Option<&Cursor>, count: usize) -> Result<Self, StoreError> {
        let refused = |_| StoreError::Refused("this is no cursor of ours; start the listing again".to_string());
        let after = cursor.map(|cursor| serde_json::from_str(&cursor.0).map_err(refused)).transpose()?;
        Ok(Self { sort, after, count: count.max(1), kept: Vec::new(), looked: 0 })
    }

    /// Takes part of what was found, in whatever order.
    pub fn take(&mut self, found: Found) -> Result<(), StoreError> {
        self.looked += found.looked;
        if self.looked > MOST_SORTED {
            let text = format!("more than {MOST_SORTED} resources would have to be put in order; narrow the search");
            return Err(StoreError::TooMuch(text));
        }
        for Match { stored, .. } in found.items {
            let place = self.place(&stored);
            if self.after.as_ref().is_none_or(|after| compare(self.sort, &place, after).is_gt()) {
                self.kept.push((place, stored));
            }
        }
        // No more than a page and what tells whether there is another need be kept.
        if self.kept.len() > 2 * self.count + 64 {
            self.cut();
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<Found, StoreError> {
        self.cut();
        let more = self.kept.len() > self.count;
        self.kept.truncate(self.count);
        let mut items = Vec::with_capacity(self.kept.len());
        for (place, stored) in self.kept {
            let place = serde_json::to_string(&place).map_err(|error| StoreError::Refused(error.to_string()))?;
            items.push(Match { stored, place: Cursor(place) });
        }
        let next = items.last().filter(|_| more).map(|last| last.place.clone());
        Ok(Found { items, next, looked: self.looked })
    }

    fn cut(&mut self) {
        self.kept.sort_by(|(one, _), (other, _)| compare(self.sort, one, other));
        self.kept.truncate(self.count + 1);
    }

    fn place(&self, stored: &Stored) -> Place {
        Place { values: self.sort.iter().map(|sort| value(stored, sort)).collect(), id: stored.id.to_string() }
    }
}

fn compare(sort: &[Sort], one: &Place, other: &Place) -> Ordering {
    let mut values = sort.iter().zip(one.values.iter().zip(&other.values));
    let differs = values.find_map(|(sort, pair)| {
        let order = match pair {
            (Some(one), Some(other)) if sort.descending => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        Some(order).filter(|order| order.is_ne())
    });
    differs.unwrap_or_else(|| one.id.cmp(&other.id))
}

/// The value that counts, written so that the order of texts is the order wanted.
fn value(stored: &Stored, sort: &Sort) -> Option<String> {
    let values: Vec<String> = match &sort.by {
        SortBy::Id => vec![stored.id.to_string()],
        SortBy::LastUpdated => vec![moment(stored.updated)],
        SortBy::Of(parameter) => {
            let held = parameter.held(&stored.resource);
            held.iter().filter_map(|held| written(held, sort.descending)).collect()
        }
    };
    if sort.descending { values.into_iter().max() } else { values.into_iter().min() }
}

/// What has no order of its own gives none.
fn written(held: &Held<'_>, descending: bool) -> Option<String> {
    match held {
        Held::Token { code, .. } => Some(ranked(code)),
        Held::Text(text) => Some(fold(text)),
        Held::Span(span) => Some(moment(if descending { span.until } else { span.from })),
        Held::Reference(text) | Held::Uri(text) => Some(text.to_string()),
        Held::Number(number) => Some(digits(*number)),
        Held::Quantity { low, high, .. } => if descending { high.or(*low) } else { low.or(*high) }.map(digits),
        Held::Words(_) | Held::Typed { .. } | Held::Identifier { .. } | Held::Composite(_) => None,
    }
}

/// A number at one width, those below zero first.
fn digits(number: Decimal) -> String {
    let shifted = number.round_dp(12);
    let (whole, part) = (shifted.trunc(), shifted.fract());
    let whole = whole.to_i128().unwrap_or_default();
    let part = (part * Decimal::from(1_000_000_000_000_i64)).to_i128().unwrap_or_default();
    let all = whole.saturating_mul(1_000_000_000_000).saturating_add(part);
    format!("{:039}", all.saturating_add(i128::MAX / 2))
}

/// Nanoseconds since the year that timestamps begin with, at one width.
fn moment(time: Timestamp) -> String {
    format!("{:030}", time.as_nanosecond() - Timestamp::MIN.as_nanosecond())
}

/// Priorities in the order of their urgency (http://hl7.org/fhir/R4/valueset-request-priority.html); other codes as they are.
fn ranked(code: &str) -> String {
    let rank = ["routine", "urgent", "asap", "stat"].iter().position(|known| *known == code);
    rank.map_or_else(|| code.to_string(), |rank| format!("{rank} {code}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fhir::search::SearchTable;
    use crate::identity::{PersonId, ResourceId};

    fn by(kind: &str, name: &str, descending: bool) -> Sort {
        Sort { by: SortBy::Of(Arc::clone(SearchTable::built_in().find(kind, name).unwrap())), descending }
    }

    fn due() -> Sort {
        by("Task", "authored-on", false)
    }

    fn urgent() -> Sort {
        by("Task", "priority", true)
    }

    fn stored(number: u64, content: Value) -> Match {
        let mut resource = json!({ "resourceType": "Task", "n": number });
        for (name, value) in content.as_object().unwrap() {
            resource[name] = value.clone();
        }
        let stored = Stored {
            id: ResourceId::of(PersonId::SHARED, "Task", &number.to_string()),
            version: 1,
            updated: Timestamp::UNIX_EPOCH,
            resource: resource.try_into().unwrap(),
            state: Default::default(),
        };
        Match { stored, place: Cursor(String::new()) }
    }

    fn pages(sort: &[Sort], items: &[Match], count: usize) -> Vec<u64> {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let mut gathering = Gathering::new(sort, cursor.as_ref(), count).unwrap();
            for item in items {
                gathering.take(Found { items: vec![item.clone()], next: None, looked: 1 }).unwrap();
            }
            let found = gathering.finish().unwrap();
            seen.extend(found.items.iter().map(|one| one.stored.resource.get("n").unwrap().as_u64().unwrap()));
            cursor = found.next;
            if cursor.is_none() {
                return seen;
            }
        }
    }

    #[test]
    fn what_has_no_value_is_last_in_both_directions() {
        let items = [
            stored(1, json!({ "authoredOn": "2026-03-05" })),
            stored(2, json!({})),
            stored(3, json!({ "authoredOn": "2025-12" })),
        ];
        assert_eq!(pages(&[due()], &items, 1), [3, 1, 2]);
        assert_eq!(pages(&[Sort { descending: true, ..due() }], &items, 2), [1, 3, 2]);
    }

    #[test]
    fn the_most_urgent_come_first_and_equal_ones_by_date() {
        let task = |number, priority: &str, day: u8| {
            stored(number, json!({ "priority": priority, "authoredOn": format!("2026-03-{day:02}") }))
        };
        let items =
            [task(1, "asap", 9), task(2, "stat", 8), task(3, "routine", 1), task(4, "stat", 2), task(5, "urgent", 1)];
        assert_eq!(pages(&[urgent(), due()], &items, 2), [4, 2, 1, 5, 3]);
    }

    #[test]
    fn names_are_compared_without_case_and_accents() {
        let named = |number, name: &str| stored(number, json!({ "resourceType": "Organization", "name": name }));
        let items = [named(1, "zander"), named(2, "Ärmel"), named(3, "Bosch"), named(4, "Aal")];
        assert_eq!(pages(&[by("Organization", "name", false)], &items, 3), [4, 2, 3, 1]);
    }

    #[test]
    fn many_are_put_in_order_before_they_are_cut() {
        let items: Vec<Match> = (0..500)
            .map(|n| stored(n, json!({ "authoredOn": format!("2026-01-01T00:{:02}:{:02}Z", n % 50, n % 7) })))
            .collect();
        let seen = pages(&[due()], &items, 9);
        let mut all = seen.clone();
        all.sort_unstable();
        assert_eq!(all, (0..500).collect::<Vec<_>>(), "each once");
        assert!(seen.windows(2).all(|pair| (pair[0] % 50, pair[0] % 7) <= (pair[1] % 50, pair[1] % 7)));
    }

    #[test]
    fn more_than_can_be_put_in_order_is_refused() {
        let due = [due()];
        let mut gathering = Gathering::new(&due, None, 1).unwrap();
        let found = Found { items: Vec::new(), next: None, looked: MOST_SORTED + 1 };
        assert!(matches!(gathering.take(found), Err(StoreError::TooMuch(_))));
        assert!(Gathering::new(&due, Some(&Cursor("x".into())), 1).is_err());
    }
}
