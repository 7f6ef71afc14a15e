//! A QuestionnaireResponse against its Questionnaire (http://hl7.org/fhir/R4/questionnaireresponse.html#notes): what is asked there,
//! answered as it asks. The Questionnaire is one that is contained or in the same bundle; any other is not at hand, and that is said.

use serde_json::{Map, Value};

use super::place::{Findings, Path};
use super::validate::Validation;
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
    let Some(questionnaire) = find(canonical, validation) else {
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
    let form = Form { response, is_done };
    form.check_items(list(questionnaire, "item"), response, path, findings);
}

fn find<'a>(canonical: &str, validation: Validation<'a>) -> Option<&'a Object> {
    let found = match canonical.strip_prefix('#') {
        Some(id) => validation.contained?.get(id),
        None => {
            let url = canonical.split('|').next().unwrap_or(canonical);
            let is_meant = |resource: &&Object| text(resource, "url") == Some(url);
            validation.bundle.and_then(|bundle| bundle.resources().find(is_meant))
        }
    };
    found.filter(|found| text(found, "resourceType") == Some("Questionnaire"))
}

fn text<'v>(object: &'v Object, name: &str) -> Option<&'v str> {
    object.get(name).and_then(Value::as_str)
}

fn list<'v>(object: &'v Object, name: &str) -> Vec<&'v Object> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect()
}

fn is_true(object: &Object, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// A value of a choice: `valueString` and what it holds.
fn value_of<'v>(object: &'v Object, prefix: &str) -> Option<(&'v str, &'v Value)> {
    object.iter().find_map(|(key, value)| Some((key.strip_prefix(prefix)?, value)).filter(|(kind, _)| !kind.is_empty()))
}

struct Form<'a> {
    response: &'a Object,
    is_done: bool,
}

impl Form<'_> {
    /// The items below a response, an item or an answer, against the questions for there.
    fn check_items(&self, questions: Vec<&Object>, holder: &Object, path: &Path<'_>, findings: &mut Findings) {
        let answered = list(holder, "item");
        for (index, item) in answered.iter().enumerate() {
            let place = path.child("item").at(Some(index));
            let id = text(item, "linkId").unwrap_or_default();
            match questions.iter().find(|question| text(question, "linkId") == Some(id)) {
                Some(question) => self.check_item(question, item, &place, findings),
                None => {
                    let text = format!("the Questionnaire has no item `{id}` here");
                    findings.error(Category::NotFound, &place.child("linkId"), text);
                }
            }
        }
        for question in questions {
            let id = text(question, "linkId").unwrap_or_default();
            let given: Vec<&&Object> = answered.iter().filter(|item| text(item, "linkId") == Some(id)).collect();
            let is_group = text(question, "type") == Some("group");
            if given.len() > 1 && !(is_group && is_true(question, "repeats")) {
                let text = format!("the item `{id}` stands here more than once; several answers stand in one item");
                findings.error(Category::Structure, &path.child("item"), text);
            }
            let has_answer =
                given.iter().any(|item| item.contains_key("answer") || (is_group && item.contains_key("item")));
            if self.is_done && is_true(question, "required") && !has_answer && self.is_enabled(question) {
                let text = format!("the item `{id}` is required, and has no answer");
                findings.error(Category::Required, &path.child("item"), text);
            }
        }
    }

    fn check_item(&self, question: &Object, item: &Object, path: &Path<'_>, findings: &mut Findings) {
        let kind = text(question, "type").unwrap_or_default();
        let answers = list(item, "answer");
        if matches!(kind, "group" | "display") && !answers.is_empty() {
            let text = format!("an item of type {kind} is not answered");
            findings.error(Category::Structure, &path.child("answer"), text);
            return;
        }
        if answers.len() > 1 && !is_true(question, "repeats") {
            findings.error(Category::Structure, &path.child("answer"), "this question takes one answer");
        }
        for (index, answer) in answers.iter().enumerate() {
            let place = path.child("answer").at(Some(index));
            check_answer(question, kind, answer, &place, findings);
            self.check_items(list(question, "item"), answer, &place, findings);
        }
        if answers.is_empty() {
            self.check_items(list(question, "item"), item, path, findings);
        }
    }

    /// Whether a question is asked at all, by the answers to others.
    fn is_enabled(&self, question: &Object) -> bool {
        let conditions = list(question, "enableWhen");
        let holds = |condition: &&Object| self.holds(condition);
        match text(question, "enableBehavior") {
            Some("any") => conditions.is_empty() || conditions.iter().any(holds),
            _ => conditions.iter().all(holds),
        }
    }

    fn holds(&self, condition: &Object) -> bool {
        let asked = text(condition, "question").unwrap_or_default();
        let mut answers = Vec::new();
        collect(self.response, asked, &mut answers);
        let Some((_, wanted)) = value_of(condition, "answer") else { return false };
        let is = |value: &&Value| same(value, wanted);
        let order = |value: &Value| Some(number(value)?.total_cmp(&number(wanted)?));
        match text(condition, "operator") {
            Some("exists") => answers.is_empty() != wanted.as_bool().unwrap_or(true),
            Some("=") => answers.iter().any(is),
            Some("!=") => !answers.is_empty() && !answers.iter().any(is),
            Some(">") => answers.iter().any(|value| order(value).is_some_and(|order| order.is_gt())),
            Some(">=") => answers.iter().any(|value| order(value).is_some_and(|order| order.is_ge())),
            Some("<") => answers.iter().any(|value| order(value).is_some_and(|order| order.is_lt())),
            Some("<=") => answers.iter().any(|value| order(value).is_some_and(|order| order.is_le())),
            _ => false,
        }
    }
}

/// All answers to a question, wherever they stand.
fn collect<'v>(holder: &'v Object, link: &str, found: &mut Vec<&'v Value>) {
    for item in list(holder, "item") {
        for answer in list(item, "answer") {
            if text(item, "linkId") == Some(link) {
                found.extend(value_of(answer, "value").map(|(_, value)| value));
            }
            collect(answer, link, found);
        }
        collect(item, link, found);
    }
}

/// Codings are the same by system and code, whatever they are called.
fn same(one: &Value, other: &Value) -> bool {
    match (one.get("code"), other.get("code")) {
        (Some(code), Some(wanted)) => code == wanted && one.get("system") == other.get("system"),
        _ => one == other,
    }
}

fn number(value: &Value) -> Option<f64> {
    value.get("value").unwrap_or(value).as_f64()
}

fn check_answer(question: &Object, kind: &str, answer: &Object, path: &Path<'_>, findings: &mut Findings) {
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
    if let (Some(most), Some(text)) = (question.get("maxLength").and_then(Value::as_u64), value.as_str())
        && text.chars().count() as u64 > most
    {
        findings.error(Category::TooLong, path, format!("this answer is longer than the {most} characters asked for"));
    }
    let options = list(question, "answerOption");
    let is_open = kind == "open-choice" && given == "String";
    if !options.is_empty() && !is_open {
        let is_listed =
            options.iter().filter_map(|option| value_of(option, "value")).any(|(_, option)| same(option, value));
        if !is_listed {
            findings.error(Category::CodeInvalid, path, "this answer is none of the Questionnaire's options");
        }
    } else if let Some(set) = text(question, "answerValueSet").filter(|_| !is_open) {
        findings.unknown(path, set, format!("answers from {set} were not checked"));
    }
}
