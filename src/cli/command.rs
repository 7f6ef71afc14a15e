//! The commands, and what they tell the shell.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use super::outcome::Outcome;
use super::screen::Screen;
use super::{
    agreement, backup, check, completions, console, delivery, demo, diff, health, huddle, init, keys, look, manual,
    mapping, measures, message, panel, people, profiles, protocol, reload, replay, restore, run, schema, send,
    terminology, test, try_message, unused, validate, verify,
};

/// Turns HL7 v2 messages into care-coordination records and work, and delivers that work under agreements.
///
/// Start with `handover demo`, or write a site of your own with `handover init`.
#[derive(Debug, Parser)]
#[command(name = "handover", version, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Init(init::Arguments),
    Check(check::Arguments),
    Schema(schema::Arguments),
    Test(test::Arguments),
    Try(try_message::Arguments),
    Validate(validate::Arguments),
    Run(run::Arguments),
    Send(send::Arguments),
    Console(console::Arguments),
    People(people::Arguments),
    Health(health::Arguments),
    Reload(reload::Arguments),
    Backup(backup::Arguments),
    Restore(restore::Arguments),
    Verify(verify::Arguments),
    Keys(keys::Arguments),
    Panel(panel::Arguments),
    Profiles(profiles::Arguments),
    Terminology(terminology::Arguments),
    Mapping(mapping::Arguments),
    Protocol(protocol::Arguments),
    Message(message::Arguments),
    Replay(Box<replay::Arguments>),
    Diff(Box<diff::Arguments>),
    Unused(unused::Arguments),
    Look(look::Arguments),
    Huddle(huddle::Arguments),
    Measures(measures::Arguments),
    Delivery(delivery::Arguments),
    Agreement(agreement::Arguments),
    Completions(completions::Arguments),
    Manual(manual::Arguments),
}

/// Reads the arguments, runs the command, and says how it ended: 0, 1, 2 when it could not run, 130 when it was interrupted.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut screen = Screen::of_process();
    let result = match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments, &mut screen),
        Command::Init(arguments) => init::run(&arguments, &mut screen),
        Command::Check(arguments) => check::run(&arguments, &mut screen),
        Command::Schema(arguments) => schema::run(&arguments, &mut screen),
        Command::Test(arguments) => test::run(&arguments, &mut screen),
        Command::Try(arguments) => try_message::run(&arguments, &mut screen),
        Command::Validate(arguments) => validate::run(&arguments, &mut screen),
        Command::Run(arguments) => run::run(&arguments, &mut screen),
        Command::Send(arguments) => send::run(&arguments, &mut screen),
        Command::Console(arguments) => console::run(&arguments, &mut screen),
        Command::People(arguments) => people::run(&arguments, &mut screen),
        Command::Health(arguments) => health::run(&arguments, &mut screen),
        Command::Reload(arguments) => reload::run(&arguments, &mut screen),
        Command::Backup(arguments) => backup::run(&arguments, &mut screen),
        Command::Restore(arguments) => restore::run(&arguments, &mut screen),
        Command::Verify(arguments) => verify::run(&arguments, &mut screen),
        Command::Keys(arguments) => keys::run(&arguments, &mut screen),
        Command::Panel(arguments) => panel::run(&arguments, &mut screen),
        Command::Profiles(arguments) => profiles::run(&arguments, &mut screen),
        Command::Terminology(arguments) => terminology::run(&arguments, &mut screen),
        Command::Mapping(arguments) => mapping::run(&arguments, &mut screen),
        Command::Protocol(arguments) => protocol::run(&arguments, &mut screen),
        Command::Message(arguments) => message::run(&arguments, &mut screen),
        Command::Replay(arguments) => replay::run(&arguments, &mut screen),
        Command::Diff(arguments) => diff::run(&arguments, &mut screen),
        Command::Unused(arguments) => unused::run(&arguments, &mut screen),
        Command::Look(arguments) => look::run(&arguments, &mut screen),
        Command::Huddle(arguments) => huddle::run(&arguments, &mut screen),
        Command::Measures(arguments) => measures::run(&arguments, &mut screen),
        Command::Delivery(arguments) => delivery::run(&arguments, &mut screen),
        Command::Agreement(arguments) => agreement::run(&arguments, &mut screen),
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command(), &mut screen),
        Command::Manual(arguments) => manual::run(&arguments, Arguments::command(), &mut screen),
    };
    match result {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Faults) => ExitCode::from(1),
        // What shells say of a command that Ctrl-C ended.
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            screen.complain(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

/// `handover … | head` closes the pipe when it has read enough; that is no fault.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        kind == Some(std::io::ErrorKind::BrokenPipe)
    };
    error.chain().any(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_all_commands_make_sense_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_with_an_example() {
        for command in Arguments::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            let is_group = command.get_subcommands().next().is_some();
            assert!(is_group || command.get_after_help().is_some(), "{} has no example", command.get_name());
        }
    }
    /// Words as a shell would part them: by blanks outside quotes, up to a comment or a pipe.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quote, mut is_new) = (Vec::<String>::new(), None, true);
        for sign in line.chars() {
            match (quote, sign) {
                (None, '#' | '|') if is_new => break,
                (None, '\'' | '"') => quote = Some(sign),
                (Some(open), _) if open == sign => quote = None,
                (None, ' ') => {
                    is_new = true;
                    continue;
                }
                _ => {}
            }
            if std::mem::take(&mut is_new) {
                words.push(String::new());
            }
            words.last_mut().unwrap().extend(Some(sign).filter(|sign| !matches!(sign, '\'' | '"')));
        }
        words
    }

    #[test]
    fn every_command_that_the_documents_show_is_one_that_can_be_given() {
        use clap::error::ErrorKind;

        let mut commands = Vec::new();
        for block in crate::site::documented::blocks().iter().filter(|block| block.says == "sh") {
            let lines = block.text.lines().map(|line| line.replacen("cargo run --release -- ", "handover ", 1));
            let lines = lines.filter(|line| line.starts_with("handover "));
            commands.extend(lines.map(|line| (block.place.clone(), line, true)));
        }
        for (name, text) in crate::site::documented::documents() {
            let quoted = text.split('`').filter(|part| part.starts_with("handover ") && !part.contains([',', '\n']));
            commands.extend(quoted.map(|part| (name.clone(), part.replace("\\|", "/").replace('…', "X"), false)));
        }
        assert!(commands.len() > 30, "{commands:?}");
        for (place, line, is_whole) in commands {
            let Err(error) = Arguments::try_parse_from(words(&line)) else { continue };
            let is_help = error.kind() == ErrorKind::DisplayHelp || line == "handover COMMAND --help";
            // In a sentence a command is named, not given.
            let lacks = [ErrorKind::MissingRequiredArgument, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand];
            assert!(is_help || (!is_whole && lacks.contains(&error.kind())), "{place}: `{line}`: {error}");
        }
    }
}
