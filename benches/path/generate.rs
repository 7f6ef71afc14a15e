//! Stores of many patients, made once and kept. Two people go through the whole path in memory, one on a roster and one on none;
//! everybody else is written through the store as one of these two, with a number, a name, a birthday and ids of their own.

use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use handover::clock::SystemClock;
use handover::fhir::Identifier;
use handover::identity::PersonId;
use handover::pipeline::{Arrival, Gateway};
use handover::record::{Change, Head, Stored};
use handover::store::{
    DeliveryFilter, EngineChoice, HeadWrite, MessageEntry, NewDelivery, StoreSettings, WriteUnit, open,
};
use jiff::Timestamp;
use serde_json::json;

use crate::compare::Bench;
use crate::messages;
use crate::site::{Plan, member, stranger};

/// The system of the first hospital's patient numbers.
pub const NUMBERS: &str = "urn:oid:2.16.840.1.113883.19.5";

/// Whose the roster is on which the one that the others are written after stands.
const PARTNER: &str = "practice-0";

/// Commits under way at once: they are synced in groups.
const AT_ONCE: usize = 256;

/// What is in a store: so many patients, the first of them on the rosters of so many practices, and for each of these so many deliveries
/// that wait. Of everybody the visit's message is kept, and so many more of which the record has everything already.
#[derive(Clone, Copy)]
pub struct Content {
    pub patients: usize,
    pub members: usize,
    pub practices: usize,
    pub deliveries_each: usize,
    pub more_messages_each: usize,
}

impl Content {
    /// The partner on whose roster the patient at this place is; see [`crate::site::write`].
    fn partner(self, place: usize) -> String {
        format!("practice-{}", place % self.practices)
    }

    /// The number of the patient at this place.
    fn number(self, place: usize) -> usize {
        if place < self.members { member(place) } else { stranger(place) }
    }
}

/// One person's record as text, in which the person's id and number are put in the place of others'.
struct Template {
    person: String,
    number: String,
    head: String,
    resources: Vec<String>,
    message: String,
    raw: String,
    answer: Vec<u8>,
    /// What its partner is sent of the visit; empty for somebody on no roster.
    delivery: String,
}

fn person_of(number: &str) -> PersonId {
    PersonId::of(&Identifier::new(NUMBERS, number))
}

impl Template {
    /// Four messages of one person through the path: an emergency visit and two results.
    async fn of(bench: &Bench, number: usize) -> Self {
        let folder = bench.folder.join(format!("template-{number}"));
        let plan = Plan { practices: 1, members: 1 };
        bench.write_site(&folder, plan);
        let site = handover::site::load(&folder).site.unwrap();
        let store = open(&StoreSettings { engine: EngineChoice::Memory, path: folder.clone() }).unwrap();
        let file = "panels/practice-0.csv";
        let roster = site.read_roster(&site.panels[PARTNER], file, &std::fs::read(folder.join(file)).unwrap());
        store.replace_panel(PARTNER, roster.members, Timestamp::now()).await.unwrap();
        let gateway = Gateway::new(store.clone(), site, Arc::new(SystemClock));
        let mut sequence = 0;
        for message in 0..4 {
            let raw = messages::past(number, message, 4 - message).into_bytes();
            let arrival = Arrival { feed: "riverside".to_string(), raw, ..Arrival::default() };
            let answer = gateway.accept(arrival).await;
            sequence = answer.sequence.unwrap();
        }
        let number = number.to_string();
        let person = person_of(&number);
        let mut record = store.record(person, &[], 100).await.unwrap();
        record.head.revision = 1;
        record.head.deliveries.clear();
        record.head.copies.clear();
        let of_person =
            record.resources.into_iter().map(|(_, stored)| stored).filter(|stored| stored.id.person == person);
        let resources = of_person.map(|stored| serde_json::to_string(&first_version(stored)).unwrap()).collect();
        let deliveries = store.deliveries(&DeliveryFilter::default(), None, 100).await.unwrap().items;
        let of_visit = deliveries.into_iter().find(|delivery| delivery.new.subject.starts_with("Encounter/"));
        let mut message = store.message(sequence).await.unwrap().unwrap();
        message.summary.sequence = 0;
        let (raw, answer) = (String::from_utf8(message.raw.clone()).unwrap(), message.answer.clone());
        Self {
            person: person.to_string(),
            number,
            head: serde_json::to_string(&record.head).unwrap(),
            resources,
            message: serde_json::to_string(&message).unwrap(),
            raw,
            answer,
            delivery: of_visit.map_or_else(String::new, |delivery| serde_json::to_string(&delivery.new).unwrap()),
        }
    }

    /// All that is written of the person with this number, who is on this partner's roster if on any.
    fn unit(&self, number: usize, partner: &str, deliveries: usize) -> WriteUnit {
        let text = number.to_string();
        let person = person_of(&text);
        let (family, born) = (
            format!("Family{}", number % 5_000),
            format!("19{}-{:02}-{:02}", 30 + number % 70, 1 + number % 12, 1 + number % 28),
        );
        let own = |from: &str| {
            from.replace(&self.person, &person.to_string())
                .replace(&self.number, &text)
                .replace("Okafor", &family)
                .replace("1958-03-14", &born)
                .replace(PARTNER, partner)
        };
        let mut head: Head = serde_json::from_str(&own(&self.head)).unwrap();
        let stored: Vec<Stored> = self.resources.iter().map(|one| serde_json::from_str(&own(one)).unwrap()).collect();
        let mut message: MessageEntry = serde_json::from_str(&own(&self.message)).unwrap();
        message.raw = own(&self.raw).into_bytes();
        message.answer.clone_from(&self.answer);
        message.summary.control = format!("G{number}");
        message.content[..8].copy_from_slice(&(number as u64).to_be_bytes());
        if deliveries > 0 {
            head.deliveries.insert(partner.to_string(), deliveries as u64);
        }
        let delivery = |place: u64| {
            let mut delivery: NewDelivery = serde_json::from_str(&own(&self.delivery)).unwrap();
            let subject = delivery.subject.split("/_history/").next().unwrap();
            delivery.subject = format!("{subject}/_history/1");
            (delivery.number, delivery.id) = (place, NewDelivery::id_of(partner, person, place));
            delivery
        };
        let deliveries = (1..=deliveries as u64).map(delivery).collect();
        WriteUnit {
            message: Some(message),
            identifiers: head.identifiers.iter().map(|identifier| (identifier.clone(), person)).collect(),
            heads: vec![HeadWrite { head, replaces: 0 }],
            deliveries,
            changes: stored.into_iter().map(|stored| Change { stored, replaces: 0 }).collect(),
            ..WriteUnit::default()
        }
    }
}

fn first_version(mut stored: Stored) -> Stored {
    let mut meta = stored.resource.get("meta").cloned().unwrap_or_else(|| json!({}));
    meta["versionId"] = json!("1");
    stored.resource.set("meta", meta);
    stored.version = 1;
    stored
}

/// Writes a store of this content into `data`, unless it is there.
pub async fn store(bench: &Bench, data: &Path, content: Content) {
    let done = data.with_extension("done");
    if done.exists() {
        return;
    }
    let _ = std::fs::remove_dir_all(data);
    std::fs::create_dir_all(data).unwrap();
    let templates = Arc::new([Template::of(bench, member(0)).await, Template::of(bench, stranger(0)).await]);
    let store = open(&StoreSettings { engine: EngineChoice::Fjall, path: data.to_path_buf() }).unwrap();
    let mut written = stream::iter(0..content.patients)
        .map(|place| {
            let (templates, store) = (templates.clone(), store.clone());
            tokio::spawn(async move {
                let is_member = place < content.members;
                let (template, deliveries) =
                    if is_member { (&templates[0], content.deliveries_each) } else { (&templates[1], 0) };
                let unit = template.unit(content.number(place), &content.partner(place), deliveries);
                let mut message = unit.message.clone().unwrap();
                store.commit(unit).await.unwrap();
                for more in 1..=content.more_messages_each {
                    message.summary.control = format!("G{place}-{more}");
                    message.content[8..16].copy_from_slice(&(more as u64).to_be_bytes());
                    store.commit(WriteUnit { message: Some(message.clone()), ..WriteUnit::default() }).await.unwrap();
                }
            })
        })
        .buffer_unordered(AT_ONCE);
    let mut count = 0;
    while let Some(one) = written.next().await {
        one.unwrap();
        count += 1;
        if count % 50_000 == 0 {
            println!("  {count} patients written");
        }
    }
    store.close().await;
    std::fs::write(done, "").unwrap();
}
