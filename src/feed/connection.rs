//! One MLLP connection: reads frames, starts each on the path in the order it came, and answers in that order. As many messages as
//! the feed allows are under way at a time; beyond that the connection is not read, which is how TCP says "wait".

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::hl7::{FrameDecoder, FrameEvent};
use crate::site::Feed;

use super::acceptor::Acceptor;
use super::answers::{Pending, write_answers};
use super::exchange::{Extent, Received, exchange};
use super::rooms::Place;

/// A sender of more than this without a message speaks another protocol.
const MAX_JUNK_BYTES: usize = 64 * 1024;
/// A frame too long is read to its end, to answer it, but not beyond this many times what is allowed.
const MAX_OVERSIZE: usize = 16;

/// After what begins as a message but not as a frame, so much silence is its end.
const UNFRAMED_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    pub acceptor: Arc<dyn Acceptor>,
    pub feed: Arc<Feed>,
    /// How traces name the sender.
    pub peer: String,
    pub place: Arc<Place>,
}

/// What reading comes to.
enum Read {
    Bytes(usize),
    End,
    /// Nothing came in time.
    Late,
}

impl Connection {
    /// Returns when the sender has gone, a timeout or a fault ended it, or after `stopped` once everything taken is answered.
    pub async fn serve<S: AsyncRead + AsyncWrite + Send>(self, stream: S, stopped: watch::Receiver<bool>) {
        let (reader, writer) = tokio::io::split(stream);
        let (answers, pending) = mpsc::channel(self.feed.limits.in_flight.max(1));
        let longest = Duration::from_secs(self.feed.limits.frame_secs);
        let mut writing = pin!(write_answers(writer, pending, longest, &self.feed.name, &self.peer));
        let reading = pin!(self.read_frames(reader, answers, stopped));
        tokio::select! {
            // Nobody takes the answers any more: nothing more is read either. What was started goes on to its end.
            () = &mut writing => {}
            () = reading => writing.await,
            () = self.place.lost() => {
                tracing::info!(feed = self.feed.name, peer = self.peer, "closed: no whole message came from it, and another needs its place");
            }
        }
    }

    async fn read_frames<R: AsyncRead + Unpin>(
        &self,
        mut reader: R,
        answers: mpsc::Sender<Pending>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let limits = self.feed.limits;
        let mut decoder = FrameDecoder::new(limits.frame_bytes);
        let mut buffer = vec![0; 16 * 1024];
        let mut junk = 0;
        let mut begun: Option<Instant> = None;
        loop {
            let deadline = match begun {
                Some(_) if decoder.is_unframed() => Instant::now() + UNFRAMED_PAUSE,
                Some(begun) => begun + Duration::from_secs(limits.frame_secs),
                None => Instant::now() + Duration::from_secs(limits.idle_secs),
            };
            let read = tokio::select! {
                biased;
                () = wait_for_stop(&mut stopped) => return,
                read = self.read_some(&mut reader, &mut buffer, deadline) => read,
            };
            // Who does not know of frames waits for an answer now, and gets it; the connection goes on.
            let is_end = match read {
                Read::Bytes(count) => {
                    decoder.push(buffer.get(..count).unwrap_or_default());
                    false
                }
                Read::Late if decoder.is_unframed() => {
                    decoder.finish();
                    false
                }
                Read::End | Read::Late => {
                    decoder.finish();
                    true
                }
            };
            if matches!(read, Read::Late) && is_end {
                tracing::info!(feed = self.feed.name, peer = self.peer, "closed: nothing came in time");
            }
            while let Some(event) = decoder.next_event() {
                begun = None;
                junk += self.note(&event, junk);
                // Nothing lost: what is in no frame is no message: nobody gets an answer for it, and the log says how
                // much it was.
                let Some(received) = self.receive(event) else { continue };
                self.place.spoke();
                if answers.send(self.start(received).await).await.is_err() {
                    return;
                }
            }
            if is_end {
                return;
            }
            begun = (decoder.pending_bytes() > 0).then(|| begun.unwrap_or_else(Instant::now));
            let junk = if decoder.is_in_junk() { junk.max(decoder.pending_bytes()) } else { junk };
            // Nothing lost: the connection ends with a line in the log; what came of the message is refused as broken off.
            if junk > MAX_JUNK_BYTES || decoder.pending_bytes() / MAX_OVERSIZE > limits.frame_bytes {
                tracing::warn!(
                    feed = self.feed.name,
                    peer = self.peer,
                    "closed: what is sent has no end or is not MLLP"
                );
                decoder.finish();
                let rest = std::iter::from_fn(|| decoder.next_event()).find_map(|event| self.receive(event));
                if let Some(received) = rest {
                    // Nothing lost: the connection is closing anyway.
                    let _ = answers.send(self.start(received).await).await;
                }
                return;
            }
        }
    }

    async fn read_some<R: AsyncRead + Unpin>(&self, reader: &mut R, buffer: &mut [u8], deadline: Instant) -> Read {
        match timeout_at(deadline, reader.read(buffer)).await {
            Ok(Ok(0)) => Read::End,
            Ok(Ok(count)) => Read::Bytes(count),
            Ok(Err(error)) => {
                tracing::debug!(feed = self.feed.name, peer = self.peer, %error, "the connection broke");
                Read::End
            }
            // Nothing lost: an idle connection is closed; what came of a message is refused as broken off.
            Err(_) => Read::Late,
        }
    }

    /// Logs what was wrong with the framing, and gives how many bytes were no message. After the first `junk` of a
    /// connection there is nothing new to warn of: it may go on for thousands of lines.
    fn note(&self, event: &FrameEvent, junk: usize) -> usize {
        let (feed, peer) = (self.feed.name.as_str(), self.peer.as_str());
        match event {
            FrameEvent::Frame(_) => {}
            FrameEvent::Unstarted(_) => tracing::info!(feed, peer, "a frame did not begin with 0B"),
            FrameEvent::Unframed(content) => {
                tracing::warn!(feed, peer, bytes = content.len(), "a message came without framing")
            }
            FrameEvent::NoCarriageReturn => tracing::debug!(feed, peer, "a frame did not end with 0D"),
            FrameEvent::Cut(content) => tracing::warn!(feed, peer, bytes = content.len(), "a frame was broken off"),
            FrameEvent::Oversized { length, .. } => tracing::warn!(feed, peer, bytes = length, "a frame is too long"),
            FrameEvent::Junk { length } if junk > 0 => {
                tracing::debug!(feed, peer, bytes = length, "more bytes between frames were not read");
                return *length;
            }
            FrameEvent::Junk { length } => {
                tracing::warn!(feed, peer, bytes = length, "bytes between frames were not read");
                return *length;
            }
        }
        0
    }

    fn receive(&self, event: FrameEvent) -> Option<Received> {
        let (content, extent) = match event {
            FrameEvent::Frame(content) | FrameEvent::Unstarted(content) => (content, Extent::Whole),
            FrameEvent::Oversized { kept, .. } => (kept, Extent::Oversized),
            FrameEvent::Cut(content) => (content, Extent::CutShort),
            FrameEvent::Unframed(content) => (content, Extent::Unframed),
            FrameEvent::Junk { .. } | FrameEvent::NoCarriageReturn => return None,
        };
        // An empty frame is how some senders ask whether anybody is there.
        let is_blank = content.iter().all(u8::is_ascii_whitespace);
        let (feed, peer) = (self.feed.name.clone(), self.peer.clone());
        (!is_blank).then_some(Received { feed, peer, content, extent, has_one_answer: false })
    }

    /// Starts one exchange. Its first stretch runs here, so that messages of a connection queue for their patient in the
    /// order they came; the rest runs beside the connection and goes on even if that breaks.
    async fn start(&self, received: Received) -> Pending {
        let mut running = Box::pin(exchange(self.acceptor.clone(), received));
        match poll_fn(|context| Poll::Ready(running.as_mut().poll(context))).await {
            Poll::Ready(answer) => Pending::Ready(answer),
            Poll::Pending => Pending::Running(tokio::spawn(running)),
        }
    }
}

/// Returns once the listener is closing, or gone.
pub(super) async fn wait_for_stop(stopped: &mut watch::Receiver<bool>) {
    // The guard it gives must not live across the caller's awaits.
    // Nothing lost: a listener that is gone is a stop as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
