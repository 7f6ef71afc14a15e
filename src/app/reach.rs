//! How a command reaches the gateway that runs on a data folder: the other end of the control socket.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

/// The socket's file.
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// The system takes no longer path for a socket (107 bytes on Linux).
pub(super) fn check_length(socket: &Path) -> anyhow::Result<()> {
    let taken = std::os::unix::net::SocketAddr::from_pathname(socket);
    taken.map(|_| ()).with_context(|| {
        format!("the path of the control socket {} is too long; use a shorter `data:`", socket.display())
    })
}

/// Asks the gateway that runs on a data folder. None when none runs there.
///
/// # Errors
/// The gateway says what is wrong, or nobody can tell whether one runs there: the socket is another user's.
pub async fn ask(data: &Path, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
    let Some(response) = send(data, path, body).await? else { return Ok(None) };
    Ok(Some(response.json().await.context("the gateway's answer cannot be read")?))
}

/// The same, for an answer that is not read yet.
pub(super) async fn send(data: &Path, path: &str, body: &Value) -> anyhow::Result<Option<reqwest::Response>> {
    let socket = socket_path(data);
    check_length(&socket)?;
    if let Err(error) = tokio::net::UnixStream::connect(&socket).await {
        if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
            return Ok(None);
        }
        anyhow::bail!("{} cannot be reached: {error}; run this as the gateway's user", socket.display());
    }
    let client = reqwest::Client::builder().unix_socket(socket).build()?;
    let response = client.post(format!("http://gateway{path}")).json(body).send().await?;
    if response.status().is_success() {
        return Ok(Some(response));
    }
    let answer: Value = response.json().await.context("the gateway's answer cannot be read")?;
    let text = answer.get("problem").and_then(Value::as_str).unwrap_or("the gateway refused without saying why");
    anyhow::bail!("{text}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn only_where_nobody_listens_does_no_gateway_run() {
        let data = tempfile::tempdir().unwrap();
        let ask = async |data: &Path| ask(data, "/operation", &json!({})).await;
        assert!(ask(data.path()).await.unwrap().is_none(), "there is no socket");
        drop(std::os::unix::net::UnixListener::bind(socket_path(data.path())).unwrap());
        assert!(ask(data.path()).await.unwrap().is_none(), "it is a dead gateway's");
        let long = data.path().join("x".repeat(200));
        let told = format!("{:#}", ask(&long).await.unwrap_err());
        assert!(told.contains("too long; use a shorter `data:`"), "{told}");
        // What stands in for another user's folder: root may go into those.
        let file = data.path().join("file");
        std::fs::write(&file, "").unwrap();
        let told = ask(&file).await.unwrap_err().to_string();
        assert!(told.contains("cannot be reached: ") && told.ends_with("run this as the gateway's user"), "{told}");
    }
}
