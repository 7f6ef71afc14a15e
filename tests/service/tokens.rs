//! SMART Backend Services 2.2 against the running gateway: who gets a token, and who is told why not.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::partner::{CLIENT, Readers, now};

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_with_keys_in_the_site_and_one_with_keys_by_address_get_what_they_may_have() {
    let readers = Readers::new().await;
    let configuration: Value =
        reqwest::get(readers.house.url("/fhir/.well-known/smart-configuration")).await.unwrap().json().await.unwrap();
    assert_eq!(configuration["token_endpoint"], readers.token_url());

    let lakeside = readers.lakeside.sign(&readers.claims(CLIENT, &readers.token_url())).unwrap();
    // Coverage is registered but in no agreement, Location neither; Flag is registered for reading alone.
    let (status, body) =
        readers.ask(&lakeside, "system/Task.rs system/Flag.rs system/Coverage.rs system/Location.rs").await;
    assert_eq!((status, &body["scope"]), (200, &json!("system/Task.rs system/Flag.r")), "{body}");
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(300)));

    let eastside = readers.eastside.sign(&readers.claims("eastside-ehr", &readers.token_url())).unwrap();
    let (status, body) = readers.ask(&eastside, "system/Task.rs system/Encounter.rs").await;
    assert_eq!((status, &body["scope"]), (200, &json!("system/Task.rs")), "{body}");
    let reader = readers.reader(&readers.eastside, "eastside-ehr", "system/Task.rs").await;
    assert_eq!(reader.get("Task").await.0, 200);
    assert_eq!(reader.get("Patient").await.0, 403, "the scope was not asked for");
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_assertion_is_said_in_oauths_words() {
    let readers = Readers::new().await;
    let right = readers.claims(CLIENT, &readers.token_url());
    let assertion = readers.lakeside.sign(&right).unwrap();
    assert_eq!(readers.ask(&assertion, "system/Task.rs").await.0, 200);
    refused(&readers, &assertion, "used before").await;

    let changed = |name: &str, value: Value| {
        let mut claims = readers.claims(CLIENT, &readers.token_url());
        claims[name] = value;
        readers.lakeside.sign(&claims).unwrap()
    };
    refused(&readers, &changed("aud", json!(readers.house.url("/fhir"))), "aud").await;
    refused(&readers, &changed("exp", json!(now() - 60)), "expired").await;
    refused(&readers, &changed("exp", json!(now() + 3600)), "five minutes").await;
    refused(&readers, &changed("sub", json!("eastside-ehr")), "sub must be").await;

    // Another's key under our name, a key nobody registered, and algorithms that are not SMART's.
    let right = || readers.claims(CLIENT, &readers.token_url());
    refused(&readers, &readers.eastside.sign(&right()).unwrap(), "no key with this kid").await;
    let with = |algorithm: Algorithm, key_id: &str, key: &EncodingKey, claims: &Value| {
        let mut header = Header::new(algorithm);
        header.kid = Some(key_id.to_string());
        jsonwebtoken::encode(&header, claims, key).unwrap()
    };
    let own = EncodingKey::from_ec_pem(readers.lakeside_pem.as_bytes()).unwrap();
    refused(&readers, &with(Algorithm::ES384, "lakeside-2", &own, &right()), "no key with this kid").await;
    let secret = EncodingKey::from_secret(readers.lakeside.public_jwk().to_string().as_bytes());
    refused(&readers, &with(Algorithm::HS256, "lakeside-1", &secret, &right()), "RS384 or ES384").await;
    let rsa = EncodingKey::from_rsa_pem(readers.eastside_pem.as_bytes()).unwrap();
    let claims = readers.claims("eastside-ehr", &readers.token_url());
    refused(&readers, &with(Algorithm::RS256, "eastside-1", &rsa, &claims), "RS384 or ES384").await;
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_that_nobody_allows_are_invalid_and_a_lost_token_opens_nothing() {
    let readers = Readers::new().await;
    let assertion = readers.lakeside.sign(&readers.claims(CLIENT, &readers.token_url())).unwrap();
    let (status, body) = readers.ask(&assertion, "system/Location.rs patient/Task.rs").await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_scope")), "{body}");
    for token in ["", "x", "eyJhbGciOiJub25lIn0.e30."] {
        let response = readers.http.get(readers.house.url("/fhir/Task")).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), 401, "{token}");
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    }
    // The assertion itself is no access token.
    let response = readers.http.get(readers.house.url("/fhir/Task")).bearer_auth(&assertion).send().await.unwrap();
    assert_eq!(response.status(), 401);
    readers.house.running.stop().await;
}

async fn refused(readers: &Readers, assertion: &str, why: &str) {
    let (status, body) = readers.ask(assertion, "system/Task.rs").await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")), "{why}: {body}");
    assert!(body["error_description"].as_str().unwrap().contains(why), "{why}: {body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_search_is_told_before_the_form_has_come() {
    let readers = Readers::new().await;
    let narrow = readers.reader(&readers.lakeside, CLIENT, "system/Patient.rs").await;
    let (none, wrong) = (String::new(), "Authorization: Bearer none\r\n".to_string());
    let other = format!("Authorization: Bearer {}\r\n", narrow.token);
    for (authorization, status) in [(none, "401"), (wrong, "401"), (other, "403")] {
        let mut stream = TcpStream::connect(readers.house.running.http).await.unwrap();
        let head = format!(
            "POST /fhir/Task/_search HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nstatus="
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await;
        assert!(read.is_ok(), "{status}: the rest of the form is waited for");
        assert_eq!(std::str::from_utf8(&answer), Ok(format!("HTTP/1.1 {status}").as_str()));
    }
    readers.house.running.stop().await;
}
