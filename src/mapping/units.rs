//! Units as senders spell them, to UCUM: by the rows of the tables `units` and `unit-parts`, and by rules for what every
//! spelling has in common (case, blanks, the Greek mu, powers of ten, slashes). Never takes a spelling that fits two units.

use std::collections::HashMap;

use super::language::Table;

/// The spellings of a map set.
#[derive(Debug, Clone, Default)]
pub struct Units {
    /// As the rows write them.
    exact: HashMap<String, String>,
    /// Rows by their plain spelling in lower case; none where two units share it.
    plain: HashMap<String, Option<String>>,
    /// What stands beside a slash only (`K` of `K/uL`), in the same way.
    parts: HashMap<String, Option<String>>,
}

/// More slashes than any unit has.
const MOST_PARTS: usize = 4;

impl Units {
    pub fn of(units: Option<&Table>, parts: Option<&Table>) -> Self {
        let rows = |table: Option<&Table>| -> Vec<(String, String)> {
            let codes = table.map(|table| &table.codes).into_iter().flatten();
            codes.map(|(key, row)| (key.clone(), row.code.clone())).collect()
        };
        let (units, parts) = (rows(units), rows(parts));
        Self { plain: by_plain_spelling(&units), parts: by_plain_spelling(&parts), exact: units.into_iter().collect() }
    }

    /// A spelling that a row has exactly so.
    pub fn exact(&self, written: &str) -> Option<&str> {
        self.exact.get(written).map(String::as_str)
    }

    /// The UCUM unit that a spelling means.
    pub fn find(&self, written: &str) -> Option<String> {
        if let Some(found) = self.exact(written.trim()) {
            return Some(found.to_string());
        }
        let plain = plain_spelling(written);
        if let Some(found) = self.whole(&plain) {
            return Some(found);
        }
        let parts: Vec<&str> = plain.split('/').collect();
        // Nothing lost: whoever asks keeps the spelling and says that no table knows it.
        if !(2..=MOST_PARTS).contains(&parts.len()) {
            return None;
        }
        let found: Option<Vec<String>> = parts.iter().enumerate().map(|(at, part)| self.part(part, at == 0)).collect();
        found.map(|parts| parts.join("/"))
    }

    fn whole(&self, plain: &str) -> Option<String> {
        let key = key_of(plain);
        self.plain
            .get(&key)
            .cloned()
            .flatten()
            .or_else(|| self.micro(&key, |unit| self.plain.get(unit).cloned().flatten()))
    }

    fn part(&self, part: &str, is_first: bool) -> Option<String> {
        if part.is_empty() {
            return is_first.then(String::new);
        }
        let key = key_of(part);
        let look = |key: &str| self.parts.get(key).or_else(|| self.plain.get(key)).cloned().flatten();
        look(&key).or_else(|| power_of_ten(&key)).or_else(|| self.micro(&key, look))
    }

    /// `mcmol` is how those write micro who have no Greek letters and fear the `u`.
    fn micro(&self, key: &str, look: impl Fn(&str) -> Option<String>) -> Option<String> {
        look(&format!("u{}", key.strip_prefix("mc")?))
    }
}

fn by_plain_spelling(rows: &[(String, String)]) -> HashMap<String, Option<String>> {
    let mut found: HashMap<String, Option<String>> = HashMap::new();
    for (written, unit) in rows {
        let known = found.entry(key_of(&plain_spelling(written))).or_insert_with(|| Some(unit.clone()));
        if known.as_ref() != Some(unit) {
            *known = None;
        }
    }
    found
}

/// Case does not matter but in one letter, which is another unit in another case (`m`, `M`).
fn key_of(plain: &str) -> String {
    if plain.chars().count() == 1 { plain.to_string() } else { plain.to_lowercase() }
}

/// A spelling without what spellings differ in: blanks, the two code points of mu, superscripts, ` per `.
fn plain_spelling(written: &str) -> String {
    let mut plain = String::with_capacity(written.len());
    let mut is_raised = false;
    for letter in written.trim().trim_end_matches('.').replace(" per ", "/").chars() {
        let digit = "\u{2070}\u{b9}\u{b2}\u{b3}\u{2074}\u{2075}\u{2076}\u{2077}\u{2078}\u{2079}"
            .chars()
            .position(|raised| raised == letter);
        match (letter, digit) {
            (_, Some(digit)) => {
                // `10³` is a power; `m³` is written m3 in UCUM.
                if !is_raised && plain.ends_with(|last: char| last.is_ascii_digit()) {
                    plain.push('^');
                }
                plain.push_str(&digit.to_string());
            }
            ('\u{b5}' | '\u{3bc}', _) => plain.push('u'),
            ('\u{d7}' | '\u{2715}', _) => plain.push('x'),
            (letter, _) if letter.is_whitespace() => {}
            (letter, _) => plain.push(letter),
        }
        is_raised = digit.is_some();
    }
    plain
}

/// `10^3`, `x10e3`, `10*3`, `10(3)`, `x103`, `e3`: what stands before `/uL` and `/L`.
fn power_of_ten(key: &str) -> Option<String> {
    let bare = key.strip_prefix(['x', '*']).unwrap_or(key);
    let exponent = match bare.strip_prefix("10") {
        Some(rest) => {
            let is_marked = rest.starts_with(['e', '^', '*', '(', 'x']) || rest.starts_with("exp");
            let is_times = bare.len() < key.len();
            let rest = rest.strip_prefix("exp").unwrap_or(rest);
            (is_marked || is_times).then(|| rest.trim_matches(['e', '^', '*', '(', ')', 'x']))?
        }
        None => bare.strip_prefix('e')?,
    };
    // Nothing lost: what is no power is looked up as another spelling.
    exponent.parse::<u8>().ok().filter(|power| (1..=15).contains(power)).map(|power| format!("10*{power}"))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::mapping::{Layers, compile};

    static UNITS: LazyLock<Units> = LazyLock::new(|| compile(&Layers::built_in()).0.units);

    #[test]
    fn what_spellings_differ_in_does_not_matter() {
        for (unit, spellings) in [
            ("mm[Hg]", &["mmHg", "mm Hg", "MMHG", "mm(Hg)", "torr", "Torr", "mm[Hg]"][..]),
            ("%", &["%", "% sat", "%O2", "%SpO2", "PERCENT", "pct"]),
            ("umol/L", &["\u{b5}mol/L", "\u{3bc}mol/l", "UMOL/L", "mcmol/L", "umol per L"]),
            (
                "10*3/uL",
                &["x10E3/uL", "10^3/uL", "10\u{b3}/\u{3bc}L", "K/uL", "K/mcL", "x 10(3)/uL", "10*3/ul", "Thousand/uL"],
            ),
            ("10*9/L", &["x10^9/L", "10e9/L", "10\u{2079}/L", "\u{d7}10\u{2079}/L", "E9/L", "10x9/L"]),
            ("10*6/uL", &["M/uL", "Million/uL", "10*6/mcL", "mil/uL"]),
            ("[IU]/mL", &["IU/mL", "iu/ml", "[IU]/mL"]),
            ("u[IU]/mL", &["uIU/mL", "\u{b5}IU/mL", "mcIU/mL"]),
            ("kg/m2", &["kg/m2", "kg/m\u{b2}", "KG/M2", "kg/m^2"]),
            ("ug/kg/min", &["mcg/kg/min", "ug/kg/min"]),
            ("mL/min/{1.73_m2}", &["mL/min/1.73m2", "ml/min/1.73 m\u{b2}", "mL/min/1.73"]),
            ("/min", &["bpm", "beats/min", "breaths per minute", "/min", "1/min", "BPM"]),
            ("[degF]", &["F", "\u{b0}F", "deg F", "DegF"]),
        ] {
            for spelling in spellings {
                assert_eq!(UNITS.find(spelling).as_deref(), Some(unit), "{spelling}");
            }
        }
    }

    #[test]
    fn what_fits_no_unit_or_two_is_none() {
        for spelling in ["", "furlongs", "80", "/", "mg/", "x", "10", "mg/dL/furlong", "E5", "M", "on room air"] {
            assert_eq!(UNITS.find(spelling), None, "{spelling}");
        }
    }

    #[test]
    fn every_row_is_a_unit_of_ucum() {
        let units = &*UNITS;
        let all = units.exact.values().chain(units.plain.values().flatten()).chain(units.parts.values().flatten());
        for unit in all {
            assert!(octofhir_ucum::validate(unit).is_ok(), "{unit}");
        }
        let shared: Vec<_> = units.plain.iter().filter(|(_, unit)| unit.is_none()).collect();
        assert!(shared.is_empty(), "{shared:?}");
    }
}
