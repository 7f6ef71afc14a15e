//! The demo's site on disk, in a folder of its own that goes when the demo ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "fixtures/demo"]
struct DemoSite;

/// Where the demo site's partner says its EHR is.
const EHR_IN_SITE: &str = "http://127.0.0.1:8090";

/// A folder that is removed when it is dropped, unless it is to be kept.
pub(super) struct DemoFolder {
    pub path: PathBuf,
    keep: bool,
}

impl DemoFolder {
    /// Writes the site, pointing at the stand-in EHR's real address and at ports that are free.
    pub(super) fn write(kept: Option<PathBuf>, ehr_base: &str) -> anyhow::Result<Self> {
        let keep = kept.is_some();
        let path = kept.unwrap_or_else(|| std::env::temp_dir().join(format!("handover-demo-{}", std::process::id())));
        let folder = Self { path, keep };
        for name in DemoSite::iter() {
            let file = DemoSite::get(&name).context("a file of the demo site is missing from the binary")?;
            let text = String::from_utf8_lossy(&file.data).replace(EHR_IN_SITE, ehr_base);
            folder.put(&name, &with_free_ports(&text))?;
        }
        Ok(folder)
    }

    fn put(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let parent = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
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

/// The site's ports where they are free, any free port where they are not.
fn with_free_ports(text: &str) -> String {
    let mut text = text.to_string();
    for port in ["8080", "2575"] {
        let address = format!("127.0.0.1:{port}");
        if text.contains(&address) && TcpListener::bind(&address).is_err() {
            text = text.replace(&address, "127.0.0.1:0");
        }
    }
    text
}
