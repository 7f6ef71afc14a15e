//! Whose request it is that came over HTTP, from its connection and the proxy in front, where the site says that there is one.

use std::net::IpAddr;

use super::HttpSettings;

impl HttpSettings {
    /// The connection's address, or behind a proxy what the proxy says of it: the last entry of the last line of `X-Forwarded-For`,
    /// which is the one that it added itself. All before that, and `Forwarded`, the client may have written.
    pub fn caller<'a>(&self, peer: Option<IpAddr>, forwarded: impl Iterator<Item = &'a [u8]>) -> Option<IpAddr> {
        let line = forwarded.last().filter(|_| self.behind_proxy);
        let told = line.and_then(|line| std::str::from_utf8(line).ok()?.rsplit(',').next()?.trim().parse().ok());
        told.or(peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Site;

    #[test]
    fn only_what_the_proxy_added_itself_says_who_it_is() {
        let (proxy, client): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [192, 0, 2, 7].into());
        let mut http = Site::bare(std::path::Path::new("nowhere")).settings.http;
        let of =
            |http: &HttpSettings, lines: &[&str]| http.caller(Some(proxy), lines.iter().map(|line| line.as_bytes()));
        assert_eq!(of(&http, &["192.0.2.7"]), Some(proxy), "nobody is believed where there is no proxy");
        http.behind_proxy = true;
        for lines in
            [&["192.0.2.7"][..], &["203.0.113.9, 192.0.2.7"], &["203.0.113.9", "192.0.2.7"], &["x, y", " 192.0.2.7 "]]
        {
            assert_eq!(of(&http, lines), Some(client), "{lines:?}");
        }
        for lines in [&[][..], &["192.0.2.7", "unknown"], &["192.0.2.7", ""], &["192.0.2.7, "]] {
            assert_eq!(of(&http, lines), Some(proxy), "{lines:?}");
        }
    }
}
