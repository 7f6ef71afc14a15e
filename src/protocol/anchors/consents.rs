//! What somebody agreed to, refused or took back as a trigger (http://hl7.org/fhir/R4/consent.html).

use crate::protocol::anchor::Anchor;
use crate::protocol::codes::Codes;
use crate::protocol::context::Context;
use crate::protocol::model::Agreed;
use crate::protocol::sources;
use crate::record::Stored;

pub fn anchors<'v, 'a>(context: &Context<'v>, codes: Option<&Codes>, becomes: Agreed) -> Vec<Anchor<'v, 'a>>
where
    'v: 'a,
{
    let facts = context.facts;
    let is_of = |stored: &&Stored| {
        let codings = ["category", "scope"].map(|element| stored.resource.codings(element)).concat();
        codes.is_none_or(|codes| facts.has_code(codes, &codings)) && said(stored) == Some(becomes)
    };
    let anchor = |stored: &Stored| {
        let stated = stored.resource.text("dateTime").and_then(|text| facts.moment(text));
        // What was taken back was so later than it was given.
        let told = || stored.state.stamps.get("status").map(|stamp| stamp.occurred);
        let at = if becomes == Agreed::Withdrawn { told().or(stated) } else { stated.or_else(told) };
        Anchor {
            about: Some(format!("Consent/{}", stored.id)),
            told: sources::of([stored]),
            ..Anchor::at(format!("{}:{}", stored.id, becomes.word()), at.unwrap_or(stored.updated))
        }
    };
    facts.record.of_type("Consent").filter(is_of).map(anchor).collect()
}

fn said(stored: &Stored) -> Option<Agreed> {
    let denies = stored.resource.get("provision").and_then(|provision| provision.get("type")?.as_str()) == Some("deny");
    match stored.resource.text("status")? {
        "active" if denies => Some(Agreed::Refused),
        "active" => Some(Agreed::Given),
        "rejected" => Some(Agreed::Refused),
        "inactive" => Some(Agreed::Withdrawn),
        // Nothing lost: a draft says nothing yet, and what was entered in error nothing any more.
        _ => None,
    }
}
