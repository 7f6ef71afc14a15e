//! The site that is measured: two hospitals' feeds, and any number of practices with a roster each. Only keys that older commits
//! know too, so that two commits can be compared on it.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

/// How many practices there are, each a partner with one panel, and how many people are on all rosters together.
#[derive(Clone, Copy)]
pub struct Plan {
    pub practices: usize,
    pub members: usize,
}

/// Whose number it is, by a number that counts on.
pub type Whose = fn(usize) -> usize;

/// The hospital number of somebody on a roster, and of somebody who is on none.
pub fn member(number: usize) -> usize {
    2_000_000 + number
}

pub fn stranger(number: usize) -> usize {
    8_000_000 + number
}

/// Writes the site. `reader` is what stands under `client:` of the first partner.
pub fn write(folder: &Path, plan: Plan, receiver: SocketAddr, reader: &str) {
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    put("handover.yaml", HANDOVER.replace("PORT", &port.to_string()));
    for (name, number) in [("riverside", "5"), ("hilltop", "6")] {
        let upper = name.to_uppercase();
        put(
            &format!("feeds/{name}.yaml"),
            FEED.replace("NAME", name).replace("UPPER", &upper).replace("NUMBER", number),
        );
    }
    for practice in 0..plan.practices {
        let name = format!("practice-{practice}");
        let with = |text: &str| {
            text.replace("NAME", &name)
                .replace("NPI", &(1_993_000_000 + practice).to_string())
                .replace("RECEIVER", &receiver.to_string())
        };
        let client = if practice == 0 { reader } else { "" };
        put(&format!("partners/{name}.yaml"), with(PARTNER) + client);
        put(&format!("agreements/{name}.yaml"), with(AGREEMENT));
        put(&format!("panels/{name}.yaml"), with(PANEL));
        let mut roster = "member_id,mrn:RIVERSIDE,practitioner,care_manager,language,phone\n".to_string();
        for number in (practice..plan.members).step_by(plan.practices) {
            let mrn = member(number);
            writeln!(roster, "M-{number},{mrn},Dr. Helen Park,Nia Brooks RN,en,555-014-1001").unwrap();
        }
        put(&format!("panels/{name}.csv"), roster);
    }
}

const HANDOVER: &str = "data: data
store: { engine: fjall }
http: { listen: \"127.0.0.1:PORT\" }
application: HANDOVER
facility: BENCH
";

const FEED: &str = "feed: NAME
mllp: { listen: \"127.0.0.1:0\" }
zone: America/New_York
authorities:
  namespaces:
    UPPER: urn:oid:2.16.840.1.113883.19.NUMBER
    UPPER-VISIT: urn:oid:2.16.840.1.113883.19.NUMBER.1
  default_patient: UPPER
  default_visit: UPPER-VISIT
identified_by: [UPPER]
accepts: [ADT^*, ORU^R01]
limits: { frame_bytes: 8388608, connections: 300, in_flight: 300 }
";

const PARTNER: &str = "partner: NAME
identifier: { system: \"http://hl7.org/fhir/sid/us-npi\", value: \"NPI\" }
fhir:
  base: http://RECEIVER/NAME/fhir
  smart:
    client_id: handover-bench
    scopes: [system/*.cruds]
  rate_per_sec: 10000
  parallel: 16
";

const AGREEMENT: &str = "agreement: riverside-hospital ↔ NAME
partner: NAME
valid: { from: 2020-01-01, to: 2036-12-31 }
purpose: [TREAT, CAREMGT]
patients: { panel: NAME }
receives:
  - { resource: Task, push: immediate, pull: true }
  - { resource: CarePlan, push: on-change, pull: true }
  - { resource: Flag, push: immediate, pull: true }
  - { resource: Communication, push: immediate, pull: true }
  - { resource: Patient, push: on-change, pull: true, without: [contact] }
  - { resource: Encounter, push: immediate, pull: true, without: [participant.individual] }
  - { resource: Observation, push: on-change, pull: true }
  - { resource: Condition, pull: true }
sends: [Task.status]
never: [42CFRPart2, R, V]
";

const PANEL: &str = "panel: NAME
partner: NAME
members: panels/NAME.csv
member_system: https://NAME.example/member
practice:
  name: NAME
  identifier: { system: \"http://hl7.org/fhir/sid/us-npi\", value: \"NPI\" }
  zone: America/New_York
  calendar: us-federal
  phone: 555-014-0100
roles:
  care_manager: { name: Nia Brooks RN, phone: 555-014-0110 }
  coach: { name: Tomas Reyes, phone: 555-014-0120 }
  clinician: { name: Dr. Helen Park, phone: 555-014-0130 }
";
