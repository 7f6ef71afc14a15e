//! What a message is about that is not about a visit: v2's events (table 0003) of registrations, orders, results, appointments and documents,
//! with the types in which the v2-to-FHIR guide has them. An event names what happened; what the resource says of itself outweighs it.

use serde_json::Value;

/// One kind of message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// In a sentence: `an order`.
    pub word: &'static str,
    /// The message types of v2 (table 0076) that senders write before an event.
    messages: &'static [&'static str],
    triggers: &'static [&'static str],
    /// What its focus is.
    pub kinds: &'static [&'static str],
}

const SUBJECTS: [Subject; 7] = [
    Subject {
        word: "a registration",
        messages: &["ADT"],
        triggers: &["A04", "A05", "A08", "A28", "A31"],
        kinds: &["Patient"],
    },
    Subject {
        word: "an order",
        messages: &["ORM", "OML", "OMG", "OMI", "OMP", "RDE", "RDS", "RAS", "REF"],
        triggers: &["O01", "O09", "O11", "O13", "O17", "O19", "O21", "O23", "O33", "O35", "I12", "I13", "I14", "I15"],
        kinds: &["ServiceRequest", "MedicationRequest", "MedicationDispense", "MedicationAdministration"],
    },
    Subject {
        word: "a result",
        messages: &["ORU", "OUL", "RAS"],
        triggers: &["R01", "R21", "R22", "R23", "R24", "R30", "R31", "R32"],
        kinds: &["DiagnosticReport", "Observation", "ImagingStudy", "MedicationAdministration"],
    },
    Subject {
        word: "an appointment",
        messages: &["SIU"],
        triggers: &["S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S26"],
        kinds: &["Appointment"],
    },
    Subject {
        word: "a document",
        messages: &["MDM"],
        triggers: &["T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08", "T09", "T10", "T11"],
        kinds: &["DocumentReference"],
    },
    Subject { word: "an immunization", messages: &["VXU"], triggers: &["V04"], kinds: &["Immunization"] },
    Subject {
        word: "a charge",
        messages: &["DFT", "BAR"],
        triggers: &["P01", "P03", "P05", "P11"],
        kinds: &["Claim", "ChargeItem", "Account", "ExplanationOfBenefit"],
    },
];

/// What a resource's status is after an event that says one.
const STATUSES: [(&str, &[&str]); 8] = [
    ("S12", &["proposed", "pending", "booked", "waitlist"]),
    ("S15", &["cancelled", "entered-in-error"]),
    ("S16", &["cancelled", "entered-in-error"]),
    ("S17", &["cancelled", "entered-in-error"]),
    ("S26", &["noshow"]),
    ("T02", &["current"]),
    ("T10", &["current"]),
    ("T11", &["entered-in-error", "superseded"]),
];

impl Subject {
    /// By the code of an event, as senders write it: `R01`, `ORU_R01`, `ORU^R01^ORU_R01`.
    pub fn of(code: &str) -> Option<(&'static str, &'static Self)> {
        let parts: Vec<&str> = code.trim().split(['_', '^', '-']).collect();
        let (message, event) = match parts.as_slice() {
            [event] => (None, *event),
            [message, event, ..] => (Some(*message), *event),
            [] => return None,
        };
        SUBJECTS.iter().filter(|subject| message.is_none_or(|message| subject.messages.contains(&message))).find_map(
            |subject| {
                let trigger = subject.triggers.iter().find(|known| **known == event)?;
                Some((*trigger, subject))
            },
        )
    }

    /// The types of its focus, in a sentence.
    pub fn named(&self) -> String {
        self.kinds.join(" or ")
    }
}

/// All events of all kinds, in a sentence.
pub(super) fn known() -> String {
    let one = |subject: &Subject| {
        let word = subject.word.split_once(' ').map_or(subject.word, |(_, word)| word);
        format!("{word}s ({})", subject.triggers.join(", "))
    };
    SUBJECTS.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What there is to say where the event and the status of what it is about do not go together.
pub(super) fn differs(trigger: &str, resource: &Value) -> Option<String> {
    let (_, expected) = STATUSES.iter().find(|(known, _)| *known == trigger)?;
    let status = resource.get("status").and_then(Value::as_str)?;
    let is_expected = expected.contains(&status);
    let text = || {
        format!(
            "after {trigger} its status is {}, and it says {status}; it was taken as it says",
            expected.join(" or ")
        )
    };
    (!is_expected).then(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fhir::home_of;

    #[test]
    fn events_are_known_however_senders_write_them() {
        let word = |code: &str| Subject::of(code).map(|(trigger, subject)| format!("{trigger} {}", subject.word));
        for (code, expected) in [
            ("A31", "A31 a registration"),
            ("ADT^A28^ADT_A05", "A28 a registration"),
            ("O21", "O21 an order"),
            ("OML^O21^OML_O21", "O21 an order"),
            ("ORM_O01", "O01 an order"),
            ("REF^I12", "I12 an order"),
            ("ORU^R01", "R01 a result"),
            ("ORU_R30", "R30 a result"),
            ("SIU-S26", "S26 an appointment"),
            ("MDM^T02^MDM_T02", "T02 a document"),
        ] {
            assert_eq!(word(code).as_deref(), Some(expected), "{code}");
        }
        // What v2 has no such message for, and what is none of its codes.
        for code in ["ADT_R01", "ORU^S12", "ACK^A31", "A40", "Q21", "notification-birth", "r01", "", "^R01"] {
            assert_eq!(word(code), None, "{code}");
        }
    }

    #[test]
    fn what_a_message_is_about_is_something_that_is_kept_and_no_event_means_two_things() {
        let mut seen = std::collections::BTreeSet::new();
        for subject in &SUBJECTS {
            assert!(subject.kinds.iter().all(|kind| home_of(kind).is_some()), "{subject:?}");
            assert!(subject.triggers.iter().all(|trigger| seen.insert(*trigger)), "{subject:?}");
        }
        assert!(STATUSES.iter().all(|(trigger, _)| seen.contains(trigger)));
        assert!(known().contains("results (R01, "), "{}", known());
    }

    #[test]
    fn a_status_that_the_event_contradicts_is_told() {
        let booked = json!({ "resourceType": "Appointment", "status": "booked" });
        assert_eq!(differs("S12", &booked), None);
        assert_eq!(differs("S13", &booked), None);
        assert!(differs("S26", &booked).is_some_and(|text| text.contains("noshow") && text.contains("booked")));
    }
}
