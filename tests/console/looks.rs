//! What waits for a look, as somebody goes through it who knows the patients.

use fantoccini::Locator;

use crate::browser;
use crate::harness::{House, adt, code, minutes_ago};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_back_is_found_and_said_to_be_what_it_is() {
    let Some(browser) = browser::start().await else { return };
    let house = House::with(&|name, text| match name {
        "feeds/riverside.yaml" => text + "uncoded_diagnoses: restricted\n",
        _ => text,
    })
    .await;
    let mut hospital = house.hospital().await;
    let raw = adt("A04", "C1", "4711", "V1", &minutes_ago(40));
    let raw = raw.replace("DG1|1||J44.1^COPD with exacerbation^I10|||F", "DG1|1||Q7^Condition seven^L|||F");
    assert_eq!(code(&hospital.send(&raw).await), "AA");

    let client = &browser.client;
    client.goto(&house.running.console_link()).await.unwrap();
    client.find(Locator::Css("input[name=name]")).await.unwrap().send_keys("Ida Roe").await.unwrap();
    browser.click("#log-in").await;
    browser.sees("kept back until somebody looks").await;
    browser.click(".tiles a[href='/console/labels']").await;
    browser.sees("1 thing waits for somebody’s look").await;
    browser.look("labels").await;
    browser.click("a[href$='#looks']").await;
    browser.sees("1 to be looked at").await;
    browser.look("patient-labels").await;

    // Enter decides nothing, whatever it stands in, with all that a decision needs.
    let find = |css: &'static str| client.find(Locator::Css(css));
    find("#looks input[name=note]").await.unwrap().send_keys("says the discharge letter\u{E007}").await.unwrap();
    find("#looks input[name=label][value=ETH]").await.unwrap().send_keys("\u{E007}").await.unwrap();
    browser.click("#looks input[name=label][value=ETH]").await;
    find("#looks input[name=label][value=ETH]").await.unwrap().send_keys("\u{E007}").await.unwrap();
    find("#looks input[name=others]").await.unwrap().send_keys("HIV\u{E007}").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let waits = || house.running.gateway.store.to_look_at(None, 1);
    assert_eq!(waits().await.unwrap().total, 1, "Enter decides nothing");
    browser.click("#looks button[value=sensitive]").await;
    browser.sees("Looked at").await;
    browser.sees("ETH, HIV, R").await;
    browser.look("looked").await;
    assert_eq!(waits().await.unwrap().total, 0);

    // What was said can be corrected, and the other button says the opposite.
    client.back().await.unwrap();
    client.refresh().await.unwrap();
    browser.sees("Say what it is").await;
    browser.click("#looks summary").await;
    find("#looks input[name=note]").await.unwrap().send_keys("it was another patient's letter").await.unwrap();
    browser.click("#looks button[value=plain]").await;
    browser.sees("has no label any more").await;
    browser.click("main a[href^='/console/patients/']").await;
    browser.sees("not sensitive: it was another patient's letter").await;
    browser.click("nav a[href='/console/labels']").await;
    browser.sees("Nothing waits for a look").await;
    browser.client.clone().close().await.unwrap();
    house.running.stop().await;
}
