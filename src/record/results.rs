//! Results that a sender may have given one number though they are two: said, because the earlier one no longer shows.

use super::fragment::Fragment;
use crate::problem::{Category, FieldPlace, Place, Problem};
use crate::unused::{Duty, Kind};

/// Says that a final result replaces a final one of another time: only a correction (status C) moves a collection time.
pub(super) fn doubt(known: &Fragment, stated: &Fragment) -> Option<Problem> {
    if stated.resource_type != "Observation" {
        return None;
    }
    let (known, stated) = (known.standing(), stated.standing());
    let text = |parts: &super::part::Parts, element: &str| {
        let content = parts.get(element)?.content.as_ref()?;
        content.get(element)?.as_str().map(String::from)
    };
    let is_final = |parts| text(parts, "status").as_deref() == Some("final");
    let (before, now) = (text(&known, "effectiveDateTime")?, text(&stated, "effectiveDateTime")?);
    if before == now || !is_final(&known) || !is_final(&stated) {
        return None;
    }
    let text = "a final result of this order and code came before with another time, and this is no correction (OBX-11 C): \
                only the later one shows. If they are two readings, have the sender give each order a number of its own \
                (OBR-3), each result one (OBX-21), or its own time (OBX-14)";
    let place = Place::Field(FieldPlace::field("OBR", 1, 3));
    Some(
        Problem::warning(Category::Conflict, place, text).unused(Kind::Reading, "OBR-3 used again").owed_by(Duty::Feed),
    )
}
