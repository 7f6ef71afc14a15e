//! The last look before sending: an agreement that has ended since the delivery was decided stops it. What is stopped is
//! held, never lost.

use jiff::Timestamp;

use crate::site::{Partner, Site};
use crate::store::Delivery;

/// The partner to send to, or a sentence that says why not now.
pub fn recheck<'a>(site: &'a Site, delivery: &Delivery, now: Timestamp) -> Result<(&'a Partner, &'a str), String> {
    let Some(partner) = site.partners.get(&delivery.new.partner) else {
        return Err("the site has no such partner now".to_string());
    };
    if let Some(objection) = site.agreements.objection(&partner.name, &delivery.new.agreement, now) {
        return Err(objection);
    }
    match &partner.fhir_base {
        Some(base) => Ok((partner, base)),
        None => Err("the partner has no fhir_base to deliver to".to_string()),
    }
}
