//! The `handover` command line: one file per command. Exit codes: 0 all is well, 1 something was found wrong, 2 the
//! command itself could not run.

mod agreement;
mod backup;
mod check;
mod command;
mod completions;
mod console;
mod delivery;
mod demo;
mod describe;
mod diff;
mod explain;
mod feed_choice;
mod health;
mod huddle;
mod init;
mod look;
mod manual;
mod measures;
mod message;
mod mutate;
mod operation;
mod outcome;
mod page;
mod panel;
mod people;
mod place;
mod profiles;
mod protocol;
mod protocol_try;
mod reach;
mod reload;
mod replay;
mod restore;
mod run;
mod screen;
mod sought;
mod story;
mod table;
mod terminology;
mod test;
mod try_message;
mod unused;
mod validate;
mod verify;

pub use command::main;
