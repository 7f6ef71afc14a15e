//! An engineer's look at the maps: what the stored messages touch, and where each line stands.

use crate::console::Visitor;
use crate::harness::{House, adt, code, eventually, minutes_ago};

#[tokio::test(flavor = "multi_thread")]
async fn what_messages_touch_is_counted_on_a_page_with_the_way_to_each_line_and_to_a_message() {
    let house = House::new().await;
    let mut hospital = house.hospital().await;
    for (control, patient) in [("D1", "4711"), ("D2", "4712")] {
        let raw = adt("A04", control, patient, &format!("V{patient}"), &minutes_ago(20)) + "ZBX|1|plum^tree\r";
        assert_eq!(code(&hospital.send(&raw).await), "AA");
    }
    let visitor = Visitor::new(&house, "Ida Roe").await;
    let (status, page) = visitor.open("/console/coverage").await;
    assert!(status == 200 && page.contains("<option selected>riverside</option>") || page.contains("riverside"));
    assert_eq!(visitor.open("/console/coverage/progress").await.0, 404, "nothing was counted yet");
    let key = visitor.form_key().await;
    let begin = async |feed: &str, since: &str| {
        visitor.post("/console/coverage", &[("form_key", &key), ("feed", feed), ("since", since)]).await
    };
    let (status, page) = begin("nowhere", "1d").await;
    assert!(status == 409 && page.contains("there is no feed `nowhere`"), "{page}");
    assert_eq!(begin("riverside", "soon").await.0, 409);
    assert_eq!(begin("riverside", "1d").await.0, 303);
    let counted = async || visitor.open("/console/coverage").await.1.contains("All 2 messages are read.");
    eventually("both are read", counted).await;
    let (_, page) = visitor.open("/console/coverage").await;
    let row = |name: &str| page.split("<tr>").find(|row| row.contains(&format!("<code>{name}</code>"))).unwrap_or("");
    for place in ["ZBX", "ZBX-1", "ZBX-2"] {
        assert!(
            row(place).contains("class=\"num\">2<") && row(place).contains("#message\">message "),
            "{place}: {}",
            row(place)
        );
    }
    assert!(!page.contains("plum"), "values are not shown");
    assert!(page.contains("ADT^A04 2") && page.contains("Ida Roe began it"), "{page}");
    assert!(visitor.open("/console/coverage/progress").await.1.contains("data-ended"));
    let (_, part) = visitor.open("/console/coverage?part=fields&from=1").await;
    assert!(part.contains("All that was found") && !part.contains("Rows of tables"), "{part}");

    // A line that nothing touched leads to where it stands.
    let link = page
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|link| link.starts_with("/console/maps?") && link.contains("PID-Patient.yaml") && link.contains("#L"));
    let link = link.unwrap().replace("&#38;", "&");
    let (address, line) = link.split_once('#').unwrap();
    let (status, file) = visitor.open(address).await;
    let at = file.split("<tr ").find(|row| row.contains(&format!("id=\"{line}\""))).unwrap();
    assert!(status == 200 && at.contains("class=\"never\"") && at.contains(">never<"), "{at}");
    assert!(file.contains("birthDate: { date: PID-7 }") && file.contains("Counted over 2 messages of riverside."));
    assert!(visitor.open("/console/maps").await.1.contains("built-in:mappings/segments/PID-Patient.yaml"));
    for elsewhere in ["handover.yaml", "../../etc/passwd", "/etc/passwd", "mappings/segments/../../handover.yaml"] {
        let (status, page) = visitor.open(&format!("/console/maps?feed=riverside&file={elsewhere}")).await;
        assert!(status == 404 && page.contains("No such file reads this feed."), "{elsewhere}");
    }
    edited_beside_a_message(&house, &visitor, &file, &key).await;
    let audit: Vec<(String, String)> =
        visitor.audit().await.into_iter().map(|entry| (entry.action, entry.subject)).collect();
    assert!(audit.iter().any(|(action, of)| action == "coverage-begin" && of.contains("riverside")), "{audit:?}");
    house.running.stop().await;
}

/// From the map's page to a file to review: what is wrong with it by line, what it makes of the message, and nothing that is kept.
async fn edited_beside_a_message(house: &House, visitor: &Visitor<'_>, file: &str, key: &str) {
    let link = file.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|link| link.contains("/maps/try?"));
    let link = link.unwrap().replace("&#38;", "&");
    let message = link.split("message=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    let (status, page) = visitor.open(&link).await;
    assert!(status == 200 && page.contains("feeds/riverside/mappings/segments/PID-Patient.yaml"), "{page}");
    assert!(page.contains("built-in:mappings/segments/PID-Patient.yaml") && page.contains("elements: {}"), "{page}");
    let post = async |address: &str, map: &str, message: &str, text: &str| {
        let fields = [("form_key", key), ("message", message), ("map", map), ("file", ""), ("text", text)];
        visitor.post(address, &fields).await
    };
    let tried = async |map: &str, text: &str| post("/console/maps/try", map, message, text).await;
    let (status, page) = tried("segments/PID-Patient", "elements: {}\r\n").await;
    assert!(status == 200 && page.contains("The same as by the maps in force."), "{page}");
    let (_, page) = tried("segments/PID-Patient", "elements:\n  birthDate: ~\n").await;
    assert!(page.contains("things differ") && page.contains("birthDate: &#34;1958-03-14&#34; → nothing"), "{page}");
    let (_, page) = tried("segments/PID-Patient", "elements:\r\n  birthDay: PID-7\r\n").await;
    let place = "feeds/riverside/mappings/segments/PID-Patient.yaml:2:3";
    assert!(page.contains("cannot be used as it is") && page.contains(place) && page.contains("birthDate"), "{page}");
    assert!(page.contains("birthDay: PID-7"), "what was typed is still there");
    for (wrong, told) in [("elements: [", "cannot be used"), ("&a [*a, *a]", "cannot be used")] {
        assert!(tried("segments/PID-Patient", wrong).await.1.contains(told), "{wrong}");
    }
    // A segment that nothing reads gets a map of its own.
    let begun = visitor.open(&format!("/console/maps/try?message={message}&map=segments/ZBX-Basic")).await.1;
    assert!(begun.contains("segment: ZBX\nresource: Basic"), "{begun}");
    for outside in ["../handover", "segments/../../handover", "feeds/riverside", "segments/../../../etc/passwd"] {
        let (_, page) = tried(outside, "elements: {}\n").await;
        assert!(page.contains("is no map; write one as segments/PID-Patient"), "{outside}");
        assert_eq!(post("/console/maps/file", outside, message, "x: y\n").await.0, 409, "{outside}");
    }
    assert_eq!(tried("segments/PID-Patient", &"#".repeat(200_000)).await.0, 409, "longer than is edited here");
    assert_eq!(post("/console/maps/try", "segments/PID-Patient", "999999", "elements: {}\n").await.0, 404);
    let (status, text) =
        post("/console/maps/file", "segments/PID-Patient", message, "elements:\r\n  birthDate: ~\r\n").await;
    assert_eq!((status, text.as_str()), (200, "elements:\n  birthDate: ~\n"));
    assert!(!house.folder.path().join("feeds/riverside/mappings").exists(), "nothing is saved");
    let looks = visitor.audit().await.into_iter().filter(|entry| entry.subject == format!("message/{message}")).count();
    assert!(looks >= 9, "each look at the message is in the audit: {looks}");
}
