//! What a person says on a patient's page: answers to questions, and goals. Both are statements about the record and go its way.

use actix_web::web;
use serde::Deserialize;

use super::loaded::{Loaded, load};
use crate::console::fault::{Answer, Fault};
use crate::console::form_key::FormKey;
use crate::console::session::Person;
use crate::console::{Console, page, undo};
use crate::identity::ResourceId;
use crate::pipeline::GoalWord;
use crate::problem::Problem;

/// Fields of a form that answers questions; no page asks more.
const MOST_FIELDS: usize = 200;

/// Takes the answers of a form: `answer-FLAG=CODE` for each question; an empty one is not today's.
pub(crate) async fn answer(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<Vec<(String, String)>>,
) -> Answer {
    let fields = form.into_inner();
    let key = fields.iter().find(|(name, _)| name == "form_key").map(|(_, key)| key.clone()).unwrap_or_default();
    FormKey::of(key).check(&person)?;
    // Nothing lost: the person is told, and nothing is taken.
    if fields.len() > MOST_FIELDS {
        return Err(Fault::Refused(format!("A form has at most {MOST_FIELDS} fields.")));
    }
    let Loaded { known, patient, .. } = load(&console, &person, &id, 0).await?;
    let answers: Vec<(ResourceId, &str)> = fields
        .iter()
        .filter(|(_, answer)| !answer.is_empty())
        .filter_map(|(name, answer)| Some((name.strip_prefix("answer-")?, answer)))
        .map(|(flag, answer)| Ok((flag.parse().map_err(|_| Fault::no_such("question"))?, answer.as_str())))
        .collect::<Result<_, Fault>>()?;
    if answers.is_empty() {
        return Err(Fault::Refused("Nothing is saved: choose an answer to at least one question.".to_string()));
    }
    if answers.iter().any(|(flag, _)| known.record.get("Flag", *flag).is_none()) {
        return Err(Fault::no_such("question"));
    }
    let mut deeds = Vec::new();
    for (saved, (flag, answer)) in answers.into_iter().enumerate() {
        let refused = |problem: Problem| match saved {
            0 => Fault::from(problem),
            _ => {
                Fault::Refused(format!("The first {saved} of the answers are saved, the next is not: {}", problem.text))
            }
        };
        deeds.extend(console.gateway.answer(flag, answer, &person.agent()).await.map_err(refused)?);
    }
    let undo = undo::in_address(&undo::offer(&console, &person, &deeds));
    Ok(page::see(&format!("/console/patients/{}?saved=answers{undo}#ask", patient.id)))
}

#[derive(Deserialize)]
pub(crate) struct GoalForm {
    #[serde(flatten)]
    key: FormKey,
    #[serde(default)]
    goal: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    meaning: String,
    #[serde(default)]
    rank: String,
    #[serde(default)]
    progress: String,
    #[serde(default)]
    patient_part: String,
    #[serde(default)]
    team_part: String,
    #[serde(default)]
    action: String,
}

/// Takes what is said of a goal.
pub(crate) async fn goal(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<GoalForm>,
) -> Answer {
    form.key.check(&person)?;
    let Loaded { patient, .. } = load(&console, &person, &id, 0).await?;
    let form = form.into_inner();
    let goal = match form.goal.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| Fault::no_such("goal"))?),
    };
    let rank = match form.rank.trim() {
        "" => None,
        number => {
            let text = "Not saved: the place in the patient's order is a number from 1 to 99.";
            Some(number.parse().map_err(|_| Fault::Refused(text.to_string()))?)
        }
    };
    let word = GoalWord {
        goal,
        rank,
        words: form.words,
        language: form.language,
        meaning: form.meaning,
        progress: form.progress,
        patient_part: form.patient_part,
        team_part: form.team_part,
        is_given_up: form.action == "give-up",
    };
    let deed = console.gateway.say_goal(patient.id.person, &word, &person.agent()).await?;
    let undo = undo::in_address(&undo::offer(&console, &person, &deed));
    Ok(page::see(&format!("/console/patients/{}?saved=goal{undo}#plan", patient.id)))
}
