//! What looks no further than it must yields the same as what looks at everything; whatever the expression.

use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;
use serde_json::Value;

use super::{blood_pressure, patient};
use crate::fhir::Resource;
use crate::fhir::path::{Context, Expression, Item, PathError};

/// Paths as people write them, and stranger ones.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "-2",
        "1.50",
        "'a'",
        "''",
        "true",
        "{}",
        "@2026-02",
        "@2026-02-03T10:00:00Z",
        "@T10:30",
        "4 'mg'",
        "3 days",
        "$this",
        "$index",
        "$total",
        "%resource",
        "%context",
        "%ucum",
        "name",
        "name.given",
        "Patient.name",
        "birthDate",
        "component",
        "code.coding.code",
        "component.value",
        "Observation.component.value.value",
        "contained",
        "effective",
        "descendants()",
        "children()",
        "now()",
        "today()",
        "id",
        "extension",
        "active",
        "status",
        "multipleBirth",
    ])
    .prop_map(str::to_string);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operators = prop::sample::select(vec![
            "+", "-", "*", "/", "div", "mod", "&", "|", "<", "<=", ">", ">=", "=", "!=", "~", "!~", "in", "contains",
            "and", "or", "xor", "implies",
        ]);
        let kinds =
            prop::sample::select(vec!["string", "Quantity", "System.String", "FHIR.HumanName", "code", "integer"]);
        let functions = prop::sample::select(crate::fhir::path::functions::names().collect::<Vec<_>>());
        let nested = ["where", "select", "exists", "all", "repeat", "iif", "sort", "defineVariable"];
        prop_oneof![
            (inner.clone(), operators, inner.clone())
                .prop_map(|(left, sign, right)| format!("({left} {sign} {right})")),
            (inner.clone(), inner.clone()).prop_map(|(target, index)| format!("{target}[{index}]")),
            (inner.clone(), functions.clone()).prop_map(|(target, name)| format!("{target}.{name}()")),
            (inner.clone(), functions, inner.clone()).prop_map(|(target, name, one)| format!("{target}.{name}({one})")),
            (inner.clone(), prop::sample::select(nested.to_vec()), inner.clone(), inner.clone())
                .prop_map(|(target, name, one, two)| format!("{target}.{name}({one}, {two})")),
            (inner.clone(), prop::sample::select(nested.to_vec()), inner.clone())
                .prop_map(|(target, name, one)| format!("{target}.{name}({one})")),
            (inner.clone(), kinds.clone()).prop_map(|(target, kind)| format!("{target}.ofType({kind})")),
            (inner.clone(), kinds).prop_map(|(value, kind)| format!("({value} is {kind})")),
            (inner.clone(), inner.clone())
                .prop_map(|(before, value)| format!("{before}.defineVariable('v', {value}).select(%v)")),
            inner.prop_map(|value| format!("(-{value})")),
        ]
    })
}

fn evaluate(text: &str, on: &Resource) -> Result<Vec<Value>, PathError> {
    let expression = Expression::parse(text)?;
    let moment = Timestamp::from_second(1_772_445_600).unwrap();
    let context = Context::new(on).at(moment, Offset::UTC).resolving_types();
    expression.evaluate(&context).map(|found| found.iter().map(Item::to_json).collect())
}

fn same(narrow: &str, wide: &Value, on: &Resource) -> Result<(), TestCaseError> {
    let found = evaluate(narrow, on);
    prop_assert_eq!(found.as_deref(), Ok(std::slice::from_ref(wide)), "{}", narrow);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn short_cuts_change_no_result(text in expressions()) {
        for on in [patient(), blood_pressure()] {
            let Ok(found) = evaluate(&text, &on) else { continue };
            same(&format!("({text}).exists()"), &Value::Bool(!found.is_empty()), &on)?;
            same(&format!("({text}).empty()"), &Value::Bool(found.is_empty()), &on)?;
            same(&format!("({text}).count()"), &Value::from(found.len()), &on)?;
            same(&format!("({text} | {text}).exists()"), &Value::Bool(!found.is_empty()), &on)?;
            let first: Vec<Value> = found.iter().take(1).cloned().collect();
            prop_assert_eq!(evaluate(&format!("({text}).first()"), &on), Ok(first.clone()), "{}", text);
            prop_assert_eq!(evaluate(&format!("({text})[0]"), &on), Ok(first), "{}", text);
            prop_assert_eq!(evaluate(&format!("({text}).where(true)"), &on), Ok(found.clone()), "{}", text);
            prop_assert_eq!(evaluate(&format!("({text}).select($this)"), &on), Ok(found), "{}", text);
        }
    }

    #[test]
    fn what_is_shown_parses_to_the_same(text in expressions()) {
        let Ok(expression) = Expression::parse(&text) else { return Ok(()) };
        let again = Expression::parse(&expression.to_string()).unwrap();
        let on = patient();
        prop_assert_eq!(evaluate(again.text(), &on), evaluate(&text, &on));
        let _ = expression.check("Patient");
    }
}
