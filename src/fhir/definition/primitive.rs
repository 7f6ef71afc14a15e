//! The exact syntax of primitive values (http://hl7.org/fhir/R4/datatypes.html#primitive). Says what is expected, never
//! what was found, because that may be a patient's.

use serde_json::Value;

use crate::fhir::time::{PartialDateTime, PartialTime, Precision};

/// Checks the text of a primitive of the named type; the error says what is expected. Types that are not primitives
/// pass.
pub fn check_primitive(type_name: &str, text: &str) -> Result<(), &'static str> {
    let (holds, expected) = match type_name {
        "boolean" => (matches!(text, "true" | "false"), "true or false"),
        "integer" => (is_integer(text, i64::from(i32::MIN)), "a whole number of 32 bits"),
        "unsignedInt" => (is_integer(text, 0), "a whole number, 0 or more"),
        "positiveInt" => (is_integer(text, 1), "a whole number, 1 or more"),
        "decimal" => (is_decimal(text), "a decimal number"),
        "date" => (is_date(text), "a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD"),
        "dateTime" => (is_date_time(text), "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset"),
        "instant" => (is_instant(text), "YYYY-MM-DDThh:mm:ss with Z or an offset"),
        "time" => (is_time(text), "hh:mm:ss"),
        "code" => (is_code(text), "a code without leading, trailing or doubled spaces"),
        "id" => (is_id(text), "1 to 64 letters, digits, '-' and '.'"),
        "oid" => (text.strip_prefix("urn:oid:").is_some_and(is_oid), "urn:oid: and an OID"),
        "uuid" => (text.strip_prefix("urn:uuid:").is_some_and(is_uuid), "urn:uuid: and a UUID in lower case"),
        "uri" | "url" | "canonical" => (is_uri(text), "a URI without spaces"),
        "base64Binary" => (is_base64(text), "base64"),
        "string" | "markdown" => (is_string(text), "text that is not empty and has no control characters"),
        "xhtml" => (text.trim_start().starts_with("<div"), "XHTML in one <div>"),
        _ => (true, ""),
    };
    if holds { Ok(()) } else { Err(expected) }
}

/// Checks a JSON value of a primitive type: its JSON kind, then its syntax.
pub fn check_primitive_value(type_name: &str, value: &Value) -> Result<(), &'static str> {
    match (type_name, value) {
        ("boolean", Value::Bool(_)) => Ok(()),
        ("boolean", Value::String(text)) if text != "true" && text != "false" => Err("true or false"),
        ("boolean", _) => Err("true or false, without quotes"),
        ("integer" | "unsignedInt" | "positiveInt" | "decimal", Value::Number(number)) => {
            check_primitive(type_name, &number.to_string())
        }
        ("integer" | "unsignedInt" | "positiveInt" | "decimal", other) => {
            other.as_str().map_or(Ok(()), |text| check_primitive(type_name, text))?;
            Err("a number, without quotes")
        }
        (_, Value::String(text)) => check_primitive(type_name, text),
        _ => Err("text in quotes"),
    }
}

fn is_integer(text: &str, least: i64) -> bool {
    let plain = text.strip_prefix(['-', '+']).unwrap_or(text);
    let shape = plain == "0" || (!plain.starts_with('0') && plain.bytes().all(|byte| byte.is_ascii_digit()));
    shape && text.parse::<i64>().is_ok_and(|value| value >= least && value <= i64::from(i32::MAX))
}

fn is_decimal(text: &str) -> bool {
    let plain = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (plain, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(all_digits)
        && exponent.is_none_or(all_digits)
}

fn is_date(text: &str) -> bool {
    !text.contains('T') && PartialDateTime::parse(text).is_some()
}

fn is_date_time(text: &str) -> bool {
    is_date(text) || is_instant(text)
}

fn is_instant(text: &str) -> bool {
    PartialDateTime::parse(text).is_some_and(|moment| moment.precision >= Precision::Second && moment.offset.is_some())
}

fn is_time(text: &str) -> bool {
    PartialTime::parse(text).is_some_and(|time| time.precision >= Precision::Second)
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && !text.contains("  ")
        && !text.contains(|letter: char| letter.is_whitespace() && letter != ' ')
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    let first = arcs.next().is_some_and(|arc| matches!(arc, "0" | "1" | "2"));
    let mut count = 0;
    let rest = arcs.all(|arc| {
        count += 1;
        arc == "0" || (!arc.is_empty() && !arc.starts_with('0') && arc.bytes().all(|byte| byte.is_ascii_digit()))
    });
    first && rest && count > 0
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9' | b'a'..=b'f'))
}

fn is_uri(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

fn is_base64(text: &str) -> bool {
    let mut length = 0;
    let mut padding = 0;
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        length += 1;
        match byte {
            b'=' => padding += 1,
            _ if padding > 0 => return false,
            b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {}
            _ => return false,
        }
    }
    length > 0 && length % 4 == 0 && padding <= 2
}

fn is_string(text: &str) -> bool {
    !text.trim().is_empty()
        && !text.contains(|letter: char| letter.is_ascii_control() && !matches!(letter, '\t' | '\n' | '\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_primitive_takes_its_own_syntax_only() {
        let good = [
            ("date", "2026-02"),
            ("dateTime", "2026-02-03T10:00:00.5+01:00"),
            ("instant", "2026-02-03T10:00:00Z"),
            ("time", "10:00:00"),
            ("decimal", "-0.50"),
            ("integer", "-5"),
            ("positiveInt", "1"),
            ("code", "in progress"),
            ("id", "a-1.B"),
            ("oid", "urn:oid:2.16.840.1.113883.19.5"),
            ("uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
            ("base64Binary", "aGk="),
        ];
        for (kind, text) in good {
            assert_eq!(check_primitive(kind, text), Ok(()), "{kind} {text}");
        }
        let bad = [
            ("date", "2026-13"),
            ("date", "2026-02-03T10:00:00Z"),
            ("dateTime", "2026-02-03T10:00"),
            ("dateTime", "2026-02-03T10:00:00"),
            ("instant", "2026-02-03"),
            ("time", "10:00"),
            ("decimal", ".5"),
            ("integer", "05"),
            ("integer", "2147483648"),
            ("positiveInt", "0"),
            ("code", " male"),
            ("id", "a_b"),
            ("oid", "2.16.840"),
            ("uuid", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"),
            ("uri", "a b"),
            ("string", " "),
            ("base64Binary", "a"),
        ];
        for (kind, text) in bad {
            assert!(check_primitive(kind, text).is_err(), "{kind} {text}");
        }
    }

    #[test]
    fn the_json_kind_counts() {
        assert!(check_primitive_value("boolean", &Value::String("true".into())).is_err());
        assert!(check_primitive_value("string", &Value::from(5)).is_err());
        assert!(check_primitive_value("decimal", &serde_json::from_str("152.50").unwrap()).is_ok());
    }
}
