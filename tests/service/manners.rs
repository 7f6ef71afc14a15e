//! What HTTP asks of a server beside its content: methods, HEAD, compression, what is accepted, other origins.

use std::io::Read;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::partner::{Reader, Readers};

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_string()).unwrap_or_default()
}

async fn ask(reader: &Reader, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = reader.http.request(method, format!("{}/{path}", reader.base)).bearer_auth(&reader.token);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_405_says_what_is_allowed_and_head_answers_wherever_get_does() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    for (method, path, allowed) in [
        (Method::POST, "/fhir/Task/x", "GET, HEAD, PUT, PATCH, DELETE"),
        (Method::TRACE, "/fhir/Task", "GET, HEAD, POST, PUT, PATCH, DELETE"),
        (Method::DELETE, "/fhir", "POST"),
        (Method::GET, "/fhir/Task/_search/", ""),
        (Method::POST, "/fhir/metadata", "GET, HEAD"),
        (Method::PATCH, "/fhir/Task/x/_history/1", "GET, HEAD"),
        (Method::GET, "/auth/token", "POST"),
        (Method::PUT, "/cds-services/handover-patient-view", "POST"),
        (Method::POST, "/health", "GET, HEAD"),
        (Method::POST, "/.well-known/jwks.json", "GET, HEAD"),
        (Method::GET, "/hl7/riverside", "POST"),
    ] {
        let response = readers.http.request(method.clone(), readers.house.url(path)).send().await.unwrap();
        let expected = if allowed.is_empty() { 404 } else { 405 };
        assert_eq!(
            (response.status().as_u16(), header(&response, "allow")),
            (expected, allowed.to_string()),
            "{method} {path}"
        );
    }
    for path in ["metadata", "Task?_count=1", "Task/nobody", ".well-known/smart-configuration", "Flag"] {
        let (get, head) = (ask(&reader, Method::GET, path, &[]).await, ask(&reader, Method::HEAD, path, &[]).await);
        assert_eq!(
            (get.status(), header(&get, "content-type")),
            (head.status(), header(&head, "content-type")),
            "{path}"
        );
        assert_eq!(head.text().await.unwrap(), "", "{path}");
    }
    let live = readers.http.head(readers.house.url("/health/live")).send().await.unwrap();
    assert_eq!(live.status(), 200);
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_for_those_who_ask_and_written_as_they_accept() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    let plain: Value = ask(&reader, Method::GET, "metadata", &[]).await.json().await.unwrap();
    let zipped = ask(&reader, Method::GET, "metadata", &[("accept-encoding", "br;q=0.5, gzip")]).await;
    let varies: Vec<_> = zipped.headers().get_all("vary").iter().collect();
    assert_eq!(header(&zipped, "content-encoding"), "gzip");
    assert!(varies.iter().any(|vary| *vary == "accept-encoding"), "{varies:?}");
    let bytes = zipped.bytes().await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_ref()).read_to_string(&mut text).unwrap();
    assert!(bytes.len() * 3 < text.len(), "{} of {}", bytes.len(), text.len());
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), plain);
    for (accept, status) in [
        ("application/fhir+json", 200),
        ("application/json+fhir", 200),
        ("application/fhir+json; fhirVersion=\"4.0\"", 200),
        ("", 200),
        ("text/html, */*;q=0.1", 200),
        ("application/fhir+xml", 406),
        ("application/fhir+json;q=0", 406),
    ] {
        let answer = ask(&reader, Method::GET, "Task?_count=1", &[("accept", accept)]).await;
        assert_eq!(answer.status(), status, "{accept}");
        assert!(header(&answer, "content-type").starts_with("application/fhir+json"));
    }
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_named_origins_may_read_and_no_others() {
    let readers = Readers::with(&|name, text| match name {
        "handover.yaml" => text.replace("http: { listen:", "http: { origins: [https://app.example:8443], listen:"),
        _ => text,
    })
    .await;
    let reader = readers.lakeside().await;
    let ours = ("origin", "https://app.example:8443");
    let preflight =
        [ours, ("access-control-request-method", "GET"), ("access-control-request-headers", "authorization")];
    let allowed = ask(&reader, Method::OPTIONS, "Task/x", &preflight).await;
    assert_eq!((allowed.status().as_u16(), header(&allowed, "access-control-allow-origin").as_str()), (204, ours.1));
    assert!(header(&allowed, "access-control-allow-headers").contains("Authorization"));
    let read = ask(&reader, Method::GET, "Task", &[ours]).await;
    assert_eq!((read.status().as_u16(), header(&read, "access-control-allow-origin").as_str()), (200, ours.1));
    assert!(
        header(&read, "vary").contains("origin") && header(&read, "access-control-expose-headers").contains("ETag")
    );
    for origin in ["https://app.example", "http://app.example:8443", "https://evil.example", "null"] {
        let others = [("origin", origin), ("access-control-request-method", "GET")];
        let refused = ask(&reader, Method::OPTIONS, "Task/x", &others).await;
        assert_eq!(
            (refused.status().as_u16(), header(&refused, "access-control-allow-origin").as_str()),
            (405, ""),
            "{origin}"
        );
    }
    let metadata: Value = ask(&reader, Method::GET, "metadata", &[]).await.json().await.unwrap();
    assert_eq!(metadata["rest"][0]["security"]["cors"], true);
    readers.house.running.stop().await;
}
