//! A measurement that devices and people send: its codes, and what is plausible in which unit. Says which unit a bare number
//! has when only one makes it plausible, and never judges a number that came with its unit.

use std::collections::{BTreeMap, BTreeSet};

/// One measurement of `readings/`.
#[derive(Debug, Clone)]
pub struct Reading {
    pub name: String,
    /// Codes by the URL of their system.
    pub codes: BTreeMap<String, BTreeSet<String>>,
    pub units: Vec<PlausibleUnit>,
}

/// A unit in UCUM, and between which numbers the measurement is plausible in it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlausibleUnit {
    pub unit: String,
    pub from: f64,
    pub to: f64,
}

impl Reading {
    pub fn has_code(&self, system: &str, code: &str) -> bool {
        self.codes.get(system).is_some_and(|codes| codes.contains(code))
    }

    /// The only unit in which a number is plausible; none where there are several, or none is.
    pub fn only_unit(&self, number: f64) -> Option<&str> {
        let mut fitting = self.units.iter().filter(|unit| (unit.from..=unit.to).contains(&number));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(&only.unit),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_only_where_no_other_would_do() {
        let unit = |unit: &str, from, to| PlausibleUnit { unit: unit.to_string(), from, to };
        let units = vec![unit("Cel", 25.0, 45.0), unit("[degF]", 40.0, 113.0)];
        let reading = Reading { name: "temperature".to_string(), codes: BTreeMap::new(), units };
        assert_eq!(reading.only_unit(36.4), Some("Cel"));
        assert_eq!(reading.only_unit(97.5), Some("[degF]"));
        assert_eq!(reading.only_unit(42.0), None);
        assert_eq!(reading.only_unit(3.0), None);
    }
}
