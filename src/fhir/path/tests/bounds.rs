//! Every evaluation ends soon, whatever the expression: depth, work, collections and texts are bounded.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{patient, resource};
use crate::fhir::Resource;
use crate::fhir::path::{Context, Expression, Item, PathError};

/// What an unoptimised build may take for the most work there is.
const LONGEST: Duration = Duration::from_secs(20);

#[track_caller]
fn refused(text: &str) -> String {
    let (patient, started) = (patient(), Instant::now());
    let refused = match Expression::parse(text) {
        Err(error) => error.text,
        Ok(expression) => expression.evaluate(&Context::new(&patient)).map(|found| found.len()).unwrap_err().text,
    };
    assert!(started.elapsed() < LONGEST, "{text} took {:?}", started.elapsed());
    refused
}

#[test]
fn nesting_and_length_are_bounded_when_parsing() {
    assert!(refused(&format!("{}1{}", "(".repeat(500), ")".repeat(500))).contains("nested too deeply"));
    assert!(refused(&format!("{}1", "-".repeat(500))).contains("nested too deeply"));
    assert!(refused(&format!("1{}", "+1".repeat(5000))).contains("in a row"));
    assert!(refused(&format!("a{}", ".a".repeat(5000))).contains("in a row"));
    assert!(refused(&format!("a{}", "[0]".repeat(5000))).contains("in a row"));
    assert!(refused(&"a".repeat(20_000)).contains("characters"));
    let search_parameter = vec!["Observation.code"; 120].join(" | ");
    assert!(Expression::parse(&search_parameter).is_ok());
}

#[test]
fn the_deepest_expression_fits_a_small_stack() {
    let nested = (0..48).fold("true".to_string(), |inner, _| format!("where({inner})"));
    let tests = [
        format!("name{}", ".where(true)".repeat(49)),
        format!("name{}", ".select($this)".repeat(49)),
        format!("name{}", ".first()".repeat(49)),
        format!("name{}", "[0]".repeat(148)),
        format!("1{}", "+1".repeat(148)),
        format!("true{}", " and true".repeat(148)),
        format!("'a'{}", " & 'a'".repeat(148)),
        format!("id{}", " | id".repeat(148)),
        format!("extension{}", ".extension".repeat(148)),
        format!("{}true{}", "iif(true, ".repeat(48), ")".repeat(48)),
        format!("name.{nested}"),
        format!("{}1{}", "(".repeat(60), " + 1)".repeat(60)),
    ];
    let small = std::thread::Builder::new().stack_size(1_048_576);
    let done = small.spawn(move || {
        let patient = patient();
        for text in tests {
            let expression = Expression::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            expression.evaluate(&Context::new(&patient)).unwrap_or_else(|error| panic!("{error}: {text}"));
            let _ = expression.check("Patient");
        }
    });
    done.unwrap().join().unwrap();
}

#[test]
fn work_and_collections_are_bounded() {
    let mut text = "(1|2|3|4|5|6|7|8|9)".to_string();
    for _ in 0..9 {
        text = format!("{text}.select(1.combine(2).combine(3).combine(4).combine(5).combine(6))");
    }
    assert!(refused(&text).contains("more than 200000 items"));
    let mut nested = "true".to_string();
    for _ in 0..9 {
        nested = format!("(1|2|3|4|5|6|7).all({nested})");
    }
    assert!(refused(&nested).contains("too many items"));
    assert!(refused("1.repeat($this + 1)").contains("too many items"));
    assert!(refused("(1|2|3).aggregate($total.combine($total).combine(1), 1).combine(1).aggregate(iif($total.count() > 0, $total.combine($total).select($this | 1 | 2 | 3).repeat($this + 1)), 1)").contains("items"));
}

#[test]
fn texts_do_not_grow_without_bound() {
    let doubled = |step: &str| format!("'aaaaaaaaaaaaaaaa'{}", step.repeat(40));
    for step in [
        ".select($this & $this)",
        ".select($this + $this)",
        ".replace('', 'aaaaaaaa')",
        ".replaceMatches('a', '$0$0')",
        ".replace('a', 'aa')",
        ".select(($this.combine($this)).join(''))",
        ".encode('hex')",
    ] {
        let text = refused(&doubled(step));
        assert!(text.contains("bytes") || text.contains("too many items"), "{step}: {text}");
    }
}

#[test]
fn slow_patterns_are_cut_off() {
    let long = "a".repeat(100_000);
    let basic = resource(json!({ "resourceType": "Basic", "id": long }));
    for pattern in ["(a*)*b", "(a|aa)+$", "a{1,200}b", "(?:a{1,30}){1,30}b", ".*.*.*.*x"] {
        let started = Instant::now();
        if let Ok(expression) = Expression::parse(&format!("id.matches('{pattern}')")) {
            let _ = expression.evaluate(&Context::new(&basic));
        }
        assert!(started.elapsed() < LONGEST, "{pattern} took {:?}", started.elapsed());
    }
}

#[test]
fn a_deep_resource_is_no_danger() {
    let deep = |depth: usize| {
        let value = (0..depth).fold(json!({ "url": "x" }), |inner, _| json!({ "url": "x", "extension": [inner] }));
        resource(json!({ "resourceType": "Basic", "extension": [value] }))
    };
    // Deeper than the first the parser of JSON lets nothing through.
    let (deepest, deeper) = (deep(60), deep(100));
    let small = std::thread::Builder::new().stack_size(1_048_576);
    std::thread::scope(|scope| {
        let done = small.spawn_scoped(scope, || {
            let count = |text: &str, on: &Resource| {
                let expression = Expression::parse(text).unwrap();
                expression.evaluate(&Context::new(on)).unwrap()[0].to_json()
            };
            assert_eq!(count("descendants().ofType(Extension).count()", &deepest), json!(61));
            assert_eq!(count("repeat(extension).count()", &deepest), json!(61));
            assert_eq!(count("descendants().ofType(Extension).count()", &deeper), json!(101));
        });
        done.unwrap().join().unwrap();
    });
}

#[test]
fn everything_is_shared_between_threads_and_all_find_the_same() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Expression>();
    is_shared::<Context<'_>>();
    is_shared::<Item<'_>>();
    is_shared::<PathError>();
    let (patient, reading) = (patient(), super::blood_pressure());
    let expression = Expression::parse("descendants().where($this is Quantity or $this is HumanName).count()").unwrap();
    let count = |on| expression.evaluate(&Context::new(on)).unwrap()[0].to_json();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!((count(&patient), count(&reading)), (Value::from(2), Value::from(2)));
                }
            });
        }
    });
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_or_the_evaluation_panic(text in "[a-z0-9.()' =<>+*/|&@T:%$\\[\\]{},-]{0,60}") {
        if let Ok(expression) = Expression::parse(&text) {
            let patient = patient();
            let _ = expression.evaluate(&Context::new(&patient));
            let _ = expression.check("Patient");
        }
    }

    #[test]
    fn no_chain_of_functions_makes_the_evaluation_panic(
        start in prop::sample::select(vec!["name", "birthDate", "1", "'a'", "@2026-02", "1.5 'mg'", "{}", "descendants()", "(1|2)"]),
        steps in prop::collection::vec(prop::sample::select(crate::fhir::path::functions::names().collect::<Vec<_>>()), 1..4),
        argument in prop::sample::select(vec!["", "1", "-1", "'x'", "$this", "true", "40", "name", "Quantity"]),
    ) {
        let text = steps.iter().fold(start.to_string(), |text, step| format!("{text}.{step}({argument})"));
        let plain = steps.iter().fold(start.to_string(), |text, step| format!("{text}.{step}()"));
        for text in [text, plain] {
            if let Ok(expression) = Expression::parse(&text) {
                let patient = patient();
                let _ = expression.evaluate(&Context::new(&patient).at(Timestamp::UNIX_EPOCH, Offset::UTC));
                let _ = expression.check("Patient");
            }
        }
    }
}
