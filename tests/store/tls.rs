//! TLS to PostgreSQL: used when it can be, insisted on when asked for, and never taken from a stranger.

use handover::store::{EngineChoice, Store, StoreError};

use crate::place::Place;
use crate::postgres::{connections, new_database_with_tls};

fn open(url: String) -> Result<std::sync::Arc<dyn Store>, StoreError> {
    Place::new(EngineChoice::Postgres { url }).try_open()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn required_tls_is_used_by_every_connection() {
    let Some((url, issuer, database)) = new_database_with_tls() else { return };
    for mode in ["verify-full", "require", "prefer"] {
        let store = open(format!("{url}?sslmode={mode}&sslrootcert={}", issuer.display())).unwrap();
        store.put_state("name", b"value").await.unwrap();
        let (secure, plain) = connections(&database);
        assert!(secure >= 1 && plain == 0, "{mode}: {secure} with, {plain} without");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_an_unknown_issuer_or_for_another_name_is_refused() {
    let Some((url, issuer, _)) = new_database_with_tls() else { return };
    let Err(unknown) = open(format!("{url}?sslmode=require&sslrootcert=system")) else {
        panic!("a stranger was trusted")
    };
    let Err(renamed) =
        open(format!("{}?sslmode=verify-full&sslrootcert={}", url.replace("localhost", "127.0.0.1"), issuer.display()))
    else {
        panic!("another name was taken")
    };
    println!("{unknown}\n{renamed}");
    assert!(unknown.to_string().contains("TLS"), "{unknown}");
    assert!(renamed.to_string().contains("invalid peer certificate"), "{renamed}");
    let missing = open(format!("{url}?sslmode=verify-full&sslrootcert=/nowhere.pem")).err().unwrap().to_string();
    assert!(missing.contains("sslrootcert /nowhere.pem"), "{missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preferred_tls_falls_back_and_disabled_tls_is_not_tried() {
    let Some((url, _, database)) = new_database_with_tls() else { return };
    for how in ["", "?sslmode=prefer", "?sslmode=disable"] {
        let store = open(format!("{url}{how}")).unwrap();
        store.put_state("name", b"value").await.unwrap();
        let (secure, plain) = connections(&database);
        assert!(secure == 0 && plain >= 1, "{how}: {secure} with, {plain} without");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn required_tls_over_a_local_socket_is_refused() {
    let Some(url) = crate::postgres::new_database() else { return };
    let Err(StoreError::Refused(text)) = open(format!("{url} sslmode=require")) else { panic!("it was taken") };
    assert!(text.contains("local socket"), "{text}");
}
