//! What each measure counts, in the words that stand beside its number.

use crate::protocol::Measured;

/// One measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// As its address ends: `https://handover.health/Measure/follow-up-7-days`.
    pub id: &'static str,
    pub title: &'static str,
    /// Below the line, and above it.
    pub denominator: &'static str,
    pub numerator: &'static str,
    /// What it counts; none is how many alerts there are in a week of a patient.
    pub of: Option<Measured>,
}

impl Definition {
    /// Whether less of it is better.
    pub fn falls(&self) -> bool {
        self.of.is_none()
    }
}

const ENDED: &str = "emergency visits and stays that ended in the month; each counts for itself";

pub const MEASURES: [Definition; 9] = [
    Definition {
        id: "follow-up-2-days",
        title: "Followed up within 2 business days",
        denominator: ENDED,
        numerator: "of those, a visit outside of hospitals, or the patient or a caregiver reached, by the end of the second business day",
        of: Some(Measured::FollowUp2),
    },
    Definition {
        id: "follow-up-7-days",
        title: "Followed up within 7 days",
        denominator: ENDED,
        numerator: "of those, a visit outside of hospitals, or the patient or a caregiver reached, by the end of the seventh day",
        of: Some(Measured::FollowUp7),
    },
    Definition {
        id: "follow-up-30-days",
        title: "Followed up within 30 days",
        denominator: ENDED,
        numerator: "of those, a visit outside of hospitals, or the patient or a caregiver reached, by the end of the thirtieth day",
        of: Some(Measured::FollowUp30),
    },
    Definition {
        id: "referral-loops",
        title: "Referrals closed with a report",
        denominator: "referrals that were requested in the month and not withdrawn",
        numerator: "of those, the report came within 90 days and, where a rule asks for it, was read",
        of: Some(Measured::ReferralLoops),
    },
    Definition {
        id: "alert-response",
        title: "Alerts answered in time",
        denominator: "alerts that were raised in the month",
        numerator: "of those, a person took it on or ended it by when its rule asks for a response",
        of: Some(Measured::AlertResponse),
    },
    Definition {
        id: "alerts-per-patient-week",
        title: "Alerts per patient and week",
        denominator: "weeks of the people on the practice’s panel, as the roster is now: people times days of the month so far, by seven",
        numerator: "alerts that were raised in the month",
        of: None,
    },
    Definition {
        id: "assessments-30-days",
        title: "Assessments finished in time",
        denominator: "people who joined a programme in the month that asks for an assessment",
        numerator: "of those, the assessment was finished by when the rule asks for it (30 days in the programme that comes with it)",
        of: Some(Measured::Assessments),
    },
    Definition {
        id: "prompts-answered",
        title: "Questions answered",
        denominator: "answers that were given in the month, and questions that came up in it and nobody answered",
        numerator: "of those, answers other than those that put the question off",
        of: Some(Measured::PromptsAnswered),
    },
    Definition {
        id: "contacts-kept",
        title: "Contacts of programmes kept",
        denominator: "contacts that a programme asked for in the month, by the level of care",
        numerator: "of those, the patient was seen or called by when the rule asks for it",
        of: Some(Measured::Contacts),
    },
];
