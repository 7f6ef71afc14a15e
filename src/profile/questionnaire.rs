//! A QuestionnaireResponse against its Questionnaire (http://hl7.org/fhir/R4/questionnaireresponse.html#notes): what is asked there,
//! answered as it asks. The Questionnaire is one that is contained or in the same bundle; any other is not at hand, and that is said.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::place::{Findings, Path};
use super::questions::{Answers, Question, Questions, is_true, key, list, number, text, value_of};
use super::steps::step;
use super::validation::Validation;
use crate::problem::Category;

type Object = Map<String, Value>;

/// Checks a response as a whole.
pub(super) fn check(response: &Object, path: &Path<'_>, validation: Validation<'_>, findings: &mut Findings) {
    let place = path.child("questionnaire");
    let Some(canonical) = text(response, "questionnaire") else {
        findings.unknown(
            &place,
            "",
            "the response names no Questionnaire, so its answers were not checked against one",
        );
        return;
    };
    let Some(questions) = find(canonical, validation) else {
        if let Some(id) = canonical.strip_prefix('#') {
            let text = format!("nothing contained in this resource has the id `{id}`");
            findings.error(Category::NotFound, &place, text);
            return;
        }
        let text = format!("the Questionnaire {canonical} is not here, so the answers were not checked against it");
        findings.unknown(&place, canonical, text);
        return;
    };
    // What is not finished may lack answers, and what was entered in error does not matter.
    let is_done = matches!(text(response, "status"), Some("completed" | "amended"));
    let answers = is_done.then(|| Answers::of(response));
    check_items(&questions, response, answers.as_ref(), path, findings);
}

fn find<'a>(canonical: &str, validation: Validation<'a>) -> Option<Cow<'a, Questions<'a>>> {
    match canonical.strip_prefix('#') {
        Some(id) => {
            let contained = validation.contained?.get(id)?;
            let is_meant = text(contained, "resourceType") == Some("Questionnaire");
            is_meant.then(|| Cow::Owned(Questions::of(contained)))
        }
        None => {
            let url = canonical.split('|').next().unwrap_or(canonical);
            validation.bundle?.questions(url).map(Cow::Borrowed)
        }
    }
}

/// The items below a response, an item or an answer, against the questions for there. `answers` are all that the response
/// gives, where it is done and must have them.
fn check_items<'v>(
    questions: &Questions<'_>,
    holder: &'v Object,
    answers: Option<&Answers<'_>>,
    path: &Path<'_>,
    findings: &mut Findings,
) {
    let mut given: HashMap<&'v str, Vec<&'v Object>> = HashMap::new();
    let mut repeated = Vec::new();
    for (index, item) in list(holder, "item").enumerate() {
        if findings.is_over() {
            return;
        }
        let place = path.child("item").at(Some(index));
        let id = text(item, "linkId").unwrap_or_default();
        step();
        let Some(question) = questions.find(id) else {
            let text = format!("the Questionnaire has no item `{id}` here");
            findings.error(Category::NotFound, &place.child("linkId"), text);
            continue;
        };
        check_item(question, item, answers, &place, findings);
        let same = given.entry(id).or_default();
        same.push(item);
        if same.len() == 2 && !(question.is_group() && is_true(question.asked, "repeats")) {
            repeated.push(id);
        }
    }
    for id in repeated {
        let text = format!("the item `{id}` stands here more than once; several answers stand in one item");
        findings.error(Category::Structure, &path.child("item"), text);
    }
    let Some(answers) = answers else { return };
    for (id, question) in questions.required() {
        if findings.is_over() {
            return;
        }
        step();
        let is_answer =
            |item: &&Object| item.contains_key("answer") || (question.is_group() && item.contains_key("item"));
        let has_answer = given.get(id).is_some_and(|items| items.iter().any(is_answer));
        if !has_answer && is_enabled(question.asked, answers) {
            let text = format!("the item `{id}` is required, and has no answer");
            findings.error(Category::Required, &path.child("item"), text);
        }
    }
}

fn check_item(
    question: &Question<'_>,
    item: &Object,
    all: Option<&Answers<'_>>,
    path: &Path<'_>,
    findings: &mut Findings,
) {
    let kind = question.kind;
    let answers: Vec<&Object> = list(item, "answer").collect();
    if matches!(kind, "group" | "display") && !answers.is_empty() {
        let text = format!("an item of type {kind} is not answered");
        findings.error(Category::Structure, &path.child("answer"), text);
        return;
    }
    if answers.len() > 1 && !is_true(question.asked, "repeats") {
        findings.error(Category::Structure, &path.child("answer"), "this question takes one answer");
    }
    for (index, answer) in answers.iter().enumerate() {
        let place = path.child("answer").at(Some(index));
        check_answer(question, answer, &place, findings);
        check_items(&question.below, answer, all, &place, findings);
    }
    if answers.is_empty() {
        check_items(&question.below, item, all, path, findings);
    }
}

/// Whether a question is asked at all, by the answers to others.
fn is_enabled(question: &Object, answers: &Answers<'_>) -> bool {
    let mut conditions = list(question, "enableWhen").peekable();
    match text(question, "enableBehavior") {
        Some("any") => conditions.peek().is_none() || conditions.any(|condition| holds(condition, answers)),
        _ => conditions.all(|condition| holds(condition, answers)),
    }
}

fn holds(condition: &Object, answers: &Answers<'_>) -> bool {
    step();
    let asked = answers.to(text(condition, "question").unwrap_or_default());
    let Some((_, wanted)) = value_of(condition, "answer") else { return false };
    let is_said = || asked.is_some_and(|asked| asked.values.contains(&key(wanted)));
    let most = || asked.and_then(|asked| Some(asked.most?.total_cmp(&number(wanted)?)));
    let least = || asked.and_then(|asked| Some(asked.least?.total_cmp(&number(wanted)?)));
    match text(condition, "operator") {
        Some("exists") => asked.is_some() == wanted.as_bool().unwrap_or(true),
        Some("=") => is_said(),
        Some("!=") => asked.is_some() && !is_said(),
        Some(">") => most().is_some_and(|order| order.is_gt()),
        Some(">=") => most().is_some_and(|order| order.is_ge()),
        Some("<") => least().is_some_and(|order| order.is_lt()),
        Some("<=") => least().is_some_and(|order| order.is_le()),
        _ => false,
    }
}

fn check_answer(question: &Question<'_>, answer: &Object, path: &Path<'_>, findings: &mut Findings) {
    let kind = question.kind;
    let Some((given, value)) = value_of(answer, "value") else { return };
    let allowed: &[&str] = match kind {
        "boolean" => &["Boolean"],
        "decimal" => &["Decimal"],
        "integer" => &["Integer"],
        "date" => &["Date"],
        "dateTime" => &["DateTime"],
        "time" => &["Time"],
        "string" | "text" => &["String"],
        "url" => &["Uri"],
        // Options may be of these types; without options a choice is a code.
        "choice" => &["Coding", "Integer", "Date", "Time", "String", "Reference"],
        "open-choice" => &["Coding", "Integer", "Date", "Time", "String", "Reference"],
        "attachment" => &["Attachment"],
        "reference" => &["Reference"],
        "quantity" => &["Quantity"],
        _ => return,
    };
    if !allowed.contains(&given) {
        let wanted = allowed.iter().map(|kind| format!("value{kind}")).collect::<Vec<_>>().join(", ");
        let text = format!("a question of type {kind} is answered by {wanted}, not by value{given}");
        findings.error(Category::Structure, path, text);
        return;
    }
    if let (Some(most), Some(text)) = (question.asked.get("maxLength").and_then(Value::as_u64), value.as_str())
        && text.chars().count() as u64 > most
    {
        findings.error(Category::TooLong, path, format!("this answer is longer than the {most} characters asked for"));
    }
    let is_open = kind == "open-choice" && given == "String";
    if let Some(options) = question.options.as_ref().filter(|_| !is_open) {
        if !options.contains(&key(value)) {
            findings.error(Category::CodeInvalid, path, "this answer is none of the Questionnaire's options");
        }
    } else if let Some(set) = text(question.asked, "answerValueSet").filter(|_| !is_open) {
        findings.unknown(path, set, format!("answers from {set} were not checked"));
    }
}
