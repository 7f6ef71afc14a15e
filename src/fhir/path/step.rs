//! One step of a path, by name. Where the name leads from a type is found once and kept with the step, so that an
//! expression that is evaluated again on the same types looks nothing up (docs/decisions/0005).

use std::borrow::Cow;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::fhir::definition::{ElementDefinition, TypeDefinition};

/// How many types a step remembers. Most steps see one; those after `descendants()` see many and look up the rest.
const REMEMBERED: usize = 4;

/// Up to so many members, comparing each name is quicker than hashing the one that is looked for.
const SCANNED: usize = 12;

#[derive(Debug, Clone)]
pub(super) struct Step {
    /// Where the name stands in the expression.
    pub position: u32,
    /// As in the expression.
    pub name: String,
    /// The member of a JSON object that holds the extensions of a primitive of this name.
    pub sibling: String,
    seen: [OnceLock<Seen>; REMEMBERED],
}

#[derive(Debug, Clone)]
struct Seen {
    from: &'static TypeDefinition,
    way: Way,
}

/// Where a step leads from one type.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// The type has no such element, or it is the JSON name of a choice, which paths do not use.
    Nowhere,
    /// To the member of that name; the type is none where it depends on the instance.
    Member(Option<&'static TypeDefinition>),
    /// To whichever member of a choice there is.
    Choice(Vec<Alternative>),
}

/// One type of a choice.
#[derive(Debug, Clone)]
pub(super) struct Alternative {
    /// `valueQuantity`
    pub key: String,
    /// `_valueQuantity`
    pub sibling: String,
    pub definition: Option<&'static TypeDefinition>,
}

impl Step {
    pub fn new(position: u32, name: String) -> Self {
        Self { position, sibling: format!("_{name}"), name, seen: Default::default() }
    }

    /// Whether the name may be that of a type: all of R4's resources and datatypes begin with a capital.
    pub fn may_be_type(&self) -> bool {
        self.name.starts_with(|letter: char| letter.is_ascii_uppercase())
    }

    /// The way from a type.
    pub fn way_from(&self, from: &'static TypeDefinition) -> Cow<'_, Way> {
        for place in &self.seen {
            let seen = place.get_or_init(|| Seen { from, way: Way::find(from, &self.name) });
            if std::ptr::eq(seen.from, from) {
                return Cow::Borrowed(&seen.way);
            }
        }
        Cow::Owned(Way::find(from, &self.name))
    }
}

impl Way {
    /// Looks the way up.
    pub fn find(from: &'static TypeDefinition, name: &str) -> Self {
        match from.element(name) {
            Some(element) if element.is_choice => Self::Choice(alternatives(from, element)),
            Some(element) if element.choice.is_some() => Self::Nowhere,
            Some(element) => Self::Member(element.definition()),
            None => Self::Nowhere,
        }
    }
}

fn alternatives(from: &'static TypeDefinition, choice: &ElementDefinition) -> Vec<Alternative> {
    let alternative = |kind: &str| {
        let key = choice.choice_name(kind);
        let element = from.element(&key)?;
        Some(Alternative { sibling: format!("_{key}"), key, definition: element.definition() })
    };
    choice.types.iter().filter_map(|kind| alternative(&kind.code)).collect()
}

/// A member of a JSON object.
pub(super) fn member<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if map.len() > SCANNED {
        return map.get(name);
    }
    map.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
}
