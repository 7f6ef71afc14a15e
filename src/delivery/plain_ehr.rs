//! A partner for tests that holds what it is sent, by ids and versions of its own, and knows as much of FHIR's ways to write as the test
//! says: a small EHR.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use super::stand_in::partner;
use crate::site::Partner;

/// What it is like.
#[derive(Default)]
pub struct Ways {
    /// What it says of itself; 404 where it says nothing.
    pub statement: Option<Value>,
    pub knows_conditional_update: bool,
    pub knows_if_none_exist: bool,
    pub knows_transactions: bool,
    /// What it answers the next transactions with, taking nothing.
    pub answers: Vec<u16>,
    /// Transactions as they came.
    pub transactions: Vec<Value>,
    /// So many searches find nothing yet.
    pub searches_behind: u32,
    /// Refuses, by itself too, what says `poison`.
    pub refuses_poison: bool,
    /// Writes are answered as if nobody knew them.
    pub refuses: bool,
    /// Finds everything, whatever is asked.
    pub searches_in_vain: bool,
    /// By type and id: version and resource.
    pub holds: BTreeMap<(String, String), (u64, Value)>,
    /// Requests as they came.
    pub seen: Vec<String>,
    pub made: u64,
}

pub struct PlainEhr {
    pub base: String,
    ways: Arc<Mutex<Ways>>,
    handle: ServerHandle,
}

impl Drop for PlainEhr {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl PlainEhr {
    pub fn start(ways: Ways) -> Self {
        let ways = Arc::new(Mutex::new(ways));
        let shared = ways.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::from(shared.clone())).default_service(web::to(answer))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let port = server.addrs()[0].port();
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { base: format!("http://127.0.0.1:{port}/fhir"), ways, handle }
    }

    pub fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn partner(&self) -> Partner {
        partner(&self.base, None)
    }

    /// What was asked of it since the last time.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.ways().seen)
    }

    /// What people there, or somebody else, put into it.
    pub fn holds(&self, kind: &str, id: &str, resource: Value) {
        let mut ways = self.ways();
        let version = ways.holds.get(&(kind.to_string(), id.to_string())).map_or(1, |(version, _)| version + 1);
        ways.holds.insert((kind.to_string(), id.to_string()), (version, resource));
    }
}

impl Ways {
    fn found(&self, kind: &str, query: &str) -> Vec<(String, u64, Value)> {
        let asked = web::Query::<BTreeMap<String, String>>::from_query(query).unwrap().into_inner();
        let asked = asked.get("identifier").cloned().unwrap_or_default();
        let has = |resource: &Value| {
            let all = resource["identifier"].as_array().cloned().unwrap_or_default();
            all.iter()
                .any(|one| format!("{}|{}", one["system"].as_str().unwrap(), one["value"].as_str().unwrap()) == asked)
        };
        let all = self
            .holds
            .iter()
            .filter(|((held, _), (_, resource))| held == kind && (self.searches_in_vain || has(resource)));
        all.map(|((_, id), (version, resource))| (id.clone(), *version, resource.clone())).collect()
    }

    fn write(&mut self, kind: &str, id: &str, resource: Value) -> HttpResponse {
        let key = (kind.to_string(), id.to_string());
        let before = self.holds.get(&key).map(|(version, _)| *version);
        let version = before.map_or(1, |version| version + 1);
        self.holds.insert(key, (version, resource));
        let code = if before.is_none() { StatusCode::CREATED } else { StatusCode::OK };
        HttpResponse::build(code).insert_header(("etag", format!("W/\"{version}\""))).finish()
    }

    /// All of it or nothing; what says `poison` is refused.
    fn transact(&mut self, bundle: &Value) -> HttpResponse {
        self.transactions.push(bundle.clone());
        if !self.answers.is_empty() {
            return HttpResponse::build(StatusCode::from_u16(self.answers.remove(0)).unwrap()).finish();
        }
        let entries = bundle["entry"].as_array().unwrap();
        if let Some(at) = entries.iter().position(|entry| entry["resource"]["description"] == "poison") {
            let path = format!("Bundle.entry[{at}].resource");
            let issue = json!([{ "severity": "error", "code": "required", "expression": [path] }]);
            return HttpResponse::UnprocessableEntity()
                .json(json!({ "resourceType": "OperationOutcome", "issue": issue }));
        }
        let mut done = Vec::new();
        for entry in entries {
            let (kind, query) = entry["request"]["url"].as_str().unwrap().split_once('?').unwrap();
            let found = self.found(kind, query);
            let id = found
                .first()
                .map_or_else(|| format!("t{}-{}", self.transactions.len(), done.len()), |(id, ..)| id.clone());
            let (version, before) =
                found.first().map_or((1, None), |(_, version, _)| (version + 1, Some(format!("W/\"{version}\""))));
            if entry["request"]["ifMatch"].as_str().is_some_and(|named| before.as_deref() != Some(named)) {
                return HttpResponse::PreconditionFailed().finish();
            }
            done.push((kind.to_string(), id, version, entry["resource"].clone()));
        }
        let answer = |(kind, id, version, _): &(String, String, u64, Value)| {
            json!({ "response": { "status": if *version == 1 { "201 Created" } else { "200 OK" }, "etag": format!("W/\"{version}\""),
                "location": format!("{kind}/{id}/_history/{version}") } })
        };
        let answers: Vec<Value> = done.iter().map(answer).collect();
        self.holds.extend(done.into_iter().map(|(kind, id, version, resource)| ((kind, id), (version, resource))));
        HttpResponse::Ok().json(json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": answers }))
    }

    fn create(&mut self, kind: &str, resource: Value) -> HttpResponse {
        self.made += 1;
        let id = format!("n{}", self.made);
        self.write(kind, &id, resource)
    }
}

async fn answer(ways: web::Data<Mutex<Ways>>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let mut ways = ways.lock().unwrap_or_else(PoisonError::into_inner);
    let header = |name: &str| Some(request.headers().get(name)?.to_str().unwrap().to_string());
    let path = request.path().trim_start_matches("/fhir").trim_matches('/').to_string();
    let method = request.method().as_str();
    let condition = header("if-match").map(|etag| format!(" if {etag}")).unwrap_or_default();
    ways.seen.push(format!("{method} {path}{condition}"));
    let resource = || serde_json::from_slice::<Value>(&body).unwrap();
    let parts: Vec<&str> = path.split('/').collect();
    match (method, &parts[..]) {
        ("POST", [""]) if ways.knows_transactions => ways.transact(&resource()),
        ("POST", [""]) => HttpResponse::MethodNotAllowed().finish(),
        ("GET", ["metadata"]) => match &ways.statement {
            Some(statement) => HttpResponse::Ok().json(statement),
            None => HttpResponse::NotFound().finish(),
        },
        ("GET", [kind]) => {
            let is_behind = ways.searches_behind > 0;
            ways.searches_behind = ways.searches_behind.saturating_sub(1);
            let found = if is_behind { Vec::new() } else { ways.found(kind, request.query_string()) };
            let entry = found.into_iter().map(|(id, version, mut resource)| {
                resource["id"] = json!(id);
                resource["meta"] = json!({ "versionId": version.to_string() });
                json!({ "resource": resource, "search": { "mode": "match" } })
            });
            HttpResponse::Ok()
                .json(json!({ "resourceType": "Bundle", "type": "searchset", "entry": entry.collect::<Vec<_>>() }))
        }
        _ if ways.refuses => HttpResponse::MethodNotAllowed().finish(),
        ("PUT", [_]) if ways.refuses_poison && resource()["description"] == "poison" => {
            HttpResponse::UnprocessableEntity().finish()
        }
        ("PUT", [kind]) if ways.knows_conditional_update => match &ways.found(kind, request.query_string())[..] {
            [] => ways.create(kind, resource()),
            [(id, ..)] => ways.write(kind, &id.clone(), resource()),
            _ => HttpResponse::PreconditionFailed().finish(),
        },
        ("PUT", [kind, id]) => {
            let held =
                ways.holds.get(&(kind.to_string(), id.to_string())).map(|(version, _)| format!("W/\"{version}\""));
            match header("if-match").is_some_and(|named| held.as_ref() != Some(&named)) {
                true => HttpResponse::PreconditionFailed().finish(),
                false if resource()["id"] != json!(id) => HttpResponse::BadRequest().finish(),
                false => ways.write(kind, id, resource()),
            }
        }
        ("POST", [kind]) => {
            let query = header("if-none-exist").filter(|_| ways.knows_if_none_exist);
            let found = query.map(|query| ways.found(kind, &query).len()).unwrap_or_default();
            match found {
                0 => ways.create(kind, resource()),
                1 => HttpResponse::Ok().finish(),
                _ => HttpResponse::PreconditionFailed().finish(),
            }
        }
        _ => HttpResponse::MethodNotAllowed().finish(),
    }
}
