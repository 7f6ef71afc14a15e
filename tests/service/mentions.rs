//! Colleagues named in a note: who is told and who is not, where they see it, how they answer, what the practice's own system gets, and
//! what the audit says.

use handover::store::{AuditEntry, DeliveryFilter, WorkFilter};

use crate::accounts::{after_a_stay, desk};

/// How much the head of a page says is unread.
fn unread(page: &str) -> String {
    let badge = page.split("data-unread").nth(1).and_then(|rest| rest.split_once('>')).unwrap().1;
    badge.split('<').next().unwrap().to_string()
}

/// Where the list leads first.
fn first_thread(list: &str) -> String {
    let mut links = list.split("href=\"").filter_map(|rest| rest.split('"').next());
    links.find(|link| link.starts_with("/console/for-you/")).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_in_a_note_is_told_and_answers_in_the_same_thread() {
    let house = after_a_stay().await;
    let store = &house.running.gateway.store;
    let task = store.worklist(&WorkFilter::default(), None, 1).await.unwrap().items.remove(0);
    let (nia, nias) = desk(&house, "nbrooks").await;
    let (tomas, tomass) = desk(&house, "treyes").await;
    let (hanna, hannas) = desk(&house, "hill").await;
    let path = format!("/console/work/{}", task.id);
    assert_eq!(unread(&tomas.open("/console/huddle").await.1), "");

    // Names that nobody can be told by are said, each with why; the note and who can be told are not the worse for it.
    let words = "<b>She</b> is alone. @treyes can you call? @hill @tryes @gone @nbrooks, or ida@clinic.example";
    let note = [("form_key", nias.as_str()), ("panel", "lakeside"), ("act", "note"), ("why", words)];
    let (status, page) = nia.post(&path, &note).await;
    assert_eq!(status, 200, "{page}");
    for told in [
        "What you wrote is saved",
        "@hill was not told: Hanna Hill may not see this patient. Nearest: @",
        "@tryes was not told: nobody here has this name. Nearest: @treyes (Tomas Reyes)",
        "@gone was not told: Greta Gone works here no more",
        "@nbrooks was not told: that is you",
        "Told: Tomas Reyes.",
    ] {
        assert!(page.contains(told), "{told}:\n{page}");
    }
    assert!(!page.contains("clinic.example was not told"), "an address is no name: {page}");
    let kept = store.resource("Task", task.id).await.unwrap().unwrap().resource;
    assert!(kept.get("note").unwrap().to_string().contains("She</b> is alone"));
    assert_eq!(unread(&nia.open("/console/work").await.1), "");
    assert_eq!(unread(&hanna.open("/console/work").await.1), "");

    // On every page of whom it is for, without its words until they open it.
    assert_eq!(unread(&tomas.open("/console/nowhere").await.1), "1");
    assert!(tomas.open("/console/unread").await.1.contains("\"1\""));
    let (_, list) = tomas.open("/console/for-you").await;
    assert!(
        list.contains("Nia Brooks RN") && list.contains("about Rosalind M Okafor") && !list.contains("alone"),
        "{list}"
    );
    let thread = first_thread(&list);
    for desk in [&hanna, &nia] {
        let (status, page) = desk.open(&thread).await;
        // Who said it may look as well, and that opens nothing.
        assert_eq!(status == 404, std::ptr::eq(desk, &hanna), "{page}");
    }
    assert_eq!(unread(&tomas.open("/console/work").await.1), "1");
    let (_, page) = tomas.open(&thread).await;
    assert!(page.contains("&#60;b&#62;She&#60;/b&#62; is alone") && page.contains("Nia Brooks RN is told"), "{page}");
    assert_eq!(unread(&page), "", "who opens it has read it");
    let (status, page) = tomas.post(&thread, &[("form_key", &tomass), ("act", "answer"), ("text", " ")]).await;
    assert!(status == 400 && page.contains("Not sent: Say why in a few words"), "{page}");
    let answer = [("form_key", tomass.as_str()), ("act", "answer"), ("text", "I call at six.")];
    assert_eq!(tomas.post(&thread, &answer).await.0, 303);
    assert_eq!(hanna.post(&thread, &[("form_key", &hannas), ("act", "read")]).await.0, 404);

    let (_, list) = nia.open("/console/for-you").await;
    assert_eq!(unread(&list), "1");
    let (_, page) = nia.open(&first_thread(&list)).await;
    let (first, second) = (page.find("is alone").unwrap(), page.find("I call at six.").unwrap());
    assert!(first < second && page.contains("Tomas Reyes opened it Today"), "one thread, in order: {page}");
    assert!(nia.open("/console/work").await.1.contains("I call at six."), "and it stands on the task");

    let told = store.record(task.id.person, &[], 10).await.unwrap();
    let mut all: Vec<_> = told.of_type("Communication").cloned().collect();
    all.sort_by_key(|one| one.resource.text("sent").unwrap().to_string());
    assert_eq!(all.len(), 2, "{all:#?}");
    let reference = |id: String| serde_json::json!([{ "reference": id }]);
    for one in &all {
        assert_eq!(one.resource.get("partOf"), Some(&reference(format!("Task/{}", task.id))));
        assert!(one.resource.get("received").is_some());
        assert_eq!(handover::profile::validate(&one.resource), [], "{one:#?}");
    }
    assert_eq!(all[1].resource.get("inResponseTo"), Some(&reference(format!("Communication/{}", all[0].id))));
    let deliveries = store.deliveries(&DeliveryFilter::default(), None, 200).await.unwrap().items;
    let sent = deliveries.iter().filter(|one| one.new.subject.starts_with("Communication/")).count();
    assert!(sent >= 2, "the practice takes Communications: {sent}");
    let audit = store.audit(Some(task.id.person), None, 200).await.unwrap().items;
    let of = |action: &str, agent: &str, allowed: bool| {
        let is = |one: &&AuditEntry| {
            one.action == action && one.agent == format!("person:{agent}") && one.allowed == allowed
        };
        audit.iter().filter(is).map(|one| format!("{} {}", one.subject, one.because)).collect::<Vec<_>>()
    };
    assert_eq!(
        of("mention", "nbrooks", true),
        [format!("Communication/{} treyes told, named in a note on Task/{}", all[0].id, task.id)]
    );
    assert_eq!(of("mention", "nbrooks", false).len(), 2, "who may not see her, and who left");
    assert_eq!((of("mention", "treyes", true).len(), of("message-read", "treyes", true).len()), (1, 1));
    house.running.stop().await;
}
