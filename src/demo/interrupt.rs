//! Ctrl-C, SIGTERM, a terminal that closes, or nobody who reads any more: each ends the demo, and from its first moment on none of
//! them ends the process before what was begun is taken away.

use std::future::poll_fn;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Rung by the first line that nobody takes.
static UNREAD: Notify = Notify::const_new();

/// Nobody reads what the demo says any more.
pub(super) fn nobody_reads() {
    UNREAD.notify_one();
}

/// What may end the demo.
pub(super) struct Interrupts(Vec<Signal>);

impl Interrupts {
    /// From here on they are heard, and end nothing by themselves.
    pub(super) fn hear() -> std::io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        kinds.into_iter().map(signal).collect::<Result<_, _>>().map(Self)
    }

    /// Returns when one came, at once when it came before.
    pub(super) async fn came(&mut self) {
        let any = poll_fn(|context| {
            let came = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if came { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::select! {
            () = any => {}
            () = UNREAD.notified() => {}
        }
    }
}
