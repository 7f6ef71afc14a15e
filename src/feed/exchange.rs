//! One exchange: what came as one (a frame, a request's body) is taken apart into messages, each goes the path in order, and
//! the answers are put together as they were sent: an envelope for an envelope, one each otherwise (HL7 v2.5.1, 2.10.3).

use std::sync::Arc;

use crate::hl7::{Batch, HeaderEcho, write_batch_answer};
use crate::pipeline::{Arrival, Code};
use crate::problem::Problem;

use super::acceptor::Acceptor;

/// How much of the frame there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// Only its beginning was kept: it was too long.
    Oversized,
    /// Only its beginning came.
    CutShort,
    /// There was no frame around it.
    Unframed,
}

/// What came, from whom.
pub(super) struct Received {
    pub feed: String,
    pub peer: String,
    pub content: Vec<u8>,
    pub extent: Extent,
    /// Whether there is one answer to everything, as in HTTP: of two acknowledgements it is the one that says what became of
    /// the message.
    pub has_one_answer: bool,
}

/// What to send back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// One message or batch each; none where the sender asked for no acknowledgement.
    pub contents: Vec<Vec<u8>>,
    /// The worst of what became of the messages.
    pub code: Code,
    /// A message could not be stored: the sender should try again later.
    pub is_unavailable: bool,
}

pub(super) async fn exchange(acceptor: Arc<dyn Acceptor>, received: Received) -> Answer {
    // A broken frame goes on as one: where its messages end is not certain, and none of it will be processed.
    if received.extent != Extent::Whole {
        let mut answer = Answer { contents: Vec::new(), code: Code::AA, is_unavailable: false };
        take(&*acceptor, &received, received.content.clone(), Vec::new(), &mut answer).await;
        return answer;
    }
    let batch = Batch::split(&received.content);
    let mut answer = Answer { contents: Vec::new(), code: Code::AA, is_unavailable: false };
    for problem in &batch.problems {
        tracing::warn!(feed = received.feed, peer = received.peer, problem = %problem, "batch");
    }
    // What is wrong with the batch is kept with its last message, or with all that came where there is none.
    let mut noted = batch.problems.clone();
    for (place, span) in batch.messages.iter().enumerate() {
        let is_last = place + 1 == batch.messages.len();
        let noted = if is_last { std::mem::take(&mut noted) } else { Vec::new() };
        take(&*acceptor, &received, span.of(&received.content).to_vec(), noted, &mut answer).await;
    }
    if !noted.is_empty() {
        take(&*acceptor, &received, received.content.clone(), noted, &mut answer).await;
    }
    if batch.is_enveloped() {
        let now = acceptor.now();
        let echo = |span: Option<crate::hl7::Span>| span.map(|span| HeaderEcho::guess(span.of(&received.content)));
        let (file, header) = (echo(batch.file_header), echo(batch.batch_header));
        let comment = batch.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let control_id = format!("B{}", now.as_microsecond());
        let whole = write_batch_answer(file.as_ref(), header.as_ref(), &answer.contents, &control_id, &comment, now);
        answer.contents = vec![whole];
    }
    answer
}

async fn take(acceptor: &dyn Acceptor, received: &Received, raw: Vec<u8>, noted: Vec<Problem>, answer: &mut Answer) {
    let arrival = Arrival {
        feed: received.feed.clone(),
        peer: received.peer.clone(),
        raw,
        oversized: received.extent == Extent::Oversized,
        cut_short: received.extent == Extent::CutShort,
        unframed: received.extent == Extent::Unframed,
        replays: None,
        noted,
    };
    let acknowledged = acceptor.accept(arrival).await;
    let messages = Batch::split(&acknowledged.bytes).messages;
    let unwanted = if received.has_one_answer { messages.len().saturating_sub(1) } else { 0 };
    let wanted = messages.iter().skip(unwanted).map(|message| message.of(&acknowledged.bytes).to_vec());
    answer.contents.extend(wanted.filter(|message| !message.is_empty()));
    answer.code = worse(answer.code, acknowledged.code);
    answer.is_unavailable |= acknowledged.unavailable;
}

fn worse(one: Code, other: Code) -> Code {
    match (one, other) {
        (Code::AR, _) | (_, Code::AR) => Code::AR,
        (Code::AE, _) | (_, Code::AE) => Code::AE,
        (Code::AA, Code::AA) => Code::AA,
    }
}
