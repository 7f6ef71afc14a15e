//! `/openapi.json`: the whole HTTP interface for machines. Pages for people are none of it.

use actix_web::http::header::{CACHE_CONTROL, ContentType, VARY};
use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::Fault;
use super::cds_hooks;
use super::fhir::{Caller, described};
use super::offer::Offer;
use super::openapi::{About, Paths, add, document};
use super::service::Service;
use super::table::{MESSAGES, OFFERS};

/// The statuses of faults that any answer may have.
const FAULTS: [u16; 4] = [400, 408, 429, 503];

pub async fn whole(service: web::Data<Service>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let caller = Caller::of(&service, &request)?;
    let site = service.gateway.site.load_full();
    let base_url = &site.settings.base_url;
    let body = caller.told(&site, "whole", || {
        let mut described = described(&caller, &site.profiles, "/fhir");
        let paths = &mut described.paths;
        describe(paths, &OFFERS, "", "Gateway");
        describe(paths, &cds_hooks::OFFERS, "/cds-services", "CDS Hooks");
        describe(paths, &[MESSAGES], "", "Messages");
        document("Handover", base_url, base_url, &caller.types(), described).to_string()
    });
    let mut response = HttpResponse::Ok();
    response.insert_header(ContentType::json()).insert_header((CACHE_CONTROL, caller.cached()));
    Ok(response.insert_header((VARY, "authorization")).body(body))
}

fn describe<Does: Copy + std::fmt::Debug>(paths: &mut Paths, offers: &[Offer<Does>], before: &str, tag: &str) {
    for offer in offers {
        let about = About {
            path: format!("{before}{}", offer.path),
            id: format!("{tag} {}", offer.title).replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"),
            tag,
            kind: "Bundle",
            parameters: Vec::new(),
            faults: &FAULTS,
        };
        add(paths, offer, about);
    }
}
