//! HL7's own way to name a place: `PID-3[1].4.2`, `OBX-5`, `PATIENT_RESULT.ORDER_OBSERVATION.OBX-5`, `PV1`.
//! Counts start at 1; a place left out means all repetitions, or the whole of what is above it.

use std::fmt;
use std::str::FromStr;

use super::message::Segment;
use super::value::Value;

/// A path to values in a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// Names of groups from the outermost, as the standard's message structures call them.
    pub groups: Vec<String>,
    pub segment: String,
    /// `OBX[2]`: only that one of its name in the message.
    pub occurrence: Option<u16>,
    /// Absent for a path to the segment itself.
    pub field: Option<u16>,
    pub repetition: Option<u16>,
    pub component: Option<u16>,
    pub subcomponent: Option<u16>,
}

/// Why some text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} (at character {column})")]
pub struct PathFault {
    /// From 1.
    pub column: usize,
    pub text: String,
}

impl Path {
    /// The values this path means in one segment: none where the segment is another one, or says nothing there.
    /// `""` is a value. Groups are not looked at: whoever walks them chose the segment.
    pub fn values<'m>(&self, segment: Segment<'m>) -> impl Iterator<Item = Value<'m>> + use<'m> {
        let is_meant =
            segment.name() == self.segment && self.occurrence.is_none_or(|only| only == segment.occurrence());
        let Self { repetition, component, subcomponent, .. } = *self;
        let field = self.field.filter(|_| is_meant).map(|number| segment.field(number));
        let repetitions = field.into_iter().flat_map(Value::repetitions);
        let chosen = repetitions.filter(move |value| repetition.is_none_or(|only| value.number() == only));
        let inner = chosen.map(move |value| match (component, subcomponent) {
            (Some(component), Some(subcomponent)) => value.component(component).subcomponent(subcomponent),
            (Some(component), None) => value.component(component),
            _ => value,
        });
        inner.filter(|value| !value.is_empty())
    }

    /// The first of [`Path::values`].
    pub fn value<'m>(&self, segment: Segment<'m>) -> Option<Value<'m>> {
        self.values(segment).next()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.groups {
            write!(f, "{group}.")?;
        }
        f.write_str(&self.segment)?;
        if let Some(occurrence) = self.occurrence {
            write!(f, "[{occurrence}]")?;
        }
        if let Some(field) = self.field {
            write!(f, "-{field}")?;
        }
        if let Some(repetition) = self.repetition {
            write!(f, "[{repetition}]")?;
        }
        for part in [self.component, self.subcomponent].into_iter().flatten() {
            write!(f, ".{part}")?;
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = PathFault;

    fn from_str(text: &str) -> Result<Self, PathFault> {
        let mut scanner = Scanner { text, at: 0 };
        let mut names = vec![scanner.name()?];
        while scanner.take('.') {
            names.push(scanner.name()?);
        }
        let segment = names.pop().unwrap_or_default();
        if segment.len() != 3 {
            let text = format!("`{segment}` is not a segment: a segment's name has three characters, such as PID");
            return Err(PathFault { column: scanner.at.saturating_sub(segment.len()) + 1, text });
        }
        let occurrence = scanner.bracketed("occurrence")?;
        let mut path = Self {
            groups: names,
            segment,
            occurrence,
            field: None,
            repetition: None,
            component: None,
            subcomponent: None,
        };
        if scanner.take('-') {
            path.field = Some(scanner.number("field")?);
            path.repetition = scanner.bracketed("repetition")?;
            if scanner.take('.') {
                path.component = Some(scanner.number("component")?);
                if scanner.take('.') {
                    path.subcomponent = Some(scanner.number("subcomponent")?);
                }
            }
        }
        match scanner.rest().chars().next() {
            None => Ok(path),
            Some(next) => Err(scanner.fault(format!("`{next}` is not expected here; a path looks like PID-3[1].4.2"))),
        }
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fault(&self, text: String) -> PathFault {
        let before = self.text.get(..self.at).unwrap_or_default();
        PathFault { column: before.chars().count() + 1, text }
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.rest().starts_with(wanted);
        self.at += if is_next { wanted.len_utf8() } else { 0 };
        is_next
    }

    fn while_matching(&mut self, matches: fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = rest.get(..rest.find(|c| !matches(c)).unwrap_or(rest.len())).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    fn name(&mut self) -> Result<String, PathFault> {
        let start = self.at;
        let name = self.while_matching(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Ok(name.to_string());
        }
        self.at = start;
        Err(self.fault("a segment or group name in capitals is expected here, such as PID".to_string()))
    }

    fn number(&mut self, what: &str) -> Result<u16, PathFault> {
        let start = self.at;
        match self.while_matching(|c| c.is_ascii_digit()).parse::<u16>() {
            Ok(number) if number > 0 => Ok(number),
            _ => {
                self.at = start;
                Err(self.fault(format!("a {what} number from 1 is expected here")))
            }
        }
    }

    fn bracketed(&mut self, what: &str) -> Result<Option<u16>, PathFault> {
        if !self.take('[') {
            return Ok(None);
        }
        let number = self.number(what)?;
        match self.take(']') {
            true => Ok(Some(number)),
            false => Err(self.fault("`]` is expected here".to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::{Message, ReadOptions};

    #[test]
    fn paths_are_written_as_they_are_read() {
        for text in [
            "PID",
            "PID-3",
            "PID-3[2]",
            "PID-3[1].4.2",
            "PV1-44.1",
            "OBX[2]-5",
            "PATIENT_RESULT.ORDER_OBSERVATION.OBX-5",
        ] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn faults_say_where_and_what() {
        for (text, column) in [
            ("", 1),
            ("pid-3", 1),
            ("PID-", 5),
            ("PID-0", 5),
            ("PID-3[x]", 7),
            ("PID-3[1", 8),
            ("PID-3.4.2.1", 10),
            ("PATIENT-3", 1),
            ("A.PIDX", 3),
        ] {
            assert_eq!(text.parse::<Path>().unwrap_err().column, column, "{text}");
        }
    }

    #[test]
    fn values_come_with_their_places() {
        let raw = b"MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5\rPID|||1^^^H1&2.16&ISO~~2^^^H2\r".as_slice();
        let message = Message::parse(raw, &ReadOptions::default()).message.unwrap();
        let patient = message.segment("PID").unwrap();
        let path: Path = "PID-3.4".parse().unwrap();
        let places: Vec<_> =
            path.values(patient).map(|value| (value.place().to_string(), value.leaf().text().into_owned())).collect();
        assert_eq!(places, [("PID-3.4".to_string(), "H1".to_string()), ("PID-3[3].4".to_string(), "H2".to_string())]);
        assert_eq!("PID-3[1].4.2".parse::<Path>().unwrap().value(patient).unwrap().text(), "2.16");
        assert!("PV1-2".parse::<Path>().unwrap().value(patient).is_none());
    }
}
