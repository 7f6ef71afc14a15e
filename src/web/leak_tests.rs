//! Nothing leaks, for random records, labels and agreements: no code, display or text of what an agreement keeps back occurs in
//! any byte that leaves, by pushes, reads, searches, histories and cards. `HANDOVER_LEAKS=2000` tries more cases.

use std::cell::Cell;

use actix_web::test::TestRequest;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::agreement::{Uncoded, label_arrival};
use crate::clock::Clock;
use crate::delivery::{Inside, StandIn, Worker, own_keys_for_tests};
use crate::fhir::{Resource, add_labels, labels_of};
use crate::identity::ResourceId;
use crate::record::{Change, State, Stored};
use crate::store::WriteUnit;
use crate::web::trial::{Trial, member};

/// Cases that are tried where nobody asks for another number.
const CASES: u32 = 48;

const ICD: &str = "http://hl7.org/fhir/sid/icd-10-cm";
const DIAGNOSES: [&str; 9] = ["F10.20", "F32.9", "B20", "O03.9", "T40.1X2A", "J44.1", "I10", "R07.9", "M54.5"];
const LABELS: [&str; 7] = ["", "", "", "R", "V", "ETH", "OURS"];
const NEVER: [&str; 6] = ["R", "ETH", "PSY", "HIV", "V", "OURS"];
const TYPES: [&str; 9] =
    ["Task", "Flag", "CarePlan", "Patient", "Encounter", "Condition", "Observation", "Provenance", "Communication"];

/// One random world. Numbers choose from the lists above.
#[derive(Debug, Clone)]
struct Case {
    /// Diagnosis and label; the first is the principal one.
    conditions: Vec<(usize, usize)>,
    /// What was said at the door: nothing, or a diagnosis.
    reason: Option<usize>,
    class: usize,
    encounter_label: usize,
    /// Saturation and label.
    readings: Vec<(u8, usize)>,
    patient_label: usize,
    never: Vec<usize>,
    /// By type: whether it is pushed, and whether it may be read.
    lines: Vec<(bool, bool)>,
    without_reason: bool,
    /// What is found to be restricted after the first deliveries were made.
    late: Option<usize>,
}

fn cases() -> impl Strategy<Value = Case> {
    let label = || 0..LABELS.len();
    let record = (
        vec((0..DIAGNOSES.len(), label()), 0..4),
        proptest::option::of(0..DIAGNOSES.len()),
        0..3_usize,
        label(),
        vec((70..100_u8, label()), 0..3),
        prop_oneof![9 => Just(0), 1 => label()],
    );
    let agreement = (
        vec(0..NEVER.len(), 1..4),
        vec((proptest::bool::weighted(0.7), proptest::bool::weighted(0.8)), TYPES.len()),
        any::<bool>(),
        proptest::option::of(0..8_usize),
    );
    (record, agreement).prop_map(|(record, (never, lines, without_reason, late))| {
        let (conditions, reason, class, encounter_label, readings, patient_label) = record;
        Case { conditions, reason, class, encounter_label, readings, patient_label, never, lines, without_reason, late }
    })
}

/// A resource with words that nothing else has.
struct Source {
    kind: &'static str,
    key: String,
    words: Vec<String>,
    code: Option<&'static str>,
    body: Value,
    label: &'static str,
}

impl Case {
    fn agreement(&self) -> String {
        let mut text = String::from(
            "agreement: a\npartner: practice\npurpose: [TREAT]\npatients: { panel: lakeside }\nreceives:\n",
        );
        for (kind, (push, pull)) in TYPES.iter().zip(&self.lines) {
            if !push && !pull {
                continue;
            }
            let push = if *push { "immediate" } else { "none" };
            let words = if self.without_reason && *kind == "Task" { ", without-reason: Call the patient" } else { "" };
            text.push_str(&format!("  - {{ resource: {kind}, push: {push}, pull: {pull}{words} }}\n"));
        }
        text.push_str("  - { resource: Appointment, pull: true }\n");
        let never: Vec<&str> = self.never.iter().map(|place| NEVER[*place]).collect();
        format!("{text}never: [{}]\n", never.join(", "))
    }

    fn sources(&self) -> Vec<Source> {
        let patient = format!("Patient/{}", ResourceId::patient(member()));
        let visit = format!("Encounter/{}", ResourceId::of(member(), "Encounter", "visit"));
        let name = "Qname".to_string();
        let mut sources = vec![Source {
            kind: "Patient",
            key: String::new(),
            body: json!({ "name": [{ "family": name, "given": ["Ada"] }], "birthDate": "1970-02-03", "gender": "female" }),
            words: vec![name],
            code: None,
            label: LABELS[self.patient_label],
        }];
        for (number, (diagnosis, label)) in self.conditions.iter().enumerate() {
            let (display, text, code) = (format!("Qshown{number}x"), format!("Qsaid{number}x"), DIAGNOSES[*diagnosis]);
            let body = json!({ "subject": { "reference": patient }, "encounter": { "reference": visit },
                "recordedDate": "2026-03-02T07:00:00Z",
                "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] },
                "code": { "coding": [{ "system": ICD, "code": code, "display": display }], "text": text } });
            let words = vec![display, text];
            sources.push(Source {
                kind: "Condition",
                key: format!("c{number}"),
                words,
                code: Some(code),
                body,
                label: LABELS[*label],
            });
        }
        let listed: Vec<Value> = (0..self.conditions.len())
            .map(|number| {
                let id = ResourceId::of(member(), "Condition", &format!("c{number}"));
                json!({ "condition": { "reference": format!("Condition/{id}") }, "rank": number + 1 })
            })
            .collect();
        let class = ["EMER", "IMP", "AMB"][self.class];
        let mut encounter = json!({ "status": "finished", "class": { "code": class },
            "period": { "start": "2026-03-02T05:00:00Z", "end": "2026-03-02T08:00:00Z" },
            "subject": { "reference": patient }, "diagnosis": listed });
        let code = self.reason.map(|place| DIAGNOSES[place]);
        if let Some(code) = code {
            encounter["reasonCode"] =
                json!([{ "coding": [{ "system": ICD, "code": code, "display": "Qdoor" }], "text": "Qdoorstep" }]);
        }
        let (words, label) = (vec!["Qdoor".to_string()], LABELS[self.encounter_label]);
        sources.push(Source { kind: "Encounter", key: "visit".into(), words, code, body: encounter, label });
        for (number, (value, label)) in self.readings.iter().enumerate() {
            let text = format!("Qread{number}x");
            let body = json!({ "status": "final", "subject": { "reference": patient },
                "effectiveDateTime": format!("2026-03-02T09:{:02}:00Z", number * 20),
                "code": { "coding": [{ "system": "http://loinc.org", "code": "59408-5" }], "text": text },
                "valueQuantity": { "value": value, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" } });
            sources.push(Source {
                kind: "Observation",
                key: format!("o{number}"),
                words: vec![text],
                code: None,
                body,
                label: LABELS[*label],
            });
        }
        sources
    }
}

impl Source {
    fn id(&self) -> ResourceId {
        match self.kind {
            "Patient" => ResourceId::patient(member()),
            _ => ResourceId::of(member(), self.kind, &self.key),
        }
    }
}

/// Writes a resource as the pipeline does: with the sender's label, and with those of its codes.
async fn write(trial: &Trial, source: &Source, labels: &[&str]) -> Resource {
    let former = trial.gateway.store.resource(source.kind, source.id()).await.unwrap();
    let replaces = former.as_ref().map_or(0, |former| former.version);
    let mut body = source.body.clone();
    body["resourceType"] = json!(source.kind);
    body["id"] = json!(source.id().to_string());
    body["meta"] = json!({ "versionId": (replaces + 1).to_string() });
    let mut resource = Resource::try_from(body).unwrap();
    for label in labels.iter().chain([&source.label]).filter(|label| !label.is_empty()) {
        add_labels(&mut resource, &[json!({ "code": label })]);
    }
    let known = former.map(|former| former.resource);
    label_arrival(&mut resource, known.as_ref(), &trial.gateway.site.load().value_sets, Uncoded::Recognised);
    let (version, updated) = (replaces + 1, trial.clock.now());
    let stored = Stored { id: source.id(), version, updated, resource: resource.clone(), state: State::default() };
    trial.commit(member(), WriteUnit { changes: vec![Change { stored, replaces }], ..WriteUnit::default() }).await;
    resource
}

/// Everything that leaves, as text; and how many pushes there were.
async fn what_leaves(trial: &Trial, ehr: &StandIn) -> (String, usize) {
    let worker = Worker::new(trial.gateway.clone(), own_keys_for_tests());
    while worker.deliver_due().await.unwrap() > 0 {}
    let pushed = ehr.seen();
    let mut all: Vec<String> = pushed.iter().map(|seen| format!("{} {}", seen.path_and_query, seen.body)).collect();
    for kind in TYPES {
        let found = trial.get(&format!("/fhir/{kind}?patient={}", ResourceId::patient(member()))).await;
        all.extend([found.text, trial.get(&format!("/fhir/{kind}")).await.text]);
    }
    let known = trial.gateway.load(member(), 100).await.unwrap();
    for stored in known.record.resources.values() {
        let path = format!("/fhir/{}/{}", stored.resource.resource_type(), stored.id);
        all.extend([trial.get(&path).await.text, trial.get(&format!("{path}/_history")).await.text]);
        all.push(trial.get(&format!("{path}/_history/1")).await.text);
    }
    let body = json!({ "hook": "patient-view", "hookInstance": "1",
        "context": { "userId": "Practitioner/1", "patientId": ResourceId::patient(member()).to_string() } });
    let token = trial.token("system/*.rs");
    let request = TestRequest::post().uri("/cds-services/handover-patient-view");
    let request = request.insert_header(("authorization", format!("Bearer {token}"))).set_json(&body);
    all.push(trial.call(request).await.text);
    (all.join("\n"), pushed.len())
}

fn is_kept_back(case: &Case, resource: &Resource) -> bool {
    let labels: Vec<&str> = labels_of(resource).filter_map(|label| label["code"].as_str()).collect();
    let never = |code: &&str| {
        let code = *code;
        case.never.iter().any(|place| NEVER[*place] == code || (NEVER[*place] == "R" && code == "V"))
    };
    labels.iter().any(never)
}

/// How many sources were kept back, how many bytes left, and how many pushes.
async fn play(case: &Case) -> Result<(usize, usize, usize), TestCaseError> {
    let trial = Trial::new().await;
    let ehr = StandIn::start(Inside::default());
    trial.replace_agreement(|_| case.agreement());
    let sources = case.sources();
    let mut written = Vec::new();
    for source in &sources {
        written.push(write(&trial, source, &[]).await);
    }
    trial.gateway.wake(member()).await.unwrap();
    if let Some(place) = case.late.filter(|place| *place < sources.len()) {
        written[place] = write(&trial, &sources[place], &["R"]).await;
        trial.gateway.wake(member()).await.unwrap();
    }
    trial.deliver_to(&ehr.base, &case.agreement());
    let (left, pushes) = what_leaves(&trial, &ehr).await;
    let kept: Vec<bool> = written.iter().map(|resource| is_kept_back(case, resource)).collect();
    let told = |code: &str| {
        let is_open = |(source, kept): (&Source, &bool)| !kept && source.code == Some(code);
        sources.iter().zip(&kept).any(is_open)
    };
    for ((source, resource), _) in sources.iter().zip(&written).zip(&kept).filter(|(_, kept)| **kept) {
        for word in &source.words {
            prop_assert!(!left.contains(word.as_str()), "{word} of a {} left:\n{left}", source.kind);
        }
        if let Some(code) = source.code.filter(|code| !told(code)) {
            prop_assert!(!left.contains(&format!("\"{code}\"")), "{code} of a {} left:\n{left}", source.kind);
        }
        for (label, words) in [("ETH", ["substance-use", "substance use"]), ("PSY", ["mental-health", "mental health"])]
        {
            let codes: Vec<&str> = labels_of(resource).filter_map(|label| label["code"].as_str()).collect();
            let is_kept = case.never.iter().any(|place| [label, "R"].contains(&NEVER[*place]));
            if codes.contains(&label) && is_kept {
                for word in words {
                    prop_assert!(!left.contains(word), "{word} left, of a {}:\n{left}", source.kind);
                }
            }
        }
    }
    Ok((kept.iter().filter(|kept| **kept).count(), left.len(), pushes))
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test is told by the environment how many cases to try")]
fn no_code_display_or_text_of_what_is_kept_back_is_in_any_byte_that_leaves() {
    let asked = std::env::var("HANDOVER_LEAKS").ok().and_then(|count| count.parse().ok());
    let config =
        Config { cases: asked.unwrap_or(CASES), max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let totals = Cell::new((0, 0, 0));
    let asks_enough = || {
        let (kept, bytes, pushes) = totals.get();
        kept > 20 && bytes > 100_000 && pushes > 40
    };
    // By chance the cases may be about little; then there are more of them.
    for _ in 0..3 {
        let outcome = TestRunner::new(config.clone()).run(&cases(), |case| {
            let (kept, bytes, pushes) = actix_web::rt::System::new().block_on(play(&case))?;
            let (all_kept, all_bytes, all_pushes) = totals.get();
            totals.set((all_kept + kept, all_bytes + bytes, all_pushes + pushes));
            Ok(())
        });
        if let Err(fault) = outcome {
            panic!("{fault}");
        }
        if asks_enough() {
            return;
        }
    }
    panic!("it asks too little: kept, bytes and pushes are {:?}", totals.get());
}
