//! Writes answers to an MLLP connection, in the order their messages came.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::hl7::encode_frame;

use super::exchange::Answer;

/// An exchange that has been started.
pub(super) enum Pending {
    Ready(Answer),
    Running(JoinHandle<Answer>),
}

/// Returns when there is nothing more to answer, or the sender does not take an answer within `longest`.
pub(super) async fn write_answers<W: AsyncWrite + Unpin>(
    mut writer: W,
    mut pending: mpsc::Receiver<Pending>,
    longest: Duration,
    feed: &str,
    peer: &str,
) {
    while let Some(next) = pending.recv().await {
        let answer = match next {
            Pending::Ready(answer) => answer,
            Pending::Running(task) => match task.await {
                Ok(answer) => answer,
                Err(error) => {
                    // Unanswered, the sender will send it again; answering the next one first would be read as its answer.
                    tracing::error!(feed, peer, %error, "an exchange failed; the connection is closed");
                    break;
                }
            },
        };
        let frames: Vec<u8> = answer.contents.iter().flat_map(|content| encode_frame(content)).collect();
        let written = async {
            writer.write_all(&frames).await?;
            writer.flush().await
        };
        match timeout(longest, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(feed, peer, %error, "an answer could not be sent");
                return;
            }
            // Nothing lost: the message is kept already; its sender sends it again and gets the same answer.
            Err(_) => {
                tracing::warn!(feed, peer, "closed: an answer was not taken in time");
                return;
            }
        }
    }
    // Nothing lost: the connection is closing; nothing is sent any more.
    let _ = timeout(longest, writer.shutdown()).await;
}
