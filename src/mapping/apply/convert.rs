//! Text of a message to a FHIR primitive. What cannot be converted says why, without quoting the value.

use jiff::tz::TimeZone;
use serde_json::{Number, Value};

use crate::fhir::definition::check_primitive;
use crate::hl7::{DateTime, Precision, SenderClock};
use crate::mapping::language::Conversion;

use super::time;

/// Converts one text; the error completes the sentence "this …".
pub fn convert(text: &str, to: &Conversion, clock: &SenderClock) -> Result<Value, String> {
    let trimmed = text.trim();
    let checked = |kind: &str, text: String| match check_primitive(kind, &text) {
        Ok(()) => Ok(Value::String(text)),
        Err(expected) => Err(format!("is not {expected}")),
    };
    match to {
        Conversion::Text => checked("string", lines(trimmed)),
        Conversion::Code(codes) => {
            let code = collapse(trimmed);
            match codes {
                Some(codes) if !codes.contains(&code) => Err("is not a code that FHIR knows here".to_string()),
                _ => checked("code", code),
            }
        }
        Conversion::Uri => checked("uri", trimmed.to_string()),
        Conversion::Boolean => boolean(trimmed),
        Conversion::Integer { least } => integer(trimmed, *least),
        Conversion::Decimal => decimal(trimmed).map(Value::Number).ok_or_else(|| "is not a number".to_string()),
        Conversion::Date | Conversion::DateTime | Conversion::Instant => {
            let read = DateTime::parse(trimmed).map_err(|fault| fault.to_string())?;
            time::print(&read, to, clock)
        }
        Conversion::Time => time_of_day(trimmed).map(Value::String),
        Conversion::Base64 => checked("base64Binary", trimmed.to_string()),
    }
}

/// Text whose lines end in line feeds, however they were written (CR, CR LF, vertical tab, form feed, NEL and the separators
/// of Unicode), without other control characters.
fn lines(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => plain.push('\n'),
            '\n' | '\t' => plain.push(letter),
            other if other.is_control() => {}
            other => plain.push(other),
        }
    }
    plain
}

/// HL7 table 0136, and what senders write instead.
fn boolean(text: &str) -> Result<Value, String> {
    match text.to_ascii_uppercase().as_str() {
        "Y" | "YES" | "1" | "T" | "TRUE" => Ok(Value::Bool(true)),
        "N" | "NO" | "0" | "F" | "FALSE" => Ok(Value::Bool(false)),
        _ => Err("is neither Y nor N".to_string()),
    }
}

fn integer(text: &str, least: i64) -> Result<Value, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    match digits.parse::<i32>() {
        Ok(number) if i64::from(number) >= least => Ok(Value::from(number)),
        Ok(_) => Err(format!("is less than {least}")),
        // Nothing lost: the caller tells what it is not.
        Err(_) => Err("is not a whole number".to_string()),
    }
}

/// TM: HH[MM[SS[.SSSS]]], as FHIR `time`, which wants seconds.
fn time_of_day(text: &str) -> Result<String, String> {
    let on_a_day = DateTime::parse(&format!("20000101{text}")).map_err(|fault| fault.to_string())?;
    if on_a_day.precision() < Precision::Hour {
        return Err("is not a time".to_string());
    }
    let full = on_a_day.to_fhir_date_time(&SenderClock::in_zone(TimeZone::UTC));
    let clock = full.split_once('T').map(|(_, clock)| clock).unwrap_or_default();
    let end = clock.find(['+', '-', 'Z']).unwrap_or(clock.len());
    Ok(clock.get(..end).unwrap_or_default().to_string())
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A decimal with its digits as they were written; HL7 allows a sign and bare points that JSON does not.
pub fn decimal(text: &str) -> Option<Number> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_plain(whole) || !is_plain(fraction) || digits.len() > 40 {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    // Nothing lost: digits with a point are always JSON.
    serde_json::from_str(&format!("{sign}{whole}{point}{fraction}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str, to: Conversion) -> Result<String, String> {
        convert(text, &to, &SenderClock::in_zone(TimeZone::UTC)).map(|value| value.to_string())
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (text, written) in [("152.50", "152.50"), (".5", "0.5"), ("5.", "5"), ("+007.10", "7.10"), ("-0.0", "-0.0")]
        {
            assert_eq!(json(text, Conversion::Decimal).unwrap(), written, "{text}");
        }
        for text in ["", ".", "1e5", "1,5", "12 mm", "--1"] {
            assert!(json(text, Conversion::Decimal).is_err(), "{text}");
        }
    }

    #[test]
    fn times_get_the_seconds_fhir_wants() {
        assert_eq!(json("1430", Conversion::Time).unwrap(), "\"14:30:00\"");
        assert_eq!(json("143007.25", Conversion::Time).unwrap(), "\"14:30:07.25\"");
        assert!(json("2530", Conversion::Time).is_err());
    }

    #[test]
    fn lines_end_in_line_feeds_however_they_were_written() {
        for (text, lines) in [("a\rb", "a\\nb"), ("a\r\nb", "a\\nb"), ("a\n\rb", "a\\n\\nb"), ("a\u{c}b\u{7}", "a\\nb")]
        {
            assert_eq!(json(text, Conversion::Text).unwrap(), format!("\"{lines}\""));
        }
    }

    #[test]
    fn faults_never_quote_the_value() {
        let fault = json("19781332", Conversion::Date).unwrap_err();
        assert!(!fault.contains("1978"), "{fault}");
        assert!(json("maybe", Conversion::Boolean).is_err());
        assert!(json("0", Conversion::Integer { least: 1 }).is_err());
    }
}
