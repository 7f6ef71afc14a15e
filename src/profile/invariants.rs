//! R4's own invariants (http://hl7.org/fhir/R4/conformance-rules.html#constraints), through our FHIRPath engine. Those
//! that only warn are left out: they are advice on style, and most resources of real senders would drown in them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::place::Findings;
use super::validate::Validation;
use crate::fhir::definition::{Constraint, Definitions, ElementDefinition, TypeDefinition};
use crate::fhir::path::{Context, Element, Expression, Item};
use crate::problem::Category;

/// Invariants by their text; none for one that cannot be read.
type Parsed = HashMap<&'static str, Option<Arc<Expression>>>;

/// Each invariant is parsed once, when a resource first needs it.
static PARSED: LazyLock<RwLock<Parsed>> = LazyLock::new(RwLock::default);

/// Checks what is said of an element's type, of the types it derives from, and of the element itself.
pub(super) fn check<'a>(
    own: Element<'a>,
    definition: &'static TypeDefinition,
    element: Option<&'static ElementDefinition>,
    path: &str,
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
    for constraint in element.into_iter().flat_map(|element| &element.constraints) {
        check_one(own, constraint, path, validation, findings);
    }
}

fn check_one<'a>(
    own: Element<'a>,
    constraint: &'static Constraint,
    path: &str,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    // `references.rs` looks after ref-1 itself, because it knows of drafts and tells the place.
    if !constraint.is_error || constraint.key == "ref-1" {
        return;
    }
    let Some(expression) = parsed(&constraint.expression) else {
        let text = format!("the invariant {} cannot be read, so it was not checked", constraint.key);
        findings.warning(Category::Processing, path, text);
        return;
    };
    let root = Element::untyped(validation.root);
    let context = Context::of(vec![Item::Element(own)]).resource(validation.resource).root(root);
    match expression.matches(&context) {
        Ok(true) => {}
        Ok(false) => {
            let text = format!("the invariant {} does not hold: {}", constraint.key, constraint.expression);
            findings.error(Category::Invariant, path, text);
        }
        Err(_) => {
            let text = format!("the invariant {} cannot be evaluated here, so it was not checked", constraint.key);
            findings.warning(Category::Processing, path, text);
        }
    }
}

fn parsed(text: &'static str) -> Option<Arc<Expression>> {
    if let Some(known) = PARSED.read().unwrap_or_else(PoisonError::into_inner).get(text) {
        return known.clone();
    }
    let expression = Expression::parse_r4(text).ok().map(Arc::new);
    PARSED.write().unwrap_or_else(PoisonError::into_inner).insert(text, expression.clone());
    expression
}
