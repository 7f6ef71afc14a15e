//! Who may connect to a feed: addresses by prefix, certificates by name. Pure decisions; the TLS library checked the chain.

use std::net::IpAddr;

use super::{Address, MllpSettings, Peer};

impl Address {
    /// Whether an address lies in this network. IPv4 in IPv6 clothes (`::ffff:10.1.2.3`) counts as IPv4.
    pub fn contains(self, address: IpAddr) -> bool {
        let matches = |network: &[u8], address: &[u8]| {
            let whole = usize::from(self.prefix / 8);
            let mask = 0xFF_u8.checked_shr(u32::from(self.prefix % 8)).map_or(0, |rest| !rest);
            let is_same = |at: usize, mask: u8| match (network.get(at), address.get(at)) {
                (Some(network), Some(address)) => network & mask == address & mask,
                _ => true,
            };
            (0..whole).all(|at| is_same(at, 0xFF)) && is_same(whole, mask)
        };
        match (self.network.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => matches(&network.octets(), &address.octets()),
            (IpAddr::V6(network), IpAddr::V6(address)) => matches(&network.octets(), &address.octets()),
            _ => false,
        }
    }
}

impl MllpSettings {
    /// Whether somebody at this address with a certificate of these names may connect: any entry that fits will do.
    pub fn admits(&self, address: IpAddr, certificate_names: &[String]) -> bool {
        self.entry_of(address, certificate_names).is_some()
    }

    /// Which of the peers that is, by its place in the list; `Some(None)` where the feed names nobody, and none where it is a
    /// stranger.
    pub fn entry_of(&self, address: IpAddr, certificate_names: &[String]) -> Option<Option<usize>> {
        let fits = |peer: &Peer| match peer {
            Peer::Address(network) => network.contains(address),
            Peer::Certificate(name) => certificate_names.iter().any(|shown| shown.eq_ignore_ascii_case(name)),
        };
        let found = self.peers.iter().position(fits);
        (found.is_some() || self.peers.is_empty()).then_some(found)
    }

    /// Whether who connects from there passes somebody else's connection on.
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(address))
    }

    /// What to call a sender with a certificate of these names: the one that lets it in, else the first.
    pub fn name_of<'n>(&self, certificate_names: &'n [String]) -> Option<&'n str> {
        let is_listed = |shown: &&String| {
            self.peers.iter().any(|peer| matches!(peer, Peer::Certificate(name) if shown.eq_ignore_ascii_case(name)))
        };
        certificate_names.iter().find(is_listed).or(certificate_names.first()).map(String::as_str)
    }

    /// Whether it is worth asking for a certificate at all.
    pub fn may_admit(&self, address: IpAddr) -> bool {
        self.admits(address, &[]) || self.peers.iter().any(|peer| matches!(peer, Peer::Certificate(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str, prefix: u8) -> Address {
        Address { network: text.parse().unwrap(), prefix }
    }

    #[test]
    fn prefixes_are_compared_bit_by_bit() {
        for (text, prefix, address, is_in) in [
            ("10.1.0.0", 16, "10.1.255.3", true),
            ("10.1.0.0", 16, "10.2.0.1", false),
            ("10.1.0.0", 12, "10.15.0.1", true),
            ("10.1.0.0", 12, "10.16.0.1", false),
            ("192.0.2.7", 32, "192.0.2.7", true),
            ("192.0.2.7", 32, "192.0.2.6", false),
            ("0.0.0.0", 0, "203.0.113.9", true),
            ("10.1.0.0", 16, "::ffff:10.1.2.3", true),
            ("2001:db8::", 33, "2001:db8:7fff::1", true),
            ("2001:db8::", 33, "2001:db8:8000::1", false),
            ("0.0.0.0", 0, "2001:db8::1", false),
        ] {
            assert_eq!(network(text, prefix).contains(address.parse().unwrap()), is_in, "{address} in {text}/{prefix}");
        }
    }

    #[test]
    fn any_entry_that_fits_admits() {
        let peers = vec![Peer::Address(network("10.0.0.0", 8)), Peer::Certificate("riverside".to_string())];
        let settings = MllpSettings {
            listen: ([127, 0, 0, 1], 0).into(),
            tls: None,
            behind_proxy: false,
            peers,
            proxies: Vec::new(),
        };
        let outside = "192.0.2.1".parse().unwrap();
        assert!(settings.admits("10.0.0.1".parse().unwrap(), &[]));
        assert!(settings.admits(outside, &["Riverside".to_string()]));
        assert!(!settings.admits(outside, &["lakeside".to_string()]) && settings.may_admit(outside));
    }
}
