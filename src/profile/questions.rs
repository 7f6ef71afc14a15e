//! A Questionnaire and the answers to it, found by link id: however many there are of both, each is looked at once.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::steps::step;

type Object = Map<String, Value>;

/// The questions of one level of a Questionnaire.
#[derive(Clone, Default)]
pub(super) struct Questions<'q> {
    all: Vec<(&'q str, Question<'q>)>,
    /// Where in `all` the first question of a link id stands.
    by_link: HashMap<&'q str, usize>,
    /// Where in `all` the required ones stand.
    required: Vec<usize>,
}

/// One question with those below it.
#[derive(Clone)]
pub(super) struct Question<'q> {
    pub asked: &'q Object,
    pub kind: &'q str,
    /// The answers it offers, where it lists any.
    pub options: Option<HashSet<Key<'q>>>,
    pub below: Questions<'q>,
}

impl Question<'_> {
    pub fn is_group(&self) -> bool {
        self.kind == "group"
    }
}

impl<'q> Questions<'q> {
    /// The questions of a Questionnaire, or of an item of one.
    pub fn of(holder: &'q Object) -> Self {
        let mut questions = Self::default();
        for asked in list(holder, "item") {
            let id = text(asked, "linkId").unwrap_or_default();
            let place = questions.all.len();
            questions.by_link.entry(id).or_insert(place);
            if is_true(asked, "required") {
                questions.required.push(place);
            }
            let has_options = list(asked, "answerOption").next().is_some();
            let options = has_options.then(|| {
                let offered = list(asked, "answerOption").filter_map(|option| value_of(option, "value"));
                offered.map(|(_, value)| key(value)).collect()
            });
            let kind = text(asked, "type").unwrap_or_default();
            questions.all.push((id, Question { asked, kind, options, below: Self::of(asked) }));
        }
        questions
    }

    pub fn find(&self, link: &str) -> Option<&Question<'q>> {
        self.by_link.get(link).and_then(|place| self.all.get(*place)).map(|(_, question)| question)
    }

    pub fn required(&self) -> impl Iterator<Item = (&'q str, &Question<'q>)> {
        self.required.iter().filter_map(|place| self.all.get(*place)).map(|(id, question)| (*id, question))
    }
}

/// All answers of a response by the link id of their question, wherever they stand.
#[derive(Default)]
pub(super) struct Answers<'v>(HashMap<&'v str, Given<'v>>);

/// The answers to one question: what they are, and the least and the most of those that are numbers.
#[derive(Default)]
pub(super) struct Given<'v> {
    pub values: HashSet<Key<'v>>,
    pub least: Option<f64>,
    pub most: Option<f64>,
}

impl<'v> Answers<'v> {
    pub fn of(response: &'v Object) -> Self {
        let mut answers = Self::default();
        answers.collect(response);
        answers
    }

    /// The answers to a question; none where nobody gave any.
    pub fn to(&self, link: &str) -> Option<&Given<'v>> {
        self.0.get(link)
    }

    fn collect(&mut self, holder: &'v Object) {
        for item in list(holder, "item") {
            for answer in list(item, "answer") {
                step();
                if let (Some(link), Some((_, value))) = (text(item, "linkId"), value_of(answer, "value")) {
                    self.0.entry(link).or_default().add(value);
                }
                self.collect(answer);
            }
            self.collect(item);
        }
    }
}

impl<'v> Given<'v> {
    fn add(&mut self, value: &'v Value) {
        self.values.insert(key(value));
        if let Some(number) = number(value) {
            self.least = Some(self.least.map_or(number, |least| least.min(number)));
            self.most = Some(self.most.map_or(number, |most| most.max(number)));
        }
    }
}

/// What makes two answers the same: codings are by system and code, whatever they are called.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Key<'v> {
    Coding(Option<&'v Value>, &'v Value),
    Plain(&'v Value),
}

pub(super) fn key(value: &Value) -> Key<'_> {
    match value.get("code") {
        Some(code) => Key::Coding(value.get("system"), code),
        None => Key::Plain(value),
    }
}

pub(super) fn number(value: &Value) -> Option<f64> {
    value.get("value").unwrap_or(value).as_f64()
}

pub(super) fn text<'v>(object: &'v Object, name: &str) -> Option<&'v str> {
    object.get(name).and_then(Value::as_str)
}

pub(super) fn list<'v>(object: &'v Object, name: &str) -> impl Iterator<Item = &'v Object> + use<'v> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

pub(super) fn is_true(object: &Object, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// A value of a choice: `valueString` and what it holds.
pub(super) fn value_of<'v>(object: &'v Object, prefix: &str) -> Option<(&'v str, &'v Value)> {
    object.iter().find_map(|(key, value)| Some((key.strip_prefix(prefix)?, value)).filter(|(kind, _)| !kind.is_empty()))
}
