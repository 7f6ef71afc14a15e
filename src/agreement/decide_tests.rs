//! Every branch of the decision, and the line that each denial names.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{AgreementSet, Decision, Exit, Form, Names, Offer, Push, Question, Verdict, compile};
use crate::fhir::{Resource, ValueSets, built_in_value_sets};
use crate::identity::{PersonId, ResourceId};
use crate::yaml::Source;

const LAKESIDE: &str = "agreement: lakeside
partner: lakeside-practice
valid: { from: 2026-01-01, to: 2026-12-31 }
purpose: [TREAT]
patients: { panel: lakeside }
receives:
  - { resource: Task, push: immediate }
  - { resource: Encounter, pull: true, without: [participant.individual] }
  - { resource: Condition, where: \"code.coding.code in %copd\", pull: true }
  - { resource: Observation, codes: [oxygen-saturation], push: on-change, without: [note] }
  - { resource: Practitioner, pull: true }
sends: [Task.status, Observation]
never: [R]
";

fn set(texts: &[&str]) -> AgreementSet {
    let sources: Vec<Source> =
        texts.iter().enumerate().map(|(number, text)| Source::new(format!("agreements/{number}.yaml"), text)).collect();
    let value_sets = Arc::new(ValueSets::compile(&built_in_value_sets()).0);
    let (set, problems) = compile(&sources, &Names { partners: None, panels: None, value_sets });
    assert_eq!(problems, []);
    set
}

fn ask_at(set: &AgreementSet, exit: Exit, resource: Value, panels: &[&str], now: &str) -> Decision {
    let resource = Resource::try_from(resource).unwrap();
    let now = now.parse().unwrap();
    set.decide(&Question { partner: "lakeside-practice", exit, resource: &resource, panels, now })
}

fn ask(exit: Exit, resource: Value) -> Decision {
    ask_at(&set(&[LAKESIDE]), exit, resource, &["lakeside"], "2026-03-02T10:00:00Z")
}

fn line(decision: &Decision) -> u32 {
    decision.at.as_ref().unwrap().line
}

fn task() -> Value {
    json!({ "resourceType": "Task", "status": "ready" })
}

#[test]
fn what_a_line_allows_flows_by_the_exits_it_names_and_by_no_other() {
    let pushed = ask(Exit::Push, task());
    assert_eq!((&pushed.verdict, line(&pushed), pushed.push), (&Verdict::Allowed, 7, Push::Immediate));
    for exit in [Exit::Read, Exit::Search, Exit::Include, Exit::History, Exit::Export] {
        let read = ask(exit, task());
        assert_eq!((read.verdict.clone(), line(&read)), (Verdict::Denied, 7), "{exit:?}");
    }
    for exit in [Exit::Subscription, Exit::Card, Exit::Console] {
        assert!(ask(exit, task()).is_allowed(), "{exit:?}");
    }
    assert!(ask(Exit::Read, json!({ "resourceType": "Encounter" })).is_allowed());
    assert!(!ask(Exit::Push, json!({ "resourceType": "Encounter" })).is_allowed());
}

#[test]
fn elements_that_a_line_leaves_out_are_left_out_of_what_is_released() {
    let encounter = json!({ "resourceType": "Encounter", "status": "finished",
        "participant": [{ "individual": { "display": "Dr Example" } }] });
    let decision = ask(Exit::Search, encounter.clone());
    assert_eq!(
        decision.verdict,
        Verdict::Without(Form { without: vec!["participant.individual".to_string()], instead_of_reason: None })
    );
    let released = decision.released(&Resource::try_from(encounter).unwrap()).unwrap();
    assert_eq!(released.get("participant"), None);
}

#[test]
fn without_an_agreement_nothing_flows_and_nobody_is_concerned() {
    let resource = Resource::try_from(task()).unwrap();
    let now = "2026-03-02T10:00:00Z".parse().unwrap();
    let question = Question { partner: "stranger", exit: Exit::Push, resource: &resource, panels: &["lakeside"], now };
    let decision = set(&[LAKESIDE]).decide(&question);
    assert_eq!((decision.verdict, decision.concerns, decision.at), (Verdict::Denied, false, None));
}

#[test]
fn a_patient_of_another_panel_is_denied_by_the_line_that_names_the_panel() {
    let decision = ask_at(&set(&[LAKESIDE]), Exit::Push, task(), &["hillside"], "2026-03-02T10:00:00Z");
    assert_eq!((decision.verdict.clone(), decision.concerns, line(&decision)), (Verdict::Denied, false, 5));
    let everybody = LAKESIDE.replace("{ panel: lakeside }", "{ all: true }");
    assert!(ask_at(&set(&[&everybody]), Exit::Push, task(), &[], "2026-03-02T10:00:00Z").is_allowed());
}

#[test]
fn out_of_force_holds_what_would_be_pushed_and_denies_what_would_be_read() {
    let agreements = set(&[LAKESIDE]);
    for (now, at) in [("2025-12-31T23:59:59Z", "begins on 2026-01-01"), ("2027-01-01T00:00:00Z", "ended on 2026-12-31")]
    {
        let held = ask_at(&agreements, Exit::Push, task(), &["lakeside"], now);
        assert_eq!((held.verdict.clone(), line(&held)), (Verdict::Held(Form::default()), 3));
        assert!(held.because.contains(at), "{}", held.because);
        let read = ask_at(&agreements, Exit::Read, json!({ "resourceType": "Encounter" }), &["lakeside"], now);
        assert_eq!(read.verdict, Verdict::Denied);
        assert!(read.because.contains(at));
    }
    assert!(ask_at(&agreements, Exit::Push, task(), &["lakeside"], "2026-12-31T23:59:59Z").is_allowed());
    let suspended = set(&[&format!("{LAKESIDE}status: suspended\n")]);
    let held = ask_at(&suspended, Exit::Push, task(), &["lakeside"], "2026-03-02T10:00:00Z");
    assert_eq!((held.verdict.clone(), line(&held)), (Verdict::Held(Form::default()), 14));
    let other = ask_at(&suspended, Exit::Push, task(), &["hillside"], "2026-03-02T10:00:00Z");
    assert_eq!(other.verdict, Verdict::Denied, "what would not be allowed anyway does not wait");
}

#[test]
fn what_is_held_keeps_what_the_agreement_leaves_out() {
    let saturation = json!({ "resourceType": "Observation", "note": [{ "text": "private" }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "59408-5" }] } });
    let held = ask_at(&set(&[LAKESIDE]), Exit::Push, saturation.clone(), &["lakeside"], "2027-06-01T00:00:00Z");
    assert_eq!(held.released(&Resource::try_from(saturation).unwrap()).unwrap().get("note"), None);
}

#[test]
fn conditions_and_codes_choose_within_a_type() {
    let coded = |kind: &str, system: &str, code: &str| json!({ "resourceType": kind, "code": { "coding": [{ "system": system, "code": code }] } });
    let icd = "http://hl7.org/fhir/sid/icd-10-cm";
    assert!(ask(Exit::Read, coded("Condition", icd, "J44.1")).is_allowed());
    let other = ask(Exit::Read, coded("Condition", icd, "S52.5"));
    assert_eq!((other.verdict.clone(), line(&other)), (Verdict::Denied, 9));
    assert!(other.because.contains("%copd"));
    let concept = LAKESIDE.replace("code.coding.code in", "code in");
    let ask = |resource| ask_at(&set(&[&concept]), Exit::Read, resource, &["lakeside"], "2026-03-02T10:00:00Z");
    assert!(ask(coded("Condition", icd, "J44.1")).is_allowed());
    assert!(!ask(coded("Condition", "http://example.org/own", "J44.1")).is_allowed(), "another system's J44.1");
    let ask = |exit, resource| ask_at(&set(&[LAKESIDE]), exit, resource, &["lakeside"], "2026-03-02T10:00:00Z");
    assert!(ask(Exit::Push, coded("Observation", "http://loinc.org", "59408-5")).is_allowed());
    assert!(!ask(Exit::Push, coded("Observation", "http://loinc.org", "29463-7")).is_allowed());
}

#[test]
fn a_type_without_a_line_is_denied_by_the_list() {
    let decision = ask(Exit::Read, json!({ "resourceType": "CarePlan" }));
    assert!(decision.concerns && decision.because.contains("no line for CarePlan"));
    assert_eq!(line(&decision), 7);
}

#[test]
fn a_label_that_never_leaves_stops_everything_and_restricted_covers_very_restricted() {
    for code in ["R", "V"] {
        let mut labelled = task();
        labelled["meta"]["security"] = json!([{ "code": code }]);
        let decision = ask(Exit::Push, labelled);
        assert_eq!((decision.verdict.clone(), line(&decision)), (Verdict::Denied, 13));
    }
    let mut normal = task();
    normal["meta"]["security"] = json!([{ "code": "N" }]);
    assert!(ask(Exit::Push, normal).is_allowed());
}

#[test]
fn what_belongs_to_no_patient_is_read_where_a_line_allows_the_type() {
    let id = ResourceId::of(PersonId::SHARED, "Practitioner", "npi|1").to_string();
    let decision = ask_at(
        &set(&[LAKESIDE]),
        Exit::Include,
        json!({ "resourceType": "Practitioner", "id": id }),
        &[],
        "2026-03-02T10:00:00Z",
    );
    assert!(decision.is_allowed());
}

#[test]
fn a_stated_purpose_must_be_the_agreements() {
    let agreements = set(&[LAKESIDE]);
    let resource = Resource::try_from(task()).unwrap();
    let now = "2026-03-02T10:00:00Z".parse().unwrap();
    let question =
        Question { partner: "lakeside-practice", exit: Exit::Push, resource: &resource, panels: &["lakeside"], now };
    assert!(agreements.decide_for(&question, "TREAT").is_allowed());
    assert!(!agreements.decide_for(&question, "HRESCH").is_allowed());
}

#[test]
fn of_two_agreements_the_one_that_allows_most_decides() {
    let second = LAKESIDE
        .replace("agreement: lakeside", "agreement: research")
        .replace(", without: [participant.individual]", "");
    let encounter = json!({ "resourceType": "Encounter" });
    let decision = ask_at(&set(&[LAKESIDE, &second]), Exit::Read, encounter, &["lakeside"], "2026-03-02T10:00:00Z");
    assert_eq!((decision.verdict, decision.agreement.as_deref()), (Verdict::Allowed, Some("research")));
}

#[test]
fn what_was_decided_is_looked_at_again_before_sending() {
    let agreements = set(&[LAKESIDE]);
    let at = |file: &str, now: &str| agreements.objection("lakeside-practice", file, now.parse().unwrap());
    let (within, after) = ("2026-03-02T10:00:00Z", "2027-03-02T10:00:00Z");
    let ended = Some("the agreement lakeside ended on 2026-12-31".to_string());
    assert_eq!(at("agreements/0.yaml:7", within), None);
    assert_eq!(at("agreements/0.yaml:7", after), ended);
    assert_eq!(at("agreements/9.yaml:7", within), None, "its file has another name by now");
    assert_eq!(at("agreements/9.yaml:7", after), ended);
    let longer = LAKESIDE.replace("agreement: lakeside", "agreement: research").replace("2026-12-31", "2029-12-31");
    let both = set(&[LAKESIDE, &longer]);
    let at = |file: &str| both.objection("lakeside-practice", file, after.parse().unwrap());
    assert_eq!((at("agreements/0.yaml:7"), at("agreements/9.yaml:7")), (ended, None), "the one that allowed it counts");
    let gone = agreements.objection("another-practice", "agreements/9.yaml:7", within.parse().unwrap());
    assert!(gone.unwrap().contains("there no more"));
}

#[test]
fn a_partner_sends_what_it_may_send() {
    let agreements = set(&[LAKESIDE]);
    let offer =
        |partner, what, panels, now: &str| agreements.admits(&Offer::of(partner, what, panels, now.parse().unwrap()));
    let may = |what| offer("lakeside-practice", what, &["lakeside"], "2026-03-02T10:00:00Z");
    let allowed = ["Task.status", "Task.owner", "Task", "Observation.value"].map(|what| may(what).is_allowed());
    assert_eq!(allowed, [true, false, false, true]);
    assert_eq!(line(&may("Task.status")), 12);
    assert!(may("Flag.status").because.contains("does not name Flag.status"));
    let refused = |partner, panels, now| offer(partner, "Task.status", panels, now);
    let elsewhere = refused("lakeside-practice", &["hillside"], "2026-03-02T10:00:00Z");
    assert_eq!((elsewhere.is_allowed(), line(&elsewhere)), (false, 5));
    assert!(refused("lakeside-practice", &["lakeside"], "2027-03-02T10:00:00Z").because.contains("ended"));
    assert!(!refused("stranger", &["lakeside"], "2026-03-02T10:00:00Z").is_allowed());
}

#[test]
fn every_partner_that_a_patient_concerns_is_asked_about_a_push() {
    let other =
        LAKESIDE.replace("lakeside-practice", "hillside-practice").replace("panel: lakeside", "panel: hillside");
    let other = other.replace("agreement: lakeside", "agreement: hillside");
    let agreements = set(&[LAKESIDE, &other]);
    let resource = Resource::try_from(task()).unwrap();
    let pushes = agreements.pushes(&resource, &["lakeside"], "2026-03-02T10:00:00Z".parse().unwrap());
    assert_eq!(pushes.iter().map(|(partner, _)| *partner).collect::<Vec<_>>(), ["lakeside-practice"]);
}

/// Every exit × every reason to deny: what a labelled Task and the same Task without a label get. `no`: nothing. `held`: it
/// waits. `bare`: without its reason. `yes`: as it is.
#[test]
fn each_exit_denies_for_each_reason() {
    const EXITS: [Exit; 9] = [
        Exit::Push,
        Exit::Subscription,
        Exit::Card,
        Exit::Console,
        Exit::Read,
        Exit::Search,
        Exit::Include,
        Exit::History,
        Exit::Export,
    ];
    let whole =
        LAKESIDE.replace("{ resource: Task, push: immediate }", "{ resource: Task, push: immediate, pull: true }");
    let bare = whole
        .replace("pull: true }\n  - { resource: Enc", "pull: true, without-reason: Call them }\n  - { resource: Enc");
    let only_pushed = LAKESIDE.to_string();
    let ended = whole.replace("to: 2026-12-31", "to: 2026-02-01");
    let to_come = whole.replace("from: 2026-01-01", "from: 2026-11-01");
    let suspended = format!("{bare}status: suspended\n");
    let elsewhere = whole.replace("{ panel: lakeside }", "{ panel: hillside }");
    let other_partner = whole.replace("partner: lakeside-practice", "partner: hillside-practice");
    let other_type = whole.replace("resource: Task", "resource: CarePlan");
    let fits_not = whole.replace("{ resource: Task,", "{ resource: Task, where: \"status = 'draft'\",");
    let no_code = whole.replace("{ resource: Task,", "{ resource: Task, codes: [copd],");
    // What the first four exits say and what the others say: without a label, and labelled R.
    let table: [(&str, &str, [&str; 4]); 11] = [
        ("it may have it", &whole, ["yes yes yes yes", "yes", "no no no no", "no"]),
        ("a stated form without the reason", &bare, ["yes yes yes yes", "yes", "bare bare bare bare", "bare"]),
        ("the line does not let it be pulled", &only_pushed, ["yes yes yes yes", "no", "no no no no", "no"]),
        ("the agreement has ended", &ended, ["held held no no", "no", "no no no no", "no"]),
        ("it has not begun", &to_come, ["held held no no", "no", "no no no no", "no"]),
        ("it is suspended", &suspended, ["held held no no", "no", "held held no no", "no"]),
        ("the patient is on another panel", &elsewhere, ["no no no no", "no", "no no no no", "no"]),
        ("it is with another partner", &other_partner, ["no no no no", "no", "no no no no", "no"]),
        ("no line is for the type", &other_type, ["no no no no", "no", "no no no no", "no"]),
        ("the line's condition does not hold", &fits_not, ["no no no no", "no", "no no no no", "no"]),
        ("no code of it is in the line's sets", &no_code, ["no no no no", "no", "no no no no", "no"]),
    ];
    for (reason, text, [plain_shown, plain_read, shown, read]) in table {
        let agreements = set(&[text]);
        for (label, first, rest) in
            [(None, plain_shown, plain_read), (Some("R"), shown, read), (Some("V"), shown, read)]
        {
            let mut resource = task();
            resource["meta"]["security"] = json!(label.iter().map(|code| json!({ "code": code })).collect::<Vec<_>>());
            let expected: Vec<&str> = first.split(' ').chain(std::iter::repeat_n(rest, 5)).collect();
            for (exit, expected) in EXITS.into_iter().zip(expected) {
                let decision = ask_at(&agreements, exit, resource.clone(), &["lakeside"], "2026-03-02T10:00:00Z");
                let found = match &decision.verdict {
                    Verdict::Allowed => "yes",
                    Verdict::Without(form) if form.instead_of_reason.is_some() => "bare",
                    Verdict::Without(_) => "less",
                    Verdict::Held(_) => "held",
                    Verdict::Denied => "no",
                };
                assert_eq!(found, expected, "{reason}, {exit:?}, label {label:?}: {}", decision.because);
                let released = decision.released(&Resource::try_from(resource.clone()).unwrap());
                assert_eq!(released.is_some(), found != "no", "{reason}, {exit:?}");
                assert!(
                    decision.agreement.is_none() || decision.at.is_some(),
                    "{reason}: the line that decided is named"
                );
            }
        }
    }
}

#[test]
fn of_two_agreements_a_whole_task_counts_for_more_than_one_without_its_reason() {
    let bare = LAKESIDE.replace("push: immediate }", "push: immediate, without-reason: Call them }");
    let open = LAKESIDE.replace("agreement: lakeside", "agreement: clinic").replace("never: [R]\n", "");
    let mut labelled = task();
    labelled["meta"]["security"] = json!([{ "code": "R" }]);
    let now = "2026-03-02T10:00:00Z";
    let decision = ask_at(&set(&[&bare, &open]), Exit::Push, labelled.clone(), &["lakeside"], now);
    assert_eq!((decision.verdict, decision.agreement.as_deref()), (Verdict::Allowed, Some("clinic")));
    let decision =
        ask_at(&set(&[LAKESIDE, &bare.replace("lakeside\n", "bare\n")]), Exit::Push, labelled, &["lakeside"], now);
    assert!(decision.because.contains("without its reason since it is labelled R"), "{}", decision.because);
}
