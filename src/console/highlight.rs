//! A raw message as a person reads it: one line a segment, every part that a mapping read marked with what it became.

use crate::hl7::{Message, ReadOptions, Span};
use crate::store::LineageMark;

/// One segment on its line.
pub(super) struct Line {
    pub pieces: Vec<Piece>,
}

/// A run of text; marked when somebody read it.
pub(super) struct Piece {
    pub text: String,
    /// "Patient.birthDate, by mappings/segments/PID-Patient.yaml:12"; several readings are joined.
    pub became: Option<String>,
}

/// Splits the message into lines and pieces. Bytes that cannot be read as HL7 are one unmarked piece.
pub(super) fn lines(raw: &[u8], marks: &[LineageMark]) -> Vec<Line> {
    let Some(message) = Message::parse(raw, &ReadOptions::default()).message else {
        let text = String::from_utf8_lossy(raw).replace('\r', "\n");
        return text.lines().map(|line| Line { pieces: vec![plain(line.to_string())] }).collect();
    };
    message
        .segments()
        .map(|segment| {
            let span = segment.span();
            Line { pieces: pieces(&message, usize_of(span.start), usize_of(span.end), marks) }
        })
        .collect()
}

fn usize_of(offset: impl TryInto<usize>) -> usize {
    offset.try_into().unwrap_or(usize::MAX)
}

fn pieces(message: &Message, start: usize, end: usize, marks: &[LineageMark]) -> Vec<Piece> {
    let inside = |mark: &&LineageMark| usize_of(mark.start) >= start && usize_of(mark.end) <= end;
    let mut edges: Vec<usize> = vec![start, end];
    for mark in marks.iter().filter(inside) {
        edges.extend([usize_of(mark.start), usize_of(mark.end)]);
    }
    edges.sort_unstable();
    edges.dedup();
    edges
        .windows(2)
        .filter_map(|edge| match edge {
            [from, to] => Some((*from, *to)),
            _ => None,
        })
        .map(|(from, to)| Piece { text: text(message, from, to), became: became(from, to, marks) })
        .collect()
}

fn text(message: &Message, from: usize, to: usize) -> String {
    match (from.try_into(), to.try_into()) {
        (Ok(start), Ok(end)) => message.text_at(Span { start, end }).into_owned(),
        _ => String::new(),
    }
}

fn became(from: usize, to: usize, marks: &[LineageMark]) -> Option<String> {
    let mut names: Vec<String> = marks
        .iter()
        .filter(|mark| usize_of(mark.start) <= from && usize_of(mark.end) >= to)
        .map(|mark| format!("{}, by {}", mark.element, mark.map))
        .collect();
    names.dedup();
    names.truncate(6);
    (!names.is_empty()).then(|| names.join("\n"))
}

fn plain(text: String) -> Piece {
    Piece { text, became: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_parts_name_what_they_became_and_nothing_is_lost() {
        let raw = b"MSH|^~\\&|A|B|||20260301||ADT^A04|1|P|2.5.1\rPID|1||4711\r";
        let start = u32::try_from(raw.windows(4).position(|four| four == b"4711").unwrap()).unwrap();
        let marks =
            [LineageMark { start, end: start + 4, element: "Patient.identifier[0].value".into(), map: "m:1".into() }];
        let lines = lines(raw, &marks);
        let texts: Vec<&str> = lines[1].pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["PID|1||", "4711"]);
        assert_eq!(lines[1].pieces[1].became.as_deref(), Some("Patient.identifier[0].value, by m:1"));
    }

    #[test]
    fn what_is_not_hl7_is_shown_as_it_is() {
        let lines = lines(b"hello\rworld", &[]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].pieces[0].text, "hello");
    }
}
