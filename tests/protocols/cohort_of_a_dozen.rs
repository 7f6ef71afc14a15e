//! A dozen people of the cohort: so few have too few escalations to speak of their share.

use super::cohort::{Plan, played};

#[test]
fn some_people_of_the_cohort_are_rung_for_seldom_and_none_that_is_sick_is_missed() {
    let plan = Plan { people: 12, hypotensions: 1, exacerbations: 2, hypertensions: 1 };
    let ours = played(&plan, 7);
    assert!(ours.missed.is_empty(), "missed: {:#?}", ours.missed);
    assert!(ours.alerts_a_day <= 1.0, "{ours:?}");
}
