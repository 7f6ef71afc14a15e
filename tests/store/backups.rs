//! Backups: whole or nothing, of one moment while writing goes on, restored record by record; and stores that are gone or half
//! restored, which are refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use handover::identity::ResourceId;
use handover::store::{
    BackupFault, Checked, DeliveryFilter, EngineChoice, MessageFilter, RestoreFault, Store, StoreError, StoreSettings,
    WriteUnit, check_backup, open, restore,
};
use serde_json::json;

use crate::given::{at, change, delivery, head, message, person};
use crate::place::Place;

const WRITERS: usize = 6;

fn unit(writer: usize, number: u64) -> WriteUnit {
    let control = format!("{writer}-{number}");
    let mut head = head(person(writer), number - 1);
    head.head.deliveries.insert("lakeside".to_string(), number);
    WriteUnit {
        message: Some(message(&control, &format!("{control} and a text of some length for it").repeat(9))),
        heads: vec![head],
        changes: vec![change(person(writer), "Task", "t", number - 1, json!({ "n": number, "status": "requested" }))],
        deliveries: vec![delivery(&control, "lakeside", person(writer), number, at(0))],
        ..WriteUnit::default()
    }
}

async fn fill(store: &dyn Store, units: u64) {
    for number in 1..=units {
        futures_util::future::try_join_all((0..WRITERS).map(|writer| store.commit(unit(writer, number))))
            .await
            .unwrap();
    }
}

/// The bytes of a backup, and what came of making it.
async fn back_up(store: &Arc<dyn Store>) -> (Vec<u8>, Result<(), StoreError>) {
    let (to, mut parts) = tokio::sync::mpsc::channel(2);
    let giving = tokio::spawn({
        let store = store.clone();
        async move { store.back_up(at(0), to).await }
    });
    let mut bytes = Vec::new();
    while let Some(part) = parts.recv().await {
        bytes.extend(part);
    }
    (bytes, giving.await.unwrap())
}

fn check(bytes: &[u8]) -> Result<Checked, BackupFault> {
    check_backup(bytes, &mut |_| {})
}

struct Ground {
    directory: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn backup(&self, bytes: &[u8]) -> PathBuf {
        let path = self.path("a.backup");
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn settings(engine: EngineChoice, path: &Path) -> StoreSettings {
    StoreSettings { engine, path: path.to_path_buf() }
}

fn restore_into(engine: EngineChoice, path: &Path, backup: &Path) -> Result<Checked, RestoreFault> {
    restore(&settings(engine, path), backup, &[("held", b"yes".to_vec())], &mut |_| {})
}

/// Every message, version and delivery of a restored store is that of the original, and none of up to its number is missing.
async fn compare(original: &dyn Store, restored: &dyn Store, reaches: u64) -> [u64; WRITERS] {
    let (mut cursor, mut messages) = (None, 0);
    loop {
        let page = restored.messages(&MessageFilter::default(), cursor.as_ref(), 500).await.unwrap();
        for summary in page.items {
            assert!(summary.sequence <= reaches);
            let message = restored.message(summary.sequence).await.unwrap();
            assert_eq!(message, original.message(summary.sequence).await.unwrap());
            messages += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(restored.health().await.messages, messages);
    let mut revisions = [0; WRITERS];
    for (writer, revision) in revisions.iter_mut().enumerate() {
        *revision = restored.head(person(writer)).await.unwrap().map_or(0, |head| head.revision);
        let id = ResourceId::of(person(writer), "Task", "t");
        for number in 1..=*revision {
            let version = restored.version("Task", id, number).await.unwrap();
            assert!(version.is_some() && version == original.version("Task", id, number).await.unwrap());
            let delivery = restored.delivery(&format!("{writer}-{number}")).await.unwrap().unwrap();
            assert_eq!(delivery.new, original.delivery(&delivery.new.id).await.unwrap().unwrap().new);
        }
        assert_eq!(restored.version("Task", id, *revision + 1).await.unwrap(), None);
        assert_eq!(restored.delivery(&format!("{writer}-{}", *revision + 1)).await.unwrap(), None);
    }
    assert_eq!(messages, revisions.iter().sum::<u64>(), "each unit is there whole or not at all");
    revisions
}

async fn under_load(engine: EngineChoice) {
    let (place, ground) = (Place::new(engine.clone()), Ground::new());
    let store = place.open();
    fill(&*store, 300).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, stop) = (store.clone(), stop.clone());
            tokio::spawn(async move {
                let mut number = 301;
                while !stop.load(Ordering::Relaxed) {
                    store.commit(unit(writer, number)).await.unwrap();
                    number += 1;
                }
                number - 1
            })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let before = store.health().await.messages;
    let mut backups = Vec::new();
    for _ in 0..3 {
        let (bytes, given) = back_up(&store).await;
        given.unwrap();
        backups.push(bytes);
    }
    let after = store.health().await.messages;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(after > before, "nothing was written meanwhile");
    for (number, bytes) in backups.iter().enumerate() {
        let target = ground.path(&format!("restored-{number}"));
        let checked = restore_into(engine.clone(), &target, &ground.backup(bytes)).unwrap();
        assert!(checked.end.messages >= before && checked.end.messages <= after);
        let restored = open(&settings(engine.clone(), &target)).unwrap();
        let revisions = compare(&*store, &*restored, checked.end.sequence).await;
        assert_eq!(restored.get_state("held").await.unwrap().unwrap(), b"yes");
        // It goes on where the backup ends.
        restored.commit(unit(0, revisions[0] + 1)).await.unwrap();
        println!("{} of {after} messages, {} bytes", checked.end.messages, bytes.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_fjall_made_under_load_is_one_moment_and_restores_record_by_record() {
    under_load(EngineChoice::Fjall).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_sled_made_under_load_is_one_moment_and_restores_record_by_record() {
    under_load(EngineChoice::Sled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_restores_into_the_other_engine_and_what_that_gives_is_the_same() {
    let ground = Ground::new();
    let store = Place::new(EngineChoice::Memory).open();
    fill(&*store, 40).await;
    let (mut bytes, _) = back_up(&store).await;
    let first = check(&bytes).unwrap();
    assert_eq!((first.about.engine.as_str(), first.end.messages), ("memory", 240));
    for (name, engine) in [("one", EngineChoice::Sled), ("two", EngineChoice::Fjall), ("three", EngineChoice::Sled)] {
        let settings = settings(engine, &ground.path(name));
        let restored = restore(&settings, &ground.backup(&bytes), &[], &mut |_| {}).unwrap();
        assert_eq!(restored.end.content, first.end.content);
        let store = open(&settings).unwrap();
        bytes = back_up(&store).await.0;
        assert_eq!(check(&bytes).unwrap().end.content, first.end.content, "{name}");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_not_what_was_written_is_refused_and_nothing_comes_of_it() {
    let ground = Ground::new();
    let store = Place::new(EngineChoice::Memory).open();
    fill(&*store, 20).await;
    let (whole, _) = back_up(&store).await;
    let end = check(&whole).unwrap().file_bytes as usize;
    assert_eq!(end, whole.len());
    for place in (0..end).step_by(97).chain([end - 1]) {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x10;
        assert!(check(&flipped).is_err(), "a byte at {place}");
        assert!(check(&whole[..place]).is_err(), "cut at {place}");
    }
    // Parts, as their heads say where they begin.
    let line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut parts = vec![line];
    while parts[parts.len() - 1] < end {
        let at = parts[parts.len() - 1];
        let length = u32::from_be_bytes(whole[at + 1..at + 5].try_into().unwrap()) as usize;
        parts.push(at + 41 + length);
    }
    assert!(parts.len() >= 4 && parts[parts.len() - 1] == end, "{parts:?}");
    for part in parts.windows(2) {
        let missing = [&whole[..part[0]], &whole[part[1]..]].concat();
        let doubled = [&whole[..part[1]], &whole[part[0]..]].concat();
        assert!(check(&missing).is_err() && check(&doubled).is_err(), "{part:?}");
    }
    let told = |bytes: &[u8]| check(bytes).unwrap_err().to_string();
    let other = [b"handover backup, format 2\n", &whole[line..]].concat();
    assert!(told(&other).contains("backup format 2, this program reads formats up to 1"), "{}", told(&other));
    assert!(told(b"PK\x03\x04 an archive").contains("no backup of handover"));
    assert!(told(&whole[..end - 3]).contains("cut off"), "{}", told(&whole[..end - 3]));
    assert!(told(&[&whole[..], b"x"].concat()).contains("after the end"));
    let mut flipped = whole.clone();
    flipped[end / 2] ^= 1;
    let target = ground.path("restored");
    for bytes in [&flipped[..], &whole[..end / 2], &other] {
        let fault = restore_into(EngineChoice::Fjall, &target, &ground.backup(bytes)).unwrap_err();
        assert!(matches!(fault, RestoreFault::Backup(_)), "{fault}");
        assert!(!target.exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_nobody_takes_any_more_ends_and_one_of_a_store_that_closes_says_so() {
    let store = Place::new(EngineChoice::Fjall).open();
    fill(&*store, 400).await;
    let (to, mut parts) = tokio::sync::mpsc::channel(1);
    let giving = tokio::spawn({
        let store = store.clone();
        async move { store.back_up(at(0), to).await }
    });
    parts.recv().await.unwrap();
    drop(parts);
    assert!(giving.await.unwrap().unwrap_err().to_string().contains("has gone"));

    let (to, mut parts) = tokio::sync::mpsc::channel(1);
    let giving = tokio::spawn({
        let store = store.clone();
        async move { store.back_up(at(0), to).await }
    });
    let mut bytes = parts.recv().await.unwrap();
    let closing = tokio::spawn(async move { store.close().await });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    while let Some(part) = parts.recv().await {
        bytes.extend(part);
    }
    closing.await.unwrap();
    if giving.await.unwrap().is_err() {
        let told = check(&bytes).unwrap_err().to_string();
        assert!(told.contains("given up") || told.contains("cut off"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_restored_into_an_empty_place_only() {
    let (place, ground) = (Place::new(EngineChoice::Fjall), Ground::new());
    let store = place.open();
    fill(&*store, 2).await;
    let backup = ground.backup(&back_up(&store).await.0);
    let fault = restore_into(EngineChoice::Fjall, place.path(), &backup).unwrap_err().to_string();
    assert!(fault.contains("move it away first"), "{fault}");
    assert_eq!(store.health().await.messages, 12);
    let fault = restore_into(EngineChoice::Memory, &ground.path("x"), &backup).unwrap_err().to_string();
    assert!(fault.contains("fjall or sled"), "{fault}");
    let empty = ground.path("empty");
    std::fs::create_dir(&empty).unwrap();
    restore_into(EngineChoice::Fjall, &empty, &backup).unwrap();
    assert_eq!(open(&settings(EngineChoice::Fjall, &empty)).unwrap().health().await.messages, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_was_cut_off_is_no_store_and_is_begun_anew() {
    let ground = Ground::new();
    let store = Place::new(EngineChoice::Memory).open();
    fill(&*store, 30).await;
    let backup = ground.backup(&back_up(&store).await.0);
    let place = settings(EngineChoice::Fjall, &ground.path("restored"));
    // As a kill in the middle leaves it.
    let stage = place.path.join("restoring");
    std::fs::create_dir_all(stage.join("fjall")).unwrap();
    std::fs::write(stage.join("fjall/0.jnl"), "half").unwrap();
    std::fs::write(stage.join("STORE"), "").unwrap();
    let told = open(&place).err().unwrap().to_string();
    assert!(told.contains("is not done") && !place.path.join("STORE").exists(), "{told}");
    let holder = std::fs::File::open(stage.join("STORE")).unwrap();
    holder.lock().unwrap();
    let told = restore_into(EngineChoice::Fjall, &place.path, &backup).unwrap_err().to_string();
    assert!(told.contains("under way"), "{told}");
    drop(holder);
    restore_into(EngineChoice::Fjall, &place.path, &backup).unwrap();
    // As a kill leaves it when the store was in its place already.
    std::fs::create_dir_all(&stage).unwrap();
    std::fs::rename(place.path.join("STORE"), stage.join("STORE")).unwrap();
    let restored = open(&place).unwrap();
    assert!(!stage.exists());
    compare(&*store, &*restored, u64::MAX).await;
    assert_eq!(restored.deliveries(&DeliveryFilter::default(), None, 1).await.unwrap().items.len(), 1);
}

/// sled's own threads let go of its lock a moment after the store is closed; a restore is usually another process.
async fn open_once_free(place: &StoreSettings) -> Arc<dyn Store> {
    for _ in 0..100 {
        match open(place) {
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            opened => return opened.unwrap(),
        }
    }
    open(place).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_whose_store_is_gone_is_refused_until_it_is_restored_or_given_up() {
    for engine in [EngineChoice::Fjall, EngineChoice::Sled] {
        let ground = Ground::new();
        let place = settings(engine.clone(), &ground.path("data"));
        let store = open(&place).unwrap();
        fill(&*store, 3).await;
        let backup = ground.backup(&back_up(&store).await.0);
        store.close().await;
        drop(store);
        let name = if engine == EngineChoice::Sled { "sled" } else { "fjall" };
        // The engine's files.
        std::fs::remove_dir_all(place.path.join(name)).unwrap();
        for _ in 0..2 {
            let told = open(&place).err().unwrap().to_string();
            assert!(told.contains("its files are gone") && told.contains("handover restore FILE"), "{told}");
            assert!(!place.path.join(name).exists(), "nothing new was begun");
        }
        // Everything in the folder, as where its disk is not mounted; and the folder too.
        std::fs::remove_file(place.path.join("STORE")).unwrap();
        for _ in 0..2 {
            let told = open(&place).err().unwrap().to_string();
            assert!(told.contains("there was a store") && told.contains("is its disk mounted?"), "{told}");
            assert!(told.contains(".data.handover"), "{told}");
            let _ = std::fs::remove_dir_all(&place.path);
        }
        restore_into(engine.clone(), &place.path, &backup).unwrap();
        let store = open_once_free(&place).await;
        assert_eq!(store.health().await.messages, 18);
        store.close().await;
        drop(store);
        // A new one only where people say so.
        std::fs::remove_dir_all(&place.path).unwrap();
        assert!(open(&place).is_err());
        std::fs::remove_file(ground.path(".data.handover")).unwrap();
        assert_eq!(open(&place).unwrap().health().await.messages, 0);
    }
}
