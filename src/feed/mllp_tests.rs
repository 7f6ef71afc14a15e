//! MLLP over real sockets: order, cut packets, limits, TLS, shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Feeds;
use super::authority::Authority;
use super::stand_in::{StandIn, feed, message};
use crate::hl7::{FrameDecoder, FrameEvent, encode_frame};
use crate::site::{Address, Feed, Peer};

async fn start(feed: Feed) -> (Arc<StandIn>, Feeds, SocketAddr) {
    let name = feed.name.clone();
    let stand_in = StandIn::with([feed]);
    let feeds = Feeds::start(stand_in.clone(), 100).await.unwrap();
    let address = feeds.addresses()[&name];
    assert_ne!(address.port(), 0, "the bound port is told");
    (stand_in, feeds, address)
}

/// The contents of the next frames; fewer where the connection ends before.
async fn read_answers(stream: &mut (impl AsyncRead + Unpin), count: usize) -> Vec<String> {
    let mut decoder = FrameDecoder::new(1 << 20);
    let mut buffer = [0; 1024];
    let mut answers = Vec::new();
    while answers.len() < count {
        let read =
            tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer)).await.expect("an answer in time");
        match read {
            Ok(read) if read > 0 => decoder.push(&buffer[..read]),
            _ => break,
        }
        while let Some(event) = decoder.next_event() {
            let FrameEvent::Frame(content) = event else { panic!("{event:?}") };
            answers.push(String::from_utf8(content).unwrap());
        }
    }
    answers
}

/// MSA-1 and MSA-2.
fn codes(answers: &[String]) -> Vec<String> {
    let code = |answer: &String| answer.split("MSA|").nth(1).unwrap().trim_end().to_string();
    answers.iter().map(code).collect()
}

fn frame(control_id: u32, order: &str) -> Vec<u8> {
    encode_frame(message(control_id, order).as_bytes())
}

#[tokio::test]
async fn pipelined_messages_are_answered_in_order_and_processed_beside_each_other() {
    let (stand_in, _feeds, address) = start(feed("ed")).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let packet: Vec<u8> = (1..=8).flat_map(|id| frame(id, if id % 2 == 1 { "SLOW" } else { "" })).collect();
    let began = std::time::Instant::now();
    stream.write_all(&packet).await.unwrap();
    let answers = codes(&read_answers(&mut stream, 8).await);
    assert_eq!(answers, (1..=8).map(|id| format!("AA|{id}")).collect::<Vec<_>>());
    assert_eq!(stand_in.control_ids(), (1..=8).map(|id| id.to_string()).collect::<Vec<_>>());
    assert!(began.elapsed() < Duration::from_millis(450), "four slow ones took turns");
}

#[tokio::test]
async fn packets_may_be_cut_anywhere_and_messages_sent_in_one_frame() {
    let (stand_in, _feeds, address) = start(feed("ed")).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for byte in frame(1, "") {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(codes(&read_answers(&mut stream, 1).await), ["AA|1"]);
    let two = message(2, "") + &message(3, "REFUSE");
    stream.write_all(&encode_frame(two.as_bytes())).await.unwrap();
    assert_eq!(codes(&read_answers(&mut stream, 2).await), ["AA|2", "AR|3"]);
    let batch = format!("BHS|^~\\&|A|B|C|D|2026||||B9\r{}{}BTS|3\r", message(4, ""), message(5, ""));
    stream.write_all(&encode_frame(batch.as_bytes())).await.unwrap();
    let answers = read_answers(&mut stream, 1).await;
    assert!(answers[0].starts_with("BHS|^~\\&|C|D|A|B|") && answers[0].contains("|B9\rMSH|"), "{answers:?}");
    assert!(answers[0].ends_with("BTS|2|BTS-1: the trailer counts 3 messages, but 2 came\r"), "{answers:?}");
    let noted: Vec<usize> = stand_in.seen.lock().unwrap().iter().map(|arrival| arrival.noted.len()).collect();
    assert!(noted.ends_with(&[0, 1]), "what is missing is kept with the last message: {noted:?}");
    assert_eq!(stand_in.control_ids(), ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn broken_frames_are_kept_and_refused_and_the_next_is_taken() {
    let (stand_in, _feeds, address) = start(feed("ed")).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let long = message(1, "") + &"NTE|1||long\r".repeat(300);
    stream.write_all(&encode_frame(long.as_bytes())).await.unwrap();
    stream.write_all(b"\x0B\x1C\r\x0BMSH|^~\\&|A|B|||2026||ADT^A04|2|P|2.5\rPI").await.unwrap();
    stream.write_all(&frame(3, "")).await.unwrap();
    assert_eq!(codes(&read_answers(&mut stream, 3).await), ["AR|1", "AR|2", "AA|3"]);
    let flags: Vec<_> =
        stand_in.seen.lock().unwrap().iter().map(|seen| (seen.oversized, seen.cut_short, seen.raw.len())).collect();
    assert_eq!(flags[0], (true, false, 2000));
    assert!(flags[1].1 && !flags[2].0 && !flags[2].1);
}

#[tokio::test]
async fn a_sender_that_hangs_up_after_sending_still_gets_its_answers() {
    let (_stand_in, _feeds, address) = start(feed("ed")).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&frame(1, "SLOW")).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(codes(&read_answers(&mut stream, 2).await), ["AA|1"]);
}

#[tokio::test]
async fn connections_beyond_the_limit_and_strangers_are_closed() {
    let mut few = feed("ed");
    few.limits.connections = 1;
    let (_stand_in, _feeds, address) = start(few).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(&frame(1, "")).await.unwrap();
    assert_eq!(read_answers(&mut first, 1).await.len(), 1);
    let mut second = TcpStream::connect(address).await.unwrap();
    let _ = second.write_all(&frame(2, "")).await;
    assert!(read_answers(&mut second, 1).await.is_empty());

    let mut closed = feed("closed");
    let elsewhere = Address { network: "192.0.2.0".parse().unwrap(), prefix: 24 };
    closed.mllp.as_mut().unwrap().peers = vec![Peer::Address(elsewhere)];
    let (stand_in, _feeds, address) = start(closed).await;
    let mut stranger = TcpStream::connect(address).await.unwrap();
    let _ = stranger.write_all(&frame(3, "")).await;
    assert!(read_answers(&mut stranger, 1).await.is_empty());
    assert!(stand_in.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn silence_other_protocols_and_failures_end_the_connection() {
    let mut hasty = feed("ed");
    (hasty.limits.idle_secs, hasty.limits.frame_secs) = (1, 1);
    let (stand_in, _feeds, address) = start(hasty).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"\x0BMSH|^~\\&|A|B|||2026||ADT^A04|7|P|2.5\r").await.unwrap();
    let mut loud = TcpStream::connect(address).await.unwrap();
    let _ = loud.write_all(&vec![b'x'; 100_000]).await;
    let mut failing = TcpStream::connect(address).await.unwrap();
    failing.write_all(&frame(8, "SLOW|PANIC")).await.unwrap();
    assert!(read_answers(&mut silent, 1).await.is_empty());
    assert_eq!(codes(&read_answers(&mut slow, 2).await), ["AR|7"]);
    assert!(read_answers(&mut loud, 1).await.is_empty());
    assert!(read_answers(&mut failing, 1).await.is_empty());
    assert!(stand_in.seen.lock().unwrap().iter().any(|seen| seen.cut_short));
}

#[tokio::test]
async fn draining_answers_what_was_taken_and_takes_no_more() {
    let (stand_in, feeds, address) = start(feed("ed")).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[frame(1, "SLOW"), frame(2, "SLOW")].concat()).await.unwrap();
    while stand_in.seen.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let draining = tokio::spawn(feeds.drain(Duration::from_secs(5)));
    assert_eq!(codes(&read_answers(&mut stream, 3).await), ["AA|1", "AA|2"]);
    draining.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_reload_closes_opens_and_keeps() {
    let (stand_in, mut feeds, kept) = start(feed("kept")).await;
    let mut stream = TcpStream::connect(kept).await.unwrap();
    stand_in.set_feeds([feed("kept"), feed("new")]);
    assert!(feeds.reload(Duration::from_secs(1)).await.is_empty());
    assert_eq!(feeds.addresses()["kept"], kept);
    stream.write_all(&frame(1, "")).await.unwrap();
    assert_eq!(read_answers(&mut stream, 1).await.len(), 1);
    stand_in.set_feeds([feed("new")]);
    assert!(feeds.reload(Duration::from_secs(1)).await.is_empty());
    assert_eq!(feeds.addresses().into_keys().collect::<Vec<_>>(), ["new"]);
    assert!(read_answers(&mut stream, 1).await.is_empty());
}

#[tokio::test]
async fn over_tls_only_the_named_certificate_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let mut guarded = feed("ed");
    let settings = guarded.mllp.as_mut().unwrap();
    settings.tls = Some(authority.server_files(folder.path()));
    settings.peers = vec![Peer::Certificate("riverside".to_string())];
    let (stand_in, _feeds, address) = start(guarded).await;

    let mut stream = authority.connect(address, Some("riverside")).await.unwrap();
    stream.write_all(&frame(1, "")).await.unwrap();
    assert_eq!(codes(&read_answers(&mut stream, 1).await), ["AA|1"]);
    assert_eq!(stand_in.seen.lock().unwrap()[0].peer, "riverside");
    for name in [Some("lakeside"), None] {
        if let Ok(mut stream) = authority.connect(address, name).await {
            let _ = stream.write_all(&frame(2, "")).await;
            assert!(read_answers(&mut stream, 1).await.is_empty());
        }
    }
    assert_eq!(stand_in.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_without_a_frame_is_answered_at_once_and_the_connection_goes_on() {
    let (stand_in, _feeds, address) = start(feed("ed")).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let began = std::time::Instant::now();
    stream.write_all(message(5, "").as_bytes()).await.unwrap();
    assert_eq!(codes(&read_answers(&mut stream, 1).await), ["AR|5"]);
    assert!(began.elapsed() < Duration::from_secs(4), "its sender waited {:?}", began.elapsed());
    assert!(stand_in.seen.lock().unwrap()[0].unframed);
    stream.write_all(&frame(6, "")).await.unwrap();
    assert_eq!(codes(&read_answers(&mut stream, 1).await), ["AA|6"]);
}

#[tokio::test]
async fn a_silent_connection_makes_room_for_one_that_speaks() {
    let mut few = feed("ed");
    few.limits.connections = 1;
    let (_stand_in, _feeds, address) = start(few).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut speaking = TcpStream::connect(address).await.unwrap();
    speaking.write_all(&frame(1, "")).await.unwrap();
    assert_eq!(codes(&read_answers(&mut speaking, 1).await), ["AA|1"]);
    assert!(read_answers(&mut silent, 1).await.is_empty());
}

#[tokio::test]
async fn only_a_stated_proxy_says_whose_connection_it_is() {
    let network = |text: &str, prefix| Address { network: text.parse().unwrap(), prefix };
    let mut fronted = feed("ed");
    let settings = fronted.mllp.as_mut().unwrap();
    settings.proxies = vec![network("127.0.0.1", 32)];
    settings.peers = vec![Peer::Address(network("198.51.100.0", 24))];
    let (stand_in, _feeds, address) = start(fronted).await;
    let send = async |address: SocketAddr, header: &str, control_id: u32| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(&[header.as_bytes(), &frame(control_id, "")].concat()).await;
        codes(&read_answers(&mut stream, 1).await)
    };
    assert_eq!(send(address, "PROXY TCP4 198.51.100.7 127.0.0.1 4000 2575\r\n", 1).await, ["AA|1"]);
    assert_eq!(stand_in.seen.lock().unwrap()[0].peer, "198.51.100.7");
    for header in ["PROXY TCP4 203.0.113.5 127.0.0.1 4000 2575\r\n", "PROXY UNKNOWN\r\n", ""] {
        assert!(send(address, header, 2).await.is_empty(), "{header}");
    }
    assert_eq!(stand_in.seen.lock().unwrap().len(), 1);
    let (stand_in, _feeds, plain) = start(feed("plain")).await;
    assert_eq!(send(plain, "PROXY TCP4 198.51.100.7 127.0.0.1 4000 2575\r\n", 3).await, ["AA|3"]);
    assert_eq!(stand_in.seen.lock().unwrap()[0].peer, "127.0.0.1", "who is no proxy cannot say who it is");
}

#[tokio::test]
async fn new_certificates_and_authorities_hold_after_a_reload_and_open_connections_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    let mut guarded = feed("ed");
    guarded.mllp.as_mut().unwrap().tls = Some(old.server_files(folder.path()));
    let (stand_in, mut feeds, address) = start(guarded.clone()).await;
    let mut open = old.connect(address, Some("riverside")).await.unwrap();
    open.write_all(&frame(1, "")).await.unwrap();
    assert_eq!(codes(&read_answers(&mut open, 1).await), ["AA|1"]);

    std::fs::write(folder.path().join("server.key"), "no key").unwrap();
    stand_in.set_feeds([guarded.clone()]);
    assert_eq!(feeds.reload(Duration::from_secs(1)).await.len(), 1, "what cannot be used is told");
    assert!(old.connect(address, Some("riverside")).await.is_ok(), "and what was read before goes on");

    new.server_files(folder.path());
    assert!(feeds.reload(Duration::from_secs(1)).await.is_empty());
    let mut renewed = new.connect(address, Some("riverside")).await.unwrap();
    renewed.write_all(&frame(2, "")).await.unwrap();
    assert_eq!(codes(&read_answers(&mut renewed, 1).await), ["AA|2"]);
    assert!(old.connect(address, Some("riverside")).await.is_err(), "the old certificate is shown no more");
    open.write_all(&frame(3, "")).await.unwrap();
    assert_eq!(codes(&read_answers(&mut open, 1).await), ["AA|3"]);
}

#[tokio::test]
async fn those_who_never_finish_a_handshake_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let mut guarded = feed("ed");
    guarded.mllp.as_mut().unwrap().tls = Some(authority.server_files(folder.path()));
    let (_stand_in, _feeds, address) = start(guarded).await;
    let mut hanging = Vec::new();
    for _ in 0..40 {
        hanging.push(TcpStream::connect(address).await.unwrap());
    }
    let mut known = authority.connect(address, Some("riverside")).await.unwrap();
    known.write_all(&frame(1, "")).await.unwrap();
    assert_eq!(codes(&read_answers(&mut known, 1).await), ["AA|1"]);
}
