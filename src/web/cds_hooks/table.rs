//! What is at the addresses below `/cds-services` (https://cds-hooks.hl7.org/2.0/).

use crate::web::offer::Content::{Json, Nothing};
use crate::web::offer::Method::{Get, Post};
use crate::web::offer::{Offer, Who};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Discovery,
    Call,
    Feedback,
}

pub const OFFERS: [Offer<Does>; 3] = [
    Offer::new(Does::Discovery, Get, "", "CDS Hooks discovery").gives(&[(200, Json("Object"))]),
    Offer::new(Does::Call, Post, "/{id}", "Cards about a patient")
        .of(Who::Partner)
        .takes(Json("Object"))
        .gives(&[(200, Json("Object"))])
        .faults(&[404, 412, 413, 415]),
    Offer::new(Does::Feedback, Post, "/{id}/feedback", "What became of cards")
        .of(Who::Partner)
        .takes(Json("Object"))
        .gives(&[(200, Nothing)])
        .faults(&[404, 413, 415]),
];
