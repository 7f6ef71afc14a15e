//! Any JSON as a resource, against any profile: checking must end soon, never panic, and say a bounded number of things. The
//! input is the canonical URL of a profile to check against besides those claimed, a line end, and the resource as JSON.
//! `cargo +nightly fuzz run validator fuzz/corpus/validator fuzz/seeds/validator -- -max_total_time=600 -timeout=10`

#![no_main]

use handover::fhir::Resource;
use handover::profile::{Profiles, validate, validate_against, validate_draft, validate_own};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    let Some((profile, json)) = text.split_once('\n') else { return Corpus::Reject };
    let Ok(resource) = serde_json::from_str::<Resource>(json) else { return Corpus::Reject };
    let thorough = validate_against(&resource, &[profile.to_string()], Profiles::built_in());
    let plain = validate(&resource);
    assert!(thorough.len() < 250 && plain.len() < 250, "what is said is bounded");
    let is_full = plain.len() > 199 || thorough.len() > 199;
    let is_worse = plain.iter().any(|problem| problem.is_error()) && !thorough.iter().any(|problem| problem.is_error());
    assert!(is_full || !is_worse, "a thorough check finds no less");
    let _ = validate_draft(&resource, &[profile.to_string()], Profiles::built_in());
    let _ = validate_own(&resource);
    Corpus::Keep
});
