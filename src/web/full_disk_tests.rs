//! Tokens and reads while the store cannot be written to: given from memory, remembered, bounded, and written later.

use std::sync::{Arc, Mutex};

use actix_web::test::TestRequest;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use super::trial::{Answer, BASE, Trial, member};
use crate::clock::Clock;
use crate::identity::ResourceId;
use crate::pipeline::reads;
use crate::store::{AuditEntry, Disk, StoreError, failing_store};

async fn trial() -> (Trial, Arc<Mutex<Disk>>) {
    let (store, disk) = failing_store();
    (Trial::over(store).await, disk)
}

fn set(disk: &Mutex<Disk>, to: Disk) {
    *disk.lock().unwrap() = to;
}

fn assertion(trial: &Trial, jti: &str) -> String {
    let now = trial.clock.now().as_second();
    let claims = json!({ "iss": "practice-client", "sub": "practice-client", "aud": format!("{BASE}/auth/token"),
        "exp": now + 240, "iat": now, "jti": jti });
    trial.key.sign(&claims).unwrap()
}

async fn ask(trial: &Trial, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
        ("scope", "system/Task.rs"),
    ];
    trial.call(TestRequest::post().uri("/auth/token").set_form(form)).await
}

/// Runs until the store took everything or it is clear that it does not.
async fn write_kept(trial: &Trial) -> usize {
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(reads::run(trial.gateway.clone(), stopped));
    for _ in 0..40 {
        if trial.gateway.reserve.standing().0 == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    trial.gateway.reserve.standing().0
}

#[actix_web::test]
async fn on_a_full_disk_tokens_are_given_once_each_and_reads_are_answered_and_audited_later() {
    let (trial, disk) = trial().await;
    let (before, during) = (assertion(&trial, "before"), assertion(&trial, "during"));
    assert_eq!(ask(&trial, &before).await.status, 200);
    let audited = trial.audit().await.len();
    set(&disk, Disk::Full);
    assert_eq!(ask(&trial, &during).await.status, 200);
    for used in [&before, &during] {
        let answer = ask(&trial, used).await;
        assert!(answer.status == 401 && answer.text.contains("used before"), "{}", answer.text);
    }
    let task = ResourceId::of(member(), "Task", "a");
    assert_eq!(trial.get(&format!("/fhir/Task/{task}")).await.status, 200);
    assert_eq!(trial.get("/fhir/Task").await.ids().len(), 2);
    assert_eq!(trial.audit().await.len(), audited);

    let health = trial.call(TestRequest::get().uri("/health")).await;
    assert_eq!((health.status.as_u16(), &health.body["status"]), (503, &json!("fail")), "messages cannot be taken");
    assert!(health.text.contains("kept in memory until it can"), "{}", health.text);
    assert_eq!(trial.call(TestRequest::get().uri("/health/read")).await.status, 200);
    assert_eq!(trial.call(TestRequest::get().uri("/health/live")).await.status, 200);
    let metrics = trial.call(TestRequest::get().uri("/metrics")).await.text;
    assert!(metrics.contains("handover_reserve_entries "), "{metrics}");
    assert!(!metrics.contains("handover_reserve_entries 0"), "{metrics}");

    assert!(write_kept(&trial).await > 0, "the disk is full still");
    set(&disk, Disk::Well);
    assert_eq!(write_kept(&trial).await, 0);
    let audit = trial.audit().await;
    assert!(audit.len() >= audited + 3, "{audit:?}");
    assert!(audit.iter().any(|entry| entry.subject.starts_with(&format!("Task/{task}")) && entry.action == "read"));
    for used in [&before, &during] {
        assert_eq!(ask(&trial, used).await.status, 401, "the store remembers it now");
    }
    assert_eq!(ask(&trial, &assertion(&trial, "after")).await.status, 200);
    let health = trial.call(TestRequest::get().uri("/health")).await;
    assert_eq!((health.status.as_u16(), &health.body["status"]), (200, &json!("pass")));
}

#[actix_web::test]
async fn when_no_more_can_be_kept_reads_are_refused_until_it_is_written() {
    let (trial, disk) = trial().await;
    set(&disk, Disk::Full);
    let entry = |number: usize| AuditEntry {
        at: Timestamp::UNIX_EPOCH,
        agent: "practice".to_string(),
        action: "read".to_string(),
        person: None,
        subject: format!("{number} {}", "x".repeat(1 << 20)),
        allowed: true,
        because: String::new(),
    };
    let (mut taken, mut refused) = (0, None);
    for number in 0..100 {
        match trial.gateway.write_audit(vec![entry(number)]).await {
            Ok(()) => taken += 1,
            Err(fault) => {
                refused = Some(fault);
                break;
            }
        }
    }
    assert!(matches!(refused, Some(StoreError::Unavailable(_))) && (50..64).contains(&taken), "{taken}");
    trial.gateway.write_audit(vec![entry(100), entry(101)]).await.unwrap_err();
    let read = trial.call(TestRequest::get().uri("/health/read")).await;
    assert!(read.status == 503 && read.text.contains("refused until there is room"), "{}", read.text);
    set(&disk, Disk::Well);
    assert_eq!(write_kept(&trial).await, 0);
    trial.gateway.write_audit(vec![entry(102)]).await.unwrap();
    assert_eq!(trial.call(TestRequest::get().uri("/health/read")).await.status, 200);
}

#[actix_web::test]
async fn of_many_who_use_a_value_at_once_while_the_store_comes_and_goes_one_is_the_first() {
    let (trial, disk) = trial().await;
    let until = trial.clock.now() + jiff::SignedDuration::from_mins(5);
    let (stop, stopped) = watch::channel(false);
    let writing = tokio::spawn(reads::run(trial.gateway.clone(), stopped));
    for number in 0..60 {
        let flapping = async {
            for to in [Disk::Full, Disk::Well, Disk::Full, Disk::Well] {
                set(&disk, to);
                tokio::time::sleep(std::time::Duration::from_millis(number % 5)).await;
            }
        };
        let value = number.to_string();
        let uses = futures_util::future::join_all((0..6).map(|later| {
            let (gateway, value) = (trial.gateway.clone(), value.clone());
            async move {
                tokio::time::sleep(std::time::Duration::from_millis(later * 2)).await;
                gateway.remember_once("jti", &value, until).await
            }
        }));
        let (_, uses) = tokio::join!(flapping, uses);
        let firsts = uses.iter().filter(|one| matches!(one, Ok(true))).count();
        assert!(firsts <= 1, "{firsts} of {uses:?}");
    }
    stop.send(true).unwrap();
    writing.await.unwrap();
}

#[actix_web::test]
async fn where_only_a_restart_can_tell_what_the_disk_holds_nothing_is_kept_and_liveness_says_so() {
    let (trial, disk) = trial().await;
    set(&disk, Disk::Unsure);
    trial.gateway.store.put_state("x", b"1").await.unwrap_err();
    assert_eq!(ask(&trial, &assertion(&trial, "one")).await.status, 503);
    assert_eq!(trial.get("/fhir/Task").await.status, 503);
    assert_eq!(trial.gateway.reserve.standing().0, 0);
    let live = trial.call(TestRequest::get().uri("/health/live")).await;
    assert_eq!((live.status.as_u16(), &live.body["status"]), (503, &json!("fail")));
    assert_eq!(trial.call(TestRequest::get().uri("/health/read")).await.status, 503);
}
