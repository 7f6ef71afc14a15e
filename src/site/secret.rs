//! Where secrets stand: in the environment, in a file, or in a folder of credentials, one file each, as systemd hands them over
//! (systemd.exec(5), CREDENTIALS_DIRECTORY). Says what is missing by its name, never by what it holds.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::scalar;
use crate::problem::{Category, Problem};
use crate::yaml::Node;

/// Longer ones are no secret but another file.
const MOST_BYTES: u64 = 64 << 10;

/// A secret given as `${ENV:NAME}`, `${CREDENTIAL:NAME}` or `file:PATH` (relative to the site); anything else stands in the site itself.
pub enum Secret {
    Elsewhere(String),
    Plain(String),
}

/// Reads a secret from where it is.
pub fn read(node: &Node, folder: &mut Folder) -> Result<Secret, Problem> {
    let written = scalar::text(node)?;
    let missing = |text: String| node.mark.problem(Category::NotFound, text);
    let found = if let Some(name) = named(&written, "${ENV:") {
        environment(name).ok_or_else(|| missing(format!("the environment variable `{name}` is not set")))?
    } else if let Some(path) = credential(&written).transpose().map_err(missing)? {
        content(path, folder).map_err(|error| missing(format!("cannot read `{written}`: {error}")))?
    } else if let Some(path) = written.strip_prefix("file:") {
        let at = folder.path(path);
        content(at, folder).map_err(|error| missing(format!("cannot read the file `{path}` for this: {error}")))?
    } else {
        return Ok(Secret::Plain(written));
    };
    let value = found.trim().to_string();
    if value.is_empty() {
        return Err(missing("what this names is empty".to_string()));
    }
    Ok(Secret::Elsewhere(value))
}

/// A file of keys or certificates: a path that starts at the site's folder, or `${CREDENTIAL:NAME}`.
pub fn file(node: &Node, folder: &mut Folder) -> Result<PathBuf, Problem> {
    let written = scalar::text(node)?;
    let missing = |text: String| node.mark.problem(Category::NotFound, text);
    let Some(path) = credential(&written).transpose().map_err(missing)? else { return folder.file(node) };
    folder.named.add(path.clone());
    if path.is_file() { Ok(path) } else { Err(missing(format!("there is no credential `{written}`"))) }
}

/// Added to what is watched before it is read.
fn content(path: PathBuf, folder: &mut Folder) -> io::Result<String> {
    folder.named.add(path.clone());
    let mut text = String::new();
    // Nothing lost: what is longer is refused below.
    File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    let is_bounded = u64::try_from(text.len()).is_ok_and(|length| length <= MOST_BYTES);
    if is_bounded { Ok(text) } else { Err(io::Error::other(format!("it has more than {MOST_BYTES} bytes"))) }
}

fn named<'w>(written: &'w str, kind: &str) -> Option<&'w str> {
    written.strip_prefix(kind)?.strip_suffix('}')
}

/// The file of `${CREDENTIAL:NAME}`, or why there is none.
fn credential(written: &str) -> Option<Result<PathBuf, String>> {
    let name = named(written, "${CREDENTIAL:")?;
    Some(credential_in(environment("CREDENTIALS_DIRECTORY").as_deref().map(Path::new), name))
}

fn credential_in(directory: Option<&Path>, name: &str) -> Result<PathBuf, String> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(format!("`{name}` is not the name of a credential: a file's name without its folder"));
    }
    let directory = directory.filter(|directory| directory.is_absolute()).ok_or_else(|| {
        format!(
            "CREDENTIALS_DIRECTORY names no folder to find `{name}` in; systemd sets it where the unit has \
             `LoadCredential={name}:PATH`, and elsewhere it names the folder of such files"
        )
    })?;
    Ok(directory.join(name))
}

#[allow(clippy::disallowed_methods, reason = "a site's `${ENV:NAME}` is the one way settings reach the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn node(text: &str) -> Node {
        parse(&Source::new("x.yaml", text)).unwrap()
    }

    #[test]
    fn a_secret_that_is_not_there_is_named_but_never_shown() {
        let site = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(site.path());
        for name in ["${ENV:HANDOVER_NO_SUCH_VARIABLE}", "file:no/such", "${CREDENTIAL:no-such}"] {
            let problem = read(&node(&format!("\"{name}\"")), &mut folder).err().unwrap();
            let name = name.trim_matches(|sign: char| !sign.is_alphanumeric()).rsplit(':').next().unwrap();
            assert!(problem.text.contains(name), "{}", problem.text);
        }
        let written = node("postgres://u:hunter2@h/db").problem("x");
        assert!(!written.text.contains("hunter2"));
    }

    #[test]
    fn a_file_in_the_site_is_read_watched_and_bounded() {
        let site = tempfile::tempdir().unwrap();
        std::fs::create_dir(site.path().join("secrets")).unwrap();
        std::fs::write(site.path().join("secrets/database"), "postgres://u:hunter2@h/db\n").unwrap();
        std::fs::write(site.path().join("secrets/long"), "x".repeat(70_000)).unwrap();
        let mut folder = Folder::open(site.path());
        let found = read(&node("file:secrets/database"), &mut folder).ok().unwrap();
        assert!(matches!(found, Secret::Elsewhere(url) if url == "postgres://u:hunter2@h/db"));
        let long = read(&node("file:secrets/long"), &mut folder).err().unwrap();
        assert!(long.text.contains("more than 65536 bytes"), "{}", long.text);
        assert_eq!(folder.unread(), [], "a file that a secret is in is read");
        assert!(!folder.named.have_changed());
        std::fs::write(site.path().join("secrets/database"), "postgres://u:other@h/db").unwrap();
        assert!(folder.named.have_changed());
    }

    #[test]
    fn a_credential_is_a_file_of_the_folder_that_systemd_names_and_of_no_other() {
        let folder = Some(Path::new("/run/credentials/handover.service"));
        let expected = Path::new("/run/credentials/handover.service/database");
        assert_eq!(credential_in(folder, "database").unwrap(), expected);
        for name in ["", "..", "../shadow", "a/b", "/etc/shadow"] {
            assert!(credential_in(folder, name).unwrap_err().contains("is not the name of a credential"), "{name}");
        }
        for nowhere in [None, Some(Path::new("")), Some(Path::new("here"))] {
            assert!(credential_in(nowhere, "database").unwrap_err().contains("LoadCredential=database:PATH"));
        }
    }
}
