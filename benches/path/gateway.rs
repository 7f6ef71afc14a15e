//! One gateway as its own process, and what the system says that it used.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A binary that is measured, under the name that the report gives it.
#[derive(Clone)]
pub struct Binary {
    pub name: String,
    pub path: PathBuf,
}

pub struct Gateway {
    pub name: String,
    child: Child,
    /// Where each feed listens.
    pub mllp: BTreeMap<String, SocketAddr>,
    /// `http://127.0.0.1:PORT`
    pub http: String,
    pub console_link: String,
    /// From the start of the process until all listeners were bound.
    pub start: Duration,
}

/// What the process has used since it started.
#[derive(Clone, Copy, Default)]
pub struct Used {
    /// User and system time of the whole process, threads that ended included. The kernel tells it in steps of 10 ms.
    pub cpu: Duration,
    /// Handed to `write` and its kin, whether a file or (`writev`) a connection.
    pub written: u64,
    /// Pages that went to the disk, whole.
    pub to_disk: u64,
}

impl Gateway {
    pub fn start(binary: &Binary, site: &Path) -> Self {
        let log = std::fs::File::create(log_of(site)).unwrap();
        let began = Instant::now();
        let mut command = Command::new(&binary.path);
        command.arg("run").arg(site).arg("--no-reload").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|fault| panic!("{}: {fault}", binary.path.display()));
        let (mut mllp, mut http, mut console_link) = (BTreeMap::new(), String::new(), String::new());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while console_link.is_empty() {
            let Some(line) = lines.next() else {
                let log = std::fs::read_to_string(log_of(site)).unwrap_or_default();
                panic!("{} did not start on {}:\n{log}", binary.name, site.display());
            };
            let line = line.unwrap();
            if let Some((feed, address)) = line.strip_prefix("feed ").and_then(|rest| rest.split_once(": MLLP on ")) {
                mllp.insert(feed.to_string(), address.parse().unwrap());
            } else if let Some(address) = line.strip_prefix("HTTP on ") {
                http = address.to_string();
            } else if let Some(link) = line.strip_prefix("console (opens once): ") {
                console_link = link.to_string();
            }
        }
        let start = began.elapsed();
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { name: binary.name.clone(), child, mllp, http, console_link, start }
    }

    pub fn used(&self) -> Used {
        let stat = self.proc("stat");
        // The second field is a name in brackets; user and system time are the 14th and the 15th.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = [fields[11], fields[12]].iter().map(|text| text.parse::<u64>().unwrap()).sum();
        let io = self.proc("io");
        Used {
            cpu: Duration::from_millis(ticks * 10),
            written: number_after(&io, "wchar:"),
            to_disk: number_after(&io, "\nwrite_bytes:"),
        }
    }

    pub fn resident_mib(&self) -> f64 {
        number_after(&self.proc("status"), "VmRSS:") as f64 / 1024.0
    }

    /// Forgets the most it ever had.
    pub fn reset_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    /// The most it had since then.
    pub fn peak_mib(&self) -> f64 {
        number_after(&self.proc("status"), "VmHWM:") as f64 / 1024.0
    }

    fn proc(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    /// The counters and gauges of `/metrics`, by name with their labels.
    pub async fn metrics(&self, http: &reqwest::Client) -> Metrics {
        let page = http.get(format!("{}/metrics", self.http)).send().await.unwrap().text().await.unwrap();
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let values = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.strip_prefix("handover_")?.to_string(), value.parse().ok()?))
        });
        Metrics(values.collect())
    }

    /// Waits until every delivery is delivered; fails where one is held or given up, for then the mix is not what it says.
    pub async fn drained(&self, http: &reqwest::Client, longest: Duration) {
        let began = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            let metrics = self.metrics(http).await;
            for state in ["held", "dead"] {
                let count = metrics.sum(&format!("outbox{{state=\"{state}\""));
                assert!(count == 0.0, "{count} deliveries are {state}; see the log beside the site of {}", self.name);
            }
            if metrics.sum("outbox{state=\"waiting\"") == 0.0 {
                return;
            }
            assert!(began.elapsed() < longest, "{}: deliveries are not delivered after {longest:?}", self.name);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// As an init system stops it.
    pub fn stop(mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// The sum of all whose name with labels begins so.
    pub fn sum(&self, begin: &str) -> f64 {
        self.0.iter().filter(|(name, _)| name.starts_with(begin)).map(|(_, value)| value).sum()
    }
}

/// Beside the site's folder, since what lies in it is read.
fn log_of(site: &Path) -> PathBuf {
    site.with_extension("log")
}

fn number_after(text: &str, key: &str) -> u64 {
    let rest = text.split(key).nth(1).unwrap_or_else(|| panic!("no {key} in {text}"));
    rest.split_whitespace().next().unwrap().parse().unwrap()
}
