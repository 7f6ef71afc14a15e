//! A gateway for this folder's tests: a store in memory with a patient, tasks and an encounter, one partner with a key, an
//! agreement, and a client that speaks to it over the app as it runs.

use std::path::Path;
use std::sync::Arc;

use actix_web::Error;
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service, read_body};
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{Service, configure, guard};
use crate::agreement::{AgreementSet, Names, compile};
use crate::clock::{Clock, ManualClock};
use crate::delivery::{SigningKey, key_for_tests, partner_for_tests};
use crate::fhir::{Identifier, Library, PackageFile, PackageSource};
use crate::identity::{PersonId, ResourceId};
use crate::pipeline::Gateway;
use crate::profile::Profiles;
use crate::record::{Change, Head, Membership, State, Stored};
use crate::site::{JwksSource, Panel, Practice, Site};
use crate::store::{AuditEntry, EngineChoice, HeadWrite, Store, StoreSettings, WriteUnit, open};
use crate::yaml::Source;

pub const BASE: &str = "https://gateway.example";
pub const START: &str = "2026-03-02T10:00:00Z";

const AGREEMENT: &str = "agreement: hospital ↔ practice
partner: practice
valid: { from: 2026-01-01, to: 2026-12-31 }
purpose: [TREAT]
patients: { panel: lakeside }
receives:
  - { resource: Task, pull: true }
  - { resource: Patient, pull: true }
  - { resource: Flag, push: on-change }
  - { resource: Encounter, pull: true, without: [participant, type] }
sends: [Flag.status]
never: [R]
";

pub struct Trial {
    pub gateway: Arc<Gateway>,
    pub service: Arc<Service>,
    pub clock: Arc<ManualClock>,
    /// The partner's key.
    pub key: SigningKey,
    /// Put together at the first call: some hundred routes are more work than an answer.
    app: OnceCell<App>,
}

type App = Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Result<ServiceResponse, Error>>>;

async fn app(service: Arc<Service>) -> App {
    let app = actix_web::App::new().wrap(from_fn(guard)).configure(|config| configure(config, service));
    let app = init_service(app).await;
    Box::new(move |request| {
        let answered = app.call(request.to_request());
        Box::pin(async move { Ok(answered.await?.map_into_boxed_body()) })
    })
}

/// The patient on the practice's panel, and one who is on none.
pub fn member() -> PersonId {
    PersonId::of(&Identifier::new("urn:mrn", "1"))
}

pub fn stranger() -> PersonId {
    PersonId::of(&Identifier::new("urn:mrn", "2"))
}

impl Trial {
    pub async fn new() -> Self {
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        Self::over(open(&settings).unwrap()).await
    }

    /// Over an empty store.
    pub async fn over(store: Arc<dyn Store>) -> Self {
        let clock = Arc::new(ManualClock::at(START.parse().unwrap()));
        let key = key_for_tests();
        let gateway = Arc::new(Gateway::new(store, site(&key), clock.clone()));
        let own_keys = crate::delivery::OwnKeys::open(&*gateway.store).await.unwrap();
        let service = Service::new(gateway.clone(), own_keys).unwrap();
        let trial = Self { gateway, service, clock, key, app: OnceCell::new() };
        trial.seed(member(), "1").await;
        trial.seed(stranger(), "2").await;
        trial.enrol("lakeside", "1").await;
        trial
    }

    /// Makes the patient with this number the one member of a panel.
    pub async fn enrol(&self, panel: &str, number: &str) {
        let membership = Membership {
            panel: panel.into(),
            identifiers: vec![Identifier::new("urn:mrn", number)],
            practitioner: None,
            care_manager: None,
            language: None,
            phone: None,
        };
        self.gateway.store.replace_panel(panel, vec![membership], self.clock.now()).await.unwrap();
    }

    /// A record with a patient, three tasks (one labelled restricted) and an encounter.
    async fn seed(&self, person: PersonId, number: &str) {
        let mut changes = vec![self.change(person, "Patient", "", json!({ "gender": "female" }))];
        for (key, status) in [("a", "requested"), ("b", "completed"), ("c", "requested")] {
            let security = if key == "c" { json!([{ "code": "R" }]) } else { json!([]) };
            let id = json!([{ "system": "urn:task", "value": format!("{number}{key}") }]);
            let body = json!({ "status": status, "identifier": id, "meta": { "security": security },
                "authoredOn": format!("2026-03-0{}T09:00:00Z", if key == "a" { 1 } else { 2 }) });
            changes.push(self.change(person, "Task", key, body));
        }
        let encounter = json!({ "status": "finished", "class": { "code": "EMER" }, "type": [{ "coding": [{ "code": "x" }] }],
            "participant": [{ "individual": { "display": "Dr" } }], "period": { "start": "2026-03-01T08:00:00Z" } });
        changes.push(self.change(person, "Encounter", "V", encounter));
        let identifier = Identifier::new("urn:mrn", number);
        let head = Head { revision: 1, identifiers: vec![identifier.clone()], ..Head::new(person) };
        let unit = WriteUnit {
            heads: vec![HeadWrite { head, replaces: 0 }],
            changes,
            identifiers: vec![(identifier, person)],
            ..WriteUnit::default()
        };
        self.gateway.store.commit(unit).await.unwrap();
    }

    fn change(&self, person: PersonId, kind: &str, key: &str, mut body: Value) -> Change {
        let id = ResourceId::of(person, kind, key);
        body["resourceType"] = json!(kind);
        body["id"] = json!(id.to_string());
        body["meta"]["versionId"] = json!("1");
        let resource = body.try_into().unwrap();
        Change {
            stored: Stored { id, version: 1, updated: self.clock.now(), resource, state: State::default() },
            replaces: 0,
        }
    }

    /// Writes a second version of a resource.
    pub async fn rewrite(&self, person: PersonId, kind: &str, key: &str, status: &str) {
        let id = ResourceId::of(person, kind, key);
        let mut stored = self.gateway.store.resource(kind, id).await.unwrap().unwrap();
        let replaces = stored.version;
        stored.version += 1;
        stored.updated = self.clock.now();
        stored.resource.set("status", json!(status));
        self.commit(person, WriteUnit { changes: vec![Change { stored, replaces }], ..WriteUnit::default() }).await;
    }

    pub async fn add(&self, person: PersonId, kind: &str, key: &str, mut body: Value) {
        // It is seen by whoever may see what it belongs to.
        if kind == "Binary" && body.get("securityContext").is_none() {
            body["securityContext"] = json!({ "reference": format!("Patient/{}", ResourceId::patient(person)) });
        }
        let changes = vec![self.change(person, kind, key, body)];
        self.commit(person, WriteUnit { changes, ..WriteUnit::default() }).await;
    }

    /// Writes a resource with this id as it is now, in the member's commit.
    pub async fn amend(&self, id: ResourceId, mut body: Value) {
        let kind = body["resourceType"].as_str().unwrap().to_string();
        body["id"] = json!(id.to_string());
        let replaces = self.gateway.store.resource(&kind, id).await.unwrap().map_or(0, |stored| stored.version);
        let (updated, resource) = (self.clock.now(), body.try_into().unwrap());
        let stored = Stored { id, version: replaces + 1, updated, resource, state: State::default() };
        self.commit(member(), WriteUnit { changes: vec![Change { stored, replaces }], ..WriteUnit::default() }).await;
    }

    /// Commits to a record that is there.
    pub async fn commit(&self, person: PersonId, unit: WriteUnit) {
        let mut head = self.gateway.store.head(person).await.unwrap().unwrap();
        let replaces = head.revision;
        head.revision += 1;
        self.gateway.store.commit(WriteUnit { heads: vec![HeadWrite { head, replaces }], ..unit }).await.unwrap();
    }

    /// Goes on under another agreement, with the partner at another address.
    pub fn deliver_to(&self, base: &str, agreement: &str) {
        let mut site = site(&self.key);
        site.agreements = agreements(&site, agreement);
        site.partners.values_mut().for_each(|partner| partner.fhir_base = Some(base.to_string()));
        self.gateway.site.store(Arc::new(site));
    }

    /// Goes on with the partner registered for everything, under an agreement that lets it read and send these.
    pub fn trust(&self, types: &[&str], sends: &str) {
        let mut site = site(&self.key);
        site.partners.values_mut().for_each(|partner| partner.scopes = vec!["system/*.cruds".into()]);
        let text = letting_read(types).replace("sends: [Flag.status]", &format!("sends: [{sends}]"));
        site.agreements = agreements(&site, &text);
        self.gateway.site.store(Arc::new(site));
    }

    /// Goes on with one more partner.
    pub fn register(&self, partner: crate::site::Partner) {
        let mut site = site(&self.key);
        site.partners.insert(partner.name.clone(), partner);
        self.gateway.site.store(Arc::new(site));
    }

    /// Goes on with a package of definitions, under an agreement that lets the partner read all of these types.
    pub fn define(&self, types: &[&str], package: &str) {
        let mut site = site(&self.key);
        let file = PackageFile { name: "site/profiles/x.txt".into(), text: package.to_string().into() };
        let (library, problems) = Library::with(&[PackageSource { files: vec![file] }]);
        assert_eq!(problems, []);
        (site.profiles, site.agreements) = (Arc::new(Profiles::new(library)), agreements(&site, &letting_read(types)));
        self.gateway.site.store(Arc::new(site));
    }

    /// Goes on under another agreement.
    pub fn replace_agreement(&self, change: impl Fn(&str) -> String) {
        let mut site = site(&self.key);
        site.agreements = agreements(&site, &change(AGREEMENT));
        self.gateway.site.store(Arc::new(site));
    }

    /// Goes on under an agreement that lets the partner read all of these types.
    pub fn allow_all(&self, types: &[&str]) {
        self.allow_all_but(types, str::to_string);
    }

    /// The same, its text changed.
    pub fn allow_all_but(&self, types: &[&str], change: impl Fn(&str) -> String) {
        self.replace_agreement(|_| change(&letting_read(types)));
    }

    pub async fn call(&self, request: TestRequest) -> Answer {
        let app = self.app.get_or_init(|| app(self.service.clone())).await;
        answer(app(request).await).await
    }

    /// A GET with a token for these scopes.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_with("system/*.rs", path).await
    }

    pub async fn get_with(&self, scope: &str, path: &str) -> Answer {
        let token = self.token(scope);
        self.call(TestRequest::get().uri(path).insert_header(("authorization", format!("Bearer {token}")))).await
    }

    pub fn token(&self, scope: &str) -> String {
        self.service.token_key.give(BASE, "practice-client", scope.to_string(), self.clock.now()).unwrap()
    }

    pub async fn audit(&self) -> Vec<AuditEntry> {
        self.gateway.store.audit(None, None, 100).await.unwrap().items
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: actix_web::http::header::HeaderMap,
    pub text: String,
    /// Null when it is not JSON.
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The ids of a bundle's matches.
    pub fn ids(&self) -> Vec<String> {
        let entries = self.body["entry"].as_array().cloned().unwrap_or_default();
        let matches = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
        matches.map(|entry| entry["resource"]["id"].as_str().unwrap().to_string()).collect()
    }

    pub fn link(&self, relation: &str) -> Option<String> {
        let links = self.body["link"].as_array()?;
        let link = links.iter().find(|link| link["relation"] == relation)?;
        Some(link["url"].as_str()?.strip_prefix(BASE).unwrap().to_string())
    }
}

async fn answer(result: Result<ServiceResponse, Error>) -> Answer {
    let response = result.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = read_body(response).await;
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
}

/// The agreement, letting the partner read all of these types.
fn letting_read(types: &[&str]) -> String {
    let lines: Vec<String> = types.iter().map(|kind| format!("  - {{ resource: {kind}, pull: true }}\n")).collect();
    let (before, rest) = AGREEMENT.split_once("receives:\n").unwrap();
    format!("{before}receives:\n{}{}", lines.concat(), &rest[rest.find("sends:").unwrap()..])
}

fn site(key: &SigningKey) -> Site {
    let mut site = Site::bare(Path::new("/"));
    let mut partner = partner_for_tests("http://unused.invalid");
    partner.client_id = Some("practice-client".into());
    partner.jwks = Some(JwksSource::Inline(json!({ "keys": [key.public_jwk()] })));
    partner.scopes = vec!["system/*.rs".into()];
    site.partners.insert(partner.name.clone(), partner);
    for name in ["lakeside", "hillside"] {
        site.panels.insert(name.into(), panel(name));
    }
    site.agreements = agreements(&site, AGREEMENT);
    site
}

fn agreements(site: &Site, text: &str) -> AgreementSet {
    let names = Names { partners: None, panels: None, value_sets: site.value_sets.clone() };
    let (agreements, problems) = compile(&[Source::new("agreements/practice.yaml", text)], &names);
    assert!(!problems.iter().any(crate::problem::Problem::is_error), "{problems:?}");
    agreements
}

fn panel(name: &str) -> Panel {
    let zone = jiff::tz::TimeZone::UTC;
    let practice = Practice { name: name.into(), identifier: None, zone, calendar: None, phone: None };
    Panel {
        name: name.into(),
        title: name.into(),
        practice,
        partner: None,
        member_system: None,
        members: None,
        care_manager: None,
        coach: None,
        clinician: None,
    }
}
