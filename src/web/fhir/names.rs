//! How a search parameter is named in an address: with a modifier, through a reference (chaining), or by what refers to a resource
//! (`_has`) (http://hl7.org/fhir/R4/search.html#modifiers, #chaining, #has).

/// A parameter's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// `code`, `code:not`.
    Plain { name: &'a str, modifier: Option<&'a str> },
    /// `subject.name`, `subject:Patient.name:exact`.
    Chain { name: &'a str, kind: Option<&'a str>, rest: &'a str },
    /// `_has:Observation:patient:code`.
    Has { kind: &'a str, reference: &'a str, rest: &'a str },
}

impl<'a> Name<'a> {
    pub fn read(text: &'a str) -> Self {
        if let Some(rest) = text.strip_prefix("_has:") {
            let mut parts = rest.splitn(3, ':');
            if let (Some(kind), Some(reference), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                return Self::Has { kind, reference, rest };
            }
        }
        // A type comes before the dot, a modifier after it.
        if let Some((first, rest)) = text.split_once('.') {
            let (name, kind) = first.split_once(':').map_or((first, None), |(name, kind)| (name, Some(kind)));
            return Self::Chain { name, kind, rest };
        }
        match text.split_once(':') {
            Some((name, modifier)) => Self::Plain { name, modifier: Some(modifier) },
            None => Self::Plain { name: text, modifier: None },
        }
    }
}

/// How many references a name goes through.
pub fn depth(text: &str) -> usize {
    let mut depth = 0;
    let mut rest = text;
    while let Name::Chain { rest: further, .. } | Name::Has { rest: further, .. } = Name::read(rest) {
        depth += 1;
        rest = further;
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_where_they_are_joined() {
        for (text, name) in [
            ("code", Name::Plain { name: "code", modifier: None }),
            ("code:not", Name::Plain { name: "code", modifier: Some("not") }),
            ("subject.name", Name::Chain { name: "subject", kind: None, rest: "name" }),
            ("subject:Patient.name:exact", Name::Chain { name: "subject", kind: Some("Patient"), rest: "name:exact" }),
            ("a.b.c", Name::Chain { name: "a", kind: None, rest: "b.c" }),
            (
                "_has:Observation:patient:code:not",
                Name::Has { kind: "Observation", reference: "patient", rest: "code:not" },
            ),
            (
                "_has:Observation:patient:_has:AuditEvent:entity:user",
                Name::Has { kind: "Observation", reference: "patient", rest: "_has:AuditEvent:entity:user" },
            ),
            ("_has:Observation", Name::Plain { name: "_has", modifier: Some("Observation") }),
        ] {
            assert_eq!(Name::read(text), name, "{text}");
        }
    }

    #[test]
    fn each_reference_on_the_way_counts() {
        for (text, expected) in
            [("code:not", 0), ("a.b.c", 2), ("_has:Task:owner:_has:Flag:author:encounter.status", 3), ("_has:Task", 0)]
        {
            assert_eq!(depth(text), expected, "{text}");
        }
    }
}
