//! The codes of a package's code system and what stands above each (http://hl7.org/fhir/R4/codesystem.html), in memory.

use std::collections::{BTreeMap, HashMap};

use super::compose::head_and_texts;
use super::held::{Concept, Head, HeldSystem, Unreadable};
use super::texts::Texts;
use crate::fhir::definition::split_version;

/// A code system's codes.
#[derive(Debug)]
pub struct Concepts {
    head: Head,
    rows: Vec<Row>,
    positions: HashMap<String, usize>,
    /// The positions of what stands directly below each code, in its order.
    children: BTreeMap<usize, Vec<usize>>,
}

#[derive(Debug)]
struct Row {
    code: String,
    texts: Texts,
    is_abstract: bool,
    is_inactive: bool,
    is_deprecated: bool,
    /// The positions of what stands directly above it.
    parents: Vec<usize>,
}

impl Concepts {
    /// Reads the block of a code system (profiles/README.md).
    pub(in crate::fhir) fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let head = read_head(lines.next()?)?;
        let mut concepts = Self { head, rows: Vec::new(), positions: HashMap::new(), children: BTreeMap::new() };
        let mut above: Vec<usize> = Vec::new();
        let mut further = Vec::new();
        for line in lines {
            let inner = line.trim_start_matches(' ');
            let depth = line.len() - inner.len();
            let (words, texts) = head_and_texts(inner);
            let Some((code, marks)) = words.split_first() else { continue };
            let position = concepts.rows.len();
            let has = |mark: &str| marks.iter().any(|word| word == mark);
            above.truncate(depth);
            further.extend(marks.iter().filter_map(|word| Some((position, word.strip_prefix('<')?.to_string()))));
            concepts.positions.insert(concepts.key(code), position);
            concepts.rows.push(Row {
                code: code.clone(),
                texts: Texts::read(texts),
                is_abstract: has("abstract"),
                is_inactive: has("inactive"),
                is_deprecated: has("deprecated"),
                parents: above.last().copied().into_iter().collect(),
            });
            above.push(position);
        }
        for (position, parent) in further {
            if let (Some(parent), Some(own)) = (concepts.position(&parent), concepts.rows.get_mut(position)) {
                own.parents.push(parent);
            }
        }
        for (position, row) in concepts.rows.iter().enumerate() {
            row.parents.iter().for_each(|parent| concepts.children.entry(*parent).or_default().push(position));
        }
        Some(concepts)
    }

    fn key(&self, code: &str) -> String {
        if self.head.ignores_case { code.to_lowercase() } else { code.to_string() }
    }

    fn position(&self, code: &str) -> Option<usize> {
        self.positions.get(&self.key(code)).copied()
    }

    fn code_at(&self, position: usize) -> Option<String> {
        self.rows.get(position).map(|row| row.code.clone())
    }

    fn concept(&self, row: &Row) -> Concept {
        let status = if row.is_inactive { Some("retired") } else { row.is_deprecated.then_some("deprecated") };
        Concept {
            code: row.code.clone(),
            texts: row.texts.clone(),
            is_abstract: row.is_abstract,
            is_inactive: row.is_inactive,
            parents: row.parents.iter().filter_map(|parent| self.code_at(*parent)).collect(),
            properties: status.map(|status| ("status".to_string(), status.to_string())).into_iter().collect(),
        }
    }
}

/// `codesystem URL|VERSION CONTENT [ignore-case] [STATUS] [name=NAME]`.
fn read_head(line: &str) -> Option<Head> {
    let mut words = line.split(' ').skip(1);
    let (url, version) = split_version(words.next()?);
    let mut head = Head {
        url: url.to_string(),
        version: version.map(str::to_string),
        content: words.next().unwrap_or("not-present").to_string(),
        properties: vec!["status".to_string()],
        ..Head::default()
    };
    for word in words {
        head.ignores_case |= word == "ignore-case";
        head.name = word.strip_prefix("name=").map(str::to_string).or(head.name);
    }
    Some(head)
}

impl HeldSystem for Concepts {
    fn head(&self) -> &Head {
        &self.head
    }

    fn find(&self, code: &str) -> Result<Option<Concept>, Unreadable> {
        Ok(self.position(code).and_then(|position| self.rows.get(position)).map(|row| self.concept(row)))
    }

    fn children(&self, code: &str) -> Result<Vec<String>, Unreadable> {
        let below = self.position(code).and_then(|position| self.children.get(&position));
        Ok(below.into_iter().flatten().filter_map(|child| self.code_at(*child)).collect())
    }

    fn each(&self, take: &mut dyn FnMut(&Concept) -> bool) -> Result<(), Unreadable> {
        self.rows.iter().all(|row| take(&self.concept(row)));
        Ok(())
    }

    fn contains(&self, code: &str) -> Result<bool, Unreadable> {
        Ok(self.position(code).is_some())
    }

    fn is_below(&self, code: &str, ancestor: &str) -> Result<bool, Unreadable> {
        let (Some(code), Some(ancestor)) = (self.position(code), self.position(ancestor)) else { return Ok(false) };
        let mut waiting = vec![code];
        let mut seen = vec![false; self.rows.len()];
        while let Some(position) = waiting.pop() {
            for parent in self.rows.get(position).into_iter().flat_map(|row| &row.parents) {
                if *parent == ancestor {
                    return Ok(true);
                }
                if let Some(seen) = seen.get_mut(*parent).filter(|seen| !**seen) {
                    *seen = true;
                    waiting.push(*parent);
                }
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_below_their_parents_and_further_parents() {
        let text = "codesystem http://x.example|1 complete draft name=X\na = The =de Das\n b abstract = Group\n  c <e inactive\n d\ne\n\"f g\"\n= = Equals";
        let concepts = Concepts::read(text).unwrap();
        let mut codes = Vec::new();
        concepts
            .each(&mut |concept| {
                codes.push(concept.code.clone());
                true
            })
            .unwrap();
        assert_eq!(codes, ["a", "b", "c", "d", "e", "f g", "="]);
        let is_below = |code: &str, ancestor: &str| concepts.is_below(code, ancestor).unwrap();
        assert!(is_below("c", "a") && is_below("c", "e"));
        assert!(!is_below("a", "a") && !is_below("d", "b"));
        assert_eq!(concepts.children("a").unwrap(), ["b", "d"]);
        let all: Vec<String> = concepts.below("a", 9).unwrap().unwrap().into_iter().collect();
        assert_eq!(all.len(), 3);
        assert_eq!(concepts.below("a", 2), Ok(None));
        assert!(concepts.contains("f g").unwrap() && !concepts.contains("A").unwrap());
        let found = |code: &str| concepts.find(code).unwrap().unwrap();
        assert_eq!(found("a").texts.shown(Some("de")), Some("Das"));
        assert_eq!(found("=").texts.display.as_deref(), Some("Equals"));
        assert!(found("b").is_abstract && found("c").is_inactive);
        assert_eq!(found("c").parents, ["b", "e"]);
        assert_eq!((concepts.head().name.as_deref(), concepts.head().version.as_deref()), (Some("X"), Some("1")));
    }

    #[test]
    fn case_means_nothing_where_the_system_says_so() {
        let concepts = Concepts::read("codesystem http://x.example fragment ignore-case\nAb").unwrap();
        assert!(concepts.contains("aB").unwrap() && !concepts.head().is_complete());
        assert_eq!(concepts.find("AB").unwrap().unwrap().code, "Ab");
    }
}
