//! The mixes, by name.

use futures_util::future::LocalBoxFuture;

use crate::compare::Bench;
use crate::fhir_mix::fhir_mix;
use crate::gateway::Gateway;
use crate::large::large;
use crate::site::{Plan, Whose, member, stranger};
use crate::{chaos, history, load, messages, pages, reads, start, stores, together, way_out};

pub struct Mix {
    pub name: &'static str,
    pub says: &'static str,
    /// Run when no mix is named.
    pub is_short: bool,
    pub run: for<'b> fn(&'b Bench) -> LocalBoxFuture<'b, ()>,
}

pub const MIXES: &[Mix] = &[
    Mix {
        name: "off-panel",
        says: "emergency visits (A04, A03) of people who are on no roster: no work, no deliveries",
        is_short: true,
        run: |bench| Box::pin(visits(bench, "off-panel", ONE_PANEL, stranger)),
    },
    Mix {
        name: "on-panel",
        says: "emergency visits (A04, A03) of people on a roster of 5,000, every delivery delivered",
        is_short: true,
        run: |bench| Box::pin(visits(bench, "on-panel", ONE_PANEL, |number| member(number % ONE_PANEL.members))),
    },
    Mix {
        name: "partners-50",
        says: "as on-panel, with 50 practices of 100 people, each a partner with a panel",
        is_short: false,
        run: |bench| {
            Box::pin(visits(bench, "partners-50", FIFTY_PANELS, |number| member(number % FIFTY_PANELS.members)))
        },
    },
    Mix {
        name: "obx-1",
        says: "messages of one laboratory result (ORU) of people who are on no roster",
        is_short: false,
        run: |bench| Box::pin(results(bench, "obx-1", 1, stranger)),
    },
    Mix {
        name: "obx-20",
        says: "the same with 20 results each",
        is_short: false,
        run: |bench| Box::pin(results(bench, "obx-20", 20, stranger)),
    },
    Mix {
        name: "obx-20-on-panel",
        says: "the same of people on a roster of 5,000, every delivery delivered",
        is_short: false,
        run: |bench| Box::pin(results(bench, "obx-20-on-panel", 20, |number| member(number % ONE_PANEL.members))),
    },
    Mix {
        name: "obx-1000",
        says: "1,000 results each, off panel, and what that does to another feed",
        is_short: false,
        run: |bench| Box::pin(large(bench, "obx-1000", 1_000)),
    },
    Mix {
        name: "obx-9900",
        says: "9,900 results each, off panel, and what that does to another feed",
        is_short: false,
        run: |bench| Box::pin(large(bench, "obx-9900", 9_900)),
    },
    Mix {
        name: "history",
        says: "updates (A08) of people who are on no roster and of whom 20, 200, 1,000 and 10,000 messages came before",
        is_short: false,
        run: |bench| Box::pin(history::updates(bench, "history", &[20, 200, 1_000, 10_000], stranger)),
    },
    Mix {
        name: "history-on-panel",
        says: "the same of people on a roster, 20 to 1,000 messages",
        is_short: false,
        run: |bench| Box::pin(history::updates(bench, "history-on-panel", &[20, 200, 1_000], member)),
    },
    Mix {
        name: "reads",
        says: "FHIR reads and searches, CDS cards and console pages, of patients of 8 and of 1,000 messages",
        is_short: false,
        run: |bench| Box::pin(reads::reads(bench)),
    },
    Mix {
        name: "fhir-mix",
        says: "1,000 patients as transactions, then reads, updates, creations and deletions (12, 5, 2, 1 of 20), and searches of ten kinds",
        is_short: false,
        run: |bench| Box::pin(fhir_mix(bench, 1_000)),
    },
    Mix {
        name: "fhir-mix-20k",
        says: "the same with 20,000 patients",
        is_short: false,
        run: |bench| Box::pin(fhir_mix(bench, 20_000)),
    },
    Mix {
        name: "roster-100k",
        says: "start-up with a roster of 100,000, and emergency visits of its people",
        is_short: false,
        run: |bench| Box::pin(stores::roster(bench, "roster-100k", 100_000)),
    },
    Mix {
        name: "backlog",
        says: "100,000 deliveries that wait at the start, and what a message takes meanwhile",
        is_short: false,
        run: |bench| Box::pin(stores::backlog(bench, "backlog", 100_000)),
    },
    Mix {
        name: "drain-50",
        says: "100,000 deliveries that wait for 50 partners, until all of them are delivered",
        is_short: false,
        run: |bench| Box::pin(way_out::drained(bench, "drain-50", FIFTY_PANELS, 100_000)),
    },
    Mix {
        name: "chaos",
        says: "15,000 emergency visits of people of 50 practices, of which every other one's server misbehaves; the gateway is killed 20 times",
        is_short: false,
        run: |bench| Box::pin(chaos::chaos(bench, "chaos", FIFTY_PANELS, 15_000, 20)),
    },
    Mix {
        name: "dead-partner",
        says: "100,000 deliveries that wait for a partner that refuses every connection, and for one that never answers",
        is_short: false,
        run: |bench| Box::pin(way_out::dead(bench, "dead-partner", ONE_PANEL, 100_000)),
    },
    Mix {
        name: "store-10k",
        says: "a store of 10,000 patients: start-up, memory, emergency visits, and what is read",
        is_short: false,
        run: |bench| Box::pin(stores::patients(bench, "store-10k", 10_000)),
    },
    Mix {
        name: "store-100k",
        says: "a store of 100,000 patients: start-up, memory, emergency visits, and what is read",
        is_short: false,
        run: |bench| Box::pin(stores::patients(bench, "store-100k", 100_000)),
    },
    Mix {
        name: "store-1m",
        says: "a store of 1,000,000 patients: start-up, memory, emergency visits, and what is read",
        is_short: false,
        run: |bench| Box::pin(stores::patients(bench, "store-1m", 1_000_000)),
    },
    Mix {
        name: "pages-10k",
        says: "every page of the console's menu and of a patient, a message and a partner, with 10,000 patients and 100,000 messages",
        is_short: false,
        run: |bench| Box::pin(pages::pages(bench, "pages-10k", 10_000)),
    },
    Mix {
        name: "pages-100k",
        says: "the same with 100,000 patients on 20 rosters, their 100,000 open Tasks and more, and 1,000,000 messages",
        is_short: false,
        run: |bench| Box::pin(pages::pages(bench, "pages-100k", 100_000)),
    },
    Mix {
        name: "two-gateways",
        says: "updates (A08) of one patient, and of 1,000, through one and through two gateways on one PostgreSQL",
        is_short: false,
        run: |bench| Box::pin(together::together(bench, "two-gateways")),
    },
    Mix {
        name: "start",
        says: "start-up and memory at rest, with a roster of 5,000",
        is_short: true,
        run: |bench| Box::pin(start::start(bench)),
    },
    Mix {
        name: "mapping",
        says: "reading and mapping alone, in this process",
        is_short: true,
        run: |bench| Box::pin(start::mapping(bench)),
    },
];

/// One practice, one panel.
pub const ONE_PANEL: Plan = Plan { practices: 1, members: 5_000 };
const FIFTY_PANELS: Plan = Plan { practices: 50, members: 5_000 };

/// One queue for each connection.
pub type Queues = Vec<Vec<String>>;

pub async fn send(gateway: &Gateway, queues: &Queues) -> load::Sent {
    load::send(gateway.mllp["riverside"], queues).await
}

async fn visits(bench: &Bench, name: &str, plan: Plan, mrn: Whose) {
    let gateways = bench.gateways(name, plan);
    let mut next = 0;
    for &connections in &bench.connections {
        let make = |count: usize| {
            let first = next;
            next += count.div_ceil(2);
            messages::pairs(connections, count, |number| mrn(first + number))
        };
        bench.compare(name, connections, &gateways, make, send).await;
    }
    gateways.into_iter().for_each(Gateway::stop);
}

async fn results(bench: &Bench, name: &str, results: usize, mrn: Whose) {
    let gateways = bench.gateways(name, ONE_PANEL);
    let mut next = 0;
    for &connections in &bench.connections {
        let make = |count: usize| {
            next += count;
            let message = |number| messages::results(mrn(next + number), results, 10);
            spread(connections, count, message)
        };
        bench.compare(name, connections, &gateways, make, send).await;
    }
    gateways.into_iter().for_each(Gateway::stop);
}

/// Messages by number, dealt out to the connections.
pub fn spread(connections: usize, count: usize, message: impl Fn(usize) -> String) -> Queues {
    let queue = |connection: usize| (connection..count).step_by(connections).map(&message).collect();
    (0..connections).map(queue).collect()
}
