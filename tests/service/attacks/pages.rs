//! The console: its sessions, and scripts that come in through every field of a message and must come out as text.

use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::json;

use super::Attempts;
use super::stranger::Stranger;
use crate::harness::minutes_ago;

/// A browser that keeps its cookie by hand and follows nothing.
struct Browser {
    http: Client,
    cookie: String,
}

impl Browser {
    async fn log_in(stranger: &Stranger) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let link = stranger.readers.house.running.console_link();
        let secret = link.split("link=").nth(1).unwrap();
        let form = [("link", secret), ("name", "Tester")];
        let response = http.post(stranger.url("/console/login")).form(&form).send().await.unwrap();
        let set = response.headers()["set-cookie"].to_str().unwrap().to_string();
        for flag in ["HttpOnly", "SameSite=Strict"] {
            assert!(set.contains(flag), "{set}");
        }
        Self { http, cookie: set.split(';').next().unwrap().to_string() }
    }

    async fn page(&self, stranger: &Stranger, path: &str) -> String {
        let response = self.http.get(stranger.url(path)).header("cookie", &self.cookie).send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_string();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        response.text().await.unwrap()
    }
}

pub async fn sessions(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("The console's sessions");
    let browser = Browser::log_in(stranger).await;
    assert!(browser.page(stranger, "/console/messages").await.contains("ADT"));
    let bare = Client::builder().redirect(Policy::none()).build().unwrap();
    let asked = async |method: Method, path: &str, cookie: Option<&str>, form: &[(&str, &str)]| {
        let request = bare.request(method, stranger.url(path)).form(form);
        let request = cookie.into_iter().fold(request, |request, cookie| request.header("cookie", cookie));
        let response = request.send().await.unwrap();
        let shows = response.status().as_u16();
        (shows, response.text().await.unwrap())
    };
    let link = stranger.readers.house.running.console_link();
    let secret = link.split("link=").nth(1).unwrap().to_string();
    let login = [("link", secret.as_str()), ("name", "Tester")];
    assert!([200, 303].contains(&asked(Method::POST, "/console/login", None, &login).await.0));
    let own = browser.cookie.as_str();
    let guess = format!("handover-session={}", "A".repeat(32));
    for (attempt, method, path, cookie, form) in [
        ("pages without a session", Method::GET, "/console/messages", None, vec![]),
        ("pages with a guessed session", Method::GET, "/console/messages", Some(guess.as_str()), vec![]),
        ("a login link used twice", Method::POST, "/console/login", None, login.to_vec()),
        (
            "a guessed login link",
            Method::POST,
            "/console/login",
            None,
            vec![("link", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), ("name", "Tester")],
        ),
        ("a form of another site (no form key)", Method::POST, "/console/messages/1/replay", Some(own), vec![]),
        (
            "a form with a guessed key",
            Method::POST,
            "/console/messages/1/replay",
            Some(own),
            vec![("form_key", "AAAA")],
        ),
    ] {
        let (status, text) = asked(method, path, cookie, &form).await;
        assert!([303, 400, 401, 403].contains(&status) && !text.contains("Okafor"), "{attempt}: {status}");
        attempts.add(attempt, status.to_string());
    }
    let origin =
        bare.get(stranger.url("/console/messages")).header("cookie", own).header("origin", "https://app.example");
    let response = origin.send().await.unwrap();
    assert!(
        response.headers().get("access-control-allow-origin").is_none()
            && response.headers()["x-frame-options"] == "DENY"
    );
    attempts.add("a page of an origin that may read FHIR, reading the console", "no CORS header, no frame");
    for (attempt, from, expected) in [
        ("FHIR from a page of an origin that is let in", "https://app.example", true),
        ("FHIR from another page", "https://evil.example", false),
    ] {
        let request = bare.get(stranger.url("/fhir/metadata")).header("origin", from);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers().contains_key("access-control-allow-origin"), expected, "{from}");
        attempts.add(attempt, if expected { "its origin and no other in the CORS header" } else { "no CORS header" });
    }
    attempts
}

/// What a browser would take for its own, in each of the ways a page might be put together.
const SCRIPT: &str = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}";

/// A segment whose every field from the first given on is a script, with what must stay right for it to be read.
fn filled(segment: &str, fields: usize, keep: &[(usize, &str)]) -> String {
    let fields = (1..=fields).map(|number| {
        let kept = keep.iter().find(|(kept, _)| *kept == number);
        kept.map_or_else(|| format!("{SCRIPT}{number}^{SCRIPT}^{SCRIPT}"), |(_, text)| text.to_string())
    });
    format!("{segment}|{}\r", fields.collect::<Vec<_>>().join("|"))
}

pub async fn scripts(stranger: &Stranger) -> Attempts {
    let mut attempts = Attempts::of("Scripts through every field of a message, on every page");
    let mut hospital = stranger.readers.house.hospital().await;
    let at = minutes_ago(20);
    let head = |event: &str, control: &str| {
        format!("MSH|^~\\&|{SCRIPT}|RIVERSIDE|{SCRIPT}|{SCRIPT}|{at}|{SCRIPT}|{event}|{control}|P|2.5.1|||||||\r")
    };
    let mrn = "4711^^^RIVERSIDE^MR";
    let pid = filled("PID", 39, &[(1, "1"), (2, ""), (3, mrn), (7, "19580314"), (8, "F"), (18, "")]);
    let visit = "V66^^^RIVERSIDE-VISIT^VN";
    let pv1 = filled("PV1", 52, &[(1, "1"), (2, "E"), (19, visit), (44, &at), (45, "")]);
    let admission =
        |control: &str, more: &str| format!("{}EVN|A04|{at}\r{pid}{pv1}{more}", head("ADT^A04^ADT_A01", control));
    let obr = filled("OBR", 30, &[(1, "1"), (3, "F66^RIVERSIDE"), (7, &at), (22, &at), (25, "F")]);
    let segments = [
        ("PID, PV1", String::new()),
        ("PV2", filled("PV2", 40, &[])),
        ("DG1", filled("DG1", 20, &[(1, "1"), (3, &format!("J44.1^{SCRIPT}^I10")), (6, "F")])),
        ("AL1", filled("AL1", 6, &[(1, "1")])),
        ("NK1", filled("NK1", 30, &[(1, "1")])),
        ("GT1", filled("GT1", 20, &[(1, "1")])),
        ("IN1", filled("IN1", 40, &[(1, "1")])),
        ("PR1", filled("PR1", 16, &[(1, "1"), (5, &at)])),
        ("ROL", filled("ROL", 12, &[])),
        ("NTE", filled("NTE", 4, &[(1, "1")])),
        ("OBX (text)", filled("OBX", 20, &[(1, "1"), (2, "ST"), (11, "F"), (14, &at)])),
        ("a Z segment", filled("ZXX", 20, &[])),
        ("a segment nobody knows", filled("XXX", 10, &[])),
    ];
    for (number, (name, segment)) in segments.iter().enumerate() {
        let answer = hospital.send(&admission(&format!("X{number}"), segment)).await;
        attempts.add(format!("{name}, admitted"), format!("{}, shown as text", crate::harness::code(&answer)));
    }
    let results = format!(
        "{}{pid}{pv1}{obr}{}{}",
        head("ORU^R01^ORU_R01", "X90"),
        filled("OBX", 20, &[(1, "1"), (2, "NM"), (3, "59408-5^x^LN"), (5, "91"), (6, "%"), (11, "F"), (14, &at)]),
        filled("NTE", 4, &[(1, "1")]),
    );
    let answer = hospital.send(&results).await;
    attempts.add("OBR, OBX, NTE of a result", format!("{}, shown as text", crate::harness::code(&answer)));
    let unknown = hospital.send(&format!("{}{pid}", head("ADT^A99^ADT_A99", SCRIPT))).await;
    attempts.add(
        "MSH, with a control id and an event that are scripts",
        format!("{}, shown as text", crate::harness::code(&unknown)),
    );
    look(stranger, &mut attempts).await;
    attempts
}

/// Every page of the console, and every page that one of them leads to.
async fn look(stranger: &Stranger, attempts: &mut Attempts) {
    let browser = Browser::log_in(stranger).await;
    let mut open = [
        "/console",
        "/console/messages",
        "/console/unused",
        "/console/work",
        "/console/deliveries",
        "/console/messages?faulty=on",
    ]
    .map(str::to_string)
    .to_vec();
    open.push(format!("/console/patients/{}", stranger.patient("4711")));
    let (mut seen, mut escaped) = (std::collections::BTreeSet::new(), 0);
    while let Some(path) = open.pop() {
        if seen.len() > 150 || !seen.insert(path.clone()) {
            continue;
        }
        if path.ends_with("/raw") {
            continue;
        }
        let text = browser.page(stranger, &path).await;
        for raw in ["<img src=x", "<script>alert", "\"'><"] {
            assert!(!text.contains(raw), "{path} has {raw}");
        }
        escaped += usize::from(text.contains("onerror=alert"));
        let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let inside =
            links.filter(|link| link.starts_with("/console") && !link.contains("logout") && !link.contains(".css"));
        open.extend(inside.map(|link| link.replace("&amp;", "&").replace("&#38;", "&")));
    }
    let raw = seen.iter().find(|path| path.ends_with("/raw")).expect("a message's bytes");
    let answer = browser.http.get(stranger.url(raw)).header("cookie", &browser.cookie).send().await.unwrap();
    let headers = answer.headers();
    assert!(headers["content-type"] == "application/hl7-v2" && headers["x-content-type-options"] == "nosniff");
    assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    attempts.add("a message's bytes, opened in a browser", "application/hl7-v2, `nosniff`, an attachment");
    assert!(seen.len() > 20 && escaped > 5, "{} pages, {escaped} of them with the text", seen.len());
    attempts.add("all pages of the console that the messages lead to", "no tag of it in any; the text in many");
    let found = stranger.search(&format!("Patient?_id={}", stranger.patient("4711"))).await;
    assert!(json!(found).to_string().contains("onerror") || found["total"] == 1);
    let answer = stranger.lakeside.response(&format!("Patient?_id={}", stranger.patient("4711"))).await;
    assert!(
        answer.headers()["content-type"].to_str().unwrap().starts_with("application/fhir+json")
            && answer.headers()["x-content-type-options"] == "nosniff"
    );
    attempts.add("the same over FHIR, opened in a browser", "application/fhir+json, `nosniff`, `default-src 'none'`");
}
