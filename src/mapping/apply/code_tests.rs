//! Coded values as senders write them: words, alternates, groups and tags for codes.

use serde_json::{Value, json};

use super::tests::{at, map};
use crate::mapping::Mapped;

fn patient(fields: &str) -> Mapped {
    map(&format!("MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A08|1|P|2.5.1\nPID|1||4711^^^RIVERSIDE||{fields}\n"))
}

fn codes(mapped: &Mapped, pointer: &str) -> Vec<String> {
    let codings = at(mapped, "Patient", pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    codings.iter().map(|coding| coding["code"].as_str().unwrap_or_default().to_string()).collect()
}

#[test]
fn languages_are_found_by_any_of_their_codes_by_name_and_in_tags() {
    for (said, code) in [
        ("spa", "es"),
        ("SPA", "es"),
        ("en-US", "en-US"),
        ("PT_br", "pt-BR"),
        ("zh-hans", "zh-Hans"),
        ("chi", "zh"),
        ("Vietnamese", "vi"),
        ("^Hmong", "hmn"),
        ("7^Farsi^L", "fa"),
    ] {
        let mapped = patient(&format!("Doe||||||||||{said}"));
        let found = codes(&mapped, "communication/0/language/coding");
        assert_eq!(found.first().map(String::as_str), Some(code), "{said}");
        assert!(mapped.problems.is_empty(), "{said}: {:?}", mapped.problems);
    }
    // Said, but no language.
    assert_eq!(at(&patient("Doe||||||||||UNK"), "Patient", "communication"), None);
    let unknown = patient("Doe||||||||||Klingonese");
    assert_eq!(unknown.unmapped[0].table, "language");
}

#[test]
fn words_and_alternates_stand_for_codes_and_everything_beside_them_is_kept() {
    let mapped = patient("Doe|||8^Female^L||||||||2^Married^LOCAL^D^Divorced^HL70002^^^the sender's words");
    assert_eq!(at(&mapped, "Patient", "gender"), Some(&json!("female")));
    // The alternate is of the table's own system, and so it is heard before the words.
    assert_eq!(codes(&mapped, "maritalStatus/coding"), ["D", "2", "D"]);
    assert_eq!(at(&mapped, "Patient", "maritalStatus/text"), Some(&json!("the sender's words")));
    assert_eq!(at(&mapped, "Patient", "_gender"), None);
}

#[test]
fn a_code_of_another_system_is_not_taken_for_one_of_the_table() {
    let mapped = patient("Doe|||||||||||Z^^LOCAL^M^^OTHER");
    assert_eq!(codes(&mapped, "maritalStatus/coding"), ["Z", "M"]);
    assert_eq!(mapped.unmapped.iter().filter(|unmapped| unmapped.table == "marital-status").count(), 1);
}

#[test]
fn races_of_one_category_are_one_category_and_each_is_told() {
    let mapped = patient("Doe|||||2036-2^Filipino^CDCREC~2039-6^Japanese^CDCREC~Caucasian");
    let parts = at(&mapped, "Patient", "extension/0/extension").and_then(Value::as_array).unwrap();
    let said: Vec<(&str, &str)> = parts
        .iter()
        .map(|part| (part["url"].as_str().unwrap(), part["valueCoding"]["code"].as_str().unwrap_or_default()))
        .collect();
    let expected = [
        ("ombCategory", "2028-9"),
        ("ombCategory", "2106-3"),
        ("detailed", "2036-2"),
        ("detailed", "2039-6"),
        ("text", ""),
    ];
    assert_eq!(said, expected);
    assert!(mapped.unread.is_empty(), "{:?}", mapped.unread);
}

#[test]
fn what_one_code_costs_at_many_places_is_one_problem() {
    let mapped = patient("Doe^Ann^^^^^QQ~Roe^Ann^^^^^QQ");
    let said: Vec<String> = mapped.problems.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    let unused = mapped.problems[0].unused.as_ref().unwrap();
    assert_eq!(unused.about, "name-type QQ");
    // The second place stands in no problem, and so it is listed.
    assert_eq!(mapped.unread[0].place.to_string(), "PID-5[2].7");
}
