//! What HTTP says of a request that is not read as a message: the sender, the form or the moment is wrong (RFC 9110, 15.5).

use actix_web::HttpResponse;
use actix_web::http::header::{ACCEPT, ALLOW, ContentType, RETRY_AFTER, WWW_AUTHENTICATE};

/// Why a request is refused. The texts go to the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is no such feed, or it does not take messages over HTTP")]
    UnknownFeed,
    #[error("messages are posted")]
    Method,
    #[error("show the feed's bearer token or client certificate")]
    NoCredential,
    #[error("the bearer token is not one of this feed")]
    WrongToken,
    #[error("the client certificate is not one of this feed")]
    Stranger,
    #[error("send one message or batch, uncompressed, as application/hl7-v2 in a known character set")]
    UnsupportedContent,
    #[error("the body is empty; send one message or a batch")]
    Empty,
    #[error("the body is larger than the {allowed} bytes this feed takes")]
    TooLarge { allowed: usize },
    #[error("the body did not come in time")]
    TooSlow,
    #[error("the body broke off")]
    Broken,
    #[error("this feed has as many requests under way as it may; send again in a moment")]
    TooMany,
    #[error("the message could not be processed; send it again")]
    Failed,
}

impl Refusal {
    pub fn respond(self) -> HttpResponse {
        let mut response = match self {
            Self::UnknownFeed => HttpResponse::NotFound(),
            Self::Method => HttpResponse::MethodNotAllowed(),
            Self::NoCredential | Self::WrongToken => HttpResponse::Unauthorized(),
            Self::Stranger => HttpResponse::Forbidden(),
            Self::UnsupportedContent => HttpResponse::UnsupportedMediaType(),
            Self::Empty | Self::Broken => HttpResponse::BadRequest(),
            Self::TooLarge { .. } => HttpResponse::PayloadTooLarge(),
            Self::TooSlow => HttpResponse::RequestTimeout(),
            Self::TooMany => HttpResponse::TooManyRequests(),
            Self::Failed => HttpResponse::ServiceUnavailable(),
        };
        match self {
            Self::NoCredential => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"hl7\""));
            }
            Self::WrongToken => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"hl7\", error=\"invalid_token\""));
            }
            Self::Method => {
                response.insert_header((ALLOW, "POST"));
            }
            Self::TooMany | Self::Failed => {
                response.insert_header((RETRY_AFTER, 1));
            }
            Self::UnsupportedContent => {
                response.insert_header((ACCEPT, "application/hl7-v2"));
            }
            // Nothing lost: other refusals need no header.
            _ => {}
        }
        response.content_type(ContentType::plaintext()).body(self.to_string())
    }
}
