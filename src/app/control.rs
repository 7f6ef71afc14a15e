//! The control socket: a Unix socket in the data folder, through which commands talk to the running gateway. Whoever may
//! open the data folder may do everything; nobody else reaches it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use serde_json::{Value, json};

use super::private;
use super::reload::ReloadBell;
use crate::console::Console;
use crate::pipeline::{Gateway, Operation};

/// A panel of a hundred thousand members fits.
const MOST_BYTES: usize = 256 << 20;

/// The socket's file.
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Where the console is found: scheme, host and port.
struct Origin(String);

pub(super) fn serve(
    gateway: &Arc<Gateway>,
    console: &Arc<Console>,
    reload: ReloadBell,
    data: &Path,
    origin: String,
) -> anyhow::Result<ServerHandle> {
    private::keep_private(data)?;
    let path = socket_path(data);
    // The store's own lock says that no other gateway lives here, so a socket that is left is a dead one.
    let _ = std::fs::remove_file(&path);
    let (gateway, console) = (web::Data::from(Arc::clone(gateway)), web::Data::from(Arc::clone(console)));
    let (origin, reload) = (web::Data::new(Origin(origin)), web::Data::new(reload));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(gateway.clone())
            .app_data(console.clone())
            .app_data(origin.clone())
            .app_data(reload.clone())
            .app_data(web::JsonConfig::default().limit(MOST_BYTES))
            .route("/operation", web::post().to(operate))
            .route("/reload", web::post().to(take_over))
            .route("/console-link", web::post().to(console_link))
    })
    .workers(1)
    .disable_signals()
    .bind_uds(&path)
    .with_context(|| format!("the control socket {} cannot be made", path.display()))?
    .run();
    restrict(&path)?;
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

/// Only the gateway's own user may connect.
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

async fn operate(gateway: web::Data<Gateway>, operation: web::Json<Operation>) -> HttpResponse {
    // Operations may take long (a replay of thousands); they belong on the big runtime's side of the store, and actix's
    // worker only waits.
    match gateway.perform(operation.into_inner()).await {
        Ok(result) => HttpResponse::Ok().json(result),
        Err(problem) => HttpResponse::UnprocessableEntity().json(json!({ "problem": problem.text })),
    }
}

async fn take_over(reload: web::Data<ReloadBell>) -> HttpResponse {
    match reload.ring().await {
        Some(reloaded) => HttpResponse::Ok().json(reloaded),
        None => HttpResponse::ServiceUnavailable().json(json!({ "problem": "the gateway is stopping" })),
    }
}

async fn console_link(console: web::Data<Console>, origin: web::Data<Origin>) -> HttpResponse {
    let link = console.sessions.new_link(console.gateway.clock.now());
    HttpResponse::Ok().json(json!({ "link": format!("{}/console/login?link={link}", origin.0) }))
}

/// Asks the gateway that runs on a data folder. None when none runs there.
pub async fn ask(data: &Path, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
    let socket = socket_path(data);
    if tokio::net::UnixStream::connect(&socket).await.is_err() {
        return Ok(None);
    }
    let client = reqwest::Client::builder().unix_socket(socket).build()?;
    let response = client.post(format!("http://gateway{path}")).json(body).send().await?;
    let is_success = response.status().is_success();
    let answer: Value = response.json().await.context("the gateway's answer cannot be read")?;
    if is_success {
        return Ok(Some(answer));
    }
    let text = answer.get("problem").and_then(Value::as_str).unwrap_or("the gateway refused without saying why");
    anyhow::bail!("{text}")
}
