//! `handover restore FILE`: makes a store of a backup, and has deliveries wait for a person's word.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::check;
use super::outcome::Outcome;
use super::screen::Screen;
use super::verify::{show, size};
use crate::app;
use crate::clock::{Clock, SystemClock};
use crate::pipeline::{HOLD, Hold};
use crate::store::{About, EngineChoice, RestoreStep, StoreSettings, about_backup, restore};

/// Make a store of a backup, in a data folder that is empty or not there.
///
/// The backup is checked before anything is written, what was written is read again and compared, and only then is it put in its place:
/// what was cut off is never taken for a store. The engine is the site's, whichever the backup was made with. Deliveries wait until
/// `handover delivery resume`: partners may hold newer versions than the backup does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 0 when the store is there, 2 when it is not.\n\n\
    Examples:\n  handover restore today.backup --site site\n  handover restore today.backup --to /tmp/drill")]
pub struct Arguments {
    /// The backup.
    file: PathBuf,
    /// The site's folder, which says where the data folder is and which engine it has.
    #[arg(long, default_value = ".", value_name = "DIR")]
    site: PathBuf,
    /// Another data folder, with the engine that the backup was made with; nothing of a site is read then.
    #[arg(long, value_name = "DIR", conflicts_with = "site")]
    to: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let about = about(arguments)?;
    let settings = settings(arguments, &about, screen)?;
    let hold = Hold {
        since: SystemClock.now(),
        why: format!(
            "the store was restored from a backup of {}, and partners may hold newer versions than it does",
            about.made
        ),
        who: "handover restore".to_string(),
    };
    app::keep_private(&settings.path)?;
    let restored = restore(&settings, &arguments.file, &[(HOLD, hold.to_bytes())], &mut |step| {
        screen.progress(&match step {
            RestoreStep::Checking(bytes) => format!("{} checked", size(bytes)),
            RestoreStep::Writing(bytes) => format!("{} written", size(bytes)),
            RestoreStep::Comparing => "comparing".to_string(),
        });
    });
    screen.end_progress();
    let checked = restored.context("nothing was restored")?;
    show(&arguments.file, &checked, screen)?;
    screen.say(format!("restored into {}", settings.path.display()))?;
    screen.note(
        "nothing is delivered until `handover delivery resume`: first have senders send again what they sent since, \
         and look at what partners hold",
    );
    screen.note("the keys that the gateway signs with are those of then: `handover keys rotate --at-once` where one was lost since");
    Ok(Outcome::Well)
}

/// What the backup says of itself. All of it is checked later.
fn about(arguments: &Arguments) -> Result<About> {
    let file = std::fs::File::open(&arguments.file);
    let file = file.with_context(|| format!("{} cannot be read", arguments.file.display()))?;
    about_backup(file).context("nothing was restored: the backup is of no use")
}

fn settings(arguments: &Arguments, about: &About, screen: &mut Screen) -> Result<StoreSettings> {
    if let Some(path) = arguments.to.clone() {
        let engine = if about.engine == "sled" { EngineChoice::Sled } else { EngineChoice::Fjall };
        return Ok(StoreSettings { engine, path });
    }
    let Some(site) = check::load_or_show(&arguments.site, screen) else { bail!("nothing was restored") };
    Ok(StoreSettings { engine: app::engine_of(&site.settings.store), path: site.settings.data })
}
