//! The demo from its start to its end: stand-in EHR, gateway, hospital, and then the practice.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer};
use anyhow::{Context, anyhow, bail};
use jiff::Timestamp;

use super::ehr::StandInEhr;
use super::ehr_client::GatewayAt;
use super::folder::{DemoFolder, EHR_PORT};
use super::interrupt::Interrupts;
use super::practice::Practice;
use super::timeline::{follow, say, tell};
use super::{morning, story};
use crate::app::{Running, Start};
use crate::feed::Sender;
use crate::problem::Problem;
use crate::site;

/// How the demo is to run.
pub struct Options {
    /// End when the story is told, with an error when the EHR does not hold what it should.
    pub once: bool,
    /// Keep the demo's site and store in this folder.
    pub keep: Option<PathBuf>,
}

/// As the demo site registers the gateway at the EHR.
const CLIENT_ID: &str = "handover-demo";
/// Between two messages, so that a person can follow.
const PAUSE: Duration = Duration::from_millis(900);
const PATIENCE: Duration = Duration::from_secs(30);

/// How the demo ended when nothing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The story was told, and with `once` the EHR holds what it should.
    Told,
    /// Somebody ended it before.
    Interrupted,
}

/// Plays the demo. However it ends, what it began is stopped and taken away before this returns.
pub async fn play(options: Options) -> anyhow::Result<Ended> {
    let mut interrupts = Interrupts::hear()?;
    let started = Instant::now();
    let (ehr_listener, ehr_address) = listen()?;
    let folder = DemoFolder::write(options.keep, ehr_address)?;
    let loaded = site::load(&folder.path);
    if let Some(problem) = loaded.problems.iter().find(|problem| Problem::is_error(problem)) {
        bail!("the demo site is not valid: {problem}");
    }
    let site = loaded.site.context("the demo site is not valid")?;
    let gateway = Running::start(Start::of(site)).await?;
    let shown = show(&gateway, (ehr_listener, ehr_address), options.once, started);
    let ended = tokio::select! {
        biased;
        () = interrupts.came() => {
            say("\nstopping");
            Ok(Ended::Interrupted)
        }
        shown = shown => match shown {
            Ok(()) if !options.once => {
                interrupts.came().await;
                say("\nstopping");
                Ok(Ended::Told)
            }
            shown => shown.map(|()| Ended::Told),
        }
    };
    gateway.stop().await;
    ended
}

/// Tells the story, and whether it came to what it should. Unless it is to end then, what is wrong is said and no error.
async fn show(
    gateway: &Running,
    (ehr_listener, ehr_address): (std::net::TcpListener, SocketAddr),
    once: bool,
    started: Instant,
) -> anyhow::Result<()> {
    let keys = format!("{}://{}/.well-known/jwks.json", gateway.scheme, gateway.http);
    let ehr = StandInEhr::new(format!("http://{ehr_address}"), keys, CLIENT_ID.to_string());
    serve(&ehr, ehr_listener)?;
    say("Handover demo: a hospital, this gateway, and a practice's EHR. All patients are synthetic.\n");
    let mllp = *gateway.mllp.values().next().context("the demo site has no MLLP feed")?;
    let took = started.elapsed().as_millis();
    tell("ready", &format!("in {took} ms: MLLP on {mllp}, HTTP on {}, EHR on {ehr_address}", gateway.http));
    let address = format!("{}://{}", gateway.scheme, gateway.http);
    let base_url = gateway.gateway.site.load().settings.base_url.clone();
    let practice = Practice {
        gateway: &gateway.gateway,
        ehr: &ehr,
        client: ehr.client().context("no key could be made for the practice's EHR")?,
        at: GatewayAt { address: &address, base_url: &base_url },
    };
    let before = if once { Ok(()) } else { tell_morning(gateway, mllp, &practice).await };
    tokio::spawn(follow(Arc::clone(&gateway.gateway), gateway.gateway.events.subscribe()));
    let told = match before {
        Ok(()) => tell_story(mllp).await,
        Err(fault) => Err(fault),
    };
    let outcome = match told {
        Ok(()) => practice.care().await,
        Err(fault) => Err(fault),
    };
    if once {
        outcome?;
        say("\nThe practice's EHR holds the follow-up Task, the CarePlan and the alert, and closed the Task.");
        say("She was followed up, referred until the report was read, enrolled and reviewed.");
        return Ok(());
    }
    if let Err(fault) = &outcome {
        say(&format!("\n{fault:#}"));
    }
    say(&format!("\nConsole (opens once):   {}", gateway.console_link()));
    say(&format!("The practice's EHR:     http://{ehr_address}/"));
    say(&format!("Send your own messages: MLLP {mllp}. Ctrl-C ends the demo."));
    Ok(())
}

/// A free port for the EHR, taken before the site that names it is written.
fn listen() -> anyhow::Result<(std::net::TcpListener, SocketAddr)> {
    let listener =
        std::net::TcpListener::bind(("127.0.0.1", EHR_PORT)).or_else(|_| std::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves the EHR on a thread of its own.
fn serve(ehr: &Arc<StandInEhr>, listener: std::net::TcpListener) -> anyhow::Result<()> {
    let (ehr, (report, started)) = (Arc::clone(ehr), sync_channel(1));
    std::thread::Builder::new().name("ehr".to_string()).spawn(move || {
        let system = actix_web::rt::System::new();
        let result = system.block_on(async {
            let server = HttpServer::new(move || App::new().configure(|config| ehr.configure(config)))
                .workers(1)
                .disable_signals()
                .listen(listener)?
                .run();
            actix_web::rt::spawn(server);
            anyhow::Ok(())
        });
        let _ = report.send(result);
        let _ = system.run();
    })?;
    started.recv().map_err(|_| anyhow!("the stand-in EHR did not start"))?
}

/// What came in the weeks before, without a word of each; the story begins when the practice's EHR has what follows from it.
async fn tell_morning(gateway: &Running, mllp: SocketAddr, practice: &Practice<'_>) -> anyhow::Result<()> {
    let mut hospital =
        Sender::connect(&mllp.to_string(), None, PATIENCE).await.context("the feed's port does not answer")?;
    let now = Timestamp::now();
    let messages = morning::messages(now);
    tell("before", &format!("{} messages about eleven more people of the practice", messages.len()));
    for message in &messages {
        let answer = hospital.send(message.as_bytes()).await?;
        if answer.code != "AA" {
            bail!("the gateway answered {} to what came before the story: {}", answer.code, answer.text);
        }
    }
    practice.tell_referrals(now).await?;
    tell("before", &format!("{} referrals that its EHR wrote, and how far each has come", morning::REFERRALS.len()));
    practice.tell_appointments(now).await?;
    tell("before", &format!("{} appointments of today", morning::APPOINTMENTS.len()));
    let until = Instant::now() + PATIENCE;
    let mut waiting = u64::MAX;
    while waiting > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
        waiting = gateway.gateway.store.health().await.deliveries_waiting;
    }
    let health = gateway.gateway.store.health().await;
    let told = if waiting == 0 { String::new() } else { format!("; {waiting} deliveries are on their way still") };
    tell("before", &format!("{} people are known; console and EHR show the practice's morning{told}", health.records));
    Ok(())
}

async fn tell_story(mllp: SocketAddr) -> anyhow::Result<()> {
    let mut hospital =
        Sender::connect(&mllp.to_string(), None, PATIENCE).await.context("the feed's port does not answer")?;
    for step in story::steps(Timestamp::now()) {
        say("");
        tell("hospital", step.words);
        let answer = hospital.send(step.message.as_bytes()).await?;
        let took = answer.took.as_secs_f64() * 1000.0;
        let words = if answer.text.is_empty() { String::new() } else { format!(": {}", answer.text) };
        tell("answer", &format!("{} after {took:.1} ms{words}", answer.code));
        if answer.code != step.expected {
            bail!("the gateway answered {} where {} was due: {}", answer.code, step.expected, answer.text);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
