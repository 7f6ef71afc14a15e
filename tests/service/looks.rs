//! What waits for a person's look, in the console without a browser: the list, the form, its refusals, and the audit.

use handover::identity::ResourceId;

use crate::console::Visitor;
use crate::harness::{House, adt, code, minutes_ago};

/// A house that keeps back what no code tells.
pub async fn careful_house() -> House {
    House::with(&|name, text| match name {
        "feeds/riverside.yaml" => text + "uncoded_diagnoses: restricted\n",
        _ => text,
    })
    .await
}

/// An arrival whose diagnosis has a code that only its sender knows.
pub fn untold(control: &str, mrn: &str, words: &str) -> String {
    let raw = adt("A04", control, mrn, &format!("V{mrn}"), &minutes_ago(40));
    raw.replace("DG1|1||J44.1^COPD with exacerbation^I10|||F", &format!("DG1|1||Q7^{words}^L|||F"))
}

async fn waiting(house: &House) -> Vec<ResourceId> {
    let waiting = house.running.gateway.store.to_look_at(None, 50).await.unwrap();
    assert_eq!(waiting.page.items.len() as u64, waiting.total);
    waiting.page.items.iter().map(|stored| stored.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_look_is_listed_and_a_form_says_what_it_is() {
    let house = careful_house().await;
    let mut hospital = house.hospital().await;
    for (control, mrn) in [("1", "4711"), ("2", "4714")] {
        assert_eq!(code(&hospital.send(&untold(control, mrn, "Condition seven")).await), "AA");
    }
    let visitor = Visitor::new(&house, "Ida Roe").await;
    let (status, list) = visitor.open("/console/labels").await;
    assert_eq!((status, list.matches("Condition seven").count()), (200, 2));
    assert!(list.contains("2 things wait") && list.contains("Okafor, Rosalind"), "{list}");
    let [one, other] = waiting(&house).await[..] else { panic!("two wait") };

    let (_, page) = visitor.open(&format!("/console/patients/{}/records", ResourceId::patient(one.person))).await;
    assert!(page.contains("1 to be looked at") && page.contains(&format!("/console/labels/Condition/{one}")), "{page}");
    let key = visitor.form_key().await;
    let key = key.as_str();
    let say = async |path: String, fields: &[(&str, &str)]| visitor.post(&path, fields).await;

    let plain = [("form_key", key), ("says", "plain"), ("note", "a sprain, says the ward")];
    let (status, page) = say(format!("/console/labels/Condition/{one}"), &plain).await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("has no label any more") && page.contains("/console/resources/Condition/"), "{page}");
    assert_eq!(waiting(&house).await, [other]);
    let sensitive =
        [("form_key", key), ("says", "sensitive"), ("label", "ETH"), ("others", "PSY"), ("note", "says the letter")];
    let (status, page) = say(format!("/console/labels/Condition/{other}"), &sensitive).await;
    assert!(status == 200 && page.contains("ETH") && page.contains("PSY"), "{page}");
    assert_eq!(waiting(&house).await, []);
    assert!(visitor.open("/console/labels").await.1.contains("Nothing waits for a look"));

    let audit = visitor.audit().await;
    let looks = audit.iter().filter(|entry| entry.action == "label-look");
    let looks: Vec<(&str, &str)> = looks.map(|entry| (entry.agent.as_str(), entry.because.as_str())).collect();
    let expected = ["ETH, PSY: says the letter", "not sensitive: a sprain, says the ward"];
    assert_eq!(looks, expected.map(|because| ("console:Ida Roe", because)));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_without_its_key_its_note_or_its_thing_is_refused_and_changes_nothing() {
    let house = careful_house().await;
    let mut hospital = house.hospital().await;
    assert_eq!(code(&hospital.send(&untold("1", "4711", "Condition seven")).await), "AA");
    let visitor = Visitor::new(&house, "Ida Roe").await;
    let key = visitor.form_key().await;
    let [one] = waiting(&house).await[..] else { panic!("one waits") };
    let known = format!("/console/labels/Condition/{one}");
    let absent = format!("/console/labels/Condition/{}", ResourceId::of(one.person, "Condition", "none"));
    let nobody =
        format!("/console/labels/Condition/{}", ResourceId::of(handover::identity::PersonId([7; 10]), "x", "y"));
    let visit = format!("/console/labels/Patient/{}", ResourceId::patient(one.person));
    let (key, said, note) = (("form_key", key.as_str()), ("says", "plain"), ("note", "says the ward"));
    let long = "x".repeat(501);
    let tries = [
        (known.as_str(), vec![said, note], 403, "earlier login"),
        (known.as_str(), vec![("form_key", "AAAA"), said, note], 403, "earlier login"),
        (known.as_str(), vec![key, said], 409, "needs a note"),
        (known.as_str(), vec![key, said, ("note", "  ")], 409, "needs a note"),
        (known.as_str(), vec![key, said, ("note", &long)], 409, "needs a note"),
        (known.as_str(), vec![key, note], 409, "press one of the form"),
        (known.as_str(), vec![key, ("says", "sensitive"), note], 409, "choose which sensitivities"),
        (known.as_str(), vec![key, said, ("label", "ETH"), note], 409, "not both"),
        (
            known.as_str(),
            vec![key, ("says", "sensitive"), ("label", "SECRET"), note],
            409,
            "is no security label of HL7",
        ),
        (absent.as_str(), vec![key, said, note], 404, "no such thing"),
        (nobody.as_str(), vec![key, said, note], 404, "no such thing"),
        ("/console/labels/Condition/nothing", vec![key, said, note], 404, "no such thing"),
        (visit.as_str(), vec![key, said, note], 409, "a Patient is not looked at"),
    ];
    for (path, fields, expected, why) in tries {
        let (status, page) = visitor.post(path, &fields).await;
        assert_eq!(status, expected, "{path} {fields:?}:\n{page}");
        assert!(page.contains(why) && page.contains("<nav aria-label=\"Main\">"), "{path} {fields:?}:\n{page}");
    }
    assert_eq!(waiting(&house).await, [one]);
    assert!(visitor.audit().await.iter().all(|entry| entry.action != "label-look"));
    house.running.stop().await;
}
