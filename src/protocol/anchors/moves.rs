//! Moves within a visit and visits that were cancelled, as triggers.

use jiff::Timestamp;
use serde_json::Value;

use crate::protocol::anchor::Anchor;
use crate::protocol::context::Context;
use crate::protocol::model::TaskRule;
use crate::protocol::visit::Visit;

/// The newest move of a visit that is going on; what was asked about an earlier one is over.
pub fn transfers<'v, 'a>(context: &Context<'v>, rule: &TaskRule, visit: &'v Visit<'a>) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
    'a: 'v,
{
    let mut moves: Vec<Timestamp> =
        began(visit, "location", context).into_iter().chain(began(visit, "classHistory", context)).collect();
    moves.sort_unstable();
    moves.dedup();
    let own = format!("{}@", visit.id);
    let asked = |at: &Timestamp| context.existing_at(&rule.id, &format!("{own}{at}")).is_some();
    let mut found = Vec::new();
    for (place, at) in moves.iter().enumerate() {
        let later = moves.get(place + 1);
        if later.is_some() && !asked(at) {
            // Nothing lost: they were moved on before anybody had asked.
            continue;
        }
        let over = match (later, visit.is_ongoing()) {
            (Some(later), _) => Some(format!("moved on {}", context.facts.say(*later))),
            (None, false) => Some("the visit has ended".to_string()),
            (None, true) => None,
        };
        found.push(Anchor { visit: Some(visit), over, ..Anchor::at(format!("{own}{at}"), *at) });
    }
    found
}

/// When each stay of a list but the first began: for classes that is when the one before ended.
fn began(visit: &Visit<'_>, list: &str, context: &Context<'_>) -> Vec<Timestamp> {
    let items = visit.stored.resource.get(list).and_then(Value::as_array).into_iter().flatten();
    let bound = |item: &Value, end: &str| context.facts.moment(item.get("period")?.get(end)?.as_str()?);
    if list == "classHistory" {
        return items.filter_map(|item| bound(item, "end")).collect();
    }
    let mut starts: Vec<Timestamp> = items.filter_map(|item| bound(item, "start")).collect();
    starts.sort_unstable();
    starts.into_iter().skip(1).collect()
}

/// A visit that was cancelled, when somebody said so.
pub fn cancelled<'v, 'a>(visit: &'v Visit<'a>) -> Anchor<'v, 'a>
where
    'v: 'a,
    'a: 'v,
{
    let told = visit.stored.state.transitions.last().map(|transition| transition.stamp.occurred);
    let at = told.unwrap_or(visit.stored.updated);
    Anchor { visit: Some(visit), ..Anchor::at(visit.id.to_string(), at) }
}
