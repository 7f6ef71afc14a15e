//! Invariants (http://hl7.org/fhir/R4/conformance-rules.html#constraints), R4's own and those of profiles, through our
//! FHIRPath engine. Those that only warn are advice, for thorough checks.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::errata::corrected;
use super::meanings::meaning;
use super::place::{Findings, Path};
use super::rules::Invariant;
use super::site::Site;
use super::validation::Validation;
use crate::fhir::definition::{Constraint, Definitions, ElementDefinition, TypeDefinition};
use crate::fhir::path::{Element, Expression};
use crate::problem::Category;

/// Invariants by their place in memory, which they keep, as they are to be evaluated (see `errata`).
type Parsed = HashMap<usize, Arc<[Rule]>>;

struct Rule {
    is_error: bool,
    /// What it means, or its FHIRPath where nobody has said that in words.
    text: String,
    /// None for one that cannot be read.
    expression: Option<Expression>,
}

/// Each invariant is parsed once, when a resource first needs it.
static PARSED: LazyLock<RwLock<Parsed>> = LazyLock::new(RwLock::default);

/// Checks what is said of an element's type, of the types it derives from, and of the element itself.
pub(super) fn check<'a>(
    own: Element<'a>,
    definition: &'static TypeDefinition,
    element: Option<&'static ElementDefinition>,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let mut kind = Some(definition);
    while let Some(definition) = kind {
        for constraint in &definition.constraints {
            check_one(own, constraint, path, validation, findings);
        }
        kind = definition.base.as_deref().and_then(|base| Definitions::r4().type_definition(base));
    }
    for element in [element, element.and_then(origin)].into_iter().flatten() {
        check_element(own, element, path, validation, findings);
    }
}

/// The element that is meant by `contentReference`: what is said of `Questionnaire.item` holds for the items inside it too.
fn origin(element: &'static ElementDefinition) -> Option<&'static ElementDefinition> {
    let (parent, name) = element.content.as_deref()?.rsplit_once('.')?;
    Definitions::r4().element(parent, name)
}

/// Checks what is said of the element itself: all that is said of a primitive (`Narrative.div`) beyond its syntax.
pub(super) fn check_element<'a>(
    own: Element<'a>,
    element: &'static ElementDefinition,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    for (index, constraint) in element.constraints.iter().enumerate() {
        // Two keys for one condition are one cause (txt-1 and txt-2).
        let earlier = element.constraints.iter().take(index);
        if !earlier.into_iter().any(|other| other.expression == constraint.expression) {
            check_one(own, constraint, path, validation, findings);
        }
    }
}

/// Checks what a profile says of an element.
pub(super) fn check_profile<'a>(
    own: Element<'a>,
    invariants: &[Invariant],
    site: &Site<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    for invariant in invariants.iter().filter(|invariant| invariant.is_error || validation.is_thorough) {
        let text = meaning(&invariant.key, &invariant.text).unwrap_or(&invariant.text);
        let said = Said { key: &invariant.key, text, is_error: invariant.is_error };
        evaluate(own, &said, invariant.expression.as_ref(), &site.path, validation, findings);
    }
}

fn check_one<'a>(
    own: Element<'a>,
    constraint: &'static Constraint,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    // `references.rs` looks after ref-1 itself, because it knows of drafts and tells the place. What is contained needs no
    // narrative (dom-6): that of the whole tells of it.
    if constraint.key == "ref-1" || (constraint.key == "dom-6" && validation.is_contained()) {
        return;
    }
    for rule in parsed(constraint).iter().filter(|rule| rule.is_error || validation.is_thorough) {
        let said = Said { key: &constraint.key, text: &rule.text, is_error: rule.is_error };
        evaluate(own, &said, rule.expression.as_ref(), path, validation, findings);
    }
}

struct Said<'s> {
    key: &'s str,
    text: &'s str,
    is_error: bool,
}

fn evaluate(
    own: Element<'_>,
    said: &Said<'_>,
    expression: Option<&Expression>,
    path: &Path<'_>,
    validation: Validation<'_>,
    findings: &mut Findings,
) {
    let Some(expression) = expression else {
        let text = format!("the invariant {} cannot be read, so it was not checked", said.key);
        findings.warning(Category::Processing, path, text);
        return;
    };
    let text = match validation.matches(own, expression) {
        Ok(true) => return,
        Ok(false) => format!("the invariant {} does not hold: {}", said.key, said.text),
        Err(_) => {
            let text = format!("the invariant {} cannot be evaluated here, so it was not checked", said.key);
            findings.warning(Category::Processing, path, text);
            return;
        }
    };
    if said.is_error {
        findings.error(Category::Invariant, path, text);
    } else {
        findings.warning(Category::Invariant, path, text);
    }
}

fn parsed(constraint: &'static Constraint) -> Arc<[Rule]> {
    let key = std::ptr::from_ref(constraint).addr();
    if let Some(known) = PARSED.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return known.clone();
    }
    let rules: Arc<[Rule]> = corrected(constraint)
        .into_iter()
        .map(|rule| Rule {
            is_error: rule.is_error,
            expression: Expression::parse_r4(&rule.expression).ok(),
            text: meaning(&rule.key, &rule.expression).map(str::to_string).unwrap_or(rule.expression),
        })
        .collect();
    PARSED.write().unwrap_or_else(PoisonError::into_inner).insert(key, rules.clone());
    rules
}
