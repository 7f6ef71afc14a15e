//! How long a request's body may take: who sends one byte now and then would hold a connection for ever. Its handler gets a fault
//! in place of the rest, and the connection is closed after the answer.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::{ConnectionType, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// So long an answer may take to be out.
const HELD: Duration = Duration::from_secs(5);

/// The largest body that is taken comes within this over a line of 2 Mbit/s.
#[derive(Debug, Clone, Copy)]
pub struct Patience(pub Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(Duration::from_secs(45))
    }
}

/// The middleware for the whole app: `App::new().wrap(from_fn(web::patience))`.
pub async fn patience<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let longest = request.app_data::<web::Data<Patience>>().map_or_else(Patience::default, |held| ***held);
    let deadline = Instant::now() + longest.0;
    let is_old = request.version() < Version::HTTP_2;
    let body = request.take_payload();
    let bounded = stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match timeout_at(deadline, body.next()).await {
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(body))),
            Ok(Some(Err(fault))) => Some((Err(fault), None)),
            Ok(None) => None,
            Err(_) => {
                // What is dropped is read to its end by the server, however slowly it comes; what is still held, the server closes
                // the connection for as soon as the answer is out.
                actix_web::rt::spawn(async move {
                    tokio::time::sleep(HELD).await;
                    drop(body);
                });
                Some((Err(PayloadError::Io(std::io::ErrorKind::TimedOut.into())), None))
            }
        }
    });
    request.set_payload(Payload::Stream { payload: Box::pin(bounded) });
    let mut response = next.call(request).await?;
    if is_old && Instant::now() >= deadline {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, HttpServer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[actix_web::test]
    async fn who_sends_a_body_drop_by_drop_is_answered_and_cut_off() {
        let server = HttpServer::new(|| {
            App::new().app_data(web::Data::new(Patience(Duration::from_millis(400)))).wrap(from_fn(patience)).route(
                "/",
                web::post().to(|body: web::Bytes| async move { HttpResponse::Ok().body(body.len().to_string()) }),
            )
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        let send = async |head: &str, drops: usize, drop: &[u8]| {
            let began = Instant::now();
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!("POST / HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let (mut reader, mut writer) = stream.into_split();
            let dripping = actix_web::rt::spawn({
                let drop = drop.to_vec();
                async move {
                    for _ in 0..drops {
                        if writer.write_all(&drop).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    std::future::pending::<()>().await;
                }
            });
            let mut answer = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(10), reader.read_to_end(&mut answer)).await;
            dripping.abort();
            assert!(read.is_ok(), "the connection is held for ever: {}", String::from_utf8_lossy(&answer));
            (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
        };
        let (answer, _) = send("content-length: 4\r\nconnection: close", 2, b"ab").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with('4'), "{answer}");
        for (head, drop) in [("content-length: 1000", &b"a"[..]), ("transfer-encoding: chunked", b"1\r\na\r\n")] {
            let (answer, took) = send(head, 1000, drop).await;
            assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(took < Duration::from_secs(6), "{head}: {took:?}");
        }
    }
}
