//! Pages for people: what came in, what became of it, what is owed, what was delivered. Every page needs a login; what
//! a page shows, a person of this gateway's own organisation sees, as far as it is for what they do and of their patients; each login, each
//! look at a patient and each action are audited.

mod access;
#[cfg(test)]
mod access_tests;
mod assets;
mod badge;
mod caseload;
mod codes;
mod compare;
mod deliveries;
mod delivery;
mod door;
mod fault;
mod flows;
mod for_you;
mod form_key;
mod given_name;
mod guesses;
mod highlight;
mod huddle;
mod labels;
mod lane;
mod live;
mod login;
mod look;
mod measures;
mod menu;
mod menu_kept;
mod messages;
mod openid;
mod overview;
mod own;
mod page;
mod part;
mod patient;
mod patient_line;
mod people;
mod plot;
mod practice;
mod pulse;
mod referrals;
mod replay;
mod resource;
mod routes;
mod saved;
mod session;
mod standing;
mod state;
mod tasks;
mod thing;
mod thread;
mod trace;
mod track;
mod turn;
mod unused;
mod when;
mod who;
mod work;
mod work_act;
mod work_place;
mod work_row;

pub use pulse::Pulse;
pub use routes::configure;
pub use session::Sessions;
pub use state::Console;
