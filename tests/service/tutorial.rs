//! docs/tutorial.md played as it stands: `write=FILE` blocks are written, `sh` blocks are run, and each line of a block of
//! what is printed is found, in that order, in what the commands before it said. `…` stands for anything.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::partner::free_port;
use crate::upkeep::Process;

/// Fences' words and what stands between them.
fn blocks(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'))
}

struct Reader<'f> {
    folder: &'f Path,
    mllp: String,
    http: String,
    gateway: Option<Process>,
}

impl Reader<'_> {
    /// A command as a person gives it, here beside other tests: with ports of its own.
    fn shell(&self, script: &str) -> Command {
        let script = script.replace("handover send", &format!("handover send --to {}", self.mllp));
        let folder = Path::new(env!("CARGO_BIN_EXE_handover")).parent().unwrap();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", &format!("exec 2>&1; {script}")]);
        command.current_dir(self.folder).env("PATH", path).stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str) -> String {
        let output = self.shell(script).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{script}\n{said}");
        said
    }

    /// The ports of a site that was just written are other tests', perhaps.
    fn move_ports(&self) {
        for (file, port, ours) in [
            ("site/feeds/hospital.yaml", "127.0.0.1:2575", &self.mllp),
            ("site/handover.yaml", "127.0.0.1:8080", &self.http),
        ] {
            let path = self.folder.join(file);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(port), "{file}");
            std::fs::write(path, text.replace(port, ours)).unwrap();
        }
    }

    fn start(&mut self, script: &str) {
        // The shell makes way for it, so that it is the one that is ended.
        let child = self.shell(&format!("exec {script}")).stdout(Stdio::null()).spawn().unwrap();
        self.gateway = Some(Process(child));
        let until = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(&self.mllp).is_err() {
            assert!(Instant::now() < until, "the gateway did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The first line that was not said, behind those before it.
fn missing<'l>(expected: &'l str, said: &str) -> Option<&'l str> {
    let mut lines = said.lines();
    expected.lines().find(|line| {
        let parts: Vec<&str> = line.split('…').map(str::trim).collect();
        !lines.any(|candidate| {
            let mut rest = candidate;
            parts.iter().all(|part| rest.split_once(part).map(|(_, after)| rest = after).is_some())
        })
    })
}

fn free() -> String {
    format!("127.0.0.1:{}", free_port())
}

#[test]
fn the_tutorial_goes_as_it_is_written() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tutorial.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut reader = Reader { folder: folder.path(), mllp: free(), http: free(), gateway: None };
    let (mut said, mut compared) = (String::new(), 0);
    for (words, text) in blocks(&page) {
        if let Some(file) = words.split_whitespace().find_map(|word| word.strip_prefix("write=")) {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        } else if words == "sh" && text.starts_with("handover run") {
            reader.start(text.trim());
        } else if words == "sh" {
            said = reader.run(text);
            if text.starts_with("handover init") {
                reader.move_ports();
            }
        } else {
            assert_eq!(missing(text, &said), None, "is not said in this order:\n{said}");
            compared += text.lines().count();
        }
    }
    assert!(compared > 20, "{compared} lines were compared");
}
