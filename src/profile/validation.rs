//! What everything that checks a part of a resource knows of the whole.

use serde_json::{Map, Value};

use super::bundle::Bundle;
use super::compiled::Profiles;
use super::contained::Contained;
use crate::fhir::Resource;
use crate::fhir::path::{Context, Element, Expression, Item, PathError};

/// How deep invariants may ask whether resources conform to profiles that ask the same.
const MAX_CONFORMANCE: u32 = 4;

/// What stays the same while one resource is checked.
#[derive(Clone, Copy)]
pub(super) struct Validation<'a> {
    /// The outermost resource, which holds the contained ones.
    pub root: &'a Map<String, Value>,
    /// The resource that is being checked: the outermost or a contained one.
    pub resource: Element<'a>,
    /// Whether `#Observation.3` may be the local name of another draft of the same input.
    pub is_draft: bool,
    /// Whether to give advice, to check against claimed profiles, and to say what could not be checked.
    pub is_thorough: bool,
    pub profiles: &'a Profiles,
    pub bundle: Option<&'a Bundle<'a>>,
    /// What the outermost resource contains; none before anybody has looked.
    pub contained: Option<&'a Contained<'a>>,
    pub asking: Asking,
    /// How many profiles have led here.
    pub depth: u32,
}

/// What a part asks of the whole that it is a part of: whether a resource, or an element, meets a profile as far as that can be
/// told. It is handed down, so that parts do not stand on the whole.
#[derive(Clone, Copy)]
pub(super) struct Asking {
    pub resource: fn(&Resource, &str, &Profiles, u32) -> bool,
    pub element: for<'x> fn(Element<'x>, &str, Validation<'x>) -> bool,
}

impl<'a> Validation<'a> {
    /// Whether an expression holds of an element. It knows profiles, and what the bundle holds.
    pub fn matches(self, element: Element<'a>, expression: &Expression) -> Result<bool, PathError> {
        let resolve = |reference: &str| self.resolve(reference);
        let conforms = |item: &Item<'_>, canonical: &str| self.conforms(item, canonical);
        expression.matches(&self.context(element).resolving(&resolve).conforming(&conforms))
    }

    /// Whether a context invariant of an extension holds of what holds the extension.
    pub fn matches_context(
        self,
        holder: Element<'a>,
        extension: Element<'a>,
        expression: &Expression,
    ) -> Result<bool, PathError> {
        let resolve = |reference: &str| self.resolve(reference);
        let context = self.context(holder).with("extension", vec![Item::Element(extension)]);
        expression.matches(&context.resolving(&resolve))
    }

    /// Whether a path finds elements from an element, and whether any of them is what `test` looks for.
    pub fn any(
        self,
        element: Element<'a>,
        path: &Expression,
        test: &dyn for<'x> Fn(Element<'x>, Validation<'x>) -> bool,
    ) -> (bool, bool) {
        let resolve = |reference: &str| self.resolve(reference);
        let found = path.evaluate(&self.context(element).resolving(&resolve)).unwrap_or_default();
        let mut found = found.iter().filter_map(Item::as_element).copied().peekable();
        (found.peek().is_some(), found.any(|element| test(element, self)))
    }

    fn context(self, element: Element<'a>) -> Context<'a> {
        Context::of(vec![Item::Element(element)]).resource(self.resource).root(Element::untyped(self.root))
    }

    fn resolve(self, reference: &str) -> Option<Element<'a>> {
        let bundle = self.bundle?;
        bundle.resolve(reference, bundle.full_url(self.root)).map(Element::untyped)
    }

    /// `conformsTo()`: whether a resource meets a profile; none where the profile is not at hand.
    fn conforms(self, item: &Item<'_>, canonical: &str) -> Option<bool> {
        self.profiles.get(canonical).filter(|_| self.depth < MAX_CONFORMANCE)?;
        let resource = Resource::try_from(item.to_json()).ok()?;
        Some((self.asking.resource)(&resource, canonical, self.profiles, self.depth + 1))
    }

    /// Whether an element meets a profile, as far as that can be told.
    pub fn meets(self, element: Element<'a>, canonical: &str) -> bool {
        (self.asking.element)(element, canonical, self)
    }

    /// Whether the resource that is being checked is contained in another.
    pub fn is_contained(self) -> bool {
        self.resource.as_map().is_some_and(|resource| !std::ptr::eq(resource, self.root))
    }

    pub fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}
