//! Thresholds as bands of a plot, each with its words; words that have no room in their band stand below the plot.

use super::scale::Scale;
use crate::protocol::{Bound, Bounds, ChartPart, Side};

/// A band from one height to another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    pub class: &'static str,
    pub text_class: &'static str,
    pub top: f64,
    pub height: f64,
    pub words: String,
    /// The line that the words stand on; none where the band is too low for them.
    pub line: Option<f64>,
}

/// A line of text needs so much.
const LINE: f64 = 15.0;

/// What a part warns of and escalates, on the sides asked for, from the inside out.
pub(super) fn bands(part: &ChartPart, sides: &[Side], scale: Scale, (top, bottom): (f64, f64)) -> Vec<Band> {
    let mut bands = Vec::new();
    for side in sides {
        let (warn, escalate) = (part.warn.on(*side), part.escalate.on(*side));
        let edge = if *side == Side::Above { top } else { bottom };
        let warn = warn.filter(|warn| escalate.is_none_or(|other| side.is_beyond(other.value, warn.value)));
        let outer = escalate.map_or(edge, |bound| scale.place(bound.value));
        let all = [(warn, outer, "p-warn", "t-warn", "warns"), (escalate, edge, "p-now", "t-now", "escalates")];
        for (bound, end, class, text_class, does) in all {
            // Nothing lost: what a rule does not bound has no band.
            let Some(bound) = bound else { continue };
            let start = scale.place(bound.value);
            let (upper, height) = (start.min(end), (start - end).abs());
            if height > 0.5 {
                let line = (height >= LINE).then_some(upper + 12.5);
                let words = format!("{}: {does}", bound.words(&part.unit_words));
                bands.push(Band { class, text_class, top: upper, height, words, line });
            }
        }
    }
    bands
}

/// All bounds of a part in words, with what they do.
pub(super) fn bounds_in_words(part: &ChartPart) -> Vec<String> {
    let told = |bounds: Bounds, does: &str| {
        let words = bounds.each().map(|bound: Bound| format!("{}: {does}", bound.words(&part.unit_words)));
        words.collect::<Vec<_>>()
    };
    let mut words = told(part.warn, "warns");
    words.extend(told(part.escalate, "escalates"));
    words.extend(part.changes.iter().map(|change| change.words.clone()));
    words
}
