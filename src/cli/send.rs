//! `handover send FILE…`: sends messages by MLLP as a hospital's interface engine does, and shows what is answered.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::outcome::Outcome;
use super::screen::Screen;
use super::try_message;
use crate::feed::{Answer, ClientTls, NONE_ASKED, Sender};
use crate::hl7::{Batch, Message, ReadOptions};

/// Send messages by MLLP, one after the other, and show what is answered to each.
///
/// For trying a feed, here or at somebody else's gateway. Each message waits for its acknowledgement, and the first that gets none ends
/// it. Files are sent as they are, but for line feeds where a message has no carriage returns: segments end in carriage returns.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 1 when a message is not accepted (AA, CA), 2 when one gets no answer.\n\n\
    Examples:\n  handover send adt-a04.hl7\n  handover send messages/*.hl7 --to gateway.example.org:2575 --client-identity hospital.pem\n  \
    sed \"s/TODAY/$(date +%Y%m%d)/g\" visit.hl7 | handover send - --json")]
pub struct Arguments {
    /// Files with one message or several, each sent alone; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Where the feed listens.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2575")]
    to: String,
    /// Speak TLS; what it is trusted by are the platform's authorities.
    #[arg(long)]
    tls: bool,
    /// Speak TLS; what it is trusted by are the authorities of this PEM file.
    #[arg(long, value_name = "FILE")]
    server_ca: Option<PathBuf>,
    /// Speak TLS, and show the certificate of this PEM file, which holds its key, too.
    #[arg(long, value_name = "FILE")]
    client_identity: Option<PathBuf>,
    /// How long to wait for each answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Print `{ "sent": [{ file, event, control, code, text, milliseconds }], "not_sent": COUNT, "fault": TEXT }`.
    #[arg(long)]
    json: bool,
}

/// One message on its way.
struct Outgoing<'a> {
    file: String,
    event: String,
    control: String,
    bytes: Cow<'a, [u8]>,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let mut contents = Vec::new();
    for file in &arguments.files {
        contents.push((file.display().to_string(), try_message::read(file)?));
    }
    let outgoing: Vec<Outgoing<'_>> = contents.iter().flat_map(|(file, bytes)| messages(file, bytes)).collect();
    if outgoing.is_empty() {
        anyhow::bail!("there is nothing to send in it");
    }
    tokio::runtime::Runtime::new().context("cannot start")?.block_on(send_all(arguments, &outgoing, screen))
}

fn messages<'a>(file: &str, bytes: &'a [u8]) -> Vec<Outgoing<'a>> {
    let one = |raw: &'a [u8]| {
        let bytes = with_carriage_returns(raw);
        let read = Message::parse(bytes.to_vec(), &ReadOptions::default()).message?;
        let header = read.header();
        let event = format!("{}^{}", header.message_code(), header.trigger_event());
        Some(Outgoing { file: file.to_string(), event, control: header.control_id().into_owned(), bytes })
    };
    // Nothing lost: what has no header that can be read is sent as it is, and shown so.
    let unread = |raw: &'a [u8]| Outgoing {
        file: file.to_string(),
        event: "unreadable".to_string(),
        control: String::new(),
        bytes: Cow::Borrowed(raw),
    };
    Batch::split(bytes)
        .messages
        .iter()
        .map(|span| span.of(bytes))
        .filter(|raw| !raw.trim_ascii().is_empty())
        .map(|raw| one(raw).unwrap_or_else(|| unread(raw)))
        .collect()
}

/// Files that people write end their lines in line feeds.
fn with_carriage_returns(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.contains(&b'\r') {
        return Cow::Borrowed(raw);
    }
    raw.iter().map(|&byte| if byte == b'\n' { b'\r' } else { byte }).collect::<Vec<u8>>().into()
}

async fn send_all(arguments: &Arguments, outgoing: &[Outgoing<'_>], screen: &mut Screen) -> Result<Outcome> {
    let tls =
        ClientTls { server_ca: arguments.server_ca.as_deref(), client_identity: arguments.client_identity.as_deref() };
    let is_secret = arguments.tls || tls.server_ca.is_some() || tls.client_identity.is_some();
    let patience = Duration::from_secs(arguments.patience);
    let mut sender = Sender::connect(&arguments.to, is_secret.then_some(tls), patience)
        .await
        .with_context(|| format!("nothing was sent: {} cannot be reached", arguments.to))?;
    let (mut sent, mut fault) = (Vec::new(), None);
    for message in outgoing {
        match sender.send(&message.bytes).await {
            Ok(answer) => {
                if !arguments.json {
                    show(message, &answer, screen)?;
                }
                sent.push((message, answer));
            }
            Err(error) => {
                fault = Some(format!("{}, control id {}: {error}", message.file, message.control));
                break;
            }
        }
    }
    let refused = sent.iter().filter(|(_, answer)| !is_accepted(answer)).count();
    let left = outgoing.len().saturating_sub(sent.len());
    if arguments.json {
        let sent: Vec<Value> = sent.iter().map(|(message, answer)| as_json(message, answer)).collect();
        screen.say_json(&json!({ "sent": sent, "not_sent": left, "fault": fault }))?;
    } else if outgoing.len() > 1 {
        screen.say(format!(
            "{} of {} accepted, {refused} refused",
            sent.len().saturating_sub(refused),
            outgoing.len()
        ))?;
    }
    if let Some(fault) = fault {
        let after = left.saturating_sub(1);
        anyhow::bail!(
            "{fault}; this message may have arrived, {after} after it were not sent. Sending the same again does no harm"
        );
    }
    Ok(if refused == 0 { Outcome::Well } else { Outcome::Faults })
}

/// Of what asks for no answer nothing is known, and nothing is said against it.
fn is_accepted(answer: &Answer) -> bool {
    matches!(answer.code.as_str(), "AA" | "CA" | NONE_ASKED)
}

fn show(message: &Outgoing<'_>, answer: &Answer, screen: &mut Screen) -> Result<()> {
    let Outgoing { file, event, control, .. } = message;
    let words = if answer.text.is_empty() { String::new() } else { format!(": {}", answer.text) };
    let took = answer.took.as_secs_f64() * 1000.0;
    let code = if answer.code.is_empty() { "no code" } else { &answer.code };
    screen.say(format!("{file}: {event}, control id {control}: {} after {took:.1} ms{words}", screen.bold(code)))
}

fn as_json(message: &Outgoing<'_>, answer: &Answer) -> Value {
    json!({
        "file": message.file, "event": message.event, "control": message.control, "code": answer.code,
        "text": answer.text, "milliseconds": answer.took.as_secs_f64() * 1000.0,
    })
}
