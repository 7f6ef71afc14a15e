//! A piece of work as people read it: when, who, what to do, why, what was tried, and in whose hands it is. What is restricted is told
//! to those who may know it, and to others that there is something.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::session::Person;
use super::tasks::{Note, notes};
use super::{own, page, when};
use crate::fhir::{Identifier, concept_title};
use crate::identity::ResourceId;
use crate::protocol::{CONTACT, ProtocolSet, person_of};
use crate::record::{Membership, Stored};
use crate::store::{Urgency, due_of};

/// One piece of work.
pub(super) struct Job {
    pub id: String,
    pub patient: Patient,
    /// `now`, `late`, `today`, `later`: where it stands.
    pub class: &'static str,
    pub chip: String,
    pub detail: String,
    /// Verb first.
    pub title: String,
    pub why: String,
    pub notes: Vec<Note>,
    pub noted: String,
    /// What was tried: dots, full and empty, and words.
    pub dots: Vec<bool>,
    pub tries: String,
    /// What the attempt that comes next is by the rule.
    pub rule: String,
    pub hands: String,
    pub is_taken: bool,
    pub is_mine: bool,
    /// Until when it is put aside.
    pub snoozed: String,
}

/// Whom it is about.
#[derive(Clone, Default)]
pub(super) struct Patient {
    pub id: String,
    pub name: String,
    /// "68, F".
    pub facts: String,
    /// Where it is not English: "Spanish".
    pub language: String,
    pub phone: String,
}

/// What a row is told with.
pub(super) struct Teller<'a> {
    pub person: &'a Person,
    /// How work names the person.
    pub holder: &'a str,
    pub patients: &'a BTreeMap<ResourceId, Patient>,
    pub protocols: &'a ProtocolSet,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

impl Teller<'_> {
    pub(super) fn job(&self, stored: &Stored) -> Job {
        let resource = Value::from(stored.resource.clone());
        let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
        let shown = own::may_see(self.person, stored);
        let of = text("/for/reference").trim_start_matches("Patient/").parse::<ResourceId>().ok();
        let patient = of.and_then(|id| self.patients.get(&id).cloned()).unwrap_or_else(|| Patient {
            id: of.map(|id| id.to_string()).unwrap_or_default(),
            name: if text("/for/display").is_empty() { "Unnamed".to_string() } else { text("/for/display") },
            ..Patient::default()
        });
        let due = due_of(&stored.resource).map(|due| when::due(due, self.now, self.zone));
        let is_pressing = Urgency::of(&stored.resource).is_pressing();
        let (class, chip, detail) = match (is_pressing, due) {
            (true, Some(due)) if due.class == "late" => {
                ("now", "Answer now".to_string(), format!("{}, {}", due.words, due.detail))
            }
            (true, Some(due)) => ("now", "Answer now".to_string(), due.detail),
            (true, None) => ("now", "Answer now".to_string(), String::new()),
            (false, Some(due)) => (due.class, due.words, due.detail),
            (false, None) => ("later", "No date".to_string(), String::new()),
        };
        let holder = person_of(&stored.resource);
        let is_mine = holder.as_ref().is_some_and(|(id, _)| id == self.holder);
        let attempts = self.protocols.attempts_of(stored);
        let notes = if shown { notes(&resource, self.zone) } else { Vec::new() };
        let (tried, tries) = self.tries(&resource, shown);
        Job {
            id: stored.id.to_string(),
            patient,
            class,
            chip,
            detail,
            title: if shown { title(&resource) } else { "Contact the patient".to_string() },
            why: if shown {
                text("/description")
            } else {
                "What it is about is restricted and not shown to you.".to_string()
            },
            noted: page::counted(notes.len() as u64, "note", "notes"),
            notes,
            dots: (0..attempts.map_or(tried, |(_, asked)| asked.max(tried))).map(|dot| dot < tried).collect(),
            tries: if attempts.is_none() && tried == 0 { String::new() } else { tries },
            rule: attempts.map(rule).unwrap_or_default(),
            hands: hands(&resource, holder.as_ref(), is_mine),
            is_taken: holder.is_some(),
            is_mine,
            snoozed: self.snoozed(stored),
        }
    }

    /// "2 attempts, last Today 4:10 PM, no answer".
    fn tries(&self, resource: &Value, shown: bool) -> (usize, String) {
        let outputs = resource.get("output").and_then(Value::as_array).into_iter().flatten();
        let ours = |output: &&Value| output.pointer("/type/coding/0/system").and_then(Value::as_str) == Some(CONTACT);
        let made: Vec<&Value> = outputs.filter(ours).collect();
        let Some(last) = made.last() else { return (0, "no attempt yet".to_string()) };
        let at = last.get("valueDateTime").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
        let at = at.map(|at| format!(", last {}", when::moment(at, self.now, self.zone))).unwrap_or_default();
        let how = last.pointer("/type/coding/0/display").and_then(Value::as_str).unwrap_or_default();
        let how = if shown && !how.is_empty() { format!(", {how}") } else { String::new() };
        let count = page::counted(made.len() as u64, "attempt", "attempts");
        (made.len(), format!("{count}{at}{how}"))
    }

    fn snoozed(&self, stored: &Stored) -> String {
        let until = stored.state.work.as_ref().and_then(|work| work.pointer("/snoozed/until")?.as_str()?.parse().ok());
        let Some(until) = until else { return String::new() };
        let reason = stored.resource.get("statusReason").and_then(|reason| reason.get("text")?.as_str());
        let reason = reason.filter(|_| own::may_see(self.person, stored)).map(|why| format!(": {why}"));
        format!("Snoozed until {}{}", when::moment(until, self.now, self.zone), reason.unwrap_or_default())
    }
}

/// What is to be done, in the rule's own words.
fn title(resource: &Value) -> String {
    let title = concept_title(resource.get("code")).or_else(|| resource.get("description").and_then(Value::as_str));
    title.unwrap_or("Work without a title").to_string()
}

/// What the next attempt is by the rule that counts them.
fn rule((made, asked): (usize, usize)) -> String {
    let next = made + 1;
    match next.cmp(&asked) {
        std::cmp::Ordering::Less => format!("This is attempt {next} of {asked}."),
        std::cmp::Ordering::Equal => format!(
            "This is attempt {next} of {asked}. {asked} documented attempts count as the contact that is owed; go on until somebody is reached."
        ),
        std::cmp::Ordering::Greater => {
            format!(
                "{made} attempts are documented: what is owed by the date is done. Go on until somebody is reached."
            )
        }
    }
}

fn hands(resource: &Value, holder: Option<&(String, String)>, is_mine: bool) -> String {
    match holder {
        Some(_) if is_mine => "Taken by you".to_string(),
        Some((_, name)) if resource.get("status").and_then(Value::as_str) == Some("requested") => {
            format!("Given to {name}")
        }
        Some((_, name)) => format!("With {name}"),
        None => {
            let owner = resource.pointer("/owner/display").and_then(Value::as_str).unwrap_or_default();
            match owner.split_once(": ") {
                Some((_, role)) => format!("Nobody’s yet, for {role}"),
                None => "Nobody’s yet".to_string(),
            }
        }
    }
}

/// Those whom rows are about, by their Patients and what panels know of them.
pub(super) fn patients(
    patients: &[Stored],
    memberships: &[Membership],
    now: Timestamp,
    zone: &TimeZone,
) -> BTreeMap<ResourceId, Patient> {
    patients.iter().map(|stored| (stored.id, patient(stored, memberships, now, zone))).collect()
}

fn patient(stored: &Stored, memberships: &[Membership], now: Timestamp, zone: &TimeZone) -> Patient {
    let own: Vec<Identifier> = stored.resource.identifiers();
    let is_own = |membership: &&Membership| membership.identifiers.iter().any(|number| own.contains(number));
    let membership = memberships.iter().find(is_own);
    let resource = Value::from(stored.resource.clone());
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
    let age = text("/birthDate").and_then(|birth| birth.parse().ok());
    let age = age.and_then(|birth| when::age(birth, when::date_in(now, zone))).map(|age| age.to_string());
    let sex = text("/gender").and_then(|gender| match gender {
        "female" => Some("F".to_string()),
        "male" => Some("M".to_string()),
        "unknown" => None,
        other => Some(other.to_string()),
    });
    let stated = text("/communication/0/language/coding/0/code").map(String::from);
    let language = membership.and_then(|membership| membership.language.clone()).or(stated).unwrap_or_default();
    let telecoms = resource.get("telecom").and_then(Value::as_array).into_iter().flatten();
    let phone = telecoms.filter(|one| one.get("system").and_then(Value::as_str) == Some("phone"));
    let phone = phone.filter_map(|one| one.get("value")?.as_str()).next().map(String::from);
    Patient {
        id: stored.id.to_string(),
        name: name(&resource),
        facts: age.into_iter().chain(sex).collect::<Vec<_>>().join(", "),
        language: language_name(&language),
        phone: membership.and_then(|membership| membership.phone.clone()).or(phone).unwrap_or_default(),
    }
}

/// Given names first, as people say them.
fn name(patient: &Value) -> String {
    let Some(name) = patient.pointer("/name/0") else { return "Unnamed".to_string() };
    let given = name.get("given").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<&str> = given.chain(name.get("family").and_then(Value::as_str)).collect();
    let text = name.get("text").and_then(Value::as_str).unwrap_or("Unnamed");
    if words.is_empty() { text.to_string() } else { words.join(" ") }
}

/// In English words, and nothing for English itself; a language that is not listed by its code.
fn language_name(tag: &str) -> String {
    let code = tag.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    let known = [
        ("", ""),
        ("en", ""),
        ("eng", ""),
        ("es", "Spanish"),
        ("spa", "Spanish"),
        ("vi", "Vietnamese"),
        ("zh", "Chinese"),
        ("tl", "Tagalog"),
        ("ht", "Haitian Creole"),
        ("pt", "Portuguese"),
        ("fr", "French"),
        ("ar", "Arabic"),
        ("ru", "Russian"),
        ("ko", "Korean"),
        ("so", "Somali"),
        ("de", "German"),
        ("pl", "Polish"),
    ];
    let name = known.iter().find(|(known, _)| *known == code).map(|(_, name)| (*name).to_string());
    name.unwrap_or_else(|| format!("language {tag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_says_what_the_next_attempt_is() {
        assert_eq!(rule((0, 2)), "This is attempt 1 of 2.");
        assert!(rule((1, 2)).starts_with("This is attempt 2 of 2. 2 documented attempts count"));
        assert!(rule((2, 2)).starts_with("2 attempts are documented"));
        assert!(rule((0, 1)).starts_with("This is attempt 1 of 1."));
    }

    #[test]
    fn a_language_is_a_word_and_english_is_none() {
        for (tag, word) in [("en-US", ""), ("", ""), ("es", "Spanish"), ("ES_mx", "Spanish"), ("nv", "language nv")] {
            assert_eq!(language_name(tag), word, "{tag}");
        }
    }

    #[test]
    fn a_name_is_said_as_people_say_it() {
        let of = |text: &str| name(&serde_json::from_str(text).unwrap());
        assert_eq!(of(r#"{"name":[{"family":"Okafor","given":["Rosalind","M."]}]}"#), "Rosalind M. Okafor");
        assert_eq!(of(r#"{"name":[{"family":"Suharto"}]}"#), "Suharto");
        assert_eq!(of(r#"{"name":[{"text":"Lê Thị Hương"}]}"#), "Lê Thị Hương");
        assert_eq!(of("{}"), "Unnamed");
    }
}
