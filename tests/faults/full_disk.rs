//! A full disk: AE, nothing half-written, and on it goes when there is room again, without a restart. The data folder lies on
//! a small file system in memory; where mounting one is not permitted, the test says so.

use std::process::Command;
use std::time::{Duration, Instant};

use handover::delivery::SigningKey;
use handover::store::MessageFilter;
use serde_json::{Value, json};

use crate::harness::{Hospital, adt, code, minutes_ago, start, write_site};

struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"]).arg(&path).output();
        match done {
            Ok(output) if output.status.success() => Some(Self(path)),
            _ => {
                println!("skipped: a small file system cannot be mounted here");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_senders_get_ae_and_later_all_goes_on_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path().join("data")) else { return };
    write_site(folder.path(), &|_, text| text);
    let running = start(folder.path()).await;
    let mut hospital = Hospital::connect(running.mllp["riverside"]).await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(90))).await), "AA");
    let ballast = folder.path().join("data/ballast");
    let mut filled = Command::new("dd");
    filled.args(["if=/dev/zero", "bs=64k"]).arg(format!("of={}", ballast.display())).output().unwrap();
    let mut refused = None;
    for number in 2..400 {
        let control = number.to_string();
        let answer = hospital.send(&adt("A04", &control, "4712", &format!("V{number}"), &minutes_ago(80))).await;
        if code(&answer) == "AE" {
            refused = Some(number);
            break;
        }
    }
    let refused = refused.expect("a full disk is noticed");
    std::fs::remove_file(&ballast).unwrap();
    let again = adt("A04", &refused.to_string(), "4712", &format!("V{refused}"), &minutes_ago(80));
    let mut taken = false;
    for _ in 0..100 {
        taken = code(&hospital.send(&again).await) == "AA";
        if taken {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(taken, "the same connection is served again");
    let mut controls: Vec<u64> = Vec::new();
    let mut cursor = None;
    loop {
        let page = running.gateway.store.messages(&MessageFilter::default(), cursor.as_ref(), 500).await.unwrap();
        controls.extend(page.items.iter().map(|summary| summary.control.parse::<u64>().unwrap()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    controls.sort_unstable();
    assert_eq!(controls, (1..=refused).collect::<Vec<u64>>(), "every acknowledged message once, nothing else");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_a_practice_gets_its_token_and_reads_on_and_that_is_in_the_audit_later() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path().join("data")) else { return };
    let key = SigningKey::from_pem(
        &rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem(),
        Some("lakeside-1"),
    )
    .unwrap();
    let port = crate::process::free_port();
    let client = format!(
        "client:\n  id: lakeside-ehr\n  jwks: {}\n  scopes: [system/Patient.rs]\n",
        json!({ "keys": [key.public_jwk()] })
    );
    write_site(folder.path(), &|name, text| match name {
        "handover.yaml" => text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")),
        "partners/lakeside-practice.yaml" => {
            // In the place of the demo's own client.
            let (before, _) = text.split_once("client:\n").unwrap();
            format!("{before}{client}")
        }
        _ => text,
    });
    let running = start(folder.path()).await;
    let mut hospital = Hospital::connect(running.mllp["riverside"]).await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(90))).await), "AA");
    let ballast = folder.path().join("data/ballast");
    let mut filled = Command::new("dd");
    filled.args(["if=/dev/zero", "bs=64k"]).arg(format!("of={}", ballast.display())).output().unwrap();
    let mut number = 2;
    while code(&hospital.send(&adt("A04", &number.to_string(), "4712", "V2", &minutes_ago(80))).await) == "AA" {
        number += 1;
        assert!(number < 400, "a full disk is noticed");
    }

    let base = format!("http://127.0.0.1:{port}");
    let http = reqwest::Client::new();
    let assertion = |jti: &str| {
        let (audience, now) = (format!("{base}/auth/token"), jiff::Timestamp::now().as_second());
        let claims = json!({ "iss": "lakeside-ehr", "sub": "lakeside-ehr", "aud": audience, "exp": now + 200, "iat": now,
            "jti": jti });
        key.sign(&claims).unwrap()
    };
    let ask = async |assertion: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
            ("scope", "system/Patient.rs"),
        ];
        let response = http.post(format!("{base}/auth/token")).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let first = assertion("first");
    let (status, body) = ask(&first).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(ask(&first).await.0, 401, "it works once");
    let token = body["access_token"].as_str().unwrap().to_string();
    let read = http.get(format!("{base}/fhir/Patient")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(read.status().as_u16(), 200);
    assert_eq!(read.json::<Value>().await.unwrap()["entry"].as_array().unwrap().len(), 1);
    let status = async |path: &str| http.get(format!("{base}{path}")).send().await.unwrap().status().as_u16();
    assert_eq!((status("/health").await, status("/health/read").await, status("/health/live").await), (503, 200, 200));
    let console = running.gateway.standing_still();
    assert!(console.len() == 1 && console[0].contains("kept in memory"), "{console:?}");

    std::fs::remove_file(&ballast).unwrap();
    let (until, store) = (Instant::now() + Duration::from_secs(20), running.gateway.store.clone());
    loop {
        let audit = store.audit(None, None, 50).await.map(|page| page.items).unwrap_or_default();
        if audit.iter().any(|entry| entry.action == "search" && entry.agent == "lakeside-practice") {
            break;
        }
        assert!(Instant::now() < until, "{audit:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(ask(&first).await.0, 401, "the store remembers it");
    running.stop().await;
}
