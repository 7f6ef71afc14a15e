//! Who gets a token, and every way in which none is given.

use actix_web::test::TestRequest;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::delivery::{SigningKey, key_for_tests};
use crate::web::smart::oauth::ASSERTION_TYPE;
use crate::web::trial::{Answer, BASE, Trial};

fn claims(trial: &Trial) -> Value {
    let now = trial.clock.now().as_second();
    let jti = format!("{:x}", rand::random::<u128>());
    json!({ "iss": "practice-client", "sub": "practice-client", "aud": format!("{BASE}/auth/token"),
        "exp": now + 240, "iat": now, "jti": jti })
}

async fn ask(trial: &Trial, form: &[(&str, &str)]) -> Answer {
    trial.call(TestRequest::post().uri("/auth/token").set_form(form)).await
}

async fn ask_with(trial: &Trial, assertion: &str, scope: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
        ("scope", scope),
    ];
    ask(trial, &form).await
}

async fn refused(trial: &Trial, key: &SigningKey, claims: &Value, why: &str) {
    let answer = ask_with(trial, &key.sign(claims).unwrap(), "system/Task.rs").await;
    assert_eq!((answer.status.as_u16(), &answer.body["error"]), (401, &json!("invalid_client")), "{why}");
    let told = answer.body["error_description"].as_str().unwrap();
    assert!(told.contains(why), "{told} does not say {why}");
}

#[actix_web::test]
async fn a_registered_client_gets_a_token_that_opens_what_it_says() {
    let trial = Trial::new().await;
    let assertion = trial.key.sign(&claims(&trial)).unwrap();
    let answer = ask_with(&trial, &assertion, "system/Task.rs system/Coverage.rs launch").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!((&answer.body["token_type"], &answer.body["expires_in"]), (&json!("bearer"), &json!(300)));
    assert_eq!(answer.body["scope"], "system/Task.rs", "no agreement lets it pull Coverage");
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.body["access_token"].as_str().unwrap();
    let read = TestRequest::get().uri("/fhir/Task").insert_header(("authorization", format!("Bearer {token}")));
    assert_eq!(trial.call(read).await.ids().len(), 2);
    let other = TestRequest::get().uri("/fhir/Patient").insert_header(("authorization", format!("Bearer {token}")));
    assert_eq!(trial.call(other).await.status, 403);
}

#[actix_web::test]
async fn an_assertion_works_once() {
    let trial = Trial::new().await;
    let assertion = trial.key.sign(&claims(&trial)).unwrap();
    assert_eq!(ask_with(&trial, &assertion, "system/Task.rs").await.status, 200);
    let again = ask_with(&trial, &assertion, "system/Task.rs").await;
    assert_eq!((again.status.as_u16(), &again.body["error"]), (401, &json!("invalid_client")));
}

#[actix_web::test]
async fn each_claim_is_checked_and_the_fault_is_said() {
    let trial = Trial::new().await;
    let now = trial.clock.now().as_second();
    for (name, value, why) in [
        ("aud", json!(format!("{BASE}/auth/token/")), "aud"),
        ("aud", json!(format!("{BASE}/fhir")), "aud"),
        ("sub", json!("somebody"), "sub"),
        ("iss", json!("somebody"), "iss"),
        ("exp", json!(now - 31), "expired"),
        ("exp", json!(now + 400), "five minutes"),
        ("exp", json!(null), "exp"),
        ("nbf", json!(now + 100), "not valid yet"),
        ("jti", json!(null), "jti"),
        ("jti", json!(""), "jti"),
    ] {
        let mut claims = claims(&trial);
        claims[name] = value;
        refused(&trial, &trial.key, &claims, why).await;
    }
}

#[actix_web::test]
async fn a_key_that_is_not_registered_proves_nothing() {
    let trial = Trial::new().await;
    refused(&trial, &key_for_tests(), &claims(&trial), "no key with this kid").await;
    let good = trial.key.sign(&claims(&trial)).unwrap();
    let (head, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", "A".repeat(128));
    let answer = ask_with(&trial, &forged, "system/Task.rs").await;
    assert!(answer.text.contains("signature is wrong"), "{}", answer.text);
}

#[actix_web::test]
async fn algorithms_other_than_the_two_are_refused() {
    let trial = Trial::new().await;
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS384);
    header.kid = Some(trial.key.id().to_string());
    let secret = jsonwebtoken::EncodingKey::from_secret(trial.key.public_jwk().to_string().as_bytes());
    let assertion = jsonwebtoken::encode(&header, &claims(&trial), &secret).unwrap();
    assert!(ask_with(&trial, &assertion, "system/Task.rs").await.text.contains("RS384 or ES384"));
    let none = format!("eyJhbGciOiJub25lIiwia2lkIjoieCJ9.{}.", assertion.split('.').nth(1).unwrap());
    assert_eq!(ask_with(&trial, &none, "system/Task.rs").await.status, 401);
}

#[actix_web::test]
async fn extensions_that_must_be_understood_are_refused() {
    let trial = Trial::new().await;
    // Any one of them, the well-known b64 (RFC 7797) among them, and an empty list, which must not be sent at all.
    for names in [vec!["exp"], vec!["b64"], vec!["urn:example:x"], vec![]] {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES384);
        header.crit = Some(names.iter().map(ToString::to_string).collect());
        let assertion = trial.key.sign_with(header, &claims(&trial)).unwrap();
        let answer = ask_with(&trial, &assertion, "system/Task.rs").await;
        assert_eq!(answer.status, 401, "{names:?}");
        assert!(answer.text.contains("crit"), "{}", answer.text);
    }
}

#[actix_web::test]
async fn requests_that_are_not_backend_services_get_oauths_errors() {
    let trial = Trial::new().await;
    let error = |answer: &Answer| answer.body["error"].as_str().unwrap_or_default().to_string();
    assert_eq!(error(&ask(&trial, &[]).await), "invalid_request");
    assert_eq!(error(&ask(&trial, &[("grant_type", "password")]).await), "unsupported_grant_type");
    assert_eq!(error(&ask(&trial, &[("grant_type", "client_credentials")]).await), "invalid_request");
    let twice = [("grant_type", "client_credentials"), ("grant_type", "client_credentials")];
    assert_eq!(error(&ask(&trial, &twice).await), "invalid_request");
    let assertion = trial.key.sign(&claims(&trial)).unwrap();
    assert_eq!(error(&ask_with(&trial, &assertion, "patient/Task.rs").await), "invalid_scope");
    let json = trial.call(TestRequest::post().uri("/auth/token").set_json(json!({}))).await;
    assert_eq!((json.status.as_u16(), error(&json).as_str()), (400, "invalid_request"));
}

#[actix_web::test]
async fn a_partner_that_is_taken_out_of_the_site_loses_its_tokens() {
    let trial = Trial::new().await;
    let token = trial.token("system/*.rs");
    let mut site = crate::site::Site::bare(std::path::Path::new("/"));
    site.settings.base_url = BASE.to_string();
    trial.gateway.site.store(std::sync::Arc::new(site));
    let read = TestRequest::get().uri("/fhir/Task").insert_header(("authorization", format!("Bearer {token}")));
    assert_eq!(trial.call(read).await.status, 401);
}

#[actix_web::test]
async fn the_configuration_and_the_key_are_published() {
    let trial = Trial::new().await;
    for path in ["/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"] {
        let answer = trial.call(TestRequest::get().uri(path)).await;
        assert_eq!(answer.body["token_endpoint"], format!("{BASE}/auth/token"), "{path}");
    }
    let jwks = trial.call(TestRequest::get().uri("/.well-known/jwks.json")).await;
    assert_eq!((&jwks.body["keys"][0]["alg"], jwks.body["keys"][0].get("d")), (&json!("ES384"), None));
}

#[actix_web::test]
async fn an_expired_jti_may_come_again_only_with_an_assertion_that_is_itself_good() {
    let trial = Trial::new().await;
    let claims = claims(&trial);
    let assertion = trial.key.sign(&claims).unwrap();
    assert_eq!(ask_with(&trial, &assertion, "system/Task.rs").await.status, 200);
    trial.clock.advance(SignedDuration::from_secs(600));
    refused(&trial, &trial.key, &claims, "expired").await;
}
