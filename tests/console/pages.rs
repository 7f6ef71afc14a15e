//! Every page, as a person of the interface team and a care manager go through them.

use fantoccini::Locator;

use crate::browser;
use crate::harness::{House, adt, code, eventually, minutes_ago};

/// A message of the story, and one that nobody can map.
async fn play(house: &House) {
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "C1", "4711", "V1", &minutes_ago(90))).await), "AA");
    let home = adt("A03", "C2", "4711", "V1", &minutes_ago(5)) + "ZPV|1|||home oxygen\r";
    assert_eq!(code(&hospital.send(&home).await), "AA");
    let unknown = adt("A04", "C3", "4711", "V1", &minutes_ago(4)).replace("ADT^A04^ADT_A01", "ADT^A99^ADT_A99");
    assert_eq!(code(&hospital.send(&unknown).await), "AR");
    eventually("the EHR holds a Task", async || !house.ehr.all("Task").is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_works_for_a_person() {
    let Some(browser) = browser::start().await else { return };
    let house = House::new().await;
    let client = &browser.client;

    client.goto(&house.url("/console")).await.unwrap();
    browser.sees("Please log in").await;
    let link = house.running.console_link();
    client.goto(&link).await.unwrap();
    browser.look("login").await;
    browser.click("#log-in").await;
    browser.sees("Your name").await;
    client.find(Locator::Css("input[name=name]")).await.unwrap().send_keys("Ida Roe").await.unwrap();
    browser.click("#log-in").await;
    browser.sees("Overview").await;
    assert!(client.source().await.unwrap().contains("Times on this page: America/New_York."), "one zone, named");
    client.goto(&house.url("/console/no/such/page")).await.unwrap();
    browser.sees("There is no such page").await;
    browser.look("fault").await;
    browser.click("nav a[href='/console']").await;
    browser.sees("Overview").await;

    // The overview moves by itself while the story is told.
    play(&house).await;
    browser.sees("ADT^A99 from riverside: AR").await;
    browser.sees("C3").await;
    browser.sees("lakeside-practice: delivered").await;
    browser.look("overview").await;

    client.goto(&house.url("/console/messages")).await.unwrap();
    browser.sees("C1").await;
    browser.look("messages").await;
    browser.click("details.more summary").await;
    browser.look("messages-more").await;
    browser.click("input[name=faulty]").await;
    browser.click("main form.filters button").await;
    browser.sees("ADT^A99").await;
    assert!(!browser.text().await.contains("C1"), "refused only");
    browser.click("main table a").await;
    browser.sees("no mapping reads ADT^A99 yet").await;
    browser.look("refused").await;
    browser.click(".buttons button").await;
    browser.sees("Replays").await;

    client.goto(&house.url("/console/replay?event=A99")).await.unwrap();
    browser.sees("What would change").await;
    browser.look("replay").await;
    browser.click("main form.buttons button.go").await;
    browser.sees("Messages run again").await;
    eventually("all are run", async || {
        client.goto(&house.url("/console/replay/run")).await.unwrap();
        browser.text().await.contains("The message is run.")
    })
    .await;
    browser.look("replay-run").await;

    client.goto(&house.url("/console")).await.unwrap();
    browser.sees("needs somebody").await;
    browser.click("a[href='/console/unused?open=yes']").await;
    browser.sees("ADT^A99").await;
    browser.look("unused-open").await;
    browser.click(".cause button[value=taken]").await;
    browser.sees("has it since").await;
    client.goto(&house.url("/console/unused?kind=event")).await.unwrap();
    assert!(!browser.text().await.contains("ZPV-4"), "events only");
    browser.click(".cause summary").await;
    browser.look("unused-answer").await;
    browser.click(".cause button[value=answered]").await;
    browser.sees("an answer needs a note").await;
    client.goto(&house.url("/console/unused")).await.unwrap();
    browser.click(".cause.taken summary").await;
    let note = client.find(Locator::Css(".cause.taken input[name=note]")).await.unwrap();
    note.send_keys("the sender stops sending it").await.unwrap();
    browser.click(".cause.taken button[value=answered]").await;
    browser.sees("the sender stops sending it").await;
    browser.sees("ZPV-4").await;
    browser.look("unused").await;
    browser.click(".cause.answered a[href^='/console/messages/']").await;
    browser.sees("no mapping reads ADT^A99 yet").await;
    let form = "return fetch('/console/unused/' + arguments[0], { method: 'POST', body: new URLSearchParams({ form_key: 'x', \
                action: 'taken' }) }).then((answer) => answer.status)";
    let refused = client.execute(form, vec!["0123456789abcdef".into()]).await.unwrap();
    assert_eq!(refused, 403, "a form of somebody else's");

    // A code that no table knows is answered: found, checked, its row shown, and what the messages would become.
    let mut hospital = house.hospital().await;
    let virtually = adt("A04", "C4", "4711", "V2", &minutes_ago(3)).replace("PV1|1|E|", "PV1|1|TELE|");
    assert_eq!(code(&hospital.send(&virtually).await), "AA");
    client.goto(&house.url("/console/unused?kind=code")).await.unwrap();
    browser.click("main a[href$='/code']").await;
    browser.sees("What TELE means").await;
    client.find(Locator::Css("main input[name=find]")).await.unwrap().send_keys("virtual").await.unwrap();
    browser.click("main form.filters button").await;
    browser.sees("that are called so").await;
    browser.look("code-found").await;
    browser.click("main ul.lines a[href*='code=VR']").await;
    browser.sees("TELE: { code: VR, display: virtual }").await;
    browser.click("main a[href*='show=yes']").await;
    browser.sees("patient-class TELE: answered").await;
    browser.sees("Encounter.class").await;
    browser.look("code").await;
    let file = "return fetch(document.querySelector('main a[download]').href).then((answer) => answer.text())";
    let file = client.execute(file, Vec::new()).await.unwrap();
    assert_eq!(file, "table: patient-class\ncodes:\n  TELE: { code: VR, display: virtual }\n");
    assert!(!house.folder.path().join("feeds/riverside/mappings").exists(), "nothing is written");

    // Which lines the messages touch, and where one of those stands that they do not.
    client.goto(&house.url("/console/coverage")).await.unwrap();
    browser.click("main button.go").await;
    browser.sees("messages are read").await;
    client.goto(&house.url("/console/coverage")).await.unwrap();
    browser.sees("Lines of maps").await;
    browser.look("coverage").await;
    browser.click("#lines li a[href*='PID-Patient'][href*='#L']").await;
    browser.sees("What it says").await;
    browser.look("map").await;
    browser.click("main a[href*='/maps/try?']").await;
    browser.sees("laid over what stands below").await;
    let text = client.find(Locator::Css("#text")).await.unwrap();
    text.clear().await.unwrap();
    text.send_keys("elements:\n  birthDate: ~\n").await.unwrap();
    // No button is pressed: the page tries it by itself.
    browser.sees("from what the maps in force make of it").await;
    browser.look("map-beside").await;

    client.goto(&house.url("/console/messages?control=C2")).await.unwrap();
    browser.click("main table a").await;
    browser.sees("What care follows").await;
    let marked = client.find(Locator::XPath("//mark[contains(., 'Okafor')]")).await.unwrap();
    marked.click().await.unwrap();
    browser.sees("Patient.name").await;
    let text = browser.text().await;
    for expected in ["ed-follow-up", "lakeside-practice", "agreements/lakeside-practice.yaml", "Task"] {
        assert!(text.contains(expected), "the trace tells of {expected}:\n{text}");
    }
    browser.look("trace").await;

    client.goto(&house.url("/console/huddle")).await.unwrap();
    browser.sees("Huddle: Lakeside Family Practice").await;
    browser.sees("No appointment of this day is known").await;
    browser.sees("Call after an emergency visit").await;
    browser.look("huddle").await;

    client.goto(&house.url("/console/referrals")).await.unwrap();
    browser.sees("No referral is open").await;
    browser.look("referrals").await;
    client.goto(&house.url("/console/caseload")).await.unwrap();
    browser.sees("Nobody is in a programme").await;
    browser.look("caseload").await;
    client.goto(&house.url("/console/flows")).await.unwrap();
    browser.sees("What flows").await;
    browser.look("flows").await;

    client.goto(&house.url("/console/work?panel=lakeside")).await.unwrap();
    browser.sees("Rosalind Okafor").await;
    // Enter writes down and nothing else, whatever it stands in.
    browser.click(".jobs li .bar > details:last-of-type > summary").await;
    let note = client.find(Locator::Css(".jobs li input[name=why]")).await.unwrap();
    note.send_keys("Her daughter picks up after six\u{E007}").await.unwrap();
    browser.sees("The note is saved").await;
    browser.click(".jobs li .what summary").await;
    browser.sees("Her daughter picks up after six Ida Roe,").await;
    browser.click(".jobs li .bar > details:first-of-type > summary").await;
    client
        .find(Locator::Css(".jobs li textarea[name=note]"))
        .await
        .unwrap()
        .send_keys("rang eight times")
        .await
        .unwrap();
    let radio = client.find(Locator::Css(".jobs li input[value=no-answer]")).await.unwrap();
    radio.click().await.unwrap();
    radio.send_keys("\u{E007}").await.unwrap();
    browser.sees("The attempt is saved").await;
    browser.sees("1 attempt, last Today").await;
    browser.click(".jobs li .what summary").await;
    browser.sees("Contact attempt: no answer. rang eight times").await;
    let still = browser.text().await;
    assert!(still.contains("Nobody’s yet") && !still.contains("Taken by you"), "Enter accepts nothing:\n{still}");
    browser.look("work").await;
    browser.click(".jobs li button[value=claim]").await;
    browser.sees("It is yours now").await;
    browser.sees("Taken by you").await;
    let before = client.find_all(Locator::Css(".jobs > li")).await.unwrap().len();
    browser.click(".jobs li .bar > details:first-of-type > summary").await;
    let note = client.find(Locator::Css(".jobs li textarea[name=note]")).await.unwrap();
    note.send_keys("Reached by phone, doing well").await.unwrap();
    browser.click(".jobs li button[value=finish]").await;
    eventually("the completed task leaves the list", async || {
        client.find_all(Locator::Css(".jobs > li")).await.is_ok_and(|jobs| jobs.len() < before)
    })
    .await;

    client.goto(&house.url("/console/deliveries")).await.unwrap();
    browser.sees("delivered").await;
    browser.look("deliveries").await;
    client.goto(&house.url("/console/deliveries?partner=lakeside-practice")).await.unwrap();
    let why =
        client.find(Locator::Css("form[action='/console/partners/lakeside-practice'] input[name=why]")).await.unwrap();
    why.send_keys("their server is replaced at 22:00").await.unwrap();
    browser.look("lane").await;
    browser.click("button[value=drain]").await;
    browser.sees("Drained: of what waited then nothing is left").await;
    browser.look("lane-drained").await;
    browser.click("main table a[href^='/console/deliveries/']").await;
    browser.sees("The partner took it").await;
    browser.look("delivery").await;
    browser.click("main a[href$='/payload']").await;
    browser.sees("This was sent.").await;
    browser.look("payload").await;
    client.goto(&house.url("/console/deliveries?partner=lakeside-practice")).await.unwrap();
    browser.click("button[value=resume]").await;
    browser.sees("Nothing waits.").await;

    client.goto(&house.url("/console/messages?control=C2")).await.unwrap();
    browser.click("main table a").await;
    browser.click("a[href^='/console/patients/']").await;
    browser.sees("Owed now").await;
    browser.look("patient-of-the-story").await;
    browser.click("#share a[href$='/records']").await;
    browser.sees("Who may have what, and why").await;
    browser.sees("task-complete").await;
    browser.sees("console:Ida Roe").await;
    browser.sees("look Patient/").await;
    browser.sees("Reached by phone, doing well Outcome,").await;
    browser.sees("rang eight times").await;
    browser.look("records").await;
    browser.click("main a[href$='/disclosures']").await;
    browser.sees("Disclosures: ").await;
    browser.look("disclosures").await;
    client.back().await.unwrap();
    browser.sees("Who may have what, and why").await;
    browser.click("main section a").await;
    browser.sees("resourceType").await;
    browser.look("resource").await;

    client.goto(&link).await.unwrap();
    client.find(Locator::Css("input[name=name]")).await.unwrap().send_keys("Ida Roe").await.unwrap();
    browser.click("#log-in").await;
    browser.sees("used already or is too old").await;
    client.goto(&house.url("/console")).await.unwrap();
    browser.click(".me button").await;
    browser.sees("logged out").await;
    client.goto(&house.url("/console/work")).await.unwrap();
    browser.sees("Please log in").await;
    browser.client.clone().close().await.unwrap();
    house.running.stop().await;
}
