//! Connections on which nothing is asked are closed. The server itself waits a few seconds for the first request, and as long for
//! the first byte of the next; but over HTTP/1.1 for ever for the rest of that one's headers (actix-http, `head_timer`), and over
//! HTTP/2 for as long as its pings are answered. Who is being answered, slowly or for hours as the console's events are, is left alone.

use std::any::Any;
use std::cell::Cell;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, ServiceRequest};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// As long as a body may take.
const LONGEST: Duration = Duration::from_secs(30);

/// A connection, on the thread that serves it.
struct Connection {
    /// Another handle of the socket, since the server lets go of its own to nobody.
    socket: std::net::TcpStream,
    /// Requests that are under way.
    under_way: Cell<usize>,
    /// When the last of them was over, or the connection began.
    since: Cell<Instant>,
}

/// A request under way; none is when all of them are gone.
pub struct UnderWay(Rc<Connection>);

impl UnderWay {
    pub fn of(request: &ServiceRequest) -> Option<Self> {
        let connection = Rc::clone(request.conn_data::<Rc<Connection>>()?);
        connection.under_way.update(|count| count + 1);
        Some(Self(connection))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.update(|count| count.saturating_sub(1));
        self.0.since.set(Instant::now());
    }
}

/// For `HttpServer::on_connect`: watches a connection for as long as it is there.
pub fn close_when_idle(connection: &dyn Any, extensions: &mut Extensions) {
    watch(connection, extensions, LONGEST);
}

fn watch(connection: &dyn Any, extensions: &mut Extensions, longest: Duration) {
    let encrypted = connection.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0);
    let Some(stream) = encrypted.or_else(|| connection.downcast_ref()) else { return };
    let socket = match stream.as_fd().try_clone_to_owned() {
        Ok(socket) => socket.into(),
        Err(fault) => {
            tracing::warn!(%fault, "a connection is not watched for how long it is idle");
            return;
        }
    };
    let watched = Rc::new(Connection { socket, under_way: Cell::new(0), since: Cell::new(Instant::now()) });
    actix_web::rt::spawn(close(Rc::downgrade(&watched), longest));
    extensions.insert(watched);
}

async fn close(connection: Weak<Connection>, longest: Duration) {
    // What the server has closed itself is gone with its data.
    while let Some(watched) = connection.upgrade() {
        let idle = if watched.under_way.get() > 0 { Duration::ZERO } else { watched.since.get().elapsed() };
        let left = longest.saturating_sub(idle);
        if left.is_zero() {
            // Whoever is gone already needs no closing.
            _ = watched.socket.shutdown(Shutdown::Both);
            return;
        }
        drop(watched);
        sleep(left).await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use actix_web::body::BoxBody;
    use actix_web::dev::ServiceResponse;
    use actix_web::middleware::{Next, from_fn};
    use actix_web::web::Bytes;
    use actix_web::{App, Error, HttpResponse, HttpServer, web};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::web::unread::Answer;

    async fn counted(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<Answer>, Error> {
        let under_way = UnderWay::of(&request);
        Ok(next.call(request).await?.map_body(|_, body| Answer::new(body, None, under_way)))
    }

    async fn events() -> HttpResponse {
        let beats = futures_util::stream::unfold(0, |beat| async move {
            sleep(Duration::from_millis(300)).await;
            (beat < 8).then(|| (Ok::<_, Error>(Bytes::from_static(b": beat\n\n")), beat + 1))
        });
        HttpResponse::Ok().streaming(beats)
    }

    /// Idle connections end after a second, sooner than the server ends them.
    fn serve() -> SocketAddr {
        let server = HttpServer::new(|| {
            let whole = |body: Bytes| async move { HttpResponse::Ok().body(body.len().to_string()) };
            App::new().wrap(from_fn(counted)).route("/", web::post().to(whole)).route("/events", web::get().to(events))
        });
        let server = server.on_connect(|connection, extensions| watch(connection, extensions, Duration::from_secs(1)));
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        address
    }

    /// Sends the parts one after the other, with pauses of 300 ms, and reads until the other side ends it.
    async fn send(parts: Vec<&'static str>) -> (String, Duration) {
        let (mut reader, mut writer) = TcpStream::connect(serve()).await.unwrap().into_split();
        let began = Instant::now();
        let writing = actix_web::rt::spawn(async move {
            for part in parts {
                if writer.write_all(part.as_bytes()).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(300)).await;
            }
            std::future::pending::<()>().await;
        });
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(9), reader.read_to_end(&mut answer)).await;
        writing.abort();
        assert!(read.is_ok(), "it is held for ever");
        (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
    }

    const WHOLE: &str = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab";

    #[actix_web::test]
    async fn who_never_ends_the_headers_of_a_second_request_is_closed() {
        let drops = std::iter::once("POST / HTTP/1.1\r\nhost: x\r\n").chain(std::iter::repeat_n("x-a: b\r\n", 25));
        let (answer, took) = send(std::iter::once(WHOLE).chain(drops).collect()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(3), "{took:?}");
    }

    #[actix_web::test]
    async fn who_is_slow_with_a_body_or_asks_now_and_then_is_answered() {
        let slow = ["POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\n", "a", "b", "c", "d", "e", "f", "g", "h"];
        let (answer, took) = send([&slow[..], &slow, &[WHOLE]].concat()).await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 3, "{answer}");
        assert!(took > Duration::from_secs(5), "{took:?}");
    }

    #[actix_web::test]
    async fn events_that_go_on_are_not_cut_off() {
        let (answer, took) = send(vec!["GET /events HTTP/1.1\r\nhost: x\r\n\r\n"]).await;
        assert_eq!(answer.matches(": beat").count(), 8, "{answer}");
        assert!(took > Duration::from_secs(3), "{took:?}");
    }
}
