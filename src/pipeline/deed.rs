//! What somebody did to one thing, as it may be taken back: by what was written then.

use std::fmt;
use std::str::FromStr;

use crate::identity::ResourceId;

/// What people do that may be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeedKind {
    Task,
    Prompt,
    Goal,
    Label,
}

impl DeedKind {
    const WORDS: [(&str, Self); 4] =
        [("task", Self::Task), ("prompt", Self::Prompt), ("goal", Self::Goal), ("label", Self::Label)];

    /// As the audit begins it: `goal` of `goal-undo`.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// What somebody did to one thing, by which it came to this version. As text: `goal Goal/id 3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    pub kind: DeedKind,
    /// `Goal`
    pub resource: String,
    pub id: ResourceId,
    pub version: u64,
}

impl Deed {
    /// By what was written (`Goal/id/_history/3`); none where the thing stayed as it was.
    pub fn among(written: &[String], kind: DeedKind, resource: &str, id: ResourceId) -> Option<Self> {
        let versions = format!("{resource}/{id}/_history/");
        // Nothing lost: versions are numbers of ours.
        let version = written.iter().find_map(|path| path.strip_prefix(&versions)?.parse().ok())?;
        Some(Self { kind, resource: resource.to_string(), id, version })
    }

    /// `Goal/id`
    pub fn subject(&self) -> String {
        format!("{}/{}", self.resource, self.id)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind.word(), self.subject(), self.version)
    }
}

impl FromStr for Deed {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let read = || {
            let [word, subject, version] = text.split(' ').collect::<Vec<_>>().try_into().ok()?;
            let (resource, id) = subject.split_once('/')?;
            let (_, kind) = DeedKind::WORDS.into_iter().find(|(known, _)| *known == word)?;
            let (id, version) = (id.parse().ok()?, version.parse().ok()?);
            Some(Self { kind, resource: resource.to_string(), id, version })
        };
        read().ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Identifier;
    use crate::identity::PersonId;

    #[test]
    fn a_deed_is_read_as_it_is_written_and_nothing_else_is_one() {
        let id = ResourceId::of(PersonId::of(&Identifier::new("urn:s", "8")), "Goal", "walk");
        let written = ["Task/x/_history/4".to_string(), format!("Goal/{id}/_history/12")];
        let deed = Deed::among(&written, DeedKind::Goal, "Goal", id).unwrap();
        assert_eq!(deed.to_string(), format!("goal Goal/{id} 12"));
        assert_eq!(deed.to_string().parse(), Ok(deed.clone()));
        assert_eq!(Deed::among(&written, DeedKind::Prompt, "Flag", id), None, "that stayed as it was");
        for text in [
            format!("visit Goal/{id} 12"),
            format!("goal Goal/{id}"),
            format!("goal Goal/{id} x"),
            format!("goal Goal/{id} 12 1"),
            "goal Goal/x 12".to_string(),
            String::new(),
        ] {
            assert_eq!(text.parse::<Deed>(), Err(()), "{text}");
        }
    }
}
