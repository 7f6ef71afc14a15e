//! What pruning takes away comes back to the disk while the store runs.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use handover::store::{EngineChoice, MessageFilter, PruneBefore, Store, WriteUnit};

use crate::given::{at, message};
use crate::place::Place;

const MESSAGES: usize = 4_000;

/// What the files take of the disk, not how long they say they are.
fn taken(path: &Path) -> u64 {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return 0 };
    let inside = if metadata.is_dir() {
        std::fs::read_dir(path).map(|entries| entries.flatten().map(|entry| taken(&entry.path())).sum()).unwrap_or(0)
    } else {
        0
    };
    metadata.blocks() * 512 + inside
}

/// Twenty kilobytes that do not compress.
fn unit(number: usize) -> WriteUnit {
    let mut entry = message(&number.to_string(), &number.to_string());
    let mut state = number as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    entry.summary.received = at(number as i64);
    entry.raw = (0..2_500).flat_map(|_| next().to_le_bytes()).collect();
    WriteUnit { message: Some(entry), ..WriteUnit::default() }
}

async fn fill(store: &dyn Store, numbers: std::ops::Range<usize>) {
    for chunk in numbers.collect::<Vec<_>>().chunks(64) {
        let all = chunk.iter().map(|number| store.commit(unit(*number)));
        futures_util::future::try_join_all(all).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fjall_gives_the_space_of_what_was_pruned_back_while_it_is_read_and_written() {
    let place = Place::new(EngineChoice::Fjall);
    let store = place.open();
    fill(&*store, 0..MESSAGES).await;
    let full = taken(place.path());
    let before = at(MESSAGES as i64 * 9 / 10);
    let before = PruneBefore { messages: before, deliveries: before, audit: before, once: before };
    while store.prune(&before, 500).await.unwrap().more {}
    let pruned = taken(place.path());
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            let mut slowest = Duration::ZERO;
            for number in MESSAGES..MESSAGES + 200 {
                let start = Instant::now();
                store.commit(unit(number)).await.unwrap();
                assert_eq!(store.messages(&MessageFilter::default(), None, 1).await.unwrap().items.len(), 1);
                slowest = slowest.max(start.elapsed());
            }
            slowest
        }
    });
    let start = Instant::now();
    store.reclaim().await.unwrap();
    let took = start.elapsed();
    let slowest = writing.await.unwrap();
    let after = taken(place.path());
    let [full_mb, pruned_mb, after_mb] = [full, pruned, after].map(|bytes| bytes >> 20);
    println!("{full_mb} MB full, {pruned_mb} MB pruned, {after_mb} MB after {took:?}; slowest beside it {slowest:?}");
    assert!(after * 2 < full, "{full} full, {pruned} pruned, {after} after");
    assert_eq!(store.health().await.messages, MESSAGES as u64 / 10 + 200);
}
