//! `POST /cds-services/{id}/feedback` (https://cds-hooks.hl7.org/2.0/#feedback): an accepted suggestion or an override with a
//! reason answers the prompt that the card asked. Free text that comes along is not kept.

use actix_web::{HttpRequest, HttpResponse, web};

use super::caller::caller;
use super::discovery::hook_of;
use super::request::{CardFeedback, Feedback};
use crate::agreement::Exit;
use crate::identity::ResourceId;
use crate::problem::Category;
use crate::web::access::{Reader, Verdict};
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::service::Service;

/// Cards in one request.
const CARDS: usize = 50;

pub async fn feedback(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Json<Feedback>,
) -> Result<HttpResponse, Fault> {
    hook_of(&path).ok_or_else(|| Fault::not_found("there is no such service; see /cds-services"))?;
    let client = caller(&service, &request, &format!("/cds-services/{path}/feedback")).await?;
    if body.feedback.len() > CARDS {
        return Err(Fault::bad_request(Category::TooCostly, format!("feedback on more than {CARDS} cards")));
    }
    let answers = body.feedback.iter().map(|one| one.accepted_suggestions.len()).sum::<usize>();
    if answers > CARDS {
        return Err(Fault::bad_request(Category::TooCostly, format!("more than {CARDS} accepted suggestions")));
    }
    for one in &body.feedback {
        for (flag, answer) in answers_of(one)? {
            give(&service, &client, flag, &answer).await?;
        }
    }
    Ok(HttpResponse::Ok().finish())
}

/// The prompts' Flags and the answers; none when the card was seen and nothing was said. A card that stands for several takes
/// an answer to each.
fn answers_of(feedback: &CardFeedback) -> Result<Vec<(ResourceId, String)>, Fault> {
    let unknown = || Fault::bad_request(Category::Value, "card is not the uuid of a card of this service");
    let card: ResourceId = feedback.card.parse().map_err(|_| unknown())?;
    let split = |id: &str| {
        let (flag, answer) = id.split_once('.')?;
        Some((flag.parse().ok()?, answer.to_string()))
    };
    match feedback.outcome.as_str() {
        "accepted" => {
            feedback.accepted_suggestions.iter().map(|accepted| split(&accepted.id).ok_or_else(unknown)).collect()
        }
        "overridden" => {
            let reason = feedback.override_reason.as_ref().and_then(|why| why.reason.as_ref());
            let answer = reason.map(|reason| reason.code.clone()).filter(|code| !code.is_empty());
            Ok(answer.map(|answer| (card, answer)).into_iter().collect())
        }
        _ => Err(Fault::bad_request(Category::Value, "outcome must be accepted or overridden")),
    }
}

/// What an answer writes: the question falls silent.
const WRITES: &str = "Flag.status";

/// Only who may see the card may answer it, and only where an agreement lets it send answers; to others there is none.
async fn give(service: &Service, client: &Client, flag: ResourceId, answer: &str) -> Result<(), Fault> {
    let absent = || Fault::not_found("there is no such card");
    let mut reader = Reader::new(service, client, Exit::Card);
    let permitted = match service.gateway.store.resource("Flag", flag).await? {
        Some(stored) => match reader.judge(stored.clone()).await? {
            Verdict::Denied => Err(absent()),
            Verdict::Shown(_) => reader.admit(&stored, WRITES).await?,
        },
        None => {
            reader.seek_in_vain("Flag", flag).await?;
            Err(absent())
        }
    };
    reader.finish("Flag").await?;
    permitted?;
    service.gateway.answer(flag, answer, &client.partner).await.map(|_| ()).map_err(|problem| {
        let status = match problem.category {
            Category::Transient => actix_web::http::StatusCode::SERVICE_UNAVAILABLE,
            Category::NotFound => actix_web::http::StatusCode::NOT_FOUND,
            _ => actix_web::http::StatusCode::BAD_REQUEST,
        };
        Fault { status, problem: Box::new(problem), retry_after_secs: None, header: None }
    })
}
