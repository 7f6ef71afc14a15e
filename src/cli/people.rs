//! `handover people`: what `people.yaml` holds of a person that nobody can write by hand: the hash of a password, and the secret that a
//! phone makes codes from. Passwords are read without an echo and never shown.

use std::io::{IsTerminal, Read};
use std::os::fd::AsFd;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::json;

use super::outcome::Outcome;
use super::screen::Screen;
use crate::site::{CodeSecret, PasswordHash, is_login};

/// The longest line that is read as a password, in bytes.
const LONGEST_LINE: u64 = 4096;

/// Make what `people.yaml` holds of a person: the hash of a password, or the secret of a phone's codes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Hash(Hash),
    Totp(Totp),
}

/// Read a password and print the line of `people.yaml` that stands for it.
///
/// At a terminal the password is asked for twice and not shown; otherwise the first line of standard input is the password. What is
/// printed is its argon2id hash with a salt of its own: it cannot be turned back, and two of the same password differ.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 2 when the password is too short or the two differ.\n\n\
    Examples:\n  handover people hash\n  pass show handover/nbrooks | handover people hash --bare")]
struct Hash {
    /// Print the hash alone, for a file or a credential that `password: file:PATH` names.
    #[arg(long)]
    bare: bool,
}

/// Make a new secret for the codes of a phone (TOTP), and print its line and the address that an authenticator app reads.
///
/// The line belongs in the person's entry of `people.yaml`. The address is for them alone: typed or scanned into an app, it
/// makes a code every 30 seconds, which is asked for at the login from then on. Nothing is stored here; a second call gives another
/// secret.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  handover people totp nbrooks\n  \
    handover people totp nbrooks --issuer 'Riverside Care' --json | jq -r .address | qrencode -t UTF8")]
struct Totp {
    /// The login of the person.
    name: String,
    /// The organisation, as the app shows it.
    #[arg(long, default_value = "Handover")]
    issuer: String,
    /// Print `{ "secret", "address" }`.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    match &arguments.what {
        What::Hash(hash) => {
            let password = password(screen)?;
            let made = PasswordHash::of(&password).map_err(anyhow::Error::msg)?.text();
            screen.say(if hash.bare { made } else { format!("password: \"{made}\"") })?;
        }
        What::Totp(totp) => {
            if !is_login(&totp.name) {
                bail!("`{}` is no login: 2 to 40 lower-case letters, digits, dots, hyphens, underscores", totp.name);
            }
            let secret = CodeSecret::new();
            let address = secret.address(&totp.issuer, &totp.name);
            if totp.json {
                screen.say_json(&json!({ "secret": secret.text(), "address": address }))?;
            } else {
                screen.say(format!("totp: {}", secret.text()))?;
                screen.say(address)?;
            }
        }
    }
    Ok(Outcome::Well)
}

fn password(screen: &mut Screen) -> Result<String> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return line();
    }
    let before = tcgetattr(input.as_fd()).context("the terminal cannot be asked")?;
    let _quiet = Quiet::begin(before)?;
    screen.note("password: ");
    let first = line()?;
    screen.note("the same once more: ");
    let second = line()?;
    if first != second {
        bail!("the two are not the same; nothing was made");
    }
    Ok(first)
}

/// A terminal that shows nothing of what is typed; as it was again when this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin(before: Termios) -> Result<Self> {
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin().as_fd(), OptionalActions::Flush, &quiet).context("the terminal keeps its echo")?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing lost: the shell sets its terminal anew.
        let _ = tcsetattr(std::io::stdin().as_fd(), OptionalActions::Flush, &self.0);
    }
}

/// One line of standard input without its end.
fn line() -> Result<String> {
    let (mut bytes, input) = (Vec::new(), std::io::stdin().lock());
    for byte in input.take(LONGEST_LINE).bytes() {
        match byte.context("the password cannot be read")? {
            b'\n' => break,
            byte => bytes.push(byte),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("the password is not UTF-8 text"))?;
    Ok(text.trim_end_matches('\r').to_string())
}
