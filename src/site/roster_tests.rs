//! Rosters as practices really send them: other separators, byte order marks, quotes, and rows with faults.

use super::roster::{Roster, read};
use super::{Panel, Practice};
use crate::fhir::Identifier;

fn panel() -> Panel {
    Panel {
        name: "lakeside".to_string(),
        title: "Lakeside".to_string(),
        practice: Practice {
            name: "Lakeside".to_string(),
            identifier: None,
            zone: jiff::tz::TimeZone::UTC,
            calendar: None,
            phone: None,
        },
        partner: None,
        member_system: Some("https://lakeside.example/member".to_string()),
        members: None,
        care_manager: None,
        coach: None,
        clinician: None,
    }
}

fn read_text(text: &[u8]) -> Roster {
    let systems = |name: &str| match name {
        "RIVERSIDE" => vec!["urn:oid:1.2.3".to_string()],
        "SHARED" => vec!["urn:oid:1".to_string(), "urn:oid:2".to_string()],
        _ => Vec::new(),
    };
    read(&panel(), "lakeside.csv", text, &systems)
}

fn shown(roster: &Roster) -> Vec<String> {
    roster.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_semicolon_file_with_a_byte_order_mark_and_quotes_is_read() {
    let text = "\u{feff}Member ID;mrn:RIVERSIDE;Care Manager;Language;Phone\r\n\
                L-1;4711;\"Brooks; Nia\";Spanish;(555) 010-0001\r\n\r\nL-2;;;en-US;\r\n";
    let roster = read_text(text.as_bytes());
    assert_eq!(shown(&roster), Vec::<String>::new());
    let first = &roster.members[0];
    assert_eq!(first.identifiers[0], Identifier::new("https://lakeside.example/member", "L-1"));
    assert_eq!(first.identifiers[1], Identifier::new("urn:oid:1.2.3", "4711"));
    assert_eq!(first.care_manager.as_deref(), Some("Brooks; Nia"));
    assert_eq!((first.language.as_deref(), roster.members[1].language.as_deref()), (Some("es"), Some("en-US")));
    assert_eq!(roster.rows, 2);
}

#[test]
fn each_fault_names_its_row_and_column_and_never_the_value() {
    let text = "member_id,language,phone\nL-1,en,555-0100000\n,en,555-0100000\nL-1,Klingonese,call me\nL-4,en\n";
    let roster = read_text(text.as_bytes());
    assert_eq!(
        shown(&roster),
        [
            "lakeside.csv:3:1: this row has no identifier, so nobody can be found by it",
            "lakeside.csv:4:1: the same identifier stands in line 2 already",
            "lakeside.csv:4:5: not a language: write a tag such as `en` or `es-US`",
            "lakeside.csv:4:16: not a telephone number: write 7 to 20 digits",
            "lakeside.csv:5:1: this row has 2 columns, the header has 3",
        ]
    );
    assert_eq!(roster.members.len(), 1);
    assert!(roster.has_errors());
}

#[test]
fn a_column_nobody_reads_is_a_warning_and_a_namespace_with_two_meanings_an_error() {
    let roster = read_text(b"member_id,care_manger,date of birth\nL-1,Nia,2001-01-01\n");
    assert!(!roster.has_errors());
    assert!(roster.problems[0].text.contains("did you mean `care_manager`"));
    assert!(read_text(b"mrn:SHARED\n1\n").problems[0].text.contains("different systems"));
    assert!(read_text(b"name\nx\n").problems.iter().any(|problem| problem.text.contains("no column says who")));
}

#[test]
fn a_windows_file_is_read_and_said_to_be_one() {
    let roster = read_text(b"member_id,practitioner\nL-1,Andr\xe9 Roy\n");
    assert_eq!(roster.members[0].practitioner.as_deref(), Some("André Roy"));
    assert!(!roster.has_errors() && roster.problems.len() == 1);
}

#[test]
fn a_fhir_group_is_a_roster_too() {
    let text = r#"{"resourceType":"Group","type":"person","actual":true,"member":[
        {"entity":{"identifier":{"system":"urn:oid:1.2.3","value":"4711"}}},
        {"entity":{"identifier":{"system":"urn:oid:1.2.3","value":"4712"}},"inactive":true},
        {"entity":{"reference":"Patient/1"}}]}"#;
    let roster = read_text(text.as_bytes());
    assert_eq!((roster.members.len(), roster.rows), (1, 3));
    assert!(roster.problems[0].text.starts_with("member[2].entity has no identifier"));
}

#[test]
fn an_empty_file_and_broken_json_are_faults() {
    assert!(read_text(b"").has_errors());
    assert!(read_text(b"member_id\n").has_errors());
    assert!(read_text(b"{\"resourceType\":").has_errors());
}
