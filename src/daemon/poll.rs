//! `websmsd --poll`: the providers are asked once, with or without a running daemon.

use std::path::Path;
use std::sync::Arc;

use super::{duplicates, enter, load_config, rejected, usable};
use crate::inbound::{Setup, spool_settings};
use crate::poll::{Asked, once};
use crate::sys::log::{self, Stderr};
use crate::sys::spool::Spool;
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
    let spool = match usable(Spool::open(&spool_settings(&config.spool))) {
        Ok(spool) => spool,
        Err(fault) => return fault.told(EXIT_LATER),
    };
    let setup = Setup {
        spool,
        duplicates: duplicates(&config, None),
        rejected: rejected(&config),
        reports: None,
        certificate: None,
        on_message: config.listening.on_message.clone(),
        // Of another process's counts nobody hears.
        status: None,
        config: Arc::new(config),
    };
    let mut say = |line: &str| print([line, "\n"].concat().as_bytes());
    match once(&setup, index, &mut say) {
        Asked::Good => 0,
        Asked::Failed => EXIT_LATER,
        Asked::Nobody => EXIT_FAULT,
    }
}
