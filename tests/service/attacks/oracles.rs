//! Oracles: links, numbers, orders, errors and times that might tell what may not be read.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;

use super::Attempts;
use super::stranger::{NOBODY, OTHER, OWN, SENSITIVE, Stranger};
use crate::partner::link;

pub async fn attempts(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Oracles");
    numbers(stranger, &mut attempts).await;
    links(stranger, &mut attempts).await;
    errors(stranger, &mut attempts).await;
    times(stranger, &mut attempts).await;
    attempts
}

async fn numbers(stranger: &Stranger, attempts: &mut Attempts) {
    let sensitive = stranger.patient(SENSITIVE);
    let all = stranger.search(&format!("Condition?patient={sensitive}")).await;
    let shown = all["entry"].as_array().unwrap().len();
    for path in ["_summary=count", "_count=0", "_total=accurate"] {
        let counted = stranger.search(&format!("Condition?patient={sensitive}&{path}")).await;
        assert_eq!(counted["total"], shown, "{counted}");
        attempts.add(format!("how many diagnoses there are (`{path}`)"), "200, what may be seen is counted");
    }
    let page = stranger.search(&format!("Condition?patient={sensitive}&_count={shown}")).await;
    assert_eq!(link(&page, "next"), None);
    attempts.add("a further page after the last diagnosis that may be seen", "no `next` link");
    for path in ["Observation?code=59408-5", "Observation?code=59408-5&_summary=count"] {
        let found = stranger.search(path).await;
        assert_eq!((&found["total"], link(&found, "next")), (&0.into(), None), "{found}");
        attempts.add(
            format!("observations by an element that is left out for the partner (`{path}`)"),
            "200, total 0, and a note that it is left out",
        );
    }
    let got = stranger.outcome("/fhir/Observation?_sort=code").await;
    assert_eq!(got, "403 forbidden");
    attempts.add("their order by that element", got);
}

async fn links(stranger: &Stranger, attempts: &mut Attempts) {
    let page = stranger.search("Encounter?_count=1").await;
    let next = link(&page, "next").expect("two encounters");
    let sealed = next.split("_cursor=").nth(1).unwrap().to_string();
    let plain = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
    let text = String::from_utf8_lossy(&plain).into_owned();
    assert!([OWN, OTHER].iter().all(|number| !text.contains(&stranger.patient(number)[..16])));
    attempts.add("to read what a page's link holds", "sealed (AES-256-GCM)");
    let mut changed = sealed.clone().into_bytes();
    changed[30] = if changed[30] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for (attempt, path) in [
        ("a page's link with one letter changed", format!("/fhir/Encounter?_count=1&_cursor={changed}")),
        ("a page's link of another search", format!("/fhir/Encounter?_count=1&status=finished&_cursor={sealed}")),
        ("a page's link for another type", format!("/fhir/Condition?_count=1&_cursor={sealed}")),
        ("a link of the store's own keys", "/fhir/Encounter?_count=1&_cursor=042b".to_string()),
    ] {
        let got = stranger.outcome(&path).await;
        assert_eq!(got, "400 value", "{attempt}");
        attempts.add(attempt, got);
    }
    let readers = &stranger.readers;
    let eastside = readers.reader(&readers.eastside, "eastside-ehr", "system/*.rs").await;
    let tasks = stranger.search("Task?_count=1").await;
    if let Some(next) = link(&tasks, "next") {
        assert_eq!(eastside.get(&next).await.0, 400);
        attempts.add("a page's link of another partner", "400 value");
    }
}

async fn errors(stranger: &Stranger, attempts: &mut Attempts) {
    let (status, body) = stranger.ask(Method::GET, "/fhir/Task?%3Cscript%3Ealert(1)%3C/script%3E=1").await;
    assert!(status == 400 && body.starts_with('{'), "{body}");
    attempts.add(
        "a script as a parameter's name, to come back in the error",
        "400 as JSON, `nosniff`, no more than its visible letters",
    );
    let path = format!("/fhir/Patient?name={}", "Okafor%00%0d%0aSet-Cookie:x");
    let answer =
        stranger.readers.http.get(stranger.url(&path)).bearer_auth(&stranger.lakeside.token).send().await.unwrap();
    assert!(answer.headers().get("set-cookie").is_none());
    attempts.add("a header in a value (`%0d%0aSet-Cookie:`)", format!("{}, no such header", answer.status().as_u16()));
    let long = vec!["x"; 101].join(",");
    for (attempt, path) in [
        ("101 values in one parameter", format!("/fhir/Task?status={long}")),
        ("51 parameters", format!("/fhir/Task?{}", vec!["status=draft"; 51].join("&"))),
    ] {
        let got = stranger.outcome(&path).await;
        assert_eq!(got, "400 too-costly");
        attempts.add(attempt, got);
    }
    let host = "GET /fhir/metadata HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n";
    let (status, text) = super::stranger::raw(stranger.readers.house.running.http, host.as_bytes()).await;
    assert!(status == "200" && !text.contains("attacker.example"));
    attempts.add("another `Host`, to come back in addresses", "200, addresses are the site's");
}

/// How long it takes to be told that there is nothing, for two paths in turn, so that a machine that is busy for a while is busy
/// for both: the middle of each.
async fn medians(stranger: &Stranger, paths: [&str; 2]) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..25 {
        for (path, times) in paths.iter().zip(&mut times) {
            let started = Instant::now();
            assert_eq!(stranger.ask(Method::GET, path).await.0, 404);
            times.push(started.elapsed());
            // Not faster than the gateway lets one address ask.
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

async fn times(stranger: &Stranger, attempts: &mut Attempts) {
    let hidden = stranger.hidden().await;
    let absent = format!("{}{}", &hidden[..16], &stranger.patient(NOBODY)[16..]);
    for (what, there, absent) in [
        ("a diagnosis that is never let out", format!("/fhir/Condition/{hidden}"), format!("/fhir/Condition/{absent}")),
        (
            "others' patients",
            format!("/fhir/Patient/{}", stranger.patient(OTHER)),
            format!("/fhir/Patient/{}", stranger.patient(NOBODY)),
        ),
    ] {
        let [one, two] = medians(stranger, [&there, &absent]).await;
        let ratio = one.as_secs_f64() / two.as_secs_f64();
        // Both wait for one durable write; a machine that is busy varies by more than what lies between them.
        assert!((0.25..4.0).contains(&ratio), "{what}: {one:?} against {two:?}");
        println!("{what}: {one:?} there, {two:?} absent");
        attempts.add(
            format!("whether there is {what}, by how long a 404 takes"),
            "the same class: both wait for a durable audit entry",
        );
    }
}
