//! What somebody whom nobody vouches for sent us, in the audit: a bounded number of times from one address, so that whoever sends rubbish
//! fills no store with it.

use actix_web::HttpRequest;

use crate::console::fault::Fault;
use crate::console::guesses::{Standing, caller};
use crate::console::{Console, look};

/// Notes it, and when it is the last of this address for a while.
pub(super) async fn note(console: &Console, request: &HttpRequest, because: &str) -> Result<(), Fault> {
    let (now, site) = (console.gateway.clock.now(), console.gateway.site.load_full());
    let address = caller(&site, request);
    let rest = match console.guesses.led_to_nobody(address, now) {
        // Nothing lost: the entry before says that those which follow are not written down.
        Standing::Waits { .. } => return Ok(()),
        Standing::Open { left: 0 } => "; what is refused from there in the next minutes is not written down",
        Standing::Open { .. } => "",
    };
    look::note_login(console, "person:?", false, &format!("{because}, from {address}{rest}")).await?;
    Ok(())
}
