//! The body of a request around its answer. It must come in time: its handler gets a fault in place of the rest. What has not come
//! when the answer is there ends an HTTP/1 connection, since a body that never ends would hold it. Over HTTP/2 (RFC 9113, 8.1) it is
//! read and thrown away: a stream that is dropped while its body comes is reset, and clients lose the answer with it.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::{Method, Version};
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{Sleep, sleep};

use super::idle::UnderWay;

/// So much is read for nothing, and for so long; who sends more has its stream reset.
const MOST_BYTES: usize = 16 << 20;
const MOST_SECS: u64 = 10;

/// The body of a request, kept until its answer is there.
pub struct Unread(Shared);

#[derive(Clone)]
struct Shared(Rc<RefCell<Body>>);

struct Body {
    payload: Payload,
    deadline: Option<Pin<Box<Sleep>>>,
    is_late: bool,
    is_http2: bool,
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.0.borrow_mut();
        if body.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready()) {
            body.is_late = true;
            return Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))));
        }
        Pin::new(&mut body.payload).poll_next(context)
    }
}

impl Unread {
    /// Keeps hold of the body that the request goes on with, which may take so long; none for requests that have none.
    pub fn of(request: &mut ServiceRequest, longest: Option<Duration>) -> Option<Self> {
        let is_http2 = request.version() == Version::HTTP_2;
        // Every request has a body over HTTP/2; those of reads are of no interest, and hold a stream, not the connection.
        if is_http2 && [Method::GET, Method::HEAD].contains(request.method()) {
            return None;
        }
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return None;
        }
        let deadline = longest.map(|longest| Box::pin(sleep(longest)));
        let shared = Shared(Rc::new(RefCell::new(Body { payload, deadline, is_late: false, is_http2 })));
        request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
        Some(Self(shared))
    }

    /// Whether the handler was told that the rest did not come in time.
    pub fn is_late(&self) -> bool {
        self.0.0.borrow().is_late
    }

    /// What is to become of the rest while the answer goes out.
    fn held(mut self) -> Option<Shared> {
        if !self.0.0.borrow().is_http2 {
            return Some(self.0);
        }
        actix_web::rt::spawn(async move {
            let reading = async {
                let mut read = 0;
                while let Some(Ok(chunk)) = self.0.next().await {
                    read += chunk.len();
                    if read > MOST_BYTES {
                        break;
                    }
                }
            };
            _ = tokio::time::timeout(Duration::from_secs(MOST_SECS), reading).await;
        });
        None
    }
}

/// The body of an answer, with what has not come of the request's while it goes out. The server closes a connection whose request
/// is not all there when its answer is (actix-http, `should_close_for_unread_payload`) unless it comes in chunks and nobody holds
/// it any more: that it would go on reading, however long and slowly it comes.
pub struct Answer {
    body: BoxBody,
    _request: Option<Shared>,
    _under_way: Option<UnderWay>,
}

impl Answer {
    pub fn new(body: BoxBody, unread: Option<Unread>, under_way: Option<UnderWay>) -> Self {
        Self { body, _request: unread.and_then(Unread::held), _under_way: under_way }
    }
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use actix_web::dev::ServiceResponse;
    use actix_web::middleware::{Next, from_fn};
    use actix_web::{App, Error, HttpResponse, HttpServer, web};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn bounded(mut request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<Answer>, Error> {
        let unread = Unread::of(&mut request, Some(Duration::from_millis(400)));
        Ok(next.call(request).await?.map_body(|_, body| Answer::new(body, unread, None)))
    }

    fn serve() -> std::net::SocketAddr {
        let server = HttpServer::new(|| {
            let whole = |body: web::Bytes| async move { HttpResponse::Ok().body(body.len().to_string()) };
            App::new()
                .wrap(from_fn(bounded))
                .route("/", web::post().to(whole))
                .route("/early", web::post().to(HttpResponse::Unauthorized))
                .route("/early", web::get().to(async || HttpResponse::Ok().body("read")))
                .route("/nothing", web::post().to(HttpResponse::NoContent))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        address
    }

    /// Sends one thing again and again, reads until the other side ends it, and says what came and how long it took.
    async fn send(head: &str, drops: usize, drop: &'static [u8]) -> (String, Duration) {
        let (mut stream, began) = (TcpStream::connect(serve()).await.unwrap(), Instant::now());
        stream.write_all(format!("{head}\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let dripping = actix_web::rt::spawn(async move {
            for _ in 0..drops {
                if writer.write_all(drop).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            std::future::pending::<()>().await;
        });
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(9), reader.read_to_end(&mut answer)).await;
        dripping.abort();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(read.is_ok(), "{head:?} is held for ever: {answer}");
        (answer, began.elapsed())
    }

    #[actix_web::test]
    async fn who_does_not_end_a_body_is_answered_and_cut_off() {
        let (answer, _) = send("POST / HTTP/1.1\r\ncontent-length: 4\r\nconnection: close", 2, b"ab").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with('4'), "{answer}");
        for (target, status) in
            [("POST /", "400"), ("POST /early", "401"), ("GET /early", "200"), ("POST /nothing", "204")]
        {
            for (length, drop) in [("content-length: 1000", &b"a"[..]), ("transfer-encoding: chunked", b"1\r\na\r\n")] {
                for drops in [1, 1000] {
                    let (answer, took) = send(&format!("{target} HTTP/1.1\r\n{length}"), drops, drop).await;
                    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target} {length}: {answer}");
                    assert!(took < Duration::from_secs(4), "{target} {length}: {took:?}");
                }
            }
        }
    }
}
