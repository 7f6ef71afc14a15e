//! What somebody was told of readings, and by which step of a chain.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::readings::Reading;
use super::rule::AlertRule;
use super::thresholds::values_in_words;
use crate::protocol::chain::Step;
use crate::protocol::context::Findings;
use crate::protocol::work::Existing;

/// Whether somebody was told of a reading, with the values that it has now.
pub fn is_told(seen: &BTreeMap<String, String>, reading: &Reading, rule: &AlertRule) -> bool {
    let shown = values_in_words(&reading.values, rule);
    reading.ids.iter().any(|id| seen.get(&id.to_string()) == Some(&shown))
}

/// What new work hangs on: the first of its readings that no other work of the rule hangs on. A reading that was corrected, or
/// whose sitting went on, after a person closed its work makes new work.
pub fn free_anchor(existing: &[&Existing<'_>], ids: &[String]) -> String {
    let is_free = |id: &&String| !existing.iter().any(|one| one.work.anchor == **id);
    let again = || format!("{}.{}", ids.first().map(String::as_str).unwrap_or_default(), existing.len());
    ids.iter().find(is_free).cloned().unwrap_or_else(again)
}

/// The step of the chain that is due, counted from when the level was raised.
pub fn climbed(chain: &[Step], raised: Timestamp, open: bool, now: Timestamp, findings: &mut Findings) -> usize {
    let due = chain.iter().take_while(|step| step.after.after(raised) <= now).count();
    if open && let Some(next) = chain.get(due) {
        findings.wake(next.after.after(raised));
    }
    due.saturating_sub(1)
}
