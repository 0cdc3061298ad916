//! Reads and writes the file of known elements of a list, in the folder of our state.
//!
//! Invariant: a failure to write the file costs a repetition after a restart, never an SMS. If it cannot be
//! read, the provider is not polled, because the whole list would be delivered again.

use std::io;

use crate::limits::{POLL_FILE_BYTES_MAX, POLL_HELD_FILE_BYTES_MAX, SEEN_TURN_WAIT};
use crate::proto::record::poll::held;
use crate::proto::record::poll::known::{Known, lines};
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::journal::{Found, Journal};
use crate::sys::log::Level;

/// The elements that are known, and their file.
pub(super) struct Memory {
    journal: Journal,
    /// The known elements.
    pub known: Known,
    /// Whether the last line that was written says that a poll was on its way.
    is_open: bool,
    /// Whether it was logged that the file cannot be written.
    is_failing: bool,
}

impl Memory {
    /// Reads the file. If there is none, the list was never read.
    pub fn load(journal: Journal) -> io::Result<Memory> {
        let turn = journal.turn(Deadline::after(SEEN_TURN_WAIT))?;
        let mut memory = Memory {
            journal,
            known: Known::default(),
            is_open: true,
            is_failing: false,
        };
        let journal = &memory.journal;
        let (bytes, why) = match journal.read(&turn, POLL_FILE_BYTES_MAX)? {
            Found::Nothing => return Ok(memory),
            Found::File(bytes) => (bytes, "a line of it is none of ours".to_owned()),
            Found::Foreign(why) => (Vec::new(), why),
        };
        let (known, result) = Known::parse(&bytes);
        if result.is_err() {
            journal.give_up(&turn, &why, format_args!("its ids are known no more"))?;
            journal.replace(&turn, &known.encode())?;
        }
        memory.is_open = known.was_open();
        memory.known = known;
        Ok(memory)
    }

    /// Records the elements noted just now. The walk either came to its end, with `settled_s` as the time from
    /// which the next one asks, or is on its way. Nothing is written if there is nothing new.
    pub fn write(&mut self, noted: &[u64], settled_s: Option<u64>, since_s: u64) {
        let (word, since_s) = match settled_s {
            Some(settled_s) => ("good", settled_s),
            None => ("open", since_s),
        };
        if noted.is_empty() && !(self.is_open && settled_s.is_some()) {
            return;
        }
        match self.add(&lines(noted, word, since_s)) {
            Ok(()) => {
                self.is_open = settled_s.is_none();
                self.is_failing = false;
            }
            Err(error) if !self.is_failing => {
                self.is_failing = true;
                let words = Cause(&error);
                self.journal.log(
                    Level::Error,
                    format_args!("{words}; what a provider lists is known in memory only"),
                );
            }
            Err(_) => {}
        }
    }

    fn add(&self, lines: &[u8]) -> io::Result<()> {
        let turn = self.journal.turn(Deadline::after(SEEN_TURN_WAIT))?;
        let most = u64::try_from(self.known.file_bytes_max()).unwrap_or(u64::MAX);
        match self.journal.end(&turn) {
            // After a failed write some lines are in memory only, so the file is rewritten whole.
            Ok(end) if end.stamp.bytes < most && !self.is_failing => end.append(lines).map(drop),
            _ => self.journal.replace(&turn, &self.known.encode()),
        }
    }
}

/// Reads the elements that a list showed once, and that were not stored when the program ended.
pub(super) fn read_held(journal: &Journal) -> io::Result<Vec<Vec<u8>>> {
    let turn = journal.turn(Deadline::after(SEEN_TURN_WAIT))?;
    let file = journal.content(&turn, POLL_HELD_FILE_BYTES_MAX)?;
    Ok(held::parse(&file))
}

/// Writes down elements that are not stored yet, so that they outlive the program.
pub(super) fn write_held<'a>(
    journal: &Journal,
    elements: impl Iterator<Item = &'a [u8]>,
) -> io::Result<()> {
    let turn = journal.turn(Deadline::after(SEEN_TURN_WAIT))?;
    journal.replace(&turn, &held::encode(elements))
}
