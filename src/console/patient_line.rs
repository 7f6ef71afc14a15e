//! A patient in one line of a list: the name, the facts that tell two of one name apart, and how to reach them.

use jiff::civil::Date;

use super::when;
use crate::fhir::{language_word, main_tag};
use crate::pipeline::Who;

#[derive(Clone)]
pub(super) struct PatientLine {
    pub id: String,
    pub name: String,
    /// "68, F".
    pub facts: String,
    /// Where it is not English: "Spanish".
    pub language: String,
    pub phone: String,
}

impl PatientLine {
    pub(super) fn of(who: &Who, today: Date) -> Self {
        let sex = match who.gender.as_str() {
            "female" => "F",
            "male" => "M",
            "other" => "other",
            _ => "",
        };
        let age = who.birth.and_then(|birth| when::age(birth, today)).map(|age| age.to_string());
        let facts: Vec<String> = age.into_iter().chain((!sex.is_empty()).then(|| sex.to_string())).collect();
        Self {
            id: who.id.to_string(),
            name: who.name.clone(),
            facts: facts.join(", "),
            language: language(&who.language),
            phone: who.phone.clone(),
        }
    }
}

/// Nothing for English; a language that has no word here by its tag.
fn language(tag: &str) -> String {
    match language_word(tag) {
        _ if main_tag(tag) == "en" => String::new(),
        word if word == tag && tag.len() <= 3 && !tag.is_empty() => format!("language {tag}"),
        word => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_word_and_english_is_none() {
        for (tag, word) in [
            ("en-US", ""),
            ("", ""),
            ("es", "Spanish"),
            ("ES_mx", "Spanish"),
            ("nv", "language nv"),
            ("Quechua", "Quechua"),
        ] {
            assert_eq!(language(tag), word, "{tag}");
        }
    }
}
