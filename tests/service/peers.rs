//! Strangers' clients: what is on PyPI must be able to talk to the gateway as it is.

use std::path::PathBuf;
use std::process::Command;

use handover::store::MessageFilter;

use crate::harness::{House, adt, minutes_ago};

/// A program that `./test` installs; the test says so and passes when it is not there.
fn peer(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("HANDOVER_TEST_PEERS").map(|folder| PathBuf::from(folder).join("bin").join(name));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        println!("skipped: the client {name} is not installed; ./test installs it");
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn mllp_send_of_pypi_hl7_gets_its_aa_and_the_same_file_twice_is_one_record() {
    let Some(mllp_send) = peer("mllp_send") else { return };
    let house = House::new().await;
    let file = house.folder.path().join("adt.hl7");
    std::fs::write(&file, [b"\x0b", adt("A04", "PY1", "4711", "V1", &minutes_ago(9)).as_bytes(), b"\x1c\r"].concat())
        .unwrap();
    let port = house.running.mllp["riverside"].port().to_string();
    for _ in 0..2 {
        let (mllp_send, file, port) = (mllp_send.clone(), file.clone(), port.clone());
        let output = tokio::task::spawn_blocking(move || {
            Command::new(mllp_send).args(["--file"]).arg(&file).args(["-p", &port, "127.0.0.1"]).output().unwrap()
        })
        .await
        .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("MSA|AA|PY1"), "{text} {}", String::from_utf8_lossy(&output.stderr));
    }
    let page = house.running.gateway.store.messages(&MessageFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.items.len(), 1);
    house.running.stop().await;
}
