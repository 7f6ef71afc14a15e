//! Partners' servers that misbehave by chance, every other one of them, and remember what they hold: they are busy, hang, apply a write and
//! drop the line, apply it after the client has given up, or answer with a page. Half of those that misbehave give no ETags.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::http::header::{IF_MATCH, RETRY_AFTER};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::receiver;

/// As the partners' `timeout_secs` and `late_secs` are set for it.
pub const TIMEOUT_SECS: u64 = 2;
pub const LATE_SECS: u64 = 6;

/// What a partner holds of a thing.
pub struct Held {
    etag: u64,
    pub body: Value,
}

/// By partner, and by type with the identifier that it is found by.
pub type Things = HashMap<(usize, String), Held>;

#[derive(Default)]
pub struct State {
    pub things: Mutex<Things>,
    /// When a healthy partner took something last, the longest that one waited, and how often an older version was laid over a newer.
    pub arrivals: Mutex<HashMap<usize, Instant>>,
    pub longest: Mutex<Duration>,
    pub back_in_time: Mutex<usize>,
    pub faults: Mutex<HashMap<&'static str, usize>>,
    pub is_well: AtomicBool,
}

/// Of the practice that a partner of the bench's site is.
pub fn number(partner: &str) -> usize {
    partner.trim_start_matches("practice-").parse().unwrap()
}

pub fn is_faulty(partner: usize) -> bool {
    partner % 2 == 1
}

fn gives_etags(partner: usize) -> bool {
    partner % 4 != 3
}

/// The version that a body says it tells of.
pub fn version(body: &Value) -> u64 {
    body.pointer("/meta/versionId").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or_default()
}

impl State {
    /// None where the version that was named is not the one that is held.
    fn apply(&self, partner: usize, thing: &str, body: Value, named: Option<&str>) -> Option<u64> {
        let mut things = self.things.lock().unwrap();
        let key = (partner, thing.to_string());
        let held = things.get(&key);
        if named.is_some_and(|named| held.is_none_or(|held| format!("W/\"{}\"", held.etag) != named)) {
            return None;
        }
        if held.is_some_and(|held| version(&held.body) > version(&body)) {
            *self.back_in_time.lock().unwrap() += 1;
        }
        let etag = held.map_or(1, |held| held.etag + 1);
        things.insert(key, Held { etag, body });
        Some(etag)
    }

    fn arrived(&self, partner: usize) {
        let now = Instant::now();
        if let Some(before) = self.arrivals.lock().unwrap().insert(partner, now) {
            let mut longest = self.longest.lock().unwrap();
            *longest = now.duration_since(before).max(*longest);
        }
    }
}

/// Serves until the process ends.
pub fn serve() -> (SocketAddr, Arc<State>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(State::default());
    let shared = web::Data::from(state.clone());
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new()
                    .app_data(shared.clone())
                    .app_data(web::PayloadConfig::new(16 << 20))
                    .route("/{partner}/fhir/.well-known/smart-configuration", web::get().to(receiver::configuration))
                    .route("/{partner}/token", web::post().to(receiver::token))
                    .route("/{partner}/fhir/{type}", web::put().to(put))
                    .route("/{partner}/fhir/{type}", web::get().to(find))
            });
            server.workers(1).disable_signals().listen(listener).unwrap().run().await.unwrap();
        });
    });
    (address, state)
}

async fn find(state: web::Data<State>, request: HttpRequest, path: web::Path<(String, String)>) -> HttpResponse {
    let (partner, kind) = path.into_inner();
    let partner = number(&partner);
    if kind == "metadata" {
        return HttpResponse::NotFound().finish();
    }
    let things = state.things.lock().unwrap();
    let found = things.get(&(partner, format!("{kind}?{}", request.query_string()))).map(|held| {
        let mut resource = held.body.clone();
        resource["id"] = json!("held");
        resource["meta"]["versionId"] = json!(held.etag.to_string());
        json!({ "resource": resource, "search": { "mode": "match" } })
    });
    let entry: Vec<Value> = found.into_iter().collect();
    HttpResponse::Ok().json(json!({ "resourceType": "Bundle", "type": "searchset", "entry": entry }))
}

async fn put(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Json<Value>,
) -> HttpResponse {
    let (partner, kind) = path.into_inner();
    let partner = number(&partner);
    let thing = format!("{kind}?{}", request.query_string());
    let named = request.headers().get(IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_string);
    let is_well = !is_faulty(partner) || state.is_well.load(Ordering::Relaxed);
    let dice = if is_well { 100 } else { rand::random_range(0..100) };
    let beyond = Duration::from_secs(TIMEOUT_SECS + 1);
    let fault = match dice {
        0..8 => "busy",
        8..13 => "hung",
        13..19 => "applied and hung",
        19..24 => "applied late",
        24..29 => "answered with a page",
        _ => "",
    };
    if !fault.is_empty() {
        *state.faults.lock().unwrap().entry(fault).or_default() += 1;
    }
    match fault {
        "busy" => HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "1")).finish(),
        "hung" => {
            tokio::time::sleep(beyond).await;
            HttpResponse::InternalServerError().finish()
        }
        "applied and hung" => {
            state.apply(partner, &thing, body.into_inner(), named.as_deref());
            tokio::time::sleep(beyond).await;
            HttpResponse::Ok().finish()
        }
        "applied late" => {
            let late = Duration::from_millis(rand::random_range(1_000..(TIMEOUT_SECS + LATE_SECS - 2) * 1_000));
            // Whoever asked gives up meanwhile; what was asked is done all the same.
            actix_web::rt::spawn(async move {
                tokio::time::sleep(late).await;
                state.apply(partner, &thing, body.into_inner(), named.as_deref());
            });
            tokio::time::sleep(beyond).await;
            HttpResponse::Ok().finish()
        }
        "answered with a page" => HttpResponse::Ok().content_type("text/html").body("<html>Maintenance</html>"),
        _ => {
            if !is_faulty(partner) {
                state.arrived(partner);
            }
            let Some(etag) = state.apply(partner, &thing, body.into_inner(), named.as_deref()) else {
                return HttpResponse::PreconditionFailed().finish();
            };
            let mut answer = HttpResponse::Ok();
            if gives_etags(partner) {
                answer.insert_header(("etag", format!("W/\"{etag}\"")));
            }
            answer.finish()
        }
    }
}
