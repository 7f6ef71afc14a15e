//! A gateway on PostgreSQL, restored with PostgreSQL's own tools (https://www.postgresql.org/docs/15/backup.html): a dump made while messages
//! come, and a moment in time from a base backup with the write-ahead log.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use handover::store::{EngineChoice, StoreSettings, open};

use crate::backup::{handover, sequences, told};
use crate::harness::{Hospital, adt, code, minutes_ago};
use crate::postgres::{as_other_user, programs, user};
use crate::process::{Ground, free_port, prepare_with, run};

/// A server of its own, which keeps its write-ahead log beside it.
struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let _ = as_other_user(&self.programs.join("pg_ctl")).args(["stop", "-m", "immediate", "-D"]).arg(data).output();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts what is in `folder/data`; `wal` is where the log goes, or comes from.
    fn start(programs: &Path, folder: &Path, wal: &Path, more: &[&str]) -> Self {
        let port = free_port();
        let mut postgres = as_other_user(&programs.join("postgres"));
        postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).args(["-p", &port.to_string()]);
        postgres.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "archive_mode=on"]);
        postgres.args(["-c", &format!("archive_command=cp %p {}/%f", wal.display())]);
        postgres.args(["-c", &format!("restore_command=cp {}/%f %p", wal.display())]);
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let child = postgres.args(more).current_dir("/").stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { programs: programs.to_path_buf(), folder: folder.to_path_buf(), port, child };
        let start = Instant::now();
        while !server.tool("psql").args(["-qc", "SELECT 1"]).output().unwrap().status.success() {
            let log = || std::fs::read_to_string(folder.join("log")).unwrap();
            assert!(start.elapsed() < Duration::from_secs(60), "PostgreSQL does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.arg("-h").arg(&self.folder).args(["-p", &self.port.to_string(), "-U", "postgres"]);
        command
    }

    fn ask(&self, sql: &str) -> String {
        let output = self.tool("psql").args(["-Atqc", sql]).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }

    fn url(&self, database: &str) -> String {
        format!("host={} port={} user=postgres dbname={database}", self.folder.display(), self.port)
    }
}

/// A folder that the server's own user may write.
fn room(parent: &Path, name: &str) -> PathBuf {
    let folder = parent.join(name);
    std::fs::create_dir(&folder).unwrap();
    // Fails when this is not root, and then is not needed.
    let _ = Command::new("chown").arg(user()).arg(&folder).output();
    folder
}

/// Sends so many messages, each after the last was acknowledged.
async fn send(ground: &Ground, numbers: std::ops::Range<usize>) {
    // Sent again a message is the same to the letter.
    static AT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let at = AT.get_or_init(|| minutes_ago(90));
    let mut hospital = Hospital::connect(ground.mllp).await;
    for number in numbers {
        let patient = (number % 20 + 1).to_string();
        let message = adt("A04", &format!("D-{number}"), &patient, &format!("V-{number}"), at);
        assert_eq!(code(&hospital.send(&message).await), "AA");
    }
}

/// The messages that a database holds, by control id, and each of them whole.
async fn held(url: &str) -> Vec<String> {
    let store =
        open(&StoreSettings { engine: EngineChoice::Postgres { url: url.to_string() }, path: PathBuf::new() }).unwrap();
    let all = sequences(&*store).await;
    for (sequence, control) in &all {
        let message = store.message(*sequence).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&message.raw).contains(control.as_str()));
    }
    store.close().await;
    all.into_iter().map(|(_, control)| control).collect()
}

/// Where the site keeps its records from now on.
fn move_to(ground: &Ground, from: &str, to: &str) {
    let file = ground.folder.join("handover.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

/// As the manual says: held before the first start, then taken on; nothing is delivered before somebody says so, and what came since the
/// moment restored to comes again from its senders.
async fn goes_on(ground: &Ground, url: &str, all: usize) {
    let site = ground.folder.to_str().unwrap();
    let hold = handover(&["delivery", "hold", "--why", "database restored", "--site", site]).output().unwrap();
    assert!(hold.status.success(), "{}", told(&hold));
    let mut gateway = run(ground);
    let delivered = || ground.ehr.all("Task").len();
    let before = delivered();
    send(ground, 0..all).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(delivered(), before, "it is held");
    let resume = handover(&["delivery", "resume", "--site", site]).output().unwrap();
    assert!(resume.status.success(), "{}", told(&resume));
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    let controls = held(url).await;
    let distinct: std::collections::BTreeSet<_> = controls.iter().collect();
    assert_eq!((controls.len(), distinct.len()), (all, all), "each is there, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_goes_back_by_dump_and_to_a_moment_and_nothing_acknowledged_before_it_is_missing() {
    let Some(programs) = programs() else {
        println!("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // The server's user goes through it.
    let _ = Command::new("chmod").arg("755").arg(folder.path()).output();
    let (main, copy, wal) = (room(folder.path(), "main"), room(folder.path(), "copy"), room(folder.path(), "wal"));
    let initdb = as_other_user(&programs.join("initdb"))
        .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
        .arg(main.join("data"))
        .current_dir("/")
        .output()
        .unwrap();
    assert!(initdb.status.success(), "{}", told(&initdb));
    let server = Server::start(&programs, &main, &wal, &[]);
    server.ask("CREATE DATABASE gateway");
    server.ask("CREATE DATABASE dumped");
    let url = server.url("gateway");
    let ground = prepare_with(&folder.path().join("site"), 20, &|name, text| match name {
        "handover.yaml" => text.replace("engine: fjall", &format!("engine: postgres, url: \"{url}\"")),
        _ => text,
    });
    let mut gateway = run(&ground);
    send(&ground, 0..20).await;
    let basebackup = as_other_user(&programs.join("pg_basebackup"))
        .args(["-h"])
        .arg(&main)
        .args(["-p", &server.port.to_string(), "-U", "postgres", "-X", "none", "-c", "fast", "-D"])
        .arg(copy.join("data"))
        .current_dir("/")
        .output()
        .unwrap();
    assert!(basebackup.status.success(), "{}", told(&basebackup));

    // A dump while messages come.
    let file = folder.path().join("gateway.dump");
    let mut dump = server.tool("pg_dump");
    dump.args(["-Fc", "-d", "gateway", "-f"]).arg(&file);
    let (_, dumped) = tokio::join!(send(&ground, 20..60), async {
        tokio::task::spawn_blocking(move || dump.output().unwrap()).await.unwrap()
    });
    assert!(dumped.status.success(), "{}", told(&dumped));
    let moment = server.ask("SELECT clock_timestamp()");
    send(&ground, 60..80).await;
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert_eq!(held(&url).await.len(), 80);
    let restored = server.tool("pg_restore").args(["-d", "dumped"]).arg(&file).output().unwrap();
    assert!(restored.status.success(), "{}", told(&restored));
    let whole = held(&server.url("dumped")).await;
    let first: Vec<String> = (0..whole.len()).map(|number| format!("D-{number}")).collect();
    assert!((20..=60).contains(&whole.len()) && whole == first, "one moment of it: {whole:?}");
    move_to(&ground, "dbname=gateway", "dbname=dumped");
    goes_on(&ground, &server.url("dumped"), 80).await;

    // A moment between two messages, from the base backup and the log.
    server.ask("SELECT pg_switch_wal()");
    let until = format!("recovery_target_time={moment}");
    let signal = as_other_user(Path::new("/bin/touch")).arg(copy.join("data/recovery.signal")).output().unwrap();
    assert!(signal.status.success(), "{}", told(&signal));
    drop(server);
    let past = Server::start(&programs, &copy, &wal, &["-c", &until, "-c", "recovery_target_action=promote"]);
    let start = Instant::now();
    while past.ask("SELECT pg_is_in_recovery()") == "t" {
        assert!(start.elapsed() < Duration::from_secs(60), "the recovery does not end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let there = held(&past.url("gateway")).await;
    let first: Vec<String> = (0..60).map(|number| format!("D-{number}")).collect();
    assert_eq!(there, first, "all that was acknowledged before the moment, and nothing after it");
    move_to(&ground, &server_part(&ground), &past.url("gateway"));
    goes_on(&ground, &past.url("gateway"), 80).await;
}

/// The url that the site names.
fn server_part(ground: &Ground) -> String {
    let text = std::fs::read_to_string(ground.folder.join("handover.yaml")).unwrap();
    let start = text.find("host=").unwrap();
    text[start..].split('"').next().unwrap().to_string()
}
