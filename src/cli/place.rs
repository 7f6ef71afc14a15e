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

fn narrow(value: Value<'_>, span: Span) -> Value<'_> {
    // A value without inner parts has itself as its only part; going further down would only lengthen its name.
    let mut parts = value.parts();
    let first = parts.next();
    let second = parts.next();
    let found = [first, second].into_iter().flatten().chain(parts).find(|part| holds(part.span(), span));
    match found {
        Some(part) if second.is_some() => narrow(part, span),
        Some(part) if part.span() != value.span() => narrow(part, span),
        Some(part) => narrow_only(value, part, span),
        None => value,
    }
}

/// The only part of a value: a field with one repetition may still have components.
fn narrow_only<'m>(value: Value<'m>, part: Value<'m>, span: Span) -> Value<'m> {
    if part.level() == value.level() {
        return value;
    }
    let inner = narrow(part, span);
    if inner.span() == value.span() { value } else { inner }
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && !(inner.start == outer.end && !inner.is_empty())
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
