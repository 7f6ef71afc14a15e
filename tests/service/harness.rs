//! A whole gateway on free ports for one test: its site, its stand-in EHR, and a hospital's MLLP client.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer};
use handover::app::{Running, Start};
use handover::demo::StandInEhr;
use handover::site;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A gateway of the demo's site, with everything on free ports.
pub struct House {
    pub running: Running,
    pub ehr: Arc<StandInEhr>,
    pub folder: tempfile::TempDir,
}

/// Copies the demo site into `folder`; `change` may rewrite each file.
pub fn write_site(folder: &Path, change: &dyn Fn(&str, String) -> String) {
    fn copy(from: &Path, to: &Path, root: &Path, change: &dyn Fn(&str, String) -> String) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let target = to.join(path.file_name().unwrap());
            if path.is_dir() {
                copy(&path, &target, root, change);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_string();
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.replace("127.0.0.1:8080", "127.0.0.1:0").replace("127.0.0.1:2575", "127.0.0.1:0");
                std::fs::write(target, change(&name, text)).unwrap();
            }
        }
    }
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
    copy(&demo, folder, &demo, change);
}

impl House {
    pub async fn new() -> Self {
        Self::with(&|_, text| text).await
    }

    /// `change` rewrites the site's files by name before the gateway starts.
    pub async fn with(change: &dyn Fn(&str, String) -> String) -> Self {
        Self::with_files(change, &[]).await
    }

    /// The same with more files, by name and text.
    pub async fn with_files(change: &dyn Fn(&str, String) -> String, files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ehr_address = listener.local_addr().unwrap();
        write_site(folder.path(), &|name, text| {
            change(name, text.replace("http://127.0.0.1:8090", &format!("http://{ehr_address}")))
        });
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let running = start(folder.path()).await;
        let keys = format!("{}://{}/.well-known/jwks.json", running.scheme, running.http);
        let ehr = StandInEhr::new(format!("http://{ehr_address}"), keys, "handover-demo".to_string());
        serve(&ehr, listener);
        Self { running, ehr, folder }
    }

    pub async fn hospital(&self) -> Hospital {
        Hospital::connect(*self.running.mllp.get("riverside").unwrap()).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.running.scheme, self.running.http)
    }
}

/// Starts a gateway on a site's folder; a site that is not valid fails the test with its problems.
pub async fn start(folder: &Path) -> Running {
    let loaded = site::load(folder);
    let site = loaded.site.unwrap_or_else(|| panic!("the site is not valid: {:#?}", loaded.problems));
    Running::start(Start::of(site)).await.unwrap()
}

/// Serves a stand-in EHR until the test process ends.
pub fn serve(ehr: &Arc<StandInEhr>, listener: std::net::TcpListener) {
    let ehr = Arc::clone(ehr);
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || App::new().configure(|config| ehr.configure(config)));
            server.workers(1).disable_signals().listen(listener).unwrap().run().await.unwrap();
        });
    });
}

/// A connection that sends frames and reads acknowledgements; what was read beyond one answer waits for the next.
pub struct Hospital {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Hospital {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    pub async fn send(&mut self, message: &str) -> String {
        self.write(&frame(message)).await;
        self.answer().await
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next acknowledgement, without framing.
    pub async fn answer(&mut self) -> String {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == [0x1C, 0x0D]) {
                let answer = String::from_utf8_lossy(&self.read[1..end]).into_owned();
                self.read.drain(..end + 2);
                return answer;
            }
            let more = tokio::time::timeout(Duration::from_secs(20), self.stream.read_buf(&mut self.read)).await;
            let count = more.expect("no acknowledgement in time").unwrap();
            assert!(count > 0, "the gateway closed the connection");
        }
    }
}

pub fn frame(message: &str) -> Vec<u8> {
    [b"\x0b", message.as_bytes(), b"\x1c\r"].concat()
}

/// MSA-1 of an acknowledgement.
pub fn code(answer: &str) -> &str {
    let msa = answer.split('\r').find(|segment| segment.starts_with("MSA|")).expect("no MSA");
    msa.split('|').nth(1).unwrap()
}

/// Waits until `check` holds; fails with `what` when it does not in time.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !check().await {
        assert!(Instant::now() < until, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// A short ED message of the demo's hospital. `at` is `YYYYMMDDHHMMSS`; PV1-45 is filled for A03.
pub fn adt(event: &str, control: &str, mrn: &str, visit: &str, at: &str) -> String {
    let structure = if event == "A03" { "ADT_A03" } else { "ADT_A01" };
    let end = if event == "A03" { at } else { "" };
    [
        format!("MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{at}||ADT^{event}^{structure}|{control}|P|2.5.1"),
        format!("EVN|{event}|{at}"),
        format!("PID|1||{mrn}^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F"),
        format!("PV1|1|E|ED^04^A^RIVERSIDE||||1043^Lindqvist^Maja^^^Dr.^^^RIVERSIDE||||||||||||{visit}^^^RIVERSIDE-VISIT^VN|||||||||||||||||||||||||{at}|{end}"),
        "DG1|1||J44.1^COPD with exacerbation^I10|||F".to_string(),
    ]
    .join("\r")
        + "\r"
}

/// A time some minutes ago as HL7 writes it, in UTC with its offset.
pub fn minutes_ago(minutes: i64) -> String {
    let moment = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_mins(minutes)).unwrap();
    moment.strftime("%Y%m%d%H%M%S+0000").to_string()
}

/// A file of the folder that `./test` fills; the test says so and passes when it is not there.
pub fn peer(file: &str) -> Option<PathBuf> {
    let found = std::env::var_os("HANDOVER_TEST_PEERS").map(|folder| PathBuf::from(folder).join(file));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        println!("skipped: the client {file} is not installed; ./test installs it");
    }
    found
}

/// A script of `tests/peers` as a command: Python in the clients' own environment, Node beside the clients' modules, which it
/// looks for from where the script stands.
pub fn script(name: &str, needs: &str) -> Option<Command> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name);
    peer(needs)?;
    if name.ends_with(".py") {
        let mut command = Command::new(peer("bin/python")?);
        command.arg(source);
        return Some(command);
    }
    if Command::new("node").arg("--version").output().is_err() {
        println!("skipped: there is no node to run {name}");
        return None;
    }
    let beside = peer("node_modules")?.parent()?.join(name);
    std::fs::copy(source, &beside).unwrap();
    let mut command = Command::new("node");
    command.arg(beside);
    Some(command)
}
