//! Which of many readings are drawn: those that raised an alert, the ends, and of each stretch the lowest and the highest.

use std::collections::BTreeSet;

/// Points of one plot; alerts are drawn whatever their number.
pub(crate) const MOST_POINTS: usize = 200;

/// The places of the readings to draw, in order. `heights` are their values, `kept` the places that must be drawn.
pub(super) fn thin(heights: &[f64], kept: &BTreeSet<usize>) -> Vec<usize> {
    // Nothing lost: the page says how many of how many are drawn, and the table has them all.
    if heights.len() <= MOST_POINTS {
        return (0..heights.len()).collect();
    }
    let mut drawn: BTreeSet<usize> = kept.iter().copied().filter(|place| *place < heights.len()).collect();
    drawn.extend([0, heights.len() - 1]);
    let stretches = (MOST_POINTS.saturating_sub(drawn.len()) / 2).max(1);
    let length = heights.len().div_ceil(stretches);
    for (number, stretch) in heights.chunks(length).enumerate() {
        let places = || stretch.iter().enumerate().map(|(place, height)| (number * length + place, *height));
        let lowest = places().min_by(|one, other| one.1.total_cmp(&other.1));
        let highest = places().max_by(|one, other| one.1.total_cmp(&other.1));
        drawn.extend([lowest, highest].into_iter().flatten().map(|(place, _)| place));
    }
    drawn.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn alerts_and_extremes_are_kept_and_the_rest_is_bounded(
            heights in prop::collection::vec(-50.0_f64..300.0, 0..900),
            kept in prop::collection::btree_set(0_usize..900, 0..40)
        ) {
            let drawn = thin(&heights, &kept);
            prop_assert!(drawn.len() <= MOST_POINTS.max(2));
            prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(kept.iter().filter(|place| **place < heights.len()).all(|place| drawn.contains(place)));
            let extremes = [f64::min, f64::max].map(|choose| heights.iter().copied().reduce(choose));
            for extreme in extremes.into_iter().flatten() {
                prop_assert!(drawn.iter().any(|place| heights[*place] == extreme), "the highest and the lowest are there");
            }
        }
    }

    #[test]
    fn more_alerts_than_points_are_all_drawn() {
        let heights = vec![1.0; 1_000];
        let kept: BTreeSet<usize> = (0..400).collect();
        assert!(kept.iter().all(|place| thin(&heights, &kept).contains(place)));
    }
}
