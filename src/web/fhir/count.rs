//! How many matches of a search its client may see (http://hl7.org/fhir/R4/search.html#total, #summary). What the agreements
//! deny is in no number.

use std::collections::HashSet;

use super::query::Search;
use crate::web::access::Reader;
use crate::web::answer::Fault;
use crate::web::service::Service;

/// Resources of the store that are looked at for one number.
const MOST_LOOKED: usize = 50_000;
const AT_ONCE: usize = 1000;

/// None where too many would have to be looked at.
pub async fn count(service: &Service, reader: &mut Reader<'_>, search: &Search) -> Result<Option<usize>, Fault> {
    let (mut total, mut looked, mut cursor, mut seen) = (0, 0, None, HashSet::new());
    if search.nothing {
        return Ok(Some(0));
    }
    loop {
        let found = service.gateway.store.find(&search.query, &[], cursor.as_ref(), AT_ONCE).await?;
        looked += found.looked;
        // What changed meanwhile comes again.
        for one in found.items.into_iter().filter(|one| seen.insert(one.stored.id)) {
            total += usize::from(reader.counts(&one.stored, &search.found_by).await?);
        }
        cursor = found.next;
        if cursor.is_none() {
            return Ok(Some(total));
        }
        if looked >= search.most(MOST_LOOKED) {
            return Ok(None);
        }
    }
}
