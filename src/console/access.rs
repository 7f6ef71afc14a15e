//! Who may open which page: one row for each address, with what people do who may use it. What has no row nobody may use, and what is
//! not for somebody is for them as if it were not there.

use actix_web::http::Method;

use super::session::{Asks, Person};
use crate::site::Panels;
use crate::site::StaffRole::{self, CareManager, Clinician, Coach, Engineer, FrontDesk, Operator, PrivacyOfficer};

/// For whom an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Also for who is not logged in.
    Anybody,
    /// For whoever is logged in.
    Everybody,
    Of(&'static [StaffRole]),
    /// For those of these who are shown what is restricted, of all patients.
    Trusted(&'static [StaffRole]),
}

pub(super) struct Row {
    pub method: Method,
    pub path: &'static str,
    pub audience: Audience,
    pub asks: Asks,
}

const fn get(path: &'static str, audience: Audience) -> Row {
    Row { method: Method::GET, path, audience, asks: Asks::Person }
}

const fn post(path: &'static str, audience: Audience) -> Row {
    Row { method: Method::POST, path, audience, asks: Asks::Person }
}

const fn by_itself(path: &'static str, audience: Audience) -> Row {
    Row { method: Method::GET, path, audience, asks: Asks::Page }
}

const CARE: Audience = Audience::Of(&[FrontDesk, CareManager, Coach, Clinician]);
/// Who takes somebody into a programme, and out of it.
const ENROLS: Audience = Audience::Of(&[CareManager, Clinician]);
/// Who does something that may be taken back; of what, is asked where it is.
const UNDOES: Audience = Audience::Of(&[FrontDesk, CareManager, Coach, Clinician, PrivacyOfficer]);
const OPERATION: Audience = Audience::Of(&[Engineer, Operator]);
const RECORD: Audience = Audience::Of(&[FrontDesk, CareManager, Coach, Clinician, Engineer, PrivacyOfficer]);
const SOURCE: Audience = Audience::Of(&[CareManager, Coach, Clinician, Engineer, PrivacyOfficer]);
const LABELS: Audience = Audience::Trusted(&[Clinician, PrivacyOfficer]);
const DELIVERIES: Audience = Audience::Of(&[Engineer, Operator, PrivacyOfficer]);
/// Of those who look after deliveries, the ones who may see what stands in a record.
const PAYLOADS: Audience = Audience::Of(&[Engineer, PrivacyOfficer]);
const PRIVACY: Audience = Audience::Of(&[PrivacyOfficer]);
const ENGINEERS: Audience = Audience::Of(&[Engineer]);

/// Every address of the console below `/console`.
pub(super) const ROWS: &[Row] = &[
    get("/login", Audience::Anybody),
    post("/login", Audience::Anybody),
    get("/login/openid", Audience::Anybody),
    get("/login/openid/back", Audience::Anybody),
    post("/login/openid/logout", Audience::Anybody),
    get("/console.css", Audience::Anybody),
    get("/console.js", Audience::Anybody),
    post("/logout", Audience::Everybody),
    get("/home", Audience::Everybody),
    by_itself("/live", Audience::Everybody),
    get("/work", CARE),
    post("/work", CARE),
    post("/views", CARE),
    by_itself("/news", CARE),
    post("/work/{id}", CARE),
    post("/undo", UNDOES),
    get("/for-you", RECORD),
    get("/for-you/{id}", RECORD),
    post("/for-you/{id}", RECORD),
    by_itself("/unread", RECORD),
    get("/tasks", CARE),
    get("/huddle", CARE),
    get("/referrals", CARE),
    get("/caseload", CARE),
    get("/measures", CARE),
    get("/measures/table", CARE),
    get("/measures/report", CARE),
    get("/labels", LABELS),
    post("/labels/{type}/{id}", LABELS),
    get("/patients", RECORD),
    get("/patients/{id}", RECORD),
    get("/patients/{id}/records", RECORD),
    get("/patients/{id}/disclosures", PRIVACY),
    get("/patients/{id}/disclosures/table", PRIVACY),
    get("/patients/{id}/plan", CARE),
    post("/patients/{id}/answers", CARE),
    post("/patients/{id}/goals", CARE),
    post("/patients/{id}/barriers", CARE),
    post("/patients/{id}/programme", ENROLS),
    get("/resources/{type}/{id}", SOURCE),
    get("", OPERATION),
    by_itself("/overview", OPERATION),
    get("/messages", ENGINEERS),
    get("/messages/{sequence}", ENGINEERS),
    get("/messages/{sequence}/raw", ENGINEERS),
    post("/messages/{sequence}/replay", ENGINEERS),
    get("/replay", ENGINEERS),
    post("/replay", ENGINEERS),
    get("/replay/run", ENGINEERS),
    post("/replay/stop", ENGINEERS),
    post("/replay/resume", ENGINEERS),
    get("/compare", ENGINEERS),
    post("/compare", ENGINEERS),
    post("/compare/stop", ENGINEERS),
    by_itself("/compare/progress", ENGINEERS),
    get("/compare/{sequence}", ENGINEERS),
    get("/coverage", ENGINEERS),
    post("/coverage", ENGINEERS),
    post("/coverage/stop", ENGINEERS),
    by_itself("/coverage/progress", ENGINEERS),
    get("/maps", ENGINEERS),
    get("/maps/try", ENGINEERS),
    post("/maps/try", ENGINEERS),
    post("/maps/file", ENGINEERS),
    get("/unused", ENGINEERS),
    post("/unused/{id}", ENGINEERS),
    get("/unused/{id}/code", ENGINEERS),
    get("/unused/{id}/file", ENGINEERS),
    get("/flows", DELIVERIES),
    get("/deliveries", DELIVERIES),
    get("/deliveries/{id}", DELIVERIES),
    get("/deliveries/{id}/payload", PAYLOADS),
    post("/deliveries/{id}/retry", OPERATION),
    post("/deliveries/{id}/drop", OPERATION),
    post("/partners/{partner}", OPERATION),
];

/// Where somebody goes after the login: the first of these pages that they may open.
pub(super) fn home(person: &Person) -> &'static str {
    let pages = ["/console/work", "/console", "/console/labels", "/console/deliveries"];
    let has_account = person.login.is_some();
    pages.into_iter().find(|page| has_account && may_open(person, page)).unwrap_or("/console")
}

/// The row of an address as it is registered: `/messages/{sequence}`.
pub(super) fn row(method: &Method, path: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.method == method && row.path == path)
}

/// Whether somebody may open the page at an address as it is registered: `/console/tasks`.
pub(super) fn may_open(person: &Person, address: &str) -> bool {
    let row = address.strip_prefix("/console").and_then(|path| row(&Method::GET, path));
    row.is_some_and(|row| may(person, row.audience))
}

/// Whether somebody may press what is sent to an address as it is registered: `/console/replay`.
pub(super) fn may_press(person: &Person, address: &str) -> bool {
    let row = address.strip_prefix("/console").and_then(|path| row(&Method::POST, path));
    row.is_some_and(|row| may(person, row.audience))
}

pub(super) fn may(person: &Person, audience: Audience) -> bool {
    match audience {
        Audience::Anybody | Audience::Everybody => true,
        Audience::Of(roles) => person.has_any(roles),
        Audience::Trusted(roles) => person.has_any(roles) && person.sensitive && person.panels == Panels::All,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What `routes.rs` registers, by method and path.
    fn registered() -> BTreeSet<(String, String)> {
        let text = include_str!("routes.rs");
        let routes = text.split(".route(\"").skip(1).filter_map(|rest| {
            let (path, rest) = rest.split_once("\", web::")?;
            Some((rest.split('(').next()?.to_uppercase(), path.to_string()))
        });
        // The site's root leads to the console and is not below it.
        routes.filter(|(_, path)| path != "/").collect()
    }

    #[test]
    fn every_route_has_its_row_and_every_row_its_route() {
        let rows: BTreeSet<(String, String)> =
            ROWS.iter().map(|row| (row.method.to_string(), row.path.to_string())).collect();
        assert_eq!(rows.len(), ROWS.len(), "one row for each");
        assert_eq!(rows, registered());
    }

    #[test]
    fn whoever_can_be_told_about_a_patient_may_open_their_page() {
        let Some(Row { audience: Audience::Of(roles), .. }) = row(&Method::GET, "/for-you/{id}") else { panic!() };
        assert!(StaffRole::ALL.iter().all(|role| roles.contains(role) == role.sees_patients()));
    }

    #[test]
    fn whoever_does_something_is_given_a_page_for_it() {
        for role in StaffRole::ALL {
            let has_page = ROWS.iter().any(|row| matches!(row.audience, Audience::Of(roles) if roles.contains(&role)));
            assert!(has_page, "{role:?}");
        }
    }

    #[test]
    fn a_button_is_for_whoever_may_press_it_and_not_for_whoever_may_see_the_page() {
        for button in ["/partners/{partner}", "/deliveries/{id}/retry", "/deliveries/{id}/drop"] {
            let Some(Row { audience: Audience::Of(roles), .. }) = row(&Method::POST, button) else {
                panic!("{button}")
            };
            assert!(roles.contains(&Operator) && !roles.contains(&PrivacyOfficer), "{button}");
        }
    }
}
