//! Tokens: assertions that should not buy one, and bearers that should not count as one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use handover::delivery::SigningKey;
use reqwest::Method;
use serde_json::{Value, json};

use super::Attempts;
use super::stranger::{NOBODY, OWN, Stranger, told};
use crate::partner::{ASSERTION_TYPE, CLIENT, SCOPES, now};

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A JWT put together by hand.
fn by_hand(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{}.{signature}", encode(header), encode(claims))
}

/// The claims with one of them another, or gone where it is null.
fn but(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    let map = claims.as_object_mut().unwrap();
    if value.is_null() {
        map.remove(name)
    } else {
        map.insert(name.to_string(), value)
    };
    claims
}

pub async fn assertions(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Tokens: assertions");
    let readers = &stranger.readers;
    let url = readers.token_url();
    let claims = || readers.claims(CLIENT, &url);
    let own = &readers.lakeside;
    let sign = |claims: &Value| own.sign(claims).unwrap();
    let stolen = sign(&claims());
    let body = stolen.split('.').nth(1).unwrap();
    let header = |extra: Value| {
        let mut header = json!({ "alg": "ES384", "typ": "JWT", "kid": "lakeside-1" });
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        header
    };
    let foreign = SigningKey::from_pem(&readers.eastside_pem, Some("lakeside-1")).unwrap();
    let rows = [
        ("`alg: none`, no signature", by_hand(&json!({ "alg": "none", "kid": "lakeside-1" }), &claims(), "")),
        (
            "`alg: HS256`, the public key as the secret",
            by_hand(&json!({ "alg": "HS256", "kid": "lakeside-1" }), &claims(), "c2ln"),
        ),
        ("another client's key under this client's `kid`", foreign.sign(&claims()).unwrap()),
        ("another client's `kid`", readers.eastside.sign(&claims()).unwrap()),
        ("claims changed after signing", stolen.replace(body, &encode(&but(&claims(), "jti", json!("other"))))),
        ("expired ten minutes ago", sign(&but(&claims(), "exp", json!(now() - 600)))),
        ("good for an hour", sign(&but(&claims(), "exp", json!(now() + 3600)))),
        ("without `exp`", sign(&but(&claims(), "exp", Value::Null))),
        ("not valid before tomorrow", sign(&but(&claims(), "nbf", json!(now() + 86_400)))),
        ("made for another server", sign(&but(&claims(), "aud", json!("https://elsewhere.example/auth/token")))),
        ("made for the FHIR base", sign(&but(&claims(), "aud", json!(stranger.url("/fhir"))))),
        ("without `jti`", sign(&but(&claims(), "jti", Value::Null))),
        ("`sub` of another client", sign(&but(&claims(), "sub", json!("eastside-ehr")))),
        ("an issuer that nobody registered", sign(&but(&claims(), "iss", json!("nobody")))),
        (
            "a `crit` header that nobody understands",
            by_hand(&header(json!({ "crit": ["b64"], "b64": false })), &claims(), "c2ln"),
        ),
        (
            "the attacker's own key in the header (`jwk`)",
            by_hand(&header(json!({ "jwk": readers.eastside.public_jwk() })), &claims(), "c2ln"),
        ),
        ("a JWT of 40 kB", sign(&but(&claims(), "more", json!("x".repeat(40_000))))),
        ("half a JWT", stolen.rsplit_once('.').unwrap().0.to_string()),
        ("an access token as assertion", stranger.lakeside.token.clone()),
    ];
    for (attempt, assertion) in rows {
        let (status, body) = readers.ask(&assertion, SCOPES).await;
        assert!([400, 401].contains(&status), "{attempt}: {status} {body}");
        attempts.add(
            attempt,
            format!("{status} {}: {}", body["error"].as_str().unwrap(), body["error_description"].as_str().unwrap()),
        );
    }
    let twice = sign(&claims());
    assert_eq!(readers.ask(&twice, SCOPES).await.0, 200);
    let (status, body) = readers.ask(&twice, SCOPES).await;
    assert_eq!(status, 401, "{body}");
    attempts.add("the same assertion twice", format!("401 {}", body["error_description"].as_str().unwrap()));
    let (status, body) = readers.ask(&sign(&claims()), "system/*.cruds system/Patient.rs offline_access").await;
    let granted = body["scope"].as_str().unwrap();
    assert!(
        status == 200
            && !granted
                .contains(['c', 'u', 'd'].map(|letter| format!(".{letter}")).as_slice().first().unwrap().as_str()),
        "{body}"
    );
    assert!(!granted.contains("Coverage") && !granted.contains('*'), "{granted}");
    attempts.add(
        "more scopes than are registered (`system/*.cruds`)",
        "200, and only what is registered and some agreement allows",
    );
    let form = |extra: &[(&str, &str)]| {
        let assertion = sign(&claims());
        let mut form: Vec<(String, String)> =
            [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion), ("scope", SCOPES)]
                .iter()
                .chain(extra)
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect();
        form.retain(|(name, _)| !extra.iter().any(|(other, value)| other == name && value.is_empty()));
        readers.http.post(&url).form(&form).send()
    };
    for (attempt, extra) in [
        (
            "`grant_type=password` with somebody's name",
            vec![("grant_type", "password"), ("username", "admin"), ("password", "admin")],
        ),
        ("two assertions in one form", vec![("grant_type", "client_credentials"), ("client_assertion", "second")]),
        (
            "a client secret instead",
            vec![("grant_type", "client_credentials"), ("client_assertion", ""), ("client_secret", "x")],
        ),
    ] {
        let response = form(&extra).await.unwrap();
        let status = response.status().as_u16();
        let body = response.text().await.unwrap();
        assert!([400, 401].contains(&status), "{attempt}: {status} {body}");
        attempts.add(attempt, told(status, &body));
    }
    attempts
}

pub async fn bearers(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Tokens: bearers");
    let readers = &stranger.readers;
    let path = format!("/fhir/Patient/{}", stranger.patient(OWN));
    let token = &stranger.lakeside.token;
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["scope"] = json!("system/*.cruds");
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let claims_of_ours = but(&claims, "exp", json!(now() + 300));
    let rows = [
        (
            "an access token with more scopes written into it",
            format!("Bearer {}.{}.{}", parts[0], encode(&claims), parts[2]),
        ),
        ("an access token with `alg: none`", format!("Bearer {}", by_hand(&json!({ "alg": "none" }), &claims, ""))),
        (
            "one signed with the partner's own key",
            format!("Bearer {}", readers.lakeside.sign(&claims_of_ours).unwrap()),
        ),
        (
            "one whose header names the partner's key",
            format!("Bearer {}", by_hand(&but(&header, "kid", json!("lakeside-1")), &claims, parts[2])),
        ),
        (
            "an assertion as access token",
            format!("Bearer {}", readers.lakeside.sign(&readers.claims(CLIENT, &readers.token_url())).unwrap()),
        ),
        ("Basic authentication", "Basic YWRtaW46YWRtaW4=".to_string()),
        ("an empty bearer", "Bearer ".to_string()),
    ];
    for (attempt, value) in rows {
        let response = readers.http.get(stranger.url(&path)).header("authorization", value).send().await.unwrap();
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_string();
        assert_eq!(response.status(), 401, "{attempt}");
        attempts.add(attempt, format!("401, {challenge}"));
    }
    for (attempt, request) in [
        ("the token in the address", readers.http.get(stranger.url(&format!("{path}?access_token={token}")))),
        (
            "the token as the console's cookie",
            readers.http.get(stranger.url(&path)).header("cookie", format!("handover-session={token}")),
        ),
    ] {
        let status = request.send().await.unwrap().status();
        assert_eq!(status, 401, "{attempt}");
        attempts.add(attempt, "401");
    }
    let narrow = readers.reader(&readers.lakeside, CLIENT, "system/Task.rs").await;
    let response = narrow.response(&format!("Patient/{}", stranger.patient(OWN))).await;
    assert_eq!(response.status(), 403);
    let absent = narrow.response(&format!("Patient/{}", stranger.patient(NOBODY))).await;
    assert_eq!(absent.status(), 403);
    attempts.add(
        "a token for Task, used for a Patient that is there and for one that is not",
        "403 insufficient_scope, both",
    );
    let eastside = readers.reader(&readers.eastside, "eastside-ehr", "system/*.rs").await;
    let (status, body) = eastside.get(&format!("Patient/{}", stranger.patient(OWN))).await;
    assert_eq!(status, 404, "{body}");
    attempts.add("another partner's token for a patient of Lakeside", "404");
    let (status, _) = stranger.ask(Method::GET, &path).await;
    assert_eq!(status, 200, "and whoever may read still reads");
    attempts
}
