//! What a code is called, in one language or several (http://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.concept.designation),
//! as the reduced form writes it behind the code: `= Male =de männlich` (profiles/README.md).

use crate::fhir::language::covers;

/// The words for one code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// In the language of its code system.
    pub display: Option<String>,
    pub designations: Vec<Designation>,
}

/// Another way to call a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Designation {
    /// BCP 47.
    pub language: String,
    pub value: String,
}

impl Texts {
    /// Whether nothing is called anything.
    pub fn is_empty(&self) -> bool {
        self.display.is_none() && self.designations.is_empty()
    }

    /// What to show in a language, which may be written more widely than that of a designation (`de` for `de-AT`).
    pub fn shown(&self, language: Option<&str>) -> Option<&str> {
        let wanted = language
            .and_then(|language| self.designations.iter().find(|designation| covers(language, &designation.language)));
        wanted.map(|designation| designation.value.as_str()).or(self.display.as_deref())
    }

    /// All that it is called.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.display.as_deref().into_iter().chain(self.designations.iter().map(|one| one.value.as_str()))
    }

    /// Whether somebody may call it so: as it is written, whatever the case and the blanks.
    pub fn has(&self, said: &str) -> bool {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let said = plain(said);
        self.all().any(|text| plain(text) == said)
    }

    /// Reads what stands behind a code.
    pub fn read(text: &str) -> Self {
        let mut texts = Self::default();
        let mut rest = text.trim_start();
        while let Some((language, more)) = rest.strip_prefix('=').and_then(|rest| rest.split_once(' ')) {
            let mut quoted = serde_json::Deserializer::from_str(more).into_iter::<String>();
            let (value, end) = match quoted.next().filter(|_| more.starts_with('"')) {
                Some(Ok(value)) => (value, quoted.byte_offset()),
                _ => {
                    let end = more.find(" =").unwrap_or(more.len());
                    (more.get(..end).unwrap_or_default().to_string(), end)
                }
            };
            match language {
                "" => texts.display = Some(value),
                language => texts.designations.push(Designation { language: language.to_string(), value }),
            }
            rest = more.get(end..).unwrap_or_default().trim_start();
        }
        texts
    }

    /// The same as it is written, with a blank in front; nothing for no words.
    pub fn written(&self) -> String {
        let display = self.display.iter().map(|value| ("", value.as_str()));
        let others = self.designations.iter().map(|one| (one.language.as_str(), one.value.as_str()));
        display.chain(others).map(|(language, value)| format!(" ={language} {}", plain_or_quoted(value))).collect()
    }
}

/// On one line, in quotes where it could not be told from what follows.
fn plain_or_quoted(value: &str) -> String {
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() || line.starts_with('"') || line.contains(" =") {
        return serde_json::Value::from(line).to_string();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (display, other) in [("Male", "männlich"), ("a =b c", "\"quoted\" text"), ("=", "= x"), ("", "two  blanks")]
        {
            let designations = vec![Designation { language: "de-AT".to_string(), value: other.to_string() }];
            let texts = Texts { display: Some(display.to_string()), designations };
            let read = Texts::read(&texts.written());
            assert_eq!(read.display.as_deref(), Some(display));
            assert_eq!(read.designations[0].value, other.replace("  ", " "));
            assert_eq!(read.shown(Some("de")), Some(read.designations[0].value.as_str()));
            assert_eq!(read.shown(Some("nl")), Some(display));
        }
        assert!(Texts::read("").is_empty());
        assert!(Texts::read("= Male").has(" MALE ") && !Texts::read("= Male").has("Mal"));
    }
}
