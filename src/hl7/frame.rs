//! MLLP framing (HL7 Minimal Lower Layer Protocol, release 1): `0B content 1C 0D`. A pure incremental decoder: the same events
//! come out however the bytes were cut into packets. Tolerates what senders get wrong, and says so. Does no I/O.

use std::collections::VecDeque;

const START: u8 = 0x0B;
const END: u8 = 0x1C;

/// Of a frame that is too long, this much is kept for people to look at.
const KEPT_BYTES: usize = 64 * 1024;

/// One thing found in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameEvent {
    /// A whole frame's content.
    Frame(Vec<u8>),
    /// Content that begins as a message or batch and was ended by `1C`, but not begun by `0B`.
    Unstarted(Vec<u8>),
    /// Content that begins as a message or batch, with neither `0B` before it nor `1C` after it.
    Unframed(Vec<u8>),
    /// A frame that a new frame or the end of the stream broke off.
    Cut(Vec<u8>),
    /// A frame longer than allowed, once its end has come: its beginning, and how long it was.
    Oversized { kept: Vec<u8>, length: usize },
    /// Bytes between frames that are not a message.
    Junk { length: usize },
    /// The frame before ended with `1C` without `0D`.
    NoCarriageReturn,
}

/// Wraps content into a frame.
pub fn encode_frame(content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(content.len() + 3);
    frame.push(START);
    frame.extend_from_slice(content);
    frame.extend_from_slice(&[END, b'\r']);
    frame
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between frames.
    Outside,
    /// Right after `1C`.
    Ended,
    /// In a frame that `0B` began.
    Inside,
    /// In content that nothing began.
    Unstarted,
}

/// Takes bytes as they come and gives events. Holds at most about the allowed frame size.
#[derive(Debug)]
pub struct FrameDecoder {
    max_bytes: usize,
    state: State,
    content: Vec<u8>,
    /// How long the content would be, kept or not.
    length: usize,
    /// `0B` and up to two bytes after it inside a frame: a new frame if a header follows, else part of the text.
    restart: Vec<u8>,
    events: VecDeque<FrameEvent>,
}

impl FrameDecoder {
    /// `max_bytes` bounds one frame's content.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            state: State::Outside,
            content: Vec::new(),
            length: 0,
            restart: Vec::with_capacity(4),
            events: VecDeque::new(),
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            let is_collecting = matches!(self.state, State::Inside | State::Unstarted) && self.restart.is_empty();
            let plain =
                if is_collecting { rest.iter().position(|&byte| byte == START || byte == END) } else { Some(0) };
            match plain.unwrap_or(rest.len()) {
                0 => {
                    self.step(first);
                    rest = after;
                }
                count => {
                    let (run, next) = rest.split_at(count);
                    self.collect(run);
                    rest = next;
                }
            }
        }
    }

    /// The next thing found.
    pub fn next_event(&mut self) -> Option<FrameEvent> {
        self.events.pop_front()
    }

    /// The stream has ended: what was begun is given up.
    pub fn finish(&mut self) {
        self.flush_restart();
        self.break_off();
        self.state = State::Outside;
    }

    /// Bytes of the frame that is being read, counting those no longer kept.
    pub fn pending_bytes(&self) -> usize {
        self.length + self.restart.len()
    }

    /// What is being read is neither in a frame nor begins as a message.
    pub fn is_in_junk(&self) -> bool {
        self.state == State::Unstarted && self.content.len() >= 3 && !is_header(&self.content)
    }

    /// What is being read begins as a message or batch, but no frame was begun.
    pub fn is_unframed(&self) -> bool {
        self.state == State::Unstarted && is_header(&self.content)
    }

    fn step(&mut self, byte: u8) {
        if !self.restart.is_empty() {
            return self.step_restart(byte);
        }
        match (self.state, byte) {
            (State::Ended, b'\r') => self.state = State::Outside,
            (State::Ended, _) => {
                self.events.push_back(FrameEvent::NoCarriageReturn);
                self.state = State::Outside;
                self.step(byte);
            }
            (State::Outside, START) => self.state = State::Inside,
            (State::Outside, b'\r' | b'\n') => {}
            (State::Outside, END) => {
                self.events.push_back(FrameEvent::Junk { length: 1 });
                self.state = State::Ended;
            }
            (State::Outside, _) => {
                self.state = State::Unstarted;
                self.collect(&[byte]);
            }
            (State::Inside | State::Unstarted, END) => self.end_frame(),
            (State::Inside, START) => self.restart.push(START),
            (State::Unstarted, START) => {
                self.break_off();
                self.state = State::Inside;
            }
            (State::Inside | State::Unstarted, _) => self.collect(&[byte]),
        }
    }

    /// Vertical tabs occur in pasted text, so that only `0B` with a header after it begins a new frame inside another.
    fn step_restart(&mut self, byte: u8) {
        self.restart.push(byte);
        let seen = self.restart.get(1..).unwrap_or_default();
        let is_possible = [b"MSH", b"FHS", b"BHS"].iter().any(|name| name.starts_with(seen));
        if is_possible && seen.len() == 3 {
            let header = seen.to_vec();
            self.restart.clear();
            self.break_off();
            self.state = State::Inside;
            self.collect(&header);
        } else if !is_possible {
            self.restart.pop();
            self.flush_restart();
            self.step(byte);
        }
    }

    fn flush_restart(&mut self) {
        let text = std::mem::take(&mut self.restart);
        self.collect(&text);
    }

    fn collect(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len());
        let room = self.max_bytes.saturating_sub(self.content.len());
        // Nothing lost: a frame beyond the bound is passed on as oversized, and refused with its reason.
        self.content.extend(bytes.iter().take(room));
    }

    fn end_frame(&mut self) {
        let is_started = self.state == State::Inside;
        self.state = State::Ended;
        let (content, length) = self.take();
        let event = match (length > self.max_bytes, is_started || is_header(&content)) {
            (_, false) => FrameEvent::Junk { length: length.saturating_add(1) },
            (true, true) => FrameEvent::Oversized { kept: shorten(content), length },
            (false, true) if is_started => FrameEvent::Frame(content),
            (false, true) => FrameEvent::Unstarted(content),
        };
        self.events.push_back(event);
    }

    /// What was being read will not be finished.
    fn break_off(&mut self) {
        let is_started = self.state == State::Inside;
        let (content, length) = self.take();
        if length == 0 {
            return;
        }
        self.events.push_back(match (length > self.max_bytes, is_started || is_header(&content)) {
            (_, false) => FrameEvent::Junk { length },
            (true, true) => FrameEvent::Oversized { kept: shorten(content), length },
            (false, true) if is_started => FrameEvent::Cut(content),
            (false, true) => FrameEvent::Unframed(content),
        });
    }

    fn take(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.content), std::mem::take(&mut self.length))
    }
}

fn shorten(mut content: Vec<u8>) -> Vec<u8> {
    // Nothing lost: only what is oversized or broken off is shortened; it is kept as refused, with its reason.
    content.truncate(KEPT_BYTES);
    content.shrink_to_fit();
    content
}

fn is_header(content: &[u8]) -> bool {
    [&b"MSH"[..], b"FHS", b"BHS"].iter().any(|name| content.starts_with(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(max_bytes: usize, packets: &[&[u8]]) -> Vec<FrameEvent> {
        let mut decoder = FrameDecoder::new(max_bytes);
        packets.iter().for_each(|packet| decoder.push(packet));
        decoder.finish();
        std::iter::from_fn(|| decoder.next_event()).collect()
    }

    fn frame(content: &[u8]) -> FrameEvent {
        FrameEvent::Frame(content.to_vec())
    }

    #[test]
    fn two_frames_in_one_packet_and_one_in_three_are_all_read() {
        assert_eq!(decode(100, &[b"\x0BMSH|a\r\x1C\r\x0BMSH|b\r\x1C\r"]), [frame(b"MSH|a\r"), frame(b"MSH|b\r")]);
        assert_eq!(decode(100, &[b"\x0BMS", b"H|a\r\x1C", b"\r"]), [frame(b"MSH|a\r")]);
    }

    #[test]
    fn a_frame_is_given_at_its_end_byte_without_waiting_for_the_return() {
        let mut decoder = FrameDecoder::new(100);
        decoder.push(b"\x0BMSH|a\r\x1C");
        assert_eq!(decoder.next_event(), Some(frame(b"MSH|a\r")));
        decoder.push(b"\x0BMSH|b\r\x1C\r");
        assert_eq!(decoder.next_event(), Some(FrameEvent::NoCarriageReturn));
        assert_eq!(decoder.next_event(), Some(frame(b"MSH|b\r")));
    }

    #[test]
    fn missing_starts_and_junk_are_told_apart() {
        assert_eq!(decode(100, &[b"MSH|a\r\x1C\r"]), [FrameEvent::Unstarted(b"MSH|a\r".to_vec())]);
        let found = decode(100, &[b"GET / HTTP/1.1\r\n\r\n\x0BMSH|a\r\x1C\r\r\n"]);
        assert_eq!(found, [FrameEvent::Junk { length: 18 }, frame(b"MSH|a\r")]);
    }

    #[test]
    fn a_frame_broken_off_by_the_next_is_given_up_and_a_vertical_tab_in_text_is_kept() {
        let cut = decode(100, &[b"\x0BMSH|a\rPI\x0BMSH|b\r\x1C\r"]);
        assert_eq!(cut, [FrameEvent::Cut(b"MSH|a\rPI".to_vec()), frame(b"MSH|b\r")]);
        assert_eq!(decode(100, &[b"\x0BMSH|a\x0Bb\x0BMS\x1C\r"]), [frame(b"MSH|a\x0Bb\x0BMS")]);
        assert_eq!(decode(100, &[b"\x0BMSH|a"]), [FrameEvent::Cut(b"MSH|a".to_vec())]);
    }

    #[test]
    fn a_message_without_any_frame_is_told_from_one_that_was_broken_off() {
        let mut decoder = FrameDecoder::new(100);
        decoder.push(b"\r\nMSH|a\rPID|1\r");
        assert!(decoder.is_unframed());
        decoder.finish();
        assert_eq!(decoder.next_event(), Some(FrameEvent::Unframed(b"MSH|a\rPID|1\r".to_vec())));
        decoder.push(b"hello\r\n");
        assert!(!decoder.is_unframed(), "what is no message is no unframed message");
        let found = decode(100, &[b"MSH|a\r", b"\x0BMSH|b\r\x1C\r"]);
        assert_eq!(found, [FrameEvent::Unframed(b"MSH|a\r".to_vec()), frame(b"MSH|b\r")]);
    }

    #[test]
    fn a_frame_too_long_is_told_at_its_end_and_the_next_is_read() {
        let found = decode(8, &[b"\x0BMSH|abcdefgh\x1C\r\x0BMSH|b\r\x1C\r"]);
        assert_eq!(found, [FrameEvent::Oversized { kept: b"MSH|abcd".to_vec(), length: 12 }, frame(b"MSH|b\r")]);
    }

    proptest! {
        #[test]
        fn packets_do_not_matter(
            tokens in prop::collection::vec(prop::sample::select(vec![
                &b"\x0B"[..], b"\x1C", b"\r", b"\n", b"MSH|^~\\&|a\r", b"MS", b"H", b"BHS", b"x", b"\x0BMSH|b\x1C\r",
            ]), 0..40),
            cuts in prop::collection::vec(0_usize..200, 0..12),
            max_bytes in 1_usize..40,
        ) {
            let stream = tokens.concat();
            let mut places: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            places.extend([0, stream.len()]);
            places.sort_unstable();
            let packets: Vec<&[u8]> = places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(max_bytes, &packets), decode(max_bytes, &[&stream]));
        }

        #[test]
        fn what_was_framed_comes_back(content in prop::collection::vec(0x20_u8..0xFF, 0..200)) {
            prop_assert_eq!(decode(1000, &[&encode_frame(&content)]), [FrameEvent::Frame(content)]);
        }
    }
}
