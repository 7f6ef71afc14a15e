//! A file that lies in another folder of the site than what it says belongs to: said once, instead of every key that the
//! folder's own files do not have.

use crate::problem::{Category, Problem};
use crate::yaml::Node;

/// What a folder's files are, and the keys that only they have.
const KINDS: [(&str, &str, &[&str]); 7] = [
    ("feeds", "a feed", &["feed"]),
    ("partners", "a partner", &["fhir", "client"]),
    ("agreements", "an agreement", &["agreement"]),
    ("panels", "a panel", &["panel"]),
    ("protocols", "a protocol", &["protocol"]),
    ("calendars", "a calendar", &["calendar"]),
    ("profiles/valuesets", "a value set", &["valueset"]),
];

/// A file that belongs to another folder.
#[derive(Debug)]
pub struct Misplaced {
    /// Where it belongs.
    pub folder: &'static str,
    /// Its name without folder and ending.
    pub name: String,
    pub problem: Problem,
}

/// Whether a file has a key that only another folder's files have, and none of its own folder's.
pub fn misplaced(file: &str, node: &Node) -> Option<Misplaced> {
    let (folder, _) = file.rsplit_once('/')?;
    let has = |keys: &[&str]| keys.iter().any(|key| node.get(key).is_some());
    let (_, _, own) = KINDS.iter().find(|(name, _, _)| *name == folder)?;
    if has(own) {
        return None;
    }
    let (belongs, what, _) = KINDS.iter().find(|(_, _, keys)| has(keys))?;
    let text = format!("this is {what}, and lies in `{folder}/`; move it to `{belongs}/`");
    let problem = node.mark.problem(Category::Structure, text);
    Some(Misplaced { folder: belongs, name: stem(file).to_string(), problem })
}

/// A file's name without its folder and ending.
pub fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".yaml").unwrap_or(name)
}
