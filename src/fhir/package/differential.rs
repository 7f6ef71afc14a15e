//! What a profile says beyond its base (http://hl7.org/fhir/R4/profiling.html#snapshot), read from its block.

use crate::fhir::definition::{Constraint, ElementRule, profile_url, read_constraint, split_version};

/// One profile or extension, without what it inherits.
#[derive(Debug)]
pub struct Differential {
    pub url: String,
    pub version: Option<String>,
    /// The type it constrains: `Observation`, `Extension`.
    pub type_name: String,
    /// The URL of the profile or type it starts from.
    pub base: String,
    /// Whether this extension changes the meaning of what holds it.
    pub is_modifier: bool,
    /// Where this extension may stand; empty means anywhere.
    pub contexts: Vec<ExtensionContext>,
    /// What must hold of the element that holds this extension, which is `%extension` there.
    pub context_invariants: Vec<String>,
    /// Invariants of the whole.
    pub constraints: Vec<Constraint>,
    pub rules: Vec<ElementRule>,
}

/// A place where an extension may stand (http://hl7.org/fhir/R4/defining-extensions.html#context).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtensionContext {
    /// An element by its path, or all of a type.
    Element(String),
    /// Inside another extension, by its URL.
    Extension(String),
    FhirPath(String),
}

impl Differential {
    /// Reads a block; the faults say which line, counted from 0, and what is wrong with it. What can be read, is.
    pub(super) fn read(text: &str) -> (Option<Self>, Vec<(usize, String)>) {
        let mut lines = text.lines().enumerate();
        let head = lines.next().map_or("", |(_, head)| head);
        let Some(mut profile) = read_head(head) else {
            let fault = "a profile begins `profile TYPE URL : BASE`, an extension `extension URL : BASE`".to_string();
            return (None, vec![(0, fault)]);
        };
        let mut faults = Vec::new();
        for (number, line) in lines {
            if let Err(fault) = profile.read_line(line) {
                faults.push((number, fault));
            }
        }
        (Some(profile), faults)
    }

    fn read_line(&mut self, line: &str) -> Result<(), String> {
        let Some(more) = line.strip_prefix("  ") else {
            self.rules.push(ElementRule::read(line)?);
            return Ok(());
        };
        if let Some(constraint) = read_constraint(line) {
            match self.rules.last_mut() {
                Some(rule) => rule.constraints.push(constraint),
                None => self.constraints.push(constraint),
            }
            return Ok(());
        }
        match more.split_once(' ') {
            None if more == "modifier" => self.is_modifier = true,
            Some(("context", rest)) => {
                let (kind, text) = rest.split_once(' ').unwrap_or((rest, ""));
                self.contexts.push(match kind {
                    "element" => ExtensionContext::Element(text.to_string()),
                    "extension" => ExtensionContext::Extension(profile_url(text)),
                    "fhirpath" => ExtensionContext::FhirPath(text.to_string()),
                    _ => return Err(format!("`{kind}` is no kind of context")),
                });
            }
            Some(("context-invariant", rest)) => self.context_invariants.push(rest.to_string()),
            _ => return Err(format!("`{more}` means nothing here")),
        }
        Ok(())
    }
}

fn read_head(head: &str) -> Option<Differential> {
    let (head, base) = head.split_once(" : ")?;
    let mut words = head.split(' ');
    let type_name = match words.next()? {
        "profile" => words.next()?,
        "extension" => "Extension",
        _ => return None,
    };
    let url = profile_url(words.next()?);
    let (url, version) = split_version(&url);
    Some(Differential {
        url: url.to_string(),
        version: version.map(str::to_string),
        type_name: type_name.to_string(),
        base: profile_url(base),
        is_modifier: false,
        contexts: Vec::new(),
        context_invariants: Vec::new(),
        constraints: Vec::new(),
        rules: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_with_its_invariants_and_contexts() {
        let text = "extension http://x.example/e|1 : Extension\n  modifier\n  context element Patient\n  error e-1 value.exists()\n\
                    url fixed \"http://x.example/e\"\nvalue[x] 1.. string\n  warning e-2 $this != ''";
        let (profile, faults) = Differential::read(text);
        let profile = profile.unwrap();
        assert_eq!(faults, []);
        assert_eq!((profile.url.as_str(), profile.version.as_deref()), ("http://x.example/e", Some("1")));
        assert_eq!(profile.base, "http://hl7.org/fhir/StructureDefinition/Extension");
        assert!(profile.is_modifier && profile.contexts == [ExtensionContext::Element("Patient".to_string())]);
        assert_eq!((profile.constraints.len(), profile.rules.len(), profile.rules[1].constraints.len()), (1, 2, 1));
    }

    #[test]
    fn a_line_that_means_nothing_is_named() {
        let (_, faults) =
            Differential::read("profile Patient http://x.example/p : Patient\nname 1..*\ngender wht{ever");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].0, 2);
    }
}
