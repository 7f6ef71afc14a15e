//! Covers what a line of settings may hold that nobody else should read, so that a check's output can be pasted anywhere.
//! Keeps every other character in its place, so that carets still point where they should.

/// Keys whose values are secrets: tokens, passwords, and the private parts of JSON web keys (RFC 7518, 6.2.2 and 6.3.2).
const SECRET_KEYS: [&str; 10] = ["token", "password", "secret", "d", "p", "q", "dp", "dq", "qi", "k"];

/// The line with secrets replaced by asterisks of the same length.
pub fn masked(line: &str) -> String {
    let mut signs: Vec<char> = line.chars().collect();
    mask_address_password(&mut signs);
    for key in SECRET_KEYS {
        mask_key(&mut signs, key);
    }
    signs.into_iter().collect()
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

    #[test]
    fn secrets_are_covered_and_everything_else_stays_in_place() {
        assert_eq!(masked("  url: postgres://gateway:hunter2@db/x"), "  url: postgres://gateway:*******@db/x");
        assert_eq!(masked("token: abcdef # ours"), "token: ****** # ours");
        assert_eq!(masked(r#"keys: [{ "kty": "RSA", "d": "xyz" }]"#), r#"keys: [{ "kty": "RSA", "d": "***" }]"#);
        assert_eq!(masked("url: host=db password=hunter2 user=x"), "url: host=db password=******* user=x");
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
