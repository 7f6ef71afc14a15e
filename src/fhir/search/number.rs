//! Numbers that a search asks for (http://hl7.org/fhir/R4/search.html#number): `5.40` means from 5.395 up to 5.405, since so far it
//! is known; only `eq` and `ne` (and no prefix) look at how far a number is known, the others take it as it is.

use rust_decimal::Decimal;

/// How the resource's value must stand to the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
    /// Within a tenth.
    About,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberValue {
    pub value: Decimal,
    /// Half of its last place.
    pub margin: Decimal,
    pub comparison: Comparison,
}

impl NumberValue {
    /// Reads `ge5.40`, `1e2` and the like; a sentence that says what is wrong with it otherwise.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let begins = |c: char| !c.is_ascii_lowercase();
        let (prefix, number) = text.split_at_checked(text.find(begins).unwrap_or(text.len())).unwrap_or((text, ""));
        let comparison = match prefix {
            "" | "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            "sa" => Comparison::StartsAfter,
            "eb" => Comparison::EndsBefore,
            "ap" => Comparison::About,
            _ => return Err("has an unknown prefix; use eq, ne, gt, ge, lt, le, sa, eb or ap"),
        };
        let wrong = "is not a number such as 5.4, -3 or 1e2";
        let has_digits_only = number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
        if !has_digits_only || !number.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Err(wrong);
        }
        let value = match number.contains(['e', 'E']) {
            true => Decimal::from_scientific(number).map_err(|_| wrong)?,
            false => number.parse::<Decimal>().map_err(|_| wrong)?,
        };
        Ok(Self { value, margin: margin(number), comparison })
    }

    /// Whether a value that lies between these bounds (open where there is none) stands so to the number.
    pub fn is_met(&self, low: Option<Decimal>, high: Option<Decimal>) -> bool {
        let (value, margin) = (self.value, self.margin);
        let lies_within = |margin: Decimal| {
            low.is_some_and(|low| low >= value - margin)
                && high.is_some_and(|high| high < value + margin || (margin.is_zero() && high == value))
        };
        match self.comparison {
            Comparison::Equal => lies_within(margin),
            Comparison::NotEqual => !lies_within(margin),
            Comparison::Greater => high.is_none_or(|high| high > value),
            Comparison::GreaterOrEqual => high.is_none_or(|high| high >= value),
            Comparison::Less => low.is_none_or(|low| low < value),
            Comparison::LessOrEqual => low.is_none_or(|low| low <= value),
            Comparison::StartsAfter => low.is_some_and(|low| low > value),
            Comparison::EndsBefore => high.is_some_and(|high| high < value),
            Comparison::About => {
                let tenth = value.abs() / Decimal::TEN;
                low.is_none_or(|low| low <= value + tenth) && high.is_none_or(|high| high >= value - tenth)
            }
        }
    }
}

/// Half of the last place that a number states: `5.40` has 0.005, `100` has 0.5, `1e2` has 50.
fn margin(text: &str) -> Decimal {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let places = digits.split_once('.').map_or(0, |(_, after)| after.len());
    let places = i64::try_from(places).unwrap_or(i64::MAX);
    let scale = places.saturating_sub(exponent.parse::<i64>().unwrap_or_default());
    let half = Decimal::new(5, 1);
    match u32::try_from(scale.unsigned_abs()) {
        Ok(scale_by) if scale_by <= 20 => {
            let factor = (0..scale_by).fold(Decimal::ONE, |factor, _| factor * Decimal::TEN);
            if scale >= 0 { half / factor } else { half * factor }
        }
        _ => Decimal::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(asked: &str, held: &str) -> bool {
        let held = Some(held.parse().unwrap());
        NumberValue::parse(asked).unwrap().is_met(held, held)
    }

    #[test]
    fn a_number_is_known_as_far_as_it_is_written() {
        for (asked, held, met) in [
            ("5.4", "5.35", true),
            ("5.4", "5.449", true),
            ("5.4", "5.45", false),
            ("5.40", "5.41", false),
            ("100", "100.4", true),
            ("1e2", "149", true),
            ("1e2", "150", false),
            ("ne5.4", "5.41", false),
            ("gt5.4", "5.41", true),
            ("gt5.4", "5.4", false),
            ("ge5.4", "5.4", true),
            ("lt5.4", "5.39", true),
            ("le5.4", "5.41", false),
            ("ap100", "109", true),
            ("ap100", "111", false),
            ("-3", "-3", true),
        ] {
            assert_eq!(meets(asked, held), met, "{asked} {held}");
        }
        for text in ["", "gt", "many", "5,4", "xx5", "5.4.1", "e2", ".5"] {
            assert!(NumberValue::parse(text).is_err(), "{text}");
        }
        let open = NumberValue::parse("5").unwrap();
        assert!(
            !open.is_met(None, Some(Decimal::from(5)))
                && NumberValue::parse("lt5").unwrap().is_met(None, Some(Decimal::TEN))
        );
    }
}
