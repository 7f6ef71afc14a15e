//! What people of the site say to each other about a task: whom a note names, the Communication that tells them, and that they read it.

mod communication;
mod named;
mod tell;

pub use communication::Message;
pub use named::{MOST_NAMED, named};
pub use tell::{Heard, MOST_UNREAD, Unread, Words};
