//! A full disk: AE, nothing half-written, and on it goes when there is room again, without a restart. The data folder lies on
//! a small file system in memory; where mounting one is not permitted, the test says so.

use std::process::Command;
use std::time::Duration;

use handover::store::MessageFilter;

use crate::harness::{Hospital, adt, code, minutes_ago, start, write_site};

struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"]).arg(&path).output();
        match done {
            Ok(output) if output.status.success() => Some(Self(path)),
            _ => {
                println!("skipped: a small file system cannot be mounted here");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_senders_get_ae_and_later_all_goes_on_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path().join("data")) else { return };
    write_site(folder.path(), &|_, text| text);
    let running = start(folder.path()).await;
    let mut hospital = Hospital::connect(running.mllp["riverside"]).await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(90))).await), "AA");
    let ballast = folder.path().join("data/ballast");
    let mut filled = Command::new("dd");
    filled.args(["if=/dev/zero", "bs=64k"]).arg(format!("of={}", ballast.display())).output().unwrap();
    let mut refused = None;
    for number in 2..400 {
        let control = number.to_string();
        let answer = hospital.send(&adt("A04", &control, "4712", &format!("V{number}"), &minutes_ago(80))).await;
        if code(&answer) == "AE" {
            refused = Some(number);
            break;
        }
    }
    let refused = refused.expect("a full disk is noticed");
    std::fs::remove_file(&ballast).unwrap();
    let again = adt("A04", &refused.to_string(), "4712", &format!("V{refused}"), &minutes_ago(80));
    let mut taken = false;
    for _ in 0..100 {
        taken = code(&hospital.send(&again).await) == "AA";
        if taken {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(taken, "the same connection is served again");
    let mut controls: Vec<u64> = Vec::new();
    let mut cursor = None;
    loop {
        let page = running.gateway.store.messages(&MessageFilter::default(), cursor.as_ref(), 500).await.unwrap();
        controls.extend(page.items.iter().map(|summary| summary.control.parse::<u64>().unwrap()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    controls.sort_unstable();
    assert_eq!(controls, (1..=refused).collect::<Vec<u64>>(), "every acknowledged message once, nothing else");
    running.stop().await;
}
