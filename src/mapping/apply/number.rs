//! Numbers as senders write them in text: with a comparator before (`<5`, `GT 45`), a unit behind (`84 %`), a decimal comma,
//! or two as one (`120/80`). Never guesses: `1,234` is a number only where the feed says what its commas are.

use serde_json::Number;

use super::convert::decimal;

/// One number, read out of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Written<'t> {
    pub comparator: Option<&'static str>,
    pub number: Number,
    /// What stands behind the number.
    pub unit: Option<&'t str>,
    /// Its point is a comma, and nobody said that this sender writes it so.
    pub is_comma_guessed: bool,
}

/// What stands for FHIR's comparators, longest first (HL7 v2.5.1, 2.A.70, and what senders write instead).
const COMPARATORS: [(&str, &str); 22] = [
    ("greater than", ">"),
    ("more than", ">"),
    ("less than", "<"),
    ("at least", ">="),
    ("at most", "<="),
    ("GTE", ">="),
    ("LTE", "<="),
    ("GT", ">"),
    ("GE", ">="),
    ("LT", "<"),
    ("LE", "<="),
    (">=", ">="),
    ("=>", ">="),
    ("<=", "<="),
    ("=<", "<="),
    ("\u{2265}", ">="),
    ("\u{2267}", ">="),
    ("\u{2264}", "<="),
    ("\u{2266}", "<="),
    (">", ">"),
    ("<", "<"),
    ("=", ""),
];

/// A comparator written alone, as in SN.1: none for `=` and for nothing; an error for what is none, such as `<>`.
pub fn comparator(text: &str) -> Result<Option<&'static str>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let found = COMPARATORS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).ok_or(())?;
    Ok(Some(found.1).filter(|known| !known.is_empty()))
}

/// A text that is one number and nothing else but a comparator before it and a unit behind it.
pub fn written(text: &str, has_decimal_comma: bool) -> Option<Written<'_>> {
    let (comparator, rest) = split_comparator(text.trim());
    let signs = rest.len() - rest.trim_start_matches(['+', '-']).len();
    let body = rest.get(signs..)?;
    let end = body.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ',')).unwrap_or(body.len());
    let digits = rest.get(..signs + end)?;
    let unit = body.get(end..)?.trim();
    let number = if digits.contains(',') {
        with_comma(digits, has_decimal_comma)?
    } else if has_decimal_comma && looks_grouped(digits, '.') {
        return None;
    } else {
        decimal(digits)?
    };
    Some(Written {
        comparator,
        number,
        unit: (!unit.is_empty()).then_some(unit),
        is_comma_guessed: digits.contains(',') && !has_decimal_comma,
    })
}

/// Two numbers written as one text, `120/80`, with one unit behind both.
pub fn pair(text: &str, has_decimal_comma: bool) -> Option<[Written<'_>; 2]> {
    let (first, second) = text.split_once('/')?;
    let (mut first, second) = (written(first, has_decimal_comma)?, written(second, has_decimal_comma)?);
    if first.unit.is_some() {
        return None;
    }
    first.unit = second.unit;
    Some([first, second])
}

fn split_comparator(text: &str) -> (Option<&'static str>, &str) {
    for (word, known) in COMPARATORS {
        // Nothing lost: a text shorter than the word does not begin with it.
        let Some((head, rest)) = text.split_at_checked(word.len()) else { continue };
        let is_word = word.is_ascii() && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ');
        let ends = !is_word || rest.starts_with(|next: char| !next.is_ascii_alphabetic());
        if head.eq_ignore_ascii_case(word) && ends {
            return (Some(known).filter(|known| !known.is_empty()), rest.trim_start());
        }
    }
    (None, text)
}

fn with_comma(digits: &str, has_decimal_comma: bool) -> Option<Number> {
    let is_one = digits.matches(',').count() == 1 && !digits.contains('.');
    if !is_one || (!has_decimal_comma && looks_grouped(digits, ',')) {
        return None;
    }
    decimal(&digits.replace(',', "."))
}

/// Whether the sign could as well part thousands: exactly three digits behind it, one to three before it and not a bare zero.
fn looks_grouped(digits: &str, sign: char) -> bool {
    // Nothing lost: without the sign there is nothing to doubt.
    let Some((whole, fraction)) = digits.trim_start_matches(['+', '-']).split_once(sign) else { return false };
    fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Option<&'static str>, String, Option<&str>)> {
        written(text, false).map(|read| (read.comparator, read.number.to_string(), read.unit))
    }

    #[test]
    fn a_number_may_carry_its_comparator_and_its_unit() {
        for (text, comparator, number, unit) in [
            ("91", None, "91", None),
            (" 91% ", None, "91", Some("%")),
            ("91 %", None, "91", Some("%")),
            ("97.9 F", None, "97.9", Some("F")),
            ("GT 45", Some(">"), "45", None),
            ("gt45", Some(">"), "45", None),
            ("\u{2265} 300 mg/dL", Some(">="), "300", Some("mg/dL")),
            ("less than 0.5", Some("<"), "0.5", None),
            ("=> 7", Some(">="), "7", None),
            ("= 7", None, "7", None),
            ("-2.5 kg", None, "-2.5", Some("kg")),
            ("60/min", None, "60", Some("/min")),
        ] {
            let expected = Some((comparator, number.to_string(), unit));
            assert_eq!(read(text), expected, "{text}");
        }
        for text in ["", "%", "high", "GTX 4", "<", "--4", "<> 4", "4.4.4"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_comma_is_read_only_where_it_can_be_nothing_else() {
        for (text, number) in [("37,2", "37.2"), ("0,125", "0.125"), ("1234,567", "1234.567"), ("5,25 mmol/L", "5.25")]
        {
            let read = written(text, false).unwrap();
            assert!(read.is_comma_guessed && read.number.to_string() == number, "{text}");
        }
        for text in ["1,234", "12,345", "1,234,567", "1,234.5", "1.234,5"] {
            assert!(written(text, false).is_none(), "{text}");
        }
        assert_eq!(written("1,234", true).unwrap().number.to_string(), "1.234");
        assert_eq!(written("36.5", true).unwrap().number.to_string(), "36.5");
        assert!(written("1.234", true).is_none());
    }

    #[test]
    fn two_numbers_share_the_unit_behind_them() {
        let [first, second] = pair("118 / 76 mmHg", false).unwrap();
        assert_eq!((first.number.to_string(), first.unit), ("118".to_string(), Some("mmHg")));
        assert_eq!((second.number.to_string(), second.unit), ("76".to_string(), Some("mmHg")));
        for text in ["118", "118/", "/76", "118/76/90", "118 mmHg/76"] {
            assert!(pair(text, false).is_none_or(|[_, second]| second.unit == Some("/90")), "{text}");
        }
    }

    #[test]
    fn a_comparator_alone_is_known_or_refused() {
        assert_eq!(comparator("GT"), Ok(Some(">")));
        assert_eq!(comparator("="), Ok(None));
        assert_eq!(comparator("<>"), Err(()));
        assert_eq!(comparator("about"), Err(()));
    }
}
