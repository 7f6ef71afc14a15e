//! The body of a request around its answer. It must come in time, since a body that never ends holds a connection. And over HTTP/2
//! (RFC 9113, 8.1) what a client still sends when its answer is already there is read and thrown away: a stream that is dropped
//! while its body comes is reset, and clients lose the answer with it. Over HTTP/1.1 the server closes the connection.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::{Method, Version};
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{Sleep, sleep};

/// How long a body may take; messages for feeds have a limit of their own.
const LONGEST: Duration = Duration::from_secs(30);

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
    is_http2: bool,
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.0.borrow_mut();
        if body.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))));
        }
        Pin::new(&mut body.payload).poll_next(context)
    }
}

impl Unread {
    /// Keeps hold of the body that the request goes on with; none for requests that have none.
    pub fn of(request: &mut ServiceRequest, is_message: bool) -> Option<Self> {
        if [Method::GET, Method::HEAD].contains(request.method()) {
            return None;
        }
        let deadline = (!is_message).then(|| Box::pin(sleep(LONGEST)));
        let is_http2 = request.version() == Version::HTTP_2;
        let body = Body { payload: request.take_payload(), deadline, is_http2 };
        let shared = Shared(Rc::new(RefCell::new(body)));
        request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
        Some(Self(shared))
    }

    /// Reads what still comes while the answer goes out.
    pub fn drain(mut self) {
        if !self.0.0.borrow().is_http2 {
            return;
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
    }
}
