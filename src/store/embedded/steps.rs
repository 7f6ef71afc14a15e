//! What is found by reading and then done by the writer, piece by piece: each is looked at again where it is written.

use std::sync::Arc;

use jiff::Timestamp;

use super::desk::Desk;
use super::shared::Shared;
use super::work::Work;
use super::{guided, outbox, prune};
use crate::store::{Guided, Indexed, PruneBefore, Pruned, StoreError};

pub async fn hasten(shared: &Arc<Shared>, desk: &Desk, latest: Timestamp) -> Result<u64, StoreError> {
    let (mut count, mut after) = (0, None);
    loop {
        let (ids, next) = shared.wait_and_read(move |view| outbox::put_off(view, latest, after)).await?;
        if !ids.is_empty() {
            count += desk.submit(Work::HastenDeliveries { ids, latest }).await?;
        }
        after = next;
        if after.is_none() {
            return Ok(count);
        }
    }
}

pub async fn prune(
    shared: &Arc<Shared>,
    desk: &Desk,
    before: &PruneBefore,
    budget: usize,
) -> Result<Pruned, StoreError> {
    let (before, budget) = (*before, budget.clamp(1, prune::LARGEST_BUDGET));
    let (aged, more) = shared.wait_and_read(move |view| prune::find(view, &before, budget)).await?;
    let mut counts = [0; 5];
    for (count, aged) in counts.iter_mut().zip(aged) {
        if aged.len() > 0 {
            *count = desk.submit(Work::Prune(aged)).await?;
        }
    }
    let [messages, deliveries, audit, once, unused] = counts;
    Ok(Pruned { messages, deliveries, audit, once, unused, more })
}

pub async fn index(
    shared: &Arc<Shared>,
    desk: &Desk,
    wanted: &[Guided],
    budget: usize,
) -> Result<Vec<Indexed>, StoreError> {
    let (wanted, asked) = (wanted.to_vec(), wanted.to_vec());
    let plan = shared.wait_and_read(move |view| guided::plan(view, &asked, budget.max(1))).await?;
    if let Some(plan) = plan {
        desk.submit(Work::Index(Box::new(plan))).await?;
    }
    shared.wait_and_read(move |view| guided::standing(view, &wanted)).await
}
