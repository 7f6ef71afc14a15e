//! Value sets counted in the codes of ICD-10-CM that can be billed (`tests/codes/icd10cm.txt`, made by the script beside it):
//! a range that is too wide or too narrow by one code is seen here.

use super::ValueSets;
use super::rule::Intent;

/// Code without its dot, and the intent that its description says.
fn codes() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let lines = include_str!("../../../tests/codes/icd10cm.txt").lines();
    lines.map(|line| line.split_once(' ').map_or((line, None), |(code, intent)| (code, Some(intent))))
}

#[test]
fn every_set_holds_as_many_codes_as_its_source_says() {
    let sets = ValueSets::built_in();
    let expected = [
        // Self-harm of NCHS: 129 of X71-X83, 534 poisonings, 408 toxic effects, 24 suffocations, 3 attempts; and R45.88.
        ("intentional-self-harm", 129 + 534 + 408 + 24 + 3 + 1),
        ("suicidal-thoughts", 1),
        ("mental-illness", 179),
        // All of F20-F99, self-harm, and the thoughts of R45.85.
        ("mental-health", 323 + 1099 + 2),
        ("substance-use", 438),
        ("drug-overdose", 150),
        // The groups of FMC; depression is 20 without premenstrual dysphoric disorder.
        ("chronic-lung-disease", 5 + 18 + 5 + 1),
        ("dementia", 72 + 4 + 2 + 1),
        ("chronic-kidney-disease", 9),
        ("depression", 20 - 1),
        ("heart-failure", 23 + 4),
        ("myocardial-infarction", 18 + 1),
        ("atrial-fibrillation", 9),
        ("stroke", 118 + 6),
        ("copd", 5 + 5),
        ("copd-exacerbation", 2),
        // Abuse, assault beside who did it (Y07), and poisoning or suffocation by another's hand.
        ("sensitive-violence", 189 + 157 + 969),
        ("sensitive-hiv", 17),
        // Ended pregnancies, contraception, infections, gender; with what asks for them.
        ("sensitive-reproductive-health", 310),
        ("sensitive-pregnancy", 2435),
    ];
    let counted =
        expected.map(|(name, _)| (name, codes().filter(|(code, _)| sets.contains(name, "icd10cm", code)).count()));
    assert_eq!(counted, expected);
}

#[test]
fn the_intent_in_a_code_is_the_one_its_description_says() {
    let mut compared = 0;
    for (code, said) in codes() {
        let Some(word) = said.filter(|word| *word != "none") else { continue };
        let read = Intent::of(code).and_then(|intent| Intent::WORDS.iter().find(|(_, known)| *known == intent));
        assert_eq!(read.map(|(known, _)| *known), Some(word), "{code}");
        compared += 1;
    }
    assert!(compared > 4_900, "{compared}");
}

#[test]
fn no_code_of_an_adverse_effect_or_of_underdosing_is_an_overdose_or_substance_use() {
    let sets = ValueSets::built_in();
    for (code, _) in codes().filter(|(_, said)| matches!(said, Some("adverse-effect" | "underdosing"))) {
        for set in ["drug-overdose", "substance-use", "intentional-self-harm", "sensitive-substance-use"] {
            assert!(!sets.contains(set, "icd10cm", code), "{code} is in {set}");
        }
    }
}
