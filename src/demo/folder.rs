//! The demo's site on disk, in a folder of its own that goes when the demo ends.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use super::morning::MORE_MEMBERS;
use crate::site::{StarterError, write_demo};

/// Where the demo site's partner says its EHR is.
const EHR_IN_SITE: &str = "http://127.0.0.1:8090";
/// How the practice's roster begins.
const ROSTER: &str = "member_id,";
/// The port of it.
pub(super) const EHR_PORT: u16 = 8090;

/// A folder that is removed when it is dropped, unless it is to be kept.
pub(super) struct DemoFolder {
    pub path: PathBuf,
    keep: bool,
}

impl DemoFolder {
    /// Writes the site, pointing at the stand-in EHR's real address and at ports that are free.
    pub(super) fn write(kept: Option<PathBuf>, ehr: SocketAddr) -> Result<Self, StarterError> {
        let keep = kept.is_some();
        let path = kept.unwrap_or_else(|| std::env::temp_dir().join(format!("handover-demo-{}", std::process::id())));
        if !keep {
            // Only for this user, and never in a folder that somebody else put there.
            let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
            made.map_err(|source| StarterError::Write { path: path.clone(), source })?;
        }
        let folder = Self { path, keep };
        // Who holds the EHR's port has the others, too: a second demo that starts now does not find them free as well.
        let is_first = ehr.port() == EHR_PORT;
        let ehr_base = format!("http://{ehr}");
        let change = |text: String| {
            let text = if text.starts_with(ROSTER) { text + MORE_MEMBERS } else { text };
            with_free_ports(text.replace(EHR_IN_SITE, &ehr_base), is_first)
        };
        write_demo(&folder.path, &change)?;
        Ok(folder)
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed lies in the temporary folder and holds synthetic patients only.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// The site's ports where this demo may have them and they are free, any free port where not.
fn with_free_ports(mut text: String, may_have: bool) -> String {
    for port in ["8080", "2575"] {
        let address = format!("127.0.0.1:{port}");
        if text.contains(&address) && !(may_have && TcpListener::bind(&address).is_ok()) {
            text = text.replace(&address, "127.0.0.1:0");
        }
    }
    text
}
