//! Where a site's data folder is, when no more than that is asked: a command for a gateway that runs needs nothing else of the site,
//! and the site may have faults by now.

use std::path::{Path, PathBuf};

use crate::yaml::{Source, parse};

/// As `handover.yaml` says. Where it cannot be read, the line that begins with `data:` counts, and `data` where there is none.
pub fn data_folder(root: &Path) -> PathBuf {
    let root = &std::path::absolute(root).unwrap_or_else(|_| root.to_path_buf());
    let text = std::fs::read_to_string(root.join("handover.yaml")).unwrap_or_default();
    let parsed = parse(&Source::new("handover.yaml", &text)).ok();
    let stated = match &parsed {
        Some(node) => node.get("data").and_then(crate::yaml::Node::as_text),
        None => text.lines().find_map(|line| line.strip_prefix("data:")).map(plain),
    };
    root.join(stated.unwrap_or_else(|| "data".to_string()))
}

/// A scalar without its quotes and its comment.
fn plain(written: &str) -> String {
    let written = written.split(" #").next().unwrap_or_default().trim();
    written.trim_matches(['"', '\'']).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_found_in_a_site_with_faults_too() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("data: /var/lib/handover\nhttp: { listen: nowhere }\n", "/var/lib/handover"),
            ("data: \"../store here\" # beside it\nnonsense: [\n", "../store here"),
            ("http: [\n", "data"),
            ("store: { engine: fjall }\n", "data"),
        ] {
            std::fs::write(folder.path().join("handover.yaml"), text).unwrap();
            assert_eq!(data_folder(folder.path()), folder.path().join(expected), "{text}");
        }
        assert_eq!(data_folder(Path::new("/no/such")), Path::new("/no/such/data"));
    }
}
