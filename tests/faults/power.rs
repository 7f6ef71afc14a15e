//! The power cut at random moments under load: the data folder lies on an ext4 of its own, which is shut down with the gateway, without writing anything
//! more (what xfstests does), so that of everything not synced nothing is left. `HANDOVER_CUTS` sets how many for each engine. Beside the
//! store a file is written without a sync each time: a cut that leaves it proves nothing. Where no file system can be mounted, it says so.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kill::under_load;
use crate::process::prepare_with;

const CUTS: usize = 2;

/// The gateway dies with the power: `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`, after which neither data nor the journal are
/// written any more, right behind SIGKILL. The other way round it would still answer by syncs that were under way, which Linux (6.18) ends
/// without an error although nothing of them reached the disk; a bare program that appends and syncs shows the same.
const CUT: &str = "import fcntl, os, signal, struct, sys; folder = os.open(sys.argv[1], os.O_RDONLY); \
                   os.kill(int(sys.argv[2]), signal.SIGKILL); \
                   fcntl.ioctl(folder, 0x8004587d, struct.pack('I', 2))";

fn done(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

struct CutDisk {
    image: PathBuf,
    at: PathBuf,
    /// Cuts after which what was not synced was gone.
    lost: AtomicUsize,
}

impl CutDisk {
    fn new(image: PathBuf, at: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        std::fs::File::create(&image).unwrap().set_len(2 << 30).unwrap();
        let disk = Self { image, at, lost: AtomicUsize::new(0) };
        let is_made = done(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk.image)) && disk.mount();
        // Nothing of this file system is the store's.
        let is_made = is_made && std::fs::remove_dir(disk.at.join("lost+found")).is_ok();
        if !is_made {
            println!("skipped: a file system cannot be made and mounted here");
            return None;
        }
        assert!(done(Command::new("sync").arg("-f").arg(&disk.at)));
        Some(disk)
    }

    fn mount(&self) -> bool {
        done(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at))
    }

    fn cut(&self, gateway: &mut Child) {
        let control = self.at.with_extension("control");
        let unsynced = self.at.join(control.file_name().unwrap());
        std::fs::write(&unsynced, "nobody synced this").unwrap();
        assert!(
            done(Command::new("python3").args(["-c", CUT]).arg(&self.at).arg(gateway.id().to_string())),
            "the file system could not be shut down"
        );
        gateway.wait().unwrap();
        assert!(done(Command::new("umount").arg(&self.at)), "the file system is still in use");
        assert!(self.mount(), "the file system cannot be mounted after the cut");
        let is_lost = std::fs::read(&unsynced).unwrap_or_default().is_empty();
        self.lost.fetch_add(usize::from(is_lost), Ordering::Relaxed);
        let _ = std::fs::remove_file(&unsynced);
    }
}

impl Drop for CutDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).output();
    }
}

async fn cut_again_and_again(engine: &str) {
    let cuts = std::env::var("HANDOVER_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(CUTS);
    let folder = tempfile::tempdir().unwrap();
    let site: &Path = &folder.path().join("site");
    let Some(disk) = CutDisk::new(folder.path().join("disk"), site.join("data")) else { return };
    let ground = prepare_with(site, 40, &|name, text| match name {
        "handover.yaml" => text.replace("engine: fjall", &format!("engine: {engine}")),
        _ => text,
    });
    under_load(ground, cuts, &|gateway| disk.cut(gateway)).await;
    // And the one at the end.
    let (cuts, lost) = (cuts + 1, disk.lost.load(Ordering::Relaxed));
    println!("{engine}: {cuts} cuts, of which {lost} took what was not synced");
    assert_eq!(lost, cuts, "a cut that loses nothing shows nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_the_power_was_cut_is_there_exactly_once() {
    cut_again_and_again("fjall").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_sled() {
    cut_again_and_again("sled").await;
}
