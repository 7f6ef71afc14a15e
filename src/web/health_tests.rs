//! What supervisors and Prometheus see, and what every answer carries.

use actix_web::test::TestRequest;

use super::trial::Trial;
use crate::clock::Clock;

#[actix_web::test]
async fn health_tells_the_stores_state_and_the_version() {
    let trial = Trial::new().await;
    let answer = trial.call(TestRequest::get().uri("/health")).await;
    assert_eq!((answer.status.as_u16(), &answer.body["status"]), (200, &"pass".into()));
    assert_eq!(answer.body["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(answer.body["store"]["records"], 2);
    trial.gateway.condition.set("feed ed", trial.clock.now(), "its listener is shut", vec!["port 2575".to_string()]);
    let warned = trial.call(TestRequest::get().uri("/health")).await;
    assert_eq!((warned.status.as_u16(), &warned.body["status"]), (200, &"warn".into()), "it is not dead");
    assert_eq!(warned.body["faults"][0]["text"], "its listener is shut");
    assert!(!warned.text.contains("2575"), "what stands in the site is not for everybody: {}", warned.text);
    trial.gateway.store.close().await;
    let closed = trial.call(TestRequest::get().uri("/health")).await;
    assert_eq!((closed.status.as_u16(), &closed.body["status"]), (503, &"fail".into()));
    assert_eq!(trial.call(TestRequest::get().uri("/health/live")).await.status, 200);
}

#[actix_web::test]
async fn metrics_count_requests_by_pattern_and_never_by_path() {
    let trial = Trial::new().await;
    trial.get("/fhir/Task/secret-of-a-patient").await;
    trial.call(TestRequest::get().uri("/no/such/place-of-jane-doe")).await;
    let page = trial.call(TestRequest::get().uri("/metrics")).await;
    assert!(page.header("content-type").starts_with("application/openmetrics-text"));
    assert!(page.text.contains(r#"route="/fhir/{type}/{id}",method="GET",status="404"} 1"#), "{}", page.text);
    assert!(page.text.contains(r#"route="none",method="GET",status="404"} 1"#), "{}", page.text);
    assert!(page.text.contains("handover_records 2"));
    assert!(!page.text.contains("secret") && !page.text.contains("jane"));
}

#[actix_web::test]
async fn every_answer_carries_the_headers_that_keep_browsers_from_harm() {
    let trial = Trial::new().await;
    for path in ["/health", "/fhir/Task", "/nothing"] {
        let answer = trial.call(TestRequest::get().uri(path)).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
    }
}

#[actix_web::test]
async fn one_address_cannot_ask_without_end() {
    let trial = Trial::new().await;
    let peer = "192.0.2.7:4000".parse().unwrap();
    let mut turned_away = 0;
    for _ in 0..420 {
        let answer = trial.call(TestRequest::get().uri("/.well-known/jwks.json").peer_addr(peer)).await;
        if answer.status == 429 {
            assert_eq!(answer.header("retry-after"), "1");
            turned_away += 1;
        }
    }
    assert_eq!(turned_away, 20);
    assert_eq!(trial.call(TestRequest::get().uri("/health").peer_addr(peer)).await.status, 200);
    let other = "192.0.2.8:4000".parse().unwrap();
    assert_eq!(trial.call(TestRequest::get().uri("/.well-known/jwks.json").peer_addr(other)).await.status, 200);
}
