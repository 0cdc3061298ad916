//! Proofs that take their time, with hostile peers, broken disks, crashes and other people's programs.
//!
//! Each test prints its counts. They run one at a time, because some measure how fast others are served.

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

mod calls;
mod conformance;
mod crash;
mod crash_inbox;
mod disks;
mod disks_inbox;
mod disks_queue;
mod hostile;
