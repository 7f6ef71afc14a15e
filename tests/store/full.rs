//! A full disk: refused in words, nothing half-written, and it goes on by itself when there is room again. Needs a small
//! file system of its own; where mounting is not permitted, it says so and is skipped.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use handover::store::{EngineChoice, Seen, Store, StoreError, StoreSettings, WriteUnit, open};

use crate::given::message;

struct Small(tempfile::TempDir);

impl Small {
    fn mount(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(directory.path()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Half a megabyte that does not compress.
fn unit(number: usize) -> WriteUnit {
    let mut entry = message(&number.to_string(), &number.to_string());
    let mut state = number as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    entry.raw = (0..60_000).flat_map(|_| next().to_le_bytes()).collect();
    WriteUnit { message: Some(entry), ..WriteUnit::default() }
}

async fn is_there(store: &dyn Store, number: usize) -> bool {
    let entry = message(&number.to_string(), &number.to_string());
    matches!(store.seen("riverside", &number.to_string(), &entry.content).await, Ok(Seen::Same(_)))
}

async fn recovers(engine: EngineChoice) {
    let Some(small) = Small::mount("112m") else {
        println!("skipped: mounting a small file system is not permitted here");
        return;
    };
    let ballast = small.path().join("ballast");
    std::fs::write(&ballast, vec![1; 48 << 20]).unwrap();
    let store = open(&StoreSettings { engine, path: small.path().join("store") }).unwrap();
    let mut acknowledged = Vec::new();
    let mut refusal = None;
    for number in 0..400 {
        match store.commit(unit(number)).await {
            Ok(_) => acknowledged.push(number),
            Err(error) => {
                refusal = Some((number, error));
                break;
            }
        }
    }
    let (refused, error) = refusal.expect("the disk was never full");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(store.health().await.fault.is_some());
    assert!(is_there(&*store, acknowledged[0]).await, "reading goes on");
    assert!(matches!(store.commit(unit(refused)).await, Err(StoreError::Unavailable(_))));

    std::fs::remove_file(&ballast).unwrap();
    let start = Instant::now();
    while store.health().await.fault.is_some() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not recover by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let again = store.commit(unit(refused)).await;
    assert!(matches!(again, Ok(_) | Err(StoreError::Duplicate(_))), "{again:?}");
    for number in &acknowledged {
        assert!(is_there(&*store, *number).await, "{number} was acknowledged");
    }
    assert_eq!(store.health().await.messages, acknowledged.len() as u64 + 1);
}

#[tokio::test]
async fn fjall_refuses_while_the_disk_is_full_and_recovers_without_a_restart() {
    recovers(EngineChoice::Fjall).await;
}

#[tokio::test]
async fn sled_refuses_while_the_disk_is_full_and_recovers_without_a_restart() {
    recovers(EngineChoice::Sled).await;
}
