//! A real PostgreSQL, started once for all tests of this process and stopped with it, however it ends.

use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

struct Server {
    programs: PathBuf,
    directory: PathBuf,
    /// The server's shell waits for the end of this, which comes when this process ends.
    _alive: ChildStdin,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// The url of an empty database; none where PostgreSQL is not installed.
pub fn new_database() -> Option<String> {
    let server = SERVER.get_or_init(Server::start).as_ref()?;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    assert!(server.psql(&format!("CREATE DATABASE {name} TEMPLATE template0")), "no database could be created");
    Some(format!("host={} user=postgres dbname={name}", server.directory.display()))
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    found.into_iter().find(|path| path.join("initdb").exists() && path.join("postgres").exists())
}

/// PostgreSQL refuses to run as root.
fn as_other_user(program: &Path) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", user(), "--"]).arg(program);
    command
}

fn user() -> &'static str {
    if Command::new("id").arg("postgres").output().is_ok_and(|output| output.status.success()) {
        "postgres"
    } else {
        "nobody"
    }
}

impl Server {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("handover-postgres").tempdir().unwrap().keep();
        // Fails when this is not root, and then is not needed.
        let _ = Command::new("chown").arg(user()).arg(&directory).status();
        let data = directory.join("data");
        let mut initdb = as_other_user(&programs.join("initdb"));
        initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]).arg(&data);
        assert!(initdb.current_dir("/").stdout(Stdio::null()).status().unwrap().success(), "initdb failed");
        // What the server itself survives is not what is tested here, so it need not sync.
        let script = "\"$1/postgres\" -D \"$2/data\" -k \"$2\" -c listen_addresses= -c fsync=off -c max_connections=400 \
                      >\"$2/log\" 2>&1 & read line; kill -INT $!; wait; rm -rf \"$2\"";
        let mut shell = as_other_user(Path::new("/bin/sh"));
        shell.args(["-c", script, "sh"]).arg(&programs).arg(&directory).current_dir("/").stdin(Stdio::piped());
        let alive = shell.stdout(Stdio::null()).spawn().unwrap().stdin.take().unwrap();
        let server = Self { programs, directory, _alive: alive };
        let start = Instant::now();
        while !server.psql("SELECT 1") {
            assert!(start.elapsed() < Duration::from_secs(30), "PostgreSQL did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(server)
    }

    fn psql(&self, sql: &str) -> bool {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg("-h").arg(&self.directory).args(["-U", "postgres", "-d", "postgres", "-q", "-c", sql]);
        psql.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}
