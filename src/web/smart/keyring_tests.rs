//! Keys by address: fetched once, fetched again for a key that is new, and not at every knock.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::keyring::Keyring;
use crate::delivery::{SigningKey, key_for_tests, partner_for_tests};
use crate::site::{JwksSource, Partner, Site};

struct Published {
    set: ArcSwap<Value>,
    fetched: AtomicUsize,
}

fn publish() -> (Arc<Published>, Partner) {
    let published = Arc::new(Published { set: ArcSwap::from_pointee(json!({})), fetched: AtomicUsize::new(0) });
    let shared = published.clone();
    let answer = |published: web::Data<Published>| async move {
        published.fetched.fetch_add(1, Ordering::SeqCst);
        HttpResponse::Ok().json(&**published.set.load())
    };
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::from(shared.clone())).route("/jwks", web::get().to(answer))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    let mut partner = partner_for_tests("http://unused.invalid");
    partner.jwks = Some(JwksSource::Url(format!("http://{address}/jwks")));
    (published, partner)
}

fn set(keys: &[&SigningKey]) -> Arc<Value> {
    Arc::new(json!({ "keys": keys.iter().map(|key| key.public_jwk().clone()).collect::<Vec<_>>() }))
}

#[actix_web::test]
async fn a_new_key_is_found_after_the_floor_and_a_withdrawn_one_is_forgotten() {
    let (published, partner) = publish();
    let (keyring, site) = (Keyring::new(), Arc::new(Site::bare(Path::new("/"))));
    let start: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
    let (old, new) = (key_for_tests(), key_for_tests());
    let find = |key: &SigningKey, secs: i64| {
        let (id, now) = (key.id().to_string(), start + SignedDuration::from_secs(secs));
        let (keyring, site, partner) = (&keyring, &site, &partner);
        async move { keyring.find(site, partner, &id, Algorithm::ES384, now).await.len() }
    };
    published.set.store(set(&[&old]));
    assert_eq!(find(&old, 0).await, 1);
    assert_eq!(find(&old, 10).await, 1);
    assert_eq!(published.fetched.load(Ordering::SeqCst), 1, "kept");

    published.set.store(set(&[&new]));
    assert_eq!(find(&new, 10).await, 0, "asked too soon after the last fetch");
    assert_eq!(find(&new, 20).await, 1);
    assert_eq!(published.fetched.load(Ordering::SeqCst), 2);
    for _ in 0..10 {
        assert_eq!(find(&old, 21).await, 0, "withdrawn");
    }
    assert_eq!(published.fetched.load(Ordering::SeqCst), 2, "unknown keys do not make it fetch at every knock");
    assert_eq!(find(&new, 400).await, 1);
    assert_eq!(published.fetched.load(Ordering::SeqCst), 3, "kept for five minutes only");
}

#[test]
fn a_key_fits_only_the_algorithm_of_its_kind() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let key = key_for_tests();
    let mut partner = partner_for_tests("http://unused.invalid");
    partner.jwks = Some(JwksSource::Inline((*set(&[&key])).clone()));
    let (keyring, site) = (Keyring::new(), Arc::new(Site::bare(Path::new("/"))));
    let now = "2026-03-02T10:00:00Z".parse().unwrap();
    let find = |algorithm| runtime.block_on(keyring.find(&site, &partner, key.id(), algorithm, now)).len();
    assert_eq!((find(Algorithm::ES384), find(Algorithm::RS384), find(Algorithm::ES256)), (1, 0, 0));
}
