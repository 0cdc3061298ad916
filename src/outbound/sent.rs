//! Adds each SMS that a provider took to [`State::sent`], by which its delivery reports are recognised.
//!
//! The line is added unsynced: a power cut costs the reports of the last half minute, and no flash is worn.
//! The process that adds a line rewrites the file when half of it is old. A failure costs reports and is
//! logged; the SMS is sent all the same.

use std::io;

use super::hold::stamp_s;
use crate::config::Config;
use crate::limits::{SENT_FILE_BYTES_MAX, SENT_LOOK_BYTES, SENT_TURN_WAIT};
use crate::proto::provider::Verdict;
use crate::proto::record::envelope::Item;
use crate::proto::record::sent::{self, Sent, Sms};
use crate::state::State;
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::journal::{Journal, Turn};
use crate::sys::log::{self, Level};

/// Remembers an SMS that went over an interface, if its reports are wanted and the provider gave an id.
pub fn remember(config: &Config, interface: &str, item: &Item, verdict: &Verdict) {
    let Verdict::Sent {
        id: Some(id),
        parts,
        ..
    } = verdict
    else {
        return;
    };
    if !config.queue.reports {
        return;
    }
    let Some(state) = State::of(config) else {
        return;
    };
    let mut references = id.clone();
    for part in parts {
        references.push(',');
        references.push_str(part);
    }
    let line = Sms {
        at_s: stamp_s(),
        id: &item.id,
        interface,
        from: item.message.from.as_str(),
        to: item.message.to.as_str(),
        references: &references,
    };
    if let Err(error) = add(&state.sent(), &line.line()) {
        let words = format_args!(
            "out {}: its delivery reports will not be known: {}",
            item.id,
            Cause(&error)
        );
        log::event(Level::Warning, words);
    }
}

/// Returns the record of SMS that went out; empty if there is no such file.
pub fn known(config: &Config) -> io::Result<Sent> {
    let Some(journal) = State::of(config).map(|state| state.sent()) else {
        return Ok(Sent::default());
    };
    let folder = match journal.open() {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sent::default()),
        Err(error) => return Err(error),
    };
    let turn = journal.turn_in(folder, Deadline::after(SENT_TURN_WAIT))?;
    let file = journal.content(&turn, SENT_FILE_BYTES_MAX)?;
    Ok(Sent::parse(&file).unwrap_or_default())
}

fn add(journal: &Journal, line: &str) -> io::Result<()> {
    let turn = journal.turn(Deadline::after(SENT_TURN_WAIT))?;
    let added = u64::try_from(line.len()).unwrap_or(u64::MAX);
    let step = |bytes: u64| bytes.checked_div(SENT_LOOK_BYTES);
    match journal.end(&turn) {
        Ok(end) => {
            let bytes = end.stamp.bytes;
            match step(bytes) == step(bytes.saturating_add(added)) {
                true => end.append(line.as_bytes()).map(drop),
                false => look(journal, &turn, line),
            }
        }
        Err(_) => look(journal, &turn, line),
    }
}

/// Adds a line to a file that has grown by [`SENT_LOOK_BYTES`] or does not exist yet, and checks the file
/// first.
fn look(journal: &Journal, turn: &Turn, line: &str) -> io::Result<()> {
    let file = journal.content(turn, SENT_FILE_BYTES_MAX)?;
    if let Some(mut sent) = Sent::parse(&file) {
        sent.take_in(line.as_bytes());
        let anew = sent.encode(stamp_s());
        return match anew.len().saturating_mul(2) <= file.len() {
            true => journal.replace(turn, &anew),
            false => journal.end(turn)?.append(line.as_bytes()).map(drop),
        };
    }
    if journal.stamp(&turn.folder)?.is_some() {
        let loss = format_args!("delivery reports of SMS before this one will not be known");
        journal.give_up(turn, "no file of this version", loss)?;
    }
    journal.replace(turn, sent::file(line).as_bytes())
}
