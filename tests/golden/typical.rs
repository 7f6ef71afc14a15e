//! Short messages in the habits of the systems that hospitals have: each is taken with three problems at most, for what a
//! person reads on every message nobody reads.

use handover::pipeline::{Members, dry_run};

use super::cases::{as_sent, files};
use super::house::{FEED, arrival_time, assert_valid, members, root, site};

/// As many as a person can be asked to look at for one message.
const MOST_PROBLEMS: usize = 3;

/// Places that no map reads; more of them would be a list that nobody reads either.
const MOST_UNREAD: usize = 25;

#[test]
fn a_typical_message_gives_three_problems_at_most() {
    let files = files(&root().join("fixtures/messages/typical"), "hl7");
    assert!(files.len() >= 4);
    for file in files {
        let raw = as_sent(&file);
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let trial =
            dry_run(&site(), FEED, &raw, Members { listed: members(), otherwise: None }, arrival_time(&raw)).unwrap();
        assert_eq!(trial.code.text(), "AA", "{name}");
        for resource in &trial.resources {
            assert_valid(&name, resource);
        }
        let said: Vec<String> = trial.problems.iter().map(ToString::to_string).collect();
        assert!(said.len() <= MOST_PROBLEMS, "{name}: {said:#?}");
        let unread: Vec<String> = trial.trace.unread.iter().map(ToString::to_string).collect();
        assert!(unread.len() <= MOST_UNREAD, "{name}: {unread:?}");
    }
}
