//! Where a command prints: what it found goes to standard output, what is said about it to standard error.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use serde_json::Value;

/// The terminal (or file, or pipe) a command writes to.
pub struct Screen {
    out: Box<dyn Write>,
    /// Whether ANSI colours are wanted on standard output.
    pub color: bool,
    /// Columns of the terminal; 80 where there is none.
    pub width: usize,
}

impl Screen {
    /// The process's own standard output.
    #[allow(
        clippy::disallowed_methods,
        reason = "NO_COLOR and COLUMNS say what the terminal is, not what the gateway does"
    )]
    pub fn of_process() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let is_terminal = std::io::stdout().is_terminal();
        let width = variable("COLUMNS").and_then(|width| width.parse().ok()).filter(|width| *width >= 40);
        Self {
            out: Box::new(std::io::stdout()),
            color: is_terminal && variable("NO_COLOR").is_none(),
            width: width.unwrap_or(80).min(200),
        }
    }

    /// A line (or several) of what was asked for.
    pub fn say(&mut self, text: impl AsRef<str>) -> Result<()> {
        writeln!(self.out, "{}", text.as_ref())?;
        Ok(())
    }

    /// JSON for programs: one document, indented.
    pub fn say_json(&mut self, value: &Value) -> Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        self.say(text)
    }

    /// A heading above what follows.
    pub fn heading(&mut self, text: &str) -> Result<()> {
        let shown = self.bold(text);
        self.say(format!("\n{shown}"))
    }

    /// The text in bold where the terminal can.
    pub fn bold(&self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// The text dimmed where the terminal can.
    pub fn dim(&self, text: &str) -> String {
        if self.color { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// Why the command could not do what it was asked to. Goes to standard error, which may be closed.
    pub fn complain(&mut self, text: &str) {
        let _ = writeln!(std::io::stderr(), "handover: {text}");
    }

    /// How far a long command is: one line of the terminal that is written over. Nothing where there is no terminal.
    pub fn progress(&mut self, text: &str) {
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            let _ = write!(stderr, "\r\u{1b}[2K{text}").and_then(|()| stderr.flush());
        }
    }

    /// Takes the line of progress away.
    pub fn end_progress(&mut self) {
        self.progress("");
    }

    /// Notes that are no result. Goes to standard error.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}
