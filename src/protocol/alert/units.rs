//! Units as senders write them, and conversion between UCUM units (https://ucum.org). Never guesses a unit.

use super::interval::rounded;

/// Units as senders write them where UCUM has another word.
const SPELLINGS: &[(&str, &str)] = &[
    ("mmHg", "mm[Hg]"),
    ("mm Hg", "mm[Hg]"),
    ("mm(hg)", "mm[Hg]"),
    ("mm/Hg", "mm[Hg]"),
    ("percent", "%"),
    ("lb", "[lb_av]"),
    ("lbs", "[lb_av]"),
    ("beats/min", "/min"),
    ("bpm", "/min"),
];

pub fn convert(value: f64, from: &str, to: &str) -> Option<f64> {
    let from = from.trim();
    let spelled = SPELLINGS.iter().find(|(word, _)| word.eq_ignore_ascii_case(from)).map_or(from, |(_, ucum)| ucum);
    if spelled == to {
        return Some(value);
    }
    let converted = octofhir_ucum::convert(value, spelled, to).ok()?;
    converted.is_finite().then(|| rounded(converted))
}

/// A UCUM unit as people write it.
pub fn unit_words(unit: &str) -> &str {
    if unit == "mm[Hg]" { "mmHg" } else { unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_converted_and_spellings_known() {
        assert_eq!(convert(150.0, "mmHg", "mm[Hg]"), Some(150.0));
        assert_eq!(convert(0.86, "1", "%"), Some(86.0));
        let kilopascal = convert(20.0, "kPa", "mm[Hg]").unwrap();
        assert!((kilopascal - 150.0).abs() < 0.1, "{kilopascal}");
        assert_eq!(convert(20.0, "kg", "mm[Hg]"), None);
    }
}
