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
    let audit: Vec<(String, String)> =
        visitor.audit().await.into_iter().map(|entry| (entry.action, entry.subject)).collect();
    assert!(audit.iter().any(|(action, of)| action == "coverage-begin" && of.contains("riverside")), "{audit:?}");
    house.running.stop().await;
}
