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

/// TLS as a partner's file words it.
#[derive(Debug, Clone, Copy)]
pub struct ClientTls<'p> {
    /// PEM of the authorities that the listener is trusted by; none: the platform's.
    pub server_ca: Option<&'p Path>,
    /// PEM with the certificate that we show and its key.
    pub client_identity: Option<&'p Path>,
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// One open connection.
pub struct Sender {
    stream: Box<dyn Duplex>,
    decoder: FrameDecoder,
    patience: Duration,
}

/// Stands for MSA-1 of what asks for no acknowledgement.
pub const NONE_ASKED: &str = "none";

/// What came back for one message.
#[derive(Debug)]
pub struct Answer {
    /// MSA-1, or [`NONE_ASKED`].
    pub code: String,
    /// ERR-8, or MSA-3 where there is none: what was wrong.
    pub text: String,
    /// Until the last acknowledgement that the message asked for.
    pub took: Duration,
}

impl Sender {
    /// Connects to `HOST:PORT`, with TLS where it is asked for. `patience` bounds the handshake and each answer.
    pub async fn connect(address: &str, tls: Option<ClientTls<'_>>, patience: Duration) -> io::Result<Self> {
        let opening = async {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            let Some(tls) = tls else { return Ok(Box::new(tcp) as Box<dyn Duplex>) };
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
            let name = ServerName::try_from(host.to_string()).map_err(io::Error::other)?;
            let connector = TlsConnector::from(Arc::new(client_config(tls).map_err(io::Error::other)?));
            Ok(Box::new(connector.connect(name, tcp).await?) as Box<dyn Duplex>)
        };
        let stream = in_time(patience, "no connection", opening).await?;
        // Nothing lost: a longer acknowledgement is told as a fault.
        Ok(Self { stream, decoder: FrameDecoder::new(MOST_ANSWER_BYTES), patience })
    }

    /// Sends one message, and waits for what it asks for ([`asks_for`]). Of two acknowledgements the second counts, where there is one.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<Answer> {
        let started = Instant::now();
        let read = Message::parse(message.to_vec(), &ReadOptions::default()).message;
        let answers = read.as_ref().map_or(Ok(1), asks_for).map_err(io::Error::other)?;
        let control = read.map(|message| message.header().control_id().into_owned()).unwrap_or_default();
        in_time(self.patience, "the message could not be written", self.stream.write_all(&encode_frame(message)))
            .await?;
        let (mut code, mut text) = (NONE_ASKED.to_string(), "the message asks for no acknowledgement".to_string());
        for _ in 0..answers {
            (code, text) = self.answer(&control).await?;
            // A message that was not accepted is not looked at.
            if code != "CA" {
                break;
            }
        }
        Ok(Answer { code, text, took: started.elapsed() })
    }

    /// MSA-1 of the next acknowledgement, and what it says. One of another message is a fault: nobody could tell which is whose.
    async fn answer(&mut self, control: &str) -> io::Result<(String, String)> {
        let bytes = in_time(self.patience, "no acknowledgement", self.frame()).await?;
        let answer = Message::parse(bytes, &ReadOptions::default()).message;
        let answer = answer.ok_or_else(|| io::Error::other("the acknowledgement is no HL7 message"))?;
        let field = |segment: &str, number: u16| {
            answer.segment(segment).map(|segment| segment.field(number).leaf().text().into_owned()).unwrap_or_default()
        };
        let about = field("MSA", 2);
        if !about.is_empty() && !control.is_empty() && about != control {
            return Err(io::Error::other(format!("an acknowledgement came of control id {about} (MSA-2)")));
        }
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

/// How many acknowledgements a message asks for (HL7 v2.5.1, 2.9.2 and 2.9.3): one in original mode, in enhanced mode by MSH-15 and
/// MSH-16. Where it depends on what becomes of the message nobody can know whether to wait.
fn asks_for(message: &Message) -> Result<usize, &'static str> {
    let header = message.header();
    let asked = [header.accept_acknowledgement_type(), header.application_acknowledgement_type()];
    if asked.iter().all(|asked| asked.is_empty()) {
        return Ok(1);
    }
    if asked.iter().any(|asked| !["", "AL", "NE"].contains(&asked.as_ref())) {
        return Err(
            "MSH-15 and MSH-16 can be AL, NE or empty here: with ER and SU nobody knows whether an answer is to come",
        );
    }
    Ok(asked.iter().filter(|asked| *asked == "AL").count())
}

async fn in_time<T>(patience: Duration, what: &str, doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {} s", patience.as_secs()));
    tokio::time::timeout(patience, doing).await.map_err(|_| late())?
}

fn client_config(tls: ClientTls<'_>) -> Result<ClientConfig, String> {
    let builder = trust::client(tls.server_ca)?;
    let Some(path) = tls.client_identity else { return Ok(builder.with_no_client_auth()) };
    let unreadable = |error: String| format!("{}: {error}", path.display());
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?.collect();
    let chain = chain.map_err(|error| unreadable(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(error.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn message(control: &str, asks: &str) -> Vec<u8> {
        format!("MSH|^~\\&|A|B|C|D|20260301||ADT^A04|{control}|P|2.5.1|||{asks}\rPID|1\r").into_bytes()
    }

    fn acknowledgement(code: &str, control: &str) -> String {
        format!("MSH|^~\\&|C|D|A|B|20260301||ACK|9|P|2.5.1\rMSA|{code}|{control}\r")
    }

    /// What comes of one message at a listener that answers so, whatever it is sent.
    async fn answered(message: Vec<u8>, answers: Vec<String>) -> io::Result<(String, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            for answer in answers {
                stream.write_all(&encode_frame(answer.as_bytes())).await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        let mut sender = Sender::connect(&address, None, Duration::from_millis(300)).await?;
        sender.send(&message).await.map(|answer| (answer.code, answer.text))
    }

    #[tokio::test]
    async fn as_many_acknowledgements_are_waited_for_as_the_message_asks_for() {
        let answers = |codes: &[&str]| codes.iter().map(|code| acknowledgement(code, "7")).collect::<Vec<_>>();
        for (asks, comes, code) in [
            ("", vec!["AE"], "AE"),
            ("AL|AL", vec!["CA", "AE"], "AE"),
            ("AL|AL", vec!["CE"], "CE"),
            ("AL|NE", vec!["CA"], "CA"),
            ("|AL", vec!["AA"], "AA"),
            ("NE|NE", vec![], NONE_ASKED),
        ] {
            assert_eq!(answered(message("7", asks), answers(&comes)).await.unwrap().0, code, "{asks}");
        }
        let fault = answered(message("7", "AL|AL"), answers(&["CA"])).await.unwrap_err();
        assert_eq!(fault.kind(), io::ErrorKind::TimedOut);
        for asks in ["ER", "AL|SU"] {
            let fault = answered(message("7", asks), answers(&["CA"])).await.unwrap_err().to_string();
            assert!(fault.contains("MSH-15 and MSH-16"), "{fault}");
        }
    }

    #[tokio::test]
    async fn an_acknowledgement_of_another_message_is_never_taken_for_this_ones() {
        let fault = answered(message("8", ""), vec![acknowledgement("AA", "7")]).await.unwrap_err().to_string();
        assert!(fault.contains("control id 7"), "{fault}");
    }
}
