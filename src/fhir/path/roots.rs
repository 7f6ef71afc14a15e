//! What of a type an expression looks at, told from its text: search parameters are shared between types, and name the elements
//! that they search (http://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression).

use std::collections::BTreeSet;

use super::ast::{Node, NodeKind, Operator};
use super::step::Step;

/// The bases that every resource has.
const BASES: [&str; 2] = ["Resource", "DomainResource"];

fn is_of(step: &Step, type_name: &str) -> bool {
    step.name == type_name || BASES.contains(&step.name.as_str())
}

/// The branches of a union that name no other type.
pub(super) fn of_type(node: &Node, type_name: &str) -> Option<Node> {
    if let NodeKind::Binary { operator: Operator::Union, left, right } = &node.kind {
        return match (of_type(left, type_name), of_type(right, type_name)) {
            (Some(left), Some(right)) => {
                let (left, right) = (Box::new(left), Box::new(right));
                let kind = NodeKind::Binary { operator: Operator::Union, left, right };
                Some(Node::new(node.position, kind))
            }
            (one, other) => one.or(other),
        };
    }
    let mut names_another = false;
    node.visit(&mut |part| {
        if let NodeKind::Path { target: None, steps } = &part.kind {
            let first = steps.first();
            names_another |= first.is_some_and(|first| first.may_be_type() && !is_of(first, type_name));
        }
    });
    (!names_another).then(|| node.clone())
}

pub(super) fn roots<'n>(node: &'n Node, type_name: &str) -> BTreeSet<&'n str> {
    let mut found = BTreeSet::new();
    node.visit(&mut |part| {
        if let NodeKind::Path { target: None, steps } = &part.kind
            && steps.first().is_some_and(|first| is_of(first, type_name))
        {
            found.extend(steps.get(1).map(|second| second.name.as_str()));
        }
    });
    found
}

pub(super) fn walks<'n>(node: &'n Node, type_name: &str) -> Vec<Vec<&'n str>> {
    match &node.kind {
        NodeKind::Binary { operator: Operator::Union, left, right } => {
            [walks(left, type_name), walks(right, type_name)].concat()
        }
        NodeKind::Path { target: None, steps } if steps.first().is_some_and(|first| is_of(first, type_name)) => {
            vec![steps.iter().skip(1).map(|step| step.name.as_str()).collect()]
        }
        _ => vec![Vec::new()],
    }
}

pub(super) fn start_names(node: &Node) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    node.visit(&mut |part| {
        if let NodeKind::Path { target: None, steps } = &part.kind {
            found.extend(steps.first().map(|first| first.name.as_str()));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::Expression;

    #[test]
    fn a_shared_parameter_is_cut_to_its_type_and_tells_what_it_looks_at() {
        let shared = Expression::parse_r4(
            "AllergyIntolerance.code | AllergyIntolerance.reaction.substance | Condition.code | (Observation.value as Quantity)",
        )
        .unwrap();
        let roots =
            |kind: &str| shared.of_type(kind).unwrap().roots(kind).into_iter().map(str::to_string).collect::<Vec<_>>();
        assert_eq!(roots("AllergyIntolerance"), ["code", "reaction"]);
        assert_eq!((roots("Condition"), roots("Observation")), (vec!["code".to_string()], vec!["value".to_string()]));
        assert!(shared.of_type("Patient").is_none());
        let tag = Expression::parse_r4("Resource.meta.tag").unwrap();
        assert_eq!(tag.of_type("Task").unwrap().roots("Task").into_iter().collect::<Vec<_>>(), ["meta"]);
        let email = Expression::parse_r4("Patient.telecom.where(system='email')").unwrap();
        assert_eq!(email.roots("Patient").into_iter().collect::<Vec<_>>(), ["telecom"]);
        assert_eq!(email.walks("Patient"), [Vec::<&str>::new()]);
        let given = Expression::parse_r4("Patient.name.given").unwrap();
        assert_eq!(given.walks("Patient"), [["name", "given"]]);
        let value = Expression::parse_r4("value.as(dateTime) | value.as(Period)").unwrap();
        assert_eq!(value.start_names().into_iter().collect::<Vec<_>>(), ["value"]);
    }
}
