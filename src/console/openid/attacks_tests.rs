//! The organisation's login by somebody who means ill: a provider that misbehaves in one way at a time, and a browser that brings what
//! is not its own.

use std::path::Path;
use std::sync::{Arc, Mutex};

use actix_web::http::header::{COOKIE as COOKIE_HEADER, LOCATION, SET_COOKIE};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpResponse, HttpServer, web};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::clock::ManualClock;
use crate::console::{Console, Sessions, configure};
use crate::delivery::{SigningKey, key_for_tests};
use crate::pipeline::Gateway;
use crate::site::{ClientProof, GroupRow, GroupRows, OpenIdLogin, Panels, PersonClaim, Site, StaffMember, StaffRole};
use crate::store::{EngineChoice, StoreSettings, open};

const NOW: i64 = 1_800_000_000;

/// What the provider says at its token endpoint, and how often its keys were asked for.
struct Provider {
    key: SigningKey,
    token: Mutex<String>,
    userinfo: Mutex<Value>,
    keys_asked: Mutex<usize>,
    form: Mutex<String>,
}

async fn provider() -> (Arc<Provider>, String) {
    let made = Arc::new(Provider {
        key: key_for_tests(),
        token: Mutex::default(),
        userinfo: Mutex::new(Value::Null),
        keys_asked: Mutex::default(),
        form: Mutex::default(),
    });
    let data = web::Data::from(Arc::clone(&made));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route(
                "/.well-known/openid-configuration",
                web::get().to(|request: actix_web::HttpRequest| async move {
                    let issuer = format!("http://{}", request.connection_info().host());
                    HttpResponse::Ok().json(
                        json!({ "issuer": issuer, "authorization_endpoint": format!("{issuer}/ask"),
                    "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
                    "userinfo_endpoint": format!("{issuer}/userinfo") }),
                    )
                }),
            )
            .route(
                "/keys",
                web::get().to(|it: web::Data<Provider>| async move {
                    *it.keys_asked.lock().unwrap() += 1;
                    HttpResponse::Ok().json(json!({ "keys": [it.key.public_jwk()] }))
                }),
            )
            .route(
                "/userinfo",
                web::get().to(|it: web::Data<Provider>| async move {
                    HttpResponse::Ok().json(it.userinfo.lock().unwrap().clone())
                }),
            )
            .route(
                "/token",
                web::post().to(|it: web::Data<Provider>, body: String| async move {
                    *it.form.lock().unwrap() = body;
                    let token = it.token.lock().unwrap().clone();
                    HttpResponse::Ok().json(json!({ "id_token": token, "access_token": "a", "token_type": "Bearer" }))
                }),
            )
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    (made, address)
}

/// A provider as a site may write it.
pub(super) fn login(issuer: &str) -> OpenIdLogin {
    let row = GroupRow {
        group: "night-desk".into(),
        roles: vec![StaffRole::Operator],
        panels: Panels::All,
        sensitive: false,
    };
    OpenIdLogin {
        title: "Lakeside login".into(),
        issuer: issuer.into(),
        client_id: "handover".into(),
        proof: ClientProof::Secret("s&cret".into()),
        scopes: vec!["email".into()],
        person: PersonClaim::Email,
        groups: Some(GroupRows { claim: "groups".into(), rows: vec![row] }),
        algorithms: vec!["ES384".into(), "RS256".into()],
        acr: Vec::new(),
        amr: Vec::new(),
        max_age_minutes: None,
        passwords: true,
        audiences: Vec::new(),
        server_ca: None,
        timeout_secs: 5,
    }
}

fn console(issuer: &str, change: impl FnOnce(&mut OpenIdLogin)) -> Arc<Console> {
    let mut site = Site::bare(Path::new("/"));
    let nia = StaffMember {
        login: "nbrooks".into(),
        name: "Nia Brooks RN".into(),
        roles: vec![StaffRole::CareManager],
        panels: Panels::All,
        sensitive: false,
        openid: Some("Nia@Lakeside.example".into()),
        password: None,
        code: None,
        disabled: false,
    };
    let gone = StaffMember { login: "gone".into(), name: "Greta Gone".into(), disabled: true, ..nia.clone() };
    let gone = StaffMember { openid: Some("gone@lakeside.example".into()), ..gone };
    site.people.extend([nia, gone].map(|member| (member.login.clone(), member)));
    let mut login = login(issuer);
    change(&mut login);
    site.openid = Some(login);
    let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(NOW).unwrap()));
    let gateway = Arc::new(Gateway::new(open(&settings).unwrap(), site, clock));
    Arc::new(Console::new(gateway, Arc::new(Sessions::default()), Arc::default(), false))
}

/// A browser's request: the status, the page, where it leads, and the cookies that it sets.
async fn ask(console: &Arc<Console>, path: &str, cookie: &str) -> (u16, String, String, Vec<String>) {
    let app = init_service(App::new().configure(|config| configure(config, Arc::clone(console)))).await;
    let request = TestRequest::get().uri(path).peer_addr(([127, 0, 0, 1], 9).into());
    let answer = call_service(&app, request.insert_header((COOKIE_HEADER, cookie)).to_request()).await;
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_string();
    let to = answer.headers().get(LOCATION).map(text).unwrap_or_default();
    let cookies = answer.headers().get_all(SET_COOKIE).map(text).collect();
    let status = answer.status().as_u16();
    (status, String::from_utf8(read_body(answer).await.to_vec()).unwrap(), to, cookies)
}

/// A browser that set out: its cookie, and what is in the address that it was sent to.
async fn set_out(console: &Arc<Console>, to: &str) -> (String, reqwest::Url) {
    let (status, page, there, cookies) = ask(console, &format!("/console/login/openid?to={to}"), "").await;
    assert_eq!(status, 303, "{page}");
    (cookies[0].split(';').next().unwrap().to_string(), there.parse().unwrap())
}

fn of(url: &reqwest::Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.to_string()).unwrap_or_default()
}

fn claims(issuer: &str, nonce: &str) -> Value {
    json!({ "iss": issuer, "aud": "handover", "sub": "248289", "nonce": nonce, "iat": NOW, "exp": NOW + 300,
        "email": "nia@lakeside.example", "email_verified": true, "groups": ["night-desk", "everybody"] })
}

/// The whole way with changed claims: status, page, cookies.
async fn come(
    console: &Arc<Console>,
    provider: &Provider,
    issuer: &str,
    change: impl FnOnce(&mut Value),
) -> (u16, String, Vec<String>) {
    let (cookie, there) = set_out(console, "/console/work").await;
    let mut said = claims(issuer, &of(&there, "nonce"));
    change(&mut said);
    *provider.token.lock().unwrap() = provider.key.sign(&said).unwrap();
    let (status, page, _, cookies) =
        ask(console, &format!("/console/login/openid/back?code=c&state={}", of(&there, "state")), &cookie).await;
    (status, page, cookies)
}

async fn audit(console: &Console) -> Vec<String> {
    let entries = console.gateway.store.audit(None, None, 100).await.unwrap().items;
    entries.iter().rev().map(|entry| format!("{} {} {}", entry.agent, entry.allowed, entry.because)).collect()
}

fn has_session(cookies: &[String]) -> bool {
    cookies.iter().any(|cookie| cookie.starts_with("handover-session="))
}

#[actix_web::test]
async fn whoever_the_provider_vouches_for_comes_in_as_the_person_of_the_site_and_goes_on() {
    let (provider, issuer) = provider().await;
    let console = console(&issuer, |_| {});
    let (_, there) = set_out(&console, "").await;
    assert_eq!(
        (of(&there, "response_type"), of(&there, "scope"), of(&there, "code_challenge_method")),
        ("code".into(), "openid email".into(), "S256".into())
    );
    assert_eq!(of(&there, "redirect_uri"), "https://gateway.example/console/login/openid/back");
    let (status, page, cookies) = come(&console, &provider, &issuer, |_| {}).await;
    assert!(status == 200 && page.contains("url=/console/work") && has_session(&cookies), "{page}");
    assert!(provider.form.lock().unwrap().contains("code_verifier="));
    let session = cookies.iter().find(|cookie| cookie.starts_with("handover-session=")).unwrap();
    let (status, page, ..) = ask(&console, "/console/work", session.split(';').next().unwrap()).await;
    assert!(status == 200 && page.contains("Nia Brooks RN"), "{page}");
    // A group's row, where there is no person; what follows from nothing is said.
    let (status, ..) = come(&console, &provider, &issuer, |said| said["email"] = json!("Nat@lakeside.example")).await;
    assert_eq!(status, 200);
    let told = audit(&console).await;
    assert!(told[0].starts_with("person:nbrooks true the organisation's login vouched for nia@lakeside.example"));
    let group = told.iter().find(|line| line.starts_with("person:openid:nat@lakeside.example true")).unwrap();
    assert!(group.ends_with("by the group night-desk; nothing follows from everybody"), "{group}");
    assert_eq!(*provider.keys_asked.lock().unwrap(), 1, "keys are kept");
}

#[actix_web::test]
async fn a_token_that_is_wrong_in_one_thing_lets_nobody_in() {
    let (provider, issuer) = provider().await;
    let console = console(&issuer, |login| login.amr = vec!["mfa".into()]);
    type Wrong = (&'static str, fn(&mut Value));
    let wrongs: &[Wrong] = &[
        ("nonce is not", |said| said["nonce"] = json!("another")),
        ("iss is another", |said| said["iss"] = json!("https://evil.example")),
        ("aud is not", |said| said["aud"] = json!("another-client")),
        ("aud is not", |said| said["aud"] = json!(["handover", "another-client"])),
        ("azp is not", |said| said["azp"] = json!("another-client")),
        ("expired", |said| said["exp"] = json!(NOW - 61)),
        ("expired", |said| said["exp"] = Value::Null),
        ("iat is not now", |said| said["iat"] = json!(NOW - 3600)),
        ("iat is not now", |said| said["iat"] = json!(NOW + 600)),
        ("no sub", |said| said["sub"] = json!("")),
        ("amr does not have mfa", |said| said["amr"] = json!(["pwd"])),
        ("email_verified is not true", |said| said["email_verified"] = json!(false)),
        ("the account is disabled", |said| said["email"] = json!("gone@lakeside.example")),
        ("no group a row: no groups", |said| {
            (said["email"], said["groups"]) = (json!("x@lakeside.example"), json!([]));
        }),
        ("leaves the groups out because there are too many", |said| {
            (said["email"], said["groups"]) = (json!("x@lakeside.example"), Value::Null);
            said.as_object_mut().unwrap().remove("groups");
            said["_claim_names"] = json!({ "groups": "src1" });
        }),
    ];
    *provider.userinfo.lock().unwrap() = json!({ "sub": "248289" });
    for (word, wrong) in wrongs {
        let (status, page, cookies) = come(&console, &provider, &issuer, |said| {
            said["amr"] = json!(["pwd", "mfa"]);
            wrong(said);
        })
        .await;
        assert!([401, 403].contains(&status) && !has_session(&cookies), "{word}: {status}");
        assert!(page.contains("That did not work") && page.contains("name=\"password\""), "{word}: {page}");
        let told = audit(&console).await;
        assert!(told.iter().any(|line| line.contains(" false ") && line.contains(word)), "{word}: {told:#?}");
    }
}

#[actix_web::test]
async fn what_is_signed_by_nobody_by_a_shared_secret_or_by_another_key_is_nothing() {
    let (provider, issuer) = provider().await;
    let console = console(&issuer, |_| {});
    let public = provider.key.public_jwk().to_string();
    let other = key_for_tests();
    for kind in ["none", "hs256", "other"] {
        let (cookie, there) = set_out(&console, "").await;
        let said = claims(&issuer, &of(&there, "nonce"));
        let token = match kind {
            "none" => {
                let signed = provider.key.sign(&said).unwrap();
                let body = signed.split('.').nth(1).unwrap();
                // {"alg":"none"}
                format!("eyJhbGciOiJub25lIn0.{body}.")
            }
            "hs256" => {
                let header = Header { kid: Some(provider.key.id().into()), ..Header::new(Algorithm::HS256) };
                jsonwebtoken::encode(&header, &said, &EncodingKey::from_secret(public.as_bytes())).unwrap()
            }
            _ => other.sign(&said).unwrap(),
        };
        *provider.token.lock().unwrap() = token;
        let back = format!("/console/login/openid/back?code=c&state={}", of(&there, "state"));
        let (status, _, _, cookies) = ask(&console, &back, &cookie).await;
        assert!(status == 401 && !has_session(&cookies), "{kind}");
    }
    // Unknown keys do not make us ask without end.
    assert!(*provider.keys_asked.lock().unwrap() <= 2);
}

#[actix_web::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_of_the_provider_that_was_asked() {
    let (provider, issuer) = provider().await;
    let console = console(&issuer, |_| {});
    let (cookie, there) = set_out(&console, "https://evil.example/console/").await;
    *provider.token.lock().unwrap() = provider.key.sign(&claims(&issuer, &of(&there, "nonce"))).unwrap();
    let back = format!("/console/login/openid/back?code=c&state={}", of(&there, "state"));
    let (other, _) = set_out(&console, "").await;
    for (path, cookie) in [
        (back.as_str(), ""),
        (back.as_str(), other.as_str()),
        (back.as_str(), "handover-login=AAAA"),
        ("/console/login/openid/back?code=c&state=", cookie.as_str()),
        (&format!("{back}&iss=https%3A%2F%2Fevil.example"), &cookie),
    ] {
        let (status, _, _, cookies) = ask(&console, path, cookie).await;
        assert!(status == 401 && !has_session(&cookies), "{path} {cookie}");
    }
    let (status, page, _, cookies) = ask(&console, &back, &cookie).await;
    assert!(status == 200 && has_session(&cookies) && !page.contains("evil.example"), "{page}");
    let (status, _, _, cookies) = ask(&console, &back, &cookie).await;
    assert!(status == 401 && !has_session(&cookies), "a second time");
    assert!(audit(&console).await.iter().any(|line| line.contains("this answer was used before")));
}

/// What the provider posts when a session there is over.
async fn log_out(console: &Arc<Console>, token: &str) -> u16 {
    let app = init_service(App::new().configure(|config| configure(config, Arc::clone(console)))).await;
    let request = TestRequest::post().uri("/console/login/openid/logout").peer_addr(([127, 0, 0, 1], 9).into());
    call_service(&app, request.set_form([("logout_token", token)]).to_request()).await.status().as_u16()
}

#[actix_web::test]
async fn a_logout_there_ends_the_session_here_once_and_forged_ones_fill_no_audit() {
    let (provider, issuer) = provider().await;
    let console = console(&issuer, |_| {});
    let (_, _, cookies) = come(&console, &provider, &issuer, |said| said["sid"] = json!("s-1")).await;
    let session = cookies.iter().find(|cookie| cookie.starts_with("handover-session=")).unwrap();
    let session = session.split(';').next().unwrap();
    let mut said = json!({ "iss": issuer, "aud": "handover", "sub": "248289", "sid": "s-1", "jti": "j-1", "iat": NOW,
        "exp": NOW + 120, "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
    let forged = key_for_tests().sign(&said).unwrap();
    for _ in 0..40 {
        assert_eq!(log_out(&console, &forged).await, 400);
    }
    assert_eq!(ask(&console, "/console/work", session).await.0, 200, "nobody was logged out");
    let refused: Vec<_> = audit(&console).await.into_iter().filter(|line| line.contains("a logout token")).collect();
    assert!(refused.len() == 30 && refused[29].ends_with("is not written down"), "{refused:#?}");
    let token = provider.key.sign(&said).unwrap();
    assert_eq!(log_out(&console, &token).await, 200);
    assert_eq!(ask(&console, "/console/work", session).await.0, 401);
    let told = audit(&console).await;
    assert!(told.last().unwrap().starts_with("person:nbrooks true the organisation's login ended the session"));
    assert_eq!(log_out(&console, &token).await, 400, "a second time");
    // An ID token is no logout token.
    (said["nonce"], said["jti"]) = (json!("n"), json!("j-2"));
    assert_eq!(log_out(&console, &provider.key.sign(&said).unwrap()).await, 400);
}

#[actix_web::test]
async fn a_provider_that_is_dead_is_told_and_passwords_stay() {
    let console = console("http://127.0.0.1:9", |_| {});
    for _ in 0..2 {
        let (status, page, ..) = ask(&console, "/console/login/openid", "").await;
        assert!(status == 503 && page.contains("does not answer") && page.contains("name=\"password\""), "{page}");
    }
}
