//! HTTP/2 through TLS: refusals that come before the body has, and clients that are slow, half open, or never end what they began.
//! Frames are written by hand (RFC 9113, 4; RFC 7541, 6.2.2): no client does such things.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Attempts;
use super::stranger::FEED_TOKEN;
use crate::harness::House;

/// Refusals that come before the body has: each must arrive, and the stream must end in order.
pub async fn bodies_over_http2() -> Attempts {
    let mut attempts = Attempts::of("Early refusals over HTTP/2");
    let house = with_tls().await;
    let file = house.folder.path().join("body");
    let tries = [
        ("a token request of 1 MB", "/auth/token", "application/x-www-form-urlencoded", 1 << 20),
        ("a search without a token", "/fhir/Task/_search", "application/x-www-form-urlencoded", 60_000),
        ("a resource without a token", "/fhir/Patient/$validate", "application/fhir+json", 3 << 20),
        ("a message for a feed that is not there", "/hl7/nowhere", "application/hl7-v2", 3 << 20),
        ("a post where nothing is", "/nowhere", "text/plain", 3 << 20),
    ];
    for (attempt, path, kind, length) in tries {
        std::fs::write(&file, vec![b'a'; length]).unwrap();
        let mut statuses = Vec::new();
        for _ in 0..25 {
            let (url, data) = (house.url(path), format!("@{}", file.display()));
            let command = move || {
                Command::new("curl")
                    .args([
                        "--http2",
                        "--insecure",
                        "--silent",
                        "--show-error",
                        "--max-time",
                        "20",
                        "--output",
                        "/dev/null",
                    ])
                    .args([
                        "--write-out",
                        "%{http_version} %{http_code}",
                        "--header",
                        &format!("content-type: {kind}"),
                        "--data-binary",
                        &data,
                        &url,
                    ])
                    .output()
            };
            let Ok(output) = tokio::task::spawn_blocking(command).await.unwrap() else {
                println!("skipped: there is no curl");
                return attempts;
            };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{attempt}: {text} {}", String::from_utf8_lossy(&output.stderr));
            statuses.push(text);
        }
        statuses.dedup();
        assert!(statuses.len() == 1 && statuses[0].starts_with("2 4"), "{attempt}: {statuses:?}");
        attempts.add(format!("{attempt}, 25 times"), format!("25 times {}", statuses[0].trim_start_matches("2 ")));
    }
    house.running.stop().await;
    attempts
}

async fn with_tls() -> House {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_string(), "127.0.0.1".to_string()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    House::with_files(
        &|name, text| {
            let text = super::site(name, text);
            text.replace("http: { origins:", "http: { tls: { certificate: gateway.pem, key: gateway.key }, origins:")
        },
        &[("gateway.pem", certificate.pem()), ("gateway.key", key.serialize_pem())],
    )
    .await
}

/// What is done with a connection after its request went out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Nothing more.
    Silent,
    /// It answers every ping, as a client that is alive does.
    Alive,
    /// So, and sends one more byte of the body in each second.
    Dripping,
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// What never ends, over HTTP/2: what a stream's request gets, and what becomes of the connection.
pub async fn slow_over_http2() -> Attempts {
    let mut attempts = Attempts::of("Slow clients over HTTP/2");
    let house = with_tls().await;
    let (form, json, hl7) = ("application/x-www-form-urlencoded", "application/fhir+json", "application/hl7-v2");
    let feed = format!("Bearer {FEED_TOKEN}");
    let open =
        |method, path, kind| [settings(), request(method, path, kind, "none"), frame(DATA, 0, 1, b"a=")].concat();
    let message = [settings(), request("POST", "/hl7/riverside", hl7, &feed), frame(DATA, 0, 1, b"MSH|")].concat();
    let half = frame(HEADERS, 0, 1, &[0x82, 0x87]);
    use Manner::{Alive, Dripping, Silent};
    let tries = [
        ("TLS, and nothing after it", Vec::new(), Silent),
        ("a preface, and nothing after it", settings(), Silent),
        ("headers that never end, and no ping is answered", [settings(), half].concat(), Silent),
        ("a body that never ends, and no ping is answered", open("POST", "/auth/token", form), Silent),
        ("a body that never ends, of a read", open("GET", "/health", form), Alive),
        ("the same, of a search without a token", open("POST", "/fhir/Task/_search", form), Alive),
        ("the same, where nothing is", open("POST", "/nowhere", form), Alive),
        ("the same, of a token request", open("POST", "/auth/token", form), Alive),
        ("the same, of a hook", open("POST", "/cds-services/handover-patient-view", json), Alive),
        ("the same, of a message", message.clone(), Alive),
        ("a token request of one byte in each second", open("POST", "/auth/token", form), Dripping),
        ("a message of one byte in each second", message, Dripping),
    ];
    let until = |bytes: &[u8], manner| until_answered(&house, bytes.to_vec(), manner);
    let (nothing, idle, got) = tokio::join!(
        no_handshake(&house),
        until_answered(&house, settings(), Alive),
        futures_util::future::join_all(tries.iter().map(|(_, bytes, manner)| until(bytes, *manner)))
    );
    attempts.add("a connection without a handshake", nothing);
    for ((attempt, _, manner), got) in tries.iter().zip(got) {
        let is_over = if *manner == Silent { got == CLOSED } else { got.len() == 3 };
        assert!(is_over, "{attempt}: {got}");
        attempts.add(*attempt, if *manner == Silent { got } else { format!("{got}, the stream ends") });
    }
    attempts.add("no request, and every ping is answered", idle);
    house.running.stop().await;
    attempts
}

async fn no_handshake(house: &House) -> &'static str {
    let mut stream = TcpStream::connect(house.running.http).await.unwrap();
    let ended = tokio::time::timeout(MOST, stream.read(&mut [0; 64])).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
    CLOSED
}

const CLOSED: &str = "closed at its limit";
/// No limit is longer than this.
const MOST: Duration = Duration::from_secs(45);

/// The status of the answer, or that the connection ended without one.
async fn until_answered(house: &House, bytes: Vec<u8>, manner: Manner) -> String {
    let mut stream = connect(house).await;
    stream.write_all(&bytes).await.unwrap();
    let (started, mut dripped) = (Instant::now(), 1);
    loop {
        let second = Duration::from_secs(1).saturating_mul(dripped);
        let read = tokio::time::timeout(second.saturating_sub(started.elapsed()), next_frame(&mut stream)).await;
        if started.elapsed() > MOST {
            return "stays open".to_string();
        }
        match read {
            Err(_) => {
                dripped += 1;
                if manner == Manner::Dripping {
                    // The answer may have come meanwhile.
                    _ = stream.write_all(&frame(DATA, 0, 1, b"a")).await;
                }
            }
            Ok(None) => return CLOSED.to_string(),
            Ok(Some((HEADERS, _, body))) => return status(&body),
            Ok(Some((PING, 0, body))) if manner != Manner::Silent => {
                stream.write_all(&frame(PING, ACK, 0, &body)).await.unwrap();
            }
            Ok(Some(_)) => {}
        }
    }
}

/// Type, flags and what is in it; none at the end.
async fn next_frame(stream: &mut TlsStream<TcpStream>) -> Option<(u8, u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let mut body = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut body).await.ok()?;
    Some((head[3], head[4], body))
}

fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
}

fn settings() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// The headers of a request whose body is to come, each written out.
fn request(method: &str, path: &str, kind: &str, authorization: &str) -> Vec<u8> {
    let fields = [
        (":method", method),
        (":scheme", "https"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", kind),
        ("authorization", authorization),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let fields = fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat());
    frame(HEADERS, END_HEADERS, 1, &fields.collect::<Vec<u8>>())
}

/// `:status` stands first: one of the table's, or its name there and three digits in Huffman's code (RFC 7541, A and B).
fn status(headers: &[u8]) -> String {
    let known = ["200", "204", "206", "304", "400", "404", "500"];
    let rest = headers.iter().skip_while(|byte| **byte & 0xe0 == 0x20).copied().collect::<Vec<u8>>();
    match rest[..] {
        [first @ 0x88..=0x8e, ..] => known[usize::from(first - 0x88)].to_string(),
        [0x48 | 0x08 | 0x18, length, ..] if length & 0x80 != 0 => {
            let bytes = &rest[2..2 + usize::from(length & 0x7f)];
            let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
            let (mut digits, mut at) = (String::new(), 0);
            while digits.len() < 3 {
                let number = |count: usize| bits[at..at + count].iter().fold(0, |number, bit| number * 2 + bit);
                let (digit, count) = if number(5) < 3 { (number(5), 5) } else { (number(6) - 0x19 + 3, 6) };
                digits.push(char::from(b'0' + digit));
                at += count;
            }
            digits
        }
        [0x48 | 0x08 | 0x18, 3, ..] => String::from_utf8_lossy(&rest[2..5]).into_owned(),
        _ => panic!("no status: {rest:?}"),
    }
}

async fn connect(house: &House) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(house.folder.path().join("gateway.pem")).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(house.running.http).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    stream
}
