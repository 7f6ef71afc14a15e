//! A practice that reads: its keys, its registration in the site, and a client that holds a token.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::{App, HttpResponse, HttpServer, web};
use handover::delivery::SigningKey;
use handover::fhir::Identifier;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize};
use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::House;

pub const CLIENT: &str = "lakeside-ehr";
pub const SCOPES: &str =
    "system/Task.rs system/Patient.rs system/Encounter.rs system/Observation.rs system/Condition.rs system/Flag.rs";
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A running gateway with Lakeside (ES384, keys in the site) and Eastside (RS384, keys by address) as its readers.
pub struct Readers {
    pub house: House,
    pub lakeside: SigningKey,
    pub lakeside_pem: String,
    pub eastside: SigningKey,
    pub eastside_pem: String,
    pub http: reqwest::Client,
}

impl Readers {
    pub async fn new() -> Self {
        Self::with(&|_, text| text).await
    }

    /// `change` rewrites the site's files, the readers' registration included.
    pub async fn with(change: &dyn Fn(&str, String) -> String) -> Self {
        Self::with_files(&[], change).await
    }

    /// With more files of the site.
    pub async fn with_files(files: &[(&str, String)], change: &dyn Fn(&str, String) -> String) -> Self {
        let lakeside_pem = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
        let eastside_pem = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap().serialize_pem();
        let lakeside = SigningKey::from_pem(&lakeside_pem, Some("lakeside-1")).unwrap();
        let eastside = SigningKey::from_pem(&eastside_pem, Some("eastside-1")).unwrap();
        let keys = publish(json!({ "keys": [eastside.public_jwk()] }));
        let port = free_port();
        let scopes = "[system/Task.rs, system/Patient.rs, system/Encounter.rs, system/Observation.rs, system/Condition.rs, system/Flag.r, system/Coverage.rs]";
        let house = House::with_files(
            &|name, text| {
                let text = match name {
                    "handover.yaml" => text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")),
                    "partners/lakeside-practice.yaml" => {
                        let jwks = json!({ "keys": [lakeside.public_jwk()] });
                        let text = text.split("client:\n").next().unwrap_or_default();
                        format!("{text}client:\n  id: {CLIENT}\n  jwks: {jwks}\n  scopes: {scopes}\n")
                    }
                    _ => text,
                };
                change(name, text)
            },
            &[&[
                ("partners/eastside-clinic.yaml", format!("partner: eastside-clinic\ntitle: Eastside Clinic\nclient:\n  id: eastside-ehr\n  jwks: {keys}\n  scopes: [system/*.rs]\n")),
                ("agreements/eastside-clinic.yaml", EASTSIDE_AGREEMENT.to_string()),
                ("panels/eastside.yaml", EASTSIDE_PANEL.to_string()),
                ("panels/eastside.csv", "mrn:RIVERSIDE\n5001\n".to_string()),
            ][..], files].concat(),
        )
        .await;
        let http = reqwest::Client::new();
        Self { house, lakeside, lakeside_pem, eastside, eastside_pem, http }
    }

    /// Claims that are right in every way, for this address.
    pub fn claims(&self, client: &str, audience: &str) -> Value {
        let jti = format!("{:x}", rand::random::<u128>());
        json!({ "iss": client, "sub": client, "aud": audience, "exp": now() + 200, "iat": now(), "jti": jti })
    }

    pub fn token_url(&self) -> String {
        self.house.url("/auth/token")
    }

    /// Asks for a token with this assertion.
    pub async fn ask(&self, assertion: &str, scope: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
            ("scope", scope),
        ];
        let response = self.http.post(self.token_url()).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A client of Lakeside with a token for all that it may read.
    pub async fn lakeside(&self) -> Reader {
        self.reader(&self.lakeside, CLIENT, SCOPES).await
    }

    pub async fn reader(&self, key: &SigningKey, client: &str, scope: &str) -> Reader {
        let assertion = key.sign(&self.claims(client, &self.token_url())).unwrap();
        let (status, body) = self.ask(&assertion, scope).await;
        assert_eq!(status, 200, "{body}");
        let token = body["access_token"].as_str().unwrap().to_string();
        Reader { base: self.house.url("/fhir"), token, http: self.http.clone() }
    }
}

/// A client with a token.
pub struct Reader {
    pub base: String,
    pub token: String,
    pub http: reqwest::Client,
}

impl Reader {
    /// The answer at a path below the FHIR base, or at a whole address.
    pub async fn response(&self, path: &str) -> Response {
        let url = if path.starts_with("http") { path.to_string() } else { format!("{}/{path}", self.base) };
        self.http.get(url).bearer_auth(&self.token).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.response(path).await;
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// One page of a search that must succeed.
    pub async fn search(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!((status, &body["resourceType"]), (200, &json!("Bundle")), "{path}: {body}");
        body
    }

    /// The ids of one page.
    pub async fn ids(&self, path: &str) -> Vec<String> {
        ids(&self.search(path).await)
    }

    /// The ids of all pages, as they come; follows `next` as it is.
    pub async fn all_ids(&self, path: &str) -> Vec<String> {
        let (mut found, mut next) = (Vec::new(), Some(path.to_string()));
        for _ in 0..50 {
            let Some(path) = next else { return found };
            let page = self.search(&path).await;
            found.extend(ids(&page));
            next = link(&page, "next");
        }
        panic!("the pages of {path} never end");
    }
}

/// The ids of a bundle's matches.
pub fn ids(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_string()).collect()
}

pub fn link(bundle: &Value, relation: &str) -> Option<String> {
    let found = bundle["link"].as_array()?.iter().find(|link| link["relation"] == relation)?;
    Some(found["url"].as_str()?.to_string())
}

pub fn mrn(value: &str) -> Identifier {
    Identifier::new("urn:oid:2.16.840.1.113883.19.5", value)
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A port below those that the system hands out, since `base_url` has to be known before the gateway starts.
pub fn free_port() -> u16 {
    let candidates = (0..200).map(|_| rand::random_range(20_000..32_000_u16));
    candidates.into_iter().find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// Serves a key set as a partner publishes it; its address.
fn publish(keys: Value) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let keys = keys.clone();
                App::new()
                    .route("/jwks.json", web::get().to(move || std::future::ready(HttpResponse::Ok().json(&keys))))
            });
            server.workers(1).disable_signals().listen(listener).unwrap().run().await.unwrap();
        });
    });
    format!("http://{address}/jwks.json")
}

const EASTSIDE_AGREEMENT: &str = "agreement: riverside-hospital ↔ eastside-clinic
partner: eastside-clinic
valid: { from: 2026-01-01, to: 2036-12-31 }
purpose: [TREAT]
patients: { panel: eastside }
receives:
  - { resource: Task, pull: true }
  - { resource: Patient, pull: true }
";

const EASTSIDE_PANEL: &str = "panel: eastside
title: Eastside Clinic
members: panels/eastside.csv
practice: { name: Eastside Clinic, zone: America/New_York }
";
