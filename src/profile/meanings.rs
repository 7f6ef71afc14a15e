//! What rules mean in words (`profiles/meanings.txt`): whoever sent a resource is told that rather than FHIRPath.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a rule means, and the part of its FHIRPath that tells it from others of its key, if there are any.
type Meaning = (Option<&'static str>, &'static str);

/// By key.
static MEANINGS: LazyLock<HashMap<&str, Vec<Meaning>>> = LazyLock::new(|| {
    let mut meanings: HashMap<&str, Vec<Meaning>> = HashMap::new();
    let listed = include_str!("../../profiles/meanings.txt").split_once("\n\n").map_or("", |(_, listed)| listed);
    for (head, meaning) in listed.lines().filter_map(|line| line.split_once(": ")) {
        let (key, part) = head.split_once('~').map_or((head, None), |(key, part)| (key, Some(part)));
        meanings.entry(key).or_default().push((part, meaning));
    }
    meanings
});

/// What a rule means; none where nobody has said it in words.
pub(super) fn meaning(key: &str, expression: &str) -> Option<&'static str> {
    // `csd-0` and its kin are one rule.
    let key = if key.ends_with("-0") { "que-0" } else { key };
    let known = MEANINGS.get(key)?;
    known.iter().find(|(part, _)| part.is_none_or(|part| expression.contains(part))).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_in_words_and_two_of_one_key_are_told_apart() {
        assert_eq!(meaning("per-1", "start <= end"), Some("a period does not end before it begins"));
        assert!(meaning("us-core-6", "url.exists() or data.exists()").unwrap().contains("an address or data"));
        assert!(meaning("us-core-6", "(family.exists() or given.exists())").unwrap().contains("family"));
        assert_eq!(meaning("inv-1", "something else"), None);
        assert!(meaning("vsd-0", "name.matches('x')").unwrap().contains("capital"));
    }
}
