//! Somebody who reads: a partner's system with a token, and a person at the console.

use handover::delivery::SigningKey;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::generate::NUMBERS;

const CLIENT: &str = "practice-ehr";
const SCOPES: &str =
    "system/Task.rs system/Patient.rs system/Encounter.rs system/Observation.rs system/Condition.rs system/Flag.rs";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CARDS: &str = "/cds-services/handover-patient-view";
/// The key by which the first practice proves who it is.
pub struct Key(SigningKey);

impl Key {
    pub fn new() -> Self {
        let pem = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
        Self(SigningKey::from_pem(&pem, Some("bench-1")).unwrap())
    }

    /// What the site says of it.
    pub fn registration(&self) -> String {
        let (jwks, scopes) = (json!({ "keys": [self.0.public_jwk()] }), SCOPES.replace(' ', ", "));
        format!("client:\n  id: {CLIENT}\n  jwks: {jwks}\n  scopes: [{scopes}]\n")
    }

    fn sign(&self, audience: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        let jti = format!("{:x}", rand::random::<u128>());
        let claims = json!({ "iss": CLIENT, "sub": CLIENT, "aud": audience, "exp": now + 200, "iat": now, "jti": jti });
        self.0.sign(&claims).unwrap()
    }
}

/// Somebody logged in at one gateway.
pub struct Reader<'b> {
    key: &'b Key,
    http: Client,
    base: String,
    token: String,
    cookie: String,
}

impl<'b> Reader<'b> {
    pub async fn new(key: &'b Key, gateway: &Gateway) -> Self {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let secret = gateway.console_link.rsplit('=').next().unwrap();
        let login = http.post(format!("{}/console/login", gateway.http));
        let login = login.form(&[("link", secret), ("name", "Ida Roe")]).send().await.unwrap();
        let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_string();
        let mut reader = Self { key, http, base: gateway.http.clone(), token: String::new(), cookie };
        reader.renew().await;
        reader
    }

    /// Another token, since they end after some minutes.
    pub async fn renew(&mut self) {
        self.token = token(&self.http, &self.base, self.key, SCOPES).await;
    }

    pub fn fhir(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}/fhir/{path}", self.base)).bearer_auth(&self.token)
    }

    pub fn console(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }

    /// The text of a page.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.console(path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// The question of a practice's system when it opens somebody's chart.
    pub fn cards(&self, mrn: usize) -> RequestBuilder {
        let url = format!("{}{CARDS}", self.base);
        let patient =
            json!({ "resourceType": "Patient", "identifier": [{ "system": NUMBERS, "value": mrn.to_string() }] });
        let body = json!({ "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": { "userId": "Practitioner/1", "patientId": "theirs-1" }, "prefetch": { "patient": patient } });
        let token = self.key.sign(&url);
        self.http.post(url).bearer_auth(token).json(&body)
    }

    /// The id of the Patient with this number.
    pub async fn patient(&self, mrn: usize) -> String {
        self.first_id(&format!("Patient?identifier={NUMBERS}|{mrn}")).await
    }

    /// The id of the first that a search finds.
    pub async fn first_id(&self, search: &str) -> String {
        let found: Value = self.fhir(search).send().await.unwrap().json().await.unwrap();
        let id = found["entry"][0]["resource"]["id"].as_str();
        id.unwrap_or_else(|| panic!("{search}: {found}")).to_string()
    }
}

/// An access token with these scopes.
pub async fn token(http: &Client, base: &str, key: &Key, scopes: &str) -> String {
    let url = format!("{base}/auth/token");
    let assertion = key.sign(&url);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &assertion),
        ("scope", scopes),
    ];
    let answer: Value = http.post(url).form(&form).send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_string()
}

/// What is asked for, of the patient with this number and this id.
pub struct Question {
    pub name: &'static str,
    pub ask: fn(&Reader, &Asked) -> RequestBuilder,
}

pub struct Asked {
    pub mrn: usize,
    pub patient: String,
    pub observation: String,
}

pub const QUESTIONS: &[Question] = &[
    Question { name: "read Patient", ask: |reader, of| reader.fhir(&format!("Patient/{}", of.patient)) },
    Question { name: "read Observation", ask: |reader, of| reader.fhir(&format!("Observation/{}", of.observation)) },
    Question {
        name: "Patient?identifier",
        ask: |reader, of| reader.fhir(&format!("Patient?identifier={NUMBERS}|{}", of.mrn)),
    },
    Question {
        name: "Observation?patient",
        ask: |reader, of| reader.fhir(&format!("Observation?patient={}", of.patient)),
    },
    Question { name: "Encounter?patient", ask: |reader, of| reader.fhir(&format!("Encounter?patient={}", of.patient)) },
    Question { name: "Task?patient", ask: |reader, of| reader.fhir(&format!("Task?patient={}", of.patient)) },
    Question { name: "CDS cards", ask: |reader, of| reader.cards(of.mrn) },
    Question { name: "/console", ask: |reader, _| reader.console("/console") },
    Question { name: "/console/work", ask: |reader, _| reader.console("/console/work") },
    Question { name: "/console/messages", ask: |reader, _| reader.console("/console/messages") },
    Question {
        name: "/console/patients/ID",
        ask: |reader, of| reader.console(&format!("/console/patients/{}", of.patient)),
    },
];

impl Asked {
    pub async fn of(reader: &Reader<'_>, mrn: usize) -> Self {
        let patient = reader.patient(mrn).await;
        let observation = reader.first_id(&format!("Observation?patient={patient}")).await;
        Self { mrn, patient, observation }
    }
}
