//! A gateway as a process of its own, so that it can be killed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use handover::demo::StandInEhr;

use crate::harness::{serve, write_site};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A site with fixed ports and a roster of many members, and the stand-in EHR that its partner is.
pub struct Ground {
    pub folder: PathBuf,
    pub mllp: SocketAddr,
    pub http: SocketAddr,
    pub ehr: Arc<StandInEhr>,
}

/// Members get the MRNs 1 to `members`.
pub fn prepare(folder: &Path, members: usize) -> Ground {
    prepare_with(folder, members, &|_, text| text)
}

/// The same with files that are changed further.
pub fn prepare_with(folder: &Path, members: usize, change: &dyn Fn(&str, String) -> String) -> Ground {
    let (http, mllp) = (free_port(), free_port());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ehr_address = listener.local_addr().unwrap();
    let own = |name: &str, text: String| match name {
        "handover.yaml" => text.replace("127.0.0.1:0", &format!("127.0.0.1:{http}")),
        "feeds/riverside.yaml" => text.replace("127.0.0.1:0", &format!("127.0.0.1:{mllp}")),
        "panels/lakeside.csv" => {
            let rows = (1..=members).map(|number| format!("L-{number},{number},Dr. Helen Park,Nia Brooks RN,en,\n"));
            format!("member_id,mrn:RIVERSIDE,practitioner,care_manager,language,phone\n{}", rows.collect::<String>())
        }
        _ => text.replace("http://127.0.0.1:8090", &format!("http://{ehr_address}")),
    };
    write_site(folder, &|name, text| change(name, own(name, text)));
    let keys = format!("http://127.0.0.1:{http}/.well-known/jwks.json");
    let ehr = StandInEhr::new(format!("http://{ehr_address}"), keys, "handover-demo".to_string());
    serve(&ehr, listener);
    let here = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    Ground { folder: folder.to_path_buf(), mllp: here(mllp), http: here(http), ehr }
}

/// Starts `handover run` and waits until its MLLP port answers.
pub fn run(ground: &Ground) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(ground.folder.join("gateway.log")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_handover"))
        .arg("run")
        .arg(&ground.folder)
        .stdout(Stdio::null())
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(ground.mllp).is_err() {
        let ended = child.try_wait().unwrap();
        let log = || std::fs::read_to_string(ground.folder.join("gateway.log")).unwrap_or_default();
        assert!(ended.is_none(), "the gateway ended: {ended:?}\n{}", log());
        assert!(Instant::now() < until, "the gateway does not listen\n{}", log());
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}
