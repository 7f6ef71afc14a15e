//! `handover backup`, `verify` and `restore` as processes: from a gateway that runs, killed at any moment, on a disk that is full.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use handover::store::{MessageFilter, Store};

use crate::harness::{Hospital, adt, code, minutes_ago};
use crate::process::{Ground, prepare, run};

pub fn handover(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn kill(mut child: Child) {
    // It may have ended.
    let _ = child.kill();
    child.wait().unwrap();
}

/// Sends so many messages, each after the last was acknowledged, with a part of 40 kB that does not compress well.
async fn send(ground: &Ground, from: usize, count: usize) {
    let mut hospital = Hospital::connect(ground.mllp).await;
    for number in from..from + count {
        let patient = (number % 20 + 1).to_string();
        let event = adt("A04", &format!("B-{number}"), &patient, &format!("V-{number}"), &minutes_ago(90));
        let mut state = number as u64 + 1;
        let noise: String = (0..2_500)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("{:016x}", state ^ (state >> 29))
            })
            .collect();
        assert_eq!(code(&hospital.send(&format!("{event}NTE|1||{noise}\r")).await), "AA");
    }
}

pub async fn sequences(store: &dyn Store) -> Vec<(u64, String)> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.messages(&MessageFilter::default(), cursor.as_ref(), 500).await.unwrap();
        all.extend(page.items.into_iter().map(|summary| (summary.sequence, summary.control)));
        cursor = page.next;
        if cursor.is_none() {
            all.sort_unstable();
            return all;
        }
    }
}

fn open_at(path: &Path) -> Result<std::sync::Arc<dyn Store>, handover::store::StoreError> {
    let settings =
        handover::store::StoreSettings { engine: handover::store::EngineChoice::Fjall, path: path.to_path_buf() };
    handover::store::open(&settings)
}

struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&path);
        let is_done = mount.output().is_ok_and(|output| output.status.success());
        if !is_done {
            println!("skipped: a small file system cannot be mounted here");
        }
        is_done.then_some(Self(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_gateway_is_backed_up_and_what_is_killed_or_finds_no_room_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let ground = prepare(&folder.path().join("site"), 20);
    let site = ground.folder.to_str().unwrap().to_string();
    let mut gateway = run(&ground);
    send(&ground, 0, 80).await;
    let path = |name: &str| folder.path().join(name);
    let back_up = |to: &Path| handover(&["backup", to.to_str().unwrap(), "--site", &site]).spawn().unwrap();

    // Under load, and of the gateway that runs: a second process could not open its store.
    let whole = path("whole.backup");
    let (_, output) = tokio::join!(send(&ground, 80, 30), async {
        let child = back_up(&whole);
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
    });
    assert!(output.status.success(), "{}", told(&output));
    let verify = |file: &Path| handover(&["verify", file.to_str().unwrap()]).output().unwrap();
    assert!(verify(&whole).status.success());
    let again = back_up(&whole).wait_with_output().unwrap();
    assert!(again.status.code() == Some(2) && told(&again).contains("is there already"), "{}", told(&again));

    // Killed in the middle.
    let mut killed = 0;
    for round in 0..10 {
        let to = path(&format!("killed-{round}.backup"));
        let child = back_up(&to);
        tokio::time::sleep(Duration::from_millis(10 + round * 15)).await;
        kill(child);
        if to.exists() {
            assert!(verify(&to).status.success(), "what has its name is whole");
        } else {
            killed += 1;
        }
    }
    assert!(killed > 0, "none was killed in the middle");

    // A disk that is full.
    if let Some(disk) = SmallDisk::mount(path("small"), "1m") {
        let full = back_up(&disk.0.join("a.backup")).wait_with_output().unwrap();
        assert!(full.status.code() == Some(2) && told(&full).contains("No space left"), "{}", told(&full));
        assert_eq!(std::fs::read_dir(&disk.0).unwrap().count(), 0, "nothing is left on it");
    }
    send(&ground, 110, 1).await;
    gateway.kill().unwrap();
    gateway.wait().unwrap();

    // Of a store that nobody has open, and through a pipe.
    let mut piped = handover(&["backup", "-", "--site", &site]).stderr(Stdio::null()).spawn().unwrap();
    let verified = handover(&["verify", "-", "--json"]).stdin(piped.stdout.take().unwrap()).output().unwrap();
    assert!(piped.wait().unwrap().success() && verified.status.success(), "{}", told(&verified));
    let checked: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(checked["messages"], 111);

    restore_with_kills(&ground, &whole, folder.path()).await;
}

async fn restore_with_kills(ground: &Ground, backup: &Path, folder: &Path) {
    let site = ground.folder.to_str().unwrap();
    let data = ground.folder.join("data");
    let restore = |words: &[&str]| handover(&[&["restore", backup.to_str().unwrap()], words].concat());
    let refused = restore(&["--site", site]).output().unwrap();
    assert!(refused.status.code() == Some(2) && told(&refused).contains("move it away first"), "{}", told(&refused));
    let before = folder.join("before");
    std::fs::rename(&data, &before).unwrap();

    let (mut killed, start) = (0, Instant::now());
    for round in 0..12 {
        let child = restore(&["--site", site]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(20 + round * 40));
        kill(child);
        if data.join("fjall").exists() {
            break;
        }
        killed += 1;
        let told = open_at(&data).err().expect("half a restore is no store").to_string();
        assert!(told.contains("is not done") || told.contains("there was a store"), "{told}");
    }
    println!("{killed} restores killed in the middle, {:?}", start.elapsed());
    assert!(killed > 0, "none was killed in the middle");
    if !data.join("fjall").exists() {
        let done = restore(&["--site", site]).output().unwrap();
        assert!(done.status.success() && told(&done).contains("handover delivery resume"), "{}", told(&done));
    }

    let (original, restored) = (open_at(&before).unwrap(), open_at(&data).unwrap());
    let (all, kept) = (sequences(&*original).await, sequences(&*restored).await);
    assert!(kept.len() >= 80 && all.starts_with(&kept), "{} of {}", kept.len(), all.len());
    for (sequence, _) in &kept {
        assert_eq!(restored.message(*sequence).await.unwrap(), original.message(*sequence).await.unwrap());
    }
    restored.close().await;
    drop(restored);
    deliveries_wait(ground, kept.len()).await;
}

/// The restored store takes messages, and tells partners nothing before a person says so.
async fn deliveries_wait(ground: &Ground, kept: usize) {
    let site = ground.folder.to_str().unwrap();
    let mut gateway = run(ground);
    let numbers = || ground.ehr.all("Task").len() + ground.ehr.all("CarePlan").len();
    let held = numbers();
    send(ground, 10_000, 3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(numbers(), held);
    let health = handover(&["health", site]).output().unwrap();
    let health: serde_json::Value = serde_json::from_slice(&health.stdout).unwrap();
    assert_eq!((&health["status"], &health["store"]["messages"]), (&"warn".into(), &(kept + 3).into()), "{health}");
    assert!(health["faults"][0]["text"].as_str().unwrap().contains("restored from a backup"), "{health}");
    let resumed = handover(&["delivery", "resume", "--site", site]).output().unwrap();
    assert!(resumed.status.success() && told(&resumed).contains("restored from a backup"), "{}", told(&resumed));
    let until = Instant::now() + Duration::from_secs(40);
    loop {
        let health = handover(&["health", site]).output().unwrap();
        let health: serde_json::Value = serde_json::from_slice(&health.stdout).unwrap();
        if health["store"]["deliveries_waiting"] == 0 && health["status"] == "pass" {
            break;
        }
        assert!(Instant::now() < until, "{health}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    gateway.kill().unwrap();
    gateway.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_whose_data_folder_was_emptied_does_not_start_anew() {
    let folder = tempfile::tempdir().unwrap();
    let ground = prepare(folder.path(), 2);
    let mut first = handover(&["run", "--existing", ground.folder.to_str().unwrap()]).spawn().unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(2), "there is no store yet");
    let mut gateway = run(&ground);
    send(&ground, 0, 1).await;
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    let data = ground.folder.join("data");
    std::fs::remove_dir_all(&data).unwrap();
    for _ in 0..2 {
        let output = handover(&["run", ground.folder.to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = told(&output);
        assert!(told.contains("there was a store in") && told.contains("handover restore FILE"), "{told}");
    }
}
