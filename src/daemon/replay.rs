//! `websmsd --replay FILE`: a kept request → call files, with or without a running daemon.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Fault, duplicates, load_config, open_spool};
use crate::inbound::{self, Replayed, Setup};
use crate::limits::KEPT_FILE_BYTES_MAX;
use crate::proto::kept::Kept;
use crate::sys::files::{self, Links};
use crate::sys::hook;
use crate::sys::log::{self, Stderr};

/// No acceptable message.
const EXIT_NOT_ACCEPTABLE: u8 = 1;
/// A file or configuration that cannot be used.
const EXIT_FAULT: u8 = 2;
/// The spool cannot take it for now.
const EXIT_LATER: u8 = 75;

/// Delivers the request in `file`, saying each step on stdout.
pub fn replay(config: &Path, file: &Path, stderr: Stderr) -> ExitCode {
    log::open("websmsd", stderr);
    let mut stdout = io::stdout().lock();
    // That nobody reads it changes nothing.
    let mut say = |line: &str| drop(writeln!(stdout, "{line}"));
    let complain = |line: &str| drop(writeln!(io::stderr(), "websmsd: {line}"));
    let shown = file.display();

    let read = files::read(file, KEPT_FILE_BYTES_MAX, Links::Follow);
    let parsed = read
        .map_err(|error| error.to_string())
        .and_then(|bytes| Kept::parse(&bytes).map_err(|bad| bad.to_string()));
    let kept = match parsed {
        Ok(kept) => kept,
        Err(fault) => {
            complain(&format!("{shown}: no kept request: {fault}"));
            return ExitCode::from(EXIT_FAULT);
        }
    };
    say(&format!(
        "request: {}, {} bytes, from {}",
        kept.method.as_str(),
        kept.body.len(),
        kept.address.map_or("-".to_owned(), |it| it.to_string())
    ));
    let fail = |fault: Fault, exit| {
        fault.lines.iter().for_each(|line| complain(line));
        ExitCode::from(exit)
    };
    let config = match load_config(config) {
        Ok(config) => config,
        Err(fault) => return fail(fault, EXIT_FAULT),
    };
    let spool = match open_spool(&config) {
        Ok(spool) => spool,
        Err(fault) => return fail(fault, EXIT_LATER),
    };
    let setup = Setup {
        spool,
        duplicates: duplicates(&config, None),
        // What is refused once more is there already.
        rejected: None,
        certificate: None,
        on_message: config.listening.on_message.clone(),
        // Of another process's counts nobody hears.
        status: None,
        config: Arc::new(config),
    };
    let replayed = inbound::replay(&setup, &kept, &mut say);
    hook::finish();
    ExitCode::from(match replayed {
        Replayed::Delivered => 0,
        Replayed::NotAcceptable => EXIT_NOT_ACCEPTABLE,
        Replayed::NoInterface => EXIT_FAULT,
        Replayed::Failed => EXIT_LATER,
    })
}
