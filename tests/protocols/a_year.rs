//! Some people's year: nothing that is owed is missed, and nothing comes twice, in the order in which it happened and in any other.

use handover::protocol::ProtocolSet;

use super::year::{Order, played};

/// As many as an unoptimised build can; more with `HANDOVER_YEAR=200`.
const PEOPLE: usize = 20;

#[test]
fn a_year_misses_nothing_that_is_owed_and_makes_nothing_twice() {
    let set = ProtocolSet::built_in();
    let people = std::env::var("HANDOVER_YEAR").map_or(PEOPLE, |text| text.parse().unwrap());
    for order in [Order::AsItHappened, Order::Shuffled] {
        let told = played(&set, 0..people, 11, order);
        assert!(told.owed > people, "{} pieces of work are owed to {people} people", told.owed);
        println!(
            "{order:?}: {} events, {} looks, {} owed, {} made, {} alerts",
            told.events, told.looks, told.owed, told.works, told.alerts
        );
        assert!(told.missed.is_empty(), "{order:?} missed {}: {:#?}", told.missed.len(), told.missed);
        assert!(told.extra.is_empty(), "{order:?} made {} too many: {:#?}", told.extra.len(), told.extra);
    }
}
