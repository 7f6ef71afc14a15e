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
    /// Nothing of it could be stored, and the sender is to send it again: AE or CE.
    NotStored,
    /// Understood as a message but not processed; sending the same again will not help unless we change: AE or CE.
    Failed,
    /// Not taken at all (wrong type, unreadable, refused): AR or CR.
    Rejected,
}

/// Which acknowledgements a sender gets (2.9.2, 2.9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Enhanced where MSH-15 or MSH-16 says anything, else original.
    #[default]
    AsAsked,
    /// One application acknowledgement, whatever the message asks for.
    Original,
    /// As the message asks; an accept acknowledgement where it says nothing.
    Enhanced,
}

/// What to say. Everything that varies is handed in: the pure layer neither counts nor looks at a clock.
#[derive(Debug, Clone)]
pub struct Acknowledgement<'a> {
    pub outcome: Outcome,
    /// Errors and warnings become ERR segments unless the message was accepted: some senders take any ERR for a refusal.
    pub problems: &'a [Problem],
    pub mode: Mode,
    /// Our own message's MSH-10, at most 18 characters: a second message gets two more.
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
    /// The acknowledgement's bytes in the sender's delimiters, character set and version: one message, two where the sender asked
    /// for both (enhanced mode, MSH-15 and MSH-16), each beginning with MSH, or nothing where it asked for none. What is an
    /// acknowledgement itself is never answered, or two systems would go on forever.
    pub fn write(&self, incoming: &HeaderEcho) -> Option<Vec<u8>> {
        if incoming.component(9, 1) == b"ACK" {
            return None;
        }
        let codes = self.codes(incoming);
        let mut bytes = Vec::new();
        for (number, code) in codes.iter().enumerate() {
            let control_id = if number == 0 { self.control_id.to_string() } else { format!("{}-A", self.control_id) };
            let is_last = number + 1 == codes.len();
            self.write_one(incoming, code, &control_id, is_last, &mut bytes);
        }
        (!codes.is_empty()).then_some(bytes)
    }

    /// One message. Faults stand in the last, which says what became of the message.
    fn write_one(&self, incoming: &HeaderEcho, code: &str, control_id: &str, is_last: bool, bytes: &mut Vec<u8>) {
        bytes.extend(self.header(incoming, control_id));
        let is_told = is_last && self.outcome != Outcome::Accepted;
        let mut fields = vec![b"MSA".to_vec(), code.into(), incoming.raw(10).to_vec()];
        if let Some(worst) = self.worst().filter(|_| is_told) {
            // Nothing lost: ERR-8 says it whole.
            let text: String = told(worst).chars().take(MAX_TEXT).collect();
            fields.push(incoming.encode(&text));
        }
        push_segment(bytes, incoming, &fields);
        if is_told {
            self.push_errors(bytes, incoming);
        }
    }

    /// MSA-1 of each answer, in order. An accept acknowledgement says that the message is safely kept, the application
    /// acknowledgement after it what became of it; a message that was not even kept has no other.
    fn codes(&self, incoming: &HeaderEcho) -> Vec<&'static str> {
        let (accept, application) = match (self.mode, incoming.text(15), incoming.text(16)) {
            (Mode::Original, _, _) => (String::new(), String::new()),
            (Mode::Enhanced, accept, application) if accept.is_empty() && application.is_empty() => {
                ("AL".to_string(), "NE".to_string())
            }
            (_, accept, application) => (accept, application),
        };
        // A word that is none of table 0155 asks for nothing in particular; silence would leave the sender waiting.
        let is_known = |condition: &str| ["", "AL", "NE", "ER", "SU"].contains(&condition);
        if (accept.is_empty() && application.is_empty()) || !is_known(&accept) || !is_known(&application) {
            return vec![self.application_code()];
        }
        let is_wanted = |condition: &str, is_success: bool| match condition {
            "AL" => true,
            "SU" => is_success,
            "ER" => !is_success,
            _ => false,
        };
        let is_kept = !matches!(self.outcome, Outcome::Rejected | Outcome::NotStored);
        let tells_outcome = is_wanted(&application, self.outcome == Outcome::Accepted);
        // Where nothing else will say that it failed, the accept acknowledgement does.
        let is_success = self.outcome == Outcome::Accepted || (is_kept && tells_outcome);
        let mut codes = Vec::new();
        if is_wanted(&accept, is_success) {
            codes.push(match self.outcome {
                _ if is_success => "CA",
                Outcome::Rejected => "CR",
                _ => "CE",
            });
        }
        if tells_outcome && (is_kept || codes.is_empty()) {
            codes.push(self.application_code());
        }
        codes
    }

    fn application_code(&self) -> &'static str {
        match self.outcome {
            Outcome::Accepted => "AA",
            Outcome::Failed | Outcome::NotStored => "AE",
            Outcome::Rejected => "AR",
        }
    }

    fn worst(&self) -> Option<&Problem> {
        self.problems.iter().rev().max_by_key(|problem| problem.severity)
    }

    fn header(&self, incoming: &HeaderEcho, control_id: &str) -> Vec<u8> {
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
            incoming.encode(control_id),
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
        let mut told: Vec<&Problem> = self.problems.iter().filter(|problem| is_for_sender(problem)).collect();
        told.sort_by_key(|problem| Reverse(problem.severity));
        // Nothing lost: the message's trace lists all; the worst come first.
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

/// Whether a sender can do anything about a problem: what our site left unused is for our own operator.
fn is_for_sender(problem: &Problem) -> bool {
    problem.is_error() || (problem.severity == Severity::Warning && problem.unused.is_none())
}

fn told(problem: &Problem) -> &str {
    problem.to_sender.as_deref().unwrap_or(&problem.text)
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
        (Category::NotSupported, Some((3..=6, _))) => ("103", "Table value not found"),
        (Category::NotSupported, _) => ("200", "Unsupported message type"),
        (Category::Structure | Category::Incomplete, _) => ("100", "Segment sequence error"),
        (Category::Required, _) => ("101", "Required field missing"),
        (Category::Invalid | Category::Value | Category::Invariant | Category::TooLong, _) => {
            ("102", "Data type error")
        }
        (Category::CodeInvalid, _) => ("103", "Table value not found"),
        // A contradiction stays one however often it is sent: only what waits for somebody else is locked.
        (
            Category::NotFound
            | Category::Deleted
            | Category::MultipleMatches
            | Category::Conflict
            | Category::Forbidden,
            _,
        ) => ("204", "Unknown key identifier"),
        (Category::Duplicate, _) => ("205", "Duplicate key identifier"),
        (Category::LockError, _) => ("206", "Application record locked"),
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
    let text = incoming.encode(told(problem));
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
    // Nothing lost: a fault of the whole message has no location.
    let Place::Field(place) = place else { return Vec::new() };
    let numbers = [place.occurrence, place.field, place.repetition, place.component, place.subcomponent];
    let known = numbers.iter().rposition(|&number| number > 0).map_or(0, |last| last + 1);
    let segment: String = place.segment.chars().filter(char::is_ascii_alphanumeric).collect();
    // Nothing lost: what is cut is not said.
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
