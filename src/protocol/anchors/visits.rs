//! Visits as triggers, by themselves or by how many there were.

use jiff::Timestamp;

use crate::protocol::anchor::Anchor;
use crate::protocol::context::Context;
use crate::protocol::deadline::Deadline;
use crate::protocol::model::EncounterTest;
use crate::protocol::visit::Visit;

/// A visit that began, which is over when it has ended.
pub fn arrival<'v, 'a>(context: &Context<'v>, test: &EncounterTest, visit: &'v Visit<'a>) -> Option<Anchor<'v, 'a>>
where
    'v: 'a,
    'a: 'v,
{
    let over = (!visit.is_ongoing()).then(|| match visit.end {
        Some(end) => format!("the visit ended {}", context.facts.say(end)),
        None => "the visit has ended".to_string(),
    });
    Some(Anchor { over, ..anchor(context, test, visit, visit.start?)? })
}

pub fn anchor<'v, 'a>(
    context: &Context<'v>,
    test: &EncounterTest,
    visit: &'v Visit<'a>,
    at: Timestamp,
) -> Option<Anchor<'v, 'a>>
where
    'v: 'a,
    'a: 'v,
{
    let before = test.after.as_ref().and_then(|before| context.facts.before(before, visit));
    let detail = before.map(|before| {
        let left = before.end.map(|end| context.facts.say(end)).unwrap_or_default();
        format!("{} at {} that ended {left}", before.words(), context.facts.place_of(before))
    });
    Some(Anchor { detail: detail.unwrap_or_default(), ..of_visit(visit, at) })
}

fn of_visit<'v, 'a>(visit: &'v Visit<'a>, at: Timestamp) -> Anchor<'v, 'a> {
    Anchor { visit: Some(visit), ..Anchor::at(visit.id.to_string(), at) }
}

/// The encounters by which the count within the window reached the bound, having been below it at the one before, or each at
/// which it is reached; `visits` are in order of their start and id.
pub fn counted<'v, 'a>(
    visits: &[&'v Visit<'a>],
    (at_least, within): (usize, Deadline),
    each: bool,
) -> Vec<Anchor<'v, 'a>> {
    let mut edges = Vec::new();
    let mut before = 0;
    // Nothing lost: a visit that was only planned or mentioned has not begun, as far as anybody said.
    let begun: Vec<(Timestamp, &Visit<'_>)> = visits.iter().filter_map(|visit| Some((visit.start?, *visit))).collect();
    for (place, (start, visit)) in begun.iter().enumerate() {
        let opens = within.before(*start);
        let count = place + 1 - begun.partition_point(|(at, _)| *at <= opens).min(place + 1);
        if count >= at_least && (each || before < at_least) {
            edges.push(Anchor { detail: count.to_string(), ..of_visit(visit, *start) });
        }
        before = count;
    }
    edges
}
