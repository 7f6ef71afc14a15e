//! Acknowledgements in original and enhanced mode (HL7 v2.5.1, 2.9.2 and 2.9.3): MSH, MSA (2.15.8) and ERR (2.15.5). One of the two
//! places that translate problems: here to ERR. Works for messages that could not be read, from what their header shows.

use std::cmp::Reverse;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::problem::{Category, FieldPlace, Place, Problem, Severity};

use super::echo::HeaderEcho;
use super::escape::escape;

/// What became of a message, as its sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Taken: it is on disk.
    Accepted,
    /// Understood as a message but not processed; sending the same again will not help unless we change: AE or CE.
    Failed,
    /// Not taken at all (wrong type, unreadable, refused): AR or CR.
    Rejected,
}

/// What to say. Everything that varies is handed in: the pure layer neither counts nor looks at a clock.
#[derive(Debug, Clone)]
pub struct Acknowledgement<'a> {
    pub outcome: Outcome,
    /// Errors and warnings become ERR segments unless the message was accepted: some senders take any ERR for a refusal.
    pub problems: &'a [Problem],
    /// Our own message's MSH-10, at most 20 characters before v2.7.
    pub control_id: &'a str,
    pub now: Timestamp,
    /// Who we are, where the sender did not say whom it sent to.
    pub application: &'a str,
    pub facility: &'a str,
}

/// More faults than this help nobody.
const MAX_ERRORS: usize = 20;
/// MSA-3 (ST, 80).
const MAX_TEXT: usize = 80;

impl Acknowledgement<'_> {
    /// The acknowledgement's bytes in the sender's delimiters, character set and version; nothing where the
    /// sender asked for none (enhanced mode, MSH-15 and MSH-16).
    pub fn write(&self, incoming: &HeaderEcho) -> Option<Vec<u8>> {
        let code = self.code(incoming)?;
        let mut bytes = self.header(incoming);
        let text = match self.outcome {
            Outcome::Accepted => String::new(),
            _ => self.worst().map(|problem| problem.text.chars().take(MAX_TEXT).collect()).unwrap_or_default(),
        };
        let mut fields = vec![b"MSA".to_vec(), code.into(), incoming.raw(10).to_vec()];
        if !text.is_empty() {
            fields.push(incoming.encode(&text));
        }
        push_segment(&mut bytes, incoming, &fields);
        if self.outcome != Outcome::Accepted {
            self.push_errors(&mut bytes, incoming);
        }
        Some(bytes)
    }

    /// MSA-1. An accept acknowledgement goes before an application one where both are asked for, because
    /// the sender waits for one answer.
    fn code(&self, incoming: &HeaderEcho) -> Option<&'static str> {
        let (accept, application) = (incoming.text(15), incoming.text(16));
        // A word that is none of table 0155 asks for nothing in particular; silence would leave the sender waiting.
        let is_known = |condition: &str| ["", "AL", "NE", "ER", "SU"].contains(&condition);
        if (accept.is_empty() && application.is_empty()) || !is_known(&accept) || !is_known(&application) {
            return Some(self.pick(["AA", "AE", "AR"]));
        }
        let is_wanted = |condition: &str| match condition {
            "AL" => true,
            "SU" => self.outcome == Outcome::Accepted,
            "ER" => self.outcome != Outcome::Accepted,
            _ => false,
        };
        if is_wanted(&accept) {
            return Some(self.pick(["CA", "CE", "CR"]));
        }
        is_wanted(&application).then(|| self.pick(["AA", "AE", "AR"]))
    }

    fn pick(&self, codes: [&'static str; 3]) -> &'static str {
        let [accepted, failed, rejected] = codes;
        match self.outcome {
            Outcome::Accepted => accepted,
            Outcome::Failed => failed,
            Outcome::Rejected => rejected,
        }
    }

    fn worst(&self) -> Option<&Problem> {
        self.problems.iter().rev().max_by_key(|problem| problem.severity)
    }

    fn header(&self, incoming: &HeaderEcho) -> Vec<u8> {
        let or_ours = |field: u16, ours: &str| match incoming.raw(field) {
            [] => incoming.encode(ours),
            theirs => theirs.to_vec(),
        };
        let delimiters = incoming.delimiters();
        let mut kind = b"ACK".to_vec();
        let event = incoming.component(9, 2);
        if !event.is_empty() {
            kind.push(delimiters.component);
            kind.extend_from_slice(event);
            // The structure has been part of the type since v2.3.1.
            if incoming.is_at_least(2, 4) {
                kind.push(delimiters.component);
                kind.extend_from_slice(b"ACK");
            }
        }
        let processing = match incoming.raw(11) {
            [] => b"P".to_vec(),
            theirs => theirs.to_vec(),
        };
        let mut fields = vec![
            b"MSH".to_vec(),
            delimiters.encoding_characters().into_bytes(),
            or_ours(5, self.application),
            or_ours(6, self.facility),
            incoming.raw(3).to_vec(),
            incoming.raw(4).to_vec(),
            date_time(self.now),
            Vec::new(),
            kind,
            incoming.encode(self.control_id),
            processing,
            incoming.version().into_bytes(),
        ];
        if !incoming.raw(18).is_empty() {
            fields.resize(17, Vec::new());
            fields.push(incoming.raw(18).to_vec());
        }
        let mut bytes = Vec::with_capacity(256);
        push_segment(&mut bytes, incoming, &fields);
        bytes
    }

    fn push_errors(&self, bytes: &mut Vec<u8>, incoming: &HeaderEcho) {
        // The worst first, so that the one it was refused for is never what is left out.
        let mut told: Vec<&Problem> =
            self.problems.iter().filter(|problem| problem.severity >= Severity::Warning).collect();
        told.sort_by_key(|problem| Reverse(problem.severity));
        let told = told.into_iter().take(MAX_ERRORS);
        if incoming.is_at_least(2, 5) {
            told.for_each(|problem| push_segment(bytes, incoming, &error_fields(problem, incoming)));
            return;
        }
        // Before v2.5 there is one ERR whose first field repeats: ELD, segment^sequence^field^code.
        let repetitions: Vec<Vec<u8>> = told.map(|problem| error_location_and_code(problem, incoming)).collect();
        if !repetitions.is_empty() {
            let separator = incoming.delimiters().repetition.unwrap_or(b' ');
            push_segment(bytes, incoming, &[b"ERR".to_vec(), repetitions.join(&separator)]);
        }
    }
}

/// Answers an envelope with an envelope around its messages' acknowledgements. `file` and `batch` are the sender's FHS and BHS;
/// `comment` says what was wrong with the envelope itself.
pub fn write_batch_answer(
    file: Option<&HeaderEcho>,
    batch: Option<&HeaderEcho>,
    acknowledgements: &[Vec<u8>],
    control_id: &str,
    comment: &str,
    now: Timestamp,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut open = |name: &str, incoming: &HeaderEcho| {
        let fields = [
            name.as_bytes().to_vec(),
            incoming.delimiters().encoding_characters().into_bytes(),
            incoming.raw(5).to_vec(),
            incoming.raw(6).to_vec(),
            incoming.raw(3).to_vec(),
            incoming.raw(4).to_vec(),
            date_time(now),
            Vec::new(),
            Vec::new(),
            Vec::new(),
            incoming.encode(control_id),
            // The reference: the sender's own batch control id.
            incoming.raw(11).to_vec(),
        ];
        push_segment(&mut bytes, incoming, &fields);
    };
    file.inspect(|incoming| open("FHS", incoming));
    batch.inspect(|incoming| open("BHS", incoming));
    bytes.extend(acknowledgements.iter().flatten());
    if let Some(incoming) = batch {
        let count = acknowledgements.len().to_string().into_bytes();
        push_segment(&mut bytes, incoming, &[b"BTS".to_vec(), count, incoming.encode(comment)]);
    }
    if let Some(incoming) = file {
        push_segment(&mut bytes, incoming, &[b"FTS".to_vec(), b"1".to_vec()]);
    }
    bytes
}

fn date_time(now: Timestamp) -> Vec<u8> {
    now.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S+0000").to_string().into_bytes()
}

/// The error code of HL7 table 0357 that fits a problem, and its meaning.
pub fn error_code(problem: &Problem) -> (&'static str, &'static str) {
    let header_field = match &problem.place {
        Place::Field(FieldPlace { segment, field, component, .. }) if segment == "MSH" => Some((*field, *component)),
        _ => None,
    };
    match (problem.category, header_field) {
        (Category::NotSupported, Some((9, 2))) => ("201", "Unsupported event code"),
        (Category::NotSupported, Some((11, _))) => ("202", "Unsupported processing id"),
        (Category::NotSupported, Some((12, _))) => ("203", "Unsupported version id"),
        (Category::NotSupported, _) => ("200", "Unsupported message type"),
        (Category::Structure | Category::Incomplete, _) => ("100", "Segment sequence error"),
        (Category::Required, _) => ("101", "Required field missing"),
        (Category::Invalid | Category::Value | Category::Invariant | Category::TooLong, _) => {
            ("102", "Data type error")
        }
        (Category::CodeInvalid, _) => ("103", "Table value not found"),
        (Category::NotFound | Category::Deleted | Category::MultipleMatches, _) => ("204", "Unknown key identifier"),
        (Category::Duplicate, _) => ("205", "Duplicate key identifier"),
        (Category::LockError | Category::Conflict, _) => ("206", "Application record locked"),
        _ => ("207", "Application internal error"),
    }
}

fn error_fields(problem: &Problem, incoming: &HeaderEcho) -> Vec<Vec<u8>> {
    let (code, meaning) = error_code(problem);
    let severity = match problem.severity {
        Severity::Error | Severity::Fatal => "E",
        Severity::Warning => "W",
        Severity::Information => "I",
    };
    let location = join_parts(&location_parts(&problem.place), incoming.delimiters().component);
    let code = join_parts(&[code.into(), meaning.into(), "HL70357".into()], incoming.delimiters().component);
    let text = incoming.encode(&problem.text);
    vec![b"ERR".to_vec(), Vec::new(), location, code, severity.into(), Vec::new(), Vec::new(), Vec::new(), text]
}

fn error_location_and_code(problem: &Problem, incoming: &HeaderEcho) -> Vec<u8> {
    let (code, meaning) = error_code(problem);
    let mut parts = location_parts(&problem.place);
    parts.resize(3, String::new());
    let separator = incoming.delimiters().subcomponent.unwrap_or(b' ');
    let mut bytes = join_parts(&parts, incoming.delimiters().component);
    bytes.push(incoming.delimiters().component);
    bytes.extend_from_slice(&join_parts(&[code.into(), meaning.into(), "HL70357".into()], separator));
    bytes
}

/// ERL (2.A.28): segment, its occurrence, field, repetition, component, subcomponent, as far as known.
fn location_parts(place: &Place) -> Vec<String> {
    let Place::Field(place) = place else { return Vec::new() };
    let numbers = [place.occurrence, place.field, place.repetition, place.component, place.subcomponent];
    let known = numbers.iter().rposition(|&number| number > 0).map_or(0, |last| last + 1);
    let segment: String = place.segment.chars().filter(char::is_ascii_alphanumeric).collect();
    let numbers = numbers.iter().take(known).map(|&number| number.max(1).to_string());
    std::iter::once(segment).chain(numbers).collect()
}

fn join_parts(parts: &[String], separator: u8) -> Vec<u8> {
    parts.iter().map(String::as_bytes).collect::<Vec<_>>().join(&separator)
}

fn push_segment(bytes: &mut Vec<u8>, incoming: &HeaderEcho, fields: &[Vec<u8>]) {
    let used = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
    let used = fields.get(..used).unwrap_or_default();
    bytes.extend_from_slice(&used.join(&incoming.delimiters().field));
    bytes.push(b'\r');
}

impl HeaderEcho {
    /// Our text in the sender's delimiters and character set.
    fn encode(&self, text: &str) -> Vec<u8> {
        self.charset().encode(&escape(text, self.delimiters())).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::{Message, ReadOptions};

    fn answer(raw: &str, outcome: Outcome, problems: &[Problem]) -> Option<String> {
        let reading = Message::parse(raw.as_bytes(), &ReadOptions::default());
        let echo = reading.message.as_ref().map_or_else(|| HeaderEcho::guess(raw.as_bytes()), HeaderEcho::of);
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let told =
            Acknowledgement { outcome, problems, control_id: "H1", now, application: "HANDOVER", facility: "US" };
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
        let code = |accept: &str, application: &str, outcome| {
            let told = answer(&raw(accept, application), outcome, &[]);
            told.map(|told| told.split("MSA|").nth(1).unwrap()[..2].to_string())
        };
        assert_eq!(code("AL", "NE", Outcome::Accepted).as_deref(), Some("CA"));
        assert_eq!(code("AL", "NE", Outcome::Rejected).as_deref(), Some("CR"));
        assert_eq!(code("NE", "AL", Outcome::Failed).as_deref(), Some("AE"));
        assert_eq!(code("ER", "NE", Outcome::Accepted), None);
        assert_eq!(code("NE", "NE", Outcome::Failed), None);
        assert_eq!(code("2.5.1", "", Outcome::Failed).as_deref(), Some("AE"), "no word of table 0155");
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
}
