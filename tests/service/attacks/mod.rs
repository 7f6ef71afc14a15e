//! What an attacker would try, and what each attempt got: run against the whole gateway, and kept as `docs/attacks.md`, which is
//! written anew with HANDOVER_GOLDEN=write and otherwise must say what happened.

mod feeds;
mod files;
mod http2;
mod objects;
mod oracles;
mod pages;
mod stranger;
mod tokens;
mod wire;

use crate::partner::Readers;
use stranger::Stranger;

/// The attempts of one kind, in the order they were made.
pub struct Attempts {
    kind: &'static str,
    rows: Vec<(String, String)>,
}

impl Attempts {
    fn of(kind: &'static str) -> Self {
        Self { kind, rows: Vec::new() }
    }

    /// `got` is what happened; whoever adds it has seen to it that it did no harm.
    fn add(&mut self, attempt: impl Into<String>, got: impl Into<String>) {
        self.rows.push((attempt.into(), got.into()));
    }
}

const HEAD: &str = "# What was tried against the gateway

Each row is one attempt of `tests/service/attacks` against a running gateway and what it got. The test fails when one gets something
else; `HANDOVER_GOLDEN=write cargo test --test service attacks` writes this page.

A connection of HTTP on which no request is under way is closed after 30 seconds, whatever else comes on it. How many one address may have
is not limited; where strangers reach the port, a proxy in front has to do that.
";

fn page(all: &[Attempts]) -> String {
    let mut text = HEAD.to_string();
    for attempts in all {
        text += &format!("\n## {}\n\n| attempt | what it got |\n| --- | --- |\n", attempts.kind);
        for (attempt, got) in &attempts.rows {
            text += &format!("| {} | {} |\n", attempt.replace('|', "\\|"), got.replace('|', "\\|"));
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_gets_what_the_page_of_attacks_says() {
    let readers = Readers::with(&site).await;
    let stranger = Stranger::new(readers).await;
    let mut all = vec![
        tokens::assertions(&stranger).await,
        tokens::bearers(&stranger).await,
        objects::attempts(&stranger).await,
        oracles::attempts(&stranger).await,
        wire::framing(&stranger).await,
        wire::loads(&stranger).await,
        http2::bodies_over_http2().await,
        http2::slow_over_http2().await,
        feeds::attempts(&stranger).await,
        files::attempts(&stranger).await,
        pages::sessions(&stranger).await,
        pages::scripts(&stranger).await,
    ];
    // Last, since it uses up what an address may ask.
    all.push(wire::floods(&stranger).await);
    let count: usize = all.iter().map(|attempts| attempts.rows.len()).sum();
    assert!(count >= 60, "{count} attempts");
    let (text, file) = (page(&all), std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/attacks.md"));
    if std::env::var("HANDOVER_GOLDEN").is_ok_and(|wish| wish == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    let differing = text.lines().zip(known.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
    assert!(text == known, "docs/attacks.md does not say what happened; first: {differing:?}");
    stranger.readers.house.running.stop().await;
}

/// The demo's site with what attacks need: a feed over HTTP with a token and short patience, a second MLLP feed that knows its
/// sender, an element left out of observations, and a page's origin that is let in.
fn site(name: &str, text: String) -> String {
    match name {
        "handover.yaml" => text.replace("http: { listen:", "http: { origins: [\"https://app.example\"], listen:"),
        "feeds/riverside.yaml" => {
            let digest = stranger::FEED_TOKEN_SHA256;
            format!(
                "{text}http: {{ credentials: [ {{ token_sha256: {digest} }} ] }}\nlimits: {{ frame_bytes: 65536, frame_secs: 2, idle_secs: 3, connections: 8 }}\n"
            )
        }
        "agreements/lakeside-practice.yaml" => text.replace(
            "Observation, push: on-change, pull: true }",
            "Observation, push: on-change, pull: true, without: [code] }",
        ),
        _ => text,
    }
}
