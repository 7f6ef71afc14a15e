//! Brings the indexes of a store up that a program wrote which did not keep them, when it is opened.

use super::counters::{BACKLOGS, COPIES, Counters, HISTORY, LINES, LOOKS, PEOPLE, SOUGHT, WORKLIST};
use super::{backlog, copies, history, line, looks, people, sought, values, worklist};
use crate::fhir::search::SearchTable;
use crate::store::StoreError;
use crate::store::engine::{Changes, Engine};

/// Builds what is missing, and says so in the counters once all of it is there.
pub fn complete(engine: &dyn Engine, counters: &mut Counters) -> Result<(), StoreError> {
    let before = *counters;
    if counters.worklist != WORKLIST {
        worklist::build(engine)?;
        counters.worklist = WORKLIST;
    }
    if counters.looks != LOOKS {
        looks::build(engine)?;
        counters.looks = LOOKS;
    }
    if counters.lines != LINES {
        match counters.lines {
            0 => line::build(engine)?,
            _ => line::name_persons(engine)?,
        }
        counters.lines = LINES;
    }
    if counters.copies != COPIES {
        copies::build(engine)?;
        counters.copies = COPIES;
    }
    if counters.people != PEOPLE {
        people::build(engine)?;
        counters.people = PEOPLE;
    }
    if counters.searches != SearchTable::fingerprint() {
        values::build(engine)?;
        counters.searches = SearchTable::fingerprint();
    }
    if counters.history != HISTORY {
        history::build(engine)?;
        counters.history = HISTORY;
    }
    if counters.sought != SOUGHT {
        sought::build(engine)?;
        counters.sought = SOUGHT;
    }
    if counters.backlogs != BACKLOGS {
        backlog::build(engine)?;
        counters.backlogs = BACKLOGS;
    }
    if *counters != before {
        engine.write(Changes::from([(Counters::key(), Some(counters.to_bytes()))]))?;
    }
    Ok(())
}
