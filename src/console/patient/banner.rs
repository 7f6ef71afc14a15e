//! Who the patient is and how to reach them: what must be right before anything else is read. What is not known is said.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::fhir::{born, items, list, moment, text, title};
use super::name::{other_names, sex_word};
use crate::console::people::number_title;
use crate::console::practice::member;
use crate::console::when;
use crate::fhir::{Resource, UNNAMED, display_name, language_word, said_name};
use crate::pipeline::Known;
use crate::record::{Membership, Stored};
use crate::site::{Panel, Site};

/// The head of a patient's page.
pub(crate) struct Banner {
    pub name: String,
    pub others: Vec<(&'static str, String)>,
    pub born: String,
    pub sex: &'static str,
    pub numbers: Vec<(String, String)>,
    pub deceased: String,
    pub facts: Vec<Fact>,
    /// In the bar that stays: `Allergies: 2`, `Allergies: not known`.
    pub allergies: String,
    /// The language the patient speaks, as a tag; empty where nobody knows.
    pub language: String,
}

/// One thing that is known, or said not to be.
pub(crate) struct Fact {
    pub term: &'static str,
    /// It takes the whole line on a phone.
    pub is_full: bool,
    pub is_alarm: bool,
    pub lines: Vec<Line>,
}

/// `555-014-1025 home`.
#[derive(Default)]
pub(crate) struct Line {
    pub text: String,
    /// A number to call.
    pub call: String,
    pub small: String,
}

impl Line {
    fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn phone(number: String, small: String) -> Self {
        Self { text: String::new(), call: number, small }
    }

    /// A person, a role and how to call them.
    fn person(name: &str, call: Option<String>, small: &str) -> Self {
        Self { text: name.to_string(), call: call.unwrap_or_default(), small: small.to_string() }
    }
}

/// Everything but the record itself that the head is read from.
pub(super) struct Around<'a> {
    pub site: &'a Site,
    pub today: Date,
    pub zone: &'a TimeZone,
}

pub(super) fn banner(patient: &Stored, known: &Known, around: &Around<'_>) -> Banner {
    let resource = &patient.resource;
    let numbers = items(resource, "identifier").filter(|one| !text(one, "value").is_empty());
    let (allergies, count) = allergies(known);
    let member = member(known, around.site);
    let language = language(resource, member.as_ref().map(|(membership, _)| *membership));
    let mut facts = vec![reach(resource, member.as_ref().map(|(membership, _)| *membership))];
    facts.push(spoken(resource, &language));
    facts.push(contacts(resource, known));
    facts.push(allergies);
    facts.push(programme(known, around));
    facts.extend(responsible(member));
    facts.push(conditions(known));
    facts.push(address(resource));
    Banner {
        name: display_name(resource),
        others: other_names(resource),
        born: born(resource.text("birthDate"), around.today),
        sex: sex_word(resource.text("gender")),
        numbers: numbers.map(|one| (number_title(around.site, one), text(one, "value"))).collect(),
        deceased: deceased(resource, around),
        facts,
        allergies: count,
        language,
    }
}

fn deceased(patient: &Resource, around: &Around<'_>) -> String {
    if let Some(at) = patient.text("deceasedDateTime") {
        let day = moment(at, around.zone).map(|at| when::day(when::date_in(at, around.zone), around.today));
        return format!("Died {}", day.unwrap_or_else(|| at.to_string()));
    }
    let is_dead = patient.get("deceasedBoolean").and_then(Value::as_bool) == Some(true);
    if is_dead { "Has died".to_string() } else { String::new() }
}

/// Phones in the order of their rank, the roster's after them.
fn reach(patient: &Resource, member: Option<&Membership>) -> Fact {
    let mut points: Vec<&Value> = items(patient, "telecom").filter(|point| text(point, "use") != "old").collect();
    points.sort_by_key(|point| point.get("rank").and_then(Value::as_u64).unwrap_or(u64::MAX));
    let mut lines = Vec::new();
    for point in &points {
        let (value, kind) = (text(point, "value"), text(point, "system"));
        let comment = list(point, "extension")
            .find(|one| text(one, "url").ends_with("/contactpoint-comment"))
            .map(|one| text(one, "valueString"));
        let is_preferred = point.get("rank").and_then(Value::as_u64) == Some(1);
        let used = text(point, "use");
        let words = [use_word(&used), if is_preferred { "preferred" } else { "" }];
        let words = words.into_iter().filter(|word| !word.is_empty()).map(str::to_string).chain(comment);
        let small = words.collect::<Vec<_>>().join(", ");
        match kind.as_str() {
            _ if value.is_empty() => {}
            "phone" | "sms" | "" => lines.push(Line::phone(value, small)),
            kind => {
                lines.push(Line { text: value, small: format!("{kind} {small}").trim().to_string(), ..Line::default() })
            }
        }
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let roster = member.and_then(|member| member.phone.clone());
    if let Some(phone) = roster.filter(|phone| !lines.iter().any(|line| digits(&line.call).ends_with(&digits(phone)))) {
        lines.push(Line::phone(phone, "by the roster".to_string()));
    }
    known("Reach", lines, "no phone known")
}

fn use_word(code: &str) -> &str {
    match code {
        "mobile" => "cell",
        other => other,
    }
}

/// What the patient speaks: what is preferred, else the first language stated, else the roster's.
fn language(patient: &Resource, member: Option<&Membership>) -> String {
    let all = || items(patient, "communication");
    let is_preferred = |one: &&Value| one.get("preferred").and_then(Value::as_bool) == Some(true);
    let stated = all().find(is_preferred).or_else(|| all().next());
    let code = stated.and_then(|one| one.pointer("/language/coding/0/code")?.as_str()).map(str::to_string);
    let words = stated.and_then(|one| one.pointer("/language/text")?.as_str()).map(str::to_string);
    code.or(words).or_else(|| member.and_then(|member| member.language.clone())).unwrap_or_default()
}

fn spoken(patient: &Resource, language: &str) -> Fact {
    let needs = items(patient, "extension").any(|one| {
        let (url, coded) = (text(one, "url"), one.pointer("/valueCoding/code").and_then(Value::as_str));
        let is_asked = url.ends_with("/patient-interpreterRequired") || url.ends_with("/us-core-interpreter-needed");
        is_asked && (one.get("valueBoolean").and_then(Value::as_bool) == Some(true) || coded == Some("373066001"))
    });
    let words = if language.is_empty() { "not known".to_string() } else { language_word(language) };
    let small = if needs { "interpreter needed" } else { "" };
    fact("Language", vec![Line { text: words, small: small.to_string(), ..Line::default() }])
}

fn phone<'v>(mut points: impl Iterator<Item = &'v Value>) -> Option<String> {
    let point = points.find(|point| matches!(text(point, "system").as_str(), "phone" | "sms"))?;
    Some(text(point, "value"))
}

/// Contacts that the patient's own data name, and related persons.
fn contacts(patient: &Resource, record: &Known) -> Fact {
    let mut lines: Vec<Line> = Vec::new();
    for contact in items(patient, "contact") {
        let name = contact.get("name").map(said_name).or_else(|| Some(text(contact.get("organization")?, "display")));
        let relation = list(contact, "relationship").next();
        let call = phone(list(contact, "telecom"));
        lines.push(Line::person(&name.unwrap_or_else(|| "Unnamed".to_string()), call, &title(relation).to_lowercase()));
    }
    for stored in record.record.of_type("RelatedPerson").filter(|one| one.state.superseded.is_none()) {
        let person = &stored.resource;
        let name = items(person, "name").next().map_or_else(|| UNNAMED.to_string(), said_name);
        let relation = title(items(person, "relationship").next()).to_lowercase();
        let call = phone(items(person, "telecom"));
        if !lines.iter().any(|line| line.text == name) {
            lines.push(Line::person(&name, call, &relation));
        }
    }
    Fact { is_full: true, ..known("Contacts", lines, "nobody named") }
}

/// What the patient must not have: what is active, whoever said it; "not known" where nobody said anything.
fn allergies(record: &Known) -> (Fact, String) {
    let is_meant = |stored: &&Stored| {
        let is = |element: &str, codes: &[&str]| {
            stored.resource.codings(element).iter().any(|(_, code)| codes.contains(code))
        };
        stored.state.superseded.is_none()
            && !is("verificationStatus", &["refuted", "entered-in-error"])
            && !is("clinicalStatus", &["inactive", "resolved"])
    };
    let all: Vec<&Stored> = record.record.of_type("AllergyIntolerance").filter(is_meant).collect();
    // SNOMED CT: no known allergy, of any kind or of a kind.
    let none = ["716186003", "409137002", "429625007", "428607008", "716220001"];
    let is_none = |stored: &&&Stored| stored.resource.codings("code").iter().any(|(_, code)| none.contains(code));
    let mut lines: Vec<Line> = Vec::new();
    for stored in all.iter().filter(|stored| !is_none(stored)) {
        let reactions = items(&stored.resource, "reaction").flat_map(|one| list(one, "manifestation"));
        let mut reactions: Vec<String> = reactions.map(|one| title(Some(one)).to_lowercase()).collect();
        reactions.dedup();
        let line = Line { text: title(stored.resource.get("code")), small: reactions.join(", "), ..Line::default() };
        if !lines.iter().any(|known| known.text == line.text && known.small == line.small) {
            lines.push(line);
        }
    }
    let count = match (lines.len(), all.is_empty()) {
        (0, true) => "Allergies: not known".to_string(),
        (0, false) => "No known allergies".to_string(),
        (count, _) => format!("Allergies: {count}"),
    };
    let is_alarm = !lines.is_empty();
    let empty = if all.is_empty() { "not known" } else { "none known" };
    (Fact { is_full: true, is_alarm, ..known("Allergies", lines, empty) }, count)
}

/// The programmes the patient is enrolled in now, with level and since when.
fn programme(record: &Known, around: &Around<'_>) -> Fact {
    let active = record
        .record
        .of_type("EpisodeOfCare")
        .filter(|one| one.state.superseded.is_none() && one.resource.text("status") == Some("active"));
    let line = |stored: &Stored| {
        let types: Vec<String> = items(&stored.resource, "type").map(|one| title(Some(one))).collect();
        let since =
            stored.resource.get("period").and_then(|period| moment(period.get("start")?.as_str()?, around.zone));
        let since = since.map(|at| format!("since {}", when::day(when::date_in(at, around.zone), around.today)));
        Line { text: types.join(", "), small: since.unwrap_or_default(), ..Line::default() }
    };
    known("Programme", active.map(line).collect(), "in none")
}

/// Who answers for the patient, by the roster and the panel.
fn responsible(member: Option<(&Membership, &Panel)>) -> Vec<Fact> {
    let Some((membership, panel)) = member else {
        return vec![fact("Practice", vec![Line::of("on no panel: nobody here owes work")])];
    };
    let role = |named: Option<&String>, role: &Option<crate::site::Role>| {
        let phone = role.as_ref().and_then(|role| role.phone.clone());
        let of_panel = role.as_ref().map(|role| role.name.as_str());
        match named.map(String::as_str) {
            // The phone is that of the panel's own, who may be another.
            Some(name) if Some(name) != of_panel => vec![Line::person(name, None, "")],
            name => name.or(of_panel).map(|name| Line::person(name, phone, "")).into_iter().collect(),
        }
    };
    let clinician = role(membership.practitioner.as_ref(), &panel.clinician);
    vec![
        known("Lead care manager", role(membership.care_manager.as_ref(), &panel.care_manager), "nobody named"),
        known("Clinician", clinician, "nobody named"),
        fact("Practice", vec![Line::person(&panel.practice.name, panel.practice.phone.clone(), "")]),
    ]
}

/// Diagnoses that hold, each by its name once.
fn conditions(record: &Known) -> Fact {
    let holds = |stored: &&Stored| {
        let is = |element: &str, codes: &[&str]| {
            stored.resource.codings(element).iter().any(|(_, code)| codes.contains(code))
        };
        stored.state.superseded.is_none()
            && !is("verificationStatus", &["refuted", "entered-in-error"])
            && !is("clinicalStatus", &["inactive", "resolved", "remission"])
    };
    let mut names: Vec<String> = Vec::new();
    for stored in record.record.of_type("Condition").filter(holds) {
        let is_sure = !stored
            .resource
            .codings("verificationStatus")
            .iter()
            .any(|(_, code)| ["provisional", "differential", "unconfirmed"].contains(code));
        let name = title(stored.resource.get("code"));
        let name = if is_sure { name } else { format!("{name} (suspected)") };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort();
    let lines = if names.is_empty() { Vec::new() } else { vec![Line::of(names.join("; "))] };
    Fact { is_full: true, ..known("Conditions", lines, "not known") }
}

fn address(patient: &Resource) -> Fact {
    let now = items(patient, "address").find(|one| text(one, "use") != "old");
    let words = now.map(|one| {
        let whole = text(one, "text");
        let mut parts: Vec<String> = list(one, "line").filter_map(Value::as_str).map(str::to_string).collect();
        parts.extend(
            ["city", "state", "postalCode"].map(|part| text(one, part)).into_iter().filter(|part| !part.is_empty()),
        );
        if whole.is_empty() { parts.join(", ") } else { whole }
    });
    known("Address", words.filter(|words| !words.is_empty()).map(Line::of).into_iter().collect(), "not known")
}

fn fact(term: &'static str, lines: Vec<Line>) -> Fact {
    Fact { term, is_full: false, is_alarm: false, lines }
}

/// The lines, or a word for that there are none.
fn known(term: &'static str, lines: Vec<Line>, otherwise: &str) -> Fact {
    fact(term, if lines.is_empty() { vec![Line::of(otherwise)] } else { lines })
}
