//! Whose records a practice's measures are counted from: whose visits, referrals, work or programmes were written about in the months
//! asked, and who is on its panel. Each record is read once, whole, for all months; nothing is cut.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::counted::{Measures, MonthCounts};
use super::month::Month;
use crate::agreement::is_for_few;
use crate::identity::PersonId;
use crate::pipeline::Gateway;
use crate::problem::{Category, Place, Problem};
use crate::protocol::{Measured, View};
use crate::site::Site;
use crate::store::{Past, StoreError};

/// What is measured is one of these, or hangs on one.
const KINDS: [&str; 5] = ["Encounter", "ServiceRequest", "Task", "Flag", "EpisodeOfCare"];
/// Versions, and members of a panel, read in one step.
const STEP: usize = 500;
/// Of the newest of a record: measures hang on none.
const OBSERVATIONS: usize = 1;
/// What becomes known of a month so long after it ended is counted.
const KNOWN_LATE: SignedDuration = SignedDuration::from_hours(24 * 35);
/// Months in one answer.
const MOST_MONTHS: u8 = 12;

impl Gateway {
    /// The measures of a practice for a month, the present one by default, and the months before it, so many in all; without what is
    /// restricted where it is not for all of it. Costs what was written in those months.
    ///
    /// # Errors
    /// A panel that the site has not, a month to come, no or too many months, and a store that does not answer.
    pub async fn measures(&self, panel: &str, month: Option<Month>, count: u8, all: bool) -> Result<Measures, Problem> {
        let (site, now) = (self.site.load_full(), self.clock.now());
        let practice = &site.panel(panel)?.practice;
        let refused = |text: String| Problem::error(Category::Value, Place::Whole, text);
        let this = Month::at(now, &practice.zone);
        let last = month.unwrap_or(this);
        if last > this {
            return Err(refused(format!("{last} has not begun: nothing of it can be counted")));
        }
        // Nothing lost: whoever asks is told.
        if !(1..=MOST_MONTHS).contains(&count) {
            return Err(refused(format!("ask for 1 to {MOST_MONTHS} months")));
        }
        let months: Vec<Month> = (0..count).rev().map(|before| last.before(before)).collect();
        let made = |month: &Month| MonthCounts::new(*month, month.span(&practice.zone).1.min(now));
        let mut measures = Measures {
            panel: panel.to_string(),
            practice: practice.name.clone(),
            made: now,
            zone: practice.zone.iana_name().unwrap_or("UTC").to_string(),
            members: 0,
            months: months.iter().map(made).collect(),
            missing: Vec::new(),
        };
        let fault = |error: StoreError| Problem::error(Category::Exception, Place::Whole, error.to_string());
        self.count(&site, &mut measures, all).await.map_err(fault)?;
        if last == this {
            self.count_caseload(&mut measures, all).await?;
        }
        Ok(measures)
    }

    async fn count(&self, site: &Site, measures: &mut Measures, all: bool) -> Result<(), StoreError> {
        let (zone, now) = (measures.time_zone(), measures.made);
        let mut hidden = 0_u64;
        for person in self.written_about(measures).await? {
            let head = self.living(person).await?;
            let panels = self.store.memberships(&head.identifiers).await?;
            if !panels.iter().any(|membership| membership.panel == measures.panel) {
                continue; // Nothing lost: another practice's patient, who is in that practice's measures.
            }
            let known = self.load(person, OBSERVATIONS).await?;
            let practices = site.practices_of(&known.memberships);
            let view = View { record: &known.record, memberships: &known.memberships, practices: &practices, now };
            for one in site.protocols.reckoned(&view) {
                let month = Month::at(one.from, &zone);
                let Some(counts) = measures.months.iter_mut().find(|counts| counts.month == month) else {
                    continue; // Nothing lost: it belongs to a month that was not asked for.
                };
                let stored = known.record.get(one.about.0, one.about.1);
                if !all && stored.is_some_and(|stored| is_for_few(&stored.resource)) {
                    hidden += 1;
                    continue; // Nothing lost: counted, and said below.
                }
                if one.measure == Measured::AlertResponse
                    && let Some(alerts) = counts.of(None)
                {
                    alerts.numerator += 1;
                }
                if let Some(person) = &one.person {
                    counts.people.entry(person.clone()).or_default().add(&one, now);
                }
                if let Some(counted) = counts.of(Some(one.measure)) {
                    counted.add(&one, now);
                }
            }
        }
        if hidden > 0 {
            measures.missing.push(format!("{hidden} more are restricted and not counted for you"));
        }
        measures.missing.push(
            "What became known more than 35 days after a month had ended is counted only where something else of that patient was \
             written until then."
                .to_string(),
        );
        self.count_weeks(measures).await
    }

    /// Who leads how many people, at which level, as it is now: of a month that is over nobody wrote it down.
    async fn count_caseload(&self, measures: &mut Measures, all: bool) -> Result<(), Problem> {
        let board = self.caseload(&measures.panel, all).await?;
        if let Some(month) = measures.months.last_mut() {
            for one in &board.rows {
                let person = month.people.entry(one.enrolment.lead.clone()).or_default();
                *person.caseload.entry(one.enrolment.level.clone()).or_default() += 1;
            }
        }
        measures.missing.extend(board.missing.into_iter().map(|text| format!("Of the caseload, {text}")));
        Ok(())
    }

    /// Everybody of whom something that may be measured was written in the months, each once, also where their records were merged.
    async fn written_about(&self, measures: &Measures) -> Result<BTreeSet<PersonId>, StoreError> {
        let zone = measures.time_zone();
        let since = measures.months.first().map(|first| first.month.span(&zone).0);
        // Nothing lost: a month at the end of time has no end, and all of it is read.
        let before = measures.asked().and_then(|last| last.month.span(&zone).1.checked_add(KNOWN_LATE).ok());
        let past = Past { types: KINDS.map(str::to_string).to_vec(), since, before };
        let (mut persons, mut after) = (BTreeSet::new(), None);
        loop {
            let found = self.store.history(&past, after.as_ref(), STEP).await?;
            let written: BTreeSet<PersonId> = found.items.iter().map(|one| one.stored.id.person).collect();
            for person in written.into_iter().filter(|person| *person != PersonId::SHARED) {
                if !persons.contains(&person) {
                    persons.insert(self.living(person).await?.person);
                }
            }
            after = found.next;
            if after.is_none() {
                return Ok(persons);
            }
        }
    }

    /// The weeks that the people of the panel have lived in each month.
    async fn count_weeks(&self, measures: &mut Measures) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.store.panel(&measures.panel, after.as_ref(), STEP).await?;
            measures.members += page.items.len() as u64;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let (zone, members) = (measures.time_zone(), measures.members as f64);
        for counts in &mut measures.months {
            let days = days(counts.month.span(&zone).0, counts.until);
            if let Some(alerts) = counts.of(None) {
                alerts.denominator = members * days / 7.0;
            }
        }
        Ok(())
    }
}

fn days(from: Timestamp, until: Timestamp) -> f64 {
    (until.duration_since(from).as_secs_f64() / 86_400.0).max(0.0)
}
