//! The PROXY protocol, versions 1 and 2 (haproxy.org/download/3.0/doc/proxy-protocol.txt): a proxy in front says whose connection it
//! passes on. Read only from addresses that the site states as proxies; anybody else could say anything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Of version 1, with its CR LF.
const LONGEST_LINE: usize = 107;
/// Of version 2 after its first 16 bytes: addresses, and what a proxy adds to them, which is passed over.
const LONGEST_REST: usize = 4096;

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Passed(IpAddr),
    /// The proxy's own, to see whether anybody is there.
    Own,
}

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderFault {
    #[error("the connection ended before its PROXY header")]
    Ended,
    #[error(
        "it does not begin with a PROXY header, version 1 or 2; does the proxy send one (HAProxy: `send-proxy-v2`)?"
    )]
    None,
    #[error("its PROXY header cannot be read")]
    Unreadable,
    #[error("its PROXY header is longer than any that is known")]
    TooLong,
}

/// Reads exactly the header; what follows stays in the stream.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Source, HeaderFault> {
    let mut begin = [0; SIGNATURE.len()];
    fill(stream, &mut begin).await?;
    if begin == SIGNATURE {
        let mut rest = [0; 4];
        fill(stream, &mut rest).await?;
        let [command, family, high, low] = rest;
        let length = usize::from(u16::from_be_bytes([high, low]));
        // Nothing lost: the connection is refused before a message, with the reason.
        if length > LONGEST_REST {
            return Err(HeaderFault::TooLong);
        }
        let mut addresses = vec![0; length];
        fill(stream, &mut addresses).await?;
        return version_2(command, family, &addresses);
    }
    if !begin.starts_with(b"PROXY ") {
        return Err(HeaderFault::None);
    }
    let mut line = begin.to_vec();
    while !line.ends_with(b"\r\n") {
        // Nothing lost: the connection is refused before a message, with the reason.
        if line.len() >= LONGEST_LINE {
            return Err(HeaderFault::TooLong);
        }
        let mut next = [0];
        fill(stream, &mut next).await?;
        line.extend_from_slice(&next);
    }
    version_1(&line)
}

async fn fill(stream: &mut (impl AsyncRead + Unpin), bytes: &mut [u8]) -> Result<(), HeaderFault> {
    // Nothing lost: a connection that ends here sent no message.
    stream.read_exact(bytes).await.map(|_| ()).map_err(|_| HeaderFault::Ended)
}

/// `PROXY TCP4 192.0.2.7 198.51.100.1 56324 2575`; `PROXY UNKNOWN` for the proxy's own.
fn version_1(line: &[u8]) -> Result<Source, HeaderFault> {
    // Nothing lost: the connection is refused with the reason.
    let text = std::str::from_utf8(line).map_err(|_| HeaderFault::Unreadable)?;
    let parts: Vec<&str> = text.trim_end().split(' ').collect();
    match parts.as_slice() {
        ["PROXY", "UNKNOWN", ..] => Ok(Source::Own),
        ["PROXY", family @ ("TCP4" | "TCP6"), from, _, _, _] => {
            let from: IpAddr = from.parse().map_err(|_| HeaderFault::Unreadable)?;
            let is_fit = from.is_ipv4() == (*family == "TCP4");
            is_fit.then_some(Source::Passed(from)).ok_or(HeaderFault::Unreadable)
        }
        _ => Err(HeaderFault::Unreadable),
    }
}

/// Version and command, family and protocol, then addresses in the order source, destination, ports.
fn version_2(command: u8, family: u8, addresses: &[u8]) -> Result<Source, HeaderFault> {
    match (command, family >> 4) {
        (0x20, _) | (0x21, 0) => Ok(Source::Own),
        (0x21, 1) => {
            let from = addresses.first_chunk::<4>().filter(|_| addresses.len() >= 12);
            Ok(Source::Passed(Ipv4Addr::from(*from.ok_or(HeaderFault::Unreadable)?).into()))
        }
        (0x21, 2) => {
            let from = addresses.first_chunk::<16>().filter(|_| addresses.len() >= 36);
            Ok(Source::Passed(Ipv6Addr::from(*from.ok_or(HeaderFault::Unreadable)?).into()))
        }
        _ => Err(HeaderFault::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is read, and how many bytes are left.
    fn reading(bytes: &[u8]) -> (Result<Source, String>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut rest = bytes;
        let read = runtime.block_on(read(&mut rest)).map_err(|fault| fault.to_string());
        (read, rest.len())
    }

    fn passed(text: &str) -> Result<Source, String> {
        Ok(Source::Passed(text.parse().unwrap()))
    }

    #[test]
    fn both_versions_name_the_source_and_leave_what_follows() {
        let version_2 = |command: u8, family: u8, rest: &[u8]| {
            let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
            [&SIGNATURE[..], &[command, family], &length, rest, b"\x0BMSH"].concat()
        };
        let four = [203, 0, 113, 9, 10, 0, 0, 1, 0xD0, 4, 0x0A, 0x0F];
        let six = [&[0x20, 1, 0x0D, 0xB8][..], &[0; 11], &[7], &[0; 16], &[1, 2, 3, 4]].concat();
        for (bytes, expected) in [
            (b"PROXY TCP4 198.51.100.7 10.0.0.1 56324 2575\r\n\x0BMSH".to_vec(), passed("198.51.100.7")),
            (b"PROXY TCP6 2001:db8::5 2001:db8::1 4000 2575\r\n\x0BMSH".to_vec(), passed("2001:db8::5")),
            (b"PROXY UNKNOWN\r\n\x0BMSH".to_vec(), Ok(Source::Own)),
            (version_2(0x21, 0x11, &four), passed("203.0.113.9")),
            (version_2(0x21, 0x11, &[&four[..], &[3, 0, 4, 1, 2, 3, 4]].concat()), passed("203.0.113.9")),
            (version_2(0x21, 0x21, &six), passed("2001:db8::7")),
            (version_2(0x20, 0x00, &[]), Ok(Source::Own)),
        ] {
            assert_eq!(reading(&bytes), (expected, 4), "{:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn what_is_no_header_is_refused_with_the_reason() {
        for (bytes, reason) in [
            (&b"\x0BMSH|^~\\&|A|B|C"[..], "does not begin"),
            (b"GET / HTTP/1.1\r\n", "does not begin"),
            (b"PROXY TCP4 2001:db8::5 10.0.0.1 1 2\r\n", "cannot be read"),
            (b"PROXY TCP4 somewhere 10.0.0.1 1 2\r\n", "cannot be read"),
            (b"PROXY TCP9 1.2.3.4 10.0.0.1 1 2\r\n", "cannot be read"),
            (b"PROXY TCP", "ended"),
            (b"", "ended"),
        ] {
            let (read, _) = reading(bytes);
            assert!(read.as_ref().unwrap_err().contains(reason), "{read:?} for {bytes:?}");
        }
        assert!(reading(&[b"PROXY UNKNOWN", &b" x".repeat(200)[..]].concat()).0.unwrap_err().contains("longer"));
        assert!(
            reading(&[&SIGNATURE[..], &[0x21, 0x11, 0xFF, 0xFF], &[0; 70_000]].concat())
                .0
                .unwrap_err()
                .contains("longer")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(begin in prop::sample::select(vec![&b"PROXY TCP4 "[..], &SIGNATURE[..], b""]),
            rest in prop::collection::vec(any::<u8>(), 0..60)) {
            let bytes = [begin, &rest].concat();
            let (_, left) = reading(&bytes);
            prop_assert!(left <= bytes.len());
        }
    }
}
