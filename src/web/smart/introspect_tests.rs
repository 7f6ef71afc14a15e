//! Who is told of a token, of which, and that of every other one nothing is told.

use actix_web::test::TestRequest;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::delivery::{key_for_tests, partner_for_tests};
use crate::site::JwksSource;
use crate::web::smart::oauth::ASSERTION_TYPE;
use crate::web::trial::{Answer, BASE, Trial};

fn assertion(trial: &Trial, audience: &str) -> String {
    let now = trial.clock.now().as_second();
    let jti = format!("{:x}", rand::random::<u128>());
    let claims = json!({ "iss": "practice-client", "sub": "practice-client", "aud": format!("{BASE}{audience}"),
        "exp": now + 240, "jti": jti });
    trial.key.sign(&claims).unwrap()
}

async fn ask(trial: &Trial, bearer: Option<&str>, form: &[(&str, &str)]) -> Answer {
    let request = TestRequest::post().uri("/auth/introspect").set_form(form);
    let proof = bearer.map(|token| ("authorization", format!("Bearer {token}")));
    trial.call(proof.into_iter().fold(request, TestRequest::insert_header)).await
}

#[actix_web::test]
async fn a_client_is_told_what_its_own_token_opens_by_assertion_and_by_token() {
    let trial = Trial::new().await;
    let token = trial.token("system/Task.rs system/Flag.r");
    let now = trial.clock.now().as_second();
    for audience in ["/auth/introspect", "/auth/token"] {
        let proof = assertion(&trial, audience);
        let form = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &proof), ("token", &token)];
        let told = ask(&trial, None, &form).await;
        let named = |name: &str| told.body[name].clone();
        assert_eq!((told.status.as_u16(), named("active")), (200, json!(true)), "{}", told.text);
        assert_eq!(named("scope"), "system/Task.rs system/Flag.r");
        assert_eq!((named("client_id"), named("sub")), (json!("practice-client"), json!("practice-client")));
        assert_eq!((named("iss"), named("iat"), named("exp")), (json!(BASE), json!(now), json!(now + 300)));
        assert_eq!(told.header("cache-control"), "no-store");
        let again = ask(&trial, None, &form).await;
        assert_eq!((again.status.as_u16(), &again.body["error"]), (401, &json!("invalid_client")), "it works once");
    }
    let other = trial.token("system/Patient.r");
    let told = ask(&trial, Some(&other), &[("token", &token), ("token_type_hint", "refresh_token")]).await;
    assert_eq!((told.status.as_u16(), &told.body["active"]), (200, &json!(true)));
    let written = trial.audit().await;
    let entries: Vec<_> = written.iter().filter(|entry| entry.action == "introspect").collect();
    assert_eq!(entries.len(), 3);
    let jti = told.body["jti"].as_str().unwrap();
    assert!(entries.iter().all(|entry| entry.agent == "practice" && entry.subject.contains(jti)));
}

#[actix_web::test]
async fn of_every_other_token_the_same_is_told() {
    let trial = Trial::new().await;
    let mut other = partner_for_tests("http://unused.invalid");
    other.name = "hospital".into();
    other.client_id = Some("hospital-client".into());
    other.jwks = Some(JwksSource::Inline(json!({ "keys": [key_for_tests().public_jwk()] })));
    other.scopes = vec!["system/*.rs".into()];
    trial.register(other);
    let now = trial.clock.now();
    let give = |client: &str, at| trial.service.token_key.give(BASE, client, "system/Task.rs".into(), at).unwrap();
    let own = give("practice-client", now);
    let tampered = own.replace('.', ".e");
    let unregistered = trial.token("system/Task.cd");
    let forged = key_for_tests().sign(&json!({ "iss": BASE, "aud": format!("{BASE}/fhir"), "sub": "practice-client",
        "scope": "system/*.rs", "iat": 0, "exp": now.as_second() + 100, "jti": "x" }));
    for (what, token) in [
        ("another client's", give("hospital-client", now)),
        ("nobody's", give("gone-client", now)),
        ("expired", give("practice-client", now - SignedDuration::from_secs(301))),
        ("changed", tampered),
        ("of scopes that are no longer registered", unregistered),
        ("not signed by us", forged.unwrap()),
        ("no JWT", "abc".to_string()),
        ("an assertion", assertion(&trial, "/auth/introspect")),
    ] {
        let told = ask(&trial, Some(&own), &[("token", &token)]).await;
        assert_eq!((told.status.as_u16(), &told.body), (200, &json!({ "active": false })), "{what}");
    }
    let entry = trial.audit().await.into_iter().find(|entry| entry.action == "introspect").unwrap();
    assert!(!entry.allowed && entry.subject == "a token", "{entry:?}");
}

#[actix_web::test]
async fn who_does_not_prove_who_it_is_is_told_nothing() {
    let trial = Trial::new().await;
    let (own, proof) = (trial.token("system/Task.rs"), assertion(&trial, "/fhir"));
    let by_assertion = |proof: &str| {
        [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", proof), ("token", &own)]
            .map(|(name, value)| (name.to_string(), value.to_string()))
    };
    let asked = async |bearer: Option<&str>, form: &[(String, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let told = ask(&trial, bearer, &form).await;
        assert!(told.body.get("active").is_none(), "{}", told.text);
        let challenge = told.header("www-authenticate").to_string();
        (told.status.as_u16(), told.body["error"].as_str().unwrap_or_default().to_string(), challenge)
    };
    let with = |code: u16, error: &str, challenge: &str| (code, error.to_string(), challenge.to_string());
    let token = [("token".to_string(), own.clone())];
    let expired = "Bearer realm=\"fhir\", error=\"invalid_token\"";
    assert_eq!(asked(None, &token).await, with(401, "invalid_token", "Bearer realm=\"fhir\""));
    assert_eq!(asked(Some("abc"), &token).await, with(401, "invalid_token", expired));
    assert_eq!(asked(None, &by_assertion(&proof)).await, with(401, "invalid_client", ""));
    let good = assertion(&trial, "/auth/introspect");
    assert_eq!(asked(Some(&own), &by_assertion(&good)).await, with(400, "invalid_request", ""));
    assert_eq!(asked(Some(&own), &[]).await, with(400, "invalid_request", ""));
    let twice = [token.clone(), token.clone()].concat();
    assert_eq!(asked(Some(&own), &twice).await, with(400, "invalid_request", ""));
    let json = TestRequest::post().uri("/auth/introspect").set_json(json!({ "token": own }));
    assert_eq!(trial.call(json.insert_header(("authorization", format!("Bearer {own}")))).await.status, 400);
}

#[actix_web::test]
async fn asking_is_paced_for_each_client() {
    let trial = Trial::new().await;
    let own = trial.token("system/Task.rs");
    let mut told = Vec::new();
    for _ in 0..401 {
        told.push(ask(&trial, Some(&own), &[("token", &own)]).await.status.as_u16());
    }
    assert_eq!((told[399], told[400]), (200, 429));
}

#[actix_web::test]
async fn the_configuration_says_what_is_there_and_no_more() {
    let trial = Trial::new().await;
    let told = trial.call(TestRequest::get().uri("/fhir/.well-known/smart-configuration")).await.body;
    let names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(names.iter().all(|name| !name.contains("authorization") && !name.contains("response_types")), "{names:?}");
    // It is for those who log people in (SMART App Launch 2.2, conformance).
    assert_eq!(told.get("issuer"), None);
    assert_eq!(told["introspection_endpoint"], format!("{BASE}/auth/introspect"));
    // Each scope that is named is granted where it is registered and agreed, and does something.
    let scopes: Vec<&str> =
        told["scopes_supported"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let registered = crate::web::scope::Scopes::parse("system/*.cruds");
    for scope in &scopes {
        let one = crate::web::scope::Scopes::parse(scope);
        assert_eq!(crate::web::scope::Scopes::grant(&one, &registered).to_string(), *scope);
    }
    assert!(scopes.contains(&"system/Patient.crus") && scopes.contains(&"system/Observation.cruds"), "{scopes:?}");
    let statement = trial.call(TestRequest::get().uri("/fhir/metadata")).await.body;
    for of_type in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = of_type["type"].as_str().unwrap();
        if !crate::fhir::search::SERVED.contains(&kind) {
            continue; // what is asked of codes needs a token, and no scope
        }
        let does = |code: &str| of_type["interaction"].as_array().unwrap().contains(&json!({ "code": code }));
        let codes = [("c", "create"), ("r", "read"), ("u", "update"), ("d", "delete"), ("s", "search-type")];
        let letters: String = codes.iter().filter(|(_, code)| does(code)).map(|(letter, _)| *letter).collect();
        assert!(scopes.contains(&format!("system/{kind}.{letters}").as_str()), "{kind}.{letters}: {scopes:?}");
    }
    let by: Value = json!(["private_key_jwt", "Bearer"]);
    assert_eq!(told["introspection_endpoint_auth_methods_supported"], by);
}
