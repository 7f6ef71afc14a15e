//! What a rule implies of a patient: that somebody has work of a protocol for substance use tells of substance use, whatever
//! the words of the work are.

use serde_json::Value;

use super::sensitive::{SENSITIVE, Sensitive, labels_for};
use crate::fhir::ValueSets;

/// The labels of what asks for these value sets or codes: those of each sensitivity that one of them lies within.
pub fn implied_labels(sets: &[String], listed: &[(String, String)], value_sets: &ValueSets) -> Vec<Value> {
    let is_implied = |sensitive: &str| {
        sets.iter().any(|set| value_sets.is_within(set, sensitive))
            || listed.iter().any(|(system, code)| value_sets.contains(sensitive, system, code))
    };
    // What is not restricted lets a rule choose a level, as pregnancy does, and says nothing of whom it is about.
    let restricted = SENSITIVE.iter().filter(|set| set.is_restricted);
    let implied: Vec<&Sensitive> = restricted.filter(|set| is_implied(set.value_set)).collect();
    labels_for(&implied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(sets: &[&str], listed: &[(&str, &str)]) -> Vec<String> {
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        let listed: Vec<(String, String)> =
            listed.iter().map(|(system, code)| (system.to_string(), code.to_string())).collect();
        let labels = implied_labels(&sets, &listed, ValueSets::built_in());
        labels.iter().map(|label| label["code"].as_str().unwrap().to_string()).collect()
    }

    #[test]
    fn a_value_set_that_is_sensitive_implies_it_and_one_that_reaches_into_it_does_not() {
        assert_eq!(codes(&["copd", "substance-use"], &[]), ["ETH", "R"]);
        assert_eq!(codes(&["mental-illness"], &[]), ["PSY", "R"]);
        assert_eq!(codes(&["pregnancy"], &[]), Vec::<String>::new());
        assert_eq!(codes(&["high-risk-chronic-conditions"], &[]), Vec::<String>::new());
        assert_eq!(codes(&[], &[("http://hl7.org/fhir/sid/icd-10-cm", "B20")]), ["HIV", "R"]);
        assert_eq!(codes(&["nothing-of-that-name"], &[]), Vec::<String>::new());
    }
}
