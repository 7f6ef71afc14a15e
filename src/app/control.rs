//! The control socket: a Unix socket in the data folder, through which commands talk to the running gateway. Whoever may
//! open the data folder may do everything; nobody else reaches it.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
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
use crate::site::StoreChoice;

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
    // A store in memory makes no folder of its own; all others have closed theirs when they were opened.
    if gateway.site.load().settings.store == StoreChoice::Memory {
        private::keep_private(data)?;
    }
    let path = socket_path(data);
    make_room(data, &path)?;
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

/// The system takes no longer path for a socket (107 bytes on Linux).
fn check_length(socket: &Path) -> anyhow::Result<()> {
    let taken = std::os::unix::net::SocketAddr::from_pathname(socket);
    taken.map(|_| ()).with_context(|| {
        format!("the path of the control socket {} is too long; use a shorter `data:`", socket.display())
    })
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
///
/// # Errors
/// The gateway says what is wrong, or nobody can tell whether one runs there: the socket is another user's.
pub async fn ask(data: &Path, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
    let socket = socket_path(data);
    check_length(&socket)?;
    if let Err(error) = tokio::net::UnixStream::connect(&socket).await {
        if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
            return Ok(None);
        }
        anyhow::bail!("{} cannot be reached: {error}; run this as the gateway's user", socket.display());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_where_nobody_listens_does_no_gateway_run() {
        let data = tempfile::tempdir().unwrap();
        let ask = async |data: &Path| ask(data, "/operation", &json!({})).await;
        assert!(ask(data.path()).await.unwrap().is_none(), "there is no socket");
        drop(std::os::unix::net::UnixListener::bind(socket_path(data.path())).unwrap());
        assert!(ask(data.path()).await.unwrap().is_none(), "it is a dead gateway's");
        let long = data.path().join("x".repeat(200));
        let told = format!("{:#}", ask(&long).await.unwrap_err());
        assert!(told.contains("too long; use a shorter `data:`"), "{told}");
        // What stands in for another user's folder: root may go into those.
        let file = data.path().join("file");
        std::fs::write(&file, "").unwrap();
        let told = ask(&file).await.unwrap_err().to_string();
        assert!(told.contains("cannot be reached: ") && told.ends_with("run this as the gateway's user"), "{told}");
    }

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
