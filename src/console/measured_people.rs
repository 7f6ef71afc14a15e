//! What each person carried in a month, in order of name: no ranking.

use super::plot::{capital, plain};
use crate::pipeline::{MeasureCount, MonthCounts, PersonCounts, called};

/// One person.
pub(super) struct PersonRow {
    pub name: String,
    /// "3: 2 High, 1 Low", as it is now.
    pub caseload: String,
    /// "4 of 5, half of them within 1.5 hours".
    pub alerts: String,
    /// For each level "High: 8 of 9".
    pub contacts: Vec<String>,
}

pub(super) fn people(month: Option<&MonthCounts>) -> Vec<PersonRow> {
    month.into_iter().flat_map(|month| &month.people).map(|(name, counts)| row(name, counts)).collect()
}

fn row(name: &str, counts: &PersonCounts) -> PersonRow {
    let level = |level: &str| if level.is_empty() { "no level".to_string() } else { level.to_string() };
    let by_level: Vec<String> = counts.caseload.iter().map(|(at, people)| format!("{people} {}", level(at))).collect();
    let all: u64 = counts.caseload.values().sum();
    let hours = counts.median_hours().map(|hours| plain((hours * 10.0).round() / 10.0));
    let within = hours.map(|hours| format!(", half of them within {hours} hours")).unwrap_or_default();
    PersonRow {
        name: capital(called(name)),
        caseload: if all == 0 { String::new() } else { format!("{all}: {}", by_level.join(", ")) },
        alerts: of(&counts.alerts).map(|of| format!("{of}{within}")).unwrap_or_default(),
        contacts: counts
            .contacts
            .iter()
            .filter_map(|(at, count)| Some(format!("{}: {}", level(at), of(count)?)))
            .collect(),
    }
}

fn of(count: &MeasureCount) -> Option<String> {
    let left = count.left_out_words();
    let left = if left.is_empty() { left } else { format!(" ({left})") };
    let counted = count.denominator > 0.0;
    (counted || !left.is_empty()).then(|| format!("{} of {}{left}", count.numerator, count.denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_with_what_they_carry_and_who_took_nothing_on_has_no_number() {
        let count = |numerator, denominator, in_time_still| MeasureCount {
            numerator,
            denominator,
            in_time_still,
            ..MeasureCount::default()
        };
        let mut counts =
            PersonCounts { alerts: count(4, 5.0, 0), hours: vec![1.0, 1.0, 2.0, 9.0], ..Default::default() };
        counts.caseload.extend([("High".to_string(), 2), (String::new(), 1)]);
        counts.contacts.extend([("High".to_string(), count(8, 9.0, 1)), ("Low".to_string(), count(0, 0.0, 0))]);
        let told = row("Nia Brooks RN", &counts);
        assert_eq!(told.caseload, "3: 1 no level, 2 High");
        assert_eq!(told.alerts, "4 of 5, half of them within 1.5 hours");
        assert_eq!(told.contacts, ["High: 8 of 9 (1 not done yet and still in time)"]);
        let nobody = row("", &PersonCounts::default());
        assert_eq!((nobody.name.as_str(), nobody.alerts.as_str()), ("Nobody is named", ""));
    }
}
