//! `websmsd --poll`: the providers are asked once, with or without a running daemon.

use std::path::Path;

use super::setup::rejected;
use super::{beside, enter, load_config};
use crate::poll::{Asked, once};
use crate::sys::log::{self, Stderr};
use crate::sys::stdio::print;

/// An index that asks nobody.
const EXIT_FAULT: u8 = 2;
/// A list that could not be read to its end, or a spool that cannot take what is in it.
const EXIT_LATER: u8 = 75;

/// Asks for the interface of this index, or for all, saying each step on stdout. Gives the exit code.
pub fn poll(config: &Path, index: Option<&str>, stderr: Stderr) -> u8 {
    log::open("websmsd", stderr);
    let entered = load_config(config).and_then(|it| enter(&it, config).map(|()| it));
    let config = match entered {
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
