//! Words by which a value set knows its content where no code tells: in texts of people, in displays of local codes. They are
//! compared word by word, whatever the case and the signs between them; a `*` at the end stands for how the word goes on, and what stands
//! behind a `+` has to be said as well, anywhere in the text.

use std::collections::HashMap;

use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node};

/// The phrases of one value set, and those that only look like them.
#[derive(Debug, Default)]
pub(super) struct Words {
    wanted: Phrases,
    but: Phrases,
}

/// Phrases by their first word, so that a long text is looked through once.
#[derive(Debug, Default)]
struct Phrases {
    by_first: HashMap<String, Vec<Phrase>>,
    /// Words alone that may go on.
    open: Vec<String>,
}

#[derive(Debug)]
struct Phrase {
    words: Vec<String>,
    /// The last word may go on.
    is_open: bool,
    /// What has to stand in the text as well.
    beside: Option<Box<Phrase>>,
}

impl Words {
    pub fn read(fields: &mut Fields<'_>) -> Self {
        Self { wanted: Phrases::read(fields, "words"), but: Phrases::read(fields, "but") }
    }

    /// Whether a text, as [`words_of`] takes it apart, says one of the phrases outside those that only look like it.
    pub fn are_in(&self, text: &[String]) -> bool {
        let mut covered = Vec::new();
        for at in 0..text.len() {
            let length = self.wanted.longest_at(text, at);
            if length == 0 {
                // Nothing lost: no phrase begins here.
                continue;
            }
            if covered.is_empty() {
                covered = self.but.covered(text);
            }
            if covered.iter().skip(at).take(length).any(|covered| !covered) {
                return true;
            }
        }
        false
    }
}

impl Phrases {
    fn read(fields: &mut Fields<'_>, key: &'static str) -> Self {
        let mut phrases = Self::default();
        for node in fields.list(key) {
            match Phrase::read(node) {
                Ok(Phrase { words, is_open: true, beside: None }) if words.len() == 1 => phrases.open.extend(words),
                Ok(phrase) => {
                    let first = phrase.words.first().cloned().unwrap_or_default();
                    phrases.by_first.entry(first).or_default().push(phrase);
                }
                Err(problem) => fields.report(problem),
            }
        }
        phrases
    }

    /// How many words the longest phrase has that begins at a place; 0 where none does.
    fn longest_at(&self, text: &[String], at: usize) -> usize {
        let Some((rest, first)) = text.get(at..).and_then(|rest| Some((rest, rest.first()?))) else { return 0 };
        let phrases = self.by_first.get(first).map(Vec::as_slice).unwrap_or_default();
        let longest = phrases.iter().filter(|phrase| phrase.begins(rest) && phrase.is_beside(text));
        let longest = longest.map(|phrase| phrase.words.len()).max();
        let is_open = || self.open.iter().any(|stem| first.starts_with(stem.as_str()));
        longest.unwrap_or_else(|| usize::from(is_open()))
    }

    /// Which words of a text belong to one of these phrases.
    fn covered(&self, text: &[String]) -> Vec<bool> {
        let mut covered = vec![false; text.len()];
        for at in 0..text.len() {
            let length = self.longest_at(text, at);
            covered.iter_mut().skip(at).take(length).for_each(|covered| *covered = true);
        }
        covered
    }
}

impl Phrase {
    fn read(node: &Node) -> Result<Self, Problem> {
        Self::of(&node.as_text().unwrap_or_default(), node)
    }

    fn of(text: &str, node: &Node) -> Result<Self, Problem> {
        let (text, beside) = text.split_once(" + ").map_or((text, None), |(text, beside)| (text, Some(beside)));
        let beside = beside.map(|beside| Self::of(beside, node)).transpose()?.map(Box::new);
        let words = words_of(text);
        if words.concat().chars().count() < 3 {
            let text = "words are three letters or more, written as `overdose`, `alcohol use` or `addict*`";
            return Err(node.mark.problem(Category::Value, text));
        }
        Ok(Self { words, is_open: text.trim_end().ends_with('*'), beside })
    }

    /// What it asks for besides stands somewhere in the text.
    fn is_beside(&self, text: &[String]) -> bool {
        let stands = |other: &Self| (0..text.len()).any(|at| text.get(at..).is_some_and(|rest| other.begins(rest)));
        self.beside.as_deref().is_none_or(|other| stands(other) && other.is_beside(text))
    }

    fn begins(&self, text: &[String]) -> bool {
        let last = self.words.len().saturating_sub(1);
        let agrees = |(place, (own, said)): (usize, (&String, &String))| {
            own == said || (self.is_open && place == last && said.starts_with(own.as_str()))
        };
        self.words.len() <= text.len() && self.words.iter().zip(text).enumerate().all(agrees)
    }
}

/// The words of a text in small letters.
pub fn words_of(text: &str) -> Vec<String> {
    let words = text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}
