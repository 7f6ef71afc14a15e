//! Places in a message as mapping files write them: HL7's own notation (`PID-3[1].4.2`), with group names before it where
//! they matter (`OBSERVATION.NTE-3`), and `CX.1` or `this` for the value a map was called with.

use std::fmt;

/// Where to read. 0 means "not said" for field, repetition, component and subcomponent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePath {
    pub root: Root,
    pub field: u16,
    pub repetition: u16,
    pub component: u16,
    pub subcomponent: u16,
}

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// The value at hand: the repetition of an `each`, or what a datatype map was called with.
    This,
    /// A segment, found in the groups around the one at hand; `groups` are the names that must enclose it.
    Segment { groups: Vec<String>, name: String },
}

impl SourcePath {
    /// The value at hand, whole.
    pub fn this() -> Self {
        Self { root: Root::This, field: 0, repetition: 0, component: 0, subcomponent: 0 }
    }

    /// Reads the notation. `datatype` is the datatype of the file (`CX`), whose name may stand for `this`.
    ///
    /// # Errors
    /// Says what is wrong and how a place is written.
    pub fn parse(text: &str, datatype: Option<&str>) -> Result<Self, String> {
        let text = text.trim();
        let (head, rest) = match text.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (text, None),
        };
        if head == "this" || Some(head) == datatype {
            let parts = rest.map(|rest| numbers(rest, 2)).unwrap_or_else(|| Some(Vec::new()));
            let parts =
                parts.ok_or_else(|| format!("`{text}` is not a component; write `{head}.1` or `{head}.1.2`"))?;
            let at = |n: usize| parts.get(n).copied().unwrap_or(0);
            return Ok(Self { root: Root::This, field: 0, repetition: 0, component: at(0), subcomponent: at(1) });
        }
        let (names, place) = match text.split_once('-') {
            Some((names, place)) => (names, Some(place)),
            None => (text, None),
        };
        let mut names: Vec<&str> = names.split('.').collect();
        let name = names.pop().unwrap_or_default();
        if !is_segment_name(name) || !names.iter().all(|name| is_group_name(name)) {
            return Err(not_a_path(text, head, datatype));
        }
        let root = Root::Segment { groups: names.into_iter().map(str::to_string).collect(), name: name.to_string() };
        let mut path = Self { root, field: 0, repetition: 0, component: 0, subcomponent: 0 };
        if let Some(place) = place {
            read_place(place, &mut path).ok_or_else(|| {
                format!("`{text}` is not a place in a segment; write it as `{name}-3`, `{name}-3[2]` or `{name}-3.4.2`")
            })?;
        }
        Ok(path)
    }

    /// The segment this path names, when it names one.
    pub fn segment(&self) -> Option<&str> {
        match &self.root {
            Root::This => None,
            Root::Segment { name, .. } => Some(name),
        }
    }
}

fn read_place(place: &str, path: &mut SourcePath) -> Option<()> {
    let (field, parts) = match place.split_once('.') {
        Some((field, parts)) => (field, numbers(parts, 2)?),
        None => (place, Vec::new()),
    };
    let (field, repetition) = match field.split_once('[') {
        Some((field, repetition)) => (field, number(repetition.strip_suffix(']')?)?),
        None => (field, 0),
    };
    path.field = number(field)?;
    path.repetition = repetition;
    path.component = parts.first().copied().unwrap_or(0);
    path.subcomponent = parts.get(1).copied().unwrap_or(0);
    Some(())
}

fn numbers(text: &str, most: usize) -> Option<Vec<u16>> {
    let parts: Option<Vec<u16>> = text.split('.').map(number).collect();
    parts.filter(|parts| parts.len() <= most)
}

fn number(text: &str) -> Option<u16> {
    text.parse::<u16>().ok().filter(|number| (1..=999).contains(number))
}

fn is_segment_name(name: &str) -> bool {
    name.len() == 3
        && name.starts_with(|letter: char| letter.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_group_name(name: &str) -> bool {
    name.len() > 3 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn not_a_path(text: &str, head: &str, datatype: Option<&str>) -> String {
    match datatype {
        Some(datatype) if head.len() <= 3 && head.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            format!("`{text}`: this file reads {datatype}; write `{datatype}.1`")
        }
        _ => format!("`{text}` is not a place in a message; write `PID-5.1`, or `{{ fixed: {text} }}` for a constant"),
    }
}

impl fmt::Display for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Root::This => f.write_str("this")?,
            Root::Segment { groups, name } => {
                for group in groups {
                    write!(f, "{group}.")?;
                }
                f.write_str(name)?;
            }
        }
        if self.field > 0 {
            write!(f, "-{}", self.field)?;
        }
        if self.repetition > 0 {
            write!(f, "[{}]", self.repetition)?;
        }
        for part in [self.component, self.subcomponent] {
            if part > 0 {
                write!(f, ".{part}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_reads_back_as_it_was_written() {
        for text in ["PID-5", "PID-3[2].4.1", "ORDER_OBSERVATION.OBR-7", "ZPI-12.1", "IN1", "this", "this.2.1"] {
            assert_eq!(SourcePath::parse(text, None).unwrap().to_string(), text);
        }
        assert_eq!(SourcePath::parse("CX.4.1", Some("CX")).unwrap().to_string(), "this.4.1");
    }

    #[test]
    fn what_is_not_a_place_is_refused_with_advice() {
        for text in ["pid-5", "PID-0", "PID-5.1.2.3", "PID-x", "active", "PID-3[0]", ""] {
            assert!(SourcePath::parse(text, None).is_err(), "{text}");
        }
        assert!(SourcePath::parse("XAD.1", Some("CX")).unwrap_err().contains("CX.1"));
        assert!(SourcePath::parse("active", None).unwrap_err().contains("fixed: active"));
    }
}
