//! What a feed's `intake` and `profiles` do with a message whose resources do not meet a profile.

use handover::pipeline::{Code, Members, Trial, dry_run};
use handover::problem::Problem;
use handover::site::{self, Intake};

use super::cases::as_sent;
use super::house::{FEED, arrival_time, members, root};

/// A registration that says neither the patient's sex nor a class that tells of what type the visit is, which US Core asks for and
/// R4 does not.
fn registration() -> Vec<u8> {
    let raw = String::from_utf8(as_sent(&root().join("fixtures/messages/ed-registration.hl7"))).unwrap();
    let segments = raw.split('\r').map(|segment| {
        let mut fields: Vec<&str> = segment.split('|').collect();
        if fields[0] == "PID" {
            fields[8] = "";
        }
        if fields[0] == "PV1" {
            fields[2] = "C";
        }
        fields.join("|")
    });
    segments.collect::<Vec<_>>().join("\r").into_bytes()
}

fn tried(intake: Intake, profiles: &[&str]) -> Trial {
    let mut site = site::load(&root().join("fixtures/demo")).site.unwrap();
    let feed = site.feeds.get_mut(FEED).unwrap();
    feed.intake = intake;
    let base = "http://hl7.org/fhir/us/core/StructureDefinition";
    for name in profiles {
        let kind = if *name == "us-core-encounter" { "Encounter" } else { "Patient" };
        feed.profiles.entry(kind.to_string()).or_default().push(format!("{base}/{name}"));
    }
    let raw = registration();
    dry_run(&site, FEED, &raw, Members { listed: members(), otherwise: None }, arrival_time(&raw)).unwrap()
}

fn about_gender(trial: &Trial) -> Vec<&Problem> {
    trial.problems.iter().filter(|problem| problem.to_string().starts_with("Patient.gender")).collect()
}

#[test]
fn a_feeds_profiles_are_reported_or_refused_as_it_says() {
    let reported = tried(Intake::Report, &["us-core-patient"]);
    assert_eq!(reported.code, Code::AA);
    assert!(about_gender(&reported).len() == 1 && !about_gender(&reported)[0].is_error(), "{:#?}", reported.problems);
    let refused = tried(Intake::Reject, &["us-core-patient"]);
    assert_eq!(refused.code, Code::AE);
    assert!(about_gender(&refused)[0].is_error() && refused.resources.is_empty(), "{:#?}", refused.problems);
    assert!(String::from_utf8(refused.answer).unwrap().contains("us-core-patient"));
    for (intake, profiles) in [(Intake::Off, &["us-core-patient"][..]), (Intake::Reject, &[])] {
        let taken = tried(intake, profiles);
        assert_eq!((taken.code, about_gender(&taken).len()), (Code::AA, 0));
    }
}

#[test]
fn what_the_record_makes_of_a_visit_is_checked_once_more_and_refuses_nothing() {
    let about_type = |trial: &Trial| -> Vec<bool> {
        let found = trial.problems.iter().filter(|problem| problem.to_string().starts_with("Encounter.type"));
        found.map(Problem::is_error).collect()
    };
    // A draft of a visit lacks what the record gives it, so nothing that is missing is said of it; the registration says no type.
    for intake in [Intake::Report, Intake::Reject] {
        let trial = tried(intake, &["us-core-encounter"]);
        assert_eq!((trial.code, about_type(&trial)), (Code::AA, vec![false]), "{:#?}", trial.problems);
        let status = trial.problems.iter().find(|problem| problem.to_string().starts_with("Encounter.status"));
        assert_eq!(status.map(ToString::to_string), None, "the record said it");
    }
    assert_eq!(about_type(&tried(Intake::Off, &["us-core-encounter"])), Vec::<bool>::new());
}
