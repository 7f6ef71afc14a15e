//! The demo's story as a hospital would send it: short messages, a resend, and one that nobody can map. All people are
//! synthetic.

use jiff::{SignedDuration, Timestamp};

use super::hospital::{Hospital, Stay, message, zone};
use crate::fhir::Identifier;
use crate::identity::PersonId;

/// One step: what happens in words, and the message that tells of it.
pub(super) struct Step {
    pub words: &'static str,
    pub message: String,
    /// MSA-1 as it should be.
    pub expected: &'static str,
}

/// The patient on Lakeside's panel whom the story is about. Her birthday was five days ago: the review of the year is owed.
fn patient(now: Timestamp) -> String {
    let birthday = now.saturating_sub(SignedDuration::from_hours(5 * 24)).unwrap_or(now);
    // A leap year has every birthday.
    let born = birthday.to_zoned(zone()).strftime("1956%m%d");
    format!(
        "PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind^M||{born}|F|||12 Harbor Street^^Springfield^MA^01103^USA^H||555-014-1001^PRN^PH|||M"
    )
}

const NEXT_OF_KIN: &str = "NK1|1|Okafor^Daniel|SPO^Spouse^HL70063|12 Harbor Street^^Springfield^MA^01103|555-014-1009";

/// Whom the story is about.
pub(super) fn person() -> PersonId {
    PersonId::of(&Identifier::new("urn:oid:2.16.840.1.113883.19.5", "4711"))
}

/// Her number at the practice.
pub(super) const MEMBER: &str = "L-1001";

/// The steps, with times that end at `now`.
pub(super) fn steps(now: Timestamp) -> Vec<Step> {
    let (hospital, patient) = (Hospital { now }, patient(now));
    let run = now.as_second();
    let (registered, measured, discharged) = (hospital.at(190), hospital.at(175), hospital.at(2));
    let visit = |class: &str, end: &str| {
        let (place, service, number) = ("ED^04^A^RIVERSIDE", "EMR", "V20077");
        Stay { class, place, service, number, start: &registered, end, ..Stay::default() }.segment()
    };
    let header = |event: &str, time: &str, number: usize| hospital.header(event, time, number);
    // The diagnosis at the door is a suspicion (A); the one at discharge is meant (F).
    let diagnosis = "DG1|1||J44.1^Chronic obstructive pulmonary disease with (acute) exacerbation^I10|||A";
    let final_diagnosis = "DG1|1||J44.1^Chronic obstructive pulmonary disease with (acute) exacerbation^I10|||F";
    let registration = message(&[
        &header("ADT^A04^ADT_A01", &registered, 1),
        &format!("EVN|A04|{registered}"),
        &patient,
        NEXT_OF_KIN,
        &visit("E", ""),
        "PV2|||J44.1^Shortness of breath^I10",
        diagnosis,
        "AL1|1|DA|7980^Penicillin^RXNORM|MO|Rash",
    ]);
    vec![
        Step {
            words: "Rosalind Okafor, who has COPD, registers at Riverside's emergency department",
            message: registration.clone(),
            expected: "AA",
        },
        Step {
            words: "the hospital's engine is not sure it arrived, and sends it again",
            message: registration,
            expected: "AA",
        },
        Step {
            words: "a pulse oximeter at triage reads 86 %",
            message: message(&[
                &header("ORU^R01^ORU_R01", &measured, 2),
                &patient,
                &visit("E", ""),
                &format!(
                    "OBR|1||F{run}-1^RIVERSIDE|59408-5^Oxygen saturation^LN|||{measured}|||||||||||||||{measured}|||F"
                ),
                &format!(
                    "OBX|1|NM|59408-5^Oxygen saturation in Arterial blood by Pulse oximetry^LN||86|%^percent^UCUM|92-100|LL|||F|||{measured}"
                ),
            ]),
            expected: "AA",
        },
        Step {
            words: "an event arrives that no mapping reads",
            message: message(&[
                &header("ADT^A60^ADT_A60", &hospital.at(60), 3),
                &format!("EVN|A60|{}", hospital.at(60)),
                &patient,
                "IAM|1|DA|7980^Penicillin^RXNORM|MO|Rash|A",
            ]),
            expected: "AR",
        },
        Step {
            words: "she is discharged home from the emergency department",
            message: message(&[
                &header("ADT^A03^ADT_A03", &discharged, 4),
                &format!("EVN|A03|{discharged}"),
                &patient,
                &visit("E", &discharged),
                final_diagnosis,
            ]),
            expected: "AA",
        },
    ]
}
