//! From a changed record to everything that follows of it: work by the protocols, deliveries by the agreements. A pure
//! function of the record, the site and the clock's reading; messages, timers and people's actions all end here.

use jiff::Timestamp;

use super::telling::decide_deliveries;
use super::working::{Working, version_path};
use crate::problem::Problem;
use crate::protocol::{Memory, View, awake};
use crate::record::{Pressures, Record, Unpaired, pressures, squash};
use crate::site::Site;
use crate::store::{HeadWrite, Trace, TraceLine, WriteUnit};

/// What there is to commit, how it came to be, and what could not be used for it.
pub struct Settled {
    pub unit: WriteUnit,
    pub trace: Trace,
    pub unused: Vec<Problem>,
    /// The record once the unit is committed, and what the rules remember of it.
    pub record: Record,
    pub memory: Memory,
}

/// Lets the protocols and the agreements have their say, and makes the unit to commit.
pub fn settle(site: &Site, mut working: Working, now: Timestamp) -> Settled {
    put_together(&mut working, now);
    evaluate(site, &mut working, now);
    working.changes = squash(working.changes);
    let mut audit = Vec::new();
    let deliveries = decide_deliveries(site, &mut working, now, &mut audit);
    for change in working.changes.iter().filter(|change| change.is_visible()) {
        working.trace.resources.push(version_path(&change.stored));
    }
    working.trace.deliveries = deliveries.iter().map(|delivery| delivery.id.clone()).collect();
    let mut record = working.record;
    record.head.revision = working.revision + 1;
    for change in &working.changes {
        let (kind, id) = (change.stored.resource.resource_type(), change.stored.id);
        // What was squashed, and what partners see of it, came after the record took it in.
        if record.get(kind, id) != Some(&change.stored) {
            record.apply(change);
        }
    }
    let unit = WriteUnit {
        heads: vec![HeadWrite { head: record.head.clone(), replaces: working.revision }],
        changes: std::mem::take(&mut working.changes),
        deliveries,
        audit,
        ..WriteUnit::default()
    };
    let Working { trace, unused, mut memory, .. } = working;
    memory.learn(&unit.changes);
    Settled { unit, trace, unused, record, memory }
}

/// So many results are named that were not put together; how many there are is said.
const MOST_NAMED: usize = 8;

/// Brings what is made from several results up to date with them.
fn put_together(working: &mut Working, now: Timestamp) {
    let Pressures { changes, unpaired } = pressures(&working.record, &working.changes, now);
    for Unpaired { results } in unpaired {
        // Nothing lost: how many there are is said beside those that are named.
        let first = results.iter().take(MOST_NAMED);
        let named = first.map(|id| format!("Observation/{id}")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "not put together as a blood pressure panel: nothing tells which of {} systolic and diastolic results of one moment \
             belong together",
            results.len()
        );
        working.trace.decisions.push(TraceLine::new(&named, "", &text));
    }
    working.take(changes);
}

fn evaluate(site: &Site, working: &mut Working, now: Timestamp) {
    let (changes, comes_back) = awake(&working.record, now);
    working.take(changes);
    let practices = site.practices_of(&working.memberships);
    let view = View { record: &working.record, memberships: &working.memberships, practices: &practices, now };
    let evaluation = site.protocols.look_again(&view, &mut working.memory);
    debug_assert_eq!(evaluation, site.protocols.evaluate(&view), "what is remembered made a difference");
    working.record.head.wake_at = evaluation.wake_at.into_iter().chain(comes_back).min();
    working.trace.decisions.extend(evaluation.decisions.into_iter().map(|explained| {
        TraceLine::new(&named(&explained.protocol, &explained.rule), &explained.place, &explained.words)
    }));
    let unused = super::notices::new_since(&mut working.record, evaluation.unused);
    working.unused.extend(unused);
    working.take(evaluation.changes);
}

/// What a decision is about; some are about no protocol in particular.
fn named(protocol: &str, rule: &str) -> String {
    if protocol.is_empty() { "protocols".to_string() } else { format!("{protocol}/{rule}") }
}
