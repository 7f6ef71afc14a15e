//! What an expression is evaluated on and with: resources, variables, the time, and ways to things outside.

use std::borrow::Cow;
use std::cell::Cell;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::error::PathError;
use super::item::{Element, Item};
use crate::fhir::Resource;
use crate::fhir::time::PartialDateTime;

/// How many items one evaluation may look at.
const MAX_WORK: u64 = 2_000_000;

/// Finds the resource that a literal reference (`Patient/1`, `urn:uuid:…`) points at.
pub type Resolver<'a> = &'a (dyn Fn(&str) -> Option<&'a Resource> + Sync);
/// Tells whether a code is in a value set: value set URL or name, system, code. The system is `*` where only a code is
/// compared. None for a value set that is not known.
pub type Membership<'a> = &'a (dyn Fn(&str, &str, &str) -> Option<bool> + Sync);

/// What one evaluation sees.
pub struct Context<'a> {
    pub(super) focus: Vec<Item<'a>>,
    pub(super) resource: Option<Element<'a>>,
    pub(super) root: Option<Element<'a>>,
    pub(super) variables: Vec<(Cow<'a, str>, Vec<Item<'a>>)>,
    pub(super) now: Option<PartialDateTime>,
    pub(super) resolver: Option<Resolver<'a>>,
    pub(super) membership: Option<Membership<'a>>,
    pub(super) resolves_types: bool,
}

impl<'a> Context<'a> {
    /// Evaluates on a whole resource, which is `%resource`, `%rootResource` and `%context` too.
    pub fn new(resource: &'a Resource) -> Self {
        let element = Element::resource(resource);
        Self { resource: Some(element), root: Some(element), ..Self::of(vec![Item::Element(element)]) }
    }

    /// Evaluates on any items; none for expressions that need no input.
    pub fn of(focus: Vec<Item<'a>>) -> Self {
        Self {
            focus,
            resource: None,
            root: None,
            variables: Vec::new(),
            now: None,
            resolver: None,
            membership: None,
            resolves_types: false,
        }
    }

    /// Evaluates on items of a resource: an invariant on each of its elements.
    pub fn within(mut self, focus: Vec<Item<'a>>) -> Self {
        self.focus = focus;
        self
    }

    /// Sets `%resource` to a contained resource; `%rootResource` stays.
    pub fn resource(mut self, element: Element<'a>) -> Self {
        self.resource = Some(element);
        self
    }

    /// Sets `%rootResource`, in which contained resources are looked for.
    pub fn root(mut self, element: Element<'a>) -> Self {
        self.root = Some(element);
        self
    }

    /// Sets `%name`.
    pub fn with(mut self, name: impl Into<Cow<'a, str>>, items: Vec<Item<'a>>) -> Self {
        self.variables.push((name.into(), items));
        self
    }

    /// The moment that `now()`, `today()` and `timeOfDay()` tell, in the zone where it is read.
    pub fn at(mut self, moment: Timestamp, offset: Offset) -> Self {
        self.now = Some(PartialDateTime::from_timestamp(moment, offset));
        self
    }

    /// How `resolve()` finds resources outside this one. Contained resources are found without.
    pub fn resolving(mut self, resolver: Resolver<'a>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Lets `resolve()` yield, for a reference that nobody resolves, an empty resource of the type it names: enough for
    /// `resolve() is Patient` in search parameters.
    pub fn resolving_types(mut self) -> Self {
        self.resolves_types = true;
        self
    }

    /// How `memberOf()` knows value sets, beside those that R4 itself enumerates.
    pub fn knowing(mut self, membership: Membership<'a>) -> Self {
        self.membership = Some(membership);
        self
    }
}

/// Where in an expression the evaluation is.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    pub context: &'s Context<'a>,
    /// What a path without a start is applied to.
    pub this: &'s [Item<'a>],
    pub index: Option<usize>,
    pub total: &'s [Item<'a>],
    pub work: &'s Cell<u64>,
}

impl<'s, 'a> Scope<'s, 'a> {
    pub fn new(context: &'s Context<'a>, work: &'s Cell<u64>) -> Self {
        Self { context, this: &context.focus, index: None, total: &[], work }
    }

    /// The scope inside a criterion, for one item.
    pub fn on<'t>(self, item: &'t [Item<'a>], index: usize) -> Scope<'t, 'a>
    where
        's: 't,
    {
        Scope { context: self.context, this: item, index: Some(index), total: self.total, work: self.work }
    }

    /// Counts items looked at; the bound makes every evaluation end soon.
    pub fn charge(&self, items: usize, position: u32) -> Result<(), PathError> {
        let work = self.work.get().saturating_add(u64::try_from(items).unwrap_or(u64::MAX)).saturating_add(1);
        self.work.set(work);
        if work > MAX_WORK {
            return Err(PathError::at(position, "this expression looks at too many items"));
        }
        Ok(())
    }
}
