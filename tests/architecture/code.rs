//! Rust as far as the architecture's tests read it: words without comments and texts, and the paths and names among them.

use std::collections::BTreeSet;

pub type Path = Vec<String>;

const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
const DEFINING: [&str; 8] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static"];

/// Names, `::`, and all other signs one by one.
pub fn words(text: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::new(), text);
    while let Some(sign) = rest.chars().next() {
        let is_name = |sign: char| sign.is_alphanumeric() || sign == '_';
        let (length, is_code) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if let Some(length) = text_at(rest) {
            (length, false)
        } else if is_name(sign) {
            (rest.find(|sign| !is_name(sign)).unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (sign.len_utf8(), !sign.is_whitespace())
        };
        words.extend(is_code.then(|| rest[..length].to_string()));
        rest = &rest[length..];
    }
    words
}

/// How long the text or the sign in quotes is that starts here, if one does.
fn text_at(rest: &str) -> Option<usize> {
    if let Some(raw) = rest.strip_prefix('r') {
        let fence = &raw[..raw.find(|sign| sign != '#').unwrap_or(0)];
        let end = format!("\"{fence}");
        let inside = raw.strip_prefix(fence)?.strip_prefix('"')?;
        return Some(2 + fence.len() + inside.find(&end)? + end.len());
    }
    let quote = rest.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
    let mut signs = rest.char_indices().skip(1);
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => drop(signs.next()),
            _ if sign == quote => return Some(at + 1),
            // A lifetime is no text.
            _ if quote == '\'' && !rest[at + sign.len_utf8()..].starts_with('\'') => return None,
            _ => {}
        }
    }
    None
}

/// Leaves out each item behind `#[cfg(test)]`.
pub fn without_tests(words: &[String]) -> Vec<String> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < words.len() {
        if words[at..].iter().take(TEST.len()).eq(TEST.iter()) {
            at += TEST.len() + item(&words[at + TEST.len()..]);
        } else {
            kept.push(words[at].clone());
            at += 1;
        }
    }
    kept
}

/// How many words the item has that starts here: up to its `;` or its last brace.
fn item(words: &[String]) -> usize {
    let (mut depth, mut is_use) = (0, false);
    for (at, word) in words.iter().enumerate() {
        is_use |= word == "use";
        match word.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && (word == ";" || (word == "}" && !is_use)) {
            return at + 1;
        }
    }
    words.len()
}

/// The names behind words that define one. Those of methods are among them; nobody takes them from a file.
pub fn defined(words: &[String]) -> BTreeSet<String> {
    let names = words.windows(2).filter(|pair| DEFINING.contains(&pair[0].as_str()));
    names.map(|pair| pair[1].clone()).collect()
}

/// The modules that are files of their own.
pub fn modules(words: &[String]) -> Vec<String> {
    let declared = words.windows(3).filter(|three| three[0] == "mod" && three[2] == ";");
    declared.map(|three| three[1].clone()).collect()
}

/// The name, the path, and whether it is handed on, of all that `use` brings in.
pub fn used(words: &[String]) -> Vec<(String, Path, bool)> {
    let mut used = Vec::new();
    for at in (0..words.len()).filter(|at| words[*at] == "use") {
        let is_public = at > 0 && matches!(words[at - 1].as_str(), "pub" | ")");
        let mut tree = words[at + 1..].iter().map(String::as_str).take_while(|word| *word != ";").peekable();
        let mut paths = Vec::new();
        branch(&mut tree, &[], &mut paths);
        used.extend(paths.into_iter().map(|(name, path)| (name, path, is_public)));
    }
    used
}

fn branch<'w>(
    words: &mut std::iter::Peekable<impl Iterator<Item = &'w str>>,
    above: &[String],
    found: &mut Vec<(String, Path)>,
) {
    let mut path = above.to_vec();
    let mut name = None;
    while let Some(word) = words.peek().copied().filter(|word| !matches!(*word, "," | "}")) {
        words.next();
        match word {
            "::" | "*" => {}
            "as" => name = words.next().map(str::to_string),
            "{" => {
                while words.peek().is_some_and(|word| *word != "}") {
                    branch(&mut *words, &path, found);
                    words.next_if_eq(&",");
                }
                words.next();
                return;
            }
            "self" if !path.is_empty() => {}
            word => path.push(word.to_string()),
        }
    }
    let last = path.last().cloned();
    found.extend(name.or(last).map(|name| (name, path)));
}

/// The paths that stand in code, such as `problem::Category::Value`.
pub fn inline(words: &[String]) -> Vec<Path> {
    let is_name = |word: &String| word.starts_with(|sign: char| sign.is_alphabetic() || sign == '_');
    let mut paths = Vec::new();
    for at in 0..words.len() {
        let starts = at == 0 || !matches!(words[at - 1].as_str(), "::" | "." | "use");
        if !starts || !is_name(&words[at]) || words.get(at + 1).is_none_or(|word| word != "::") {
            continue;
        }
        let names = words[at..].chunks(2).take_while(|pair| is_name(&pair[0]));
        let mut path = Path::new();
        for pair in names {
            path.push(pair[0].clone());
            if pair.get(1).is_none_or(|word| word != "::") {
                break;
            }
        }
        paths.push(path);
    }
    paths
}
