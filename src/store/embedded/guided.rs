//! The indexes of parameters that a site's guides define, each apart: BY_TYPE is gone back through from the oldest change on, and how far
//! that came is written with what was found. What is changed later stands before that place, and is read by each search until it is passed.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::keys::{BY_GUIDED, BY_TYPE, GUIDED, GUIDED_VALUES, Key, Reader, resource_key};
use super::pack::unpack_stored;
use super::values::{found_under, put_under};
use super::walk::{STEPS, all, present};
use crate::identity::ResourceId;
use crate::store::engine::{Span, View};
use crate::store::kinds::kind;
use crate::store::query::terms_by;
use crate::store::{Guided, Indexed, StoreError};

/// How far the index of a parameter is.
#[derive(Clone, Default, PartialEq, Eq)]
struct State {
    /// Resources that were looked at.
    count: u64,
    /// The key of BY_TYPE that was passed last; empty where the index is being taken away.
    reached: Vec<u8>,
}

impl State {
    fn key(parameter: u64) -> Vec<u8> {
        Key::new(GUIDED).number(parameter).done()
    }

    fn read(view: &dyn View, parameter: u64) -> Result<Option<Self>, StoreError> {
        view.get(&Self::key(parameter))?.map(|value| Self::of(&value)).transpose()
    }

    fn of(value: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader(value);
        Ok(Self { count: reader.number()?, reached: reader.0.to_vec() })
    }

    fn to_bytes(&self) -> Vec<u8> {
        [&self.count.to_be_bytes()[..], &self.reached].concat()
    }
}

/// One step, as a reader found it.
pub enum Plan {
    /// Goes on with the parameters, which all had reached the same place.
    Go {
        parameters: Vec<u64>,
        from: Option<Vec<u8>>,
        reached: Vec<u8>,
        count: u64,
        found: Vec<(u64, ResourceId, Vec<u64>)>,
    },
    /// Takes away the keys of a parameter that is not wanted; where there are none, all that is known of it.
    Forget(u64, Vec<Vec<u8>>),
}

impl Plan {
    pub fn len(&self) -> usize {
        match self {
            Self::Go { found, .. } => found.len(),
            Self::Forget(_, stale) => stale.len(),
        }
    }

    pub fn apply(self, draft: &mut Draft<'_>) -> Result<(), StoreError> {
        let (parameters, from, reached, count, found) = match self {
            Self::Go { parameters, from, reached, count, found } => (parameters, from, reached, count, found),
            Self::Forget(parameter, stale) => {
                match stale.is_empty() {
                    true => draft.delete(State::key(parameter)),
                    false => draft.put(State::key(parameter), State::default().to_bytes()),
                }
                stale.into_iter().for_each(|key| draft.delete(key));
                return Ok(());
            }
        };
        for parameter in parameters {
            let before = State::read(draft, parameter)?;
            if reached_by(before.as_ref()) != from.as_deref() {
                return Err(StoreError::Conflict);
            }
            let before = before.filter(|before| !before.reached.is_empty()).unwrap_or_default();
            let state = State { count: before.count + count, reached: reached.clone() };
            draft.put(State::key(parameter), state.to_bytes());
        }
        for (parameter, id, terms) in found {
            let own = Key::new(GUIDED_VALUES).number(parameter).id(id).done();
            put_under(draft, own, &|term| prefix(parameter, term).id(id).done(), &terms)?;
        }
        Ok(())
    }
}

/// None before the first step, also after what was known was being taken away.
fn reached_by(state: Option<&State>) -> Option<&[u8]> {
    state.map(|state| state.reached.as_slice()).filter(|reached| !reached.is_empty())
}

fn prefix(parameter: u64, term: u64) -> Key {
    Key::new(BY_GUIDED).number(parameter).number(term)
}

/// What of a type lies before a place: what was changed since that was passed.
fn since(kind: u8, reached: Option<&[u8]>) -> Span {
    let all = Span::prefix(Key::new(BY_TYPE).byte(kind).done());
    match reached {
        Some(reached) => Span::between(all.from, reached.to_vec()),
        None => all,
    }
}

fn id_of(key: &[u8]) -> Result<ResourceId, StoreError> {
    let mut reader = Reader::of_key(key);
    let _: [u8; 9] = reader.take()?;
    reader.id()
}

/// What is to be done next; none where nothing is.
pub fn plan(view: &dyn View, wanted: &[Guided], budget: usize) -> Result<Option<Plan>, StoreError> {
    let mut states = BTreeMap::new();
    for (key, value) in all(view, &Span::prefix(vec![GUIDED]))? {
        let parameter = Reader::of_key(&key).number()?;
        if !wanted.iter().any(|one| one.parameter.key == parameter) {
            return forget(view, parameter, budget).map(Some);
        }
        states.insert(parameter, State::of(&value)?);
    }
    for one in wanted {
        let kind = kind(one.resource_type)?;
        let reached = |other: &Guided| reached_by(states.get(&other.parameter.key));
        let (from, of_type) = (reached(one), || wanted.iter().filter(|other| other.resource_type == one.resource_type));
        let mut span = since(kind, from);
        // Where others of the type are further, all of them go on together from there.
        let others =
            of_type().filter_map(reached).filter(|other| span.from.as_slice() < *other && *other < &span.until[..]);
        if let Some(nearest) = others.max().map(<[u8]>::to_vec) {
            span.from = nearest;
        }
        let keys = if span.is_empty() { Vec::new() } else { view.scan(&span.clone().backwards(), budget)? };
        let last = keys.last().map(|(key, _)| key.clone());
        let Some(last) = last.or_else(|| from.is_none().then_some(span.until)) else { continue };
        // One definition may have several names.
        let mut together: Vec<_> = of_type().filter(|other| reached(other) == from).collect();
        together.sort_by_key(|other| other.parameter.key);
        together.dedup_by_key(|other| other.parameter.key);
        let mut found = Vec::new();
        for (key, _) in &keys {
            let id = id_of(key)?;
            let value = present(view.get(&resource_key(kind, id))?, "an indexed resource")?;
            let stored = unpack_stored(id, &value)?;
            let terms = |other: &&Guided| (other.parameter.key, id, terms_by(&other.parameter, &stored.resource, id));
            found.extend(together.iter().map(terms));
        }
        let parameters = together.iter().map(|other| other.parameter.key).collect();
        let (from, count) = (from.map(<[u8]>::to_vec), keys.len() as u64);
        return Ok(Some(Plan::Go { parameters, from, reached: last, count, found }));
    }
    Ok(None)
}

fn forget(view: &dyn View, parameter: u64, budget: usize) -> Result<Plan, StoreError> {
    let mut stale = Vec::new();
    // In this order: where it is wanted again before all is gone, what has no list of its terms any more is put under all of them.
    for space in [GUIDED_VALUES, BY_GUIDED] {
        let of_parameter = Span::prefix(Key::new(space).number(parameter).done());
        let found = view.scan(&of_parameter, budget - stale.len().min(budget))?;
        stale.extend(found.into_iter().map(|(key, _)| key));
    }
    Ok(Plan::Forget(parameter, stale))
}

pub fn standing(view: &dyn View, wanted: &[Guided]) -> Result<Vec<Indexed>, StoreError> {
    let of = |one: &Guided| {
        let state = State::read(view, one.parameter.key)?;
        let left = since(kind(one.resource_type)?, reached_by(state.as_ref()));
        let is_through = state.is_some() && (left.is_empty() || view.scan(&left, 1)?.is_empty());
        let (resource_type, parameter) = (one.resource_type.to_string(), one.parameter.name.clone());
        Ok(Indexed { resource_type, parameter, resources: state.map_or(0, |state| state.count), is_through })
    };
    wanted.iter().map(of).collect()
}

/// The resources that stand under one of these terms, and all that were changed since the index passed them. None where there are so
/// many that reading on by type is as good, and where there is no index.
pub fn found(
    view: &dyn View,
    kind: u8,
    parameter: u64,
    terms: &[u64],
) -> Result<Option<BTreeSet<ResourceId>>, StoreError> {
    let state = State::read(view, parameter)?;
    let Some(reached) = reached_by(state.as_ref()) else { return Ok(None) };
    let later = since(kind, Some(reached));
    let later = if later.is_empty() { Vec::new() } else { view.scan(&later, STEPS)? };
    let Some(mut ids) = found_under(view, &|term| prefix(parameter, term).done(), terms)? else { return Ok(None) };
    for (key, _) in &later {
        ids.insert(id_of(key)?);
    }
    Ok((later.len() < STEPS && ids.len() < STEPS).then_some(ids))
}
