//! `websmsd --poll`: polls the providers once, with or without a running daemon.

use std::path::Path;

use super::setup::rejected;
use super::{beside, load_and_enter};
use crate::poll::{Asked, once};
use crate::sys::log::{self, Stderr};
use crate::sys::stdio::print;

/// Exit code if the index names no interface that is polled.
const EXIT_FAULT: u8 = 2;
/// Exit code if a list could not be read to its end, or the spool cannot take its SMS.
const EXIT_LATER: u8 = 75;

/// Polls for the interface with this index, or for all, and prints each step on stdout. Returns the exit code.
pub fn poll(config: &Path, index: Option<&str>, stderr: Stderr) -> u8 {
    log::open("websmsd", stderr);
    let config = match load_and_enter(config) {
        Ok(config) => config,
        Err(fault) => return fault.told(fault.exit),
    };
    let rejected = rejected(&config);
    let setup = match beside::open(config, rejected) {
        Ok(setup) => setup,
        Err(fault) => return fault.told(EXIT_LATER),
    };
    let mut say = |line: &str| print([line, "\n"].concat().as_bytes());
    let asked = once(&setup, index, &mut say);
    beside::close(&setup);
    match asked {
        Asked::Good => 0,
        Asked::Failed => EXIT_LATER,
        Asked::Nobody => EXIT_FAULT,
    }
}
