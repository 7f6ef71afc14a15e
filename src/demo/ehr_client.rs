//! The stand-in EHR as a client of the gateway: its key, its token, and what it says of the work that it was given and of a reading
//! that one of its devices took.

use anyhow::{Context, bail};
use jiff::Timestamp;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use serde_json::{Value, json};

use super::ehr_shelf::Held;
use crate::delivery::SigningKey;

/// As the demo site registers it.
const CLIENT_ID: &str = "lakeside-ehr";
const SCOPES: &str = "system/Task.u system/Observation.c";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where the gateway is, and what it calls itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct GatewayAt<'a> {
    pub address: &'a str,
    pub base_url: &'a str,
}

/// A key made for this run.
pub(super) struct EhrClient {
    key: SigningKey,
    http: reqwest::Client,
}

impl EhrClient {
    /// None where the system gives no key.
    pub(super) fn new() -> Option<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).ok()?;
        let key = SigningKey::from_pem(&pair.serialize_pem(), Some("lakeside-1")).ok()?;
        Some(Self { key, http: reqwest::Client::new() })
    }

    /// What the gateway fetches to know it by.
    pub(super) fn keys(&self) -> Value {
        json!({ "keys": [self.key.public_jwk()] })
    }

    async fn token(&self, gateway: GatewayAt<'_>) -> anyhow::Result<String> {
        let claims = json!({ "iss": CLIENT_ID, "sub": CLIENT_ID, "aud": format!("{}/auth/token", gateway.base_url),
            "exp": Timestamp::now().as_second() + 120, "jti": format!("{:032x}", rand::random::<u128>()) });
        let assertion = self.key.sign(&claims)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion.as_str()),
            ("scope", SCOPES),
        ];
        let answer: Value =
            self.http.post(format!("{}/auth/token", gateway.address)).form(&form).send().await?.json().await?;
        let token = answer.get("access_token").and_then(Value::as_str);
        Ok(token.with_context(|| format!("the gateway gave the EHR no token: {answer}"))?.to_string())
    }

    /// Says of its copy of a Task that it is done, by the identifier that the copy came with.
    pub(super) async fn close(&self, gateway: GatewayAt<'_>, held: &Held) -> anyhow::Result<u16> {
        let mut copy = held.resource.clone();
        copy.set("status", json!("completed"));
        copy.set("lastModified", json!(Timestamp::now().to_string()));
        let outcome = json!({ "type": { "text": "Outcome" }, "valueString": "Reached at home, comes in on Friday" });
        copy.set("output", json!([outcome]));
        let identifier = copy.identifiers().into_iter().next().context("the copy has no identifier")?;
        let token = identifier.token().replace('|', "%7C");
        let request = self.http.put(format!("{}/fhir/Task?identifier={token}", gateway.address));
        self.send(gateway, request, Value::from(copy)).await
    }

    /// Posts what a device of the practice measured at the patient of a Task.
    pub(super) async fn measure(&self, gateway: GatewayAt<'_>, task: &Held) -> anyhow::Result<u16> {
        let patient = task.resource.get("for").cloned().context("the Task names no patient")?;
        let reading = json!({ "resourceType": "Observation", "status": "final", "subject": patient,
            "effectiveDateTime": Timestamp::now().to_string(),
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "59408-5", "display": "Oxygen saturation in Arterial blood by Pulse oximetry" }] },
            "valueQuantity": { "value": 95, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" } });
        self.send(gateway, self.http.post(format!("{}/fhir/Observation", gateway.address)), reading).await
    }

    async fn send(&self, gateway: GatewayAt<'_>, request: reqwest::RequestBuilder, body: Value) -> anyhow::Result<u16> {
        let token = self.token(gateway).await?;
        let request = request.bearer_auth(token).header("content-type", "application/fhir+json");
        let answer = request.body(body.to_string()).send().await?;
        let status = answer.status();
        if !status.is_success() {
            bail!("the gateway answered {status}: {}", answer.text().await.unwrap_or_default());
        }
        Ok(status.as_u16())
    }
}
