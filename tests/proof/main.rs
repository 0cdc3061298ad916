//! Hostile peers, broken disks, sudden deaths and other people's programs: proofs that take their time.
//!
//! Each test prints what it counted. They run one at a time, since some measure how fast others are served.

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
