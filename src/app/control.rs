//! The control socket: a Unix socket in the data folder, through which commands talk to the running gateway. Whoever may
//! open the data folder may do everything; nobody else reaches it.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use serde_json::json;
use tokio::sync::watch;

use super::reach::{check_length, socket_path};
use super::reload::ReloadBell;
use super::{backup, own_keys, private};
use crate::console::Console;
use crate::delivery::OwnKeys;
use crate::pipeline::{Gateway, Operation};
use crate::site::StoreChoice;

/// A panel of a hundred thousand members fits.
const MOST_BYTES: usize = 256 << 20;

/// Where the console is found: scheme, host and port.
struct Origin(String);

/// The socket being served.
pub(super) struct Control {
    server: ServerHandle,
    closing: watch::Sender<bool>,
}

impl Control {
    /// What lasts until somebody has taken it ends; the rest is finished.
    pub(super) async fn stop(self) {
        self.closing.send_replace(true);
        self.server.stop(true).await;
    }
}

pub(super) fn serve(
    gateway: &Arc<Gateway>,
    console: &Arc<Console>,
    reload: ReloadBell,
    keys: OwnKeys,
    data: &Path,
    origin: String,
) -> anyhow::Result<Control> {
    // A store in memory makes no folder of its own; all others have closed theirs when they were opened.
    if gateway.site.load().settings.store == StoreChoice::Memory {
        private::keep_private(data)?;
    }
    let path = socket_path(data);
    make_room(data, &path)?;
    let (gateway, console) = (web::Data::from(Arc::clone(gateway)), web::Data::from(Arc::clone(console)));
    let (origin, reload, keys) = (web::Data::new(Origin(origin)), web::Data::new(reload), web::Data::new(keys));
    let (closing, closed) = watch::channel(false);
    let closed = web::Data::new(closed);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(gateway.clone())
            .app_data(console.clone())
            .app_data(origin.clone())
            .app_data(reload.clone())
            .app_data(keys.clone())
            .app_data(closed.clone())
            .app_data(web::JsonConfig::default().limit(MOST_BYTES))
            .route("/operation", web::post().to(operate))
            .route("/backup", web::post().to(backup::give))
            .route("/keys", web::post().to(own_keys::keys))
            .route("/reload", web::post().to(take_over))
            .route("/console-link", web::post().to(console_link))
    })
    .workers(1)
    .disable_signals()
    .bind_uds(&path)
    .with_context(|| format!("the control socket {} cannot be made", path.display()))?
    .run();
    restrict(&path)?;
    let control = Control { server: server.handle(), closing };
    actix_web::rt::spawn(server);
    Ok(control)
}

/// A socket that nobody answers is a dead gateway's and goes. Only embedded stores have a lock that keeps a second gateway away;
/// with the others it would take the socket of the first.
fn make_room(data: &Path, socket: &Path) -> anyhow::Result<()> {
    check_length(socket)?;
    match UnixStream::connect(socket) {
        Ok(_) => anyhow::bail!(
            "a gateway runs on {} already; stop it, or let `data:` name a folder of this one's own",
            data.display()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(_) => std::fs::remove_file(socket).with_context(|| format!("{} cannot be taken away", socket.display())),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_gateways_socket_makes_room_and_a_running_ones_does_not() {
        let data = tempfile::tempdir().unwrap();
        let socket = socket_path(data.path());
        make_room(data.path(), &socket).unwrap();
        let first = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let told = make_room(data.path(), &socket).unwrap_err().to_string();
        assert!(told.contains("a gateway runs on") && socket.exists(), "{told}");
        drop(first);
        make_room(data.path(), &socket).unwrap();
        assert!(!socket.exists());
        let long = data.path().join("x".repeat(200));
        assert!(make_room(&long, &socket_path(&long)).is_err());
    }
}
