//! A partner's server that costs little: it gives out tokens, takes whatever is put, and counts. What the demo's stand-in checks, the
//! tests check; here it would only take the time that is measured.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::json;

pub struct Receiver {
    pub address: SocketAddr,
    /// Of all bodies that were put.
    pub bytes: Arc<AtomicU64>,
}

impl Receiver {
    /// Serves any number of partners, each below `/NAME/fhir`, until the process ends.
    pub fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (taken, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counters = web::Data::new((taken, bytes.clone()));
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(counters.clone())
                        .app_data(web::PayloadConfig::new(16 << 20))
                        .route("/{partner}/fhir/.well-known/smart-configuration", web::get().to(configuration))
                        .route("/{partner}/token", web::post().to(token))
                        .route("/{partner}/fhir/{type}", web::put().to(put))
                });
                server.workers(1).disable_signals().listen(listener).unwrap().run().await.unwrap();
            });
        });
        Self { address, bytes }
    }
}

pub async fn configuration(request: HttpRequest, partner: web::Path<String>) -> HttpResponse {
    let host = request.connection_info().host().to_string();
    HttpResponse::Ok().json(json!({ "token_endpoint": format!("http://{host}/{partner}/token") }))
}

pub async fn token() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "access_token": "a-token", "token_type": "bearer", "expires_in": 3600 }))
}

type Counters = (Arc<AtomicU64>, Arc<AtomicU64>);

async fn put(counters: web::Data<Counters>, path: web::Path<(String, String)>, body: web::Bytes) -> HttpResponse {
    let number = counters.0.fetch_add(1, Ordering::Relaxed);
    counters.1.fetch_add(body.len() as u64, Ordering::Relaxed);
    let location = format!("/{}/fhir/{}/{number}", path.0, path.1);
    HttpResponse::Created().insert_header(("location", location)).insert_header(("etag", "W/\"1\"")).finish()
}
