//! Covers what a line of settings may hold that nobody else should read, so that a check's output can be pasted anywhere.
//! Keeps every other character in its place, so that carets still point where they should.

use crate::problem::Problem;
use crate::yaml::{UNKNOWN_KEY, UNREADABLE};

/// Keys whose values are secrets: tokens, passwords, and the private parts of JSON web keys (RFC 7518, 6.2.2 and 6.3.2).
const SECRET_KEYS: [&str; 11] = ["token", "password", "totp", "secret", "d", "p", "q", "dp", "dq", "qi", "k"];

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
            let end = signs.len();
            cover(&mut signs, colon, end);
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
            cover(signs, place + 1, signs.len());
        }
    }
}

/// `scheme://user:password@host`. A password may hold a `/` or an `@` that should have been written otherwise, so the last `@`
/// before a blank ends it.
fn mask_address_password(signs: &mut [char]) {
    let mut from = 0;
    while let Some(start) = find(signs, "://", from).map(|at| at + 3) {
        let rest = signs.get(start..).unwrap_or_default();
        let end = rest.iter().position(|sign| sign.is_whitespace()).unwrap_or(rest.len());
        from = start + end;
        let Some(at) = rest.get(..end).and_then(|word| word.iter().rposition(|sign| *sign == '@')) else { continue };
        let Some(colon) = rest.get(..at).and_then(|user| user.iter().position(|sign| *sign == ':')) else { continue };
        cover(signs, start + colon + 1, start + at);
    }
}

/// `key: value`, `"key": "value"` and `key=value`. A value that says where the secret is, is none.
fn mask_key(signs: &mut [char], key: &str) {
    let mut from = 0;
    while let Some(at) = find(signs, key, from) {
        let after = at + key.chars().count();
        from = after;
        let bounded = at == 0 || signs.get(at - 1).is_some_and(|sign| !sign.is_alphanumeric() && *sign != '_');
        let sign = skip(signs, after, &['"', '\'', ' ']);
        let Some(assigns @ (':' | '=')) = signs.get(sign).copied().filter(|_| bounded) else { continue };
        let place = skip(signs, sign + 1, &[' ']);
        let is_elsewhere = |from: usize| {
            let rest = signs.get(from..).unwrap_or_default();
            rest.starts_with(&['$', '{']) || rest.starts_with(&['f', 'i', 'l', 'e', ':'])
        };
        if is_elsewhere(skip(signs, place, &['"', '\''])) {
            continue;
        }
        let (start, end) = match signs.get(place).copied() {
            Some(quote @ ('"' | '\'')) => (place + 1, end_of_quoted(signs, place + 1, quote)),
            _ if assigns == '=' => (place, end_of_word(signs, place)),
            _ => (place, end_of_plain(signs, place)),
        };
        cover(signs, start, end);
        from = end;
    }
}

/// Where a quoted value ends: `\"` in double quotes and `''` in single ones are part of it; one that is not closed ends with the line.
fn end_of_quoted(signs: &[char], from: usize, quote: char) -> usize {
    let mut place = from;
    while let Some(sign) = signs.get(place) {
        let is_pair = *sign == '\\' || (quote == '\'' && *sign == quote && signs.get(place + 1) == Some(&quote));
        match sign {
            _ if is_pair => place += 2,
            sign if *sign == quote => return place,
            _ => place += 1,
        }
    }
    signs.len()
}

/// Where a value in a connection string ends: at a blank that has no backslash before it.
fn end_of_word(signs: &[char], from: usize) -> usize {
    let ends = |place: &usize| {
        signs.get(*place).is_some_and(|sign| sign.is_whitespace()) && signs.get(*place - 1) != Some(&'\\')
    };
    (from.max(1)..signs.len()).find(ends).unwrap_or(signs.len())
}

/// Where an unquoted value ends: before a comment, with its line, and where it stands in brackets at what goes on or closes them.
fn end_of_plain(signs: &[char], from: usize) -> usize {
    let is_in_brackets = signs.get(..from).unwrap_or_default().iter().any(|sign| matches!(sign, '{' | '['));
    let ends = |place: &usize| match signs.get(*place) {
        Some(',' | '}' | ']') => is_in_brackets,
        Some(' ') => signs.get(place + 1) == Some(&'#'),
        _ => false,
    };
    (from..signs.len()).find(ends).unwrap_or(signs.len())
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
    for sign in signs.get_mut(from..to).unwrap_or_default().iter_mut().filter(|sign| !sign.is_whitespace()) {
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
    fn a_secret_is_covered_to_its_end() {
        for (line, covered) in [
            (r#"token: "two words" # ours"#, r#"token: "*** *****" # ours"#),
            (r#"token: "a \" b", id: x"#, r#"token: "* ** *", id: x"#),
            ("token: 'a '' b' # ours", "token: '* ** *' # ours"),
            ("token: \"two words", "token: \"*** *****"),
            ("password: a b c", "password: * * *"),
            ("password: a#b,c}d # ours", "password: ******* # ours"),
            ("password : a b", "password : * *"),
            ("{ token: a b, id: x }", "{ token: * *, id: x }"),
            ("[{ token: a b}]", "[{ token: * *}]"),
            ("url: host=db password='a b' user=x", "url: host=db password='* *' user=x"),
            (r"url: host=db password=a\ b,c user=x", r"url: host=db password=** *** user=x"),
            ("url: postgres://u:pa/ss@db/x", "url: postgres://u:*****@db/x"),
            ("url: postgres://u:p@ss@db/x", "url: postgres://u:****@db/x"),
            ("[https://a.example, https://u:pw@b]", "[https://a.example, https://u:**@b]"),
            ("http://127.0.0.1:8080/x me@b", "http://127.0.0.1:8080/x me@b"),
            ("token:", "token:"),
            ("=password", "=password"),
            ("d=", "d="),
        ] {
            assert_eq!(masked(line), covered);
            assert_eq!(masked(covered), covered, "what is covered stays as it is");
        }
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
