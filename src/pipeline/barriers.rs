//! A person writes down what stands in a patient's way, by its kind and in somebody's own words, or that it does no longer: a health
//! concern (http://hl7.org/fhir/R4/condition.html), which names the referral that it was found in. Rules may ask for its kind.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Gateway;
use super::change::Fault;
use super::find::Known;
use super::signed::signed;
use super::written::{By, refused, short_enough, written};
use crate::fhir::Resource;
use crate::identity::ResourceId;
use crate::problem::{Category, Problem};
use crate::protocol::{Barrier, OTHER_BARRIER, View, barrier_code, barrier_kinds};
use crate::record::Change;
use crate::store::AuditEntry;

/// Of one patient at a time.
const MOST_BARRIERS: usize = 20;

/// What is said: a new one of a kind, or that one is over.
#[derive(Debug, Clone, Default)]
pub struct BarrierWord {
    /// The one that is over.
    pub over: Option<ResourceId>,
    /// A code of `barrier_kinds`.
    pub kind: String,
    /// In somebody's own words.
    pub words: String,
    /// The referral that it stands in the way of.
    pub referral: Option<ResourceId>,
    /// What helped.
    pub helped: String,
    /// What tells this form from the same sent anew.
    pub once: String,
}

impl Gateway {
    /// Writes down what is said. Returns what that changed.
    ///
    /// # Errors
    /// There is no such barrier, kind or referral, nothing is said, a text is too long, or there are too many.
    pub async fn say_barrier(
        &self,
        patient: crate::identity::PersonId,
        word: &BarrierWord,
        who: &str,
    ) -> Result<Vec<String>, Problem> {
        short_enough(&[&word.words, &word.helped])?;
        let done = self.change_with(patient, None, |site, known| {
            let now = self.clock.now();
            let by = By { source: who, author: signed(site, who), value_sets: &site.value_sets };
            let practices = site.practices_of(&known.memberships);
            let view = View { record: &known.record, memberships: &known.memberships, practices: &practices, now };
            let open = site.protocols.barriers(&view);
            let (id, changes) = said(known, &open, word, &by, now)?;
            let action = if word.over.is_some() { "barrier-over" } else { "barrier-add" };
            let entry = AuditEntry {
                at: now,
                agent: who.to_string(),
                action: action.to_string(),
                person: Some(known.record.head.person),
                subject: format!("Condition/{id}"),
                allowed: true,
                because: "a person wrote it down on the patient's page".to_string(),
            };
            Ok((changes, vec![entry]))
        });
        done.await.map_err(Fault::told)
    }
}

fn said(
    known: &Known,
    open: &[Barrier],
    word: &BarrierWord,
    by: &By<'_>,
    now: Timestamp,
) -> Result<(ResourceId, Vec<Change>), Problem> {
    let (id, resource) = match word.over {
        Some(id) => (id, over(known, open, id, word, (by, now))?),
        None => begun(known, open, word, (by, now))?,
    };
    if word.over.is_none() && known.record.get("Condition", id).is_some() {
        return Ok((id, Vec::new()));
    }
    Ok((id, written(known, id, resource, by, now)))
}

fn begun(
    known: &Known,
    open: &[Barrier],
    word: &BarrierWord,
    (by, now): (&By<'_>, Timestamp),
) -> Result<(ResourceId, Resource), Problem> {
    let kinds = barrier_kinds(by.value_sets);
    let chosen = kinds.iter().find(|(code, _)| *code == word.kind);
    let (kind, title) =
        chosen.ok_or_else(|| refused(Category::Required, "Choose what kind of thing stands in the way."))?;
    let words = word.words.trim();
    if kind == OTHER_BARRIER && words.is_empty() {
        return Err(refused(Category::Required, "Say in words what stands in the way: it is of none of the kinds."));
    }
    let concerns = open.iter().filter(|one| one.is_concern).count();
    // Nothing lost: the person is told, and nothing is taken.
    if concerns >= MOST_BARRIERS {
        let text = format!("{concerns} things stand in the way already; say first which of them do no longer.");
        return Err(refused(Category::BusinessRule, text));
    }
    let person = known.record.head.person;
    let mut concern = Resource::new("Condition");
    let coded = |system: &str, code: &str| json!({ "coding": [{ "system": system, "code": code }] });
    concern.set("clinicalStatus", coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"));
    concern.set("verificationStatus", coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"));
    let category = coded("http://hl7.org/fhir/us/core/CodeSystem/condition-category", "health-concern");
    concern.set("category", json!([category]));
    concern.set("code", barrier_code(kind, title, words));
    concern.set("subject", json!({ "reference": format!("Patient/{}", ResourceId::patient(person)) }));
    concern.set("recordedDate", json!(now.to_string()));
    concern.set("recorder", json!({ "display": by.author }));
    let mut about = String::new();
    if let Some(id) = word.referral {
        let absent = || refused(Category::NotFound, "There is no such referral in this record.");
        let referral = known.record.get("ServiceRequest", id).ok_or_else(absent)?;
        about = id.to_string();
        concern.set("evidence", json!([{ "detail": [{ "reference": format!("ServiceRequest/{id}") }] }]));
        // What few may know of a referral, they do not learn from what stands in its way.
        if let Some(security) = referral.resource.get("meta").and_then(|meta| meta.get("security")) {
            concern.set("meta", json!({ "security": security }));
        }
    }
    // One form sent twice says it once; the same said again later is another.
    let id = ResourceId::of(person, "Condition", &format!("barrier/{}/{kind}/{about}/{words}", word.once));
    Ok((id, concern))
}

fn over(
    known: &Known,
    open: &[Barrier],
    id: ResourceId,
    word: &BarrierWord,
    (by, now): (&By<'_>, Timestamp),
) -> Result<Resource, Problem> {
    let absent = || refused(Category::NotFound, "That does not stand in the way any more.");
    open.iter().find(|one| one.is_concern && one.by == id).ok_or_else(absent)?;
    let before = &known.record.get("Condition", id).ok_or_else(absent)?.resource;
    let mut concern = Resource::new("Condition");
    let status = json!({ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved" });
    concern.set("clinicalStatus", json!({ "coding": [status] }));
    concern.set("abatementDateTime", json!(now.to_string()));
    if !word.helped.trim().is_empty() {
        let mut notes = before.get("note").and_then(Value::as_array).cloned().unwrap_or_default();
        notes.push(json!({ "authorString": by.author, "time": now.to_string(), "text": word.helped.trim() }));
        concern.set("note", Value::Array(notes));
    }
    Ok(concern)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::is_for_few;
    use crate::fhir::{Identifier, ValueSets};
    use crate::identity::PersonId;
    use crate::protocol::ProtocolSet;
    use crate::record::{Membership, Record};

    fn known() -> Known {
        let person = PersonId::of(&Identifier::new("urn:s", "1"));
        let mut known = Known { record: Record::new(person), memberships: Vec::<Membership>::new() };
        let mut referral = Resource::new("ServiceRequest");
        referral.set("status", json!("active"));
        referral.set("code", json!({ "coding": [{ "system": "http://snomed.info/sct", "code": "3457005" }] }));
        referral.set("meta", json!({ "security": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" }] }));
        let at = "2026-11-02T13:00:00Z".parse().unwrap();
        let by = By { source: "feed", author: "feed", value_sets: ValueSets::built_in() };
        let id = ResourceId::of(person, "ServiceRequest", "1");
        written(&known, id, referral, &by, at).iter().for_each(|change| known.record.apply(change));
        known
    }

    fn say(known: &mut Known, word: &BarrierWord, at: &str) -> Result<ResourceId, Problem> {
        let by = By { source: "person:nbrooks", author: "Nia Brooks RN", value_sets: ValueSets::built_in() };
        let (now, practices) = (at.parse().unwrap(), std::collections::BTreeMap::new());
        let view = View { record: &known.record, memberships: &[], practices: &practices, now };
        let (id, changes) = said(known, &ProtocolSet::built_in().barriers(&view), word, &by, now)?;
        changes.iter().for_each(|change| known.record.apply(change));
        Ok(id)
    }

    fn bus() -> BarrierWord {
        let (kind, words) = ("transport".to_string(), "El autobús no pasa los martes".to_string());
        BarrierWord { kind, words, once: "form 1".to_string(), ..BarrierWord::default() }
    }

    #[test]
    fn a_barrier_is_a_health_concern_by_its_kind_in_their_words_until_it_is_over() {
        let mut known = known();
        let id = say(&mut known, &bus(), "2026-11-03T13:00:00Z").unwrap();
        assert_eq!(say(&mut known, &bus(), "2026-11-03T13:00:09Z").unwrap(), id, "a form sent twice says it once");
        let concern = &known.record.get("Condition", id).unwrap().resource;
        assert_eq!(concern.get("code").unwrap()["text"], "El autobús no pasa los martes");
        assert!(concern.codings("code").contains(&("http://snomed.info/sct", "713458007")));
        assert_eq!(concern.text("recordedDate"), Some("2026-11-03T13:00:00Z"));
        assert_eq!(concern.get("recorder").unwrap()["display"], "Nia Brooks RN");
        assert!(!is_for_few(concern));
        let over = BarrierWord { over: Some(id), helped: "her niece drives".to_string(), ..BarrierWord::default() };
        say(&mut known, &over, "2026-11-05T13:00:00Z").unwrap();
        let concern = &known.record.get("Condition", id).unwrap().resource;
        assert!(concern.codings("clinicalStatus").iter().any(|(_, code)| *code == "resolved"));
        assert_eq!(concern.get("note").unwrap()[0]["text"], "her niece drives");
        assert!(say(&mut known, &over, "2026-11-05T14:00:00Z").unwrap_err().text.contains("any more"));
        let again = BarrierWord { once: "form 2".to_string(), ..bus() };
        assert_ne!(say(&mut known, &again, "2026-11-20T13:00:00Z").unwrap(), id, "what comes back is another");
    }

    #[test]
    fn what_stands_in_the_way_of_a_restricted_referral_is_restricted() {
        let mut known = known();
        let referral = known.record.of_type("ServiceRequest").next().map(|stored| stored.id);
        let id = say(&mut known, &BarrierWord { referral, ..bus() }, "2026-11-03T13:00:00Z").unwrap();
        let concern = &known.record.get("Condition", id).unwrap().resource;
        assert!(is_for_few(concern));
        assert!(
            concern.get("evidence").unwrap()[0]["detail"][0]["reference"]
                .as_str()
                .unwrap()
                .starts_with("ServiceRequest/")
        );
    }

    #[test]
    fn what_cannot_be_written_down_is_said() {
        let mut known = known();
        let mut refused = |word: BarrierWord| say(&mut known, &word, "2026-11-03T13:00:00Z").unwrap_err().text;
        assert!(refused(BarrierWord::default()).contains("Choose what kind"));
        assert!(refused(BarrierWord { kind: "bus".to_string(), ..bus() }).contains("Choose what kind"));
        let other = BarrierWord { kind: "other".to_string(), words: " ".to_string(), ..bus() };
        assert!(refused(other).contains("in words"));
        let person = PersonId::of(&Identifier::new("urn:s", "2"));
        let referral = Some(ResourceId::of(person, "ServiceRequest", "1"));
        assert!(refused(BarrierWord { referral, ..bus() }).contains("no such referral"));
        for number in 0..MOST_BARRIERS {
            say(&mut known, &BarrierWord { once: number.to_string(), ..bus() }, "2026-11-03T13:00:00Z").unwrap();
        }
        assert!(say(&mut known, &bus(), "2026-11-03T13:00:00Z").unwrap_err().text.contains("20 things"));
    }
}
