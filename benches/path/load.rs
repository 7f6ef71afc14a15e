//! The client's side: messages over MLLP, each connection waiting for its answer before it sends the next.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came of one round.
pub struct Sent {
    pub count: usize,
    pub seconds: f64,
    /// In milliseconds.
    pub latencies: Vec<f64>,
}

impl Sent {
    /// The latency that this share of all is not above.
    pub fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * share) as usize]
    }
}

/// Sends each queue over a connection of its own. Every answer must be AA.
pub async fn send(address: SocketAddr, queues: &[Vec<String>]) -> Sent {
    let mut streams = Vec::new();
    for queue in queues {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let frames: Vec<Vec<u8>> =
            queue.iter().map(|message| [b"\x0b", message.as_bytes(), b"\x1c\r"].concat()).collect();
        streams.push((stream, frames));
    }
    let began = Instant::now();
    let tasks: Vec<_> = streams.into_iter().map(|(stream, frames)| tokio::spawn(send_all(stream, frames))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    Sent { count: latencies.len(), seconds: began.elapsed().as_secs_f64(), latencies }
}

async fn send_all(mut stream: TcpStream, frames: Vec<Vec<u8>>) -> Vec<f64> {
    let (mut latencies, mut answer) = (Vec::with_capacity(frames.len()), Vec::new());
    for frame in frames {
        let sent = Instant::now();
        stream.write_all(&frame).await.unwrap();
        answer.clear();
        while !answer.ends_with(b"\x1c\r") {
            let read = tokio::time::timeout(Duration::from_secs(120), stream.read_buf(&mut answer)).await;
            assert!(read.expect("no answer in time").unwrap() > 0, "the gateway closed the connection");
        }
        latencies.push(sent.elapsed().as_secs_f64() * 1000.0);
        let text = String::from_utf8_lossy(&answer);
        assert!(text.contains("\rMSA|AA|"), "{text}");
    }
    latencies
}
