//! `handover backup TO`: a copy of the store of one moment, from a gateway that runs or one that does not. Nothing has the name asked for
//! before all of it was written, synced and read again.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::outcome::Outcome;
use super::reach::GatewayArgument;
use super::screen::Screen;
use super::verify::{show, size};
use crate::clock::{Clock, SystemClock};
use crate::store::{Checked, check_backup};

/// Copy the store as it is at one moment, while the gateway runs or not.
///
/// The copy holds everything: messages, records and their history, work, deliveries, audit, the gateway's own keys. It is checked as
/// a whole before it gets its name. For the engines fjall and sled; a PostgreSQL is backed up with its own tools.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A backup holds patients' data and the gateway's own keys in clear: keep it as the data folder is kept, or encrypt it \
    on its way (`-` writes to standard output).\nExit code 0 when the backup is whole, 2 when there is none.\n\n\
    Examples:\n  handover backup /backups --site site\n  handover backup today.backup --data /var/lib/handover\n  \
    handover backup - --site site | age -r age1… > today.backup.age"
)]
pub struct Arguments {
    /// The file to make, a folder to make one in (named by the time), or `-`.
    to: PathBuf,
    /// Print what the backup is, as `handover verify --json` does.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgument,
}

pub fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    if arguments.to == Path::new("-") {
        return to_standard_output(arguments, screen);
    }
    let to = name(&arguments.to);
    let mut partial = Partial::begin(&to)?;
    let (mut taken, started) = (0_u64, Instant::now());
    let given = arguments.gateway.back_up(screen, &mut |bytes, screen| {
        partial.file.write_all(&bytes).with_context(|| format!("{} cannot be written", partial.path.display()))?;
        taken += bytes.len() as u64;
        screen.progress(&format!("{} copied, {} s", size(taken), started.elapsed().as_secs()));
        Ok(())
    });
    screen.end_progress();
    given?;
    let checked = partial.finish(&to, screen)?;
    if arguments.json {
        screen.say_json(&serde_json::to_value(&checked)?)?;
    } else {
        show(&to, &checked, screen)?;
    }
    Ok(Outcome::Well)
}

/// Whoever takes it sees by its end whether it is whole; so does the exit code.
fn to_standard_output(arguments: &Arguments, screen: &mut Screen) -> Result<Outcome> {
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Vec<u8>>(4);
    let checking = std::thread::spawn(move || check_backup(BufReader::new(Parts::new(receiver)), &mut |_| {}));
    let mut out = io::stdout().lock();
    let given = arguments.gateway.back_up(screen, &mut |bytes, _| {
        out.write_all(&bytes)?;
        // A check that failed has ended, and says why below.
        let _ = sender.send(bytes);
        Ok(())
    });
    drop(sender);
    given?;
    out.flush()?;
    let checked = checking.join().map_err(|_| anyhow::anyhow!("the backup could not be checked"))?;
    checked.context("there is no backup")?;
    Ok(Outcome::Well)
}

/// A folder gets a file that is named by the time.
fn name(to: &Path) -> PathBuf {
    if !to.is_dir() {
        return to.to_path_buf();
    }
    let now = SystemClock.now().strftime("%Y%m%dT%H%M%SZ");
    to.join(format!("handover-{now}.backup"))
}

/// A backup on its way. What is left of one that was killed is written over by the next of the same name.
struct Partial {
    path: PathBuf,
    file: File,
    is_done: bool,
}

impl Partial {
    fn begin(to: &Path) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        if fs::symlink_metadata(to).is_ok() {
            bail!("{} is there already; name another file", to.display());
        }
        let mut name = to.file_name().with_context(|| format!("{} names no file", to.display()))?.to_os_string();
        name.push(".partial");
        let path = to.with_file_name(name);
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.with_context(|| format!("{} cannot be made", path.display()))?;
        if file.try_lock().is_err() {
            bail!("another backup is being written to {}", path.display());
        }
        file.set_len(0)?;
        Ok(Self { path, file, is_done: false })
    }

    /// Syncs it, reads it again as it stands in the file, and gives it its name unless something has that by now.
    fn finish(mut self, to: &Path, screen: &mut Screen) -> Result<Checked> {
        let unwritten = || format!("{} cannot be written", self.path.display());
        self.file.flush().and_then(|()| self.file.sync_all()).with_context(unwritten)?;
        let written = File::open(&self.path).with_context(unwritten)?;
        let checked = check_backup(BufReader::with_capacity(1 << 20, written), &mut |bytes| {
            screen.progress(&format!("{} read again", size(bytes)));
        });
        screen.end_progress();
        let checked = checked.context("there is no backup")?;
        fs::hard_link(&self.path, to).with_context(|| format!("{} cannot be made", to.display()))?;
        fs::remove_file(&self.path).with_context(unwritten)?;
        self.is_done = true;
        let folder = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("{}", folder.display()))?;
        Ok(checked)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_done {
            // What cannot be taken away is no backup by its name, nor by what is in it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Parts that come from another thread, as one stream.
struct Parts {
    from: std::sync::mpsc::Receiver<Vec<u8>>,
    rest: io::Cursor<Vec<u8>>,
}

impl Parts {
    fn new(from: std::sync::mpsc::Receiver<Vec<u8>>) -> Self {
        Self { from, rest: io::Cursor::default() }
    }
}

impl io::Read for Parts {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.rest.read(to)?;
            if read > 0 || to.is_empty() {
                return Ok(read);
            }
            match self.from.recv() {
                Ok(part) => self.rest = io::Cursor::new(part),
                Err(_) => return Ok(0),
            }
        }
    }
}
