//! What messages come to: each message and story in `fixtures/messages` against the result beside it, stories in every
//! order, and the corpus of other people's messages. `HANDOVER_GOLDEN=write cargo test --test golden` rewrites the results;
//! read the difference before committing it.

mod cases;
mod corpus;
mod house;
mod orders;
mod page;
mod stories;
mod story;
