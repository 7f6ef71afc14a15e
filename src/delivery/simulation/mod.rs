//! The outbox under a virtual clock: the real worker, lanes, attempts, rules and embedded store, between partners that hang,
//! refuse, apply late and forget, a gateway that stands still and dies, and a disk that fails. All of a seed follows from its
//! number (docs/decisions/0019).

mod chance;
mod partner;
mod pausing;
mod run;
mod seeds;
mod shared;
mod site;
mod world;
