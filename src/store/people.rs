//! People found as a front desk asks for them: by parts of a name in any order, whatever the accents, by birth date, by a number,
//! by phone. Both stores keep an index of just these words, written in the same commit as the Patient. Pure; every store asks here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::fhir::search::fold;
use crate::fhir::{Resource, is_deleted};
use crate::identity::{PersonId, ResourceId};
use crate::record::Stored;

/// Words of the index that are looked at for one part of a question. What fits more people than that is tested on those whom the
/// other parts find; a question of nothing else is too wide to be answered.
pub const MOST_PEOPLE: usize = 10_000;
/// Words of one Patient in the index, and characters of one word and of the name that people are sorted by.
const MOST_WORDS: usize = 200;
const LONGEST: usize = 80;

/// Whom to find: everybody of whom each part holds, and of a part any of its words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleQuery {
    pub parts: Vec<Vec<FindWord>>,
}

/// A word of the index as a whole, or its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindWord {
    word: String,
    pub is_whole: bool,
}

/// A page of the people found, in the order of their names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PeopleFound {
    pub items: Vec<Stored>,
    /// Exactly how many there are; none where that is more than can be looked through, and then nobody is given.
    pub total: Option<usize>,
}

/// What one part of a question found, by Patient with the name that it is sorted by; none where it fits too many.
pub(super) type Reached = Option<BTreeMap<ResourceId, String>>;

impl FindWord {
    /// A name that begins so.
    pub fn name(text: &str) -> Self {
        Self { word: format!("n{text}"), is_whole: false }
    }

    /// A date, `1969-09-01`, or its beginning: `1969-09`, `1969`.
    pub fn birth(date: &str) -> Self {
        Self { word: format!("b{date}"), is_whole: false }
    }

    /// A number as it was given, or one that begins so.
    pub fn number(value: &str, is_whole: bool) -> Self {
        Self { word: format!("i{}", plain_number(value)), is_whole }
    }

    /// A phone number, with or without its country and its signs; of one without area the end.
    pub fn phone(text: &str) -> Self {
        let digits = national(text);
        match digits.len() {
            7 => Self { word: format!("e{digits}"), is_whole: true },
            _ => Self { word: format!("p{digits}"), is_whole: false },
        }
    }

    pub fn word(&self) -> &str {
        &self.word
    }

    fn fits(&self, words: &BTreeSet<String>) -> bool {
        match self.is_whole {
            true => words.contains(&self.word),
            false => words.range(self.word.clone()..).next().is_some_and(|word| word.starts_with(&self.word)),
        }
    }
}

impl PeopleQuery {
    /// Those who fit the parts that could be looked through, with the places of the parts still to be tested on each of them.
    pub(super) fn combined(&self, reached: Vec<Reached>) -> Option<(BTreeMap<ResourceId, String>, Vec<usize>)> {
        let wide = reached.iter().enumerate().filter(|(_, one)| one.is_none()).map(|(place, _)| place).collect();
        let mut narrow: Vec<BTreeMap<ResourceId, String>> = reached.into_iter().flatten().collect();
        narrow.sort_by_key(BTreeMap::len);
        let mut narrow = narrow.into_iter();
        let mut found = narrow.next()?;
        for other in narrow {
            found.retain(|id, _| other.contains_key(id));
        }
        Some((found, wide))
    }

    /// Whether the parts at these places hold of a Patient.
    pub(super) fn holds(&self, places: &[usize], patient: &Stored) -> bool {
        let words = words_of(patient);
        let mut parts = places.iter().filter_map(|place| self.parts.get(*place));
        parts.all(|part| part.iter().any(|word| word.fits(&words)))
    }
}

/// Those found under their names, each once, for whom the record is now that they belong to; sorted, with those of a page.
pub(super) fn in_order(
    found: BTreeMap<ResourceId, String>,
    left: impl Fn(PersonId) -> PersonId,
    (from, count): (usize, usize),
) -> (Vec<ResourceId>, usize) {
    let mut people: BTreeMap<PersonId, String> = BTreeMap::new();
    for (id, name) in found {
        let person = left(id.person);
        // Somebody who was found under two records is told by the name of the one that is left.
        if person == id.person {
            people.insert(person, name);
        } else {
            people.entry(person).or_insert(name);
        }
    }
    let mut sorted: Vec<(String, PersonId)> = people.into_iter().map(|(person, name)| (name, person)).collect();
    sorted.sort();
    let total = sorted.len();
    let page = sorted.into_iter().skip(from).take(count);
    (page.map(|(_, person)| ResourceId::patient(person)).collect(), total)
}

/// The words that a Patient is found by; none of one that is gone.
pub(super) fn words_of(stored: &Stored) -> BTreeSet<String> {
    let patient = &stored.resource;
    let is_own = stored.id == ResourceId::patient(stored.id.person);
    if patient.resource_type() != "Patient" || !is_own || stored.state.superseded.is_some() || is_deleted(patient) {
        return BTreeSet::new();
    }
    let mut words = BTreeSet::new();
    for name in items(patient, "name") {
        let parts = ["family", "given", "text"].into_iter().filter_map(|part| name.get(part));
        parts.flat_map(texts).for_each(|text| words.extend(name_words(text).map(|word| format!("n{word}"))));
    }
    words.extend(patient.text("birthDate").map(|date| format!("b{date}")));
    let values = items(patient, "identifier").filter_map(|one| one.get("value")?.as_str());
    words.extend(values.map(plain_number).filter(|value| !value.is_empty()).map(|value| format!("i{value}")));
    let of_contacts = items(patient, "contact").filter_map(|contact| contact.get("telecom")?.as_array()).flatten();
    for point in items(patient, "telecom").chain(of_contacts) {
        let is_phone = matches!(point.get("system").and_then(Value::as_str), Some("phone" | "sms" | "pager" | "fax"));
        let digits = point.get("value").and_then(Value::as_str).map(national).unwrap_or_default();
        if is_phone && !digits.is_empty() {
            let end: String = digits.chars().skip(digits.len().saturating_sub(7)).collect();
            words.extend([format!("p{digits}"), format!("e{end}")]);
        }
    }
    // Nothing lost: a Patient with more names than anybody has is found by the others, and so is a name longer than that.
    words.into_iter().map(|word| short(&word)).take(MOST_WORDS).collect()
}

/// What a Patient is sorted by: family and given names as they are found, then the birth date.
pub(super) fn sort_name(stored: &Stored) -> String {
    let patient = &stored.resource;
    let name = items(patient, "name").find(|name| name.get("use").and_then(Value::as_str) != Some("old"));
    let parts = ["family", "given", "text"].into_iter().filter_map(|part| name?.get(part));
    let name: Vec<String> = parts.flat_map(texts).map(plain).collect();
    short(&format!("{} {}", name.join(" "), patient.text("birthDate").unwrap_or_default()))
}

/// The words of a name as they are kept and asked for: small letters without accents; what signs part stands apart and together.
pub fn name_words(text: &str) -> impl Iterator<Item = String> {
    let plain = plain(text);
    let mut words = BTreeSet::new();
    for word in plain.split_whitespace() {
        let parts: Vec<&str> =
            word.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
        words.insert(parts.concat());
        words.extend(parts.into_iter().map(str::to_string));
    }
    words.remove("");
    words.into_iter()
}

/// The parts of one word of a question; each must be found, alone or in the word as a whole.
pub fn asked_name(word: &str) -> Vec<Vec<FindWord>> {
    let plain = plain(word);
    let parts: Vec<&str> =
        plain.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let whole = parts.concat();
    let of_part = |part: &&str| {
        let mut words = vec![FindWord::name(part)];
        words.extend((**part != whole).then(|| FindWord::name(&whole)));
        words
    };
    parts.iter().map(of_part).collect()
}

/// Small letters without accents; letters that are no letter with an accent as people write them who do not have them.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in fold(text).chars() {
        match letter {
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'ø' => plain.push('o'),
            'ł' => plain.push('l'),
            'đ' | 'ð' => plain.push('d'),
            'ı' => plain.push('i'),
            'þ' => plain.push_str("th"),
            other => plain.push(other),
        }
    }
    plain
}

/// Letters and digits alone, in small letters: `L-20417` is `l20417`.
pub fn plain_number(value: &str) -> String {
    plain(value).chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// The digits of a phone number, without the country where that is North America.
fn national(text: &str) -> String {
    let number = text.trim_start_matches("tel:");
    // Nothing lost: an extension is dialled after the number and is no part of it.
    let number = number.split(['x', 'X', ';', '#']).next().unwrap_or_default();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").map_or(digits.clone(), str::to_string);
    match digits.strip_prefix('1') {
        Some(rest) if rest.len() == 10 => rest.to_string(),
        _ => digits,
    }
}

fn short(text: &str) -> String {
    // Nothing lost: it is what is looked for by its beginning, never shown.
    text.chars().filter(|letter| *letter != '\0').take(LONGEST).collect()
}

fn items<'r>(resource: &'r Resource, element: &str) -> impl Iterator<Item = &'r Value> {
    resource.get(element).and_then(Value::as_array).into_iter().flatten()
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::Identifier;

    fn patient(content: Value) -> Stored {
        let id = ResourceId::patient(PersonId::of(&Identifier::new("urn:s", "1")));
        let mut resource = Resource::new("Patient");
        for (element, value) in content.as_object().unwrap() {
            resource.set(element, value.clone());
        }
        Stored { id, version: 1, updated: jiff::Timestamp::UNIX_EPOCH, resource, state: Default::default() }
    }

    fn lupita() -> Stored {
        patient(json!({
            "name": [
                { "family": "Hernández-Villanueva de la Cruz", "given": ["María Guadalupe"] },
                { "use": "nickname", "text": "Lupita" }
            ],
            "birthDate": "1969-09-01",
            "identifier": [{ "system": "urn:a", "value": "L-20417" }],
            "telecom": [{ "system": "phone", "value": "+1 (555) 014-1025 ext. 7" }, { "system": "email", "value": "l99@x.example" }],
            "contact": [{ "telecom": [{ "system": "phone", "value": "555-014-1026" }] }]
        }))
    }

    fn fits(words: &[FindWord]) -> bool {
        let kept = words_of(&lupita());
        words.iter().all(|word| word.fits(&kept))
    }

    #[test]
    fn a_person_is_found_by_every_part_of_the_name_and_of_the_rest() {
        for name in ["maria", "hernan", "villanueva", "hernandezvillanueva", "cruz", "lupi", "guadalupe"] {
            assert!(fits(&[FindWord::name(name)]), "{name}");
        }
        for phone in ["555-014-1025", "15550141025", "0141025", "(555) 014 10", "555.014.1026", "tel:+1-555-014-1025"] {
            assert!(fits(&[FindWord::phone(phone)]), "{phone}");
        }
        assert!(fits(&[FindWord::birth("1969-09-01"), FindWord::birth("1969"), FindWord::birth("1969-09")]));
        assert!(fits(&[FindWord::number("l20417", true), FindWord::number("L-204", false)]));
        for not in
            [FindWord::name("nandez"), FindWord::number("204", false), FindWord::birth("1968"), FindWord::phone("99")]
        {
            assert!(!fits(std::slice::from_ref(&not)), "{not:?}");
        }
    }

    #[test]
    fn letters_that_a_keyboard_lacks_are_found_by_those_that_it_has() {
        let one = patient(json!({ "name": [{ "family": "Łukasiewicz-Strauß", "given": ["Bjørn", "Đặng"] }] }));
        let kept = words_of(&one);
        for word in ["nlukasiewicz", "nstrauss", "nbjorn", "ndang", "nlukasiewiczstrauss"] {
            assert!(kept.contains(word), "{word} in {kept:?}");
        }
        let kept =
            words_of(&patient(json!({ "name": [{ "family": "O’Neil" }, { "family": "李", "given": ["小龙"] }] })));
        assert!(["no", "nneil", "noneil", "n李", "n小龙"].iter().all(|word| kept.contains(*word)), "{kept:?}");
        for asked in ["O'Neil", "oneil", "ONEIL", "o neil"] {
            let parts = asked.split_whitespace().flat_map(asked_name).collect::<Vec<_>>();
            assert!(!parts.is_empty() && parts.iter().all(|part| part.iter().any(|word| word.fits(&kept))), "{asked}");
        }
    }

    #[test]
    fn who_is_gone_is_found_by_nothing_and_who_has_no_name_by_the_rest() {
        let mut gone = lupita();
        gone.state.superseded = Some(gone.id);
        assert!(words_of(&gone).is_empty());
        let nameless = patient(json!({ "birthDate": "2026-01", "name": [{}], "telecom": [{ "system": "phone" }] }));
        assert_eq!(words_of(&nameless).into_iter().collect::<Vec<_>>(), ["b2026-01"]);
        assert_eq!(sort_name(&nameless), " 2026-01");
    }

    #[test]
    fn two_records_of_one_person_are_found_once_under_the_name_that_is_left() {
        let person = |name: &str| PersonId::of(&Identifier::new("urn:s", name));
        let (kept, gone, other) = (person("kept"), person("gone"), person("other"));
        let found = [(kept, "roe, mary"), (gone, "doe, maria"), (other, "loe")]
            .map(|(person, name)| (ResourceId::patient(person), name.to_string()));
        let left = |person| if person == gone { kept } else { person };
        let (page, total) = in_order(found.into_iter().collect(), left, (0, 9));
        assert_eq!((page, total), (vec![ResourceId::patient(other), ResourceId::patient(kept)], 2));
        let (page, total) = in_order([(ResourceId::patient(gone), "doe".to_string())].into(), left, (0, 9));
        assert_eq!((page, total), (vec![ResourceId::patient(kept)], 1));
        assert_eq!(in_order(BTreeMap::new(), left, (5, 9)), (Vec::new(), 0));
    }
}
