//! Reads what belongs on the sheet. What is open and late comes from the store's worklist, in its order; appointments by their
//! day; of a patient with an appointment the whole record, because the questions of a visit hang on all of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use super::{Huddle, Piece, Visit, Who};
use crate::fhir::search::{Asked, Criterion, DateValue, Relation, SearchTable};
use crate::fhir::time::PartialDateTime;
use crate::identity::ResourceId;
use crate::pipeline::{Gateway, Known, owner};
use crate::problem::{Category, Place, Problem};
use crate::protocol::{Calendar, Card, Memory, View};
use crate::record::Stored;
use crate::site::{Panel, Role, Site};
use crate::store::{Query, StoreError, Term, Urgency, WorkFilter};

/// Open Tasks looked at, and late ones; a practice with more has another problem than its sheet.
const MOST_WORK: usize = 500;
/// Appointments of one day, over all practices of the gateway, and read in one step.
const MOST_VISITS: usize = 2_000;
const STEP: usize = 200;
/// Of the newest; enough for every rule that looks back.
const OBSERVATIONS: usize = 300;
/// When yesterday's huddle was.
const HUDDLE_HOUR: i8 = 8;

/// Work as read: the Tasks, their patients, and the visits that they are about.
struct Work {
    tasks: Vec<Stored>,
    patients: BTreeMap<ResourceId, Who>,
    encounters: BTreeMap<ResourceId, Stored>,
}

impl Gateway {
    /// The sheet of a practice for a day, today by default; without what is labelled as restricted where it is not for all of it.
    ///
    /// # Errors
    /// A panel that the site has not, and a store that does not answer.
    pub async fn huddle(&self, panel: &str, day: Option<Date>, all: bool) -> Result<Huddle, Problem> {
        let site = self.site.load_full();
        let of = site.panel(panel)?;
        let fault = |error: StoreError| Problem::error(Category::Exception, Place::Whole, error.to_string());
        let (now, zone) = (self.clock.now(), of.practice.zone.clone());
        let day = day.unwrap_or_else(|| now.to_zoned(zone.clone()).date());
        let weekends = Calendar::weekends();
        let calendar =
            of.practice.calendar.as_deref().and_then(|name| site.protocols.calendar(name)).unwrap_or(&weekends);
        let mut sheet = Huddle {
            panel: panel.to_string(),
            practice: of.practice.name.clone(),
            day,
            day_before: working_day(calendar, day, -1),
            day_after: working_day(calendar, day, 1),
            closed: closed(calendar, day),
            made: now,
            zone: zone.iana_name().unwrap_or("UTC").to_string(),
            time_zone: zone.clone(),
            now: Vec::new(),
            appointments: Vec::new(),
            elsewhere: Vec::new(),
            hospital: Vec::new(),
            overdue: Vec::new(),
            referrals: Vec::new(),
            open: 0,
            late: 0,
            team: team(of),
            missing: Vec::new(),
            hides_restricted: !all,
            hidden: 0,
        };
        self.add_work(&mut sheet, of, working_day(calendar, day, -1)).await.map_err(fault)?;
        self.add_visits(&mut sheet, &site).await.map_err(fault)?;
        if sheet.hidden > 0 {
            sheet.missing.push(format!("{} more are restricted and not shown to you", sheet.hidden));
        }
        Ok(sheet)
    }

    async fn add_work(&self, sheet: &mut Huddle, panel: &Panel, before: Date) -> Result<(), StoreError> {
        let (owner, now) = (owner(&panel.practice), sheet.made);
        let counts = self.store.work_counts(Some(&owner), now).await?;
        (sheet.open, sheet.late) = (counts.total(), counts.total_late());
        let filter = WorkFilter { owner: Some(owner), ..WorkFilter::default() };
        // Nothing lost: where there are more, late ones are read on their own and the sheet says how many were looked at.
        let mut tasks = self.store.worklist(&filter, None, MOST_WORK).await?.items;
        if sheet.open > tasks.len() as u64 {
            // What is late need not be among the first: urgent work comes before it.
            let late = WorkFilter { due_before: Some(now), ..filter };
            let known: BTreeSet<ResourceId> = tasks.iter().map(|task| task.id).collect();
            // Nothing lost: the longest late of the most urgent; the sheet counts all of them.
            let late = self.store.worklist(&late, None, MOST_WORK).await?.items;
            tasks.extend(late.into_iter().filter(|task| !known.contains(&task.id)));
            let text = format!("{} of {} open tasks were looked at, the most urgent first", tasks.len(), sheet.open);
            sheet.missing.push(text);
        }
        let work = self.read_about(tasks).await?;
        let since = before.at(HUDDLE_HOUR, 0, 0, 0).to_zoned(sheet.time_zone.clone()).map_or(now, |at| at.timestamp());
        sort_out(sheet, work, since);
        Ok(())
    }

    /// The patients and the visits that Tasks are about.
    async fn read_about(&self, tasks: Vec<Stored>) -> Result<Work, StoreError> {
        let persons: BTreeSet<ResourceId> = tasks.iter().map(|task| ResourceId::patient(task.id.person)).collect();
        let visits: BTreeSet<ResourceId> = tasks.iter().filter_map(|task| focus(task, "Encounter")).collect();
        let key = |kind: &'static str| move |id: ResourceId| (kind.to_string(), id);
        let keys: Vec<_> =
            persons.into_iter().map(key("Patient")).chain(visits.into_iter().map(key("Encounter"))).collect();
        let (patients, encounters): (Vec<Stored>, Vec<Stored>) =
            self.store.resources(&keys).await?.into_iter().partition(|one| one.resource.resource_type() == "Patient");
        let numbers: Vec<_> = patients.iter().flat_map(|patient| patient.resource.identifiers()).collect();
        let patients = Who::all(&patients, &self.store.memberships(&numbers).await?);
        Ok(Work { tasks, patients, encounters: encounters.into_iter().map(|one| (one.id, one)).collect() })
    }

    async fn add_visits(&self, sheet: &mut Huddle, site: &Site) -> Result<(), StoreError> {
        for (appointment, at) in self.appointments_on(sheet).await? {
            let known = self.load(appointment.id.person, OBSERVATIONS).await?;
            if !known.memberships.iter().any(|membership| membership.panel == sheet.panel) {
                continue; // Nothing lost: another practice's patient, who is on that practice's sheet.
            }
            let who = Who::in_record(&known);
            if sheet.hides(&appointment.resource) {
                continue; // Nothing lost: counted, and said on the sheet.
            }
            let (known, mut cards) = self.cards_now(site, known, "encounter-start");
            // Nothing lost: what is left out is counted, and said on the sheet.
            cards.retain(|card| {
                known.record.get(&card.about.0, card.about.1).is_none_or(|about| !sheet.hides(&about.resource))
            });
            // Nothing lost: what was cancelled or missed is no appointment any more.
            let Some(visit) = Visit::of(&appointment, at, who, cards) else { continue };
            if visit.is_elsewhere { sheet.elsewhere.push(visit) } else { sheet.appointments.push(visit) }
        }
        let order = |visit: &Visit| (visit.at, visit.appointment);
        sheet.appointments.sort_by_key(order);
        sheet.elsewhere.sort_by_key(order);
        Ok(())
    }

    /// All appointments that begin on the sheet's day, of all practices.
    async fn appointments_on(&self, sheet: &mut Huddle) -> Result<Vec<(Stored, Timestamp)>, StoreError> {
        let zone = &sheet.time_zone;
        let midnight = |day: Date| day.to_zoned(zone.clone()).map_or(sheet.made, |zoned| zoned.timestamp());
        let (from, until) = (midnight(sheet.day), midnight(sheet.day.saturating_add(1.day())));
        let span = DateValue { from: Some(from), until: Some(until), relation: Relation::Within };
        let begins = SearchTable::built_in().find("Appointment", "date").into_iter();
        let terms = begins.map(|date| Term::Of(Criterion::any(date, vec![Asked::Date(span)]))).collect();
        let query = Query { resource_type: "Appointment".to_string(), terms };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.search(&query, after.as_ref(), STEP).await?;
            let begins = |stored: Stored| Some((start(&stored, zone)?, stored));
            found.extend(page.items.into_iter().filter_map(begins).map(|(at, stored)| (stored, at)));
            after = page.next;
            if after.is_none() {
                break;
            }
            // Nothing lost: the sheet says so.
            if found.len() >= MOST_VISITS {
                // Nothing lost: this is where it says so.
                sheet.missing.push(format!("only {MOST_VISITS} of the day's appointments were looked at"));
                break;
            }
        }
        Ok(found)
    }

    /// The cards that a hook would show of a record now, before a timer has done what is due, and the record as it is then.
    pub fn cards_now(&self, site: &Site, mut known: Known, hook: &str) -> (Known, Vec<Card>) {
        let (practices, now) = (site.practices_of(&known.memberships), self.clock.now());
        let mut memory = Memory::default();
        let view = View { record: &known.record, memberships: &known.memberships, practices: &practices, now };
        for change in &site.protocols.look_again(&view, &mut memory).changes {
            known.record.apply(change);
        }
        let view = View { record: &known.record, memberships: &known.memberships, practices: &practices, now };
        let cards = site.protocols.cards_again(&view, hook, &mut memory);
        (known, cards)
    }
}

/// Each Task stands in one place: what presses first, then what is news, then referrals, then what is late.
fn sort_out(sheet: &mut Huddle, work: Work, since: Timestamp) {
    let now = sheet.made;
    for task in &work.tasks {
        if sheet.hides(&task.resource) {
            continue; // Nothing lost: counted, and said on the sheet.
        }
        let id = ResourceId::patient(task.id.person);
        let mut piece = Piece::of(task, work.patients.get(&id).cloned().unwrap_or_else(|| Who::unknown(id)));
        let visit = focus(task, "Encounter").and_then(|id| work.encounters.get(&id));
        if Urgency::of(&task.resource).is_pressing() {
            sheet.now.push(piece);
        } else if let Some(visit) = visit.filter(|visit| is_news(visit, since, &sheet.time_zone)) {
            piece.happened = latest(visit, &sheet.time_zone);
            sheet.hospital.push(piece);
        } else if focus(task, "ServiceRequest").is_some() {
            sheet.referrals.push(piece);
        } else if piece.is_late(now) {
            sheet.overdue.push(piece);
        }
    }
}

/// Whether a visit began or ended since then, or became known or was changed since: a sender may be late.
fn is_news(visit: &Stored, since: Timestamp, zone: &TimeZone) -> bool {
    visit.updated >= since || latest(visit, zone).is_some_and(|at| at >= since)
}

/// When a visit ended, else when it began.
fn latest(visit: &Stored, zone: &TimeZone) -> Option<Timestamp> {
    let period = visit.resource.get("period")?;
    let end = |name: &str| moment(period.get(name)?.as_str()?, zone);
    end("end").or_else(|| end("start"))
}

fn start(appointment: &Stored, zone: &TimeZone) -> Option<Timestamp> {
    moment(appointment.resource.text("start")?, zone)
}

fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    PartialDateTime::parse(text)?.range(zone).map(|(first, _)| first)
}

/// What a Task is about, where it is of this type.
fn focus(task: &Stored, kind: &str) -> Option<ResourceId> {
    let reference = task.resource.get("focus").and_then(|focus| focus.get("reference")).and_then(Value::as_str)?;
    // Nothing lost: a reference to something elsewhere is of no visit or referral that is kept here.
    reference.strip_prefix(kind)?.strip_prefix('/')?.parse().ok()
}

/// The working day before or after; a practice that never works has the calendar's next day.
fn working_day(calendar: &Calendar, day: Date, step: i64) -> Date {
    let days = (1..=60).map(|count| day.saturating_add((count * step).days()));
    let mut working = days.filter(|day| calendar.is_business_day(*day));
    working.next().unwrap_or_else(|| day.saturating_add(step.days()))
}

fn closed(calendar: &Calendar, day: Date) -> String {
    match calendar.holiday_on(day) {
        _ if calendar.is_business_day(day) => String::new(),
        Some(holiday) => format!("{holiday}: the practice is closed"),
        None => "The practice is closed on this day".to_string(),
    }
}

fn team(panel: &Panel) -> Vec<String> {
    let roles = [("care manager", &panel.care_manager), ("coach", &panel.coach), ("clinician", &panel.clinician)];
    let told = |(title, role): (&str, &Option<Role>)| {
        let role = role.as_ref()?;
        let phone = role.phone.as_ref().map(|phone| format!(", {phone}")).unwrap_or_default();
        Some(format!("{}, {title}{phone}", role.name))
    };
    roles.into_iter().filter_map(told).collect()
}
