//! HL7 version 2: messages as they come over the wire. Knows nothing of FHIR.
//!
//! Reading: [`Message::parse`] gives a [`Reading`]: the message where one can be shown, and every [`crate::problem::Problem`] met.
//! A message is an index of offsets over the bytes as they came; nothing is copied or unescaped before it is asked for, and every
//! [`Span`] is a range of those original bytes.
//!
//! ```
//! use handover::hl7::{Message, Path, ReadOptions};
//! let raw = b"MSH|^~\\&|ADT|RIVERSIDE|||20260301||ADT^A04|1|P|2.5.1\rPID|1||4711^^^RIVERSIDE^MR||Doe^Jane\r".as_slice();
//! let message = Message::parse(raw, &ReadOptions::default()).message.expect("a message");
//! let patient = message.segment("PID").expect("a PID");
//! assert_eq!(patient.field(3).part(4).part(1).text(), "RIVERSIDE");
//! let path: Path = "PID-5.2".parse().expect("a path");
//! assert_eq!(path.values(patient).next().expect("a value").text(), "Jane");
//! assert_eq!(message.header().structure(), "ADT_A01");
//! ```
//!
//! Around it: [`FrameDecoder`] takes MLLP frames from a stream, [`Batch::split`] finds the messages in one, [`Message::own_groups`]
//! groups segments, [`DateTime`] reads dates, [`Draft`] writes messages, [`Acknowledgement`] answers them.

mod ack;
#[cfg(test)]
mod ack_tests;
mod batch;
mod charset;
mod clock;
mod code_page;
#[cfg(test)]
mod corpus_tests;
mod date_fault;
mod date_text;
mod delimiters;
mod echo;
mod escape;
mod event;
mod frame;
mod group;
mod header;
mod lengths;
mod message;
mod moment;
mod options;
mod path;
mod reader;
mod segments;
mod span;
mod structures;
mod timestamp;
mod value;
mod writer;

pub use ack::{Acknowledgement, Mode as AcknowledgementMode, Outcome, error_code, write_batch_answer};
pub use batch::Batch;
pub use charset::Charset;
pub use clock::{Doubt, Moment, SenderClock};
pub use date_fault::{DateTimeFault, Oddity};
pub use delimiters::Delimiters;
pub use echo::HeaderEcho;
pub use escape::{escape, unescape};
pub use event::structure_of;
pub use frame::{FrameDecoder, FrameEvent, encode_frame};
pub use group::Group;
pub use header::Header;
pub use lengths::last_field;
pub use message::{Message, Segment, Segments};
pub use options::ReadOptions;
pub use path::{Path, PathFault};
pub use reader::Reading;
pub use span::Span;
pub use structures::{GroupShape, shape_of};
pub use timestamp::{DateTime, Precision};
pub use value::{Level, Value, Values};
pub use writer::{Draft, SegmentDraft};
