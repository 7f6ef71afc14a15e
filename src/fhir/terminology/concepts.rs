//! The codes of a code system and what stands above each (http://hl7.org/fhir/R4/codesystem.html), without words.

use std::collections::HashMap;

/// A code system's codes.
#[derive(Debug)]
pub struct Concepts {
    pub content: Content,
    ignores_case: bool,
    codes: Vec<String>,
    positions: HashMap<String, usize>,
    /// The positions of what stands directly above each code.
    parents: Vec<Vec<usize>>,
}

/// How much of the code system is here (http://hl7.org/fhir/R4/valueset-codesystem-content-mode.html).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Complete,
    /// Some codes, or none: another code may be right too.
    Partial,
}

impl Concepts {
    /// Reads the block of a code system (profiles/README.md).
    pub(in crate::fhir) fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut head = lines.next()?.split(' ').skip(2);
        let content = if head.next() == Some("complete") { Content::Complete } else { Content::Partial };
        let ignores_case = head.any(|word| word == "ignore-case");
        let mut concepts =
            Self { content, ignores_case, codes: Vec::new(), positions: HashMap::new(), parents: Vec::new() };
        let mut above: Vec<usize> = Vec::new();
        let mut further = Vec::new();
        for line in lines {
            let words = super::compose::words(line.trim_start_matches(' '));
            let depth = line.len() - line.trim_start_matches(' ').len();
            let Some((code, parents)) = words.split_first() else { continue };
            let position = concepts.codes.len();
            above.truncate(depth);
            concepts.parents.push(above.last().copied().into_iter().collect());
            further.extend(parents.iter().filter_map(|word| Some((position, word.strip_prefix('<')?.to_string()))));
            concepts.positions.insert(concepts.key(code), position);
            concepts.codes.push(code.clone());
            above.push(position);
        }
        for (position, parent) in further {
            if let (Some(parent), Some(own)) = (concepts.position(&parent), concepts.parents.get_mut(position)) {
                own.push(parent);
            }
        }
        Some(concepts)
    }

    fn key(&self, code: &str) -> String {
        if self.ignores_case { code.to_lowercase() } else { code.to_string() }
    }

    fn position(&self, code: &str) -> Option<usize> {
        self.positions.get(&self.key(code)).copied()
    }

    pub fn contains(&self, code: &str) -> bool {
        self.position(code).is_some()
    }

    /// All codes, in the order of the code system.
    pub fn codes(&self) -> &[String] {
        &self.codes
    }

    /// Whether `code` stands below `ancestor`, at any depth; none is below itself.
    pub fn is_below(&self, code: &str, ancestor: &str) -> bool {
        let (Some(code), Some(ancestor)) = (self.position(code), self.position(ancestor)) else { return false };
        let mut waiting = vec![code];
        let mut seen = vec![false; self.codes.len()];
        while let Some(position) = waiting.pop() {
            for parent in self.parents.get(position).into_iter().flatten() {
                if *parent == ancestor {
                    return true;
                }
                if let Some(seen) = seen.get_mut(*parent).filter(|seen| !**seen) {
                    *seen = true;
                    waiting.push(*parent);
                }
            }
        }
        false
    }

    /// Whether `code` stands directly below `parent`.
    pub fn is_child(&self, code: &str, parent: &str) -> bool {
        let (Some(code), Some(parent)) = (self.position(code), self.position(parent)) else { return false };
        self.parents.get(code).is_some_and(|parents| parents.contains(&parent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_below_their_parents_and_further_parents() {
        let text = "codesystem http://x.example|1 complete\na\n b\n  c <e\n d\ne\n\"f g\"";
        let concepts = Concepts::read(text).unwrap();
        assert_eq!(concepts.codes(), ["a", "b", "c", "d", "e", "f g"]);
        assert!(concepts.is_below("c", "a") && concepts.is_below("c", "e") && concepts.is_child("d", "a"));
        assert!(!concepts.is_below("a", "a") && !concepts.is_below("d", "b") && !concepts.is_child("c", "a"));
        assert!(concepts.contains("f g") && !concepts.contains("A"));
    }

    #[test]
    fn case_means_nothing_where_the_system_says_so() {
        let concepts = Concepts::read("codesystem http://x.example fragment ignore-case\nAb").unwrap();
        assert!(concepts.contains("aB") && concepts.content == Content::Partial);
    }
}
