//! Tests the real program from outside, and the parts of the library that need real files and sockets.
//!
//! All tests are one binary: the rig is compiled once, the program's library is linked once, and the tests
//! of all files wait side by side. They share one process, so none may change its environment, working
//! folder, umask, limits or signals: a test that needs others starts a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test that panics has failed, which is its job; what is printed are counts"
)]

#[path = "../rig/mod.rs"]
mod rig;

mod agi;
mod authorities;
mod crowd;
mod docs;
mod duplicates;
mod golden_ini;
mod handshakes;
mod hooks;
mod inbound;
mod inbox;
mod kept;
mod log;
mod long;
mod manage;
mod multicall;
mod notice;
mod outbound;
mod parts;
mod poll;
mod privileges;
mod provider_polls;
mod provider_reports;
mod providers;
mod queue;
mod queue_faults;
mod quota;
mod recorded;
mod reports;
mod rig_self;
mod samples;
mod selftest;
mod signatures;
mod spool;
mod status;
mod status_page;
mod tls;
mod trace;
