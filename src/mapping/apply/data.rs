//! Bytes that a message carries (ED, HL7 v2.5.1, 2.A.24) as base64, whatever they are encoded in (HL7 table 0299). What cannot
//! be decoded, or is larger than a record should hold, is left in the message and said.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::hl7::Value as Field;
use crate::mapping::language::SourcePath;
use crate::problem::{Category, Place, Problem};
use crate::unused::Kind;
use crate::yaml::Mark;

use super::run::{Frame, Run};

/// More than this of base64 is kept in the message only.
const LONGEST: usize = 4 << 20;

impl<'a> Run<'a> {
    /// The bytes at a place as FHIR base64Binary.
    pub fn data(&mut self, path: &SourcePath, encoding: &SourcePath, frame: Frame<'a>, mark: &Mark) -> Option<Value> {
        let value = self.value(path, frame)?;
        let named = self.value(encoding, frame).map(|value| value.leaf());
        let encoding = named.map(|value| value.text().trim().to_ascii_lowercase()).unwrap_or_default();
        // Delimiters that the sender forgot to escape are part of the data.
        let text = value.text();
        // Nothing lost: the message keeps it, and this is said.
        if text.len() > LONGEST {
            let said = "this data is longer than a record should hold; it is kept with the message only".to_string();
            self.left_out(value, Category::TooLong, Kind::Limit, said);
            return None;
        }
        let Some(encoded) = encoded(&text, &encoding) else {
            let said = "this data is not in the encoding that the sender says; it is kept with the message only";
            self.left_out(value, Category::Value, Kind::Field, said.to_string());
            return None;
        };
        self.note(value, mark);
        if let Some(named) = named {
            self.note(named, mark);
        }
        Some(Value::String(encoded))
    }

    fn left_out(&mut self, value: Field<'a>, category: Category, kind: Kind, text: String) {
        let place = value.place();
        let about = format!("{}-{}", place.segment, place.field);
        self.report(Problem::warning(category, Place::Field(place), text).unused(kind, &about));
    }
}

fn encoded(text: &str, encoding: &str) -> Option<String> {
    let packed = || text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
    match encoding {
        "a" | "ascii" | "text" => Some(STANDARD.encode(text)),
        "hex" => bytes_of_hex(&packed()).map(|bytes| STANDARD.encode(bytes)),
        // Base64 is what nearly all send, and what is meant where nothing is said.
        // Nothing lost: what is no base64 is said where this is asked.
        _ => STANDARD.decode(packed()).ok().filter(|bytes| !bytes.is_empty()).map(|bytes| STANDARD.encode(bytes)),
    }
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        // Nothing lost: what is no digit is said where this is asked.
        text.chars().map(|letter| letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0 && !digits.is_empty())?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_becomes_base64_and_nothing_else_does() {
        assert_eq!(encoded("SGVs\nbG8=", "base64").as_deref(), Some("SGVsbG8="));
        assert_eq!(encoded("48656C6c6f", "hex").as_deref(), Some("SGVsbG8="));
        assert_eq!(encoded("Hello", "a").as_deref(), Some("SGVsbG8="));
        for (text, encoding) in [("Hello!", "base64"), ("486", "hex"), ("4g", "hex"), ("", "base64")] {
            assert_eq!(encoded(text, encoding), None, "{text}");
        }
    }
}
