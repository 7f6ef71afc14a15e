//! Whether somebody is pregnant, and in which week: by pregnancy status (US Core Observation Pregnancy Status, LOINC 82810-3), expected
//! date of delivery, gestational age, last menstrual period and diagnoses. Over with a birth, a loss, a later “not pregnant”, or the
//! weeks that a pregnancy lasts: diagnoses of it are seldom taken back.

use jiff::Timestamp;
use jiff::civil::Date;

use super::calendar::{add_days, days_between};
use super::facts::{Facts, is_over};
use super::pregnancy::{Pregnancy, Says, Statement, TO_DELIVERY};
use super::reason::Certainty;
use super::who::Weeks;
use crate::fhir::codings_of;
use crate::record::Stored;

/// 42 weeks: nobody is left longer.
const BEYOND_DELIVERY: i64 = 14;
/// What says that somebody is pregnant, and not how long, holds for so many days at most.
const LONGEST: i64 = TO_DELIVERY + BEYOND_DELIVERY;
/// What is written down so much later was true before.
const TOLD_LATER: i64 = 14;
/// What observations say of it.
const OBSERVED: [&str; 4] = ["pregnancy-status", "delivery-date-estimated", "last-menstrual-period", "gestational-age"];
/// Nobody younger or older is looked at.
const AGES: std::ops::RangeInclusive<u32> = 8..=65;

impl<'a> Facts<'a> {
    pub fn pregnancy(&self, at: Timestamp) -> Option<Pregnancy<'a>> {
        if !self.age_at(at).is_none_or(|age| AGES.contains(&age)) {
            return None;
        }
        let today = self.date(at);
        // Nothing lost: what was written down later than that is of another time.
        let known = self.date(self.now).min(add_days(today, TOLD_LATER)).max(today);
        let statements = self.pregnancy_statements(read);
        let over = statements.iter().filter(|one| one.says == Says::Over && one.on <= today).map(|one| one.on).max();
        let since = |over: Option<Date>| {
            statements.iter().filter(move |one| one.on <= known && over.is_none_or(|over| one.on > over))
        };
        let is_now = |delivery: Date| (-BEYOND_DELIVERY..=TO_DELIVERY).contains(&days_between(today, delivery));
        let running = |over: Option<Date>| {
            let dated = since(over).filter(|one| one.dated.is_some_and(|(_, delivery)| is_now(delivery)));
            dated.max_by_key(|one| (one.dated.map(|(rank, _)| rank), one.on))
        };
        // One whose time has passed is over though nobody said so, unless what is known better says that it goes on.
        let best = running(over).and_then(|one| one.dated).map(|(rank, _)| rank);
        let passed = since(over).filter_map(|one| one.dated).filter(|(rank, _)| best.is_none_or(|best| best < *rank));
        let passed = passed.map(|(_, delivery)| add_days(delivery, BEYOND_DELIVERY)).filter(|end| *end < today).max();
        let over = over.max(passed);
        let newest = since(over).filter(|one| one.says == Says::Pregnant).max_by_key(|one| one.on)?;
        let dated = running(over);
        let delivery = dated.and_then(|one| one.dated).map(|(_, delivery)| delivery);
        // Nothing lost: no pregnancy is longer.
        let until = delivery.map_or(add_days(newest.on, LONGEST), |delivery| add_days(delivery, BEYOND_DELIVERY));
        let by = [Some(newest), dated];
        let by = by.into_iter().flatten().filter_map(|one| self.record.get(one.by.0, one.by.1)).collect();
        (today <= until).then_some(Pregnancy { delivery, until, by })
    }

    /// Whether somebody is pregnant as a rule asks, and in words.
    pub fn is_pregnant_as(&self, is_asked: Option<bool>, weeks: Option<Weeks>, at: Timestamp) -> (bool, String) {
        let pregnancy = self.pregnancy(at);
        let week = pregnancy.as_ref().and_then(|pregnancy| pregnancy.week(self.date(at)));
        let mut words = match (&pregnancy, week) {
            (None, _) => "not pregnant, as far as anybody said".to_string(),
            (Some(_), None) => "pregnant, nobody said since when".to_string(),
            (Some(_), Some(week)) => format!("pregnant, {week} weeks"),
        };
        let mut holds = is_asked.is_none_or(|asked| asked == pregnancy.is_some());
        if let Some(weeks) = weeks {
            holds &= week.is_some_and(|week| weeks.hold(week));
            words.push_str(&format!(", asked is {}", weeks.words()));
        }
        (holds, words)
    }

    /// When the answer next changes by itself.
    pub fn next_week_of(&self, is_asked: Option<bool>, weeks: Option<Weeks>) -> Option<Timestamp> {
        if is_asked.is_none() && weeks.is_none() {
            return None;
        }
        let today = self.date(self.now);
        // What a sender dated ahead counts from its day on.
        let ahead = self.pregnancy_statements(read).iter().map(|one| one.on).filter(|on| *on > today).min();
        let pregnancy = self.pregnancy(self.now);
        let first = pregnancy.as_ref().and_then(|one| one.delivery).map(|delivery| add_days(delivery, -TO_DELIVERY));
        let begins = |week: u32| Some(add_days(first?, 7 * i64::from(week)));
        let weeks = weeks.into_iter().flat_map(|weeks| [weeks.from, weeks.to.map(|to| to + 1)]).flatten();
        let ends = pregnancy.as_ref().map(|one| add_days(one.until, 1));
        let turns = weeks.filter_map(begins).chain(ends).chain(ahead);
        turns.filter_map(|day| self.midnight(day)).filter(|turn| *turn > self.now).min()
    }

    fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }
}

/// All that a record says of it.
fn read(facts: &Facts<'_>) -> Vec<Statement> {
    let is_sure = |stored: &&Stored| Certainty::of(stored) == Certainty::Confirmed;
    let mut found: Vec<Statement> =
        facts.diagnoses().filter(is_sure).filter_map(|one| of_condition(facts, one)).collect();
    let is_asked = |coding: &[(&str, &str)]| OBSERVED.iter().any(|set| facts.value_sets.contains_any(set, coding));
    found.extend(facts.observed_as(is_asked).filter_map(|one| of_observation(facts, one)));
    found.extend(facts.record.of_type("Procedure").filter_map(|one| of_procedure(facts, one)));
    found
}

fn of_condition(facts: &Facts<'_>, stored: &Stored) -> Option<Statement> {
    let codings = stored.resource.codings("code");
    let is = |set: &str| facts.value_sets.contains_any(set, &codings);
    let (is_ended, is_pregnant) = (is("pregnancy-ended"), is("pregnant"));
    if !is_ended && !is_pregnant {
        return None;
    }
    let date = |element: &str| facts.moment(stored.resource.text(element)?).map(|at| facts.date(at));
    let of_visit = || {
        // Nothing lost: without a visit of this record the day comes from elsewhere.
        let id = stored.resource.reference("encounter")?.strip_prefix("Encounter/")?.parse().ok()?;
        facts.visit(id)?.start.map(|at| facts.date(at))
    };
    let told = || date("recordedDate").or_else(of_visit);
    // What ended one long ago is written down in the next one.
    let said = match is_ended {
        true => date("onsetDateTime").or_else(|| date("abatementDateTime")).or_else(told),
        false => told().or_else(|| date("onsetDateTime")),
    };
    let on = said.unwrap_or_else(|| facts.date(stored.updated));
    if is_ended || is_over(stored) {
        // One that is over, and nobody said since when, says nothing.
        let on = if is_ended { on } else { date("abatementDateTime")? };
        return Some(Statement { on, says: Says::Over, dated: None, by: ("Condition", stored.id) });
    }
    let week = codings.iter().find_map(|(_, code)| week_of_code(code));
    let dated = week.map(|week| (1, add_days(on, TO_DELIVERY - 7 * week)));
    Some(Statement { on, says: Says::Pregnant, dated, by: ("Condition", stored.id) })
}

/// ICD-10-CM Z3A.08 to Z3A.42 say the week.
fn week_of_code(code: &str) -> Option<i64> {
    let digits = code.strip_prefix("Z3A")?.trim_start_matches('.');
    // Nothing lost: of other codes of this kind nobody can tell the week.
    digits.parse().ok().filter(|week| (8..=42).contains(week))
}

fn of_observation(facts: &Facts<'_>, stored: &Stored) -> Option<Statement> {
    let resource = &stored.resource;
    if stored.state.superseded.is_some() || matches!(resource.text("status"), Some("cancelled" | "entered-in-error")) {
        return None;
    }
    let codings = resource.codings("code");
    let is = |set: &str| facts.value_sets.contains_any(set, &codings);
    let taken = [resource.text("effectiveDateTime"), resource.text("issued")].into_iter().flatten().next();
    let on = facts.date(taken.and_then(|text| facts.moment(text)).unwrap_or(stored.updated));
    let statement = |says, dated| Some(Statement { on, says, dated, by: ("Observation", stored.id) });
    // A day is that day wherever it was written.
    // Nothing lost: a month alone dates no pregnancy.
    let dated = || resource.text("valueDateTime")?.get(..10)?.parse::<Date>().ok();
    if is("pregnancy-status") {
        let value = codings_of(resource.get("valueCodeableConcept")?);
        let has = |set: &str| facts.value_sets.contains_any(set, &value);
        // Nothing lost: “unknown” says neither.
        let says = if has("pregnancy-ended") { Says::Over } else { has("pregnant").then_some(Says::Pregnant)? };
        return statement(says, None);
    }
    if is("delivery-date-estimated") {
        return statement(Says::Pregnant, Some((4, dated()?)));
    }
    if is("last-menstrual-period") {
        return statement(Says::Week, Some((2, add_days(dated()?, TO_DELIVERY))));
    }
    if is("gestational-age") {
        let quantity = resource.get("valueQuantity")?;
        let number = quantity.get("value")?.as_f64()?;
        let unit = [quantity.get("code"), quantity.get("unit")].into_iter().flatten().find_map(|unit| unit.as_str())?;
        let days = match unit {
            "wk" | "weeks" | "week" => number * 7.0,
            "d" | "days" | "day" => number,
            _ => return None,
        };
        // Nothing lost: no pregnancy is longer, and half a day is none.
        let days = (0.0..=LONGEST as f64).contains(&days).then_some(days.floor() as i64)?;
        return statement(Says::Week, Some((3, add_days(on, TO_DELIVERY - days))));
    }
    None
}

/// A birth, or what ended it before.
fn of_procedure(facts: &Facts<'_>, stored: &Stored) -> Option<Statement> {
    let resource = &stored.resource;
    let is_done = resource.text("status") == Some("completed") && stored.state.superseded.is_none();
    if !is_done || !facts.value_sets.contains_any("pregnancy-ended", &resource.codings("code")) {
        return None;
    }
    let period = || resource.get("performedPeriod")?.get("end")?.as_str();
    let at = resource.text("performedDateTime").or_else(period).and_then(|text| facts.moment(text));
    Some(Statement {
        on: facts.date(at.unwrap_or(stored.updated)),
        says: Says::Over,
        dated: None,
        by: ("Procedure", stored.id),
    })
}
