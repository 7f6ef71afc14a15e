//! The data folder belongs to the gateway's own user alone: the folder 0700, its files 0600, whatever the umask of whoever
//! started it. What is open to others is closed with a word; what cannot be closed stops the start.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

/// Bits of group and others.
const OTHERS: u32 = 0o077;

/// Makes the folder, or closes one that others may read; says how many of its files and folders were open. Files that this process
/// makes from now on are its user's alone.
pub fn keep_private(folder: &Path) -> anyhow::Result<usize> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    // A link to the data folder is named by the site, and what it leads to is closed; links inside lead elsewhere.
    let folder = &fs::canonicalize(folder).with_context(|| unreadable(folder))?;
    Walk { folder, user: rustix::process::geteuid().as_raw() }.close(folder)
}

/// What is said where something was open.
pub fn closed(count: usize) -> Option<String> {
    let files = if count == 1 { "1 file or folder".to_string() } else { format!("{count} files and folders") };
    (count > 0)
        .then(|| format!("the data folder was open to other users of this machine; it is closed now ({files} in all)"))
}

/// A look at all that is in a data folder.
struct Walk<'f> {
    folder: &'f Path,
    /// Who runs this process.
    user: u32,
}

impl Walk<'_> {
    /// How many files and folders were open.
    fn close(&self, path: &Path) -> anyhow::Result<usize> {
        let Some(metadata) = unless_gone(fs::symlink_metadata(path)).with_context(|| unreadable(path))? else {
            return Ok(0);
        };
        if metadata.is_symlink() {
            // Nothing lost: where it leads is not the data folder's.
            return Ok(0);
        }
        let mode = metadata.permissions().mode();
        let is_open = mode & OTHERS != 0;
        if is_open {
            let closed = fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS));
            unless_gone(closed).with_context(|| self.cannot_be_closed(path, metadata.uid()))?;
        }
        // Another user's folder that is closed already shows nothing to anybody, and nothing to us: `lost+found` of a disk.
        let is_theirs = metadata.uid() != self.user && !is_open;
        let inside = if metadata.is_dir() && !is_theirs { self.close_inside(path)? } else { 0 };
        Ok(usize::from(is_open) + inside)
    }

    fn close_inside(&self, path: &Path) -> anyhow::Result<usize> {
        let Some(entries) = unless_gone(fs::read_dir(path)).with_context(|| unreadable(path))? else { return Ok(0) };
        let mut closed = 0;
        for entry in entries {
            closed += self.close(&entry.with_context(|| unreadable(path))?.path())?;
        }
        Ok(closed)
    }

    /// Who may have come in only as one of a group (a volume that a cluster mounts) would be locked out by closing it, so the
    /// hint never says to close what is another user's.
    fn cannot_be_closed(&self, path: &Path, owner: u32) -> String {
        let shown = path.display();
        let hint = if owner == self.user {
            format!("`chmod -R go= {shown}`")
        } else if path == self.folder {
            format!("it is user {owner}'s: let `data:` name a folder below it that this user owns")
        } else {
            format!("it is user {owner}'s: `chown -R {} {shown}` as root, or take it out of the data folder", self.user)
        };
        format!("{shown} is open to other users and cannot be closed; {hint}")
    }
}

fn unreadable(path: &Path) -> String {
    format!("{} cannot be read", path.display())
}

/// A store that is open takes files away while we look; what is gone is open to nobody.
fn unless_gone<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_data_folder_that_others_may_read_is_closed_with_all_in_it_and_stays_so() {
        let site = tempfile::tempdir().unwrap();
        let data = site.path().join("data");
        fs::create_dir_all(data.join("fjall/journals")).unwrap();
        fs::write(data.join("fjall/journals/0"), "…").unwrap();
        fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(data.join("fjall/journals/0"), Permissions::from_mode(0o664)).unwrap();
        assert!(keep_private(&data).unwrap() >= 2);
        assert_eq!((mode(&data), mode(&data.join("fjall/journals/0"))), (0o700, 0o600));
        assert_eq!(keep_private(&data).unwrap(), 0);
        fs::write(data.join("later"), "…").unwrap();
        assert_eq!(mode(&data.join("later")), 0o600);
        let new = site.path().join("new/data");
        assert_eq!((keep_private(&new).unwrap(), mode(&new)), (0, 0o700));
    }

    #[test]
    fn a_data_folder_behind_a_link_is_closed_and_a_link_inside_it_is_not_followed() {
        let site = tempfile::tempdir().unwrap();
        let (disk, elsewhere) = (site.path().join("disk"), site.path().join("elsewhere"));
        for folder in [&disk, &elsewhere] {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(&disk, site.path().join("data")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, disk.join("out")).unwrap();
        assert_eq!(keep_private(&site.path().join("data")).unwrap(), 1);
        assert_eq!((mode(&disk), mode(&elsewhere)), (0o700, 0o755));
    }

    #[test]
    fn what_is_gone_or_is_another_users_and_closed_is_passed_over() {
        let data = tempfile::tempdir().unwrap();
        let lost = data.path().join("lost+found");
        fs::create_dir(&lost).unwrap();
        fs::write(lost.join("1"), "…").unwrap();
        fs::set_permissions(lost.join("1"), Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&lost, Permissions::from_mode(0o700)).unwrap();
        let us = fs::metadata(&lost).unwrap().uid();
        let stranger = Walk { folder: data.path(), user: us + 1 };
        assert_eq!(stranger.close(&lost).unwrap(), 0, "it is not looked into");
        assert_eq!(stranger.close(&data.path().join("gone")).unwrap(), 0);
        assert_eq!(Walk { folder: data.path(), user: us }.close(&lost).unwrap(), 1);
    }

    #[test]
    fn what_cannot_be_closed_is_named_with_what_lets_the_gateway_in() {
        let walk = Walk { folder: Path::new("/vol"), user: 10 };
        let hint = |path: &str, owner| walk.cannot_be_closed(Path::new(path), owner);
        assert!(hint("/vol/x", 10).ends_with("`chmod -R go= /vol/x`"), "{}", hint("/vol/x", 10));
        let volume = hint("/vol", 0);
        assert!(volume.contains("let `data:` name a folder below it") && !volume.contains("chmod"), "{volume}");
        assert!(hint("/vol/x", 0).contains("`chown -R 10 /vol/x`"));
        assert_eq!([0, 1, 2].map(|count| closed(count).is_some()), [false, true, true]);
    }
}
