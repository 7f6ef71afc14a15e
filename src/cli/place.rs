//! Which part of a message some bytes are: `PID-5.1` for a byte range, as people name it.

use crate::hl7::{Message, Span, Value};

/// The smallest part that holds the bytes; empty when no segment does.
pub fn place_at(message: &Message, span: Span) -> String {
    let Some(segment) = message.segments().find(|segment| holds(segment.span(), span)) else { return String::new() };
    let Some(field) = segment.fields().find(|field| holds(field.span(), span)) else {
        return segment.name().to_string();
    };
    narrow(field, span).place().to_string()
}

/// Goes down level by level as long as one part holds the bytes. A part that is the whole of its value adds nothing to the
/// name: PID-8 rather than PID-8.1.1.
fn narrow(field: Value<'_>, span: Span) -> Value<'_> {
    let (mut value, mut named) = (field, field);
    for parts in [Value::repetitions, Value::components, Value::subcomponents] {
        let Some(part) = parts(value).find(|part| holds(part.span(), span)) else { break };
        if part.span() != value.span() {
            named = part;
        }
        value = part;
    }
    named
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::ReadOptions;

    #[test]
    fn bytes_are_named_by_the_smallest_part_that_holds_them() {
        let raw =
            "MSH|^~\\&|A|B|||20260301||ADT^A04|1|P|2.5.1\rPID|1||4711^^^RIVERSIDE^MR~9^^^X^PI||Doe^Jane||19600101\r";
        let message = Message::parse(raw.as_bytes(), &ReadOptions::default()).message.unwrap();
        let place = |text: &str| {
            let start = raw.find(text).unwrap();
            place_at(&message, Span::new(start, start + text.len()))
        };
        assert_eq!(place("Jane"), "PID-5.2");
        assert_eq!(place("RIVERSIDE"), "PID-3.4");
        assert_eq!(place("9^^^X^PI"), "PID-3[2]");
        assert_eq!(place("19600101"), "PID-7");
        assert_eq!(place("Doe^Jane"), "PID-5");
    }
}
