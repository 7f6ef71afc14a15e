//! The wire: framing that two readers might read differently, clients that are slow, loads that are larger than they look.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Attempts;
use super::stranger::{FEED_TOKEN, Stranger, told};

pub async fn framing(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Framing and smuggling");
    let post = |headers: &str, body: &str| {
        format!("POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}\r\n{body}").into_bytes()
    };
    let smuggled = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    for (attempt, bytes) in [
        (
            "`Content-Length` beside `Transfer-Encoding: chunked`",
            post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", &format!("0\r\n\r\n{smuggled}")),
        ),
        ("two `Content-Length` that differ", post("Content-Length: 5\r\nContent-Length: 0\r\n", smuggled)),
        ("`Content-Length: +5`", post("Content-Length: +5\r\n", "aaaaa")),
        ("`Content-Length: 5, 5`", post("Content-Length: 5, 5\r\n", "aaaaa")),
        ("a negative length", post("Content-Length: -1\r\n", "")),
        ("`Transfer-Encoding: xchunked`", post("Transfer-Encoding: xchunked\r\n", &format!("0\r\n\r\n{smuggled}"))),
        (
            "`Transfer-Encoding: chunked, identity`",
            post("Transfer-Encoding: chunked, identity\r\n", &format!("0\r\n\r\n{smuggled}")),
        ),
        ("a chunk of 2^68 bytes", post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n")),
        ("a chunk's size that is no number", post("Transfer-Encoding: chunked\r\n", "zz\r\na\r\n0\r\n\r\n")),
        ("a space before a header's colon", post("Content-Length : 0\r\n", "")),
        ("a header over two lines", post("X-One: a\r\n b\r\nContent-Length: 0\r\n", "")),
        ("a NUL in a header", post("X-One: a\0b\r\nContent-Length: 0\r\n", "")),
        ("HTTP/0.9", b"GET /health\r\n\r\n".to_vec()),
        ("HTTP/3.0 in words", b"GET /health HTTP/3.0\r\nHost: x\r\n\r\n".to_vec()),
        ("500 headers", format!("GET /health HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-A: b\r\n".repeat(500)).into_bytes()),
        (
            "a header of 200 kB",
            format!("GET /health HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "a".repeat(200_000)).into_bytes(),
        ),
        (
            "an address of 200 kB",
            format!("GET /health?{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000)).into_bytes(),
        ),
        ("a PRI preface without TLS and nothing after it", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
    ] {
        let started = Instant::now();
        let (status, text) = super::stranger::raw(stranger.readers.house.running.http, &bytes).await;
        let answers = text.matches("HTTP/1.1 ").count();
        assert!(answers <= 1 && !text.contains("\"store\""), "{attempt}: {text}");
        assert!(!status.starts_with('2'), "{attempt}: {text}");
        assert!(started.elapsed() < Duration::from_secs(11), "{attempt}");
        attempts.add(
            attempt,
            if status == "closed" { "connection closed".to_string() } else { format!("{status}, closed") },
        );
    }
    for (attempt, method) in
        [("TRACE", "TRACE"), ("CONNECT", "CONNECT"), ("a method of 30 letters", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    {
        let bytes = format!("{method} /fhir/metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let status = stranger.raw(bytes.as_bytes()).await;
        assert!(["400", "404", "405"].contains(&status.as_str()), "{attempt}: {status}");
        attempts.add(attempt, status);
    }
    let upgrade = "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    let status = stranger.raw(upgrade.as_bytes()).await;
    assert_ne!(status, "101");
    attempts.add("an upgrade to h2c, past a proxy", format!("{status}, no upgrade"));
    attempts
}

pub async fn loads(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Loads and slow clients");
    let bomb = {
        let mut zip = GzEncoder::new(Vec::new(), Compression::best());
        let piece = vec![b'a'; 1 << 20];
        (0..64).for_each(|_| zip.write_all(&piece).unwrap());
        zip.finish().unwrap()
    };
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let nested =
        format!("{{\"resourceType\":\"Patient\",\"extension\":{}1{}}}", "[{\"a\":".repeat(50_000), "}]".repeat(50_000));
    let many = format!("{{\"resourceType\":\"Patient\",{}\"id\":\"x\"}}", "\"a\":1,".repeat(200_000));
    let unknown: String = (0..5_000).map(|number| format!("\"a{number}\":1,")).collect();
    let unknown = format!("{{\"resourceType\":\"Patient\",{unknown}\"id\":\"x\"}}");
    let http = &stranger.readers.http;
    let post = |path: &str, kind: &str| {
        http.post(stranger.url(path)).header("content-type", kind.to_string()).bearer_auth(&stranger.lakeside.token)
    };
    let (json, form) = ("application/fhir+json", "application/x-www-form-urlencoded");
    for (attempt, request, expected) in [
        (
            "64 MiB of letters in 64 kB of gzip, as a token request",
            post("/auth/token", form).header("content-encoding", "gzip").body(bomb.clone()),
            vec![400, 413],
        ),
        (
            "the same as a search",
            post("/fhir/Task/_search", form).header("content-encoding", "gzip").body(bomb.clone()),
            vec![413, 415],
        ),
        (
            "the same as a resource to check",
            post("/fhir/Patient/$validate", json).header("content-encoding", "gzip").body(bomb.clone()),
            vec![415],
        ),
        (
            "the same as a message",
            http.post(stranger.url("/hl7/riverside"))
                .bearer_auth(FEED_TOKEN)
                .header("content-type", "application/hl7-v2")
                .header("content-encoding", "gzip")
                .body(bomb),
            vec![415],
        ),
        (
            "a search that says it is gzip and is not",
            post("/fhir/Task/_search", form).header("content-encoding", "gzip").body("code=a"),
            vec![400],
        ),
        ("JSON 200,000 lists deep, to be checked", post("/fhir/Patient/$validate", json).body(deep.clone()), vec![400]),
        ("a resource 50,000 extensions deep", post("/fhir/Patient/$validate", json).body(nested), vec![400]),
        (
            "JSON 200,000 lists deep, as a hook",
            post("/cds-services/handover-patient-view", "application/json").body(deep),
            vec![400],
        ),
        ("one name 200,000 times in an object", post("/fhir/Patient/$validate", json).body(many), vec![200]),
        ("5,000 elements that R4 does not have", post("/fhir/Patient/$validate", json).body(unknown), vec![200]),
        ("20 MB to be checked", post("/fhir/Patient/$validate", json).body(vec![b' '; 20 << 20]), vec![413]),
        ("1 MB as a form", post("/fhir/Task/_search", form).body("a=b&".repeat(1 << 18)), vec![413]),
        (
            "a message larger than its feed takes",
            http.post(stranger.url("/hl7/riverside"))
                .bearer_auth(FEED_TOKEN)
                .header("content-type", "application/hl7-v2")
                .body(vec![b'a'; 200_000]),
            vec![413],
        ),
    ] {
        let started = Instant::now();
        let got = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                assert!(expected.contains(&status), "{attempt}: {status}");
                told(status, &response.text().await.unwrap_or_default())
            }
            // A server that refuses before it has read everything may close while the client still writes.
            Err(_) => panic!("{attempt}: no answer"),
        };
        assert!(started.elapsed() < Duration::from_secs(20), "{attempt} took {:?}", started.elapsed());
        attempts.add(attempt, got);
    }
    slow(stranger, &mut attempts).await;
    attempts
}

/// Opens a connection, sends what it is told to, and waits for the other side to end it.
async fn until_closed(address: std::net::SocketAddr, bytes: &[u8], most: Duration) -> (Duration, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let (started, mut answer) = (Instant::now(), Vec::new());
    let ended = tokio::time::timeout(most, stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "still open after {most:?}");
    (started.elapsed(), String::from_utf8_lossy(&answer).into_owned())
}

/// What of it had come when the other side ended it: the status, and no sooner than after so many seconds.
fn ended(attempts: &mut Attempts, attempt: &str, (took, answer): (Duration, String), least: u64) {
    assert!(took >= Duration::from_secs(least), "{attempt}: {took:?} {answer}");
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = status.map(|status| format!("{status}, ")).unwrap_or_default();
    attempts.add(attempt, format!("{status}closed at its limit"));
}

async fn slow(stranger: &Stranger, attempts: &mut Attempts) {
    let running = &stranger.readers.house.running;
    let most = Duration::from_secs(45);
    let token = &stranger.lakeside.token;
    let half = format!(
        "POST /fhir/Task/_search HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nstatus="
    );
    let message = format!(
        "POST /hl7/riverside HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {FEED_TOKEN}\r\nContent-Type: application/hl7-v2\r\nContent-Length: 100\r\n\r\nMSH|"
    );
    let (mllp, mut chunked) = (running.mllp["riverside"], Attempts::of("in chunks"));
    let (headers, body, message, silent, frame, (), second) = tokio::join!(
        until_closed(running.http, b"GET /health HTTP/1.1\r\nHost: x\r\nX-A", most),
        until_closed(running.http, half.as_bytes(), most),
        until_closed(running.http, message.as_bytes(), most),
        until_closed(mllp, b"", most),
        until_closed(mllp, b"\x0bMSH|^~\\&|", most),
        in_chunks(stranger, &mut chunked, most),
        second_request(running.http, most),
    );
    for (attempt, ending, least) in [
        ("headers that never end", headers, 3),
        ("a body that never ends", body, 3),
        ("a message over HTTP that never ends", message, 1),
        ("an MLLP connection that says nothing", silent, 2),
        ("a frame that never ends", frame, 1),
    ] {
        ended(attempts, attempt, ending, least);
    }
    attempts.rows.extend(chunked.rows);
    attempts.add("headers that never end, of a second request on a connection", second);
}

/// What becomes of a connection whose first request is answered and whose second one's headers never end.
async fn second_request(address: std::net::SocketAddr, most: Duration) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).await.unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A").await.unwrap();
    match tokio::time::timeout(most, stream.read_to_end(&mut answer)).await {
        Ok(_) => "closed at its limit".to_string(),
        Err(_) => "stays open".to_string(),
    }
}

/// Bodies in chunks of which one comes and no end: each is answered, and the connection ends.
async fn in_chunks(stranger: &Stranger, attempts: &mut Attempts, most: Duration) {
    let (bearer, feed) = (format!("Bearer {}", stranger.lakeside.token), format!("Bearer {FEED_TOKEN}"));
    let (form, json, hl7) = ("application/x-www-form-urlencoded", "application/fhir+json", "application/hl7-v2");
    let tries = [
        ("a chunked body that never ends, of a read", "GET /health", "none", form, 0),
        ("the same, of a search without a token", "POST /fhir/Task/_search", "none", form, 0),
        ("the same, where nothing is", "POST /nowhere", "none", form, 0),
        ("the same, of a search", "POST /fhir/Task/_search", &bearer, form, 3),
        ("the same, of a resource to check", "POST /fhir/Patient/$validate", &bearer, json, 3),
        ("the same, of a token request", "POST /auth/token", "none", form, 3),
        ("the same, of a message", "POST /hl7/riverside", &feed, hl7, 1),
    ];
    let requests = tries.map(|(_, target, authorization, kind, _)| {
        format!("{target} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na=\r\n")
    });
    let address = stranger.readers.house.running.http;
    let endings = requests.iter().map(|request| until_closed(address, request.as_bytes(), most));
    let endings = futures_util::future::join_all(endings).await;
    for ((attempt, .., least), ending) in tries.into_iter().zip(endings) {
        ended(attempts, attempt, ending, least);
    }
}

pub async fn floods(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Floods");
    let mut statuses = std::collections::BTreeSet::new();
    let started = Instant::now();
    while !statuses.contains(&429) && started.elapsed() < Duration::from_secs(60) {
        let asked = (0..200).map(|_| stranger.readers.http.get(stranger.url("/.well-known/jwks.json")).send());
        let answers = futures_util::future::join_all(asked).await;
        statuses.extend(answers.into_iter().map(|answer| answer.unwrap().status().as_u16()));
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200, 429]);
    assert_eq!(reqwest::get(stranger.url("/health")).await.unwrap().status(), 200);
    attempts.add(
        "200 requests at once from one address, again and again",
        "429 with Retry-After beyond its pace; health still answers",
    );
    let guess = |number: usize| {
        let request = stranger.readers.http.post(stranger.url("/hl7/riverside")).bearer_auth(format!("guess-{number}"));
        request.header("content-type", "application/hl7-v2").body("MSH|").send()
    };
    let mut guesses = Vec::new();
    for start in 0..10 {
        let asked = (0..40).map(|number| guess(start * 40 + number));
        let answers = futures_util::future::join_all(asked).await;
        guesses.extend(answers.into_iter().map(|answer| answer.unwrap().status().as_u16()));
    }
    assert!(guesses.contains(&401) && guesses.contains(&429), "{guesses:?}");
    attempts.add("400 guesses of a feed's token", "401, then 429");
    attempts
}
