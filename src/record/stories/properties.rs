//! Every story, shuffled and with repeats, ends in one record.

use proptest::prelude::*;
use serde_json::json;

use super::world::{Message, World, at, message};

/// The stories, by name.
pub fn stories() -> Vec<(&'static str, Vec<Message>)> {
    let register = || message("A04", 0, "1", "A").visit("V1", Some("EMER"), Some("2026-03-02T09:55:00Z"), None);
    let discharge =
        |minute, control| message("A03", minute, control, "A").visit("V1", None, None, Some("2026-03-02T12:00:00Z"));
    vec![
        (
            "an ED visit",
            vec![register(), message("A08", 30, "2", "A").visit("V1", None, None, None), discharge(120, "3")],
        ),
        (
            "an ED visit that becomes an admission by A06",
            vec![
                register(),
                message("A06", 60, "2", "A").visit("V1", None, None, None),
                message("A02", 90, "3", "A").visit("V1", Some("IMP"), None, None),
                discharge(120, "4"),
                message("A13", 130, "5", "A").visit("V1", None, None, None),
                message("A03", 600, "6", "A").visit("V1", None, None, None),
            ],
        ),
        (
            "an ED visit that becomes an admission by A01",
            vec![
                register(),
                message("A01", 60, "2", "A").visit("V1", Some("IMP"), Some("2026-03-02T10:58:00Z"), None),
                message("A08", 60, "3", "A").visit("V1", Some("IMP"), Some("2026-03-02T10:58:00Z"), None),
                discharge(120, "4"),
            ],
        ),
        (
            "a cancelled registration",
            vec![register(), message("A11", 10, "2", "A").visit("V1", None, None, None), discharge(20, "3")],
        ),
        (
            "two visits and a plan",
            vec![
                message("A05", -60, "0", "A").visit("V2", Some("IMP"), Some("2026-03-05"), None),
                register(),
                discharge(120, "3"),
                message("A01", 4000, "4", "A").visit("V2", Some("IMP"), None, None),
            ],
        ),
        (
            "an observation corrected",
            vec![
                message("R01", 5, "1", "A").observation("O1", "preliminary", Some(5), json!({ "valueString": "low" })),
                message("R01", 5, "2", "A").observation("O1", "final", Some(5), json!({ "valueInteger": 86 })),
                message("R01", 9, "3", "A").observation("O1", "corrected", Some(9), json!({ "valueInteger": 96 })),
                message("R01", 9, "4", "A").observation(
                    "O2",
                    "final",
                    None,
                    json!({ "dataAbsentReason": { "text": "x" } }),
                ),
            ],
        ),
        (
            "demographics stated, deleted and stated again",
            vec![
                register().patient_with("birthDate", json!("1950-01-01")).patient_with("gender", json!("male")),
                message("A31", 10, "2", "A").deleting("birthDate").patient_with("gender", json!("female")),
                message("A31", 20, "3", "A").patient_with("birthDate", json!("1951-01-01")).deleting("deceased[x]"),
                message("A08", 15, "4", "A").patient_with("deceasedBoolean", json!(true)).deleting("gender"),
                message("A08", 15, "4", "A").patient_with("deceasedDateTime", json!("2026")),
            ],
        ),
        ("telephones of two fields", telephones()),
        ("a visit through several beds", beds()),
        ("a number told of two persons", persons()),
        ("a result between preliminary and final", ranks()),
        ("a merge around both patients' visits", merged()),
        (
            "a visit that goes on under the surviving number",
            vec![
                message("A01", 0, "1", "B").visit("V1", Some("IMP"), None, None),
                message("A40", 50, "2", "A").merging("B"),
                message("A03", 90, "3", "A").visit("V1", Some("IMP"), None, None),
                message("A08", 95, "4", "C").visit("V1", Some("IMP"), None, None),
                message("A40", 96, "5", "D").merging("C"),
                message("A40", 97, "6", "D").merging("A"),
            ],
        ),
        (
            "a chain of merges",
            vec![
                message("A04", 0, "1", "B").visit("V1", Some("EMER"), None, None),
                message("A40", 10, "2", "A").merging("B").patient_with("gender", json!("male")),
                message("A40", 20, "3", "C").merging("A"),
                message("A03", 30, "4", "B").visit("V1", None, None, None),
                message("A01", 40, "5", "A").visit("V2", Some("IMP"), None, None),
                message("A31", 50, "6", "C").patient_with("gender", json!("female")),
            ],
        ),
    ]
}

/// Two fields that state one element, one identifier and one choice, stated and deleted one by one.
pub fn telephones() -> Vec<Message> {
    let phone = |value: &str| json!({ "value": value });
    let number = |value: &str| json!({ "system": "urn:ssn", "value": value });
    vec![
        message("A04", 0, "1", "A")
            .patient_by_field("telecom", &[("PID-13", phone("1")), ("PID-14", phone("2")), ("PID-13", phone("3"))]),
        message("A08", 10, "2", "A").deleting("telecom@PID-13").patient_with("deceasedDateTime", json!("2026")),
        message("A08", 20, "3", "A").patient_by_field("telecom", &[("PID-40", phone("4"))]).deleting("deceasedBoolean"),
        message("A08", 30, "4", "A").patient_by_field("telecom", &[("PID-13", phone("5"))]),
        message("update", 25, "5", "A").patient_with("telecom", json!([phone("6"), phone("7")])),
        message("A08", 40, "6", "A").deleting("telecom@PID-13").deleting("identifier@PID-19"),
        message("A08", 5, "7", "A").patient_by_field(
            "identifier",
            &[("PID-3", json!({ "system": "urn:mrn", "value": "A" })), ("PID-19", number("9"))],
        ),
        message("A08", 7, "8", "A").patient_with("deceasedBoolean", json!(true)),
        message("R01", 50, "9", "A")
            .patient_by_field("telecom", &[("PID-13", phone("8"))])
            .patient_with("gender", json!("male")),
    ]
}

/// A planned bed, transfers, one of them taken back, a discharge that is taken back, and results that only mention a bed.
pub fn beds() -> Vec<Message> {
    let visit = |trigger, minute, control| message(trigger, minute, control, "A").visit("V1", Some("IMP"), None, None);
    vec![
        visit("A05", -60, "0").place("PV1-3", "planned"),
        visit("A01", 0, "1").place("PV1-3", "4W"),
        visit("A02", 30, "2").place("PV1-3", "ICU").place("PV1-6", "4W"),
        visit("A02", 60, "3").place("PV1-3", "5E").place("PV1-42", "6N"),
        visit("A12", 70, "4").place("PV1-3", "ICU"),
        visit("R01", 80, "5").place("PV1-3", "LAB"),
        visit("A03", 120, "6").place("PV1-3", "ICU").disposed("01"),
        visit("A08", 125, "7").visit_deleting("period.end"),
        visit("A13", 130, "8"),
        visit("A03", 200, "9").disposed("20"),
        visit("A08", 210, "10").visit_deleting("hospitalization.dischargeDisposition"),
    ]
}

/// A number that is one person's by ADT, told of another later, and of a third by a result that came first.
pub fn persons() -> Vec<Message> {
    let person = |trigger, minute, control, family: &str, given: &str, birth: &str, sex: &str| {
        message(trigger, minute, control, "A")
            .patient_by_field("name", &[("PID-5", json!({ "family": family, "given": [given] }))])
            .patient_with("birthDate", json!(birth))
            .patient_with("gender", json!(sex))
    };
    let street = |line: &str| json!([{ "line": [line] }]);
    vec![
        person("R01", -30, "0", "Ilves", "Tiit", "2001-09-09", "male")
            .patient_with("maritalStatus", json!({ "text": "M" })),
        person("A04", 0, "1", "Halloran", "Edith", "1944-02-11", "female").patient_with("address", street("1 Mill Rd")),
        person("A08", 20, "2", "Petrov", "Ivan", "1990-06-01", "male").patient_with("address", street("9 Bay St")),
        person("A08", 30, "3", "Petrov", "Ivan", "1990-06-01", "male")
            .patient_with("maritalStatus", json!({ "text": "S" })),
        person("A31", 40, "4", "Halloran-Weiss", "Edith", "1944-02-11", "female"),
        message("A31", 50, "5", "A").patient_with("multipleBirthBoolean", json!(true)),
    ]
}

/// A final result, a preliminary one that was released later, a correction, and the final one again.
pub fn ranks() -> Vec<Message> {
    let result = |minute, control, status, value: i64| {
        message("R01", minute, control, "A").observation("O1", status, Some(minute), json!({ "valueInteger": value }))
    };
    vec![
        result(10, "1", "preliminary", 80),
        result(20, "2", "final", 81),
        result(40, "3", "preliminary", 82),
        result(30, "4", "corrected", 83),
        result(50, "5", "final", 81),
    ]
}

fn merged() -> Vec<Message> {
    vec![
        message("A04", 0, "1", "B").visit("V1", Some("EMER"), None, None).patient_with("gender", json!("female")),
        message("A03", 60, "2", "B").visit("V1", None, None, None),
        message("A40", 100, "3", "A").merging("B").patient_with("birthDate", json!("1950-01-01")),
        message("A40", 100, "3", "A").merging("B").patient_with("birthDate", json!("1950-01-01")),
        message("A01", 200, "4", "A").visit("V2", Some("IMP"), None, None),
        message("R01", 210, "5", "B").observation("O1", "final", None, json!({ "valueInteger": 86 })),
    ]
}

fn shuffled() -> impl Strategy<Value = (&'static str, Vec<Message>, Vec<Message>)> {
    (0..stories().len()).prop_flat_map(|number| {
        let (name, story) = stories().swap_remove(number);
        let doubled: Vec<Message> = story.iter().chain(story.iter()).cloned().collect();
        (Just(name), Just(story), Just(doubled).prop_shuffle())
    })
}

/// Anything about two visits of three patients, who may be merged in a chain at any time.
fn anything() -> impl Strategy<Value = (Vec<Message>, Vec<Message>)> {
    const TRIGGERS: [&str; 17] = [
        "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A10", "A11", "A12", "A13", "A21", "A22", "A38", "R01",
        "update",
    ];
    const DELETED: [&str; 4] =
        ["period.end", "hospitalization.dischargeDisposition", "hospitalization.admitSource", "location@PV1-3"];
    let minute = || (0_i64..12).prop_map(|step| step * 10);
    let moment = || proptest::option::of(minute().prop_map(|minute| at(minute).to_string()));
    let class = proptest::option::of(prop::sample::select(vec!["EMER", "IMP", "AMB"]));
    let one = (
        prop::sample::select(TRIGGERS.to_vec()),
        minute(),
        prop::sample::select(vec!["A", "B", "C"]),
        prop::sample::select(vec!["V1", "V2"]),
        class,
        (moment(), moment()),
        (
            proptest::option::of(prop::sample::select(vec![
                ("PV1-3", "4W"),
                ("PV1-3", "ICU"),
                ("PV1-6", "4W"),
                ("PV2-1", "5E"),
            ])),
            proptest::option::of(prop::sample::select(vec!["01", "20"])),
            proptest::option::of(prop::sample::select(DELETED.to_vec())),
        ),
    );
    (prop::collection::vec(one, 1..9), 0..4_usize).prop_flat_map(|(messages, merges)| {
        let numbered = messages.into_iter().enumerate();
        let mut story: Vec<Message> = numbered
            .map(|(number, (trigger, minute, mrn, visit, class, (start, end), (place, disposition, deleted)))| {
                let control: &'static str = Box::leak(number.to_string().into_boxed_str());
                let mut told = message(trigger, minute, control, mrn);
                told = told.visit(visit, class, start.as_deref(), end.as_deref());
                told = place.into_iter().fold(told, |told, (field, bed)| told.place(field, bed));
                told = disposition.into_iter().fold(told, Message::disposed);
                deleted.into_iter().fold(told, Message::visit_deleting)
            })
            .collect();
        let chain = [message("A40", 15, "m1", "A").merging("B"), message("A40", 45, "m2", "C").merging("A")];
        story.extend(chain.into_iter().enumerate().filter(|(bit, _)| merges & (1 << bit) != 0).map(|(_, merge)| merge));
        (Just(story.clone()), Just(story).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn even_nonsense_ends_the_same_in_any_order((story, shuffled) in anything()) {
        prop_assert_eq!(World::after(&story).snapshot(), World::after(&shuffled).snapshot());
    }
}

/// Anything said of one patient's list, choice, member and identity, field by field, as a whole, deleted, or in passing.
fn any_demographics() -> impl Strategy<Value = (Vec<Message>, Vec<Message>)> {
    let one = (
        prop::sample::select(vec!["A04", "A08", "A31", "R01", "update"]),
        (0_i64..8).prop_map(|step| step * 10),
        proptest::option::of(prop::sample::select(vec!["PID-13", "PID-14", ""])),
        proptest::option::of(prop::sample::select(vec!["telecom@PID-13", "telecom", "deceasedBoolean", "birthDate"])),
        proptest::option::of(prop::sample::select(vec!["deceasedBoolean", "deceasedDateTime"])),
        proptest::option::of(prop::sample::select(vec![
            ("Halloran", "1944-02-11", "female"),
            ("Petrov", "1990-06-01", "male"),
            ("Petrov", "1944-02-11", "female"),
            ("Ilves", "2001-09-09", "male"),
        ])),
    );
    prop::collection::vec(one, 1..8).prop_flat_map(|messages| {
        let story: Vec<Message> = messages
            .into_iter()
            .enumerate()
            .map(|(number, (trigger, minute, field, deleted, choice, person))| {
                let control: &'static str = Box::leak(number.to_string().into_boxed_str());
                let mut told = message(trigger, minute, control, "A");
                let phone = json!({ "value": number.to_string() });
                told = match field {
                    Some("") => told.patient_with("telecom", json!([phone])),
                    Some(field) => told.patient_by_field("telecom", &[(field, phone.clone()), (field, phone)]),
                    None => told,
                };
                told =
                    choice.into_iter().fold(told, |told, choice| told.patient_with(choice, json!(number.to_string())));
                if let Some((family, birth, sex)) = person {
                    told = told.patient_by_field("name", &[("PID-5", json!({ "family": family, "given": [family] }))]);
                    told = told.patient_with("birthDate", json!(birth)).patient_with("gender", json!(sex));
                }
                deleted
                    .into_iter()
                    .filter(|part| *part != "birthDate" || person.is_none())
                    .fold(told, Message::deleting)
            })
            .collect();
        (Just(story.clone()), Just(story).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_of_a_patient_ends_the_same_in_any_order((story, shuffled) in any_demographics()) {
        prop_assert_eq!(World::after(&story).snapshot(), World::after(&shuffled).snapshot());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_order_with_any_repeats_ends_in_the_same_record((name, story, shuffled) in shuffled()) {
        let (straight, other) = (World::after(&story), World::after(&shuffled));
        prop_assert_eq!(straight.snapshot(), other.snapshot(), "{}", name);
        let refused = |world: &World| world.problems.iter().filter(|problem| problem.is_error()).count();
        prop_assert_eq!((refused(&straight), refused(&other)), (0, 0), "{}", name);
    }
}

#[test]
fn a_resend_changes_nothing_at_all() {
    for (name, story) in stories() {
        let mut world = World::after(&story);
        let before = world.resources.clone();
        story.iter().for_each(|message| world.play(message));
        assert_eq!(before, world.resources, "{name}");
    }
}
