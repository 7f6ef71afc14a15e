//! The ways in: checks a whole resource, with what is contained in it (http://hl7.org/fhir/R4/validation.html), against
//! R4 core, the profiles it claims and those that are asked for. Does not check whether references exist elsewhere.

use serde_json::{Map, Value};

use super::bundle::Bundle;
use super::check::check_profile;
use super::compiled::Profiles;
use super::contained::{self, Contained};
use super::implied::implied;
use super::place::{Findings, Path};
use super::{bundle_rules, invariants, questionnaire, structure};
use crate::fhir::Resource;
use crate::fhir::definition::{Definitions, Kind};
use crate::fhir::path::{Context, Element, Expression, Item, PathError};
use crate::problem::{Category, Problem};

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
    /// How many profiles have led here.
    pub depth: u32,
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
        let found = start(&resource, &[canonical.to_string()], self.profiles, false, false, self.depth + 1);
        Some(!found.iter().any(Problem::is_error))
    }

    /// Whether the resource that is being checked is contained in another.
    pub fn is_contained(self) -> bool {
        self.resource.as_map().is_some_and(|resource| !std::ptr::eq(resource, self.root))
    }

    pub fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

/// All errors of a resource against R4 core. None means that it is valid as far as that goes.
pub fn validate(resource: &Resource) -> Vec<Problem> {
    start(resource, &[], Profiles::built_in(), false, false, 0)
}

/// All errors of a draft's resource against R4 core and the profiles asked for. Its references to other drafts are written
/// `#Observation.3`.
pub fn validate_draft(resource: &Resource, asked: &[String], profiles: &Profiles) -> Vec<Problem> {
    start(resource, asked, profiles, true, false, 0)
}

/// All errors of a resource against R4 core and some profiles, whatever it claims itself.
pub(super) fn validate_as(resource: &Resource, asked: &[String], profiles: &Profiles) -> Vec<Problem> {
    start(resource, asked, profiles, false, false, 0)
}

/// All faults of a resource against R4 core, the profiles that it and what it holds claim in `meta.profile`, and those
/// asked for, by their canonical URLs. Errors make it invalid; warnings are advice; information says what could not be
/// checked, because a definition is not at hand.
pub fn validate_against(resource: &Resource, asked: &[String], profiles: &Profiles) -> Vec<Problem> {
    start(resource, asked, profiles, false, true, 0)
}

fn start(
    resource: &Resource,
    asked: &[String],
    profiles: &Profiles,
    is_draft: bool,
    is_thorough: bool,
    depth: u32,
) -> Vec<Problem> {
    let mut findings = Findings::default();
    let map = resource.as_map();
    let contained = Contained::of(map);
    let validation = Validation {
        root: map,
        resource: Element::untyped(map),
        is_draft,
        is_thorough,
        profiles,
        bundle: None,
        contained: Some(&contained),
        depth,
    };
    let path = Path::root(resource.resource_type());
    if check_resource(map, validation, &path, &mut findings) {
        for canonical in asked.iter().filter(|asked| !is_thorough || !claims(map).any(|own| own == asked.as_str())) {
            check_profile(Element::untyped(map), canonical, &path, validation, &mut findings);
        }
    }
    findings.finish()
}

/// The profiles that a resource says it meets.
pub(super) fn claims(map: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let claimed = map.get("meta").and_then(|meta| meta.get("profile")).and_then(Value::as_array);
    claimed.into_iter().flatten().filter_map(Value::as_str)
}

/// Checks a resource at `path`; false for something that is none. `validation.root` is the outermost resource.
pub(super) fn check_resource<'a>(
    map: &'a Map<String, Value>,
    validation: Validation<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> bool {
    let known = Definitions::r4();
    let Some(name) = map.get("resourceType").and_then(Value::as_str) else {
        findings.error(Category::Structure, path, "a resource says with `resourceType` what it is");
        return false;
    };
    let definition =
        known.type_definition(name).filter(|definition| known.is_resource(name) && !definition.is_abstract);
    let Some(definition) = definition else {
        let names = known.type_names(Kind::Resource);
        let near = (!findings.is_full()).then(|| crate::yaml::nearest(name, names)).flatten();
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        findings.error(Category::Structure, path, format!("R4 has no resource of this type{hint}"));
        return false;
    };
    let resource = Element::typed(map, definition);
    let bundle = (name == "Bundle").then(|| Bundle::new(map));
    let own = validation.contained.is_none().then(|| Contained::of(validation.root));
    let contained = own.as_ref().or(validation.contained);
    let validation = Validation { resource, bundle: bundle.as_ref().or(validation.bundle), contained, ..validation };
    structure::check_object(map, definition, path, validation, findings);
    invariants::check(resource, definition, None, path, validation, findings);
    contained::check_ids(map, path, findings);
    if let Some(bundle) = &bundle {
        bundle.check(path, findings);
        bundle_rules::check(map, bundle, validation.is_thorough, path, findings);
    }
    if validation.is_thorough {
        for canonical in claims(map) {
            check_profile(resource, canonical, path, validation, findings);
        }
        for canonical in &implied(map, validation.profiles) {
            check_profile(resource, canonical, path, validation, findings);
        }
        if name == "QuestionnaireResponse" {
            questionnaire::check(map, path, validation, findings);
        }
    }
    true
}
