//! The HTTP side: one listener for FHIR, HL7 over HTTP, CDS Hooks, health, metrics and the console, and the control
//! socket. Runs on a thread of its own, because actix brings its own single-threaded runtimes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, middleware, web};
use anyhow::{Context, anyhow};

use super::budget::Budget;
use super::control;
use super::reload::ReloadBell;
use crate::console::{self, Console};
use crate::delivery::OwnKeys;
use crate::feed::{Acceptor, HttpIntake, remember_certificate};
use crate::pipeline::Gateway;
use crate::site::{LiveTls, Site};
use crate::web::{self as api, Service};

const WORKERS: usize = 2;
/// Open streams (the console's) get this long at a stop.
const SHUTDOWN_SECS: u64 = 3;

/// The running HTTP side.
pub(super) struct HttpPart {
    pub address: SocketAddr,
    /// Where people reach it: scheme, host and port.
    pub origin: String,
    /// What it shows, and whom it trusts.
    pub tls: Option<Arc<LiveTls>>,
    server: ServerHandle,
    control: Option<control::Control>,
}

impl HttpPart {
    pub(super) async fn stop(self) {
        if let Some(control) = self.control {
            control.stop().await;
        }
        self.server.stop(true).await;
    }
}

/// Binds and serves. Returns once the listeners are bound, or why they cannot be.
pub(super) fn start(
    gateway: &Arc<Gateway>,
    service: Arc<Service>,
    console: Arc<Console>,
    control: Option<(ReloadBell, OwnKeys)>,
) -> anyhow::Result<HttpPart> {
    let (gateway, (report, bound)) = (Arc::clone(gateway), sync_channel(1));
    std::thread::Builder::new().name("http".to_string()).spawn(move || {
        let system = actix_web::rt::System::new();
        let started = system.block_on(async { serve(&gateway, service, console, control) });
        let _ = report.send(started);
        if let Err(fault) = system.run() {
            tracing::error!(%fault, "the HTTP side ended in disorder");
        }
    })?;
    bound.recv().map_err(|_| anyhow!("the HTTP side did not start"))?
}

fn serve(
    gateway: &Arc<Gateway>,
    service: Arc<Service>,
    console: Arc<Console>,
    control: Option<(ReloadBell, OwnKeys)>,
) -> anyhow::Result<HttpPart> {
    let site = gateway.site.load_full();
    let settings = &site.settings.http;
    let intake = HttpIntake::new(Arc::clone(gateway) as Arc<dyn Acceptor>);
    let body_limit = settings.max_body_bytes;
    let shown = Arc::clone(&console);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(middleware::from_fn(api::guard))
            .app_data(web::PayloadConfig::new(body_limit))
            .configure(|config| api::configure(config, Arc::clone(&service)))
            .configure(|config| intake.configure(config))
            .configure(|config| console::configure(config, Arc::clone(&shown)))
    })
    .on_connect(|connection, data| {
        remember_certificate(connection, data);
        api::close_when_idle(connection, data);
    })
    .workers(WORKERS)
    .max_connections(Budget::of_process().http / WORKERS)
    .shutdown_timeout(SHUTDOWN_SECS)
    .disable_signals();
    let listen = settings.listen;
    let tls = settings.tls.as_ref().map(LiveTls::read).transpose()?;
    let server = match &tls {
        Some(tls) => server.bind_rustls_0_23(listen, tls.server_config()?),
        None => server.bind(listen),
    }
    .with_context(|| format!("cannot listen on {listen} for HTTP; is another program using it?"))?;
    let address = server.addrs().first().copied().context("the HTTP listener has no address")?;
    let origin = origin(&site, address);
    let control =
        control.map(|(bell, keys)| control::serve(gateway, &console, bell, keys, &site.settings.data, origin.clone()));
    let control = control.transpose()?;
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    Ok(HttpPart { address, origin, tls, server: handle, control })
}

/// What the site says that others know us by; where it says nothing, the address that was bound.
fn origin(site: &Site, address: SocketAddr) -> String {
    let settings = &site.settings;
    let scheme = if settings.http.tls.is_some() { "https" } else { "http" };
    let is_stated = settings.base_url != format!("{scheme}://{}", settings.http.listen);
    if is_stated { settings.base_url.clone() } else { format!("{scheme}://{address}") }
}
