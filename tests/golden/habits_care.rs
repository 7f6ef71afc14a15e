//! The right values of what strangers sent: readings, alerts, diagnoses, visits, and who may merge whom.

use serde_json::Value;

use super::habits::{Case, Seen, Then, case};

/// The reading is there as a number, and nobody had to guess in silence.
fn saturation(seen: &Seen) -> bool {
    seen.codes == ["AA"] && seen.measures("59408-5", 84.0, "%")
}

fn saturation_alert(seen: &Seen) -> bool {
    saturation(seen) && seen.escalates("oxygen-saturation")
}

fn pressure(seen: &Seen) -> bool {
    seen.measures("8480-6", 190.0, "mm[Hg]") && seen.measures("8462-4", 125.0, "mm[Hg]")
}

fn mental(seen: &Seen) -> bool {
    !seen.open("ed-follow-up-mental-health").is_empty()
}

/// A feed for the other hospital, and a roster row that holds both numbers.
fn eastside(feed: &str) -> Vec<(&'static str, String)> {
    let other = feed
        .replace("feed: riverside", "feed: elsewhere")
        .replace("2575", "2576")
        .replace("RIVERSIDE", "EASTSIDE")
        .replace("113883.19.5", "113883.19.77");
    let roster = "member_id,mrn:RIVERSIDE,mrn:EASTSIDE,practitioner,care_manager,language,phone\n\
                  L-2015,5015,E5015,Dr. Helen Park,Nia Brooks RN,en,555-014-2015\n";
    vec![("feeds/elsewhere.yaml", other), ("panels/lakeside.csv", roster.to_string())]
}

const AN_HOUR: &[(usize, Then)] = &[(1, Then::Pass(1))];

pub const CARE: &[Case] = &[
    case("alerts-and-protocols/e57-spo2-st.hl7", "a number written as ST is a reading", saturation),
    case("alerts-and-protocols/e57b-spo2-pct.hl7", "84% is a reading", saturation),
    case("alerts-and-protocols/e57c-spo2-plain.hl7", "the plain one", saturation),
    case("alerts-and-protocols/e57e-spo2-notype.hl7", "a number without OBX-2 is a reading", saturation),
    case("alerts-and-protocols/e57f-spo2-comma.hl7", "84,0 is a reading, or it is said", |seen| {
        saturation(seen) || seen.says("comma")
    }),
    Case { then: AN_HOUR, ..case("alerts-and-protocols/i06-obx.hl7", "84 % escalates", saturation_alert) },
    case("alerts-and-protocols/i07-obx.hl7", "84^87 is used or said", |seen| saturation(seen) || seen.says("reading")),
    case(
        "alerts-and-protocols/e57d-spo2-nounit.hl7",
        "used where only one unit makes it plausible, and said",
        |seen| saturation(seen) && seen.says("unit"),
    ),
    Case {
        then: &[(4, Then::Pass(1))],
        ..case("alerts-and-protocols/spo2-no-unit.hl7", "four ways to write one reading, four escalations", |seen| {
            seen.open("oxygen-saturation").len() == 4
        })
    },
    case("alerts-and-protocols/e58-no-obx11.hl7", "a missing status is not no reading", saturation),
    Case { then: AN_HOUR, ..case("alerts-and-protocols/j00-st-none.hl7", "an empty status", saturation_alert) },
    Case { then: AN_HOUR, ..case("alerts-and-protocols/j06-st-I.hl7", "pending, with a value", saturation_alert) },
    Case { then: AN_HOUR, ..case("alerts-and-protocols/j10-st-O.hl7", "ordered, with a value", saturation_alert) },
    case("alerts-and-protocols/e59-bp-text.hl7", "190/125 is a pressure", pressure),
    case("alerts-and-protocols/e59b-bp-nm.hl7", "190/125 as NM is a pressure", pressure),
    case("alerts-and-protocols/e59e-bp-two-st.hl7", "two texts are a pressure", pressure),
    Case {
        then: AN_HOUR,
        ..case("alerts-and-protocols/bp-as-text.hl7", "a pressure as text escalates", |seen| {
            seen.escalates("blood-pressure")
        })
    },
    case("alerts-and-protocols/i12-obx.hl7", "a code without its system is said", |seen| seen.says("OBX-3")),
    case("alerts-and-protocols/e79-dg1-none.hl7", "a diagnosis without its system is said", |seen| seen.says("DG1-3")),
    case("alerts-and-protocols/n15-class-none.hl7", "a visit without its class is said", |seen| seen.says("PV1-2")),
    case("alerts-and-protocols/i00-obx.hl7", "the comparator is kept", |seen| {
        seen.one("Observation")["valueQuantity"]["comparator"] == ">"
    }),
    case("alerts-and-protocols/e56-gt45.hl7", "the comparator is kept, in NM too", |seen| {
        seen.of("Observation").count() == 2
            && seen.of("Observation").all(|result| result["valueQuantity"]["comparator"] == ">")
    }),
    case("alerts-and-protocols/i09-obx.hl7", "a number as a code is used or said", |seen| {
        saturation(seen) || seen.says("reading")
    }),
    Case {
        then: &[(2, Then::Accept("high")), (4, Then::Pass(1))],
        ..case(
            "alerts-and-protocols/accepted-then-worse.hl7",
            "worse than what was accepted comes back as requested",
            |seen| seen.open("blood-pressure").iter().any(|task| task["status"] == "requested"),
        )
    },
    Case {
        then: &[(4, Then::Pass(1))],
        ..case("alerts-and-protocols/hypotension-closes.hl7", "70/40 is not back in range; it escalates", |seen| {
            seen.escalates("blood-pressure")
                && !seen.record.iter().any(|one| one.to_string().contains("back in range: sys"))
        })
    },
    case("alerts-and-protocols/one-sitting.hl7", "20 seconds apart is one sitting, never two of three", |seen| {
        seen.open("blood-pressure").is_empty()
    }),
    Case {
        then: &[(3, Then::Pass(1))],
        ..case("alerts-and-protocols/implausible.hl7", "implausible is work to repeat, three times", |seen| {
            let repeat = |task: &&&Value| task.to_string().to_lowercase().contains("repeat");
            seen.of("Task").collect::<Vec<_>>().iter().filter(repeat).count() == 3
                && !seen.escalates("blood-pressure-high")
        })
    },
    case("alerts-and-protocols/died-exp.hl7", "no call is owed to the dead", |seen| {
        seen.open("ed-follow-up").is_empty()
    }),
    case("alerts-and-protocols/ankle-with-anxiety.hl7", "the principal diagnosis is an injury", |seen| {
        !mental(seen) && !seen.open("ed-follow-up").is_empty()
    }),
    case("alerts-and-protocols/paracetamol-overdose.hl7", "self-harm in any position", mental),
    Case {
        then: &[(3, Then::Pass(24))],
        ..case("alerts-and-protocols/xray-closes-suicide-follow-up.hl7", "an X-ray is no mental-health visit", |seen| {
            mental(seen) && seen.open("ed-follow-up").len() >= 2
        })
    },
    Case {
        then: &[(3, Then::Pass(1))],
        ..case("alerts-and-protocols/copd-working-diagnosis.hl7", "a working diagnosis lowers no threshold", |seen| {
            !seen.open("oxygen-saturation").is_empty()
        })
    },
    case("alerts-and-protocols/pneumonia-with-copd.hl7", "pneumonia is no exacerbation of COPD", |seen| {
        seen.open("exacerbation").is_empty()
    }),
    Case {
        then: &[(2, Then::Pass(2))],
        ..case("alerts-and-protocols/ward-vitals.hl7", "a ward's vital signs call no coach at home", |seen| {
            seen.open("oxygen-saturation").is_empty()
        })
    },
    Case {
        then: &[(1, Then::Pass(80))],
        ..case("alerts-and-protocols/a03-never-came.hl7", "find out how this visit ended", |seen| {
            seen.of("Task").any(|task| task.to_string().to_lowercase().contains("how"))
        })
    },
    Case {
        elsewhere: 2,
        site: Some(eastside),
        ..case("alerts-and-protocols/two-hospitals.hl7", "one record for both numbers; the call is not owed", |seen| {
            seen.of("Patient").filter(|patient| patient["active"] != false).count() == 1
                && seen.open("ed-follow-up").is_empty()
        })
    },
    Case {
        open: Some("transitional care comes with the programmes of care"),
        ..case("alerts-and-protocols/hf-discharge-no-tcm.hl7", "contact, visit, medicines", |seen| {
            !seen.open("transitional-care").is_empty()
        })
    },
    case("security/foreign-merge.hl7", "a feed merges only what it owns", |seen| {
        seen.codes != ["AA"] || seen.says("merge")
    }),
];
