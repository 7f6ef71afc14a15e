//! What a call is applied to.

use crate::fhir::path::ast::Call;
use crate::fhir::path::context::Scope;
use crate::fhir::path::error::PathError;
use crate::fhir::path::evaluate::evaluate;
use crate::fhir::path::flow::{Flow, Items, Sink, each};

/// What a call is applied to, item by item.
pub(super) fn input<'a>(call: &'a Call, scope: Scope<'_, 'a>, sink: Sink<'_, 'a>) -> Flow {
    match &call.target {
        Some(target) => scope.stream(target, sink),
        None => each(scope.this, sink),
    }
}

/// What a call is applied to, whole.
pub(super) fn collect<'a>(call: &'a Call, position: u32, scope: Scope<'_, 'a>) -> Result<Items<'a>, PathError> {
    match &call.target {
        Some(target) => evaluate(target, scope),
        None => {
            scope.charge(scope.this.len(), position)?;
            Ok(scope.this.iter().cloned().collect())
        }
    }
}
