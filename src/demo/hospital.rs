//! The demo's hospital: an interface engine reduced to what the demo needs, sending over MLLP and waiting for each answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::hl7::{Message, ReadOptions};

const PATIENCE: Duration = Duration::from_secs(15);
const START: u8 = 0x0B;
const END: [u8; 2] = [0x1C, 0x0D];

/// One open connection.
pub(super) struct Hospital(TcpStream);

/// An answer with how long it took.
pub(super) struct Answer {
    /// MSA-1.
    pub code: String,
    /// ERR-8 or MSA-3: what was wrong.
    pub text: String,
    pub took: Duration,
}

impl Hospital {
    pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self(TcpStream::connect(address).await.context("the feed's port does not answer")?))
    }

    /// Sends one message and waits for its acknowledgement.
    pub(super) async fn send(&mut self, message: &str) -> anyhow::Result<Answer> {
        let started = Instant::now();
        let mut frame = vec![START];
        frame.extend_from_slice(message.as_bytes());
        frame.extend_from_slice(&END);
        self.0.write_all(&frame).await?;
        let bytes = tokio::time::timeout(PATIENCE, self.read_frame()).await.context("no acknowledgement in time")??;
        let took = started.elapsed();
        let answer =
            Message::parse(bytes, &ReadOptions::default()).message.context("the acknowledgement is unreadable")?;
        let field = |segment: &str, number: u16| {
            answer.segment(segment).map(|segment| segment.field(number).leaf().text().into_owned()).unwrap_or_default()
        };
        let words = [field("ERR", 8), field("MSA", 3)];
        let text = words.into_iter().find(|words| !words.is_empty()).unwrap_or_default();
        Ok(Answer { code: field("MSA", 1), text, took })
    }

    async fn read_frame(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut buffer = [0_u8; 4096];
        loop {
            let count = self.0.read(&mut buffer).await?;
            if count == 0 {
                bail!("the gateway closed the connection");
            }
            bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
            if bytes.ends_with(&END) {
                let end = bytes.len() - END.len();
                return Ok(bytes.get(1..end).unwrap_or_default().to_vec());
            }
        }
    }
}
