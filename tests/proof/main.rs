//! Hostile peers, broken disks, sudden deaths and other people's programs: proofs that take their time.
//!
//! Each test prints what it counted. They run one at a time, since some measure how fast others are served.

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
