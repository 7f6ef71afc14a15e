//! A medicine that somebody takes anew, otherwise than before, or no more, as a trigger. One prescription of a class that follows another is
//! no beginning and no end: refills come late.

use jiff::{SignedDuration, Timestamp};

use crate::protocol::anchor::Anchor;
use crate::protocol::codes::Codes;
use crate::protocol::context::Context;
use crate::protocol::medicine::Medicine;
use crate::protocol::model::Taken;
use crate::protocol::sources;

/// What begins within this time after the last one ended goes on.
const REFILL: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A time in which medicines of a class followed each other.
struct Course<'f> {
    first: &'f Medicine,
    /// The one that ends last, and when; no time while one is taken.
    last: (&'f Medicine, Option<Timestamp>),
    /// The newest prescription.
    order: Option<&'f Medicine>,
}

pub fn anchors<'v, 'a>(context: &Context<'v>, codes: &Codes, becomes: Taken) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let facts = context.facts;
    let anchor = |becomes: Taken, by: &Medicine, at: Timestamp, detail: String| Anchor {
        about: Some(format!("{}/{}", by.kind, by.id)),
        detail,
        told: sources::of(facts.record.get(by.kind, by.id)),
        ..Anchor::at(format!("{}:{}", by.id, becomes.word()), at)
    };
    let of_class = facts.stated_medicines().iter().filter(|medicine| facts.is_medicine(codes, medicine));
    let (mut courses, mut changes): (Vec<Course<'_>>, Vec<Anchor<'v, 'a>>) = (Vec::new(), Vec::new());
    for medicine in of_class {
        let order = (medicine.kind == "MedicationRequest").then_some(medicine);
        let running = courses.last_mut().filter(|course| {
            let (_, until) = course.last;
            until.is_none_or(|until| medicine.since.duration_since(until) <= REFILL)
        });
        let Some(course) = running else {
            courses.push(Course { first: medicine, last: (medicine, medicine.until), order });
            // Nothing lost: it begins a course of its own.
            continue;
        };
        if let Some((before, now)) = course.order.zip(order)
            && before.content() != now.content()
        {
            let detail = format!("{}, before: {}", words(now), words(before));
            changes.push(anchor(Taken::Changed, now, now.since, detail));
        }
        course.order = order.or(course.order);
        let ends_later = |(_, until): (&Medicine, Option<Timestamp>)| {
            until.is_some_and(|until| medicine.until.is_none_or(|own| own > until))
        };
        if ends_later(course.last) {
            course.last = (medicine, medicine.until);
        }
    }
    match becomes {
        Taken::Changed => changes,
        Taken::Started => courses
            .iter()
            .map(|course| anchor(Taken::Started, course.first, course.first.since, words(course.first)))
            .collect(),
        Taken::Stopped => courses
            .iter()
            .filter_map(|course| {
                let (by, until) = course.last;
                Some(anchor(Taken::Stopped, by, until?, words(by)))
            })
            .collect(),
    }
}

fn words(of: &Medicine) -> String {
    let dosage = of.dosage.as_ref().and_then(|dosage| dosage.get(0)?.get("text")?.as_str());
    dosage.map_or_else(|| of.title.clone(), |dosage| format!("{} ({dosage})", of.title))
}
