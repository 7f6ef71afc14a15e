//! The `handover` command line: one file per command. Exit codes: 0 all is well, 1 something was found wrong, 2 the
//! command itself could not run.

mod check;
mod command;
mod init;
mod screen;
mod table;

pub use command::main;
