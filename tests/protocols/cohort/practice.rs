//! The practice whose people these are, as their rosters tell of it.

use std::collections::BTreeMap;

use handover::fhir::Identifier;
use handover::protocol::Practice;
use handover::record::Membership;
use jiff::tz::TimeZone;

pub fn hillside(zone: TimeZone, calendar: Option<&str>) -> BTreeMap<String, Practice> {
    let practice = Practice {
        name: "hillside".into(),
        title: "Hillside Practice".into(),
        identifier: None,
        zone,
        calendar: calendar.map(Into::into),
        roles: BTreeMap::new(),
    };
    BTreeMap::from([("hillside".into(), practice)])
}

/// Of somebody who is on its panel.
pub fn membership(identifier: &Identifier) -> Membership {
    Membership {
        panel: "hillside".into(),
        identifiers: vec![identifier.clone()],
        practitioner: None,
        care_manager: None,
        language: None,
        phone: None,
    }
}
