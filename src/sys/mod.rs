//! Wraps the operating system thinly, with one resource per file. It moves bytes and does not know their
//! meaning.

pub mod boot;
pub mod cause;
pub mod client;
pub mod clock;
pub mod directory;
pub mod events;
pub mod files;
pub mod hook;
pub mod journal;
pub mod kept;
pub mod listener;
pub mod lock;
pub mod log;
pub mod processes;
pub mod queue;
pub mod ready;
pub mod sharing;
pub mod signals;
pub mod spool;
pub mod stdio;
pub mod stream;
pub mod tally;
pub mod threads;
pub mod tls;
pub mod user;
pub mod watch;
