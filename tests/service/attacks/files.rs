//! Files and addresses: paths that lead elsewhere, and addresses that the gateway might be made to fetch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use handover::delivery::SigningKey;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Attempts;
use super::stranger::{FEED_TOKEN, Stranger};
use crate::harness::{adt, minutes_ago};
use crate::partner::{CLIENT, SCOPES};

pub async fn attempts(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Files and addresses");
    for (attempt, path) in [
        ("`/fhir/../../../etc/passwd`", "/fhir/../../../etc/passwd"),
        ("the same, encoded", "/fhir/Patient/..%2f..%2f..%2fetc%2fpasswd"),
        ("the same, encoded twice", "/fhir/Patient/%252e%252e%252f%252e%252e%252fetc%252fpasswd"),
        ("with backslashes", "/fhir/Patient/..%5c..%5cetc%5cpasswd"),
        ("with a NUL", "/fhir/Patient/x%00.json"),
        ("the site's own files", "/handover.yaml"),
        ("the store's files", "/data/store"),
        ("the console's files by a path", "/console/console.css/../../handover.yaml"),
        ("keys", "/tls/gateway.key"),
        ("a repository", "/.git/config"),
    ] {
        let bytes = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            stranger.lakeside.token
        );
        let (status, text) = super::stranger::raw(stranger.readers.house.running.http, bytes.as_bytes()).await;
        assert!(
            ["400", "401", "404", "303"].contains(&status.as_str())
                && !text.contains("root:")
                && !text.contains("listen:"),
            "{path}: {text}"
        );
        attempts.add(attempt, status);
    }
    let trap = Trap::set().await;
    fetched(stranger, &trap, &mut attempts).await;
    let hits = trap.hits.load(Ordering::SeqCst);
    assert_eq!(hits, 0, "the gateway called an address that it was only told");
    attempts
}

/// A server that should never be called, and counts how often it is.
struct Trap {
    url: String,
    hits: Arc<AtomicUsize>,
}

impl Trap {
    async fn set() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, hits) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
        let counted = hits.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 1024];
                _ = stream.read(&mut request).await;
                _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
            }
        });
        Self { url, hits }
    }
}

async fn fetched(stranger: &Stranger, trap: &Trap, attempts: &mut Attempts) {
    let readers = &stranger.readers;
    let url = &trap.url;
    // A key set at the attacker's address, named by the token that the attacker signed.
    let header = json!({ "alg": "ES384", "typ": "JWT", "kid": "eastside-1", "jku": format!("{url}/jwks.json"), "x5u": format!("{url}/x.pem") });
    let claims = readers.claims(CLIENT, &readers.token_url());
    let foreign = SigningKey::from_pem(&readers.eastside_pem, Some("eastside-1")).unwrap();
    let signed = foreign.sign(&claims).unwrap();
    let encode = |value: &serde_json::Value| {
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, value.to_string())
    };
    let mut parts: Vec<String> = signed.split('.').map(str::to_string).collect();
    parts[0] = encode(&header);
    let (status, body) = readers.ask(&parts.join("."), SCOPES).await;
    assert!([400, 401].contains(&status), "{body}");
    attempts.add("keys at the attacker's address (`jku`, `x5u`)", format!("{status}, not fetched"));

    for (attempt, body) in [
        (
            "a profile to check by, at an address (`meta.profile`)",
            json!({ "resourceType": "Patient", "meta": { "profile": [format!("{url}/StructureDefinition/x")] } }),
        ),
        (
            "a code system and a value set at an address",
            json!({ "resourceType": "Observation", "status": "final", "code": { "coding": [{ "system": format!("{url}/cs"), "code": "x" }] } }),
        ),
        (
            "an extension at an address",
            json!({ "resourceType": "Patient", "extension": [{ "url": format!("{url}/x"), "valueString": "x" }] }),
        ),
        (
            "a picture in a narrative",
            json!({ "resourceType": "Patient", "text": { "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><img src=\"{url}/x.png\"/></div>") } }),
        ),
        (
            "an external entity in a narrative",
            json!({ "resourceType": "Patient", "text": { "status": "generated", "div": "<!DOCTYPE div [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><div xmlns=\"http://www.w3.org/1999/xhtml\">&x;</div>" } }),
        ),
    ] {
        let kind = body["resourceType"].as_str().unwrap();
        let request =
            readers.http.post(stranger.url(&format!("/fhir/{kind}/$validate"))).bearer_auth(&stranger.lakeside.token);
        let response = request.json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert!(status == 200 && !text.contains("root:"), "{attempt}: {status} {text}");
        attempts.add(attempt, "200, not fetched");
    }
    for (attempt, profile) in [
        ("a file as profile (`?profile=file:///etc/passwd`)", "file:///etc/passwd".to_string()),
        ("an address as profile", format!("{url}/p")),
    ] {
        let path = format!("/fhir/Patient/$validate?profile={profile}");
        let request = readers.http.request(Method::POST, stranger.url(&path)).bearer_auth(&stranger.lakeside.token);
        let status = request.json(&json!({ "resourceType": "Patient" })).send().await.unwrap().status();
        assert_eq!(status, 400, "{attempt}");
        attempts.add(attempt, "400, not fetched");
    }
    let hook = stranger.url("/cds-services/handover-patient-view");
    let token = readers.lakeside.sign(&readers.claims(CLIENT, &hook)).unwrap();
    let body = json!({ "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "fhirServer": url,
        "fhirAuthorization": { "access_token": "x", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.*", "subject": "x" },
        "context": { "userId": "Practitioner/1", "patientId": format!("{url}/Patient/1") } });
    let status = readers.http.post(hook).bearer_auth(token).json(&body).send().await.unwrap().status().as_u16();
    assert!([200, 412].contains(&status), "{status}");
    attempts.add("a hook's `fhirServer` at the attacker's address", format!("{status}, not called"));
    let document = adt("A04", "SSRF1", "6010", "V70", &minutes_ago(4))
        + &format!("OBX|1|RP|18842-5^Discharge summary^LN||{url}/x.pdf&attacker^APPLICATION^PDF||||||F\r");
    let post = readers
        .http
        .post(stranger.url("/hl7/riverside"))
        .bearer_auth(FEED_TOKEN)
        .header("content-type", "application/hl7-v2");
    let status = post.body(document).send().await.unwrap().status().as_u16();
    attempts.add("a document that is only an address (OBX-2 RP)", format!("{status}, not fetched"));
    let redirect = format!("/fhir/Patient?_format={url}");
    let (status, _) = stranger.ask(Method::GET, &redirect).await;
    assert_eq!(status, 406);
    attempts.add("an address as `_format`", "406");
}
