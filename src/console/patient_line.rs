//! A patient in one line of a list: the name, and the facts that tell two of one name apart.

use jiff::civil::Date;

use super::when;
use crate::pipeline::Who;

pub(super) struct PatientLine {
    pub id: String,
    pub name: String,
    /// "68, F".
    pub facts: String,
    /// Where it is not English.
    pub language: String,
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
        Self { id: who.id.to_string(), name: who.name.clone(), facts: facts.join(", "), language: who.language.clone() }
    }
}
