//! The url of the database: what the driver does not know of TLS is read here, in the words of libpq
//! (https://www.postgresql.org/docs/current/libpq-ssl.html). Errors never repeat the url, which may hold a password.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::store::StoreError;

/// Where the database is, and by whom its certificate must be issued.
#[derive(Clone)]
pub struct Address {
    /// Its `ssl_mode` says whether TLS is not used, preferred or required.
    pub config: Config,
    /// PEM; none means the certificates that the platform trusts.
    pub roots: Option<PathBuf>,
}

impl Address {
    /// `sslmode` may be `disable`, `prefer`, `require` or `verify-full`. Where TLS is used, the certificate and the name in it
    /// are always checked: a connection that anybody could have taken over is not worth its name, so `require` is
    /// `verify-full`.
    pub fn read(url: &str) -> Result<Self, StoreError> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        let (rest, found) = if is_url { split_url(url) } else { split_pairs(url)? };
        let mut config: Config = rest.parse().map_err(|_| refused("the store's url is not a PostgreSQL url"))?;
        let (mut mode, mut roots) = (SslMode::Prefer, None);
        for (name, value) in found {
            match (name.as_str(), value.as_str()) {
                ("sslrootcert", "system") => roots = None,
                ("sslrootcert", path) => roots = Some(PathBuf::from(path)),
                (_, "disable") => mode = SslMode::Disable,
                (_, "prefer") => mode = SslMode::Prefer,
                (_, "require" | "verify-full") => mode = SslMode::Require,
                _ => return Err(refused("the store's url: sslmode must be disable, prefer, require or verify-full")),
            }
        }
        config.ssl_mode(mode);
        Ok(Self { config, roots })
    }
}

fn refused(text: &str) -> StoreError {
    StoreError::Refused(text.to_string())
}

fn is_ours(name: &str) -> bool {
    matches!(name, "sslmode" | "sslrootcert")
}

type Pairs = Vec<(String, String)>;

/// Takes our parameters out of the query of a url.
fn split_url(url: &str) -> (String, Pairs) {
    let Some((start, query)) = url.split_once('?') else { return (url.to_string(), Vec::new()) };
    let (mut rest, mut found) = (Vec::new(), Vec::new());
    for parameter in query.split('&') {
        match parameter.split_once('=').filter(|(name, _)| is_ours(name)) {
            Some((name, value)) => found.push((name.to_string(), decoded(value))),
            None => rest.push(parameter),
        }
    }
    (if rest.is_empty() { start.to_string() } else { format!("{start}?{}", rest.join("&")) }, found)
}

/// `%2F` becomes `/`; what is no such code stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Takes our pairs out of `name=value name='quoted value'`.
fn split_pairs(text: &str) -> Result<(String, Pairs), StoreError> {
    let unreadable = || refused("the store's url is not a PostgreSQL url");
    let (mut rest, mut found) = (String::new(), Vec::new());
    let mut characters = text.chars().peekable();
    loop {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        if characters.peek().is_none() {
            return Ok((rest, found));
        }
        let mut name = String::new();
        while let Some(character) = characters.next_if(|character| *character != '=') {
            name.push(character);
        }
        characters.next().ok_or_else(unreadable)?;
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        let quoted = characters.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match characters.next() {
                Some('\\') => value.push(characters.next().ok_or_else(unreadable)?),
                Some('\'') if quoted => break,
                Some(character) if quoted || !character.is_whitespace() => value.push(character),
                None if quoted => return Err(unreadable()),
                _ => break,
            }
        }
        let name = name.trim();
        if is_ours(name) {
            found.push((name.to_string(), value));
        } else {
            let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
            rest.push_str(&format!("{name}='{escaped}' "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_url_say_how_tls_is_used() {
        for (url, mode, roots) in [
            ("postgresql://u:p@db.example/x", SslMode::Prefer, None),
            ("postgresql://u@db.example/x?sslmode=verify-full&connect_timeout=3", SslMode::Require, None),
            (
                "postgres://u@db.example/x?sslrootcert=%2Fetc%2Fca%20x.pem&sslmode=require",
                SslMode::Require,
                Some("/etc/ca x.pem"),
            ),
            ("host=/run/db user=u sslmode = disable", SslMode::Disable, None),
            (
                r"host=db.example password='it\'s' sslmode='prefer' sslrootcert='/a b/ca.pem'",
                SslMode::Prefer,
                Some("/a b/ca.pem"),
            ),
            ("host=db.example sslmode=verify-full sslrootcert=system", SslMode::Require, None),
        ] {
            let address = Address::read(url).unwrap();
            assert_eq!((address.config.get_ssl_mode(), address.roots), (mode, roots.map(PathBuf::from)), "{url}");
        }
        let quoted = Address::read(r"host=db.example password='it\'s a \\' dbname=x").unwrap();
        assert_eq!((quoted.config.get_password(), quoted.config.get_dbname()), (Some(&br"it's a \"[..]), Some("x")));
    }

    #[test]
    fn what_is_not_understood_is_refused_without_repeating_it() {
        for url in [
            "postgresql://u:secret@h/x?sslmode=verify-ca",
            "host=h password='secret",
            "secret",
            "host=h nonsense=secret",
        ] {
            let Err(StoreError::Refused(text)) = Address::read(url) else { panic!("{url} was taken") };
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
