//! Acknowledgements as senders of each mode and version get them.

use super::ack::{Acknowledgement, Mode, Outcome, error_code, write_batch_answer};
use super::{HeaderEcho, Message, ReadOptions};
use crate::problem::{Category, FieldPlace, Place, Problem};

fn answer(raw: &str, outcome: Outcome, problems: &[Problem]) -> Option<String> {
    answer_in(Mode::AsAsked, raw, outcome, problems)
}

fn answer_in(mode: Mode, raw: &str, outcome: Outcome, problems: &[Problem]) -> Option<String> {
    let reading = Message::parse(raw.as_bytes(), &ReadOptions::default());
    let echo = reading.message.as_ref().map_or_else(|| HeaderEcho::guess(raw.as_bytes()), HeaderEcho::of);
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    let told =
        Acknowledgement { outcome, problems, mode, control_id: "H1", now, application: "HANDOVER", facility: "US" };
    told.write(&echo).map(|bytes| String::from_utf8(bytes).unwrap().replace('\r', "\n"))
}

fn required() -> Problem {
    let place = FieldPlace { component: 1, ..FieldPlace::field("PID", 1, 3) };
    Problem::error(Category::Required, Place::Field(place), "give A|B")
}

#[test]
fn an_accepted_message_is_told_so_to_its_sender() {
    let raw = "MSH|^~\\&|ADT|RIVERSIDE^1.2^ISO|||2026||ADT^A04|M1|T|2.5.1\r";
    let told = answer(raw, Outcome::Accepted, &[]).unwrap();
    let header = "MSH|^~\\&|HANDOVER|US|ADT|RIVERSIDE^1.2^ISO|20260301120000+0000||ACK^A04^ACK|H1|T|2.5.1";
    assert_eq!(told, format!("{header}\nMSA|AA|M1\n"));
}

#[test]
fn faults_name_field_and_code_in_the_version_of_the_sender() {
    let told = answer("MSH|^~\\&|A|B|C|D|2026||ADT^A04|M1|P|2.5.1\r", Outcome::Failed, &[required()]).unwrap();
    assert!(told.contains("|C|D|A|B|"));
    assert!(
        told.ends_with(
            "MSA|AE|M1|give A\\F\\B\nERR||PID^1^3^1^1|101^Required field missing^HL70357|E||||give A\\F\\B\n"
        ),
        "{told}"
    );
    let told = answer("MSH|^~\\&|A|B|C|D|2026||ADT^A04|M1|P|2.3\r", Outcome::Rejected, &[required()]).unwrap();
    assert!(told.contains("|ACK^A04|H1|P|2.3\nMSA|AR|M1|"));
    assert!(told.ends_with("ERR|PID^1^3^101&Required field missing&HL70357\n"), "{told}");
}

#[test]
fn the_fault_it_was_refused_for_is_told_however_many_warnings_come_before_it() {
    let place = Place::Field(FieldPlace::field("PV1", 1, 7));
    let mut problems = vec![Problem::warning(Category::CodeInvalid, place, "add a row"); 30];
    problems.push(required());
    let told = answer("MSH|^~\\&|A|B|C|D|2026||ADT^A04|M1|P|2.5.1\r", Outcome::Failed, &problems).unwrap();
    assert!(told.split('\n').nth(2).unwrap().starts_with("ERR||PID^1^3^1^1|101^"), "{told}");
}

#[test]
fn enhanced_mode_answers_as_asked() {
    let raw = |accept: &str, application: &str| {
        format!("MSH|^~\\&|A|B|C|D|2026||ADT^A04|M1|P|2.5|||{accept}|{application}\r")
    };
    let codes = |mode, accept: &str, application: &str, outcome| {
        let told = answer_in(mode, &raw(accept, application), outcome, &[]).unwrap_or_default();
        let codes: Vec<&str> = told.split("MSA|").skip(1).map(|rest| &rest[..2]).collect();
        codes.join(" ")
    };
    use Outcome::{Accepted, Failed, NotStored, Rejected};
    for (accept, application, outcome, expected) in [
        ("AL", "NE", Accepted, "CA"),
        ("AL", "NE", Rejected, "CR"),
        ("AL", "NE", Failed, "CE"),
        ("NE", "AL", Failed, "AE"),
        ("NE", "AL", Rejected, "AR"),
        ("ER", "NE", Accepted, ""),
        ("ER", "NE", Failed, "CE"),
        ("NE", "NE", Failed, ""),
        ("AL", "AL", Accepted, "CA AA"),
        ("AL", "AL", Failed, "CA AE"),
        ("AL", "AL", Rejected, "CR"),
        ("AL", "AL", NotStored, "CE"),
        ("AL", "ER", Accepted, "CA"),
        ("AL", "ER", Failed, "CA AE"),
        ("SU", "SU", Accepted, "CA AA"),
        ("SU", "SU", Rejected, ""),
        ("ER", "AL", Accepted, "AA"),
        ("AL", "", Accepted, "CA"),
        ("", "AL", Accepted, "AA"),
        ("2.5.1", "", Failed, "AE"),
    ] {
        assert_eq!(codes(Mode::AsAsked, accept, application, outcome), expected, "{accept}/{application} {outcome:?}");
    }
    assert_eq!(codes(Mode::Original, "AL", "AL", Accepted), "AA");
    assert_eq!(codes(Mode::Original, "NE", "NE", Rejected), "AR");
    assert_eq!(codes(Mode::Enhanced, "", "", Accepted), "CA");
    assert_eq!(codes(Mode::Enhanced, "NE", "AL", Accepted), "AA");
}

#[test]
fn two_acknowledgements_are_two_messages_and_the_fault_stands_in_the_second() {
    let raw = "MSH|^~\\&|A|B|C|D|2026||ADT^A04|M1|P|2.5|||AL|AL\r";
    let told = answer(raw, Outcome::Failed, &[required()]).unwrap();
    let (first, second) = told.split_once("\nMSH").unwrap();
    assert!(first.contains("|ACK^A04^ACK|H1|P|2.5") && first.ends_with("MSA|CA|M1"), "{first}");
    assert!(second.contains("|H1-A|P|2.5") && second.contains("MSA|AE|M1|give A\\F\\B\nERR||PID^1^3^1^1|101"));
}

#[test]
fn an_acknowledgement_is_never_answered() {
    assert_eq!(answer("MSH|^~\\&|A|B|C|D|2026||ACK^A04|M1|P|2.5\rMSA|AA|H1\r", Outcome::Accepted, &[]), None);
}

#[test]
fn the_sender_is_told_what_the_sender_can_change() {
    let place = Place::Field(FieldPlace { component: 2, ..FieldPlace::field("MSH", 1, 9) });
    let unsupported = Problem::error(Category::NotSupported, place, "add a mapping").to_sender("send other events");
    let unit =
        Problem::warning(Category::CodeInvalid, Place::Whole, "add a row").unused(crate::unused::Kind::Unit, "furlong");
    let raw = "MSH|^~\\&|A|B|C|D|2026||ADT^A60|M1|P|2.5.1\r";
    let told = answer(raw, Outcome::Rejected, &[unit, unsupported]).unwrap();
    let told = told.split_once("MSA|").unwrap().1;
    let code = "201^Unsupported event code^HL70357";
    assert_eq!(told, format!("AR|M1|send other events\nERR||MSH^1^9^1^2|{code}|E||||send other events\n"));
}

#[test]
fn a_contradiction_is_no_lock() {
    let code = |category| error_code(&Problem::error(category, Place::Whole, "")).0;
    assert_eq!([Category::Conflict, Category::Duplicate, Category::LockError].map(code), ["204", "205", "206"]);
}

#[test]
fn an_unreadable_message_is_answered_from_what_its_header_shows() {
    let told = answer("junk MSH|^~\\&|A|B|C|D|2026||ADT^A04|M1|P|2.5\rPID|", Outcome::Rejected, &[]).unwrap();
    assert!(told.ends_with("MSA|AR|M1\n"));
    let told = answer("no header", Outcome::Rejected, &[required()]).unwrap();
    assert!(told.starts_with("MSH|^~\\&|HANDOVER|US|||20260301120000+0000||ACK|H1|P|2.5.1\nMSA|AR||"), "{told}");
}

#[test]
fn a_batch_is_answered_as_a_batch() {
    let header = HeaderEcho::guess(b"BHS|^~\\&|A|B|C|D|2026||||B7");
    let told = write_batch_answer(
        None,
        Some(&header),
        &[b"MSH|1\r".to_vec(), b"MSH|2\r".to_vec()],
        "H1",
        "1 lost",
        "2026-03-01T12:00:00Z".parse().unwrap(),
    );
    assert_eq!(told, b"BHS|^~\\&|C|D|A|B|20260301120000+0000||||H1|B7\rMSH|1\rMSH|2\rBTS|2|1 lost\r");
}
