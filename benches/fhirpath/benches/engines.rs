//! Ten expressions in this engine and in rh-fhirpath, in one run, on the same resources:
//! `cargo bench --manifest-path benches/fhirpath/Cargo.toml`. Both parse once, before anything is measured. Ours makes its
//! context inside the measurement, as the gateway does for each resource; the other one's owns a copy of the resource,
//! which is made before.

mod cases;

use std::hint::black_box;

use cases::CASES;
use criterion::{Criterion, criterion_group, criterion_main};
use handover::fhir::Resource;
use handover::fhir::path::{Context, Expression, Item};
use rh_fhirpath::{EvaluationContext, FhirPathEvaluator, FhirPathParser};

fn engines(criterion: &mut Criterion) {
    for case in &CASES {
        let mut group = criterion.benchmark_group(case.name);
        let resource: Resource = serde_json::from_value((case.resource)()).unwrap();
        let read = if case.is_of_r4 { Expression::parse_r4 } else { Expression::parse };
        let expression = read(case.expression).unwrap();
        let context = || Context::new(&resource).resolving_types();
        let found: Vec<_> = expression.evaluate(&context()).unwrap().iter().map(Item::to_json).collect();
        println!("{}: {}\n  ours yields {found:?}", case.name, case.expression);
        group.bench_function("handover", |bencher| {
            bencher.iter(|| expression.evaluate(black_box(&context())).unwrap());
        });
        let theirs = FhirPathParser::new().parse(case.expression).unwrap();
        let (evaluator, context) = (FhirPathEvaluator::new(), EvaluationContext::new((case.resource)()));
        match evaluator.evaluate(&theirs, &context) {
            Err(error) => println!("  theirs fails: {error}"),
            Ok(found) => {
                println!("  theirs yields {found:?}");
                group.bench_function("rh-fhirpath", |bencher| {
                    bencher.iter(|| evaluator.evaluate(&theirs, black_box(&context)).unwrap());
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, engines);
criterion_main!(benches);
