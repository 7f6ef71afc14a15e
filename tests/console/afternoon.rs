//! An engineer's afternoon, as one story told by the words and buttons that people see: a code that no table knows, from the first notice to the
//! messages that were run again and what that changed; then a map changed beside a message, compared over what came, and released.

use std::path::Path;

use handover::site::PasswordHash;

use crate::browser::{self, Browser};
use crate::harness::{House, adt, code, eventually, minutes_ago, write_site};

const PASSWORD: &str = "plum tree yard";
/// The folder of the site to come, beside the one in force.
const NEXT: &str = "site-next";

async fn site(beside: &Path) -> House {
    let hash = PasswordHash::of(PASSWORD).unwrap().text();
    let people = format!("people:\n  olga: {{ name: Olga Petrova, roles: [engineer], password: \"{hash}\" }}\n");
    write_site(&beside.join(NEXT), &|_, text| text);
    let offered = format!("\nconsole: {{ changed_sites: ['{}'] }}\n", beside.join(NEXT).display());
    let settings = |name: &str, text: String| if name == "handover.yaml" { text + &offered } else { text };
    House::with_files(&settings, &[("people.yaml", people)]).await
}

/// The file that a page gave, once all of it is there.
async fn taken(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    eventually(&format!("{name} is taken"), async || path.exists()).await;
    std::fs::read_to_string(path).unwrap()
}

/// Puts a file where the page said that it belongs.
fn put(site: &Path, file: &str, text: &str) {
    let path = site.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// What the site to come would have done to everything that came, by its page.
async fn compared(olga: &Browser, messages: usize, differ: usize) {
    olga.press("Changed site").await;
    olga.tab_to("", "Changed site").await;
    olga.write("From", "1d").await;
    olga.press("Compare").await;
    olga.sees(&format!("All {messages} messages are judged.")).await;
    olga.sees(&format!("For {differ} something differs.")).await;
    olga.press("Show what differs").await;
    olga.sees("If they were run again now").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engineers_afternoon_from_an_unknown_code_to_what_it_changed_and_a_map_released() {
    let Some(olga) = browser::start().await else { return };
    let (beside, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let house = site(beside.path()).await;
    let next = beside.path().join(NEXT);
    olga.keep_files_in(files.path()).await;
    olga.log_in(&house.url("/"), "olga", PASSWORD).await;
    olga.sees("Overview").await;

    // The first notice: the page that she has open moves by itself.
    let mut hospital = house.hospital().await;
    for (control, patient) in [("E1", "4711"), ("E2", "4712"), ("E3", "4714")] {
        let visit = adt("A04", control, patient, &format!("V{patient}"), &minutes_ago(30));
        let visit = if control == "E3" { visit } else { visit.replace("PV1|1|E|", "PV1|1|TELE|") };
        assert_eq!(code(&hospital.send(&visit).await), "AA");
    }
    olga.sees("1 cause in all").await;
    olga.press_in("Could not be used", "1 cause").await;
    olga.sees("Codes without a meaning").await;

    // What it means: looked for by a word, chosen, its row, and what the messages would become.
    olga.press_in("TELE", "What it means").await;
    olga.sees("2 messages from Riverside Hospital have it").await;
    olga.write("Look for, by name", "virtual").await;
    olga.press("Find").await;
    olga.press("VR virtual").await;
    olga.sees("TELE: { code: VR, display: virtual }").await;
    olga.press("What the messages would become").await;
    olga.sees("for 2 something differs").await;
    olga.sees("Encounter.class").await;
    olga.press("Take the file").await;
    let file = "feeds/riverside/mappings/tables/patient-class.yaml";
    let row = taken(files.path(), "patient-class.yaml").await;
    assert_eq!(row, "table: patient-class\ncodes:\n  TELE: { code: VR, display: virtual }\n");
    olga.sees(file).await;

    // Reviewed in the site to come, compared over what came, value by value, and released.
    put(&next, file, &row);
    compared(&olga, 3, 2).await;
    olga.press_in("Encounter", "message").await;
    olga.sees("Before → after").await;
    olga.sees("virtual").await;
    olga.press("All that differs").await;
    put(house.folder.path(), file, &row);
    let gateway = &house.running.gateway;
    let has =
        |name: &str, text: &str| std::fs::read_to_string(house.folder.path().join(name)).is_ok_and(|read| read == text);
    assert!(has(file, &row));

    // The same page knows that it is in force, and leads on to the messages that have it.
    olga.press("Not used").await;
    olga.press_in("TELE", "What it means").await;
    eventually("the row is in force", async || {
        olga.client.refresh().await.unwrap();
        olga.text().await.contains("The site in force knows it by now")
    })
    .await;
    olga.press("Run the messages again").await;
    olga.sees("2 messages would be run again.").await;
    olga.sees("2 change something").await;
    olga.press("Run 2 again").await;
    eventually("both are run", async || {
        olga.client.refresh().await.unwrap();
        olga.text().await.contains("All 2 are run.")
    })
    .await;
    olga.sees("2 changed something, 0 nothing.").await;
    olga.press_in("1 Encounter changed", "Message").await;
    olga.sees("Replays message").await;
    olga.press("Encounter").await;
    olga.sees("\"VR\"").await;

    // What is left on the list says that it is mended.
    olga.press("Not used").await;
    olga.sees("The site in force knows it by now: VR virtual").await;

    // A map, changed beside a message: tried as she types, taken, compared, released.
    olga.press("Messages").await;
    olga.sees("E3").await;
    olga.press_in("E3", "20").await;
    olga.press("Change a map beside it").await;
    olga.press("segments/PID-Patient").await;
    olga.tab_to("", "feeds/riverside/mappings/segments/PID-Patient.yaml").await;
    let text = olga.client.active_element().await.unwrap();
    text.send_keys("\u{E009}a\u{E000}elements:\n  birthDate: ~\n").await.unwrap();
    olga.sees("3 things differ from what the maps in force make of it.").await;
    olga.press("Take the file").await;
    let map = taken(files.path(), "PID-Patient.yaml").await;
    let file = "feeds/riverside/mappings/segments/PID-Patient.yaml";
    put(&next, file, &map);
    // The two that were run again are judged as they came first.
    compared(&olga, 5, 3).await;
    olga.sees("birthDate").await;
    put(house.folder.path(), file, &map);
    let mut sent = 0;
    eventually("the map is in force", async || {
        sent += 1;
        let again = adt("A04", &format!("F{sent}"), &format!("88{sent}"), &format!("W{sent}"), &minutes_ago(5));
        assert_eq!(code(&hospital.send(&again).await), "AA");
        let message = gateway.store.messages(&Default::default(), None, 1).await.unwrap().items.remove(0);
        let patient: handover::identity::ResourceId = message.patient.unwrap().parse().unwrap();
        let known = gateway.load(patient.person, 1).await.unwrap();
        known.record.of_type("Patient").all(|patient| patient.resource.get("birthDate").is_none())
    })
    .await;
    house.running.stop().await;
}
