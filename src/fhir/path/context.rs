//! What an expression is evaluated on and with: resources, variables, the time, and ways to things outside.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value};
use smallvec::smallvec;

use super::ast::Node;
use super::error::PathError;
use super::flow::{Flow, Items, Sink};
use super::item::{Element, Item};
use crate::fhir::Resource;
use crate::fhir::time::PartialDateTime;

/// How many items one evaluation may look at.
const MAX_WORK: u64 = 2_000_000;

/// How many items a collection may hold.
const MAX_ITEMS: usize = 200_000;

/// How long a text that an expression makes may get, in bytes.
const MAX_TEXT: usize = 1_048_576;

/// Finds the resource that a literal reference (`Patient/1`, `urn:uuid:…`) points at.
pub type Resolver<'a> = &'a (dyn Fn(&str) -> Option<Element<'a>> + Sync);
/// Tells whether a code is in a value set: value set URL or name, system, code. The system is `*` where only a code is
/// compared. None for a value set that is not known.
pub type Membership<'a> = &'a (dyn Fn(&str, &str, &str) -> Option<bool> + Sync);

/// Tells whether an item conforms to a profile by its canonical URL. None for a profile that is not known.
pub type Conformance<'a> = &'a (dyn Fn(&Item<'_>, &str) -> Option<bool> + Sync);
/// Tells whether an item is in a slice: structure URL, name of the slice. None for one that is not known.
pub type Slices<'a> = &'a (dyn Fn(&Item<'_>, &str, &str) -> Option<bool> + Sync);
/// Tells whether a code is another or above it: system (empty where none is stated), above, below. None where that is
/// not known.
pub type Subsumption<'a> = &'a (dyn Fn(&str, &str, &str) -> Option<bool> + Sync);
/// Finds the ElementDefinition of an element, as JSON.
pub type ElementDefinitions<'a> = &'a (dyn Fn(&Element<'_>) -> Option<&'a Map<String, Value>> + Sync);

/// What one evaluation sees.
pub struct Context<'a> {
    pub(super) focus: Items<'a>,
    pub(super) resource: Option<Element<'a>>,
    pub(super) root: Option<Element<'a>>,
    pub(super) variables: Vec<(Cow<'a, str>, Vec<Item<'a>>)>,
    pub(super) now: Option<PartialDateTime>,
    pub(super) resolver: Option<Resolver<'a>>,
    pub(super) membership: Option<Membership<'a>>,
    pub(super) subsumption: Option<Subsumption<'a>>,
    pub(super) conformance: Option<Conformance<'a>>,
    pub(super) slices: Option<Slices<'a>>,
    pub(super) element_definitions: Option<ElementDefinitions<'a>>,
    pub(super) resolves_types: bool,
}

impl<'a> Context<'a> {
    /// Evaluates on a whole resource, which is `%resource`, `%rootResource` and `%context` too.
    pub fn new(resource: &'a Resource) -> Self {
        let element = Element::resource(resource);
        Self { resource: Some(element), root: Some(element), ..Self::on(smallvec![Item::Element(element)]) }
    }

    /// Evaluates on any items; none for expressions that need no input.
    pub fn of(focus: Vec<Item<'a>>) -> Self {
        Self::on(Items::from_vec(focus))
    }

    fn on(focus: Items<'a>) -> Self {
        Self {
            focus,
            resource: None,
            root: None,
            variables: Vec::new(),
            now: None,
            resolver: None,
            membership: None,
            subsumption: None,
            conformance: None,
            slices: None,
            element_definitions: None,
            resolves_types: false,
        }
    }

    /// Evaluates on items of a resource: an invariant on each of its elements.
    pub fn within(mut self, focus: Vec<Item<'a>>) -> Self {
        self.focus = Items::from_vec(focus);
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

    /// How `subsumes()` and `subsumedBy()` know what is above what; that a code subsumes itself is known without.
    pub fn subsuming(mut self, subsumption: Subsumption<'a>) -> Self {
        self.subsumption = Some(subsumption);
        self
    }

    /// How `conformsTo()` knows profiles; it is asked before R4's own types are looked at.
    pub fn conforming(mut self, conformance: Conformance<'a>) -> Self {
        self.conformance = Some(conformance);
        self
    }

    /// How `slice()` knows what is in a slice.
    pub fn slicing(mut self, slices: Slices<'a>) -> Self {
        self.slices = Some(slices);
        self
    }

    /// How `elementDefinition()` finds what is said of an element.
    pub fn defining(mut self, element_definitions: ElementDefinitions<'a>) -> Self {
        self.element_definitions = Some(element_definitions);
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
    pub state: &'s State<'a>,
}

/// How parts of an expression are evaluated. It is handed down, so that functions and operators do not stand on what stands on them.
#[derive(Clone, Copy)]
pub(super) struct Ways<'a> {
    pub stream: for<'s, 'k> fn(&'a Node, Scope<'s, 'a>, Sink<'k, 'a>) -> Flow,
    pub truth: for<'s> fn(&'a Node, Scope<'s, 'a>) -> Result<Option<bool>, PathError>,
}

/// What one evaluation counts and remembers.
pub(super) struct State<'a> {
    ways: Ways<'a>,
    work: Cell<u64>,
    /// What `defineVariable()` defined, each at a place of its own.
    defined: RefCell<Vec<Items<'a>>>,
}

impl<'a> State<'a> {
    pub fn new(ways: Ways<'a>) -> Self {
        Self { ways, work: Cell::default(), defined: RefCell::default() }
    }
}

impl<'s, 'a> Scope<'s, 'a> {
    pub fn new(context: &'s Context<'a>, state: &'s State<'a>) -> Self {
        Self { context, this: &context.focus, index: None, total: &[], state }
    }

    /// The scope inside a criterion, for one item.
    pub fn on<'t>(self, item: &'t [Item<'a>], index: usize) -> Scope<'t, 'a>
    where
        's: 't,
    {
        Scope { context: self.context, this: item, index: Some(index), total: self.total, state: self.state }
    }

    /// The scope of an argument that is evaluated once, on a whole collection.
    pub fn within<'t>(self, items: &'t [Item<'a>]) -> Scope<'t, 'a>
    where
        's: 't,
    {
        Scope { context: self.context, this: items, index: self.index, total: self.total, state: self.state }
    }

    /// Hands over the items that a part of the expression yields, one by one, each as soon as it is found.
    pub fn stream(self, node: &'a Node, sink: Sink<'_, 'a>) -> Flow {
        (self.state.ways.stream)(node, self, sink)
    }

    /// The truth of a part: empty is unknown, one item that is no boolean is true, several are a fault.
    pub fn truth(self, node: &'a Node) -> Result<Option<bool>, PathError> {
        (self.state.ways.truth)(node, self)
    }

    /// Counts items looked at; the bound makes every evaluation end soon.
    pub fn charge(&self, items: usize, position: u32) -> Result<(), PathError> {
        let items = u64::try_from(items).unwrap_or(u64::MAX);
        let work = self.state.work.get().saturating_add(items);
        self.state.work.set(work);
        if work > MAX_WORK {
            return Err(PathError::at(position, "this expression looks at too many items"));
        }
        Ok(())
    }

    /// Refuses a collection that has grown too large for one more item.
    pub fn bound(&self, count: usize, position: u32) -> Result<(), PathError> {
        if count >= MAX_ITEMS {
            return Err(PathError::at(position, format!("this collection has more than {MAX_ITEMS} items")));
        }
        Ok(())
    }

    /// Refuses to make a text that is too long, and counts the work of making it.
    pub fn charge_text(&self, length: usize, position: u32) -> Result<(), PathError> {
        if length > MAX_TEXT {
            return Err(PathError::at(position, format!("this text would have more than {MAX_TEXT} bytes")));
        }
        self.charge(length / 64, position)
    }

    pub fn define(&self, place: usize, items: Items<'a>) {
        let mut defined = self.state.defined.borrow_mut();
        if defined.len() <= place {
            defined.resize_with(place + 1, Items::new);
        }
        if let Some(own) = defined.get_mut(place) {
            *own = items;
        }
    }

    pub fn defined(&self, place: usize) -> Items<'a> {
        self.state.defined.borrow().get(place).cloned().unwrap_or_default()
    }
}
