//! Covers what a line of settings may hold that nobody else should read, so that a check's output can be pasted anywhere.
//! Keeps every other character in its place, so that carets still point where they should.

use crate::problem::Problem;
use crate::yaml::{UNKNOWN_KEY, UNREADABLE};

/// Keys whose values are secrets: tokens, passwords, and the private parts of JSON web keys (RFC 7518, 6.2.2 and 6.3.2).
const SECRET_KEYS: [&str; 10] = ["token", "password", "secret", "d", "p", "q", "dp", "dq", "qi", "k"];

/// What of a file's lines is covered beside what is known to be secret.
#[derive(Debug, Default)]
pub struct Hidden {
    /// Keys that nobody knows: a secret under a misspelt key is one, too.
    keys: Vec<String>,
    /// The file is no YAML, so that nobody knows what stands where.
    everything: bool,
}

impl Hidden {
    /// What the problems of a file say about its lines.
    pub fn by<'p>(problems: impl IntoIterator<Item = &'p Problem>) -> Self {
        let mut hidden = Self::default();
        for problem in problems {
            let unknown = problem.text.strip_prefix(UNKNOWN_KEY).and_then(|rest| rest.split('`').next());
            hidden.keys.extend(unknown.map(str::to_string));
            hidden.everything |= problem.text.starts_with(UNREADABLE);
        }
        hidden
    }

    /// The line with secrets replaced by asterisks of the same length.
    pub fn masked(&self, line: &str) -> String {
        let mut signs: Vec<char> = line.chars().collect();
        mask_address_password(&mut signs);
        for key in SECRET_KEYS {
            mask_key(&mut signs, key);
        }
        for key in &self.keys {
            mask_rest(&mut signs, key);
        }
        if self.everything {
            // Behind its key; a line without one is a value.
            let colon = signs.windows(2).position(|pair| pair == [':', ' ']).map_or(0, |at| at + 1);
            cover_signs(&mut signs, colon);
        }
        signs.into_iter().collect()
    }
}

/// The line with what is known to be secret covered.
pub fn masked(line: &str) -> String {
    Hidden::default().masked(line)
}

/// Everything behind an unknown key, to the end of its line: nobody knows where its value ends.
fn mask_rest(signs: &mut [char], key: &str) {
    let mut from = 0;
    while let Some(at) = find(signs, key, from) {
        from = at + key.chars().count().max(1);
        let bounded = at == 0 || signs.get(at - 1).is_some_and(|sign| !sign.is_alphanumeric() && *sign != '_');
        let place = skip(signs, from, &['"', '\'']);
        if bounded && signs.get(place) == Some(&':') {
            cover_signs(signs, place + 1);
        }
    }
}

fn cover_signs(signs: &mut [char], from: usize) {
    for sign in signs.iter_mut().skip(from).filter(|sign| !sign.is_whitespace()) {
        *sign = '*';
    }
}

/// `scheme://user:password@host`.
fn mask_address_password(signs: &mut [char]) {
    let Some(start) = find(signs, "://", 0).map(|at| at + 3) else { return };
    let rest = signs.get(start..).unwrap_or_default();
    let end = rest.iter().position(|sign| sign.is_whitespace() || *sign == '/').unwrap_or(rest.len());
    let Some(at) = rest.get(..end).and_then(|host| host.iter().rposition(|sign| *sign == '@')) else { return };
    let Some(colon) = rest.get(..at).and_then(|user| user.iter().position(|sign| *sign == ':')) else { return };
    cover(signs, start + colon + 1, start + at);
}

/// `key: value`, `"key": "value"` and `key=value`. A value that says where the secret is, is none.
fn mask_key(signs: &mut [char], key: &str) {
    let mut from = 0;
    while let Some(at) = find(signs, key, from) {
        let after = at + key.chars().count();
        from = after;
        let bounded = at == 0 || signs.get(at - 1).is_some_and(|sign| !sign.is_alphanumeric() && *sign != '_');
        let mut place = skip(signs, after, &['"', '\'']);
        if !bounded || !matches!(signs.get(place), Some(':' | '=')) {
            continue;
        }
        place = skip(signs, place + 1, &[' ', '"', '\'']);
        let rest = signs.get(place..).unwrap_or_default();
        if rest.starts_with(&['$', '{']) || rest.starts_with(&['f', 'i', 'l', 'e', ':']) {
            continue;
        }
        let length = rest.iter().position(|sign| sign.is_whitespace() || "\"',}".contains(*sign)).unwrap_or(rest.len());
        cover(signs, place, place + length);
        from = place + length;
    }
}

fn find(signs: &[char], text: &str, from: usize) -> Option<usize> {
    let wanted: Vec<char> = text.chars().collect();
    signs.get(from..)?.windows(wanted.len()).position(|window| window == wanted).map(|at| at + from)
}

fn skip(signs: &[char], from: usize, over: &[char]) -> usize {
    let rest = signs.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|sign| over.contains(sign)).count()
}

fn cover(signs: &mut [char], from: usize, to: usize) {
    for sign in signs.get_mut(from..to).unwrap_or_default() {
        *sign = '*';
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Category;
    use crate::yaml::Mark;

    #[test]
    fn secrets_are_covered_and_everything_else_stays_in_place() {
        assert_eq!(masked("  url: postgres://gateway:hunter2@db/x"), "  url: postgres://gateway:*******@db/x");
        assert_eq!(masked("token: abcdef # ours"), "token: ****** # ours");
        assert_eq!(masked(r#"keys: [{ "kty": "RSA", "d": "xyz" }]"#), r#"keys: [{ "kty": "RSA", "d": "***" }]"#);
        assert_eq!(masked("url: host=db password=hunter2 user=x"), "url: host=db password=******* user=x");
    }

    #[test]
    fn what_stands_under_an_unknown_key_or_in_a_broken_file_is_covered() {
        let problem = |text: &str| Mark::start(&"x.yaml".into()).problem(Category::Structure, text);
        let unknown = Hidden::by(&[problem("unknown key `tokn`; did you mean `token`?")]);
        assert_eq!(unknown.masked("  - { tokn: hunter2, id: a }"), "  - { tokn: ******** *** * *");
        assert_eq!(unknown.masked("tokn: \"two words\""), "tokn: **** ******");
        assert_eq!(unknown.masked("id: tokn"), "id: tokn");
        let broken = Hidden::by(&[problem("not readable as YAML; look for a quote")]);
        assert_eq!(broken.masked("  pw: \"hunter2"), "  pw: ********");
        assert_eq!(broken.masked("  hunter2"), "  *******");
    }

    #[test]
    fn what_says_where_a_secret_is_stays_readable() {
        for line in
            ["token: ${ENV:TOKEN}", "token: file:token.txt", "feed: riverside", "base: https://ehr.example/fhir"]
        {
            assert_eq!(masked(line), line);
        }
    }
}
