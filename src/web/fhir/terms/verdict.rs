//! What $validate-code finds of one code (http://hl7.org/fhir/R4/valueset-operation-validate-code.html). What cannot be told,
//! because something is not here, is no yes, and says what is missing.

use serde_json::Value;

use super::asked::Asked;
use super::found::{AskedSet, Coding, is_version};
use super::output::Output;
use crate::fhir::Library;
use crate::fhir::terminology::{Compose, Concept, HeldSystem, Membership, Texts};

/// The finding about one code.
#[derive(Debug, Default)]
pub struct Verdict {
    pub is_valid: bool,
    messages: Vec<String>,
    display: Option<String>,
    coding: Coding,
    version: Option<String>,
    is_inactive: bool,
    /// The canonical URL of what would have to be here to tell.
    missing: Option<String>,
}

/// How strict to be.
pub struct Strictness<'a> {
    /// Whether a code that only groups others will do.
    pub takes_abstract: bool,
    pub language: Option<&'a str>,
}

impl Verdict {
    /// Whether a value set has a code, and calls it so.
    pub fn in_value_set(asked: &Asked, set: &AskedSet, coding: Coding, strict: &Strictness<'_>) -> Self {
        let library = asked.library();
        let mut verdict = Self { coding, ..Self::default() };
        let Some(system) = verdict.coding.system.clone() else {
            return verdict.refused("a code without its system is in no value set: send `system` as well");
        };
        let held = library.code_system(&system);
        if !verdict.is_version(held.as_deref()) {
            return verdict;
        }
        let concept = held.as_deref().and_then(|held| held.find(&verdict.coding.code).ok()?);
        let texts = texts_in(library, &set.compose, &system, &verdict.coding.code, concept.as_ref());
        match library.has_in(&set.compose, &system, &verdict.coding.code) {
            Membership::In => verdict.found(concept.as_ref(), &texts, strict),
            Membership::Out if held.is_some() && concept.is_none() => verdict.unknown_code(held.as_deref()),
            Membership::Out => verdict.refused("the value set does not have this code"),
            Membership::Unknown(url) => {
                let text =
                    format!("whether the value set has this code cannot be told: {url} is not here, or not all of it");
                Self { missing: Some(url), ..verdict.refused(&text) }
            }
        }
    }

    /// Whether a code system has a code, and calls it so.
    pub fn in_code_system(asked: &Asked, held: &dyn HeldSystem, coding: Coding, strict: &Strictness<'_>) -> Self {
        let mut verdict = Self { coding, ..Self::default() };
        let own = held.head().url.as_str();
        if verdict.coding.system.as_deref().is_some_and(|system| system != own) {
            return verdict.refused("the code is of another code system than the one that was asked");
        }
        verdict.coding.system = Some(own.to_string());
        if !verdict.is_version(Some(held)) {
            return verdict;
        }
        let concept = held.find(&verdict.coding.code).ok().flatten();
        let texts = concept.as_ref().map(|concept| concept.texts.clone()).unwrap_or_default();
        match asked.library().has_code(own, &verdict.coding.code) {
            Membership::In => verdict.found(concept.as_ref(), &texts, strict),
            Membership::Out => verdict.unknown_code(Some(held)),
            Membership::Unknown(url) => {
                let text = format!("whether there is such a code cannot be told: not all of {url} is here");
                Self { missing: Some(url), ..verdict.refused(&text) }
            }
        }
    }

    /// A code system that is not here at all.
    pub fn without_system(coding: Coding, url: &str) -> Self {
        let verdict = Self { coding, missing: Some(url.to_string()), ..Self::default() };
        verdict.refused("whether there is such a code cannot be told: its code system is not here")
    }

    fn is_version(&mut self, held: Option<&dyn HeldSystem>) -> bool {
        let Some(held) = held else { return true };
        self.version = held.head().version.clone();
        let is_so = is_version(held, self.coding.version.as_deref());
        if !is_so {
            let own = self.version.clone().unwrap_or_default();
            self.messages
                .push(format!("the code system is here in version {own}, and not in the one that is asked for"));
        }
        is_so
    }

    fn found(mut self, concept: Option<&Concept>, texts: &Texts, strict: &Strictness<'_>) -> Self {
        self.is_valid = true;
        self.display = texts.shown(strict.language).map(str::to_string);
        if concept.is_some_and(|concept| concept.is_abstract) && !strict.takes_abstract {
            self = self.refused("the code only groups others, and may not be used itself");
        }
        if concept.is_some_and(|concept| concept.is_inactive) {
            self.is_inactive = true;
            self.messages.push("the code is no longer to be used: its code system has it as inactive".to_string());
        }
        match (&self.coding.display, &self.display) {
            (Some(said), Some(right)) if !texts.has(said) => {
                let text = format!("the display is wrong: this code is called `{right}`");
                self.refused(&text)
            }
            (Some(_), None) => {
                self.messages
                    .push("the display was not checked: what this code is called is not held here".to_string());
                self
            }
            _ => self,
        }
    }

    fn unknown_code(self, held: Option<&dyn HeldSystem>) -> Self {
        let near = held.filter(|held| !held.head().ignores_case).and_then(|held| {
            let other = [self.coding.code.to_lowercase(), self.coding.code.to_uppercase()];
            other.into_iter().find(|code| held.contains(code) == Ok(true))
        });
        match near {
            Some(near) => {
                self.refused(&format!("the code system has no such code; did you mean `{near}`? Case matters"))
            }
            None => self.refused("the code system has no such code"),
        }
    }

    fn refused(mut self, message: &str) -> Self {
        self.is_valid = false;
        self.messages.insert(0, message.to_string());
        self
    }

    /// Answers of several: one that is right is enough, and what is wrong with others is told beside it.
    pub fn written(all: Vec<Self>) -> Value {
        let is_valid = all.iter().any(|one| one.is_valid);
        let messages: Vec<String> = all.iter().flat_map(|one| &one.messages).cloned().collect();
        let missing = all.iter().filter_map(|one| one.missing.clone()).next();
        let shown = all.iter().position(|one| one.is_valid).unwrap_or(0);
        let mut output = Output::default();
        output.add("result", "valueBoolean", is_valid);
        output.add_some("message", "valueString", Some(messages.join("; ")).filter(|text| !text.is_empty()));
        if let Some(one) = all.into_iter().nth(shown) {
            output.add_some("display", "valueString", one.display);
            output.add("code", "valueCode", one.coding.code);
            output.add_some("system", "valueUri", one.coding.system);
            output.add_some("version", "valueString", one.version);
            output.add_some("inactive", "valueBoolean", one.is_inactive.then_some(true));
        }
        output.add_some("x-caused-by-unknown-system", "valueCanonical", missing.filter(|_| !is_valid));
        output.finish()
    }
}

/// What a value set calls a code, or else its system.
fn texts_in(library: &Library, compose: &Compose, system: &str, code: &str, concept: Option<&Concept>) -> Texts {
    let own = library.texts_in(compose, system, code).unwrap_or_default();
    let theirs = concept.map(|concept| concept.texts.clone()).unwrap_or_default();
    // Either name will do.
    let also = theirs.display.filter(|display| own.display.as_ref().is_some_and(|own| own != display));
    let also = also.map(|value| crate::fhir::terminology::Designation { language: "und".to_string(), value });
    Texts {
        display: own.display.or_else(|| concept.and_then(|concept| concept.texts.display.clone())),
        designations: own.designations.into_iter().chain(theirs.designations).chain(also).collect(),
    }
}
