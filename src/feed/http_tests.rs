//! HL7 over HTTP through the real route: answers, refusals, credentials, limits.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpServer, web};
use sha2::{Digest, Sha256};

use super::authority::Authority;
use super::stand_in::{StandIn, feed, message};
use super::{HttpIntake, remember_certificate};
use crate::site::{Credential, Feed};

fn feed_over_http() -> Feed {
    let token = Credential::TokenSha256(Sha256::digest("open sesame").into());
    let credentials = vec![token, Credential::Certificate("riverside".to_string())];
    Feed { http: Some(credentials), mllp: None, ..feed("ed") }
}

fn request(body: impl Into<web::Bytes>) -> TestRequest {
    TestRequest::post()
        .uri("/hl7/ed")
        .insert_header((AUTHORIZATION, "Bearer open sesame"))
        .insert_header((CONTENT_TYPE, "application/hl7-v2; charset=utf-8"))
        .set_payload(body)
}

/// Sends one request; gives status, headers of note and body.
async fn send(stand_in: &Arc<StandIn>, request: TestRequest) -> (StatusCode, Vec<String>, String) {
    let intake = HttpIntake::new(stand_in.clone());
    let app = init_service(App::new().configure(|config| intake.configure(config))).await;
    let response = call_service(&app, request.to_request()).await;
    let noted = [CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE];
    let noted = noted.iter().filter_map(|name| response.headers().get(name));
    let noted = noted.map(|value| value.to_str().unwrap().to_string()).collect();
    let status = response.status();
    (status, noted, String::from_utf8(read_body(response).await.to_vec()).unwrap())
}

#[actix_web::test]
async fn a_message_is_answered_with_its_acknowledgement_in_the_same_type() {
    let stand_in = StandIn::with([feed_over_http()]);
    let (status, headers, body) = send(&stand_in, request(message(1, ""))).await;
    assert_eq!((status, headers[0].as_str()), (StatusCode::OK, "application/hl7-v2; charset=utf-8"));
    assert!(body.ends_with("MSA|AA|1\r"));
    let (status, _, body) = send(&stand_in, request(message(2, "REFUSE"))).await;
    assert!(status == StatusCode::BAD_REQUEST && body.ends_with("MSA|AR|2\r"));
    let (status, headers, _) = send(&stand_in, request(message(3, "FULL"))).await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && headers.contains(&"5".to_string()));
    let batch = format!("BHS|^~\\&\r{}{}BTS|2\r", message(4, ""), message(5, ""));
    let (status, _, body) = send(&stand_in, request(batch)).await;
    assert!(status == StatusCode::OK && body.starts_with("BHS|") && body.ends_with("BTS|2\r"));
    assert_eq!(stand_in.control_ids(), ["1", "2", "3", "4", "5"]);
}

#[actix_web::test]
async fn who_may_not_post_is_told_why_in_the_words_of_http() {
    let stand_in = StandIn::with([feed_over_http(), feed("mllp-only")]);
    let post = || request(message(1, ""));
    let bare = TestRequest::post().uri("/hl7/ed").insert_header((CONTENT_TYPE, "application/hl7-v2"));
    for (request, status) in [
        (post().uri("/hl7/nowhere"), StatusCode::NOT_FOUND),
        (post().uri("/hl7/mllp-only"), StatusCode::NOT_FOUND),
        (bare, StatusCode::UNAUTHORIZED),
        (post().insert_header((AUTHORIZATION, "Bearer guess")), StatusCode::UNAUTHORIZED),
        (post().insert_header((AUTHORIZATION, "Basic b3Blbg==")), StatusCode::UNAUTHORIZED),
        (post().insert_header((CONTENT_TYPE, "application/json")), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            post().insert_header((CONTENT_TYPE, "application/hl7-v2; charset=klingon")),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (post().insert_header(("content-encoding", "gzip")), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (post().set_payload(vec![b'x'; 2001]), StatusCode::PAYLOAD_TOO_LARGE),
        (post().set_payload(""), StatusCode::BAD_REQUEST),
    ] {
        let (answered, headers, body) = send(&stand_in, request).await;
        assert_eq!(answered, status, "{body}");
        assert!(!body.is_empty() && !body.contains("PID"));
        assert_eq!(headers.iter().any(|value| value.starts_with("Bearer")), status == StatusCode::UNAUTHORIZED);
    }
    assert!(stand_in.seen.lock().unwrap().is_empty());
}

#[actix_web::test]
async fn the_sender_is_who_the_proxy_says_and_nobody_whom_the_client_names() {
    let stand_in = StandIn::with([feed_over_http()]);
    let claimed = |number| {
        let request = request(message(number, "")).peer_addr(([10, 0, 0, 1], 4000).into());
        let request = request.append_header(("forwarded", "for=203.0.113.9"));
        request.append_header(("x-forwarded-for", "203.0.113.9")).append_header(("x-forwarded-for", "192.0.2.7"))
    };
    send(&stand_in, claimed(1)).await;
    stand_in.set_behind_proxy();
    send(&stand_in, claimed(2)).await;
    let peers: Vec<String> = stand_in.seen.lock().unwrap().iter().map(|seen| seen.peer.clone()).collect();
    assert_eq!(peers, ["10.0.0.1", "192.0.2.7"]);
}

#[actix_web::test]
async fn a_feed_takes_only_so_many_requests_at_a_time() {
    let mut narrow = feed_over_http();
    narrow.limits.connections = 1;
    let stand_in = StandIn::with([narrow]);
    let intake = HttpIntake::new(stand_in.clone());
    let app = init_service(App::new().configure(|config| intake.configure(config))).await;
    let slow = call_service(&app, request(message(1, "SLOW")).to_request());
    let meanwhile = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        call_service(&app, request(message(2, "")).to_request()).await
    };
    let (slow, refused) = tokio::join!(slow, meanwhile);
    assert_eq!((slow.status(), refused.status()), (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS));
    assert!(refused.headers().contains_key(RETRY_AFTER));
    let after = call_service(&app, request(message(3, "")).to_request()).await;
    assert_eq!(after.status(), StatusCode::OK);
}

#[actix_web::test]
async fn a_named_client_certificate_is_credential_enough() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let stand_in = StandIn::with([feed_over_http()]);
    let intake = HttpIntake::new(stand_in.clone());
    let server = HttpServer::new(move || App::new().configure(|config| intake.configure(config)))
        .on_connect(remember_certificate)
        .workers(1)
        .disable_signals()
        .bind_rustls_0_23(("127.0.0.1", 0), authority.server_files(folder.path()).server_config().unwrap())
        .unwrap();
    let port = server.addrs()[0].port();
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    for (name, status) in [("riverside", 200), ("lakeside", 403)] {
        let (certificate, key) = authority.issue(name);
        let identity = reqwest::Identity::from_pem((certificate.pem() + &key.serialize_pem()).as_bytes()).unwrap();
        let root = reqwest::Certificate::from_pem(authority.certificate.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([root]).identity(identity).build().unwrap();
        let sent = client.post(format!("https://localhost:{port}/hl7/ed")).header("content-type", "application/hl7-v2");
        assert_eq!(sent.body(message(1, "")).send().await.unwrap().status().as_u16(), status, "{name}");
    }
    assert_eq!(stand_in.seen.lock().unwrap()[0].peer, "riverside");
    handle.stop(false).await;
}
