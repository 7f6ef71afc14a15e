//! The stand-in EHR as a client of the gateway: its key, its token, what it says of the work that it was given, and what it tells of
//! by itself: a reading that one of its devices took, a referral and how far that has come.

use anyhow::{Context, bail};
use jiff::Timestamp;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use serde_json::{Value, json};

use super::ehr_shelf::Held;
use crate::delivery::SigningKey;

/// As the demo site registers it.
const CLIENT_ID: &str = "lakeside-ehr";
const SCOPES: &str =
    "system/Task.cu system/Observation.c system/ServiceRequest.c system/Appointment.cu system/DiagnosticReport.c";
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

    /// Says of its copy of a Task that it is done, and what came of it, by the identifier that the copy came with.
    pub(super) async fn close(&self, gateway: GatewayAt<'_>, held: &Held, outcome: &str) -> anyhow::Result<u16> {
        let mut copy = held.resource.clone();
        copy.set("status", json!("completed"));
        copy.set("lastModified", json!(Timestamp::now().to_string()));
        copy.set("output", json!([{ "type": { "text": "Outcome" }, "valueString": outcome }]));
        let identifier = copy.identifiers().into_iter().next().context("the copy has no identifier")?;
        let token = identifier.token().replace('|', "%7C");
        let request = self.http.put(format!("{}/fhir/Task?identifier={token}", gateway.address));
        Ok(self.send(gateway, request, Value::from(copy)).await?.status().as_u16())
    }

    /// What a device of the practice measured at the patient of a Task.
    pub(super) fn reading(task: &Held) -> anyhow::Result<Value> {
        let patient = task.resource.get("for").cloned().context("the Task names no patient")?;
        Ok(json!({ "resourceType": "Observation", "status": "final", "subject": patient,
            "effectiveDateTime": Timestamp::now().to_string(),
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "59408-5", "display": "Oxygen saturation in Arterial blood by Pulse oximetry" }] },
            "valueQuantity": { "value": 95, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" } }))
    }

    /// Tells of something new; returns where it is at the gateway (`ServiceRequest/id`).
    pub(super) async fn create(&self, gateway: GatewayAt<'_>, resource: Value) -> anyhow::Result<String> {
        let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let request = self.http.post(format!("{}/fhir/{kind}", gateway.address));
        let answer = self.send(gateway, request, resource).await?;
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let path = location.and_then(|location| location.split("/fhir/").nth(1));
        let place = path.and_then(|path| path.split("/_history").next());
        Ok(place.context("the gateway does not say where it is")?.to_string())
    }

    /// Tells anew of something that it told of before.
    pub(super) async fn update(&self, gateway: GatewayAt<'_>, place: &str, mut resource: Value) -> anyhow::Result<()> {
        let id = place.split('/').nth(1).unwrap_or_default();
        if let Some(members) = resource.as_object_mut() {
            members.insert("id".to_string(), json!(id));
        }
        self.send(gateway, self.http.put(format!("{}/fhir/{place}", gateway.address)), resource).await?;
        Ok(())
    }

    async fn send(
        &self,
        gateway: GatewayAt<'_>,
        request: reqwest::RequestBuilder,
        body: Value,
    ) -> anyhow::Result<reqwest::Response> {
        let token = self.token(gateway).await?;
        let request = request.bearer_auth(token).header("content-type", "application/fhir+json");
        let answer = request.body(body.to_string()).send().await?;
        let status = answer.status();
        if !status.is_success() {
            bail!("the gateway answered {status}: {}", answer.text().await.unwrap_or_default());
        }
        Ok(answer)
    }
}
