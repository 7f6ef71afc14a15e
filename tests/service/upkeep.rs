//! A gateway that is looked after while it runs: certificates that are exchanged, settings that hold at once or with the next start,
//! and what is told of a site that could not be taken over.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use handover::app::{Running, Start};
use handover::site;
use serde_json::json;

use crate::harness::{House, eventually, write_site};

/// A certificate for this machine and its key, as PEM.
fn issued() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_string(), "127.0.0.1".to_string()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// As whoever renews certificates does it: both files at once, by one rename each.
fn exchange(folder: &Path, (certificate, key): &(String, String)) {
    for (name, text) in [("http.crt", certificate), ("http.key", key)] {
        std::fs::write(folder.join("next"), text).unwrap();
        std::fs::rename(folder.join("next"), folder.join(name)).unwrap();
    }
}

/// Whether HTTP shows this certificate now.
async fn is_shown(house: &House, certificate: &str) -> bool {
    let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
    client.get(house.url("/health/live")).send().await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn https_certificate_is_renewed_although_other_settings_of_http_changed() {
    let first = issued();
    let lines = |more: &str| {
        format!(
            "data: data\nhttp: {{ listen: \"127.0.0.1:0\", tls: {{ certificate: http.crt, key: http.key }}{more} }}\n"
        )
    };
    let files = [("http.crt", first.0.clone()), ("http.key", first.1.clone())];
    let house = House::with_files(
        &|name, text| if name == "handover.yaml" { lines("") } else { text },
        &files.map(|(name, text)| (name, text)),
    )
    .await;
    let condition = &house.running.gateway.condition;
    let reload = async |more: &str| {
        std::fs::write(house.folder.path().join("handover.yaml"), lines(more)).unwrap();
        assert!(house.running.reload.ring().await.unwrap().taken_over);
    };
    assert!(is_shown(&house, &first.0).await);
    reload(", origins: [https://app.example], behind_proxy: true").await;
    assert!(!condition.is_set("http"), "these hold at once: {:?}", condition.faults());
    reload(", max_body_bytes: 4096").await;
    assert!(condition.is_set("http"), "this waits for the next start");
    let second = issued();
    exchange(house.folder.path(), &second);
    assert!(house.running.reload.ring().await.unwrap().taken_over);
    assert!(is_shown(&house, &second.0).await && !is_shown(&house, &first.0).await);
    let since = |part: &str| condition.faults().into_iter().find(|fault| fault.part == part).map(|fault| fault.since);
    let before = since("http");
    assert!(house.running.reload.ring().await.unwrap().taken_over);
    assert!(before.is_some() && since("http") == before, "it has waited without a break");
    reload("").await;
    assert!(!condition.is_set("http"));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_arrives_after_the_site_that_names_it_is_taken_over_by_itself() {
    let house = House::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let path = |name: &str| elsewhere.path().join(name).display().to_string();
    let file = house.folder.path().join("feeds/riverside.yaml");
    let tls = format!("tls: {{ certificate: {}, key: {} }}", path("feed.crt"), path("feed.key"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"127.0.0.1:0\"", &format!("\"127.0.0.1:0\", {tls}"))).unwrap();
    let gateway = &house.running.gateway;
    eventually("it is refused", async || gateway.condition.is_set("site")).await;
    // The key first: what is complete only with the second file is refused until then.
    let (certificate, key) = issued();
    std::fs::write(path("feed.key"), key).unwrap();
    std::fs::write(path("feed.crt"), certificate).unwrap();
    eventually("it is taken over", async || !gateway.condition.is_set("site")).await;
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_a_refused_address_is_not_in_what_a_reload_tells() {
    let house = House::new().await;
    let file = house.folder.path().join("partners/lakeside-practice.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("base: http://", "base: htps://me:hunter2@")).unwrap();
    let told = house.running.reload.ring().await.unwrap();
    let told = format!("{told:?} {}", json!(house.running.gateway.health().await));
    assert!(told.contains("htps://me:*******@") && !told.contains("hunter2"), "{told}");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_does_not_take_the_control_socket_of_the_first() {
    let in_memory = |name: &str, text: String| match name {
        "handover.yaml" => text.replace("fjall", "memory"),
        _ => text,
    };
    let house = House::with(&in_memory).await;
    let site = site::load(house.folder.path()).site.unwrap();
    let refused = format!("{:#}", Running::start(Start::of(site)).await.err().expect("it started"));
    assert!(refused.contains("a gateway runs on") && refused.contains("already"), "{refused}");
    let data = house.folder.path().join("data");
    let asked = handover::app::ask(&data, "/operation", &json!({ "operation": "health" })).await.unwrap();
    assert_eq!(asked.unwrap()["store"]["engine"], "memory", "the first one answers");
    house.running.stop().await;
}

/// A gateway as a process of its own, which ends with the test.
pub struct Process(pub Child);

impl Process {
    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn sighup_has_the_site_taken_over_where_the_gateway_does_not_look_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    write_site(folder.path(), &|_, text| text);
    let mut run = Command::new(env!("CARGO_BIN_EXE_handover"));
    run.args(["run", "--no-reload"]).arg(folder.path());
    let mut process = Process(run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("console")), "it did not start");
    let read_at = || {
        let asked = Command::new(env!("CARGO_BIN_EXE_handover")).arg("health").arg(folder.path()).output().unwrap();
        let told: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
        told["site"]["since"].clone()
    };
    let before = read_at();
    let file = folder.path().join("feeds/riverside.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + "\n# changed\n").unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(read_at(), before, "it was told not to look");
    process.signal("-HUP");
    let until = Instant::now() + Duration::from_secs(20);
    while read_at() == before {
        assert!(Instant::now() < until, "it was not taken over");
        std::thread::sleep(Duration::from_millis(50));
    }
    process.signal("-TERM");
    assert!(process.0.wait().unwrap().success());
}
