//! Quantities and their units: UCUM codes and words of the calendar (http://hl7.org/fhirpath/N1/#quantity).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use octofhir_ucum::{Dimension, UnitAnalysis, analyse, unit_divide, unit_multiply};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::literal;

const UCUM: &str = "http://unitsofmeasure.org";

/// How long a unit may get by multiplying and dividing, in bytes.
const MAX_UNIT: usize = 128;

/// A number with a unit.
#[derive(Debug, Clone)]
pub struct Quantity<'a> {
    pub value: Decimal,
    /// A UCUM code (`1` for a plain number), or a word such as `days`.
    pub unit: Cow<'a, str>,
    /// Whether the unit is a word of the calendar: a `year` is not 365.25 days.
    pub is_calendar: bool,
}

impl<'a> Quantity<'a> {
    pub(super) fn plain(value: Decimal) -> Self {
        Self { value, unit: Cow::Borrowed("1"), is_calendar: false }
    }

    /// Of a FHIR Quantity. None without a value, and with a comparator, because `<5` is no number.
    pub(super) fn from_element(map: &'a Map<String, Value>) -> Option<Self> {
        if map.contains_key("comparator") {
            return None;
        }
        let value = literal::decimal(map.get("value")?.as_number()?.as_str())?;
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let code = text("code").filter(|_| text("system").is_none_or(|system| system == UCUM));
        Some(Self { value, unit: Cow::Borrowed(code.or(text("unit")).unwrap_or("1")), is_calendar: false })
    }

    pub(super) fn to_json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.value.to_string()).unwrap_or(Value::Null);
        if self.is_calendar {
            return json!({ "value": value, "unit": self.unit });
        }
        json!({ "value": value, "unit": self.unit, "system": UCUM, "code": self.unit })
    }

    /// Which is more; none where their units do not compare.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.unit == other.unit {
            return Some(self.value.cmp(&other.value));
        }
        let (left, right) = (Measure::of(self, false)?, Measure::of(other, false)?);
        left.is_like(&right).then(|| left.value.cmp(&right.value))
    }

    /// The same value in another unit, by UCUM; none where there is no way from one to the other.
    pub fn convert(&self, unit: &str) -> Option<Decimal> {
        if self.unit == unit {
            return Some(self.value);
        }
        let own = Measure::of(self, false)?;
        let one = Quantity { value: Decimal::ONE, unit: Cow::Borrowed(unit), is_calendar: false };
        let zero = Quantity { value: Decimal::ZERO, ..one.clone() };
        let (one, zero) = (Measure::of(&one, false)?, Measure::of(&zero, false)?);
        if !own.is_like(&one) {
            return None;
        }
        own.value.checked_sub(zero.value)?.checked_div(one.value.checked_sub(zero.value)?)
    }

    /// Whether the units measure the same thing.
    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        match (Measure::of(self, true), Measure::of(other, true)) {
            (Some(left), Some(right)) => left.is_like(&right),
            _ => self.unit == other.unit,
        }
    }

    /// Equal as far as the less exact of the two is stated, in the coarser of the units.
    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        if self.unit == other.unit {
            return equivalent_decimals(self.value, other.value);
        }
        let (Some(left), Some(right)) = (Measure::of(self, true), Measure::of(other, true)) else { return false };
        if !left.is_like(&right) {
            return false;
        }
        let coarser = left.factor.max(right.factor);
        match (left.value.checked_div(coarser), right.value.checked_div(coarser)) {
            (Some(a), Some(b)) => {
                let digits = if left.factor >= right.factor { self.value.scale() } else { other.value.scale() };
                a.round_dp(digits) == b.round_dp(digits)
            }
            _ => false,
        }
    }

    pub(super) fn multiply(&self, other: &Self) -> Option<Quantity<'static>> {
        self.combine(other, self.value.checked_mul(other.value)?, |a, b| {
            unit_multiply(a, b).ok().map(|unit| unit.expression)
        })
    }

    pub(super) fn divide(&self, other: &Self) -> Option<Quantity<'static>> {
        self.combine(other, self.value.checked_div(other.value)?, |a, b| {
            unit_divide(a, b).ok().map(|unit| unit.expression)
        })
    }

    fn combine(
        &self,
        other: &Self,
        value: Decimal,
        units: impl Fn(&str, &str) -> Option<String>,
    ) -> Option<Quantity<'static>> {
        let unit = units(self.ucum_unit(true)?, other.ucum_unit(true)?).filter(|unit| unit.len() <= MAX_UNIT)?;
        let is_plain = analyse(&unit).is_ok_and(|unit| unit.is_dimensionless && unit.factor.to_f64() == 1.0);
        let unit = if is_plain { "1".to_string() } else { unit };
        Some(Quantity { value, unit: Cow::Owned(unit), is_calendar: false })
    }

    /// The UCUM code of the unit. Years and months of the calendar have one only where nearly is enough.
    fn ucum_unit(&self, nearly: bool) -> Option<&str> {
        if !self.is_calendar {
            return Some(&self.unit);
        }
        match self.unit.strip_suffix('s').unwrap_or(&self.unit) {
            "year" if nearly => Some("a"),
            "month" if nearly => Some("mo"),
            "week" => Some("wk"),
            "day" => Some("d"),
            "hour" => Some("h"),
            "minute" => Some("min"),
            "second" => Some("s"),
            "millisecond" => Some("ms"),
            _ => None,
        }
    }

    /// Months of a calendar year or month.
    fn calendar_months(&self) -> Option<i64> {
        match self.unit.strip_suffix('s').unwrap_or(&self.unit) {
            "year" if self.is_calendar => Some(12),
            "month" if self.is_calendar => Some(1),
            _ => None,
        }
    }
}

impl fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_calendar {
            write!(f, "{} {}", self.value, self.unit)
        } else {
            write!(f, "{} '{}'", self.value, self.unit)
        }
    }
}

/// A quantity in base units.
struct Measure {
    value: Decimal,
    factor: Decimal,
    /// None for months of the calendar, which only compare with themselves.
    dimension: Option<(Dimension, Vec<(&'static str, i32)>)>,
}

impl Measure {
    fn of(quantity: &Quantity<'_>, nearly: bool) -> Option<Self> {
        if let Some(months) = quantity.calendar_months().filter(|_| !nearly) {
            let factor = Decimal::from(months);
            return Some(Self { value: quantity.value.checked_mul(factor)?, factor, dimension: None });
        }
        let unit: UnitAnalysis = analyse(quantity.ucum_unit(nearly)?).ok()?;
        let (factor, scale, offset) = (decimal(unit.factor)?, decimal(unit.scale)?, decimal(unit.offset)?);
        if unit.special.is_some() && offset.is_zero() {
            return None;
        }
        let factor = factor.checked_mul(scale)?;
        let value = quantity.value.checked_mul(factor)?.checked_add(offset)?;
        Some(Self { value, factor, dimension: Some((unit.dimension, unit.arbitrary)) })
    }

    fn is_like(&self, other: &Self) -> bool {
        self.dimension == other.dimension
    }
}

fn decimal(number: octofhir_ucum::Number) -> Option<Decimal> {
    let text = number.to_string();
    let value = literal::decimal(&text).or_else(|| Decimal::from_scientific(&format!("{:e}", number.to_f64())).ok())?;
    Some(value.normalize())
}

/// Equal when both are rounded to the digits of the less exact one.
pub(super) fn equivalent_decimals(left: Decimal, right: Decimal) -> bool {
    let digits = left.normalize().scale().min(right.normalize().scale());
    let rounded =
        |value: Decimal| value.round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
    rounded(left) == rounded(right)
}
