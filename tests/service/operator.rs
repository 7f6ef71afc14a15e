//! What the operator does with a partner and with what was given up, on the pages: under a name, with a reason.

use handover::store::{Attempt, Delivery, DeliveryFilter, DeliveryState, Outcome};
use jiff::Timestamp;

use crate::console::Visitor;
use crate::harness::{House, adt, code, eventually, minutes_ago};

const PARTNER: &str = "/console/partners/lakeside-practice";

async fn all(house: &House) -> Vec<Delivery> {
    house.running.gateway.store.deliveries(&DeliveryFilter::default(), None, 100).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_paused_and_a_dead_letter_looked_into_and_left_by_somebody_with_a_name() {
    let house = House::new().await;
    let visitor = Visitor::new(&house, "Ola Berg").await;
    let key = visitor.form_key().await;
    let press = async |path: &str, fields: &[(&str, &str)]| {
        let fields = [&[("form_key", key.as_str())], fields].concat();
        visitor.post(path, &fields).await
    };
    let (status, page) = press(PARTNER, &[("do", "pause"), ("why", " ")]).await;
    assert!(status >= 400 && page.contains("say why the partner is paused"), "{status} {page}");
    assert_eq!(visitor.post(PARTNER, &[("form_key", "x"), ("do", "pause"), ("why", "no")]).await.0, 403);
    assert_eq!(press(PARTNER, &[("do", "pause"), ("why", "<b>new</b> server")]).await.0, 303);

    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&adt("A04", "1", "4711", "V1", &minutes_ago(90))).await), "AA");
    assert_eq!(code(&hospital.send(&adt("A03", "2", "4711", "V1", &minutes_ago(5))).await), "AA");
    let made = all(&house).await;
    assert!(made.len() >= 3 && made.iter().all(|one| one.state == DeliveryState::Waiting && one.tries == 0));
    let (_, page) = visitor.open("/console/deliveries?partner=lakeside-practice").await;
    assert!(page.contains(&format!("{} deliveries wait", made.len())), "{page}");
    assert!(page.contains("Paused: nothing is sent.") && page.contains("by Ola Berg: &#60;b&#62;new"), "{page}");

    // The first of the line was refused.
    let first = made.iter().min_by_key(|one| one.new.number).unwrap();
    let path = format!("/console/deliveries/{}", first.new.id);
    let refused = "422 Unprocessable Entity: error/required at Task.owner".to_string();
    let attempt = Attempt { status: Some(422), sent: true, ..Attempt::unsent(Timestamp::now(), refused) };
    house.running.gateway.store.finish_attempt(&first.new.id, attempt, Outcome::Dead).await.unwrap();
    let (status, page) = visitor.open(&path).await;
    assert_eq!(status, 200);
    for expected in ["given up", "error/required at Task.owner", "Show the payload", "The partner is paused"] {
        assert!(page.contains(expected), "{expected} on {page}");
    }
    assert!(!page.contains("Okafor"), "who it is about stands behind a look that is written down");
    let (_, page) = visitor.open(&format!("{path}/payload")).await;
    assert!(page.contains("resourceType") && page.contains("This was sent, or may have been"), "{page}");

    assert!(press(&format!("{path}/drop"), &[("why", "")]).await.1.contains("say why"));
    assert_eq!(press(&format!("{path}/drop"), &[("why", "they closed")]).await.0, 303);
    let (_, page) = visitor.open(&path).await;
    assert!(page.contains("withdrawn") && page.contains("they closed"), "{page}");
    let other = made.iter().max_by_key(|one| one.new.number).unwrap();
    let (status, page) = press(&format!("/console/deliveries/{}/drop", other.new.id), &[("why", "no")]).await;
    assert!(status >= 400 && page.contains("was not given up"), "only what was given up is left: {page}");
    assert_eq!(press(&format!("{path}/retry"), &[]).await.0, 303);

    assert_eq!(press(PARTNER, &[("do", "resume")]).await.0, 303);
    let is_over = |one: &Delivery| [DeliveryState::Delivered, DeliveryState::Superseded].contains(&one.state);
    eventually("all of it is delivered", async || all(&house).await.iter().all(is_over)).await;
    let mut sent: Vec<_> = all(&house).await.into_iter().filter(|one| one.state == DeliveryState::Delivered).collect();
    sent.sort_by_key(|one| one.new.number);
    assert!(sent.iter().map(|one| one.attempts.last().unwrap().at).is_sorted(), "in the order of their numbers");

    let audit = visitor.audit().await;
    let subject = format!("delivery/{}", first.new.id);
    let said: Vec<_> = audit.iter().rev().filter(|entry| entry.agent == "console:Ola Berg").collect();
    let said: Vec<_> = said.iter().map(|entry| (entry.action.as_str(), entry.subject.as_str())).collect();
    let lane = "deliveries to lakeside-practice";
    let expected = [
        ("login", "console"),
        ("pause", lane),
        ("look", &subject),
        ("drop", &subject),
        ("retry", &subject),
        ("resume", lane),
    ];
    assert_eq!(said, expected);
    assert!(audit.iter().any(|entry| entry.action == "look" && entry.person == Some(first.new.person)));
    house.running.stop().await;
}
