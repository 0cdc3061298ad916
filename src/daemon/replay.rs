//! `websmsd --replay ID`: delivers a kept request as call files, with or without a running daemon.

use std::path::Path;

use super::{Fault, beside, load_and_enter};
use crate::config::Config;
use crate::inbound::{self, Replayed};
use crate::limits::KEPT_FILE_BYTES_MAX;
use crate::proto::record::kept::Kept;
use crate::state::State;
use crate::sys::files::{self, Links};
use crate::sys::log::{self, Stderr};
use crate::sys::stdio::{complain, print};

/// The exit code if there is no acceptable message.
const EXIT_NOT_ACCEPTABLE: u8 = 1;
/// The exit code if a file or the configuration cannot be used.
const EXIT_FAULT: u8 = 2;
/// The exit code if the spool cannot take it for now.
const EXIT_LATER: u8 = 75;

/// Delivers the request that was kept as `file` (an id, or else a path), and prints each step on stdout.
/// Returns the exit code.
pub fn replay(config: &Path, file: &Path, stderr: Stderr) -> u8 {
    log::open("websmsd", stderr);
    let mut say = |line: &str| print([line, "\n"].concat().as_bytes());
    let config = match load_and_enter(config) {
        Ok(config) => config,
        Err(fault) => return fault.told(fault.exit),
    };
    let kept = match read(file, &config) {
        Ok(kept) => kept,
        Err(fault) => {
            let file = file.display();
            complain(format_args!("websmsd: {file}: no kept request: {fault}"));
            return EXIT_FAULT;
        }
    };
    let address = kept.address.map_or("-".to_owned(), |it| it.to_string());
    let (method, bytes) = (kept.method.as_str(), kept.body.len());
    say(&format!("request: {method}, {bytes} bytes, from {address}"));
    // A request that is refused once more is kept already.
    let setup = match beside::open(config, None) {
        Ok(setup) => setup,
        Err(fault) => return fault.told(EXIT_LATER),
    };
    let replayed = inbound::replay(&setup, &kept, &mut say);
    beside::close(&setup);
    match replayed {
        Replayed::Delivered => 0,
        Replayed::NotAcceptable => EXIT_NOT_ACCEPTABLE,
        Replayed::NoInterface => EXIT_FAULT,
        Replayed::Failed => EXIT_LATER,
    }
}

impl Fault {
    /// Prints the fault on stderr and returns the given exit code.
    pub(super) fn told(&self, exit: u8) -> u8 {
        for line in &self.lines {
            complain(format_args!("websmsd: {line}"));
        }
        exit
    }
}

fn read(file: &Path, config: &Config) -> Result<Kept, String> {
    let folder = State::of(config).map(|state| state.rejected());
    let of_id = folder
        .zip(file.to_str())
        .filter(|(folder, id)| folder.has_id(id));
    let bytes = match of_id {
        Some((folder, id)) => folder.read(id, KEPT_FILE_BYTES_MAX),
        None => files::read(file, KEPT_FILE_BYTES_MAX, Links::Follow),
    };
    let bytes = bytes.map_err(|error| error.to_string())?;
    Kept::parse(&bytes).map_err(|bad| bad.to_string())
}
