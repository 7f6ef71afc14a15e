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

/// The same where a sender may state an amount of substance: 5.6 mmol/L of glucose are 101 mg/dL.
pub fn convert_substance(value: f64, from: &str, to: &str, molar_mass: Option<f64>) -> Option<f64> {
    convert(value, from, to).or_else(|| {
        let grams = convert(value, from, "mol/L")? * molar_mass?;
        // Nothing lost: what cannot be converted is said as a fault of the reading.
        octofhir_ucum::convert(grams, "g/L", to).ok().map(rounded)
    })
}

/// A UCUM unit as people write it.
pub fn unit_words(unit: &str) -> &str {
    match unit {
        "mm[Hg]" => "mmHg",
        "[lb_av]" => "lb",
        "Cel" => "°C",
        "[degF]" => "°F",
        "/min" => "a minute",
        "1" => "",
        unit if unit.starts_with('{') => "",
        unit => unit,
    }
}

/// A number with its unit; a score has none.
pub fn with_unit(number: &str, unit: &str) -> String {
    format!("{number} {}", unit_words(unit)).trim_end().to_string()
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
        let glucose = convert_substance(3.0, "mmol/L", "mg/dL", Some(180.156)).unwrap();
        assert!((glucose - 54.0468).abs() < 1e-4, "{glucose}");
        assert_eq!(convert_substance(95.0, "mg/dL", "mg/dL", Some(180.156)), Some(95.0));
        assert_eq!(convert_substance(3.0, "mmol/L", "mg/dL", None), None);
        assert_eq!(convert_substance(3.0, "kg", "mg/dL", Some(180.156)), None);
    }
}
