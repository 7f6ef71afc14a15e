//! `POST /cds-services/{id}` (https://cds-hooks.hl7.org/2.0/#calling-a-cds-service): the cards of the patient whose chart is
//! open, each only if the agreements let the partner see what it is about.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::caller::caller;
use super::discovery::hook_of;
use super::find::find;
use super::request::HookRequest;
use crate::agreement::Exit;
use crate::fhir::Resource;
use crate::identity::PersonId;
use crate::problem::Category;
use crate::protocol::{Card, bundled};
use crate::web::access::{Reader, Verdict};
use crate::web::answer::{Fault, write_json};
use crate::web::client::Client;
use crate::web::service::Service;

/// Of the newest; enough for every rule that looks back.
const OBSERVATIONS: usize = 300;

/// A card's words come from these; a card about what is left out for the partner is not shown.
const SPOKEN: [&str; 2] = ["description", "code"];

pub async fn call(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Json<HookRequest>,
) -> Result<HttpResponse, Fault> {
    let hook = hook_of(&path).ok_or_else(|| Fault::not_found("there is no such service; see /cds-services"))?;
    let client = caller(&service, &request, &format!("/cds-services/{path}")).await?;
    if body.hook != hook {
        return Err(Fault::bad_request(Category::Value, "hook is not the one of this service"));
    }
    if body.hook_instance.is_empty() || body.hook_instance.len() > 128 {
        return Err(Fault::bad_request(Category::Required, "hookInstance is missing"));
    }
    let cards = match find(&*service.gateway.store, &body).await? {
        Some(person) => cards_of(&service, &client, person, hook).await?,
        None => Vec::new(),
    };
    Ok(write_json(StatusCode::OK, &json!({ "cards": cards })))
}

async fn cards_of(service: &Service, client: &Client, person: PersonId, hook: &str) -> Result<Vec<Value>, Fault> {
    let gateway = &service.gateway;
    let site = gateway.site.load_full();
    let known = gateway.load(person, OBSERVATIONS).await?;
    let (known, cards) = gateway.cards_now(&site, known, hook);

    let mut reader = Reader::new(service, client, Exit::Card);
    let mut shown = Vec::new();
    for card in cards {
        let Some(stored) = known.record.get(&card.about.0, card.about.1) else { continue };
        let whole = stored.resource.clone();
        if let Verdict::Shown(seen) = reader.judge(stored.clone()).await?
            && speaks_of_nothing_hidden(&whole, &seen.into_resource())
        {
            shown.push(card);
        }
    }
    reader.finish(&format!("cards for {hook}")).await?;
    Ok(bundled(shown).iter().map(write).collect())
}

fn speaks_of_nothing_hidden(whole: &Resource, seen: &Resource) -> bool {
    SPOKEN.iter().all(|element| whole.get(element) == seen.get(element))
}

fn write(card: &Card) -> Value {
    serde_json::to_value(card).unwrap_or_default()
}
