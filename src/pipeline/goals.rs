//! A person writes down a patient's goal (http://hl7.org/fhir/R4/goal.html), or what became of it: a statement about the record as a
//! message is (docs/decisions/0020). What follows is decided at once, and who said it is in the audit.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::change::Fault;
use super::find::Known;
use super::signed::signed;
use super::written::{By, refused, short_enough, written};
use super::{Deed, DeedKind, Gateway};
use crate::fhir::Resource;
use crate::identity::{PersonId, ResourceId};
use crate::problem::{Category, Problem};
use crate::record::Change;
use crate::store::AuditEntry;

/// A patient's open goals; more are none that anybody works on.
const MOST_GOALS: usize = 20;

/// What both have written down about one goal.
const MOST_NOTES: usize = 200;

/// What words in another language mean (http://hl7.org/fhir/R4/extension-translation.html).
pub const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";
const ACHIEVEMENT: &str = "http://terminology.hl7.org/CodeSystem/goal-achievement";

/// How a goal goes: the code of goal-achievement, the word for it, and how it is marked.
pub const PROGRESS: [(&str, &str, &str); 6] = [
    ("in-progress", "Begun", "tag"),
    ("improving", "On the way", "ok"),
    ("no-change", "No change", "tag"),
    ("worsening", "At risk", "today"),
    ("achieved", "Reached", "ok"),
    ("not-attainable", "Cannot be reached", "tag"),
];

/// What is said of a goal. An empty text says nothing; `goal` names the one that is meant, none a new one.
#[derive(Debug, Clone, Default)]
pub struct GoalWord {
    pub goal: Option<ResourceId>,
    /// In the patient's own words, and in which language (BCP 47).
    pub words: String,
    pub language: String,
    /// What the words mean in English, where they are in another language.
    pub meaning: String,
    /// Its place in the patient's own order, from 1.
    pub rank: Option<u32>,
    /// A code of `PROGRESS`.
    pub progress: String,
    pub patient_part: String,
    pub team_part: String,
    /// It is none any more.
    pub is_given_up: bool,
}

impl Gateway {
    /// Writes down what is said of a goal of a patient. Returns what may be taken back: nothing where it stood so already.
    ///
    /// # Errors
    /// There is no such goal, nothing is said, a text is too long, a word is none, or there are too many goals.
    pub async fn say_goal(&self, patient: PersonId, word: &GoalWord, who: &str) -> Result<Option<Deed>, Problem> {
        check(word)?;
        // What is decided may be decided anew, when somebody else was faster.
        let said_of = Mutex::new(None);
        let done = self.change_with(patient, None, |site, known| {
            let now = self.clock.now();
            let practices = site.practices_of(&known.memberships);
            // The day on the practice's wall.
            let zone = practices.values().next().map_or(TimeZone::UTC, |practice| practice.zone.clone());
            let when = (now, now.to_zoned(zone).date().to_string());
            let by = By { source: who, author: signed(site, who), value_sets: &site.value_sets };
            let (id, changes) = said(known, word, &by, &when)?;
            *said_of.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
            let action = match (&word.goal, word.is_given_up) {
                (None, _) => "goal-add",
                (_, true) => "goal-give-up",
                _ => "goal-change",
            };
            let entry = AuditEntry {
                at: now,
                agent: who.to_string(),
                action: action.to_string(),
                person: Some(known.record.head.person),
                subject: format!("Goal/{id}"),
                allowed: true,
                because: "a person wrote it down on the patient's page".to_string(),
            };
            Ok((changes, vec![entry]))
        });
        let written = done.await.map_err(Fault::told)?;
        let id = said_of.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(id.and_then(|id| Deed::among(&written, DeedKind::Goal, "Goal", id)))
    }
}

fn check(word: &GoalWord) -> Result<(), Problem> {
    if word.goal.is_none() && word.words.trim().is_empty() {
        return Err(refused(Category::Required, "Write the goal down in the patient's own words."));
    }
    short_enough(&[&word.words, &word.meaning, &word.patient_part, &word.team_part])?;
    if !word.progress.is_empty() && !PROGRESS.iter().any(|(code, _, _)| *code == word.progress) {
        return Err(refused(Category::Value, "How the goal goes is none of the words to choose from."));
    }
    if word.rank.is_some_and(|rank| rank == 0 || rank > 99) {
        return Err(refused(Category::Value, "The place in the patient's order is a number from 1 to 99."));
    }
    Ok(())
}

/// The goal as it is said, merged into the record.
/// `when` is the moment, and the day on the practice's wall.
fn said(
    known: &Known,
    word: &GoalWord,
    by: &By<'_>,
    when: &(Timestamp, String),
) -> Result<(ResourceId, Vec<Change>), Problem> {
    let (now, day) = when;
    let record = &known.record;
    let before = match word.goal {
        Some(id) => {
            let stored = record.get("Goal", id).filter(|stored| stored.state.superseded.is_none());
            Some(stored.ok_or_else(|| refused(Category::NotFound, "There is no such goal in this record."))?)
        }
        None => None,
    };
    let is_open = |status: Option<&str>| !matches!(status, Some("cancelled" | "completed" | "entered-in-error"));
    let open = record.of_type("Goal").filter(|stored| is_open(stored.resource.text("lifecycleStatus"))).count();
    // Nothing lost: the person is told, and nothing is taken.
    if before.is_none() && open >= MOST_GOALS {
        return Err(refused(Category::BusinessRule, format!("There are {open} goals already; end one first.")));
    }
    let person = record.head.person;
    // The same words said twice on a day are one goal.
    let id = word.goal.unwrap_or_else(|| ResourceId::of(person, "Goal", &format!("{day}/{}", word.words.trim())));
    let resource = stated(before.map(|stored| &stored.resource), word, (by.author, person), when)?;
    let changes = written(known, id, resource, by, *now);
    Ok((id, changes))
}

/// The elements that are said; those that are not stay as they are.
fn stated(
    before: Option<&Resource>,
    word: &GoalWord,
    (author, person): (&str, PersonId),
    (now, day): &(Timestamp, String),
) -> Result<Resource, Problem> {
    let mut goal = Resource::new("Goal");
    let patient = json!({ "reference": format!("Patient/{}", ResourceId::patient(person)) });
    if before.is_none() {
        goal.set("lifecycleStatus", json!("active"));
        goal.set("subject", patient.clone());
        goal.set("startDate", json!(day));
        goal.set("expressedBy", patient.clone());
    }
    let words = word.words.trim();
    if !words.is_empty() {
        let mut description = json!({ "text": words });
        let meaning = word.meaning.trim();
        if let (false, Some(object)) = (meaning.is_empty(), description.as_object_mut()) {
            let parts = json!([{ "url": "lang", "valueCode": "en" }, { "url": "content", "valueString": meaning }]);
            object.insert("_text".to_string(), json!({ "extension": [{ "url": TRANSLATION, "extension": parts }] }));
        }
        goal.set("description", description);
        if !word.language.is_empty() {
            goal.set("language", json!(word.language));
        }
    }
    if let Some(rank) = word.rank {
        goal.set("priority", json!({ "text": rank.to_string() }));
    }
    if let Some((code, display, _)) = PROGRESS.iter().find(|(code, _, _)| *code == word.progress) {
        goal.set("achievementStatus", json!({ "coding": [{ "system": ACHIEVEMENT, "code": code }], "text": display }));
        goal.set("statusDate", json!(day));
        if *code == "achieved" {
            goal.set("lifecycleStatus", json!("completed"));
        }
    }
    if word.is_given_up {
        goal.set("lifecycleStatus", json!("cancelled"));
        goal.set("statusDate", json!(day));
    }
    let mut notes = before.and_then(|goal| goal.get("note")?.as_array().cloned()).unwrap_or_default();
    let count = notes.len();
    if !word.patient_part.trim().is_empty() {
        notes.push(json!({ "authorReference": patient, "time": now.to_string(), "text": word.patient_part.trim() }));
    }
    if !word.team_part.trim().is_empty() {
        notes.push(json!({ "authorString": author, "time": now.to_string(), "text": word.team_part.trim() }));
    }
    // Nothing lost: the person is told, and nothing is taken.
    if notes.len() > MOST_NOTES {
        // Nothing lost: the person is told, and nothing is taken.
        return Err(refused(
            Category::BusinessRule,
            format!("The goal has {count} notes already; end it and begin a new one."),
        ));
    }
    if notes.len() > count {
        goal.set("note", Value::Array(notes));
    }
    Ok(goal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::is_for_few;
    use crate::fhir::{Identifier, ValueSets};
    use crate::record::Record;

    fn known() -> Known {
        Known { record: Record::new(PersonId::of(&Identifier::new("urn:s", "1"))), memberships: Vec::new() }
    }

    fn by() -> By<'static> {
        By { source: "person:nbrooks", author: "Nia Brooks RN", value_sets: ValueSets::built_in() }
    }

    fn when(text: &str) -> (Timestamp, String) {
        (text.parse().unwrap(), text.chars().take(10).collect())
    }

    fn say(known: &mut Known, word: &GoalWord, at: &str) -> ResourceId {
        let (id, changes) = said(known, word, &by(), &when(at)).unwrap();
        changes.iter().for_each(|change| known.record.apply(change));
        id
    }

    fn church() -> GoalWord {
        GoalWord {
            words: " Caminar hasta la iglesia ".to_string(),
            language: "es".to_string(),
            meaning: "Walk to church".to_string(),
            rank: Some(2),
            patient_part: "camino".to_string(),
            ..GoalWord::default()
        }
    }

    #[test]
    fn a_goal_is_said_once_and_changed_element_by_element() {
        let mut known = known();
        let id = say(&mut known, &church(), "2026-11-25T13:00:00Z");
        assert_eq!(say(&mut known, &church(), "2026-11-25T13:00:00Z"), id, "the same words are the same goal");
        let progress = GoalWord {
            goal: Some(id),
            progress: "improving".to_string(),
            team_part: "we call".to_string(),
            ..GoalWord::default()
        };
        say(&mut known, &progress, "2026-11-26T13:00:00Z");
        let goal = &known.record.get("Goal", id).unwrap().resource;
        assert_eq!(
            goal.get("description").unwrap()["text"],
            "Caminar hasta la iglesia",
            "words that are not said again stay"
        );
        assert_eq!(goal.get("description").unwrap()["_text"]["extension"][0]["url"], TRANSLATION);
        assert_eq!((goal.text("startDate"), goal.text("statusDate")), (Some("2026-11-25"), Some("2026-11-26")));
        assert_eq!(goal.get("achievementStatus").unwrap()["coding"][0]["code"], "improving");
        assert_eq!(goal.get("priority").unwrap()["text"], "2");
        let notes = goal.get("note").unwrap().as_array().unwrap();
        assert_eq!((notes.last().unwrap()["authorString"].as_str(), notes.len() >= 2), (Some("Nia Brooks RN"), true));
        let reached = GoalWord { goal: Some(id), progress: "achieved".to_string(), ..GoalWord::default() };
        say(&mut known, &reached, "2026-11-27T13:00:00Z");
        assert_eq!(known.record.get("Goal", id).unwrap().resource.text("lifecycleStatus"), Some("completed"));
    }

    #[test]
    fn a_goal_that_names_what_few_may_know_is_labelled() {
        let mut known = known();
        let word = GoalWord { words: "Six months without heroin".to_string(), ..GoalWord::default() };
        let id = say(&mut known, &word, "2026-11-25T13:00:00Z");
        assert!(is_for_few(&known.record.get("Goal", id).unwrap().resource));
        let id = say(&mut known, &church(), "2026-11-25T13:00:00Z");
        assert!(!is_for_few(&known.record.get("Goal", id).unwrap().resource));
    }

    #[test]
    fn what_cannot_be_written_down_is_said() {
        let refused = |word: &GoalWord| check(word).unwrap_err().text;
        assert!(refused(&GoalWord::default()).contains("own words"));
        assert!(refused(&GoalWord { words: "é".repeat(501), ..church() }).contains("at most 500 characters"));
        assert!(refused(&GoalWord { progress: "great".to_string(), ..church() }).contains("none of the words"));
        assert!(refused(&GoalWord { rank: Some(0), ..church() }).contains("from 1 to 99"));
        assert!(check(&GoalWord { words: "é".repeat(500), ..church() }).is_ok());
        let mut known = known();
        let other = ResourceId::of(PersonId::of(&Identifier::new("urn:s", "2")), "Goal", "x");
        let word = GoalWord { goal: Some(other), ..church() };
        let at = when("2026-11-25T13:00:00Z");
        assert!(said(&known, &word, &by(), &at).unwrap_err().text.contains("no such goal"));
        for number in 0..MOST_GOALS {
            say(
                &mut known,
                &GoalWord { words: format!("goal {number}"), ..GoalWord::default() },
                "2026-11-25T13:00:00Z",
            );
        }
        assert!(said(&known, &church(), &by(), &at).unwrap_err().text.contains("20 goals already"));
    }
}
