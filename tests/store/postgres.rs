//! A real PostgreSQL, started once for all tests of this process and stopped with it, however it ends.

use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

struct Server {
    programs: PathBuf,
    directory: PathBuf,
    /// On localhost; its local socket is named after it too.
    port: u16,
    /// The server's shell waits for the end of this, which comes when this process ends.
    _alive: ChildStdin,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// A database reached over the network, by a server with a certificate for `localhost`: the url up to how TLS is used, the
/// PEM of who issued the certificate, and the name of the database.
pub fn new_database_with_tls() -> Option<(String, PathBuf, String)> {
    let url = new_database()?;
    let server = SERVER.get()?.as_ref()?;
    let name = url.rsplit_once('=')?.1.to_string();
    let url = format!("postgresql://postgres@localhost:{}/{name}", server.port);
    Some((url, server.directory.join("issuer.pem"), name))
}

/// How many connections to this database use TLS, and how many do not.
pub fn connections(database: &str) -> (usize, usize) {
    let server = SERVER.get().unwrap().as_ref().unwrap();
    let count = |ssl: &str| {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = '{database}' AND {ssl}"
        );
        let output = server.psql_command(&sql).arg("-At").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    (count("ssl"), count("NOT ssl"))
}

/// The url of an empty database; none where PostgreSQL is not installed.
pub fn new_database() -> Option<String> {
    let server = SERVER.get_or_init(Server::start).as_ref()?;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    assert!(server.psql(&format!("CREATE DATABASE {name} TEMPLATE template0")), "no database could be created");
    Some(format!("host={} port={} user=postgres dbname={name}", server.directory.display(), server.port))
}

/// What each migration from the fourth on made, taken back; the newest first.
const UNDONE: [(u32, &str); 11] = [
    (19, "DROP TABLE guided, guided_value"),
    (
        18,
        "ALTER TABLE message DROP COLUMN class, DROP COLUMN received_nanos, DROP COLUMN kinds;
         DROP TABLE message_class, message_count",
    ),
    (15, "DROP INDEX resource_written; DROP INDEX history_written"),
    (13, "DROP TABLE searches"),
    (11, "DROP TABLE person_word"),
    (
        10,
        "DROP TABLE held_copy; ALTER TABLE delivery DROP COLUMN thing, DROP COLUMN inherited; DROP INDEX delivery_again",
    ),
    (
        8,
        "ALTER TABLE delivery DROP COLUMN urgent, DROP COLUMN rank, DROP COLUMN leased_by; DROP INDEX delivery_first;
         CREATE INDEX delivery_due ON delivery (next_nanos) WHERE first",
    ),
    (7, "ALTER TABLE message DROP COLUMN others"),
    (6, "ALTER TABLE resource DROP COLUMN waits"),
    (5, "ALTER TABLE delivery DROP COLUMN created_nanos"),
    (4, "DROP TABLE open_work, open_work_count"),
];

/// Statements that take a database back to before a migration.
pub fn undone(number: u32) -> String {
    let steps = UNDONE.iter().filter(|(step, _)| *step >= number).map(|(_, sql)| format!("{sql}; "));
    steps.collect::<String>() + &format!("DELETE FROM migration WHERE number >= {number}")
}

/// Runs statements in a database of `new_database`.
pub fn run_in(url: &str, sql: &str) {
    let server = SERVER.get().unwrap().as_ref().unwrap();
    let name = url.rsplit_once('=').unwrap().1;
    assert!(server.psql_command(sql).args(["-d", name, "-v", "ON_ERROR_STOP=1"]).status().unwrap().success(), "{sql}");
}

pub fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    found.into_iter().find(|path| path.join("initdb").exists() && path.join("postgres").exists())
}

/// PostgreSQL refuses to run as root.
pub fn as_other_user(program: &Path) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", user(), "--"]).arg(program);
    command
}

pub fn user() -> &'static str {
    if Command::new("id").arg("postgres").output().is_ok_and(|output| output.status.success()) {
        "postgres"
    } else {
        "nobody"
    }
}

/// An issuer nobody else knows, and its certificate for `localhost` with the key that only the server may read. The server's
/// files become its own: what a gateway in this process made its rule for new files would shut them to any other user.
fn write_certificate(directory: &Path) {
    let mut issuer = rcgen::CertificateParams::new(Vec::new()).unwrap();
    issuer.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer_key = rcgen::KeyPair::generate().unwrap();
    let own = issuer.self_signed(&issuer_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(issuer, issuer_key);
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".to_string()]).unwrap().signed_by(&key, &issuer).unwrap();
    for (name, text) in
        [("issuer.pem", own.pem()), ("server.pem", certificate.pem()), ("server.key", key.serialize_pem())]
    {
        std::fs::write(directory.join(name), text).unwrap();
        let _ = Command::new("chown").arg(user()).arg(directory.join(name)).status();
    }
    let key = directory.join("server.key");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

impl Server {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)");
            return None;
        };
        // A free port may be another test's by the time that the server takes it.
        let mut logs = String::new();
        for _ in 0..3 {
            match Self::start_once(&programs) {
                Ok(server) => return Some(server),
                Err(log) => logs.push_str(&log),
            }
        }
        panic!("PostgreSQL did not start:\n{logs}")
    }

    /// What the server wrote, where it does not answer in time.
    fn start_once(programs: &Path) -> Result<Self, String> {
        let directory = tempfile::Builder::new().prefix("handover-postgres").tempdir().unwrap().keep();
        // Fails when this is not root, and then is not needed.
        let _ = Command::new("chown").arg(user()).arg(&directory).status();
        write_certificate(&directory);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = directory.join("data");
        let mut initdb = as_other_user(&programs.join("initdb"));
        initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]).arg(&data);
        assert!(initdb.current_dir("/").stdout(Stdio::null()).status().unwrap().success(), "initdb failed");
        // What the server itself survives is not what is tested here, so it need not sync.
        let script = "\"$1/postgres\" -D \"$2/data\" -k \"$2\" -p \"$3\" -c listen_addresses=localhost -c fsync=off -c max_connections=400 \
                      -c ssl=on -c ssl_cert_file=\"$2/server.pem\" -c ssl_key_file=\"$2/server.key\" \
                      >\"$2/log\" 2>&1 & read line; kill -INT $!; wait; rm -rf \"$2\"";
        let mut shell = as_other_user(Path::new("/bin/sh"));
        shell
            .args(["-c", script, "sh"])
            .arg(programs)
            .arg(&directory)
            .arg(port.to_string())
            .current_dir("/")
            .stdin(Stdio::piped());
        let alive = shell.stdout(Stdio::null()).spawn().unwrap().stdin.take().unwrap();
        let server = Self { programs: programs.to_path_buf(), directory, port, _alive: alive };
        let start = Instant::now();
        while !server.psql("SELECT 1") {
            if start.elapsed() > Duration::from_secs(30) {
                return Err(std::fs::read_to_string(server.directory.join("log")).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(server)
    }

    fn psql(&self, sql: &str) -> bool {
        let mut psql = self.psql_command(sql);
        psql.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn psql_command(&self, sql: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg("-h").arg(&self.directory).arg("-p").arg(self.port.to_string());
        psql.args(["-U", "postgres", "-d", "postgres", "-q", "-c", sql]);
        psql
    }
}
