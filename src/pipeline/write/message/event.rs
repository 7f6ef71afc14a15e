//! What a message's event means for the visit in its focus, in the trigger events of HL7 v2.5.1, chapter 3.3, by which the record follows a
//! visit (`record/encounter`): the codes of the guide with those of its drafts, which senders still use, and v2's own (table 0003).

use serde_json::Value;

/// The triggers of v2 that say what became of one visit and need nothing that FHIR has not.
const TRIGGERS: [&str; 13] =
    ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A10", "A11", "A13", "A21", "A22"];

/// What is refused is told this.
pub(super) const KNOWN: &str = "known are notification-admit, notification-transfer and notification-discharge, of visits ADT_A01 to ADT_A08, A10, \
                                A11, A13, A21 and A22";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Admit,
    Transfer,
    Discharge,
    /// One of v2's.
    Other(&'static str),
}

impl Event {
    /// By its code; none where it is nothing that happens to a visit.
    pub fn of(code: &str) -> Option<Self> {
        let code = code.trim();
        if let Some(named) = code.strip_prefix("notification-") {
            // `notification-admit-er`, `notification-discharge-home`: drafts of the guide.
            return match named.split('-').next() {
                Some("admit") => Some(Self::Admit),
                Some("transfer") => Some(Self::Transfer),
                Some("discharge") => Some(Self::Discharge),
                _ => None,
            };
        }
        // `A01`, `ADT_A01`, `ADT^A01^ADT_A01`
        let named = code.strip_prefix("ADT").map_or(code, |rest| rest.trim_start_matches(['_', '^', '-']));
        let named = named.split('^').next().unwrap_or(named);
        TRIGGERS.into_iter().find(|known| *known == named).map(|trigger| match trigger {
            "A01" | "A04" => Self::Admit,
            "A02" => Self::Transfer,
            "A03" => Self::Discharge,
            other => Self::Other(other),
        })
    }

    /// The trigger for a visit of this class and status, the status that the visit has by it, and what there is to say where the
    /// two do not go together: the visit as it stands outweighs the name of what happened.
    ///
    /// # Errors
    /// Both cannot be true.
    pub fn judge(self, class: &str, status: &str) -> Result<(&'static str, &'static str, Option<String>), String> {
        let differs = |word: &str, to: &str| {
            Some(format!("the event is {word}, and the visit is {status}; it was taken as {to}"))
        };
        let is_inpatient = matches!(class, "IMP" | "ACUTE" | "NONAC" | "OBSENC" | "SS");
        let admit = if is_inpatient { "A01" } else { "A04" };
        Ok(match (self, status) {
            (Self::Other(trigger), _) => (trigger, "", None),
            (Self::Admit, "in-progress" | "") => (admit, "in-progress", None),
            (Self::Transfer, "in-progress" | "arrived" | "triaged" | "onleave" | "unknown" | "") => ("A02", "", None),
            (Self::Discharge, "finished" | "") => ("A03", "finished", None),
            (Self::Admit, "arrived" | "triaged" | "onleave" | "unknown") => {
                (admit, "in-progress", differs("an admission", "in-progress"))
            }
            (Self::Admit, "finished") => ("A03", "finished", differs("an admission", "over")),
            (Self::Transfer, "finished") => ("A03", "finished", differs("a transfer", "over")),
            (Self::Admit | Self::Transfer, "planned") => {
                ("A05", "planned", differs("an admission or a transfer", "planned"))
            }
            (Self::Discharge, "planned") => {
                return Err("the visit is planned, and the event is a discharge; only one of them can be".to_string());
            }
            (Self::Discharge, "in-progress" | "arrived" | "triaged" | "onleave" | "unknown") => {
                ("A03", "finished", differs("a discharge", "finished"))
            }
            (_, "cancelled" | "entered-in-error") => ("A11", "cancelled", differs("not a cancellation", "cancelled")),
            _ => return Err("this is no status of a visit".to_string()),
        })
    }
}

/// When it happened, as far as the visit says so: the time of the trigger, as R4 writes times with an offset.
pub(super) fn happened<'e>(trigger: &str, visit: &'e Value) -> Option<&'e str> {
    let bound = |name: &str| visit.pointer(&format!("/period/{name}")).and_then(Value::as_str);
    match trigger {
        "A01" | "A04" => bound("start"),
        "A03" => bound("end"),
        "A02" => {
            let places = visit.get("location").and_then(Value::as_array).into_iter().flatten();
            let now = places.filter(|one| one.get("status").is_none_or(|status| status == "active"));
            now.filter_map(|one| one.pointer("/period/start").and_then(Value::as_str)).next_back()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pipeline::write::message::header::event_code;

    #[test]
    fn events_are_known_as_senders_write_them() {
        let coded = |code: &str| Event::of(event_code(&json!({ "eventCoding": { "code": code } })).unwrap_or_default());
        assert_eq!(coded("notification-admit"), Some(Event::Admit));
        assert_eq!(coded("notification-admit-forobservation"), Some(Event::Admit));
        assert_eq!(coded("notification-discharge-rehab"), Some(Event::Discharge));
        assert_eq!(coded("notification-transfer"), Some(Event::Transfer));
        assert_eq!(coded("ADT^A03^ADT_A03"), Some(Event::Discharge));
        assert_eq!(coded("ADT_A01"), Some(Event::Admit));
        assert_eq!(coded("A13"), Some(Event::Other("A13")));
        assert_eq!([coded("notification-birth"), coded("A40"), coded("ORU_R01")], [None, None, None]);
        let uri = |uri: &str| Event::of(event_code(&json!({ "eventUri": uri })).unwrap_or_default());
        assert_eq!(
            uri("http://hl7.org/fhir/us/davinci-alerts/notification-event#notification-admit"),
            Some(Event::Admit)
        );
        assert_eq!(uri("urn:adt:A02"), Some(Event::Transfer));
        assert_eq!(event_code(&json!({})), None);
    }

    #[test]
    fn a_visit_as_it_stands_outweighs_the_name_of_what_happened() {
        let of = |event: Event, status: &str| {
            event.judge("EMER", status).map(|(trigger, _, note)| (trigger, note.is_some()))
        };
        assert_eq!(of(Event::Admit, "in-progress"), Ok(("A04", false)));
        assert_eq!(Event::Admit.judge("OBSENC", "in-progress").unwrap().0, "A01");
        assert_eq!(of(Event::Admit, "finished"), Ok(("A03", true)));
        assert_eq!(of(Event::Transfer, "in-progress"), Ok(("A02", false)));
        assert_eq!(of(Event::Discharge, "in-progress"), Ok(("A03", true)));
        assert_eq!(of(Event::Discharge, "cancelled"), Ok(("A11", true)));
        assert!(of(Event::Discharge, "planned").is_err());
    }
}
