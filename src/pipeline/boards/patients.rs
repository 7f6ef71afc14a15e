//! The patients that a board may be about: those with a resource of a type that is going on.

use std::collections::BTreeSet;

use crate::fhir::search::{Asked, Criterion, SearchTable, TokenValue};
use crate::identity::PersonId;
use crate::store::{Query, Store, StoreError, Term};

/// Resources looked at in one step, and patients in all.
const STEP: usize = 250;
const MOST_PATIENTS: usize = 500;

/// Patients with a resource of a type in one of these states, those changed last first; where there are more than a board reads,
/// that is said.
pub(super) async fn persons_with(
    store: &dyn Store,
    kind: &str,
    states: &[&str],
    missing: &mut Vec<String>,
) -> Result<Vec<PersonId>, StoreError> {
    let state = |code: &&str| Asked::Token(TokenValue { code: Some(code.to_string()), ..TokenValue::default() });
    let status = SearchTable::built_in().find(kind, "status");
    let status = status.ok_or_else(|| StoreError::Refused(format!("{kind} is not searched by status")))?;
    let terms = vec![Term::Of(Criterion::any(status, states.iter().map(state).collect()))];
    let query = Query { resource_type: kind.to_string(), terms };
    let (mut seen, mut persons, mut after) = (BTreeSet::new(), Vec::new(), None);
    loop {
        let page = store.search(&query, after.as_ref(), STEP).await?;
        persons.extend(page.items.iter().map(|stored| stored.id.person).filter(|person| seen.insert(*person)));
        after = page.next;
        if after.is_none() {
            return Ok(persons);
        }
        // Nothing lost: the board says so.
        if persons.len() >= MOST_PATIENTS {
            // Nothing lost: said in the next lines.
            persons.truncate(MOST_PATIENTS);
            // Nothing lost: this is where it is said.
            missing.push(format!("only the {MOST_PATIENTS} patients whose {kind} changed last were looked at"));
            return Ok(persons);
        }
    }
}
