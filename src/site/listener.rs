//! Where the gateway listens: addresses, TLS files and who may connect. Architecture invariant 11: without TLS on
//! loopback only, unless `behind_proxy` says that TLS ends in front.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::expiry::Use;
use super::folder::Folder;
use super::{Address, Certificate, Peer, TlsFiles, scalar, secret};
use crate::clock::{Clock, SystemClock};
use crate::problem::{Category, Place, Problem};
use crate::yaml::{Fields, Mark, Node};

/// What every listener of a site has.
pub struct Listener {
    pub listen: SocketAddr,
    pub tls: Option<TlsFiles>,
    pub behind_proxy: bool,
}

/// An address taken, and where the site says so; two feeds cannot share one.
pub struct Taken {
    pub listen: SocketAddr,
    pub mark: Mark,
}

/// Reads `listen`, `tls` and `behind_proxy`, and holds them to the TLS rule.
pub fn read(fields: &mut Fields<'_>, folder: &mut Folder, taken: &mut Vec<Taken>) -> Option<Listener> {
    let node = fields.required("listen");
    let listen = node.and_then(|node| scalar::keep(fields, address(node)));
    let tls_node = fields.optional("tls");
    let tls = tls_node.and_then(|node| tls_files(node, folder, fields));
    let behind_proxy = fields.boolean("behind_proxy").unwrap_or(false);
    let (node, listen) = (node?, listen?);
    taken.push(Taken { listen, mark: node.mark.clone() });
    if tls_node.is_none() && !behind_proxy && !listen.ip().is_loopback() {
        let text = format!(
            "`{listen}` is reachable from other machines without TLS; add `tls:`, listen on 127.0.0.1, \
             or say `behind_proxy: true` when TLS ends in front of the gateway"
        );
        fields.lacking(&["tls", "behind_proxy"], node.mark.problem(Category::Security, text));
    }
    Some(Listener { listen, tls, behind_proxy })
}

fn address(node: &Node) -> Result<SocketAddr, Problem> {
    let written = scalar::text(node)?;
    written.parse().map_err(|_| {
        node.problem(format!(
            "`{written}` is not an address with a port; write one such as 127.0.0.1:2575, [::1]:2575 or 0.0.0.0:2575"
        ))
    })
}

fn tls_files(node: &Node, folder: &mut Folder, outer: &mut Fields<'_>) -> Option<TlsFiles> {
    let mut problems = Vec::new();
    let mut fields = Fields::of(node, "tls");
    let certificate = fields.required("certificate");
    let key = fields.required("key");
    let authority = fields.optional("client_ca");
    let chain = certificate.and_then(|node| certificates(node, Use::Own, folder, &mut fields));
    let key = key.and_then(|node| private_key(node, folder, &mut fields));
    let client_ca = authority.and_then(|node| certificates(node, Use::Trusted, folder, &mut fields));
    if let (Some((_, chain)), Some((_, der)), Some(node)) = (&chain, &key, certificate) {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        if let Err(error) = rustls::sign::CertifiedKey::from_der(chain.clone(), der.clone_key(), &provider) {
            let text = format!("the certificate and the key cannot be used together: {error}");
            fields.report(node.mark.problem(Category::Security, text));
        }
    }
    fields.finish(&mut problems);
    problems.into_iter().for_each(|problem| outer.report(problem));
    Some(TlsFiles { certificate: chain?.0, key: key?.0, client_ca: client_ca.map(|(path, _)| path) })
}

/// A PEM file with one or more certificates; when they end is kept with the site, and told when it is soon.
pub fn certificates(
    node: &Node,
    kind: Use,
    folder: &mut Folder,
    fields: &mut Fields<'_>,
) -> Option<(PathBuf, Vec<CertificateDer<'static>>)> {
    let path = scalar::keep(fields, secret::file(node, folder))?;
    let read = CertificateDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if !chain.is_empty() => {
            let written = node.as_text().unwrap_or_default();
            let found = Certificate::of(&node.mark.file, &written, kind, chain.iter().map(AsRef::as_ref));
            if let Some(text) = found.as_ref().and_then(|found| found.warning(SystemClock.now())) {
                fields.report(Problem::warning(Category::Expired, Place::File(node.mark.clone()), text));
            }
            folder.certificates.extend(found);
            Some((path, chain))
        }
        Ok(_) => {
            fields.report(node.problem("this file holds no PEM certificate (`-----BEGIN CERTIFICATE-----`)"));
            None
        }
        Err(error) => {
            fields.report(node.problem(format!("this file cannot be read as PEM certificates: {error}")));
            None
        }
    }
}

/// A PEM file with a private key.
pub fn private_key(
    node: &Node,
    folder: &mut Folder,
    fields: &mut Fields<'_>,
) -> Option<(PathBuf, PrivateKeyDer<'static>)> {
    let path = scalar::keep(fields, secret::file(node, folder))?;
    folder.keys.push((node.mark.clone(), path.clone()));
    match PrivateKeyDer::from_pem_file(&path) {
        Ok(key) => Some((path, key)),
        Err(_) => {
            fields.report(node.problem("this file holds no PEM private key (`-----BEGIN PRIVATE KEY-----`)"));
            None
        }
    }
}

/// An address, a network (`10.1.0.0/16`), or `certificate:NAME`.
pub fn peer(node: &Node) -> Result<Peer, Problem> {
    let written = scalar::text(node)?;
    if let Some(name) = written.strip_prefix("certificate:") {
        return Ok(Peer::Certificate(name.trim().to_string()));
    }
    network(&written).map(Peer::Address).ok_or_else(|| {
        node.problem(format!("`{written}` is not an address (10.1.2.3), a network (10.1.0.0/16) or `certificate:NAME`"))
    })
}

/// The address or the network of a proxy in front, which is believed whose connection it passes on.
pub fn proxy(node: &Node) -> Result<Address, Problem> {
    let written = scalar::text(node)?;
    let found = network(&written)
        .ok_or_else(|| node.problem(format!("`{written}` is not an address (10.1.2.3) or a network (10.1.0.0/16)")))?;
    let narrowest = if found.network.is_ipv4() { 8 } else { 32 };
    if found.prefix < narrowest {
        let text =
            format!("`{written}` lets nearly everybody say whose connection it is; name the proxy's own address");
        return Err(node.mark.problem(Category::Security, text));
    }
    Ok(found)
}

fn network(written: &str) -> Option<Address> {
    let (ip, prefix) = written.split_once('/').map_or((written, None), |(ip, prefix)| (ip, Some(prefix)));
    let network: IpAddr = ip.parse().ok()?;
    let most = if network.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(most), |prefix| prefix.parse().ok().filter(|prefix| *prefix <= most))?;
    Some(Address { network, prefix })
}

/// A problem for each address that two listeners want. Port 0 is whatever is free.
pub fn check_shared(taken: &[Taken]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, later) in taken.iter().enumerate() {
        let earlier = taken.iter().take(place).find(|earlier| collide(earlier.listen, later.listen));
        if let Some(earlier) = earlier {
            let text = format!(
                "port {} is taken already at {}:{}; give each listener its own",
                later.listen.port(),
                earlier.mark.file,
                earlier.mark.line
            );
            problems.push(later.mark.problem(Category::Conflict, text));
        }
    }
    problems
}

fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let overlaps = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && overlaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_with_their_prefix() {
        let read = network("10.1.0.0/16").unwrap();
        assert_eq!((read.network.to_string().as_str(), read.prefix), ("10.1.0.0", 16));
        assert_eq!(network("::1").unwrap().prefix, 128);
        assert_eq!(network("10.1.0.0/33"), None);
        assert_eq!(network("hospital"), None);
    }

    #[test]
    fn listening_everywhere_collides_with_listening_somewhere() {
        assert!(collide("0.0.0.0:2575".parse().unwrap(), "127.0.0.1:2575".parse().unwrap()));
        assert!(!collide("127.0.0.1:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap()));
        assert!(!collide("127.0.0.1:1".parse().unwrap(), "127.0.0.2:1".parse().unwrap()));
    }
}
