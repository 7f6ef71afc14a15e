//! Applying a map set to a message.

mod body;
mod code;
mod condition;
mod convert;
mod data;
mod deletion;
mod draft;
mod event;
mod key;
mod labels;
mod measured;
mod notice;
mod number;
mod quantity;
mod read;
mod run;
mod structure;
mod template;
mod time;
#[cfg(test)]
mod time_tests;
mod unread;
mod whole;

pub(super) use run::Run;

#[cfg(test)]
mod code_tests;
#[cfg(test)]
mod label_tests;
#[cfg(test)]
mod readings_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unread_tests;
