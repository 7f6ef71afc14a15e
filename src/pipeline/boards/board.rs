//! What all boards share: whose board it is, the patients that it may be about, and what is not shown on it. A patient's record is
//! read whole, because what a board shows of one hangs on all that is linked to it.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::agreement::is_for_few;
use crate::fhir::search::{Asked, Criterion, SearchTable, TokenValue};
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::panels::covered;
use crate::pipeline::{Gateway, Known, Piece, Who};
use crate::problem::{Category, Place, Problem};
use crate::protocol::{Barrier, View};
use crate::record::Stored;
use crate::site::Site;
use crate::store::{Query, StoreError, Term};

/// Resources looked at in one step and in all, of all practices; patients of a practice; and of how many it is asked at once whose they are.
const STEP: usize = 250;
const MOST_LOOKED: usize = 50_000;
const MOST_PATIENTS: usize = 500;
const AT_ONCE: usize = 16;
/// Of the newest; what boards show hangs on none.
const OBSERVATIONS: usize = 1;

/// What a board shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Board<T> {
    pub panel: String,
    pub practice: String,
    pub made: Timestamp,
    #[serde(skip)]
    pub zone: TimeZone,
    /// What presses most first.
    pub rows: Vec<T>,
    /// What is not on the board though it belongs there, and why.
    pub missing: Vec<String>,
}

/// Whose board it is, and for whom: restricted things only for who is shown all.
pub(super) struct Of<'a> {
    pub panel: &'a str,
    pub all: bool,
    /// Patients with such a resource in one of these states may be on it.
    pub kind: &'a str,
    pub states: &'a [&'a str],
}

/// One patient as a board reads them.
pub(super) struct Patient<'a> {
    pub site: &'a Site,
    pub known: &'a Known,
    pub view: View<'a>,
    pub who: Who,
    all: bool,
    hidden: usize,
}

impl Patient<'_> {
    /// Whether something is not for who looks; it is counted.
    pub(super) fn hides(&mut self, kind: &str, id: ResourceId) -> bool {
        let is_hidden = self.known.record.get(kind, id).is_some_and(|stored| self.is_kept_back(stored));
        self.hidden += usize::from(is_hidden);
        is_hidden
    }

    /// Leaves out what stands in the way and is not for who looks; it is counted.
    pub(super) fn hide_barriers(&mut self, barriers: &mut Vec<Barrier>) {
        // Nothing lost: how many are not shown is counted, and the board says so.
        barriers.retain(|one| !self.hides(if one.is_concern { "Condition" } else { "Task" }, one.by));
    }

    /// Open work in words, without what is kept back.
    pub(super) fn pieces(&self, tasks: &[ResourceId]) -> Vec<Piece> {
        let tasks = tasks.iter().filter_map(|id| self.known.record.get("Task", *id));
        let shown = tasks.filter(|task| !self.is_kept_back(task));
        shown.map(|task| Piece::of(task, self.who.clone())).collect()
    }

    fn is_kept_back(&self, stored: &Stored) -> bool {
        !self.all && is_for_few(&stored.resource)
    }
}

impl Gateway {
    /// A board in no order yet.
    pub(super) async fn board<T>(
        &self,
        of: &Of<'_>,
        rows: impl Fn(&mut Patient<'_>) -> Vec<T>,
    ) -> Result<Board<T>, Problem> {
        let site = self.site.load_full();
        let panel = site.panel(of.panel)?;
        let fault = |error: StoreError| Problem::error(Category::Exception, Place::Whole, error.to_string());
        let mut board = Board {
            panel: of.panel.to_string(),
            practice: panel.practice.name.clone(),
            made: self.clock.now(),
            zone: panel.practice.zone.clone(),
            rows: Vec::new(),
            missing: Vec::new(),
        };
        let mut hidden = 0;
        for person in self.persons_with(of, &mut board.missing).await.map_err(fault)? {
            let known = self.load(person, OBSERVATIONS).await.map_err(fault)?;
            if !known.memberships.iter().any(|membership| membership.panel == of.panel) {
                continue; // Nothing lost: they left the practice meanwhile.
            }
            let who = Who::in_record(&known);
            let practices = site.practices_of(&known.memberships);
            let (record, memberships, practices) = (&known.record, &*known.memberships, &practices);
            let view = View { record, memberships, practices, now: board.made };
            let mut patient = Patient { site: &site, known: &known, view, who, all: of.all, hidden: 0 };
            board.rows.extend(rows(&mut patient));
            hidden += patient.hidden;
        }
        if hidden > 0 {
            board.missing.push(format!("{hidden} more are restricted and not shown to you"));
        }
        Ok(board)
    }

    /// The practice's patients whose resource changed last, first; where there are more than a board reads, that is said. Whose patients
    /// they are is asked before any are left out: others' are passed over, however many there are.
    async fn persons_with(&self, of: &Of<'_>, missing: &mut Vec<String>) -> Result<Vec<PersonId>, StoreError> {
        let kind = of.kind;
        let state = |code: &&str| Asked::Token(TokenValue { code: Some(code.to_string()), ..TokenValue::default() });
        let status = SearchTable::built_in().find(kind, "status");
        let status = status.ok_or_else(|| StoreError::Refused(format!("{kind} is not searched by status")))?;
        let terms = vec![Term::Of(Criterion::any(status, of.states.iter().map(state).collect()))];
        let query = Query { resource_type: kind.to_string(), terms };
        let (mut seen, mut persons, mut after, mut looked) = (BTreeSet::new(), Vec::new(), None, 0);
        loop {
            let page = self.store.search(&query, after.as_ref(), STEP).await?;
            looked += page.items.len();
            let ids = page.items.iter().map(|stored| stored.id.person);
            let new: Vec<PersonId> = ids.filter(|person| seen.insert(*person)).collect();
            let is_own = async |person: PersonId| {
                let panels = covered(&*self.store, person).await?.panels;
                Ok::<_, StoreError>(panels.iter().any(|panel| panel == of.panel).then_some(person))
            };
            let own: Vec<Option<PersonId>> = stream::iter(new).map(is_own).buffered(AT_ONCE).try_collect().await?;
            persons.extend(own.into_iter().flatten());
            after = page.next;
            // Nothing lost: the board says so.
            if persons.len() > MOST_PATIENTS {
                // Nothing lost: said in the next lines.
                persons.truncate(MOST_PATIENTS);
                // Nothing lost: this is where it is said.
                missing.push(format!("only the {MOST_PATIENTS} patients whose {kind} changed last were looked at"));
                return Ok(persons);
            }
            if after.is_none() {
                return Ok(persons);
            }
            // Nothing lost: the board says so.
            if looked >= MOST_LOOKED {
                missing.push(format!("only the {looked} {kind} of all practices that changed last were looked at"));
                return Ok(persons);
            }
        }
    }
}
