//! Who attacks: a client that speaks HTTP by hand where a library would not let it, with a token of a small practice at best.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use handover::identity::{PersonId, ResourceId};

use crate::harness::{adt, code, minutes_ago};
use crate::partner::{Reader, Readers, mrn};

/// The bearer token of the feed over HTTP, and its SHA-256.
pub const FEED_TOKEN: &str = "a-feed-token-for-tests";
pub const FEED_TOKEN_SHA256: &str = "ccf7fd4d995c60cb910a13a8963d013e8212765db91fda31c2e0cd3367884991";

/// Lakeside's own patient, one of its patients with a diagnosis that is never let out, and one who is nobody's.
pub const OWN: &str = "4711";
pub const SENSITIVE: &str = "4712";
pub const OTHER: &str = "9999";
/// A number that nobody has.
pub const NOBODY: &str = "8888";

pub struct Stranger {
    pub readers: Readers,
    pub lakeside: Reader,
}

impl Stranger {
    pub async fn new(readers: Readers) -> Self {
        let mut hospital = readers.house.hospital().await;
        let sensitive =
            adt("A04", "2", SENSITIVE, "V2", &minutes_ago(60)) + "DG1|2||F10.20^Alcohol dependence^I10|||A\r";
        let at = minutes_ago(50);
        let measured = [
            format!("MSH|^~\\&|RIVER-MON|RIVERSIDE|HANDOVER|DEMO|{at}||ORU^R01^ORU_R01|4|P|2.5.1"),
            format!("PID|1||{OWN}^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F"),
            format!("OBR|1||F1^RIVERSIDE|59408-5^Oxygen saturation^LN|||{at}|||||||||||||||{at}|||F"),
            format!("OBX|1|NM|59408-5^Oxygen saturation^LN||97|%^percent^UCUM|92-100||||F|||{at}\r"),
        ];
        for message in [
            adt("A04", "1", OWN, "V1", &minutes_ago(90)),
            sensitive,
            adt("A04", "3", OTHER, "V3", &minutes_ago(70)),
            measured.join("\r"),
        ] {
            let answer = hospital.send(&message).await;
            assert_eq!(code(&answer), "AA", "{answer}");
        }
        let lakeside = readers.lakeside().await;
        Self { readers, lakeside }
    }

    /// The id that anybody can compute from a record number.
    pub fn patient(&self, number: &str) -> String {
        ResourceId::patient(PersonId::of(&mrn(number))).to_string()
    }

    /// The id of the diagnosis that is never let out.
    pub async fn hidden(&self) -> String {
        let store = &self.readers.house.running.gateway.store;
        let record = store.record(PersonId::of(&mrn(SENSITIVE)), &[], 10).await.unwrap();
        let is_hidden = |stored: &&handover::record::Stored| {
            stored.resource.codings("code").iter().any(|(_, code)| *code == "F10.20")
        };
        let hidden = record.of_type("Condition").find(is_hidden);
        hidden.expect("the diagnosis").id.to_string()
    }

    pub fn url(&self, path: &str) -> String {
        self.readers.house.url(path)
    }

    /// Status and body of a request with Lakeside's token.
    pub async fn ask(&self, method: Method, path: &str) -> (u16, String) {
        let request = self.readers.http.request(method, self.url(path)).bearer_auth(&self.lakeside.token);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Status and OperationOutcome, as a page says them: `400 not-supported`.
    pub async fn outcome(&self, path: &str) -> String {
        let (status, body) = self.ask(Method::GET, path).await;
        told(status, &body)
    }

    /// What a raw request gets: the status of the first answer, or how the connection ended.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        raw(self.readers.house.running.http, bytes).await.0
    }

    pub async fn search(&self, path: &str) -> Value {
        self.lakeside.search(path).await
    }
}

pub fn told(status: u16, body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let code = body["issue"][0]["code"].as_str().or(body["error"].as_str()).unwrap_or_default();
    format!("{status} {code}").trim_end().to_string()
}

/// Sends bytes and reads what comes until the end, or for some seconds.
pub async fn raw(address: std::net::SocketAddr, bytes: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refuses early may close while we still write.
    _ = stream.write_all(bytes).await;
    let (mut answer, until) = (Vec::new(), Instant::now() + Duration::from_secs(12));
    while Instant::now() < until {
        match tokio::time::timeout(Duration::from_secs(12), stream.read_buf(&mut answer)).await {
            Ok(Ok(count)) if count > 0 => {
                if answer.windows(4).any(|four| four == b"\r\n\r\n") && answer.len() > 4096 {
                    break;
                }
            }
            _ => break,
        }
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or("closed").to_string();
    (status, text)
}
