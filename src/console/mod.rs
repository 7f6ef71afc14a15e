//! Pages for people: what came in, what became of it, what is owed, what was delivered. Every page needs a login; what
//! a page shows, a person of this gateway's own organisation sees; the login, each look at a patient and each action are audited.

mod assets;
mod deliveries;
mod fault;
mod highlight;
mod labels;
mod live;
mod look;
mod messages;
mod overview;
mod page;
mod part;
mod patient;
mod pulse;
mod resource;
mod routes;
mod session;
mod tasks;
mod trace;
mod unused;

pub use pulse::Pulse;
pub use routes::{Console, configure};
pub use session::Sessions;
