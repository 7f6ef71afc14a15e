//! Pages that may take a while, and what they read of the store: each in its turn.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use tokio::sync::Semaphore;

use super::Console;
use super::fault::{Answer, Fault};
use super::page::answer;
use super::session::Person;

/// So many pages are made at once, on threads beside the runtime's: a large one delays other pages, never messages.
static MAKING: Semaphore = Semaphore::const_new(4);
/// Whoever waits longer for a turn is told to come again.
const TURN: Duration = Duration::from_secs(20);

/// A page that may take a while: put together and written on a thread of its own.
pub(super) async fn make<P: Template>(put_together: impl FnOnce() -> P + Send + 'static) -> Answer {
    let Ok(Ok(turn)) = tokio::time::timeout(TURN, MAKING.acquire()).await else { return Err(Fault::Busy) };
    let made = web::block(move || {
        let html = put_together().render();
        drop(turn);
        html
    });
    match made.await {
        Ok(html) => Ok(answer(StatusCode::OK, html)),
        Err(_) => Err(Fault::Busy),
    }
}

/// What reads much of the store, in its turn and to its end: it reads on when nobody waits for the page any more.
pub(super) async fn read<T: 'static, E: Into<Fault> + 'static>(
    console: &Console,
    person: &Person,
    reading: impl Future<Output = Result<T, E>> + 'static,
) -> Result<T, Fault> {
    // By session: the name may be another's.
    let turn = console.turns.take(&person.form_key).await.ok_or(Fault::Busy)?;
    let read = actix_web::rt::spawn(async move {
        let read = reading.await;
        drop(turn);
        read
    });
    match read.await {
        Ok(read) => read.map_err(Into::into),
        Err(_) => Err(Fault::Busy),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use actix_web::ResponseError;
    use actix_web::http::header;
    use jiff::Timestamp;

    use super::*;
    use crate::clock::ManualClock;
    use crate::console::Sessions;
    use crate::console::session::{Asks, Found};
    use crate::pipeline::Gateway;
    use crate::site::Site;
    use crate::store::{EngineChoice, StoreError, StoreSettings, open};

    #[actix_web::test]
    async fn who_reads_more_than_may_be_read_at_once_is_told_to_come_again() {
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let gateway = Gateway::new(open(&settings).unwrap(), Site::bare(Path::new("/")), clock);
        let sessions = Arc::new(Sessions::default());
        let login = || {
            let (link, site) = (sessions.new_link(Timestamp::UNIX_EPOCH), gateway.site.load());
            let cookie = sessions.open(&link, "Ida Roe".to_string(), Timestamp::UNIX_EPOCH, &site).unwrap();
            let found = sessions.find(&cookie, Timestamp::UNIX_EPOCH, &site, Asks::Person);
            let Found::Person(person) = found else { panic!("who has just logged in is logged in") };
            person
        };
        let (ida, other) = (login(), login());
        let console = Console::new(Arc::new(gateway), sessions.clone(), Arc::default(), false);
        let endless = || read(&console, &ida, std::future::pending::<Result<(), StoreError>>());
        for reading in [endless(), endless()] {
            // The page is left; its reading goes on.
            assert!(tokio::time::timeout(Duration::from_millis(50), reading).await.is_err());
        }
        let refusal = read(&console, &ida, async { Ok::<_, StoreError>(()) }).await.unwrap_err().error_response();
        assert_eq!(refusal.status(), 503);
        assert_eq!(refusal.headers().get(header::RETRY_AFTER).unwrap(), "5");
        assert!(read(&console, &other, async { Ok::<_, StoreError>(()) }).await.is_ok());
    }
}
