//! How what was found is shown: each fault with its line as a compiler would, what could not be checked once for the whole
//! run, and a summary.

use std::collections::BTreeMap;

use anyhow::Result;

use super::super::check::counted;
use super::super::screen::Screen;
use super::findings::Finding;
use crate::problem::{Place, Problem, Severity};
use crate::site::render_one;

/// Lines longer than this (a bundle written on one line) are not shown.
const LONGEST_LINE: usize = 4096;

/// What was found in a run.
#[derive(Default)]
pub struct Totals {
    pub files: usize,
    pub resources: usize,
    /// Resources with at least one error.
    pub wrong: usize,
    pub errors: usize,
    pub warnings: usize,
    /// What could not be checked, with in how many resources.
    pub unchecked: BTreeMap<String, usize>,
    /// Files in folders that are no resources.
    pub passed_over: usize,
}

impl Totals {
    /// Counts one resource.
    pub fn add(&mut self, findings: &[Finding]) {
        self.resources += 1;
        let errors = findings.iter().filter(|finding| finding.problem.is_error()).count();
        self.errors += errors;
        self.wrong += usize::from(errors > 0);
        for problem in findings.iter().map(|finding| &finding.problem) {
            match problem.severity {
                Severity::Warning => self.warnings += 1,
                Severity::Information => *self.unchecked.entry(problem.text.clone()).or_default() += 1,
                Severity::Error | Severity::Fatal => {}
            }
        }
    }

    pub fn summary(&self) -> String {
        let wrong = match self.wrong {
            0 => "all valid".to_string(),
            1 => "1 is not valid".to_string(),
            count => format!("{count} are not valid"),
        };
        let mut parts = vec![format!("{} checked, {wrong}", counted(self.resources, "resource"))];
        if self.errors > 0 {
            parts.push(counted(self.errors, "error"));
        }
        if self.warnings > 0 {
            parts.push(counted(self.warnings, "warning"));
        }
        if self.passed_over > 0 {
            parts.push(format!("{} passed over", counted(self.passed_over, "other file")));
        }
        parts.join("; ")
    }
}

/// The same advice is shown so many times for each file; then it is counted.
const SHOWN_ALIKE: usize = 3;

/// How often the same advice was given in a file.
pub type Alike = BTreeMap<String, usize>;

/// Shows the faults of one resource. Each has its FHIRPath first.
pub fn show(
    findings: &[Finding],
    text: Option<&str>,
    first_line: u32,
    least: Severity,
    alike: &mut Alike,
    screen: &mut Screen,
) -> Result<()> {
    let shown =
        findings.iter().filter(|it| it.problem.severity >= least && it.problem.severity > Severity::Information);
    for finding in shown {
        if finding.problem.severity == Severity::Warning {
            let count = alike.entry(finding.problem.text.clone()).or_default();
            *count += 1;
            if *count > SHOWN_ALIKE {
                continue;
            }
        }
        let line = usize::try_from(finding.mark.line.saturating_sub(first_line)).unwrap_or(0);
        let line = text.and_then(|text| text.lines().nth(line)).filter(|line| line.len() <= LONGEST_LINE);
        let problem = Problem {
            text: in_words(&finding.problem),
            place: Place::File(finding.mark.clone()),
            ..finding.problem.clone()
        };
        screen.say(render_one(&problem, line, screen.color, screen.width))?;
        screen.say("")?;
    }
    Ok(())
}

/// Tells how much advice was the same as what was shown of a file.
pub fn show_alike(file: &str, alike: &Alike, screen: &mut Screen) -> Result<()> {
    for (text, count) in alike.iter().filter(|(_, count)| **count > SHOWN_ALIKE) {
        let more = counted(count - SHOWN_ALIKE, "more warning");
        screen.say(format!("{more} like this in {file} (--json has all): {text}\n"))?;
    }
    Ok(())
}

fn in_words(problem: &Problem) -> String {
    match &problem.place {
        Place::Element(path) => format!("{path}: {}", problem.text),
        _ => problem.text.clone(),
    }
}

/// What could not be checked, and the summary.
pub fn finish(totals: &Totals, least: Severity, screen: &mut Screen) -> Result<()> {
    if least == Severity::Information && !totals.unchecked.is_empty() {
        screen.say(screen.bold("not checked, because what is needed is not here:"))?;
        let mut unchecked: Vec<(&String, &usize)> = totals.unchecked.iter().collect();
        unchecked.sort_by_key(|(text, count)| (std::cmp::Reverse(**count), text.as_str()));
        for (text, count) in unchecked {
            screen.say(format!("{count:>6} × {text}"))?;
        }
        screen.say("")?;
    }
    screen.say(totals.summary())
}
