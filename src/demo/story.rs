//! The demo's story as a hospital would send it: short messages, a resend, and one that nobody can map. All people are
//! synthetic.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// One step: what happens in words, and the message that tells of it.
pub(super) struct Step {
    pub words: &'static str,
    pub message: String,
    /// MSA-1 as it should be.
    pub expected: &'static str,
}

/// The patient on Lakeside's panel whom the story is about.
const PATIENT: &str = "PID|1||4711^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F|||12 Harbor Street^^Springfield^MA^01103^USA^H||555-014-1001^PRN^PH|||M";
const NEXT_OF_KIN: &str = "NK1|1|Okafor^Daniel|SPO^Spouse^HL70063|12 Harbor Street^^Springfield^MA^01103|555-014-1009";

/// The steps, with times that end at `now`.
pub(super) fn steps(now: Timestamp) -> Vec<Step> {
    let at = |minutes_ago: i64| {
        let moment = now.saturating_sub(SignedDuration::from_mins(minutes_ago)).unwrap_or(now);
        let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
        moment.to_zoned(zone).strftime("%Y%m%d%H%M%S%z").to_string()
    };
    let run = now.as_second();
    let (registered, measured, discharged) = (at(190), at(175), at(2));
    let visit = |class: &str, end: &str| {
        let mut fields = vec![String::new(); 46];
        let set = [
            (0, "PV1"),
            (1, "1"),
            (2, class),
            (3, "ED^04^A^RIVERSIDE"),
            (7, "1043^Lindqvist^Maja^^^Dr.^^^RIVERSIDE"),
            (10, "EMR"),
            (19, "V20077^^^RIVERSIDE-VISIT^VN"),
            (44, registered.as_str()),
            (45, end),
        ];
        for (number, value) in set {
            if let Some(field) = fields.get_mut(number) {
                *field = value.to_string();
            }
        }
        fields.join("|").trim_end_matches('|').to_string()
    };
    let header = |event: &str, time: &str, number: u32| {
        format!("MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|{time}||{event}|D{run}-{number}|P|2.5.1")
    };
    let message = |segments: &[&str]| segments.join("\r") + "\r";
    // The diagnosis at the door is a suspicion (A); the one at discharge is meant (F).
    let diagnosis = "DG1|1||J44.1^Chronic obstructive pulmonary disease with (acute) exacerbation^I10|||A";
    let final_diagnosis = "DG1|1||J44.1^Chronic obstructive pulmonary disease with (acute) exacerbation^I10|||F";
    let registration = message(&[
        &header("ADT^A04^ADT_A01", &registered, 1),
        &format!("EVN|A04|{registered}"),
        PATIENT,
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
                PATIENT,
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
                &header("ADT^A60^ADT_A60", &at(60), 3),
                &format!("EVN|A60|{}", at(60)),
                PATIENT,
                "IAM|1|DA|7980^Penicillin^RXNORM|MO|Rash|A",
            ]),
            expected: "AR",
        },
        Step {
            words: "she is discharged home from the emergency department",
            message: message(&[
                &header("ADT^A03^ADT_A03", &discharged, 4),
                &format!("EVN|A03|{discharged}"),
                PATIENT,
                &visit("E", &discharged),
                final_diagnosis,
            ]),
            expected: "AA",
        },
    ]
}
