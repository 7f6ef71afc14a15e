//! The data folder belongs to the gateway's own user alone: the folder 0700, its files 0600, whatever the umask of whoever
//! started it. What is open to others is closed with a word; what cannot be closed stops the start.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

/// Bits of group and others.
const OTHERS: u32 = 0o077;

/// Makes the folder, or closes one that others may read. Files that this process makes from now on are its user's alone.
pub fn keep_private(folder: &Path) -> anyhow::Result<()> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    let closed = close(folder)?;
    if closed > 0 {
        tracing::warn!(files = closed, "the data folder was open to other users of this machine; it is closed now");
    }
    Ok(())
}

/// How many files and folders were open.
fn close(path: &Path) -> anyhow::Result<usize> {
    let metadata = fs::symlink_metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if metadata.is_symlink() {
        // Nothing lost: where it leads is not the data folder's.
        return Ok(0);
    }
    let mut closed = 0;
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        let text = || {
            format!("{} is open to other users and cannot be closed; `chmod -R go= …` it as its owner", path.display())
        };
        fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)).with_context(text)?;
        closed += 1;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            closed += close(&entry?.path())?;
        }
    }
    Ok(closed)
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
        assert!(close(&data).unwrap() >= 2);
        assert_eq!((mode(&data), mode(&data.join("fjall/journals/0"))), (0o700, 0o600));
        keep_private(&data).unwrap();
        fs::write(data.join("later"), "…").unwrap();
        assert_eq!(mode(&data.join("later")), 0o600);
        let new = site.path().join("new/data");
        keep_private(&new).unwrap();
        assert_eq!((mode(&new), close(&new).unwrap()), (0o700, 0));
    }
}
