//! `handover run DIR`: starts the gateway and keeps it running until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::check;
use super::outcome::Outcome;
use super::screen::Screen;
use crate::app::{self, Hangups, Running, Start};
use crate::telemetry;

/// Start the gateway.
///
/// Compiles the site, opens the store, listens, and delivers until Ctrl-C or SIGTERM, and then finishes what is under way.
/// A site with errors does not start. While it runs, changes to the site, its certificates and keys are taken over when they check
/// clean. SIGHUP and `handover reload` have them taken over at once, with --no-reload too.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "SIGTERM, SIGINT: finish what is under way and stop. SIGHUP: take the site over as it is now.\n\
    Exit code 2 when the disk failed so that only a restart can tell what it holds: whatever supervises it starts it again.\n\
    Logs go to standard error; RUST_LOG says how much (RUST_LOG=debug).\n\n\
    Examples:\n  handover run site\n  handover run site --no-reload &  kill -HUP $!"
)]
pub struct Arguments {
    /// The site's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Do not look for changes to the site, its certificates and keys while running: they are taken over at SIGHUP and by
    /// `handover reload` only.
    #[arg(long)]
    no_reload: bool,
    /// Do not start where the data folder holds no store yet: for a folder on a disk that may not be mounted, once the first start is
    /// over.
    #[arg(long)]
    existing: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    telemetry::start_logs();
    let Some(site) = check::load_or_show(&arguments.dir, screen) else { bail!("the gateway was not started") };
    if arguments.existing && !app::holds_store(&site) {
        bail!(
            "there is no store in {}; is its disk mounted? The gateway was not started",
            site.settings.data.display()
        );
    }
    for held in site.profiles.library().added_code_systems() {
        let head = held.head();
        screen.say(format!("codes of {} {}", head.url, head.version.as_deref().unwrap_or("of an unknown version")))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let hangups = Hangups::listen()?;
        let start = Start { watch_site: !arguments.no_reload, ..Start::of(site) };
        let running = Running::start(start).await?;
        for (feed, address) in &running.mllp {
            screen.say(format!("feed {feed}: MLLP on {address}"))?;
        }
        screen.say(format!("HTTP on {}://{}", running.scheme, running.http))?;
        match running.login_page() {
            // Logs are read by more people than may do all that a link lets them do.
            Some(page) => screen.say(format!("console: {page}"))?,
            None => screen.say(format!("console (opens once): {}", running.console_link()))?,
        }
        let hangups = hangups.ring(running.reload.clone());
        let gateway = Arc::clone(&running.gateway);
        let fault = tokio::select! {
            signal = crate::app::stop_signal() => signal.map(|()| None)?,
            fault = gateway.store.broken() => Some(fault),
        };
        hangups.abort();
        screen.note("stopping");
        running.stop().await;
        match fault {
            Some(fault) => bail!("the store cannot go on: {fault}"),
            None => Ok(Outcome::Well),
        }
    })
}
