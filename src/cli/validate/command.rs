//! The command itself: its arguments, what they ask for, and how it ends.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::super::check;
use super::super::outcome::Outcome;
use super::super::screen::Screen;
use super::findings::{Finding, check as check_piece, outcome};
use super::input::{Input, inputs, is_standard_input, read};
use super::report::{Alike, Totals, finish, show, show_alike};
use crate::problem::Severity;
use crate::profile::{Profiles, named_profile};

/// Progress is shown after so many resources.
const STEP: usize = 100;

/// Check FHIR resources against R4 and profiles, and show every fault with its line.
///
/// Reads JSON and XML files with one resource or bundle, .ndjson files with one a line, folders (whatever lies in them of these),
/// and standard input. In XML the order of elements is not checked, and there may be no DTD. Each resource is checked against R4, against the profiles that it and what it holds claim in
/// meta.profile, and against those named with --profile. R4 4.0.1, US Core 7.0.0 and Handover's own profiles are built in;
/// --site adds the packages of a site. What cannot be checked, because a definition is not here, is said at the end.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code: 0 all valid, 1 errors found, 2 could not run.\n\n\
    Examples:\n  handover validate patient.json\n  handover validate patient.xml export/ --profile us-core-patient --errors-only\n  \
    handover validate bundle.json --json | jq '.files[].outcome.issue[] | .location'\n  \
    curl -s https://ehr.example/fhir/Patient/1 | handover validate - --site site")]
pub struct Arguments {
    /// Files or folders; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Check against this profile too: its canonical URL, or the last part of it. May be given more than once.
    #[arg(long, value_name = "URL")]
    profile: Vec<String>,
    /// A site's folder, whose packages are used as well.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// The least severity that is shown.
    #[arg(long, value_name = "LEVEL", default_value = "information")]
    level: Level,
    /// Show errors only: --level error.
    #[arg(long, conflicts_with = "level")]
    errors_only: bool,
    /// Print `{ "errors", "warnings", "resources", "files": [{ "file", "outcome": OperationOutcome }] }`; an issue's location is
    /// file:line:column, its expression the FHIRPath.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Level {
    Information,
    Warning,
    Error,
}

impl Arguments {
    fn least(&self) -> Severity {
        match self.level {
            _ if self.errors_only => Severity::Error,
            Level::Information => Severity::Information,
            Level::Warning => Severity::Warning,
            Level::Error => Severity::Error,
        }
    }
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let site = match &arguments.site {
        Some(dir) => match check::load_or_show(dir, screen) {
            Some(site) => Some(site),
            None => bail!("nothing was checked"),
        },
        None => None,
    };
    let profiles = site.as_ref().map_or(Profiles::built_in(), |site| &*site.profiles);
    let named = arguments.profile.iter().map(|name| named_profile(name, profiles.library()));
    let asked: Vec<String> = named.collect::<Result<_, _>>().map_err(anyhow::Error::msg)?;
    let inputs = inputs(&arguments.files)?;
    let mut run = Run { least: arguments.least(), asked, profiles, totals: Totals::default(), json: None };
    run.json = arguments.json.then(Vec::new);
    for input in &inputs {
        run.file(input, inputs.len(), screen)?;
    }
    screen.end_progress();
    let totals = &run.totals;
    match run.json {
        Some(files) => screen.say_json(&json!({
            "errors": totals.errors, "warnings": totals.warnings, "resources": totals.resources, "files": files,
        }))?,
        None => finish(totals, run.least, screen)?,
    }
    Ok(if totals.errors == 0 { Outcome::Well } else { Outcome::Faults })
}

struct Run<'r> {
    least: Severity,
    asked: Vec<String>,
    profiles: &'r Profiles,
    totals: Totals,
    /// What `--json` prints, when it is asked for.
    json: Option<Vec<Value>>,
}

impl Run<'_> {
    fn file(&mut self, input: &Input, count: usize, screen: &mut Screen) -> Result<()> {
        let shown = input.path.display().to_string();
        let file: Arc<str> = if is_standard_input(&input.path) { "standard input".into() } else { shown.into() };
        let mut all: Vec<Finding> = Vec::new();
        let mut is_checked = false;
        let mut alike = Alike::new();
        self.totals.files += 1;
        read(input, &mut |piece| {
            let Some(checked) = check_piece(&piece, &file, input.is_found, &self.asked, self.profiles) else {
                self.totals.passed_over += 1;
                return Ok(());
            };
            is_checked = true;
            self.totals.add(&checked.findings);
            if self.json.is_some() {
                all.extend(checked.findings.into_iter().filter(|finding| finding.problem.severity >= self.least));
            } else {
                screen.end_progress();
                let text = piece.text.as_deref().ok();
                show(&checked.findings, text, piece.first_line, self.least, &mut alike, screen)?;
            }
            if self.totals.resources.is_multiple_of(STEP) {
                screen.progress(&format!(
                    "{} resources checked, file {} of {count}",
                    self.totals.resources, self.totals.files
                ));
            }
            Ok(())
        })?;
        show_alike(&file, &alike, screen)?;
        if let Some(files) = self.json.as_mut().filter(|_| is_checked) {
            files.push(json!({ "file": &*file, "outcome": outcome(&all) }));
        }
        Ok(())
    }
}
