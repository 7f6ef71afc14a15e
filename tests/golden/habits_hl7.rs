//! The right values of what strangers sent: HL7, kind by kind.

use serde_json::Value;

use super::habits::{Case, Seen, case};

/// The patient's name was read, or it is said that letters may be wrong.
fn mueller(seen: &Seen) -> bool {
    seen.one("Patient").to_string().contains("Müller") || seen.says("not UTF-8")
}

fn merged(seen: &Seen, count: usize) -> bool {
    let replaced = |patient: &&Value| patient.to_string().contains("replaced-by");
    seen.codes.iter().all(|code| code == "AA") && seen.of("Patient").filter(replaced).count() == count
}

fn start(seen: &Seen) -> &str {
    seen.one("Encounter")["period"]["start"].as_str().unwrap_or_default()
}

/// Kept without effect: nothing in the record, nothing to do, nothing sent.
fn kept_only(seen: &Seen) -> bool {
    seen.codes == ["AA"] && seen.record.is_empty() && seen.deliveries.is_empty() && seen.says("MSH-11")
}

/// A time that was read otherwise than it is written, or not at all, is said.
fn time_is_said(seen: &Seen) -> bool {
    seen.codes == ["AA"] && seen.said.iter().any(|line| line.contains("PV1-4"))
}

fn has_text(seen: &Seen, text: &str) -> bool {
    seen.record.iter().any(|resource| resource.to_string().contains(text)) || !seen.unread.is_empty()
}

fn period_is_forward(seen: &Seen) -> bool {
    let period = &seen.one("Encounter")["period"];
    let moment = |end: &str| period[end].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    moment("start").zip(moment("end")).is_none_or(|(start, end)| start <= end)
}

pub const HL7: &[Case] = &[
    case("hl7/null-deletes.hl7", "null deletes what its field states, and no more", |seen| {
        let patient = seen.one("Patient").to_string();
        ["2135-2", "Boston", "555-2222", "CHR"].iter().all(|kept| patient.contains(kept))
            && !patient.contains("2106-3")
            && !patient.contains("555-1111")
            && patient.contains("Smith")
    }),
    case("hl7/class-v.hl7", "V is no ActCode", |seen| {
        let class = &seen.one("Encounter")["class"];
        class["code"] != "V" || class["system"] != "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    }),
    case("hl7/preliminary-resent-after-final.hl7", "one result, final, 141", |seen| {
        let result = seen.one("Observation");
        result["status"] == "final" && result["valueQuantity"]["value"].as_f64() == Some(141.0)
    }),
    case("hl7/collection-time-corrected.hl7", "one result, corrected, taken at 10:03", |seen| {
        let result = seen.one("Observation");
        result["status"] == "corrected" && result["effectiveDateTime"].as_str().unwrap().contains("T10:03")
    }),
    case("hl7/lab-without-visit-number.hl7", "a laboratory message makes no running visit", |seen| {
        seen.of("Encounter").all(|visit| visit["status"] == "unknown")
    }),
    case("hl7/a13-keeps-disposition.hl7", "in progress, no disposition", |seen| {
        let visit = seen.one("Encounter");
        visit["status"] == "in-progress" && visit["hospitalization"]["dischargeDisposition"].is_null()
    }),
    case("hl7/a40-two-patients.hl7", "both merges are done", |seen| merged(seen, 2)),
    case("hl7/l03-a40-two-groups.hl7", "both merges are done", |seen| merged(seen, 2)),
    case("hl7/l02-two-pids-same.hl7", "it is one patient", |seen| {
        seen.codes == ["AA"] && seen.of("Patient").count() == 1 && seen.of("Observation").count() == 2
    }),
    case("hl7/oru-without-trigger.hl7", "taken as ORU^R01", |seen| seen.codes == ["AA"]),
    case("hl7/sad-address.hl7", "line [123 Main St, Apt 4]", |seen| {
        seen.one("Patient")["address"][0]["line"] == serde_json::json!(["123 Main St", "Apt 4"])
    }),
    case("hl7/dst-gap.hl7", "an hour that is not is said, and printed as it sorts", |seen| {
        start(seen).contains("T03:30")
    }),
    case("hl7/b31-dst.hl7", "the message's offset decides; no end before its start", period_is_forward),
    case("hl7/p1-dst-no-offset.hl7", "no end before its start", period_is_forward),
    case("hl7/p3-dst-oru.hl7", "01:10 in the second pass of the hour", |seen| {
        seen.one("Observation")["effectiveDateTime"].as_str().unwrap().ends_with("-05:00")
    }),
    case("hl7/b24-msh7-zone.hl7", "04:00-08:00", |seen| start(seen) == "2026-11-25T04:00:00-08:00"),
    case("hl7/p5-msh7-oru.hl7", "01:20-08:00", |seen| {
        seen.one("Observation")["effectiveDateTime"] == "2026-11-25T01:20:00-08:00"
    }),
    case("hl7/report-without-obx3.hl7", "the text is kept as a report", |seen| {
        has_text(seen, "Markedly intense uptake") && has_text(seen, "No metastasis")
    }),
    case("hl7/ed-document.hl7", "the bytes become an attachment", |seen| {
        seen.record.iter().any(|one| one.to_string().contains("JVBERi0xLjQK"))
            && !seen.record.iter().any(|one| one.to_string().contains("AP PDF Base64"))
    }),
    case("hl7/nkda.hl7", "no active allergy to no known drug allergies", |seen| {
        seen.of("AllergyIntolerance")
            .all(|allergy| allergy.to_string().contains("716186003") || allergy.to_string().contains("409137002"))
    }),
    // UNK stands alone or not at all (us-core-23): beside a known category U is listed as unread, and the text has it.
    case("hl7/race-detail.hl7", "detailed 2034-7 under 2028-9; U is no category beside it", |seen| {
        let patient = seen.one("Patient").to_string();
        patient.contains("2034-7") && patient.contains("2028-9") && patient.contains("Unknown")
    }),
    case("hl7/nr.hl7", "a range is a value", |seen| has_text(seen, "10")),
    case("hl7/tn.hl7", "a telephone number is a value", |seen| has_text(seen, "(916)555-1212")),
    case("hl7/obx5-cp-mo.hl7", "every type has a value", |seen| {
        ["17.50", "123", "Place", "Doe"].iter().all(|text| has_text(seen, text))
    }),
    case("hl7/x0d.hl7", "three lines", |seen| {
        seen.one("Observation")["valueString"] == "No edema.\nLungs clear.\nPlan: home"
    }),
    case("hl7/dg1-same-code-A-then-F.hl7", "confirmed", |seen| {
        seen.one("Condition")["verificationStatus"].to_string().contains("\"confirmed\"")
    }),
    case("hl7/obr-nte-lost.hl7", "the order's note is kept", |seen| {
        seen.record.iter().any(|one| one.to_string().contains("order comment"))
    }),
    case("hl7/a15-proc-T.hl7", "training is kept without effect", kept_only),
    case("hl7/a15b-proc-D.hl7", "debugging is kept without effect", kept_only),
    case("hl7/a15c-proc-PT.hl7", "P^T is production in current processing", |seen| seen.codes == ["AA"]),
    case("hl7/b29-hour24.hl7", "24:00 is the next day's midnight", |seen| {
        time_is_said(seen) && seen.one("Encounter")["period"]["end"].to_string().contains("2026-11-25T00:00")
    }),
    case("hl7/b30-frac7.hl7", "seven digits of a second", |seen| {
        time_is_said(seen) && start(seen).starts_with("2026-11-25T04:00:00")
    }),
    case("hl7/g00-date.hl7", "a time that cannot be read is said", time_is_said),
    case("hl7/g05-date.hl7", "dashes and colons are read", |seen| {
        time_is_said(seen) && start(seen).starts_with("2026-11-25T04:00:00")
    }),
    case("hl7/g10-date.hl7", "a sixtieth second is said", time_is_said),
    case("hl7/g15-date.hl7", "the degree of precision is no fault", |seen| {
        seen.codes == ["AA"] && start(seen).starts_with("2026-11-25T04:00:00")
    }),
    case("hl7/k04-says-8859-1-is-utf8.hl7", "Müller", |seen| seen.one("Patient").to_string().contains("Müller")),
    case("hl7/k08-cp850.hl7", "Müller, or a warning", mueller),
    case("hl7/k10-windows-1250-nocharset.hl7", "a warning", mueller),
    case("hl7/c37b-amp-name.hl7", "nothing of Smith & Jones is lost", |seen| {
        seen.one("Patient").to_string().contains("Smith & Jones")
    }),
    case("hl7/d44-a39-v23.hl7", "a merge", |seen| merged(seen, 1)),
];
