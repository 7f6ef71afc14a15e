//! `handover delivery list`, `partners`, `servers`, `retry`, `drop`, `resend`, `pause`, `drain`, `hold` and `resume`: the outbox as
//! operators see it.

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;

use super::operation::{clock, items, number, text};
use super::outcome::Outcome;
use super::page::PageArguments;
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::table::Table;
use crate::pipeline::Operation;
use crate::store::DeliveryState;

/// Who the audit says did it: whoever has the shell.
const OPERATOR: &str = "operator";

/// What is owed to partners: waiting, held, delivered, given up.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Partners(Partners),
    Servers(Servers),
    Retry(Retry),
    Drop(Drop),
    Resend(Resend),
    Pause(Pause),
    Drain(Drain),
    Hold(Hold),
    Resume(Resume),
}

/// List deliveries, newest first. "End of" stands before what ends a copy that the partner may not hold any more; with --json it
/// has `ending`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover delivery list --state dead\n  handover delivery list --partner lakeside-practice --json"
)]
struct List {
    /// Only to this partner.
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// Only in this state.
    #[arg(long, value_parser = state_parser())]
    state: Option<DeliveryState>,
    #[command(flatten)]
    page: PageArguments,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Show what the servers of partners say that they offer (CapabilityStatement), with when they said so, and how each type that they
/// are sent gets there. They are asked when the gateway starts, when the site changes, and twice a day.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover delivery servers\n  handover delivery servers --json")]
struct Servers {
    /// Print `{ "items": [{ partner, base, software, fhir_version, transaction, read, asked, fault, types }] }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Try again: one delivery, or all that were given up or are held. What the partner has something newer about is superseded and
/// stays so.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover delivery retry 5f3c…\n  handover delivery retry --all --partner lakeside-practice"
)]
struct Retry {
    /// The delivery's id, as `delivery list` shows it.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All dead and held deliveries.
    #[arg(long)]
    all: bool,
    /// With --all: only to this partner.
    #[arg(long, value_name = "NAME", requires = "all")]
    partner: Option<String>,
    /// Print `{ "retried": N }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Leave for good what was given up: it is withdrawn, and no longer counts as given up. It stays with who said so and why, and
/// comes back by `delivery retry`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handover delivery drop 5f3c… --why 'the practice has closed'")]
struct Drop {
    /// The delivery's id, as `delivery list` shows it.
    id: String,
    /// Why, for whoever asks later.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Print `{ "dropped": ID }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Send once more what was delivered to a partner that lost it: a server that was restored from a backup. Of each thing the newest
/// is sent, nothing older, and what the agreements allow by now.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  handover delivery resend --partner lakeside-practice --since 2026-03-02T04:00:00Z")]
struct Resend {
    #[arg(long, value_name = "NAME")]
    partner: String,
    /// What it was sent from this time on: the time of the backup, or somewhat earlier.
    #[arg(long, value_name = "TIME")]
    since: Timestamp,
    /// Print `{ "resent": N }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Deliver nothing until `delivery resume`; messages are taken as ever.
///
/// For a store that went back to an older state: what waits in it may be older than what partners hold by now. `handover restore`
/// does this by itself; after a PostgreSQL went back, give this command before the gateway is started.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover delivery hold --why 'database restored to 14:00' --site site")]
struct Hold {
    /// Why, for whoever finds it.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Print `{ "held": { since, who, why } }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Show what waits for each partner, when the next of it is due, and which partners are paused: since when, by whom and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover delivery partners\n  handover delivery partners --json")]
struct Partners {
    /// Print `{ "items": [{ partner, paused: { since, who, why, drains } or null, backlog: { waiting, made_before, held, oldest,
    /// next } }] }`; `made_before` counts what of it a drain still sends, `oldest` is when the oldest was made that waits or is held,
    /// and `next` when the first in line is tried or looked at.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Send nothing to one partner until `delivery resume`, which sends what waited in its order.
///
/// What is being sent at this moment ends; nothing begins any more. What is owed to the partner is decided and queued meanwhile as
/// ever, and decided again when it leaves. Nobody else waits. The pause outlasts restarts and counts for every gateway on the same
/// database, for others within five seconds. Partners that are asked (`poll_secs`) are still asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover delivery pause lakeside-practice --why 'they see every Task twice'")]
struct Pause {
    #[command(flatten)]
    of: Paused,
}

/// Send one partner what waits for it now, and nothing that is made from now on; then it is paused, until `delivery resume`.
///
/// For before a partner's maintenance. What waits is tried again as ever until it is delivered or given up; `delivery partners`
/// says how much is left, and `delivery pause` ends the wait. What the agreements hold stays, and what would be sent a second time
/// waits like what is new. All else is as with `delivery pause`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover delivery drain lakeside-practice --why 'their server is replaced at 22:00'"
)]
struct Drain {
    #[command(flatten)]
    of: Paused,
}

#[derive(Debug, clap::Args)]
struct Paused {
    /// The partner, by the name of its file.
    partner: String,
    /// Why, for whoever finds it.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Print `{ "partner", "paused": { since, who, why, drains } }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// Deliver again: everything after `delivery hold` or a restore, or to one partner after `delivery pause` or `drain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handover delivery resume --site site\n  handover delivery resume lakeside-practice"
)]
struct Resume {
    /// Only to this partner, which was paused.
    partner: Option<String>,
    /// Print `{ "held": null, "before": { since, who, why } or null }`; of one partner `{ "partner", "paused": null, "before": …, with
    /// drains }`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

/// A state by its word; help lists them.
fn state_parser() -> impl TypedValueParser<Value = DeliveryState> {
    PossibleValuesParser::new(DeliveryState::ALL.map(DeliveryState::word))
        .try_map(|word| DeliveryState::named(&word).ok_or("no state of a delivery"))
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    match &arguments.command {
        Command::List(list) => run_list(list, screen),
        Command::Servers(servers) => run_servers(servers, screen),
        Command::Retry(retry) => run_retry(retry, screen),
        Command::Drop(dropped) => run_drop(dropped, screen),
        Command::Resend(resend) => run_resend(resend, screen),
        Command::Hold(hold) => {
            let operation = Operation::DeliveryHold { why: hold.why.clone(), who: OPERATOR.to_string() };
            let answer = hold.gateway.perform(operation, screen)?;
            match hold.json {
                true => screen.say_json(&answer)?,
                false => screen.say("nothing is delivered until `handover delivery resume`")?,
            }
            Ok(Outcome::Well)
        }
        Command::Resume(resume) => run_resume(resume, screen),
        Command::Partners(partners) => run_partners(partners, screen),
        Command::Pause(pause) => run_pause(&pause.of, false, screen),
        Command::Drain(drain) => run_pause(&drain.of, true, screen),
    }
}

fn run_pause(pause: &Paused, drain: bool, screen: &mut Screen) -> Result<Outcome> {
    let Paused { partner, why, .. } = pause;
    let who = OPERATOR.to_string();
    let operation = Operation::DeliveryPause { partner: partner.clone(), drain, why: why.clone(), who };
    let answer = pause.gateway.perform(operation, screen)?;
    if pause.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    screen.say(match drain {
        true => format!(
            "{partner} is sent what waits now and nothing that is made from now on, until `handover delivery resume {partner}`; \
             `handover delivery partners` says how much is left"
        ),
        false => format!("nothing is sent to {partner} until `handover delivery resume {partner}`"),
    })?;
    Ok(Outcome::Well)
}

fn run_partners(partners: &Partners, screen: &mut Screen) -> Result<Outcome> {
    let answer = partners.gateway.perform(Operation::DeliveryPartners, screen)?;
    if partners.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let mut table = Table::new(&["partner", "waiting", "held", "oldest", "next", "paused"]).with_whole_first();
    for item in items(&answer, "/items") {
        let drains = item.pointer("/paused/drains").is_some_and(|drains| drains == true);
        let paused = match (text(item, "/paused/why"), drains) {
            ("", _) => String::new(),
            (why, _) => format!(
                "{}since {} by {}: {why}",
                if drains { format!("drains, {} left, ", number(item, "/backlog/made_before")) } else { String::new() },
                clock(item, "/paused/since"),
                text(item, "/paused/who"),
            ),
        };
        let count = |of: &str| number(item, of).to_string();
        let (waiting, held) = (count("/backlog/waiting"), count("/backlog/held"));
        let (oldest, next) = (clock(item, "/backlog/oldest"), clock(item, "/backlog/next"));
        table.row([text(item, "/partner"), &waiting, &held, &oldest, &next, &paused]);
    }
    super::table::show(&table, &answer, "nothing is sent to any partner", screen)
}

fn run_resume(resume: &Resume, screen: &mut Screen) -> Result<Outcome> {
    let answer = resume
        .gateway
        .perform(Operation::DeliveryResume { partner: resume.partner.clone(), who: OPERATOR.to_string() }, screen)?;
    if resume.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let why = text(&answer, "/before/why");
    screen.say(match (&resume.partner, why) {
        (None, "") => "deliveries were not held".to_string(),
        (None, why) => format!("deliveries go on; they were held: {why}"),
        (Some(partner), "") => format!("{partner} was not paused"),
        (Some(partner), why) => format!("{partner} is sent to again; it was paused: {why}"),
    })?;
    Ok(Outcome::Well)
}

fn run_list(list: &List, screen: &mut Screen) -> Result<Outcome> {
    let operation = Operation::DeliveryList {
        partner: list.partner.clone(),
        state: list.state,
        after: list.page.after.clone(),
        count: list.page.count,
    };
    let answer = list.gateway.perform(operation, screen)?;
    if list.page.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let mut table = Table::new(&["id", "what", "state", "tries", "next", "last result"]).with_whole_first();
    for item in items(&answer, "/items") {
        let last = items(item, "/attempts").last().map(|attempt| text(attempt, "/result")).unwrap_or_default();
        let kind = text(item, "/subject").split('/').next().unwrap_or_default();
        let ends = item.get("ending").is_some_and(|ending| ending == true);
        let what = if ends { format!("end of {kind}") } else { kind.to_string() };
        let tries = number(item, "/tries").to_string();
        let next = clock(item, "/next");
        // The id begins with the partner's name.
        table.row([text(item, "/id"), &what, text(item, "/state"), &tries, &next, last]);
    }
    super::table::show(&table, &answer, "no deliveries", screen)
}

fn run_servers(servers: &Servers, screen: &mut Screen) -> Result<Outcome> {
    let answer = servers.gateway.perform(Operation::DeliveryServers, screen)?;
    if servers.json {
        screen.say_json(&answer)?;
        return Ok(Outcome::Well);
    }
    let mut table = Table::new(&["partner", "server", "said", "type", "how it gets there", "not offered"]);
    for item in items(&answer, "/items") {
        let server = match (text(item, "/software"), text(item, "/fault")) {
            ("", "") => "not asked yet".to_string(),
            ("", fault) if text(item, "/read").is_empty() => format!("not read: {fault}"),
            (software, _) => format!("{software}, FHIR {}", text(item, "/fhir_version")),
        };
        let said = clock(item, "/read");
        for kind in items(item, "/types") {
            let lacks: Vec<&str> = items(kind, "/not_offered").iter().filter_map(|one| one.as_str()).collect();
            table.row([
                text(item, "/partner"),
                &server,
                &said,
                text(kind, "/type"),
                text(kind, "/way"),
                &lacks.join(", "),
            ]);
        }
    }
    super::table::show(&table, &answer, "nothing is sent to any partner", screen)
}

fn run_retry(retry: &Retry, screen: &mut Screen) -> Result<Outcome> {
    let operation =
        Operation::DeliveryRetry { id: retry.id.clone(), partner: retry.partner.clone(), who: OPERATOR.to_string() };
    let answer = retry.gateway.perform(operation, screen)?;
    if retry.json {
        screen.say_json(&answer)?;
    } else {
        let count = number(&answer, "/retried");
        screen
            .say(format!("{count} will be tried again at once, or when the partner's own pause (Retry-After) ends"))?;
    }
    Ok(Outcome::Well)
}

fn run_drop(dropped: &Drop, screen: &mut Screen) -> Result<Outcome> {
    let Drop { id, why, .. } = dropped;
    let operation = Operation::DeliveryDrop { id: id.clone(), why: why.clone(), who: OPERATOR.to_string() };
    let answer = dropped.gateway.perform(operation, screen)?;
    if dropped.json {
        screen.say_json(&answer)?;
    } else {
        screen.say(format!("{id} is left for good; `handover delivery retry {id}` brings it back"))?;
    }
    Ok(Outcome::Well)
}

fn run_resend(resend: &Resend, screen: &mut Screen) -> Result<Outcome> {
    let operation =
        Operation::DeliveryResend { partner: resend.partner.clone(), since: resend.since, who: OPERATOR.to_string() };
    let answer = resend.gateway.perform(operation, screen)?;
    if resend.json {
        screen.say_json(&answer)?;
    } else {
        screen.say(format!("{} will be sent once more", number(&answer, "/resent")))?;
    }
    Ok(Outcome::Well)
}
