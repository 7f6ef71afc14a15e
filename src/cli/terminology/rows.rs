//! What a publisher's files say, row by row, on the way to one line for each code: gathered in whatever order the files have, sorted by
//! code. A row is `CODE`, a letter for what it says, and that.

use anyhow::{Result, bail};

use super::sorter::Sorter;
use crate::fhir::terminology::{Concept, Designation, Texts};

/// Rows of all codes, and who stands above whom.
pub struct Rows {
    pub codes: Sorter,
    pub children: Sorter,
}

/// No code is longer; a file with longer ones is another file.
const LONGEST_CODE: usize = 100;

impl Rows {
    /// There is such a code.
    pub fn code(&mut self, code: &str, is_inactive: bool) -> Result<()> {
        if code.is_empty() || code.len() > LONGEST_CODE || code.contains(char::is_whitespace) {
            bail!("`{}` is no code", code.chars().take(40).collect::<String>());
        }
        self.codes.add(format!("{code}\tA{}", if is_inactive { "!" } else { "" }))
    }

    pub fn parent(&mut self, code: &str, parent: &str) -> Result<()> {
        self.child(parent, code)?;
        self.codes.add(format!("{code}\tP{parent}"))
    }

    /// A code that is found under a key, in the order of the codes.
    pub fn child(&mut self, key: &str, code: &str) -> Result<()> {
        self.children.add(format!("{key}\t{code}"))
    }

    /// The same, in the order of these places.
    pub fn child_at(&mut self, key: &str, place: u32, code: &str) -> Result<()> {
        self.children.add(format!("{key}\t{place:010} {code}"))
    }

    pub fn property(&mut self, code: &str, name: &str, value: &str) -> Result<()> {
        if value.is_empty() {
            return Ok(());
        }
        self.codes.add(format!("{code}\tQ{name}={}", one_line(value)))
    }

    /// What a code is called. Of several the one with the lowest rank is its display; rank 9 never is.
    pub fn text(&mut self, code: &str, rank: u8, language: &str, text: &str) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.codes.add(format!("{code}\tT{rank}{language}\t{}", one_line(text)))
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One code being put together from its rows.
#[derive(Default)]
pub struct Gathered {
    pub concept: Concept,
    /// Whether a row says that there is such a code.
    pub is_stated: bool,
}

impl Gathered {
    /// Takes the next row of the same code, without the code.
    pub fn take(&mut self, row: &str) {
        let (kind, rest) = (row.get(..1).unwrap_or_default(), row.get(1..).unwrap_or_default());
        let concept = &mut self.concept;
        match kind {
            "A" => {
                // Where several rows say of a code whether it is in use, it is if one says so; those come first.
                concept.is_inactive = if self.is_stated { concept.is_inactive } else { rest == "!" };
                self.is_stated = true;
            }
            "P" => concept.parents.push(rest.to_string()),
            "Q" => {
                let property = rest.split_once('=').map(|(name, value)| (name.to_string(), value.to_string()));
                concept.properties.extend(property);
            }
            "T" => take_text(&mut concept.texts, rest),
            _ => {}
        }
    }
}

fn take_text(texts: &mut Texts, rest: &str) {
    let Some((head, text)) = rest.split_once('\t') else { return };
    let (rank, language) = (head.get(..1).unwrap_or_default(), head.get(1..).unwrap_or_default());
    if texts.display.is_none() && rank != "9" {
        texts.display = Some(text.to_string());
    } else if texts.display.as_deref() != Some(text)
        && !texts.designations.iter().any(|one| one.value == text && one.language == language)
    {
        texts.designations.push(Designation { language: language.to_string(), value: text.to_string() });
    }
}
