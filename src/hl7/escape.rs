//! Escape sequences both ways (HL7 v2.5.1, 2.7). Formatting becomes plain text, highlighting is dropped, and what is
//! not known is kept as it was written.

use std::borrow::Cow;

use super::delimiters::Delimiters;

/// Resolves escape sequences in bytes of one value.
pub fn unescape<'a>(raw: &'a [u8], delimiters: &Delimiters) -> Cow<'a, [u8]> {
    unescape_masked(raw, raw, delimiters)
}

/// The same where delimiters are sought in `mask`, a copy of equal length in which multi-byte characters are blanked.
pub(super) fn unescape_masked<'a>(raw: &'a [u8], mask: &[u8], delimiters: &Delimiters) -> Cow<'a, [u8]> {
    let Some(escape) = delimiters.escape.filter(|byte| mask.contains(byte)) else {
        return Cow::Borrowed(raw);
    };
    let mut plain = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(opening) = find(mask, at, escape) {
        plain.extend_from_slice(raw.get(at..opening).unwrap_or_default());
        let Some(closing) = find(mask, opening + 1, escape) else {
            at = opening;
            break;
        };
        let sequence = raw.get(opening + 1..closing).unwrap_or_default();
        if resolve(sequence, delimiters, &mut plain) {
            at = closing + 1;
        } else {
            // Not a sequence: keep the opening as text, and let its closing open the next one, so that in
            // `C:\data\T\x` the `\T\` is still read.
            plain.push(escape);
            plain.extend_from_slice(sequence);
            at = closing;
            if is_sequence_shaped(sequence) {
                plain.push(escape);
                at += 1;
            }
        }
    }
    plain.extend_from_slice(raw.get(at..).unwrap_or_default());
    Cow::Owned(plain)
}

fn find(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    Some(from + bytes.get(from..)?.iter().position(|&byte| byte == wanted)?)
}

/// Character set switches and local sequences: known shapes that are not resolved but kept whole.
fn is_sequence_shaped(sequence: &[u8]) -> bool {
    matches!(sequence.first(), Some(b'Z' | b'C' | b'M' | b'X')) && sequence.iter().all(u8::is_ascii_alphanumeric)
}

fn resolve(sequence: &[u8], delimiters: &Delimiters, plain: &mut Vec<u8>) -> bool {
    let literal = match sequence {
        b"F" => Some(delimiters.field),
        b"S" => Some(delimiters.component),
        b"T" => delimiters.subcomponent.or(Some(b'&')),
        b"R" => delimiters.repetition.or(Some(b'~')),
        b"E" => delimiters.escape,
        b"P" => delimiters.truncation,
        b"H" | b"N" => return true,
        _ => None,
    };
    match (literal, sequence) {
        (Some(byte), _) => plain.push(byte),
        (None, [b'X' | b'x', digits @ ..]) => return push_hexadecimal(digits, plain),
        (None, [b'.', command @ ..]) => return push_formatting(command, plain),
        _ => return false,
    }
    true
}

fn push_hexadecimal(digits: &[u8], plain: &mut Vec<u8>) -> bool {
    let is_hexadecimal =
        !digits.is_empty() && digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    if is_hexadecimal {
        let value =
            // Nothing lost: a hexadecimal digit is at most 15.
            |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
        plain.extend(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte: u8, digit| byte << 4 | value(digit))));
    }
    is_hexadecimal
}

/// Formatting commands of FT (2.7.6): line breaks become line feeds, spaces spaces; indents and fill modes mean nothing in plain text.
fn push_formatting(command: &[u8], plain: &mut Vec<u8>) -> bool {
    let name = command.get(..2).unwrap_or(command);
    let number = command.get(2..).unwrap_or_default();
    let count = std::str::from_utf8(number).unwrap_or("?").trim().trim_start_matches('+');
    // Nothing lost: what is no number is no command, and stays as it was written.
    let count = if count.is_empty() { Some(1) } else { count.parse::<i16>().ok() };
    // Nothing lost: what is no number is no command, and stays as it was written.
    let Some(count) = count else { return false };
    let times = usize::try_from(count).unwrap_or(0).min(100);
    match name.to_ascii_lowercase().as_slice() {
        b"br" | b"ce" => plain.push(b'\n'),
        b"sp" => plain.extend(std::iter::repeat_n(b'\n', times)),
        b"sk" => plain.extend(std::iter::repeat_n(b' ', times)),
        b"in" | b"ti" | b"fi" | b"nf" => {}
        _ => return false,
    }
    true
}

/// Writes text so that no character of it can be taken for a delimiter, an escape or a segment end.
pub fn escape<'a>(text: &'a str, delimiters: &Delimiters) -> Cow<'a, str> {
    let Some(escape) = delimiters.escape.map(char::from) else {
        // Without an escape character nothing can be said safely but by leaving it out.
        let is_plain = |c: char| !c.is_ascii_control() && !is_delimiter(c, delimiters);
        return match text.chars().all(is_plain) {
            true => Cow::Borrowed(text),
            false => Cow::Owned(text.chars().map(|c| if is_plain(c) { c } else { ' ' }).collect()),
        };
    };
    if text.chars().all(|c| c != escape && !c.is_ascii_control() && !is_delimiter(c, delimiters)) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let code = match u8::try_from(c) {
            Ok(byte) if byte == delimiters.field => "F",
            Ok(byte) if byte == delimiters.component => "S",
            Ok(byte) if Some(byte) == delimiters.repetition => "R",
            Ok(byte) if Some(byte) == delimiters.subcomponent => "T",
            Ok(byte) if Some(byte) == delimiters.truncation => "P",
            _ if c == escape => "E",
            Ok(b'\n') => ".br",
            Ok(byte) if byte.is_ascii_control() => {
                written.push_str(&format!("{escape}X{byte:02X}{escape}"));
                // Nothing lost: the character was written just above.
                continue;
            }
            _ => {
                written.push(c);
                // Nothing lost: the character was written just above.
                continue;
            }
        };
        written.push(escape);
        written.push_str(code);
        written.push(escape);
    }
    Cow::Owned(written)
}

fn is_delimiter(c: char, delimiters: &Delimiters) -> bool {
    u8::try_from(c).is_ok_and(|byte| {
        c.is_ascii()
            && (byte == delimiters.field || delimiters.parts_fields(byte) || Some(byte) == delimiters.truncation)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(raw: &str) -> String {
        String::from_utf8(unescape(raw.as_bytes(), &Delimiters::default()).into_owned()).unwrap()
    }

    #[test]
    fn delimiters_hexadecimal_and_formatting_are_resolved() {
        assert_eq!(plain(r"a\F\b\S\c\T\d\R\e\E\f"), r"a|b^c&d~e\f");
        assert_eq!(plain(r"caf\XC3A9\ bar"), "café bar");
        assert_eq!(plain(r"one\.br\two\.sp2\three"), "one\ntwo\n\nthree");
        assert_eq!(plain(r"\H\high\N\ low\.in+4\"), "high low");
    }

    #[test]
    fn what_is_unknown_or_unfinished_stays_as_written() {
        for kept in [r"C:\dir\file", r"lone \ backslash", r"\Zlocal\", r"\C2842\", r"\XZZ\", r"\q\", r"\.xy\", r"end\"]
        {
            assert_eq!(plain(kept), kept);
        }
        assert_eq!(plain(r"C:\data\T\x"), r"C:\data&x");
    }

    #[test]
    fn escaping_and_resolving_is_the_identity() {
        let delimiters = Delimiters { truncation: Some(b'#'), ..Delimiters::default() };
        for text in ["plain", "a|b^c~d\\e&f#g", "line\nbreak\ttab\u{0}", "Zoë \\T\\ 漢字"] {
            let written = escape(text, &delimiters);
            assert!(!written.contains(['|', '^', '~', '&', '#', '\n']));
            assert_eq!(unescape(written.as_bytes(), &delimiters).as_ref(), text.as_bytes());
        }
    }

    #[test]
    fn without_an_escape_character_delimiters_become_spaces() {
        let delimiters = Delimiters { escape: None, subcomponent: None, ..Delimiters::default() };
        assert_eq!(escape("a|b", &delimiters), "a b");
    }
}
