//! What rules ask of a patient's record, read once per evaluation: age, death, diagnoses, encounters.
//! Entered-in-error and superseded resources are not there.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::codes::Codes;
use super::filter::Filter;
use super::medicine::Medicine;
use super::model::EncounterTest;
use super::pregnancy::Statement;
use super::reason::{Certainty, Diagnoses};
use super::referral::Referral;
use super::visit::Visit;
use super::who::{ConditionCount, Enrolment, Who};
use crate::fhir::ValueSets;
use crate::fhir::time::PartialDateTime;
use crate::identity::ResourceId;
use crate::record::{Record, Stored};

/// Value sets, whether the sets below one are meant, and how sure a diagnosis must be.
type Asked = (Vec<String>, bool, Vec<Certainty>);

/// One patient as rules see them.
pub struct Facts<'a> {
    pub record: &'a Record,
    pub value_sets: &'a ValueSets,
    pub zone: &'a TimeZone,
    pub now: Timestamp,
    pub patient: Option<&'a Stored>,
    pub deceased: bool,
    birth: Option<Date>,
    pub visits: Vec<Visit<'a>>,
    /// Conditions that nobody entered in error, ruled out ones among them.
    diagnoses: Diagnoses<'a>,
    /// Answers to `condition_groups`: many rules ask the same of one record.
    groups: RefCell<BTreeMap<Asked, Vec<String>>>,
    /// Answers to `conditions_of`, as places among the diagnoses.
    conditions: RefCell<BTreeMap<Asked, Rc<[usize]>>>,
    referrals: OnceCell<Vec<Referral>>,
    pregnancy: OnceCell<Vec<Statement>>,
    medicines: OnceCell<Vec<Medicine>>,
    /// Places of visits, by id.
    by_id: HashMap<ResourceId, usize>,
    /// Places of the visits that fit a test, by where the test is: many triggers ask for the same evidence.
    fitting: RefCell<HashMap<usize, Rc<[usize]>>>,
}

impl<'a> Facts<'a> {
    pub fn of(record: &'a Record, value_sets: &'a ValueSets, zone: &'a TimeZone, now: Timestamp) -> Self {
        let patient = record
            .get("Patient", ResourceId::patient(record.head.person))
            .or_else(|| record.of_type("Patient").find(|stored| stored.id.person == record.head.person))
            .or_else(|| record.of_type("Patient").next());
        let resource = patient.map(|stored| &stored.resource);
        let deceased = resource.is_some_and(|patient| {
            patient.get("deceasedBoolean").and_then(Value::as_bool) == Some(true)
                || patient.get("deceasedDateTime").is_some()
        });
        // Nothing lost: a date of birth without a day is told of among the doubts.
        let birth = resource.and_then(|patient| patient.text("birthDate")?.parse().ok());
        let diagnoses = Diagnoses::of(record.of_type("Condition").filter(|stored| is_meant(stored)).collect());
        let mut facts = Self {
            record,
            value_sets,
            zone,
            now,
            patient,
            deceased,
            birth,
            visits: Vec::new(),
            diagnoses,
            groups: RefCell::default(),
            conditions: RefCell::default(),
            referrals: OnceCell::new(),
            pregnancy: OnceCell::new(),
            medicines: OnceCell::new(),
            by_id: HashMap::new(),
            fitting: RefCell::default(),
        };
        facts.visits = record
            .of_type("Encounter")
            .filter(|stored| stored.state.superseded.is_none())
            .map(|stored| Visit::of(stored, &facts.diagnoses, &|text| facts.moment(text)))
            .collect();
        facts.visits.sort_by_key(|visit| (visit.start, visit.id));
        facts.by_id = facts.visits.iter().enumerate().map(|(place, visit)| (visit.id, place)).collect();
        facts.deceased = deceased || facts.visits.iter().any(|visit| visit.ended_in_death(value_sets));
        facts
    }

    /// The moment a FHIR date or time begins; where no offset is stated, in the practice's zone.
    pub fn moment(&self, text: &str) -> Option<Timestamp> {
        PartialDateTime::parse(text)?.range(self.zone).map(|(start, _)| start)
    }

    pub fn has_code(&self, codes: &Codes, codings: &[(&str, &str)]) -> bool {
        codes.hold(self.value_sets, codings)
    }

    /// The Observations that state such a code, themselves or in a component, in the order of their ids.
    pub fn observed_as(&self, is_such: impl Fn(&[(&str, &str)]) -> bool) -> impl Iterator<Item = &'a Stored> {
        self.record.resources.observed_as(move |system, code| is_such(&[(system, code)]))
    }

    /// Whether the patient belongs to a group at a moment, and in words why or why not; no words where the group is everybody.
    pub fn belongs(&self, who: &Who, at: Timestamp) -> (bool, String) {
        let mut words = Vec::new();
        let mut belongs = true;
        if let Some((from, to)) = who.age {
            let age = self.age_at(at);
            let fits = age.is_some_and(|age| from.is_none_or(|from| age >= from) && to.is_none_or(|to| age <= to));
            let asked = match (from, to) {
                (Some(from), None) => format!("{from} or older"),
                (None, Some(to)) => format!("{to} or younger"),
                (from, to) => format!("{} to {}", from.unwrap_or_default(), to.unwrap_or(130)),
            };
            words.push(age.map_or_else(
                || format!("age unknown, asked is {asked}"),
                |age| format!("age {age}, asked is {asked}"),
            ));
            belongs &= fits;
        }
        if let Some(count) = &who.conditions {
            let found = self.condition_groups(count);
            belongs &= found.len() >= count.at_least;
            words.push(self.conditions_in_words(count, &found));
        }
        for (enrolment, is_asked) in
            who.enrolled.iter().map(|one| (one, true)).chain(who.not_enrolled.iter().map(|one| (one, false)))
        {
            let is_enrolled = self.enrolments(enrolment).next().is_some();
            belongs &= is_enrolled == is_asked;
            let said = if is_enrolled { "enrolled in the programme" } else { "not enrolled in the programme" };
            words.push(said.to_string());
        }
        if let Some(codes) = &who.medication {
            let (takes, said) = self.takes(codes);
            belongs &= takes;
            words.push(said);
        }
        if who.asks_pregnancy() {
            let (holds, said) = self.is_pregnant_as(who.pregnant, who.weeks, at);
            belongs &= holds;
            words.push(said);
        }
        if let Some(filter) = &who.filter {
            belongs &= self.patient.is_some_and(|patient| self.holds(filter, patient));
        }
        (belongs, words.join("; "))
    }

    /// Whether a rule's `where` holds for a resource.
    pub fn holds(&self, filter: &Filter, stored: &Stored) -> bool {
        filter.holds(&stored.resource, self.value_sets, self.now)
    }

    fn conditions_in_words(&self, count: &ConditionCount, found: &[String]) -> String {
        let title = |name: &str| {
            let title = self.value_sets.get(name).map(|set| set.title.clone()).filter(|title| !title.is_empty());
            title.unwrap_or_else(|| name.replace('-', " "))
        };
        let titles = |names: &[String]| names.iter().map(|name| title(name)).collect::<Vec<_>>().join(", ");
        let asked = titles(&count.groups);
        match (count.at_least, found) {
            (1, []) => format!("no diagnosis of: {asked}"),
            (1, found) => format!("a diagnosis of: {}", titles(found)),
            (many, []) => format!("0 of at least {many} diagnoses of: {asked}"),
            (many, found) => {
                format!("{} of at least {many} diagnoses of: {asked} (it is: {})", found.len(), titles(found))
            }
        }
    }

    /// The groups of conditions that the patient has, by name.
    pub fn condition_groups(&self, count: &ConditionCount) -> Vec<String> {
        let counts_below = count.groups.len() == 1 && count.at_least > 1;
        let asked: Asked = (count.groups.clone(), counts_below, count.certainty.clone());
        if let Some(known) = self.groups.borrow().get(&asked) {
            return known.clone();
        }
        let mut found = Vec::new();
        for condition in self.diagnoses().filter(|stored| holds_now(stored, &count.certainty)) {
            for (system, code) in condition.resource.codings("code") {
                for set in count.groups.iter().filter(|set| self.value_sets.contains(set, system, code)) {
                    let below = if counts_below { self.value_sets.groups(set, system, code) } else { Vec::new() };
                    let names = if below.is_empty() { vec![set.as_str()] } else { below };
                    found.extend(names.into_iter().map(str::to_string));
                }
            }
        }
        found.sort();
        found.dedup();
        self.groups.borrow_mut().insert(asked, found.clone());
        found
    }

    /// The patient's own data say that they live.
    pub fn is_said_alive(&self) -> bool {
        self.patient.is_some_and(|stored| stored.resource.get("deceasedBoolean") == Some(&Value::Bool(false)))
    }

    /// Conditions that nobody entered in error.
    pub fn diagnoses(&self) -> impl Iterator<Item = &'a Stored> + '_ {
        self.diagnoses.all().iter().copied()
    }

    pub fn birth(&self) -> Option<Date> {
        self.birth
    }

    /// A visit of this record.
    pub fn visit(&self, id: ResourceId) -> Option<&Visit<'a>> {
        self.visits.get(*self.by_id.get(&id)?)
    }

    /// Episodes by which the patient is enrolled now.
    pub fn enrolments(&self, enrolment: &Enrolment) -> impl Iterator<Item = &'a Stored> {
        self.record.of_type("EpisodeOfCare").filter(|stored| {
            let types = stored.resource.codings("type");
            stored.resource.text("status") == Some("active")
                && self.has_code(&enrolment.programme, &types)
                && enrolment.level.as_ref().is_none_or(|level| self.has_code(level, &types))
        })
    }

    /// Referrals that are going on, read once.
    pub fn referrals(&self, read: impl FnOnce(&Self) -> Vec<Referral>) -> &[Referral] {
        self.referrals.get_or_init(|| read(self))
    }

    /// Medicines that are stated, read once.
    pub fn medicines(&self, read: impl FnOnce(&Self) -> Vec<Medicine>) -> &[Medicine] {
        self.medicines.get_or_init(|| read(self))
    }

    /// What the record says of pregnancies.
    pub fn pregnancy_statements(&self, read: impl FnOnce(&Self) -> Vec<Statement>) -> &[Statement] {
        self.pregnancy.get_or_init(|| read(self))
    }

    /// The visits that fit a test of this set, in order of their start.
    pub fn fitting(&self, test: &EncounterTest) -> Fitting<'_, 'a> {
        let place = std::ptr::from_ref(test).addr();
        if let Some(places) = self.fitting.borrow().get(&place) {
            return Fitting { visits: &self.visits, places: Rc::clone(places) };
        }
        let fits = |(_, visit): &(usize, &Visit<'a>)| self.fits(test, visit);
        let places: Rc<[usize]> = self.visits.iter().enumerate().filter(fits).map(|(place, _)| place).collect();
        self.fitting.borrow_mut().insert(place, Rc::clone(&places));
        Fitting { visits: &self.visits, places }
    }

    /// The conditions by which the patient belongs to a group.
    pub fn conditions_of(&self, who: &Who) -> Vec<&'a Stored> {
        let all = self.diagnoses.all();
        self.places_of(who).iter().filter_map(|place| all.get(*place).copied()).collect()
    }

    fn places_of(&self, who: &Who) -> Rc<[usize]> {
        // Nothing lost: a group without conditions is belonged to by none.
        let Some(count) = &who.conditions else { return Rc::default() };
        let asked: Asked = (count.groups.clone(), false, count.certainty.clone());
        if let Some(known) = self.conditions.borrow().get(&asked) {
            return Rc::clone(known);
        }
        let of_group = |stored: &&Stored| {
            holds_now(stored, &count.certainty)
                && count.groups.iter().any(|set| self.value_sets.contains_any(set, &stored.resource.codings("code")))
        };
        let all = self.diagnoses.all().iter().enumerate();
        let found: Rc<[usize]> = all.filter(|(_, stored)| of_group(stored)).map(|(place, _)| place).collect();
        self.conditions.borrow_mut().insert(asked, Rc::clone(&found));
        found
    }

    pub fn age_at(&self, at: Timestamp) -> Option<u32> {
        let birth = self.birth?;
        let day = at.to_zoned(self.zone.clone()).date();
        let had_birthday = (day.month(), day.day()) >= (birth.month(), birth.day());
        // Nothing lost: who is not born yet has no age.
        u32::try_from(i32::from(day.year()) - i32::from(birth.year()) - i32::from(!had_birthday)).ok()
    }

    /// When the patient next has a birthday that moves them into or out of a group by age.
    pub fn next_birthday(&self, who: &Who) -> Option<Timestamp> {
        let (from, to) = who.age?;
        let birth = self.birth?;
        let turns = [from, to.map(|to| to + 1)].into_iter().flatten().filter_map(|years| {
            let day = birth.checked_add(jiff::Span::new().try_years(i64::from(years)).ok()?).ok()?;
            self.midnight(day)
        });
        turns.filter(|turn| *turn > self.now).min()
    }

    /// When a day begins at the practice.
    pub fn midnight(&self, day: Date) -> Option<Timestamp> {
        // Nothing lost: a day beyond the calendar's end never comes.
        self.zone.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok()
    }

    /// The patient's name as people say it.
    pub fn patient_name(&self) -> String {
        let name = self.patient.and_then(|stored| stored.resource.get("name")?.get(0));
        let Some(name) = name else { return "The patient".to_string() };
        if let Some(text) = name.get("text").and_then(Value::as_str) {
            return text.to_string();
        }
        let given = name.get("given").and_then(|given| given.get(0)?.as_str());
        let family = name.get("family").and_then(Value::as_str);
        let parts: Vec<&str> = [given, family].into_iter().flatten().collect();
        if parts.is_empty() { "The patient".to_string() } else { parts.join(" ") }
    }

    /// A moment as people at the practice read it.
    pub fn say(&self, moment: Timestamp) -> String {
        moment.to_zoned(self.zone.clone()).strftime("%a %-d %b %Y, %H:%M").to_string()
    }

    /// A moment as a FHIR dateTime in the practice's zone.
    pub fn date_time(&self, moment: Timestamp) -> String {
        moment.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// The visits that fit a test, in order of their start.
pub struct Fitting<'f, 'a> {
    visits: &'f [Visit<'a>],
    places: Rc<[usize]>,
}

impl<'f, 'a> Fitting<'f, 'a> {
    pub fn all(self) -> impl Iterator<Item = &'f Visit<'a>> {
        let Self { visits, places } = self;
        (0..places.len()).filter_map(move |at| visits.get(*places.get(at)?))
    }

    /// Those that began then or later; of one that has not begun nobody knows.
    pub fn since(self, from: Timestamp) -> impl Iterator<Item = &'f Visit<'a>> {
        let start = |place: &usize| self.visits.get(*place).and_then(|visit| visit.start);
        let first = self.places.partition_point(|place| start(place).is_none_or(|start| start < from));
        let Self { visits, places } = self;
        (first..places.len()).filter_map(move |at| visits.get(*places.get(at)?))
    }
}

/// Not entered in error.
fn is_meant(stored: &Stored) -> bool {
    let codings = stored.resource.codings("verificationStatus");
    stored.state.superseded.is_none() && !codings.iter().any(|(_, code)| *code == "entered-in-error")
}

/// Nobody has it any more.
pub fn is_over(condition: &Stored) -> bool {
    let codings = condition.resource.codings("clinicalStatus");
    codings.iter().any(|(_, code)| ["inactive", "resolved", "remission"].contains(code))
}

/// What somebody has now, as sure as asked.
fn holds_now(stored: &Stored, certainty: &[Certainty]) -> bool {
    !is_over(stored) && certainty.contains(&Certainty::of(stored))
}
