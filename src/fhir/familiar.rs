//! Contents that were looked at lately, and what was found: mostly that there is nothing to say of them. Most of what comes was said
//! before, and most of what is read is read again: the same hospital, the same doctor, the same patient an hour ago, and looking
//! again would find the same again. Never keeps content, only hashes with secrets of this process, so that nobody can make two
//! contents that look alike.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use quick_cache::sync::Cache;
use serde_json::{Map, Value};

use super::Resource;

/// So many are remembered, at some 50 bytes each.
const MOST: usize = 1 << 14;

/// What a resource of a message takes, more or less.
const USUAL_BYTES: usize = 2048;

/// A content as far as it is told from others: 128 bits of a keyed hash.
pub type Fingerprint = (u64, u64);

pub struct Familiar<F = ()> {
    secrets: [RandomState; 2],
    known: Cache<Fingerprint, F>,
}

impl<F: Clone> Default for Familiar<F> {
    fn default() -> Self {
        Self { secrets: [RandomState::new(), RandomState::new()], known: Cache::new(MOST) }
    }
}

impl<F: Clone> fmt::Debug for Familiar<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Familiar").field("known", &self.known.len()).finish()
    }
}

impl<F: Clone> Familiar<F> {
    /// Tells a resource, with the words it is looked at under, from all others.
    pub fn fingerprint<'w>(&self, resource: &Resource, under: impl IntoIterator<Item = &'w str>) -> Fingerprint {
        let mut written = Written(Vec::with_capacity(USUAL_BYTES));
        written.members(resource.as_map());
        under.into_iter().for_each(|word| written.text(word));
        let hashed = |secret: &RandomState| {
            let mut hasher = secret.build_hasher();
            hasher.write(&written.0);
            hasher.finish()
        };
        let [one, other] = &self.secrets;
        (hashed(one), hashed(other))
    }

    /// What was found when it was looked at.
    pub fn found(&self, fingerprint: &Fingerprint) -> Option<F> {
        self.known.get(fingerprint)
    }

    /// This was found.
    pub fn remember(&self, fingerprint: Fingerprint, found: F) {
        self.known.insert(fingerprint, found);
    }
}

impl Familiar {
    /// Whether there was nothing to say of it.
    pub fn knows(&self, fingerprint: &Fingerprint) -> bool {
        self.found(fingerprint).is_some()
    }

    /// There was nothing to say of it.
    pub fn learn(&self, fingerprint: Fingerprint) {
        self.remember(fingerprint, ());
    }
}

/// A content in one piece, which is hashed faster than its parts. What is written tells its kind and its length first, so that no
/// two contents write the same.
struct Written(Vec<u8>);

impl Written {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn size(&mut self, size: usize) {
        self.bytes(&size.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.size(text.len());
        self.bytes(text.as_bytes());
    }

    fn members(&mut self, members: &Map<String, Value>) {
        self.size(members.len());
        for (name, value) in members {
            self.text(name);
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.bytes(b"0"),
            Value::Bool(truth) => self.bytes(if *truth { b"t" } else { b"f" }),
            Value::Number(number) => {
                self.bytes(b"n");
                self.text(number.as_str());
            }
            Value::String(text) => {
                self.bytes(b"s");
                self.text(text);
            }
            Value::Array(items) => {
                self.bytes(b"a");
                self.size(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(members) => {
                self.bytes(b"o");
                self.members(members);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_learnt_is_known_and_nothing_else_is() {
        let familiar = Familiar::default();
        let print = |value: Value, under: &[&str]| {
            familiar.fingerprint(&Resource::try_from(value).unwrap(), under.iter().copied())
        };
        let one = json!({ "resourceType": "Location", "name": "ab", "alias": ["c"] });
        familiar.learn(print(one.clone(), &["x"]));
        assert!(familiar.knows(&print(one.clone(), &["x"])));
        let others = [
            json!({ "resourceType": "Location", "name": "a", "alias": ["bc"] }),
            json!({ "resourceType": "Location", "name": "ab", "alias": "c" }),
            json!({ "resourceType": "Location", "name": "ab", "alias": [["c"]] }),
            json!({ "resourceType": "Location", "name": "ab", "alias": ["c"], "status": null }),
        ];
        assert!(others.into_iter().all(|other| !familiar.knows(&print(other, &["x"]))));
        assert!(!familiar.knows(&print(one.clone(), &[])) && !familiar.knows(&print(one, &["x", "x"])));
        let number = |text: &str| serde_json::from_str(&format!(r#"{{"resourceType":"X","value":{text}}}"#)).unwrap();
        familiar.learn(print(number("1.50"), &[]));
        assert!(!familiar.knows(&print(number("1.5"), &[])) && !familiar.knows(&print(number("\"1.50\""), &[])));
    }
}
