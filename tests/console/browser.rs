//! Chromium and its driver for one test.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

pub struct Browser {
    pub client: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Starts a browser; none, with the reason printed, where there is none.
pub async fn start() -> Option<Browser> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let driver =
        Command::new("chromedriver").arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(driver) = driver else {
        println!("skipped: chromedriver is not installed; ./test installs it");
        return None;
    };
    let profile = tempfile::tempdir().unwrap();
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        &format!("--user-data-dir={}", profile.path().display()),
    ];
    let options = json!({ "goog:chromeOptions": { "args": arguments } });
    let capabilities = options.as_object().unwrap().clone();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let mut builder = ClientBuilder::rustls().unwrap();
        match builder.capabilities(capabilities.clone()).connect(&format!("http://127.0.0.1:{port}")).await {
            Ok(client) => return Some(Browser { client, driver, _profile: profile }),
            Err(fault) => assert!(Instant::now() < until, "the browser does not start: {fault}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Browser {
    /// The text of the page's main part.
    pub async fn text(&self) -> String {
        self.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap()
    }

    pub async fn click(&self, css: &str) {
        let found = self.client.find(Locator::Css(css)).await;
        found.unwrap_or_else(|fault| panic!("no {css}: {fault}")).click().await.unwrap();
    }

    /// Waits until the page's main part holds the text.
    pub async fn sees(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let shown = match self.client.find(Locator::Css("main")).await {
                Ok(main) => main.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if shown.contains(text) {
                return;
            }
            assert!(Instant::now() < until, "the page never shows `{text}`; it shows:\n{shown}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Photographs the page from top to bottom, where photographs are wanted.
    pub async fn photograph(&self, name: &str) {
        let Some(folder) = std::env::var_os("HANDOVER_SCREENSHOTS") else { return };
        std::fs::create_dir_all(&folder).unwrap();
        for (width, kind) in [(1280, "desk"), (390, "phone")] {
            self.client.set_window_size(width, 900).await.unwrap();
            let height = self.client.execute("return document.documentElement.scrollHeight", vec![]).await.unwrap();
            self.client.set_window_size(width, height.as_u64().unwrap() as u32 + 200).await.unwrap();
            tokio::time::sleep(Duration::from_millis(150)).await;
            let image = self.client.screenshot().await.unwrap();
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}-whole-{kind}.png")), image).unwrap();
        }
        self.client.set_window_size(1280, 900).await.unwrap();
    }

    /// Looks at the page at desk and at phone width: nothing may stick out at the side, and both are photographed.
    pub async fn look(&self, name: &str) {
        for (width, height, kind) in [(1280, 900, "desk"), (390, 844, "phone")] {
            self.client.set_window_size(width, height).await.unwrap();
            tokio::time::sleep(Duration::from_millis(150)).await;
            let script = "return [document.documentElement.scrollWidth, window.innerWidth]";
            let sizes = self.client.execute(script, vec![]).await.unwrap();
            let (content, window) = (sizes[0].as_u64().unwrap(), sizes[1].as_u64().unwrap());
            assert!(content <= window, "{name} at {kind} width is {content} wide in a window of {window}");
            if let Some(folder) = std::env::var_os("HANDOVER_SCREENSHOTS") {
                std::fs::create_dir_all(&folder).unwrap();
                let image = self.client.screenshot().await.unwrap();
                std::fs::write(std::path::Path::new(&folder).join(format!("{name}-{kind}.png")), image).unwrap();
            }
        }
        self.client.set_window_size(1280, 900).await.unwrap();
    }
}
