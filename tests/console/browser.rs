//! Chromium and its driver for one test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

pub struct Browser {
    pub client: Client,
    driver: Child,
    port: u16,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to end, the driver ends its browser as well, also where the test has failed.
        if let Ok(mut driver) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = driver.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = driver.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let _ = driver.read_to_end(&mut Vec::new());
        }
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
            Ok(client) => return Some(Browser { client, driver, port, _profile: profile }),
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
        if std::env::var_os("HANDOVER_SCREENSHOTS").is_none() {
            return;
        }
        for (width, kind) in [(1280, "desk"), (390, "phone")] {
            self.client.set_window_size(width, 900).await.unwrap();
            let height = self.client.execute("return document.documentElement.scrollHeight", vec![]).await.unwrap();
            self.client.set_window_size(width, height.as_u64().unwrap() as u32 + 200).await.unwrap();
            tokio::time::sleep(Duration::from_millis(150)).await;
            self.keep_picture(&format!("{name}-whole-{kind}")).await;
        }
        self.client.set_window_size(1280, 900).await.unwrap();
    }

    /// Looks at the page at desk and at phone width: nothing may stick out at the side, and both are photographed. Then axe looks, in
    /// the light and, for what dark colours change, in the dark.
    pub async fn look(&self, name: &str) {
        self.look_at_widths(name).await;
        self.client.set_window_size(1280, 900).await.unwrap();
        self.ask_axe(name, "light", "{}").await;
        self.show_in("dark").await;
        self.keep_picture(&format!("{name}-dark")).await;
        self.ask_axe(name, "dark", "{ runOnly: ['color-contrast'] }").await;
        self.show_in("light").await;
    }

    async fn show_in(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", features).await;
    }

    async fn ask(&self, command: &'static str, parameters: Value) -> Value {
        self.client.issue_cmd(Cdp(command, parameters)).await.unwrap()
    }

    /// The page as it is printed: its words, and on how many sheets.
    pub async fn on_paper(&self) -> (String, usize) {
        self.ask("Emulation.setEmulatedMedia", json!({ "media": "print" })).await;
        let words = self.client.execute("return document.body.innerText", vec![]).await.unwrap();
        self.ask("Emulation.setEmulatedMedia", json!({ "media": "" })).await;
        let printed = self.ask("Page.printToPDF", json!({})).await;
        let printed = BASE64_STANDARD.decode(printed["data"].as_str().unwrap()).unwrap();
        let printed = String::from_utf8_lossy(&printed);
        assert!(printed.starts_with("%PDF"), "{}", printed.chars().take(40).collect::<String>());
        let sheets = printed.split("/Type /Page").skip(1).filter(|rest| !rest.starts_with('s')).count();
        (words.as_str().unwrap().to_string(), sheets)
    }

    /// What stands at the top of the page, in the light, as a small picture.
    pub async fn picture(&self, width: u32, height: u32) -> Vec<u8> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size).await;
        self.show_in("light").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.ask("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        let taken = self.ask("Page.captureScreenshot", json!({ "format": "webp", "quality": 70 })).await;
        self.ask("Emulation.clearDeviceMetricsOverride", json!({})).await;
        BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }

    /// What is taken from pages from now on goes into this folder.
    pub async fn keep_files_in(&self, folder: &Path) {
        let wanted = json!({ "behavior": "allow", "downloadPath": folder.to_str().unwrap() });
        self.ask("Browser.setDownloadBehavior", wanted).await;
    }

    /// Whether the page can be used by those who do not see it, or not well: axe-core knows of a hundred rules.
    async fn ask_axe(&self, name: &str, scheme: &str, options: &str) {
        let Some(axe) = axe() else { return };
        self.client.execute(axe, vec![]).await.unwrap();
        let ask = format!(
            "const done = arguments[arguments.length - 1];
             axe.run(document, {options}).then(found => done(found.violations.map(rule => rule.id + ': ' + rule.help + ' at '
                 + rule.nodes.map(node => node.target.join(' ') + ' (' + node.failureSummary + ')').join('; '))), fault => done([String(fault)]))"
        );
        let faults = self.client.execute_async(&ask, vec![]).await.unwrap();
        assert_eq!(faults, json!([]), "axe on {name} in the {scheme}");
    }

    async fn keep_picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("HANDOVER_SCREENSHOTS") else { return };
        std::fs::create_dir_all(&folder).unwrap();
        let image = self.client.screenshot().await.unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), image).unwrap();
    }

    async fn look_at_widths(&self, name: &str) {
        for (width, height, kind) in [(1280, 900, "desk"), (390, 844, "phone")] {
            self.client.set_window_size(width, height).await.unwrap();
            tokio::time::sleep(Duration::from_millis(150)).await;
            let script = "const out = [...document.querySelectorAll('main *, header *')]
                    .filter(one => one.getBoundingClientRect().right > window.innerWidth && !one.closest('.wide'));
                return [document.documentElement.scrollWidth, window.innerWidth,
                    out.slice(0, 5).map(one => one.tagName + ' ' + one.innerText?.slice(0, 80)).join('; ')]";
            let sizes = self.client.execute(script, vec![]).await.unwrap();
            let (content, window) = (sizes[0].as_u64().unwrap(), sizes[1].as_u64().unwrap());
            assert!(
                content <= window,
                "{name} at {kind} width is {content} wide in a window of {window}: {}",
                sizes[2]
            );
            self.keep_picture(&format!("{name}-{kind}")).await;
        }
    }
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct Cdp(&'static str, Value);

impl WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

/// The source of axe-core; none, with the reason printed once, where it is not installed.
fn axe() -> Option<&'static str> {
    static SOURCE: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let peers = std::env::var_os("HANDOVER_TEST_PEERS").unwrap_or_default();
        let source = std::fs::read_to_string(Path::new(&peers).join("node_modules/axe-core/axe.min.js")).ok();
        if source.is_none() {
            println!("skipped: axe-core is not installed, so nobody asks it; ./test installs it where there is npm");
        }
        source
    };
    SOURCE.get_or_init(read).as_deref()
}
