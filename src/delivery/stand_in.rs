//! A partner for tests: a small FHIR server in this process with a token endpoint, that answers as it is told and
//! remembers what it was sent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::site::{Partner, RetryPolicy, SmartClient};

/// One answer to a PUT.
#[derive(Clone)]
pub struct Scripted {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub delay: Duration,
}

impl Scripted {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), delay: Duration::ZERO }
    }
}

/// One PUT as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path_and_query: String,
    pub authorization: Option<String>,
    pub content_type: Option<String>,
    pub if_match: Option<String>,
    pub body: Value,
}

#[derive(Default)]
pub struct Inside {
    pub replies: Mutex<VecDeque<Scripted>>,
    pub seen: Mutex<Vec<Seen>>,
    /// Tokens given so far; only the newest is taken.
    pub tokens: AtomicU32,
    pub assertions: Mutex<Vec<String>>,
    pub wants_token: bool,
    pub refuse_clients: bool,
    /// What a search shows; it may not be searched without.
    pub held: Mutex<Option<Value>>,
    /// Named in the configuration instead of the own token endpoint.
    pub token_endpoint: Option<String>,
}

pub struct StandIn {
    pub base: String,
    pub inside: Arc<Inside>,
    handle: ServerHandle,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl StandIn {
    pub fn start(inside: Inside) -> Self {
        Self::launch(inside, None)
    }

    pub fn start_tls(inside: Inside, tls: rustls::ServerConfig) -> Self {
        Self::launch(inside, Some(tls))
    }

    fn launch(inside: Inside, tls: Option<rustls::ServerConfig>) -> Self {
        let inside = Arc::new(inside);
        let shared = inside.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(shared.clone()))
                .route("/fhir/.well-known/smart-configuration", web::get().to(configuration))
                .route("/token", web::post().to(token))
                .route("/fhir/{type}", web::put().to(put))
                .route("/fhir/{type}", web::get().to(search))
        })
        .workers(1)
        .disable_signals();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = match tls {
            Some(tls) => server.bind_rustls_0_23("127.0.0.1:0", tls),
            None => server.bind("127.0.0.1:0"),
        }
        .unwrap();
        let port = server.addrs()[0].port();
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { base: format!("{scheme}://localhost:{port}/fhir"), inside, handle }
    }

    pub fn script(&self, replies: impl IntoIterator<Item = Scripted>) {
        self.inside.replies.lock().unwrap().extend(replies);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.inside.seen.lock().unwrap().clone()
    }

    /// A partner that delivers here.
    pub fn partner(&self) -> Partner {
        let smart = SmartClient {
            token_url: None,
            client_id: "handover".into(),
            key: None,
            key_id: None,
            scopes: vec!["system/Task.cud".into()],
        };
        partner(&self.base, self.inside.wants_token.then_some(smart))
    }
}

/// A partner with a base and nothing else out of the ordinary.
pub fn partner(base: &str, smart: Option<SmartClient>) -> Partner {
    Partner {
        name: "practice".into(),
        title: "A practice".into(),
        identifier: None,
        fhir_base: Some(base.into()),
        smart,
        server_ca: None,
        client_identity: None,
        client_id: None,
        jwks: None,
        scopes: Vec::new(),
        owns: Vec::new(),
        client_rate_per_sec: 100,
        poll_secs: None,
        retry: RetryPolicy::default(),
        rate_per_sec: 1000,
        parallel: 4,
        timeout_secs: 1,
        late_secs: 60,
    }
}

async fn configuration(inside: web::Data<Inside>, request: HttpRequest) -> HttpResponse {
    if let Some(endpoint) = &inside.token_endpoint {
        return HttpResponse::Ok().json(json!({ "token_endpoint": endpoint }));
    }
    let connection = request.connection_info();
    let endpoint = format!("{}://{}/token", connection.scheme(), connection.host());
    HttpResponse::Ok().json(json!({ "token_endpoint": endpoint }))
}

async fn token(inside: web::Data<Inside>, form: web::Form<Vec<(String, String)>>) -> HttpResponse {
    if inside.refuse_clients {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_client", "error_description": "Jane Doe" }));
    }
    let assertion = form.iter().find(|(name, _)| name == "client_assertion").unwrap().1.clone();
    inside.assertions.lock().unwrap().push(assertion);
    let number = inside.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    HttpResponse::Ok().json(json!({ "access_token": format!("t{number}"), "token_type": "bearer", "expires_in": 300 }))
}

async fn put(inside: web::Data<Inside>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name: &str| Some(request.headers().get(name)?.to_str().unwrap().to_string());
    let authorization = header("authorization");
    let newest = format!("Bearer t{}", inside.tokens.load(Ordering::SeqCst));
    if inside.wants_token && authorization.as_ref() != Some(&newest) {
        return HttpResponse::Unauthorized().finish();
    }
    let path_and_query = request.uri().to_string();
    let body = serde_json::from_slice(&body).unwrap();
    inside.seen.lock().unwrap().push(Seen {
        path_and_query,
        authorization,
        content_type: header("content-type"),
        if_match: header("if-match"),
        body,
    });
    let reply = inside.replies.lock().unwrap().pop_front().unwrap_or_else(|| Scripted::status(201));
    tokio::time::sleep(reply.delay).await;
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap());
    for header in reply.headers {
        response.insert_header(header);
    }
    response.body(reply.body)
}

async fn search(inside: web::Data<Inside>) -> HttpResponse {
    match &*inside.held.lock().unwrap() {
        Some(held) => HttpResponse::Ok().json(held),
        None => HttpResponse::Forbidden().finish(),
    }
}

/// The same for tests of other folders.
pub fn partner_for_tests(base: &str) -> Partner {
    partner(base, None)
}
