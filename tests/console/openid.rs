//! The organisation's login with a provider that we did not write (npm's oidc-provider), in a browser, by keyboard: in as a person of the
//! site, in by a group, and out when the provider says so.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use fantoccini::Locator;

use crate::browser::{self, Browser};
use crate::harness::{House, script};

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

struct Provider(Child);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the provider, which says so in its first line.
async fn provider(mut command: Command, issuer: &str, house: &House) -> Provider {
    command
        .env("HANDOVER_ISSUER", issuer)
        .env("HANDOVER_BASE", house.url(""))
        .env("HANDOVER_GROUPS", "staff handover-it");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    let read = move || output.read_line(&mut said).map(|_| said);
    let said = tokio::task::spawn_blocking(read).await.unwrap().unwrap();
    assert!(said.contains("backchannel_logout_supported"), "the provider does not start");
    Provider(child)
}

fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// From the login page with the keys alone, until the provider's own form, or what comes of it where it still knows who is there.
async fn set_out(browser: &Browser) {
    let client = &browser.client;
    browser.sees("Log in with Lakeside staff login").await;
    for _ in 0..4 {
        let active = client.active_element().await.unwrap();
        if active.attr("id").await.unwrap().as_deref() == Some("log-in-there") {
            active.send_keys(ENTER).await.unwrap();
            return;
        }
        active.send_keys(TAB).await.unwrap();
    }
    panic!("four tabs do not lead to the organisation's login");
}

async fn prove(browser: &Browser, name: &str) {
    let client = &browser.client;
    let field = client.wait().for_element(Locator::Css("input[name=login]")).await.unwrap();
    field.send_keys(&format!("{name}{TAB}anything{ENTER}")).await.unwrap();
    let consent = client.wait().for_element(Locator::Css("input[name=prompt][value=consent] ~ button")).await.unwrap();
    consent.send_keys(ENTER).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_in_by_a_real_provider_and_are_out_when_it_says_so() {
    let Some(command) = script("openid_provider.mjs", "node_modules/oidc-provider/package.json") else { return };
    let Some(browser) = browser::start().await else { return };
    let (address, issuer) = (free(), format!("http://{}", free()));
    let people = "people:\n  nbrooks: { name: Nia Brooks RN, roles: [care-manager], panels: [lakeside], openid: Nia@lakeside.example }\n";
    let openid = format!(
        "title: Lakeside staff login\nissuer: {issuer}\nclient_id: handover\nprivate_key_jwt: true\nscopes: [email, groups]\nperson: email\n\
         passwords: false\ngroups:\n  rows:\n    - {{ group: handover-it, roles: [engineer] }}\n"
    );
    let house = House::with_files(
        &|name, text| if name == "handover.yaml" { text.replace("127.0.0.1:0", &address) } else { text },
        &[("people.yaml", people.to_string()), ("openid.yaml", openid)],
    )
    .await;
    let _provider = provider(command, &issuer, &house).await;
    let client = &browser.client;

    // A person of the site: her e-mail address there is in people.yaml, and she goes on to what she asked for.
    client.goto(&house.url("/console/work?whose=")).await.unwrap();
    set_out(&browser).await;
    prove(&browser, "nia").await;
    browser.sees("My work").await;
    let who = client.find(Locator::Css(".me")).await.unwrap().text().await.unwrap();
    assert!(who.contains("Nia Brooks RN") && who.contains("Care manager"), "{who}");
    assert!(client.current_url().await.unwrap().as_str().ends_with("/console/work?whose="));

    // She logs out there, and the provider ends her session here by itself.
    client.goto(&format!("{issuer}/session/end?client_id=handover")).await.unwrap();
    client.wait().for_element(Locator::Css("button[name=logout]")).await.unwrap().click().await.unwrap();
    client.wait().for_element(Locator::XPath("//*[contains(., 'success')]")).await.unwrap();
    client.goto(&house.url("/console/work")).await.unwrap();
    browser.sees("Log in with Lakeside staff login").await;
    browser.look("login-openid").await;

    // Somebody who is in a group alone, by his name there; out here, and shown the way out there.
    client.goto(&house.url("/console/messages")).await.unwrap();
    set_out(&browser).await;
    prove(&browser, "omar").await;
    browser.sees("Messages").await;
    let who = client.find(Locator::Css(".me")).await.unwrap().text().await.unwrap();
    assert!(who.contains("omar") && who.contains("Engineer"), "{who}");
    browser.click(".me button").await;
    browser.sees("Log out of Lakeside staff login too").await;
    browser.look("login-openid-out").await;
    browser.click("#log-out-there").await;
    client.wait().for_element(Locator::Css("button[name=logout]")).await.unwrap().click().await.unwrap();
    browser.sees("Log in with Lakeside staff login").await;
}
