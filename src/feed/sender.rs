//! MLLP from the sender's side (HL7 Minimal Lower Layer Protocol, release 1): one connection, one message at a time, each
//! answered before the next. What a hospital's interface engine does, for `handover send` and the demo.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::hl7::{FrameDecoder, FrameEvent, Message, ReadOptions, encode_frame};
use crate::trust;

/// No acknowledgement is longer.
const MOST_ANSWER_BYTES: usize = 1024 * 1024;

/// Who the listener is known by, and who we are.
#[derive(Debug, Clone, Copy)]
pub struct Papers<'p> {
    /// PEM of the authorities trusted; none: the platform's.
    pub trusted: Option<&'p Path>,
    /// PEM with the certificate that we show and its key.
    pub shown: Option<&'p Path>,
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// One open connection.
pub struct Sender {
    stream: Box<dyn Duplex>,
    decoder: FrameDecoder,
    patience: Duration,
}

/// What came back for one message.
#[derive(Debug)]
pub struct Answer {
    /// MSA-1.
    pub code: String,
    /// ERR-8, or MSA-3 where there is none: what was wrong.
    pub text: String,
    /// Until the last acknowledgement that the message asked for.
    pub took: Duration,
}

impl Sender {
    /// Connects to `HOST:PORT`, with TLS where there are papers. `patience` bounds the handshake and each answer.
    pub async fn connect(address: &str, papers: Option<Papers<'_>>, patience: Duration) -> io::Result<Self> {
        let opening = async {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            let Some(papers) = papers else { return Ok(Box::new(tcp) as Box<dyn Duplex>) };
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
            let name = ServerName::try_from(host.to_string()).map_err(io::Error::other)?;
            let connector = TlsConnector::from(Arc::new(with_papers(papers).map_err(io::Error::other)?));
            Ok(Box::new(connector.connect(name, tcp).await?) as Box<dyn Duplex>)
        };
        let stream = in_time(patience, "no connection", opening).await?;
        // Nothing lost: a longer acknowledgement is told as a fault.
        Ok(Self { stream, decoder: FrameDecoder::new(MOST_ANSWER_BYTES), patience })
    }

    /// Sends one message, and waits for what it asks for: one acknowledgement, or in enhanced mode (HL7 v2.5.1, 2.9.3) the
    /// accept acknowledgement and the application's.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<Answer> {
        let started = Instant::now();
        in_time(self.patience, "the message could not be written", self.stream.write_all(&encode_frame(message)))
            .await?;
        let (mut code, mut text) = self.answer().await?;
        if code == "CA" && wants_two(message) {
            (code, text) = self.answer().await?;
        }
        Ok(Answer { code, text, took: started.elapsed() })
    }

    /// MSA-1 of the next acknowledgement, and what it says.
    async fn answer(&mut self) -> io::Result<(String, String)> {
        let bytes = in_time(self.patience, "no acknowledgement", self.frame()).await?;
        let answer = Message::parse(bytes, &ReadOptions::default()).message;
        let answer = answer.ok_or_else(|| io::Error::other("the acknowledgement is no HL7 message"))?;
        let field = |segment: &str, number: u16| {
            answer.segment(segment).map(|segment| segment.field(number).leaf().text().into_owned()).unwrap_or_default()
        };
        let words = [field("ERR", 8), field("MSA", 3)];
        Ok((field("MSA", 1), words.into_iter().find(|words| !words.is_empty()).unwrap_or_default()))
    }

    async fn frame(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = [0_u8; 4096];
        loop {
            match self.decoder.next_event() {
                Some(FrameEvent::Frame(content) | FrameEvent::Unstarted(content) | FrameEvent::Unframed(content)) => {
                    return Ok(content);
                }
                Some(FrameEvent::Oversized { length, .. }) => {
                    return Err(io::Error::other(format!("the acknowledgement has {length} bytes")));
                }
                Some(FrameEvent::Cut(_) | FrameEvent::Junk { .. } | FrameEvent::NoCarriageReturn) => {}
                None => {
                    let count = self.stream.read(&mut buffer).await?;
                    if count == 0 {
                        return Err(io::Error::new(
                            io::ErrorKind::UnexpectedEof,
                            "the connection was closed before the acknowledgement",
                        ));
                    }
                    self.decoder.push(buffer.get(..count).unwrap_or_default());
                }
            }
        }
    }
}

/// The message asks for an acknowledgement of both kinds whatever comes of it.
fn wants_two(message: &[u8]) -> bool {
    let read = Message::parse(message.to_vec(), &ReadOptions::default()).message;
    read.is_some_and(|message| message.header().application_acknowledgement_type() == "AL")
}

async fn in_time<T>(patience: Duration, what: &str, doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {} s", patience.as_secs()));
    tokio::time::timeout(patience, doing).await.map_err(|_| late())?
}

fn with_papers(papers: Papers<'_>) -> Result<ClientConfig, String> {
    let builder = trust::client(papers.trusted)?;
    let Some(path) = papers.shown else { return Ok(builder.with_no_client_auth()) };
    let unreadable = |error: String| format!("{}: {error}", path.display());
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?.collect();
    let chain = chain.map_err(|error| unreadable(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(error.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| unreadable(error.to_string()))
}
